/**
 * The events of a test, in their order.
 *
 * **Example** (What happened to a call)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { CircuitBreaker } from "effect-resilience"
 * import { RecordedEvents } from "effect-resilience/testing"
 *
 * const program = Effect.gen(function* () {
 *   const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
 *   const recorded = RecordedEvents.make()
 *   yield* Effect.fail("down").pipe(breaker.execute, Effect.ignore, recorded.record)
 *   return recorded.tags()
 * })
 *
 * Effect.runSync(program) // => ["CircuitBreakerFailure", "CircuitBreakerTransition"]
 * ```
 */
import * as Effect from "effect/Effect"
import * as Policy from "../policy/Policy.ts"

/** What was recorded so far. */
export interface RecordedEvents {
  readonly events: () => ReadonlyArray<Policy.Event>
  readonly tags: () => ReadonlyArray<string>
  /** Records the events of an effect. Other observers hear them too. */
  readonly record: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** Forgets everything. */
  readonly clear: () => void
}

/** A recorder that has heard nothing yet. */
export const make = (): RecordedEvents => {
  let events: ReadonlyArray<Policy.Event> = []
  const observer: Policy.Observer = (event) => {
    events = [...events, event]
  }
  return {
    events: () => events,
    tags: () => events.map(({ _tag }) => _tag),
    record: (self) => Effect.updateService(self, Policy.Observers, (others) => [...others, observer]),
    clear: () => {
      events = []
    }
  }
}
