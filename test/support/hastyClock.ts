/**
 * A clock for runs that are too many to wait for: a short sleep is over at once and moves the time, a long one never ends.
 */
import { type Clock, Duration, Effect } from "effect"

export interface HastyClock extends Clock.Clock {
  /** The monotonic time in milliseconds. */
  readonly now: () => number
  readonly advance: (millis: number) => void
  /** How many sleep now. */
  readonly sleeping: () => number
}

const LONGEST_NAP = 10_000

export const make = (): HastyClock => {
  let now = 0
  let sleeping = 0
  const millis = () => now
  const nanos = () => BigInt(Math.round(now * 1e6))
  const sleep = (duration: Duration.Duration): Effect.Effect<void> => {
    const length = Duration.toMillis(duration)
    const nap = Effect.andThen(
      Effect.yieldNow,
      Effect.sync(() => {
        now += length
      })
    )
    return Effect.acquireUseRelease(
      Effect.sync(() => sleeping++),
      () => (length > LONGEST_NAP ? Effect.never : nap),
      () => Effect.sync(() => sleeping--)
    )
  }
  return {
    now: millis,
    advance: (by) => {
      now += by
    },
    sleeping: () => sleeping,
    currentTimeMillisUnsafe: millis,
    currentTimeMillis: Effect.sync(millis),
    currentTimeNanosUnsafe: nanos,
    currentTimeNanos: Effect.sync(nanos),
    monotonicTimeNanosUnsafe: nanos,
    monotonicTimeNanos: Effect.sync(nanos),
    sleep
  }
}
