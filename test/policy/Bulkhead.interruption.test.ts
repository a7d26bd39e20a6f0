import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Timeout } from "../../src/index.ts"
import { stopping } from "../support/stopping.ts"
import { counts, countsOf, endingOf, expectFullCapacity, makeCalls, occupancy, settle } from "./support/calls.ts"

describe("a call that is stopped on its way in, and interrupted there", () => {
  it.effect.each(Array.from({ length: 12 }, (_, at) => at))(
    "is interrupted, and nothing else: before operation %i",
    (at) =>
      Effect.gen(function* () {
        const calls = yield* makeCalls({ maxConcurrent: 1 })
        const { letGo, stop } = stopping(at)
        const stopped = yield* calls.work("a").pipe(calls.bulkhead.execute, stop, Effect.forkChild)
        yield* settle
        const interruption = yield* Effect.forkChild(Fiber.interrupt(stopped), { startImmediately: true })
        yield* letGo
        yield* Fiber.join(interruption)
        const exit = yield* Fiber.await(stopped)
        expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
        yield* expectFullCapacity(calls.bulkhead)
      })
  )
})

describe("an interrupted waiter", () => {
  const names = ["a", "b", "c", "d", "e"]
  const leaving: ReadonlyArray<readonly [string, ReadonlyArray<string>]> = [
    ["at the head", ["b"]],
    ["in the middle", ["c"]],
    ["at the end", ["e"]],
    ["next to another one", ["c", "d"]]
  ]
  for (const [where, gone] of leaving) {
    it.effect(`${where} leaves the queue, and the others keep their order`, () =>
      Effect.gen(function* () {
        const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 4 })
        const fibers = yield* calls.arriveAll(...names)
        for (const name of gone) yield* Fiber.interrupt(fibers[names.indexOf(name)]!)
        expect(yield* occupancy(calls.bulkhead)).toEqual([1, 4 - gone.length])
        expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ interrupted: gone.length }))
        const left = names.filter((name) => !gone.includes(name))
        yield* calls.end(...left)
        expect(calls.started).toEqual(left)
        yield* expectFullCapacity(calls.bulkhead)
      })
    )
  }

  it.effect("leaves an empty queue when all of them are interrupted, and new ones find their places", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 4 })
      const [, ...waiters] = yield* calls.arriveAll(...names)
      yield* Fiber.interruptAll(waiters)
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 0])
      yield* calls.arriveAll("f", "g", "h", "i", "j")
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 4])
      yield* calls.end("a", "f")
      expect(calls.started).toEqual(["a", "f", "g"])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 2, interrupted: 4, rejectedFull: 1 }))
    })
  )

  it.effect("never runs", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const [, waiter] = yield* calls.arriveAll("a", "b")
      yield* Fiber.interrupt(waiter!)
      yield* calls.end("a")
      expect(calls.started).toEqual(["a"])
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("is interrupted, and not rejected, when its queue timeout would have come later", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: 100 })
      const [, waiter] = yield* calls.arriveAll("a", "b")
      yield* TestClock.adjust(99)
      yield* Fiber.interrupt(waiter!)
      yield* TestClock.adjust(1_000)
      expect(endingOf(waiter!)).toBe("Interrupt")
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ interrupted: 1 }))
    })
  )

  it.effect("leaves the queue when a timeout around the bulkhead interrupts it", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.arrive("a")
      const waiter = yield* calls.bulkhead
        .execute(calls.work("b"))
        .pipe(Timeout.withTimeout("1 second"), Effect.flip, Effect.forkChild({ startImmediately: true }))
      yield* calls.arrive("c")
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(waiter)).toBeInstanceOf(Timeout.TimeoutExceededError)
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 1])
      yield* calls.end("a")
      expect(calls.started).toEqual(["a", "c"])
    })
  )
})

describe("a waiter to whom a permit is being handed over", () => {
  it.effect("passes it on to the next when it is interrupted before it starts", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const [, second] = yield* calls.arriveAll("a", "b", "c")
      yield* calls.endNow("a")
      yield* Fiber.interrupt(second!)
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 0])
      yield* settle
      expect(calls.started).toEqual(["a", "c"])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 1, interrupted: 1 }))
      yield* calls.end("c")
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("gives it back when it is interrupted before it starts and nobody waits", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const [, second] = yield* calls.arriveAll("a", "b")
      yield* calls.endNow("a")
      yield* Fiber.interrupt(second!)
      expect(calls.started).toEqual(["a"])
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("passes it through the whole queue when all are interrupted as it comes to them", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const [, ...waiters] = yield* calls.arriveAll("a", "b", "c", "d", "last")
      yield* calls.endNow("a")
      for (const waiter of waiters.slice(0, 3)) waiter.interruptUnsafe()
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 0])
      yield* settle
      expect(calls.running()).toEqual(["last"])
    })
  )

  it.effect("keeps it although its queue timeout would have come right after", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: 100 })
      yield* calls.arriveAll("a", "b")
      yield* TestClock.adjust(99)
      yield* calls.endNow("a")
      yield* TestClock.adjust(1)
      expect(calls.running()).toEqual(["b"])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 1 }))
    })
  )

  it.effect("gives it back when the limit was lowered in the meantime and it is interrupted", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const [, second] = yield* calls.arriveAll("a", "b", "c")
      yield* calls.endNow("a")
      yield* calls.bulkhead.resize(0)
      yield* Fiber.interrupt(second!)
      yield* settle
      expect([calls.running(), yield* occupancy(calls.bulkhead)]).toEqual([[], [0, 1]])
      yield* calls.bulkhead.resize(1)
      yield* settle
      expect(calls.running()).toEqual(["c"])
    })
  )
})

describe("in an uninterruptible region", () => {
  it.effect("a waiter keeps its place when it is interrupted, and runs in its turn", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.arrive("a")
      const waiter = yield* calls.bulkhead
        .execute(calls.work("b"))
        .pipe(Effect.uninterruptible, Effect.forkChild({ startImmediately: true }))
      yield* calls.arrive("c")
      waiter.interruptUnsafe()
      yield* settle
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 2])
      yield* calls.end("a", "b", "c")
      expect(calls.started).toEqual(["a", "b", "c"])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 3 }))
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("a waiter is still turned away by its queue timeout", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: 100 })
      yield* calls.arrive("a")
      const waiter = yield* calls.bulkhead
        .execute(calls.work("b"))
        .pipe(Effect.flip, Effect.uninterruptible, Effect.forkChild({ startImmediately: true }))
      waiter.interruptUnsafe()
      yield* TestClock.adjust(100)
      expect(waiter.pollUnsafe()).toBeDefined()
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ rejectedQueueTimeout: 1 }))
    })
  )

  it.effect("a call keeps its permit until its work is done, although it was interrupted", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const stubborn = Effect.uninterruptible(calls.work("a")).pipe(calls.bulkhead.execute)
      const fiber = yield* Effect.forkChild(stubborn, { startImmediately: true })
      yield* calls.arrive("b")
      fiber.interruptUnsafe()
      yield* settle
      expect([calls.started, yield* occupancy(calls.bulkhead)]).toEqual([["a"], [1, 1]])
      yield* calls.end("a")
      expect(calls.running()).toEqual(["b"])
    })
  )

  it.effect("an interruptible part inside still gives its permit back when it is interrupted", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const call = Effect.uninterruptibleMask((restore) => calls.bulkhead.execute(restore(calls.work("a"))))
      const fiber = yield* Effect.forkChild(call, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ interrupted: 1 }))
      yield* expectFullCapacity(calls.bulkhead)
    })
  )
})
