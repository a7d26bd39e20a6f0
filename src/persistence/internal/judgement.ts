/**
 * How calls are judged that are made in Effect's way.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as EffectCircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Outcome from "../../policy/Outcome.ts"

/** A classifier of a call, of whatever types. */
export type Classify = (
  exit: Exit.Exit<unknown, unknown>
) => EffectCircuitBreaker.Outcome | Effect.Effect<EffectCircuitBreaker.Outcome, never, unknown>

/** Whether a call was only interrupted, which no classifier is asked about. */
export const isInterruption = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)

/** Asks a classifier; what it throws is a defect. */
export const judge = (
  exit: Exit.Exit<unknown, unknown>,
  classify: Classify = byDefault
): Effect.Effect<EffectCircuitBreaker.Outcome, never, unknown> =>
  Effect.suspend(() => {
    const outcome = classify(exit)
    return Effect.isEffect(outcome) ? outcome : Effect.succeed(outcome)
  })

/** As our own breaker does; a rejection says nothing about the dependency in Effect's form either. */
const byDefault = (exit: Exit.Exit<unknown, unknown>): EffectCircuitBreaker.Outcome =>
  Exit.isFailure(exit) && !Cause.hasDies(exit.cause) && isRejection(Outcome.firstError(exit.cause))
    ? Outcome.ignored
    : Outcome.classify(exit)

const isRejection = (error: unknown): boolean =>
  error instanceof EffectCircuitBreaker.CircuitBreakerError && error.reason._tag !== "CircuitBreakerStoreError"
