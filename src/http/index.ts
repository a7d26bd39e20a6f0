/**
 * Adapters to Effect's HTTP client and server.
 */
export * as ErrorResponse from "./ErrorResponse.ts"
