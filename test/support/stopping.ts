/**
 * A scheduler that stops a fiber once, in the middle of what it does.
 */
import { Effect, Scheduler } from "effect"

/** Stops a fiber before its operation number `at`, until it is let go. From then on nothing stops it. */
export const stopping = (at: number) => {
  const held: Array<() => void> = []
  const dispatcher = new Scheduler.MixedScheduler().makeDispatcher()
  let operations = 0
  let isOff = false
  const scheduler: Scheduler.Scheduler = {
    executionMode: "async",
    shouldYield: () => !isOff && operations++ === at,
    makeDispatcher: () => ({
      scheduleTask: (task, priority) => {
        if (isOff) dispatcher.scheduleTask(task, priority)
        else held.push(task)
      },
      flush: () => dispatcher.flush()
    })
  }
  return {
    stop: <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.provideService(self, Scheduler.Scheduler, scheduler),
    letGo: Effect.sync(() => {
      isOff = true
      for (const task of held.splice(0)) task()
    })
  }
}
