import { ConnectionError, SqlError, StatementTimeoutError } from "effect/sql/SqlError"
import { withTraitsOf } from "../../policy/internal/wrappedRejection.ts"
import { isResilienceError } from "../../policy/ResilienceError.ts"
import { TimeoutExceededError } from "../../policy/Timeout.ts"
import type { Rejections } from "../../resilience/Resilience.ts"

/** Makes an error of our own policies one of the client, which keeps its traits. */
export const asSqlError = <E>(error: E | Rejections): Exclude<E, Rejections> | SqlError => {
  if (!isResilienceError(error)) return error as Exclude<E, Rejections>
  const Reason = error instanceof TimeoutExceededError ? StatementTimeoutError : ConnectionError
  return withTraitsOf(error, new SqlError({ reason: new Reason({ cause: error, message: error.message }) }))
}
