/**
 * Policies for HTTP, on both sides.
 */
export * as ErrorResponse from "./ErrorResponse.ts"
export * as RequestDeadline from "./RequestDeadline.ts"
export * as ResilientHttpClient from "./ResilientHttpClient.ts"
