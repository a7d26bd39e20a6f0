import { ConnectionError, SqlError, StatementTimeoutError } from "effect/sql/SqlError"
import { type ErrorTraits, isResilienceError } from "../../policy/ResilienceError.ts"
import { TimeoutExceededError } from "../../policy/Timeout.ts"
import type { Rejections } from "../../resilience/Resilience.ts"

/** Makes an error of our own policies one of the client, which keeps its traits. */
export const asSqlError = <E>(error: E | Rejections): Exclude<E, Rejections> | SqlError => {
  if (!isResilienceError(error)) return error as Exclude<E, Rejections>
  const Reason = error instanceof TimeoutExceededError ? StatementTimeoutError : ConnectionError
  const { category, errorCode, httpStatus, retryAfter, retryPolicy, userMessage } = error
  const traits: ErrorTraits = { category, errorCode, httpStatus, retryAfter, retryPolicy, userMessage }
  return Object.assign(new SqlError({ reason: new Reason({ cause: error, message: error.message }) }), traits)
}
