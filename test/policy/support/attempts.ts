/**
 * Runs a call on virtual time and tells when its attempts began.
 */
import { Clock, Effect, type Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"

/** A call that has ended. Times are in seconds since its start. */
export interface Ended<A, E> {
  readonly exit: Exit.Exit<A, E>
  /** When each attempt began. */
  readonly instants: ReadonlyArray<number>
  /** When the call ended. */
  readonly end: number
}

/** Runs a call to its end; the attempts, counted from 1, are made by a function. */
export const runAttempts = <A, E, A2, E2>(
  attempt: (number: number) => Effect.Effect<A, E>,
  policy: (self: Effect.Effect<A, E>) => Effect.Effect<A2, E2>
): Effect.Effect<Ended<A2, E2>> =>
  Effect.gen(function* () {
    const start = yield* Clock.currentTimeMillis
    const seconds = Effect.map(Clock.currentTimeMillis, (now) => (now - start) / 1_000)
    const instants: Array<number> = []
    const counted = Effect.flatMap(seconds, (now) => {
      instants.push(now)
      return attempt(instants.length)
    })
    const fiber = yield* Effect.zip(Effect.exit(policy(counted)), seconds).pipe(Effect.forkChild)
    yield* TestClock.adjust("1 day")
    const [exit, end] = yield* Fiber.join(fiber)
    return { exit, instants, end }
  })

/** Runs a call of which every attempt fails at once: with these errors in turn, the last of which repeats. */
export const failWith = <E, A2, E2>(
  errors: readonly [E, ...ReadonlyArray<E>],
  policy: (self: Effect.Effect<never, E>) => Effect.Effect<A2, E2>
): Effect.Effect<Ended<A2, E2>> =>
  runAttempts((number) => Effect.fail(errors[Math.min(number, errors.length) - 1]!), policy)
