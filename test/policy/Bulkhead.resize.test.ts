import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Result } from "effect"
import { TestClock } from "effect/testing"
import { Policy } from "../../src/index.ts"
import { counts, countsOf, endingOf, expectFullCapacity, makeCalls, occupancy, settle } from "./support/calls.ts"

const names = ["a", "b", "c", "d", "e", "f"]

describe("a higher limit", () => {
  it.effect("admits waiters at once, in their order, and as many as it allows", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.arriveAll(...names)
      yield* calls.bulkhead.resize(4)
      expect(yield* occupancy(calls.bulkhead)).toEqual([4, 2])
      yield* settle
      expect(calls.started).toEqual(["a", "b", "c", "d"])
    })
  )

  it.effect("admits all who wait and has room for newcomers", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 1 })
      yield* calls.arriveAll("a", "b")
      yield* calls.bulkhead.resize(3)
      yield* calls.arriveAll("c", "d", "e")
      yield* settle
      expect(calls.running().toSorted()).toEqual(["a", "b", "c"])
      expect(yield* occupancy(calls.bulkhead)).toEqual([3, 1])
    })
  )

  it.effect("lets nobody overtake the waiters whom it admits", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.arriveAll("a", "b", "c")
      yield* calls.bulkhead.resize(3)
      const late = yield* calls.arrive("late")
      yield* settle
      expect(calls.started).toEqual(["a", "b", "c"])
      expect(endingOf(late)).toBeUndefined()
    })
  )

  it.effect("ends the wait of those whom it admits: their queue timeout does not come any more", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: 100 })
      const fibers = yield* calls.arriveAll("a", "b", "c")
      yield* TestClock.adjust(99)
      yield* calls.bulkhead.resize(2)
      yield* TestClock.adjust("1 hour")
      expect(fibers.map(endingOf)).toEqual([undefined, undefined, "queue-timeout"])
    })
  )

  it.effect("loses no permit when a waiter is interrupted whom it has just admitted", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const fibers = yield* calls.arriveAll("a", "b", "c", "d")
      yield* calls.bulkhead.resize(2)
      yield* Fiber.interrupt(fibers[1]!)
      yield* settle
      expect(calls.started).toEqual(["a", "c"])
      yield* calls.end("a", "c", "d")
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("stays in force for all calls that come later", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.bulkhead.resize(3)
      yield* expectFullCapacity(calls.bulkhead)
      expect(yield* Policy.snapshot(calls.bulkhead)).toMatchObject({ limit: 3 })
    })
  )
})

describe("a lower limit", () => {
  it.effect("lets running calls end and admits nobody before enough have", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 3 })
      yield* calls.arriveAll(...names)
      yield* calls.bulkhead.resize(1)
      yield* settle
      expect([calls.running(), yield* occupancy(calls.bulkhead)]).toEqual([
        ["a", "b", "c"],
        [3, 3]
      ])
      yield* calls.end("a", "b")
      expect([calls.running(), yield* occupancy(calls.bulkhead)]).toEqual([["c"], [1, 3]])
      yield* calls.end("c")
      expect(calls.running()).toEqual(["d"])
      yield* calls.end("d", "e", "f")
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 6 }))
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("makes newcomers wait although fewer run than ran before", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 3 })
      yield* calls.arriveAll("a", "b", "c")
      yield* calls.bulkhead.resize(2)
      yield* calls.end("a")
      yield* calls.arrive("d")
      expect(calls.running()).toEqual(["b", "c"])
      yield* calls.end("b")
      expect(calls.running()).toEqual(["c", "d"])
    })
  )

  it.effect("that is raised again in the meantime admits exactly the difference", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 3 })
      yield* calls.arriveAll(...names)
      yield* calls.bulkhead.resize(1)
      yield* calls.end("a")
      yield* calls.bulkhead.resize(4)
      yield* settle
      expect(calls.started).toEqual(["a", "b", "c", "d", "e"])
      expect(yield* occupancy(calls.bulkhead)).toEqual([4, 1])
    })
  )

  it.effect("is the one that a rejection names", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ service: "llm", maxConcurrent: 5, maxQueue: 1, queueTimeout: 100 })
      yield* calls.bulkhead.resize(2)
      yield* calls.arriveAll("a", "b")
      const waiter = yield* Effect.forkChild(Effect.flip(calls.bulkhead.execute(Effect.void)), {
        startImmediately: true
      })
      const full = yield* Effect.flip(calls.bulkhead.execute(Effect.void))
      expect(full).toMatchObject({ reason: "full", limit: 2 })
      expect(full.message).toContain("lets 2 calls run at once")
      yield* calls.bulkhead.resize(1)
      yield* TestClock.adjust(100)
      expect(yield* Fiber.join(waiter)).toMatchObject({ reason: "queue-timeout", limit: 1 })
    })
  )
})

describe("a limit of 0", () => {
  it.effect("lets running calls end and nobody in until it is raised", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 2 })
      yield* calls.arriveAll("a", "b", "c")
      yield* calls.bulkhead.resize(0)
      yield* calls.end("a", "b")
      yield* calls.arrive("d")
      yield* settle
      expect([calls.running(), yield* occupancy(calls.bulkhead)]).toEqual([[], [0, 2]])
      yield* calls.bulkhead.resize(1)
      yield* settle
      expect(calls.running()).toEqual(["c"])
      yield* calls.end("c", "d")
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("turns everybody away when nobody may wait", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 2, maxQueue: 0 })
      yield* calls.bulkhead.resize(0)
      const error = yield* Effect.flip(calls.bulkhead.execute(Effect.void))
      expect(error).toMatchObject({ reason: "full", limit: 0 })
    })
  )

  it.effect("lets waiters go who are interrupted", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.bulkhead.resize(0)
      const [first] = yield* calls.arriveAll("a", "b")
      yield* Fiber.interrupt(first!)
      expect(yield* occupancy(calls.bulkhead)).toEqual([0, 1])
      yield* calls.bulkhead.resize(1)
      yield* settle
      expect(calls.started).toEqual(["b"])
    })
  )
})

describe("resize", () => {
  for (const limit of [-1, 1.5, Number.NaN, Infinity, -Infinity, 2 ** 53, "3" as never]) {
    it.effect(`takes ${typeof limit} ${limit} for a mistake in the program, and changes nothing`, () =>
      Effect.gen(function* () {
        const calls = yield* makeCalls({ maxConcurrent: 1 })
        yield* calls.arriveAll("a", "b")
        const exit = yield* Effect.exit(calls.bulkhead.resize(limit))
        const defect = Exit.isFailure(exit) ? Cause.findDefect(exit.cause) : undefined
        expect(defect && Result.isSuccess(defect) ? defect.success : undefined).toEqual(
          new Error(`Bulkhead.resize: expected a whole number of at least 0, got ${limit}`)
        )
        yield* settle
        expect(yield* Policy.snapshot(calls.bulkhead)).toMatchObject({ limit: 1, active: 1, queued: 1 })
      })
    )
  }

  it.effect("does nothing before it is run, and can be run again", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0 })
      const two = calls.bulkhead.resize(2)
      expect(yield* Policy.snapshot(calls.bulkhead)).toMatchObject({ limit: 1 })
      yield* two
      yield* calls.bulkhead.resize(1)
      yield* two
      yield* expectFullCapacity(calls.bulkhead)
      expect(yield* Policy.snapshot(calls.bulkhead)).toMatchObject({ limit: 2 })
    })
  )

  it.effect("to the same limit changes nothing", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.arriveAll("a", "b")
      yield* calls.bulkhead.resize(1)
      yield* settle
      expect([calls.running(), yield* occupancy(calls.bulkhead)]).toEqual([["a"], [1, 1]])
    })
  )

  it.effect("can be done by a running call of the bulkhead itself", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const raising = Effect.andThen(calls.work("raising"), calls.bulkhead.resize(2)).pipe(
        Effect.andThen(calls.work("raised"))
      )
      yield* Effect.forkChild(calls.bulkhead.execute(raising), { startImmediately: true })
      yield* calls.arriveAll("a", "b")
      yield* calls.end("raising")
      expect(calls.running()).toEqual(["raised", "a"])
    })
  )

  it.effect("leaves the length of the queue as it was, and is seen in the options", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 1 })
      yield* calls.bulkhead.resize(3)
      yield* calls.arriveAll("a", "b", "c", "d", "e")
      expect(yield* occupancy(calls.bulkhead)).toEqual([3, 1])
      expect(yield* Policy.snapshot(calls.bulkhead)).toMatchObject({ maxQueue: 1, rejected: 1 })
      expect(calls.bulkhead.options).toMatchObject({ maxConcurrent: 3, maxQueue: 1 })
    })
  )

  it.effect("shows in the description", () =>
    Effect.gen(function* () {
      const { bulkhead } = yield* makeCalls({ maxConcurrent: 2, maxQueue: 5 })
      yield* bulkhead.resize(7)
      expect(bulkhead.describe()).toBe("7 calls at once, 5 wait")
    })
  )

  it("starts waiting calls of other runtimes from runSync", () => {
    const program = Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.bulkhead.resize(0)
      const fibers = ["a", "b"].map((name) => Effect.runFork(calls.bulkhead.execute(Effect.succeed(name))))
      return { calls, fibers }
    })
    const { calls, fibers } = Effect.runSync(program)
    expect(fibers.map((fiber) => fiber.pollUnsafe())).toEqual([undefined, undefined])
    Effect.runSync(calls.bulkhead.resize(2))
    expect(fibers.map((fiber) => fiber.pollUnsafe())).toEqual([Exit.succeed("a"), Exit.succeed("b")])
  })
})
