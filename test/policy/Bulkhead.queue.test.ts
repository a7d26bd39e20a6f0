import { describe, expect, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Scheduler } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Deadline, Policy } from "../../src/index.ts"
import { counts, countsOf, endingOf, expectFullCapacity, makeCalls, occupancy, settle } from "./support/calls.ts"

describe("a wait in the queue", () => {
  it.effect.each([3, 4, 5, 6, 7, 8])(
    "is none where a permit becomes free on the way to it, with a yield after %i steps",
    (steps) =>
      Effect.gen(function* () {
        for (let turns = 0; turns < 20; turns++) {
          const calls = yield* makeCalls({ maxConcurrent: 1 })
          yield* calls.arrive("a")
          const caller = yield* Effect.forkChild(
            calls.bulkhead
              .execute(Effect.succeed("value"))
              .pipe(Effect.provideService(Scheduler.MaxOpsBeforeYield, steps))
          )
          for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
          yield* calls.end("a")
          for (let turn = 0; turn < 20; turn++) yield* Effect.yieldNow
          expect(endingOf(caller)).toBe("success")
          yield* expectFullCapacity(calls.bulkhead)
        }
      })
  )

  it.effect("costs a traced call nothing but the wait where nobody listens", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.arrive("a")
      const waiter = yield* Effect.withSpan(calls.arrive("b"), "traced")
      yield* calls.end("a")
      expect(calls.started).toEqual(["a", "b"])
      yield* calls.end("b")
      expect(endingOf(waiter)).toBe("success")
    })
  )
})

describe("the queue timeout", () => {
  it.effect("ends a wait at exactly its time, and not before", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: "1 second" })
      const [, waiter] = yield* calls.arriveAll("a", "b")
      yield* TestClock.adjust(999)
      expect([endingOf(waiter!), yield* occupancy(calls.bulkhead)]).toEqual([undefined, [1, 1]])
      yield* TestClock.adjust(1)
      expect([endingOf(waiter!), yield* occupancy(calls.bulkhead)]).toEqual(["queue-timeout", [1, 0]])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ rejectedQueueTimeout: 1 }))
    })
  )

  it.effect("runs for each waiter from its own arrival", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: 100 })
      yield* calls.arrive("a")
      const first = yield* calls.arrive("b")
      yield* TestClock.adjust(40)
      const second = yield* calls.arrive("c")
      yield* TestClock.adjust(60)
      expect([endingOf(first), endingOf(second)]).toEqual(["queue-timeout", undefined])
      yield* TestClock.adjust(39)
      expect(endingOf(second)).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(endingOf(second)).toBe("queue-timeout")
    })
  )

  it.effect("frees the place in the queue", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 1, queueTimeout: 100 })
      yield* calls.arriveAll("a", "b")
      yield* TestClock.adjust(100)
      const next = yield* calls.arrive("c")
      expect([endingOf(next), yield* occupancy(calls.bulkhead)]).toEqual([undefined, [1, 1]])
      yield* calls.end("a")
      expect(calls.started).toEqual(["a", "c"])
    })
  )

  it.effect("does not limit the call itself, be it one that waited or not", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: 100 })
      const [first, second] = yield* calls.arriveAll("a", "b")
      yield* TestClock.adjust(50)
      yield* calls.end("a")
      yield* TestClock.adjust("1 day")
      expect([endingOf(first!), endingOf(second!)]).toEqual(["success", undefined])
      yield* calls.end("b")
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 2 }))
    })
  )

  it.effect("that never comes lets calls wait for ever, which is the default", () =>
    Effect.gen(function* () {
      for (const options of [{}, { queueTimeout: Duration.infinity }, { queueTimeout: "Infinity" }] as const) {
        const calls = yield* makeCalls({ maxConcurrent: 1, ...options })
        const [, waiter] = yield* calls.arriveAll("a", "b")
        yield* TestClock.adjust("365 days")
        expect(endingOf(waiter!)).toBeUndefined()
        yield* calls.end("a")
        expect(calls.running()).toEqual(["b"])
      }
    })
  )

  it.effect("is met by a permit that comes back at the very same instant, when the call ends first", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: 100 })
      const first = yield* Effect.forkChild(calls.bulkhead.execute(Effect.sleep(100)), { startImmediately: true })
      const waiter = yield* calls.arrive("b")
      yield* TestClock.adjust(100)
      expect(first.pollUnsafe()).toEqual(Exit.void)
      expect(calls.running()).toEqual(["b"])
      yield* TestClock.adjust(100)
      expect(endingOf(waiter)).toBeUndefined()
      yield* calls.end("b")
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 2 }))
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("turns a waiter away at the very instant at which a permit comes back, when the time is over first", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 2, queueTimeout: 100 })
      yield* calls.arrive("a")
      const sleeper = Effect.andThen(Effect.sleep(50), Effect.sleep(50)).pipe(calls.bulkhead.execute)
      yield* Effect.forkChild(sleeper, { startImmediately: true })
      const waiter = yield* calls.arrive("b")
      yield* TestClock.adjust(100)
      expect(endingOf(waiter)).toBe("queue-timeout")
      expect(calls.started).toEqual(["a"])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 1, rejectedQueueTimeout: 1 }))
      yield* calls.end("a")
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("of the head passes the permit of the same instant on to the next", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: 100 })
      const sleeper = Effect.andThen(Effect.sleep(50), Effect.sleep(50)).pipe(calls.bulkhead.execute)
      yield* Effect.forkChild(sleeper, { startImmediately: true })
      const head = yield* calls.arrive("head")
      yield* TestClock.adjust(10)
      yield* calls.arrive("next")
      yield* TestClock.adjust(90)
      expect(endingOf(head)).toBe("queue-timeout")
      expect(calls.running()).toEqual(["next"])
    })
  )

  it.effect("keeps running while the limit is 0", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: 100 })
      yield* calls.bulkhead.resize(0)
      const waiter = yield* calls.arrive("a")
      yield* TestClock.adjust(100)
      expect(endingOf(waiter)).toBe("queue-timeout")
      yield* calls.bulkhead.resize(1)
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.live("is kept on the live clock, and not a moment too early", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, queueTimeout: 5 })
      const holder = yield* Effect.forkChild(bulkhead.execute(Effect.never), { startImmediately: true })
      const [elapsed, error] = yield* Effect.timed(Effect.flip(bulkhead.execute(Effect.void)))
      expect(error).toMatchObject({ reason: "queue-timeout" })
      expect(Duration.toMillis(elapsed)).toBeGreaterThanOrEqual(5)
      yield* Fiber.interrupt(holder)
      yield* expectFullCapacity(bulkhead)
    })
  )
})

describe("a deadline in the context", () => {
  const underDeadline = (at: number) =>
    Effect.provideService(Deadline.CurrentDeadline, { at, service: "total", duration: Duration.seconds(1) })

  const waiting = (at: number, options: Bulkhead.MakeOptions = {}) =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, ...options })
      yield* calls.arrive("a")
      const waiter = yield* Effect.forkChild(underDeadline(at)(calls.bulkhead.execute(calls.work("b"))), {
        startImmediately: true
      })
      return { calls, waiter }
    })

  it.effect("ends the wait exactly when it passes", () =>
    Effect.gen(function* () {
      const { calls, waiter } = yield* waiting(80)
      yield* TestClock.adjust(79)
      expect(endingOf(waiter)).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(endingOf(waiter)).toBe("queue-timeout")
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 0])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ rejectedQueueTimeout: 1 }))
    })
  )

  it.effect("counts from now, not from the start of the clock", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const { waiter } = yield* waiting(3_600_080)
      yield* TestClock.adjust(79)
      expect(endingOf(waiter)).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(endingOf(waiter)).toBe("queue-timeout")
    })
  )

  it.effect("shortens the queue timeout and never lengthens it", () =>
    Effect.gen(function* () {
      const { waiter: early } = yield* waiting(50, { queueTimeout: 100 })
      const { waiter: late } = yield* waiting(150, { queueTimeout: 100 })
      yield* TestClock.adjust(50)
      expect([endingOf(early), endingOf(late)]).toEqual(["queue-timeout", undefined])
      yield* TestClock.adjust(49)
      expect(endingOf(late)).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(endingOf(late)).toBe("queue-timeout")
    })
  )

  it.effect("that has passed turns away who would have to wait, at once, and frees the place", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust(100)
      for (const at of [100, 99, -1_000]) {
        const { calls, waiter } = yield* waiting(at)
        expect(endingOf(waiter)).toBe("queue-timeout")
        expect(yield* occupancy(calls.bulkhead)).toEqual([1, 0])
      }
    })
  )

  it.effect("does not matter to a call that need not wait", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust(100)
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      expect(yield* underDeadline(50)(bulkhead.execute(Effect.succeed("in")))).toBe("in")
    })
  )

  it.effect("made by Deadline.withDeadline around the bulkhead ends the wait as a rejection", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.arrive("a")
      const waiter = yield* calls.bulkhead
        .execute(calls.work("b"))
        .pipe(Deadline.withDeadline("1 second"), Effect.flip, Effect.forkChild({ startImmediately: true }))
      yield* TestClock.adjust(999)
      expect(waiter.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(yield* Fiber.join(waiter)).toMatchObject({ _tag: "BulkheadRejectedError", reason: "queue-timeout" })
      yield* calls.end("a")
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.live("that is days away does not make a wait end on the live clock", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const holder = yield* Effect.forkChild(bulkhead.execute(Effect.never), { startImmediately: true })
      const waiter = yield* bulkhead
        .execute(Effect.succeed("in"))
        .pipe(Deadline.withDeadline("60 days"), Effect.forkChild({ startImmediately: true }))
      yield* Effect.sleep(3)
      expect(yield* occupancy(bulkhead)).toEqual([1, 1])
      yield* Fiber.interrupt(holder)
      expect(yield* Fiber.join(waiter)).toBe("in")
    })
  )
})

describe("the timer of a wait", () => {
  const countingSleepers = Effect.gen(function* () {
    const clock = yield* Clock.Clock
    let sleepers = 0
    const sleep = (duration: Duration.Duration) =>
      Effect.suspend(() => {
        sleepers++
        return Effect.ensuring(
          clock.sleep(duration),
          Effect.sync(() => sleepers--)
        )
      })
    const counting: Clock.Clock = { ...clock, sleep }
    const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: 100 })
    const arrive = (name: string) => Effect.provideService(calls.arrive(name), Clock.Clock, counting)
    return { calls, arrive, sleepers: () => sleepers }
  })

  it.effect("is not set for a call that need not wait", () =>
    Effect.gen(function* () {
      const { arrive, sleepers } = yield* countingSleepers
      yield* arrive("a")
      expect(sleepers()).toBe(0)
    })
  )

  it.effect("is gone as soon as the waiter gets its permit", () =>
    Effect.gen(function* () {
      const { arrive, calls, sleepers } = yield* countingSleepers
      yield* arrive("a")
      yield* arrive("b")
      expect(sleepers()).toBe(1)
      yield* calls.endNow("a")
      expect([calls.running(), sleepers()]).toEqual([[], 0])
      yield* settle
      expect([calls.running(), sleepers()]).toEqual([["b"], 0])
    })
  )

  it.effect("is gone when the waiter is interrupted", () =>
    Effect.gen(function* () {
      const { arrive, sleepers } = yield* countingSleepers
      yield* arrive("a")
      const waiters = [yield* arrive("b"), yield* arrive("c")]
      expect(sleepers()).toBe(2)
      yield* Fiber.interrupt(waiters[1]!)
      expect(sleepers()).toBe(1)
      yield* Fiber.interrupt(waiters[0]!)
      expect(sleepers()).toBe(0)
    })
  )

  it.effect("is gone when it has rung", () =>
    Effect.gen(function* () {
      const { arrive, sleepers } = yield* countingSleepers
      yield* arrive("a")
      yield* arrive("b")
      yield* TestClock.adjust(100)
      expect(sleepers()).toBe(0)
    })
  )
})

describe("the queue and the snapshot", () => {
  it.effect("agree on who waits after arrivals, interruptions and timeouts", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 3, queueTimeout: 100 })
      const depths: Array<number> = []
      const look = Effect.map(Policy.snapshot(calls.bulkhead), ({ queued }) => depths.push(queued))
      yield* calls.arrive("a")
      yield* look
      const waiter = yield* calls.arrive("b")
      yield* look
      yield* TestClock.adjust(60)
      yield* calls.arriveAll("c", "d", "e")
      yield* look
      yield* Fiber.interrupt(waiter)
      yield* look
      yield* TestClock.adjust(100)
      yield* look
      expect(depths).toEqual([0, 1, 3, 2, 0])
    })
  )
})
