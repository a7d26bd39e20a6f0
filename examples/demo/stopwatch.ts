/**
 * The time of day: milliseconds since the day began, by the monotonic side of Effect's clock.
 *
 * One stopwatch serves everybody, so that arrivals, phases and moves of the breaker lie on the same axis.
 */
import { Clock, Effect } from "effect"

export interface Stopwatch {
  readonly elapsedMillis: () => number
  /** Returns at once when the moment has passed. */
  readonly sleepUntil: (millis: number) => Effect.Effect<void>
}

export const start: Effect.Effect<Stopwatch> = Clock.clockWith((clock) =>
  Effect.sync(() => {
    const began = clock.monotonicTimeNanosUnsafe()
    const elapsedMillis = () => Number(clock.monotonicTimeNanosUnsafe() - began) / 1e6
    return {
      elapsedMillis,
      sleepUntil: (millis) =>
        Effect.suspend(() => {
          const wait = millis - elapsedMillis()
          return wait > 0 ? Effect.sleep(wait) : Effect.void
        })
    }
  })
)
