/**
 * The errors of policies in the language of models: the interface of a `LanguageModel` knows only `AiError`.
 */
import * as AiError from "effect/ai/AiError"
import { isResilienceError, type ResilienceError } from "../../policy/ResilienceError.ts"

/** An error as a caller of a model expects it. It keeps the traits of the policy's error, so that it is classified alike. */
export const toAiError = (error: unknown, method: string): unknown => {
  if (!isResilienceError(error)) return error
  const { category, errorCode, httpStatus, message, retryAfter, retryPolicy, userMessage } = error
  const reason = new AiError.InternalProviderError({ description: message, metadata: { resilience: { errorCode } } })
  define(reason, retryAfter === undefined ? { cause: error } : { cause: error, retryAfter })
  const rejected = AiError.make({ module: "ResilientLanguageModel", method, reason })
  define(rejected, { errorCode, httpStatus, category, retryPolicy, userMessage })
  return rejected
}

/** The policy's error behind that of a model, if there is one. */
export const rejectionOf = (error: unknown): ResilienceError | undefined => {
  const cause = AiError.isAiError(error) ? (error.reason as { readonly cause?: unknown }).cause : undefined
  return isResilienceError(cause) ? cause : undefined
}

const define = (target: object, values: Readonly<Record<string, unknown>>): void => {
  for (const [name, value] of Object.entries(values)) Object.defineProperty(target, name, { value, enumerable: false })
}
