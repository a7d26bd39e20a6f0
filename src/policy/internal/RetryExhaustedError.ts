/**
 * The error of a retry whose attempts ran out, for callers who want to know about all of them.
 */
import type * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import { isResilienceError, labelOf, withTraits } from "../ResilienceError.ts"

/**
 * The attempts ran out. `causes` are those of all attempts, in their order; `lastError` is the error of the last one, which
 * is what a caller gets when it does not ask for this wrapper.
 */
export class RetryExhaustedError<out E = unknown> extends withTraits({
  errorCode: "resilience.retry_exhausted",
  httpStatus: 503,
  category: "external_error",
  retryPolicy: "never",
  userMessage: "The service is temporarily unavailable. Please try again later."
}) {
  readonly _tag = "RetryExhaustedError"
  readonly lastError: E
  readonly causes: ReadonlyArray<Cause.Cause<E>>
  constructor(fields: {
    readonly service: string
    readonly lastError: E
    readonly causes: ReadonlyArray<Cause.Cause<E>>
    readonly retryAfter?: Duration.Duration | undefined
  }) {
    super(fields.service, fields.retryAfter)
    this.lastError = fields.lastError
    this.causes = fields.causes
  }
  /** How often the call was made. */
  get attempts(): number {
    return this.causes.length
  }
  override get cause(): E {
    return this.lastError
  }
  /** As the last error: whether attempts are counted or not says nothing about who refused. */
  override get isOwnSide(): boolean {
    return isResilienceError(this.lastError) && this.lastError.isOwnSide
  }
  get message(): string {
    return `the call of "${this.service}" failed ${this.attempts} times, last with ${labelOf(this.lastError)}`
  }
}
