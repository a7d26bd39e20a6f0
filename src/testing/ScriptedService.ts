/**
 * A service that does what the test says, call by call.
 *
 * **Example** (Fails twice, then answers)
 *
 * ```ts import.meta.vitest
 * import { Effect, Fiber } from "effect"
 * import { TestClock } from "effect/testing"
 * import { Retry } from "effect-resilience"
 * import { ScriptedService } from "effect-resilience/testing"
 *
 * const program = Effect.gen(function* () {
 *   const service = ScriptedService.make([ScriptedService.fail("busy"), ScriptedService.fail("busy"), "pong"])
 *   const retry = yield* Retry.make({ maxAttempts: 3 })
 *   const fiber = yield* service.call.pipe(Retry.withRetry(retry), Effect.forkChild)
 *   yield* TestClock.adjust("1 minute")
 *   return [yield* Fiber.join(fiber), service.calls()]
 * })
 *
 * await Effect.runPromise(program.pipe(Effect.provide(TestClock.layer()))) // => ["pong", 3]
 * ```
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"

/** A scripted service. */
export interface ScriptedService<out A, out E> {
  /** One call; which it is decides what happens. */
  readonly call: Effect.Effect<A, E>
  /** How often the service was called. */
  readonly calls: () => number
  /** How many calls run now. */
  readonly active: () => number
}

/** What one call does: an effect, or the value with which it succeeds. */
export type Step<A, E> = Effect.Effect<A, E> | A

/** A call that fails. */
export const fail = <E>(error: E): Effect.Effect<never, E> => Effect.fail(error)

/** A call that never answers. */
export const hang: Effect.Effect<never> = Effect.never

/** A call that takes its time. */
export const after = <A, E = never>(duration: Duration.Input, step: Step<A, E>): Effect.Effect<A, E> =>
  Effect.delay(effectOf(step), duration)

/** Makes a service. When the script is over, its last step happens again and again. */
export const make = <A, E = never>(
  script: readonly [Step<A, E>, ...ReadonlyArray<Step<A, E>>]
): ScriptedService<A, E> => {
  let calls = 0
  let active = 0
  return {
    // The finalizer is there before the call begins, so that an interruption in between cannot leave it active.
    call: Effect.suspend(() => {
      let isActive = false
      return Effect.onExitPrimitive(
        Effect.suspend(() => {
          const step = script[Math.min(calls, script.length - 1)]!
          calls++
          active++
          isActive = true
          return effectOf(step)
        }),
        () => {
          if (isActive) active--
          return undefined
        }
      )
    }),
    calls: () => calls,
    active: () => active
  }
}

const effectOf = <A, E>(step: Step<A, E>): Effect.Effect<A, E> =>
  Effect.isEffect(step) ? (step as Effect.Effect<A, E>) : Effect.succeed(step)
