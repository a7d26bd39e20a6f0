/**
 * A clock that stands still until it is set, for calls that run outside of the test's own fiber.
 */
import { Clock, Effect } from "effect"

export interface StandingClock {
  readonly set: (millis: number) => void
  /** Runs an effect on this clock. */
  readonly provide: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

export const make = (): StandingClock => {
  let millis = 0
  const nanos = () => BigInt(millis) * 1_000_000n
  const clock: Clock.Clock = {
    currentTimeMillisUnsafe: () => millis,
    currentTimeMillis: Effect.sync(() => millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep: () => Effect.never
  }
  return {
    set: (to) => {
      millis = to
    },
    provide: (self) => Effect.provideService(self, Clock.Clock, clock)
  }
}
