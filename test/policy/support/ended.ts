/**
 * How calls end on the test clock, and when.
 */
import { Clock, type Duration, Effect, type Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"

/** The end of a call; `at` is in milliseconds since its start. */
export interface Ended<A, E> {
  readonly at: number
  readonly exit: Exit.Exit<A, E>
}

/** Runs an effect while time passes, and tells how and at which instant it ended. */
export const ended = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  within: Duration.Input = "1 hour"
): Effect.Effect<Ended<A, E>, never, R> =>
  Effect.gen(function* () {
    const startedAt = yield* Clock.currentTimeMillis
    const call = Effect.gen(function* () {
      const exit = yield* Effect.exit(self)
      const endedAt = yield* Clock.currentTimeMillis
      return { at: endedAt - startedAt, exit }
    })
    const fiber = yield* Effect.forkChild(call, { startImmediately: true })
    yield* TestClock.adjust(within)
    return yield* Fiber.join(fiber)
  })
