/**
 * A clock whose short sleeps take no time, only a few turns of the scheduler: for calls that are swept until a limit ends
 * them, which real time would make a race.
 */
import { Clock, Duration, Effect } from "effect"

const TURNS = 5
const LONGEST_SLEEP = 1_000

/** Provides a clock of this kind; longer sleeps never end. */
export const withHastyClock = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.suspend(() => {
    let millis = 0
    const nanos = (): bigint => BigInt(millis) * 1_000_000n
    const turns = Effect.forEach(Array.from({ length: TURNS }), () => Effect.yieldNow, { discard: true })
    const clock: Clock.Clock = {
      currentTimeMillisUnsafe: () => millis,
      currentTimeMillis: Effect.sync(() => millis),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) => {
        const end = millis + Duration.toMillis(duration)
        if (end > LONGEST_SLEEP) return Effect.never
        return Effect.andThen(
          turns,
          Effect.sync(() => {
            millis = Math.max(millis, end)
          })
        )
      }
    }
    return Effect.provideService(self, Clock.Clock, clock)
  })
