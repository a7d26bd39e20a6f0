/**
 * Counts the fibers that run under an effect, whoever forked them.
 */
import { Effect, Metric } from "effect"

/** A count of fibers. */
export interface Fibers {
  /** How many have begun and not ended. */
  readonly active: () => number
  /** Counts the fibers that an effect forks, and those that these fork. */
  readonly count: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
}

/** A count that begins at zero. */
export const make = (): Fibers => {
  let active = 0
  const service: Metric.FiberRuntimeMetricsService = {
    recordFiberStart: () => {
      active++
    },
    recordFiberEnd: () => {
      active--
    }
  }
  return { active: () => active, count: (self) => Effect.provideService(self, Metric.FiberRuntimeMetrics, service) }
}
