/**
 * What our circuit breaker says, in the words of Effect's.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import * as EffectCircuitBreaker from "effect/persistence/CircuitBreaker"
import type * as CircuitBreaker from "../../policy/CircuitBreaker.ts"

/** The error of a call that was turned away. */
export const rejectionOf = (
  key: string,
  { retryAfter = Duration.infinity, state }: CircuitBreaker.CircuitBreakerOpenError
): EffectCircuitBreaker.CircuitBreakerError =>
  new EffectCircuitBreaker.CircuitBreakerError({
    reason:
      state === "HalfOpen"
        ? new EffectCircuitBreaker.CircuitHalfOpen({ key })
        : new EffectCircuitBreaker.CircuitOpen({ key, retryAfter })
  })

/** The state of the circuit of a key. */
export const stateOf = (
  { openings, probing, retryAfter, state }: CircuitBreaker.Snapshot,
  key: string
): EffectCircuitBreaker.State => {
  if (state === "Closed") return { _tag: "Closed", key }
  if (state === "HalfOpen") return { _tag: "HalfOpen", key, probing: probing > 0, consecutiveOpenings: openings }
  const wait = Option.getOrElse(retryAfter, () => Duration.infinity)
  return { _tag: "Open", key, retryAfter: wait, consecutiveOpenings: openings }
}

/**
 * A transition. What Effect has no word for is left out: resets by hand, and the circuit without a key, through which no
 * call in Effect's way goes.
 */
export const transitionOf = ({
  from,
  key,
  openings,
  retryAfter = Duration.infinity,
  to
}: CircuitBreaker.Transition): EffectCircuitBreaker.Transition | undefined => {
  if (key === undefined) return undefined
  if ((to === "Open" || to === "Isolated") && (from === "Closed" || from === "HalfOpen")) {
    return { key, from, to: "Open", retryAfter, consecutiveOpenings: openings }
  }
  if (from === "Open" && to === "HalfOpen") return { key, from, to }
  return from === "HalfOpen" && to === "Closed" ? { key, from, to } : undefined
}
