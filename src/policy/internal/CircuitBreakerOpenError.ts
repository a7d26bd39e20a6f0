/**
 * The error of a circuit breaker.
 */
import * as Duration from "effect/Duration"
import { withTraits } from "../ResilienceError.ts"

/**
 * The call was not made, because the circuit is not closed. `retryAfter` is the time until the next probe is possible; while
 * one is under way, at most a second, because it answers soon; or the time until an isolation ends. It is missing for one that
 * ends only by hand.
 */
export class CircuitBreakerOpenError extends withTraits({
  errorCode: "resilience.circuit_breaker_open",
  httpStatus: 503,
  category: "external_error",
  retryPolicy: "conditional",
  userMessage: "The service is temporarily unavailable. Please try again later."
}) {
  readonly _tag = "CircuitBreakerOpenError"
  readonly state: "Open" | "HalfOpen" | "Isolated"
  constructor(fields: {
    readonly service: string
    readonly state: "Open" | "HalfOpen" | "Isolated"
    readonly retryAfter?: Duration.Duration | undefined
  }) {
    super(fields.service, fields.retryAfter)
    this.state = fields.state
  }
  get message(): string {
    const wait = this.retryAfter === undefined ? "until it is reset" : `for ${Duration.format(this.retryAfter)}`
    return `the circuit of "${this.service}" rejects calls ${wait} (${this.state})`
  }
  override get isOwnSide(): boolean {
    return true
  }
}
