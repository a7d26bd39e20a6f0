import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Scheduler } from "effect"
import { Bulkhead } from "../../src/index.ts"
import { seeded } from "../../src/testing/internal/Seeded.ts"
import { counts, countsOf, expectFullCapacity, occupancy } from "./support/calls.ts"

/** A bulkhead whose only permit is in use, and calls that wait for it. */
const queueOf = (length: number, work: (index: number) => Effect.Effect<unknown>, options?: Effect.RunOptions) => {
  const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1, maxQueue: length })
  const holder = Effect.runFork(bulkhead.execute(Effect.never), options)
  const waiters = Array.from({ length }, (_, index) => Effect.runFork(bulkhead.execute(work(index)), options))
  return { bulkhead, holder, waiters }
}

const LENGTH = 10_000

describe("a queue of 10,000 calls", { timeout: 60_000 }, () => {
  it.live("is served in the order of arrival to its end", () =>
    Effect.gen(function* () {
      const order: Array<number> = []
      const { bulkhead, holder, waiters } = queueOf(LENGTH, (index) => Effect.sync(() => order.push(index)))
      expect(yield* occupancy(bulkhead)).toEqual([1, LENGTH])
      yield* Fiber.interrupt(holder)
      yield* Fiber.awaitAll(waiters)
      expect(order).toEqual(Array.from({ length: LENGTH }, (_, index) => index))
      expect(yield* counts(bulkhead)).toEqual(countsOf({ successes: LENGTH, interrupted: 1 }))
      yield* expectFullCapacity(bulkhead)
    })
  )

  it.live("is let in at once by a higher limit, without a deep stack", () =>
    Effect.gen(function* () {
      const { bulkhead, holder, waiters } = queueOf(LENGTH, () => Effect.void)
      yield* bulkhead.resize(LENGTH + 1)
      const exits = yield* Fiber.awaitAll(waiters)
      expect(exits.every(Exit.isSuccess)).toBe(true)
      yield* Fiber.interrupt(holder)
      yield* expectFullCapacity(bulkhead)
    })
  )

  const orders: ReadonlyArray<readonly [string, (waiters: ReadonlyArray<number>) => ReadonlyArray<number>]> = [
    ["from its head", (waiters) => waiters],
    ["from its end", (waiters) => waiters.toReversed()],
    [
      "from anywhere",
      (waiters) => {
        const { next } = seeded(3)
        const ranked = waiters.map((waiter) => [next(), waiter] as const)
        return ranked.toSorted(([a], [b]) => a - b).map(([, waiter]) => waiter)
      }
    ]
  ]
  for (const [from, orderOf] of orders) {
    it.live(`is empty when all are interrupted ${from}, a permit on its way included`, () =>
      Effect.gen(function* () {
        const { bulkhead, holder, waiters } = queueOf(LENGTH, () => Effect.die("got in"))
        holder.interruptUnsafe()
        for (const index of orderOf(waiters.map((_, index) => index))) waiters[index]!.interruptUnsafe()
        expect(yield* occupancy(bulkhead)).toEqual([0, 0])
        expect(yield* counts(bulkhead)).toEqual(countsOf({ interrupted: LENGTH + 1 }))
        yield* expectFullCapacity(bulkhead)
      })
    )
  }
})

describe("the work for each waiting call", { timeout: 60_000 }, () => {
  it.effect("takes the same number of operations and tasks of the runtime, however long the queue", () =>
    Effect.gen(function* () {
      const workFor = (length: number) =>
        Effect.gen(function* () {
          let [operations, tasks] = [0, 0]
          const mixed = new Scheduler.MixedScheduler()
          const scheduler: Scheduler.Scheduler = {
            executionMode: "async",
            shouldYield: (fiber) => {
              operations++
              return mixed.shouldYield(fiber)
            },
            makeDispatcher: () => {
              const dispatcher = mixed.makeDispatcher()
              const scheduleTask = (task: () => void, priority: number): void => {
                tasks++
                dispatcher.scheduleTask(task, priority)
              }
              return { scheduleTask, flush: () => dispatcher.flush() }
            }
          }
          const { holder, waiters } = queueOf(length, () => Effect.void, { scheduler })
          holder.interruptUnsafe()
          yield* Fiber.awaitAll(waiters)
          return { operations: operations / length, tasks: tasks / length }
        })
      const { operations, tasks } = yield* workFor(1_000)
      const more = yield* workFor(4_000)
      expect(more.operations).toBeCloseTo(operations, 1)
      expect(more.tasks).toBeCloseTo(tasks, 1)
      expect(tasks).toBeCloseTo(1, 1)
    })
  )

  it.live("takes about the same time, be it served or interrupted", () =>
    Effect.gen(function* () {
      const millisFor = (length: number) =>
        Effect.gen(function* () {
          const times: Array<number> = []
          for (let round = 0; round < 3; round++) {
            const { bulkhead, holder, waiters } = queueOf(length, () => Effect.void)
            const [elapsed] = yield* Effect.timed(
              Effect.gen(function* () {
                for (let index = 0; index < length; index += 2) waiters[index]!.interruptUnsafe()
                holder.interruptUnsafe()
                yield* Fiber.awaitAll(waiters)
              })
            )
            expect(yield* occupancy(bulkhead)).toEqual([0, 0])
            times.push(Duration.toMillis(elapsed))
          }
          return Math.min(...times)
        })
      yield* millisFor(500)
      const short = yield* millisFor(1_000)
      const long = yield* millisFor(16_000)
      expect(long / short).toBeLessThan(16 * 6)
    })
  )
})
