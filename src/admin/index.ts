/**
 * The admin API: status, events and commands over HTTP.
 */
export * as Api from "./Api.ts"
export * as Admin from "./Admin.ts"
