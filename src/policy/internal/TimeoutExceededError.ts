/**
 * The error of a call whose time was over.
 */
import * as Duration from "effect/Duration"
import { withTraits } from "../ResilienceError.ts"

/**
 * The time was over. `scope` tells whether it was the time of one attempt or the total of a deadline or, of a stream, the
 * wait for its first element or for the next one. `duration` tells how long it was, and `isStarted` is false when the
 * deadline had passed before the call, which was then not made.
 */
export class TimeoutExceededError extends withTraits({
  errorCode: "resilience.timeout",
  httpStatus: 504,
  category: "external_error",
  retryPolicy: "always",
  userMessage: "The service took too long to answer. Please try again."
}) {
  readonly _tag = "TimeoutExceededError"
  readonly scope: Scope
  readonly duration: Duration.Duration
  readonly isStarted: boolean
  constructor(fields: {
    readonly service: string
    readonly scope: Scope
    readonly duration: Duration.Duration
    readonly isStarted?: boolean | undefined
  }) {
    super(fields.service, undefined)
    this.scope = fields.scope
    this.duration = fields.duration
    this.isStarted = fields.isStarted ?? true
  }
  get message(): string {
    const limit = `${LIMIT_NAMES[this.scope]} of ${Duration.format(this.duration)}`
    return this.isStarted
      ? `the call of "${this.service}" exceeded its ${limit}`
      : `the call of "${this.service}" was not made: its ${limit} had passed`
  }
  override get isOwnSide(): boolean {
    return !this.isStarted
  }
}

/** Which time was over. */
export type Scope = "attempt" | "total" | "first element" | "idle"

const LIMIT_NAMES: Record<Scope, string> = {
  attempt: "time limit",
  total: "deadline",
  "first element": "time limit for the first element",
  idle: "time limit for the next element"
}
