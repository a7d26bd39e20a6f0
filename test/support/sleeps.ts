/**
 * Counts who sleeps on a clock: what sets an alarm must also take it away.
 */
import { Clock, Effect } from "effect"

export interface Sleeps {
  /** How many have begun. */
  readonly begun: () => number
  /** How many go on. */
  readonly active: () => number
  /** Runs an effect on the counted clock. */
  readonly count: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** Counts on the clock of the running fiber. */
export const make: Effect.Effect<Sleeps> = Effect.clockWith((clock) =>
  Effect.sync(() => {
    let [begun, active] = [0, 0]
    const sleep: Clock.Clock["sleep"] = (duration) =>
      Effect.suspend(() => {
        begun++
        active++
        return Effect.ensuring(
          clock.sleep(duration),
          Effect.sync(() => active--)
        )
      })
    const counted: Clock.Clock = Object.assign(Object.create(clock), { sleep })
    return {
      begun: () => begun,
      active: () => active,
      count: (self) => Effect.provideService(self, Clock.Clock, counted)
    }
  })
)
