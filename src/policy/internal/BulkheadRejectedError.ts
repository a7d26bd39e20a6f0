/**
 * The error of a bulkhead.
 */
import type * as Duration from "effect/Duration"
import { withTraits } from "../ResilienceError.ts"

/**
 * The call was not made: as many calls as allowed ran already, and the queue was full or the wait in it too long. `limit` is
 * the number of calls that may run at once.
 */
export class BulkheadRejectedError extends withTraits({
  errorCode: "resilience.bulkhead_rejected",
  httpStatus: 503,
  category: "server_error",
  retryPolicy: "conditional",
  userMessage: "The service is under heavy load. Please try again later."
}) {
  readonly _tag = "BulkheadRejectedError"
  readonly reason: "full" | "queue-timeout"
  readonly limit: number
  constructor(fields: {
    readonly service: string
    readonly reason: "full" | "queue-timeout"
    readonly limit: number
    readonly retryAfter?: Duration.Duration | undefined
  }) {
    super(fields.service, fields.retryAfter)
    this.reason = fields.reason
    this.limit = fields.limit
  }
  get message(): string {
    const why = this.reason === "full" ? "its queue is full" : "the wait in its queue took too long"
    return `the bulkhead of "${this.service}" lets ${this.limit} calls run at once, and ${why}`
  }
  override get isOwnSide(): boolean {
    return true
  }
}
