/**
 * Policies for HTTP, on both sides.
 */
export * as RequestDeadline from "./RequestDeadline.ts"
export * as ResilientHttpClient from "./ResilientHttpClient.ts"
