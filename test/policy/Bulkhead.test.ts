import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Policy, Timeout } from "../../src/index.ts"
import { callsOf, counts, countsOf, expectFullCapacity, makeCalls, occupancy, settle } from "./support/calls.ts"

describe("the limit", () => {
  it.effect("lets exactly so many calls run at once", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 3 })
      yield* calls.arriveAll("a", "b", "c", "d", "e")
      yield* settle
      expect(calls.running()).toEqual(["a", "b", "c"])
      expect(yield* occupancy(calls.bulkhead)).toEqual([3, 2])
    })
  )

  it.effect("is never exceeded, however the calls come and go", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 4, maxQueue: 100 })
      let active = 0
      let most = 0
      const call = (millis: number) =>
        Effect.suspend(() => {
          most = Math.max(most, ++active)
          return Effect.sleep(millis)
        }).pipe(Effect.ensuring(Effect.sync(() => active--)), bulkhead.execute)
      const all = Effect.forEach(
        Array.from({ length: 60 }, (_, index) => 1 + ((index * 7) % 5)),
        call,
        { concurrency: "unbounded" }
      )
      const fiber = yield* Effect.forkChild(all)
      yield* TestClock.adjust(1_000)
      yield* Fiber.join(fiber)
      expect(most).toBe(4)
      expect(yield* counts(bulkhead)).toEqual(countsOf({ successes: 60 }))
    })
  )

  it.effect("does not limit how many calls come one after the other", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueue: 0 })
      const calls = Array.from({ length: 20 }, (_, index) => bulkhead.execute(Effect.succeed(index)))
      expect(yield* Effect.all(calls)).toEqual(Array.from({ length: 20 }, (_, index) => index))
    })
  )

  it.effect("is 10 by default, with 1,000 places in the queue", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({})
      yield* calls.arriveAll(...Array.from({ length: 1_011 }, (_, index) => `${index}`))
      expect(yield* occupancy(calls.bulkhead)).toEqual([10, 1_000])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ rejectedFull: 1 }))
    })
  )

  it.effect("belongs to one bulkhead: another of the same service has its own", () =>
    Effect.gen(function* () {
      const [first, second] = [yield* makeCalls({ maxConcurrent: 1 }), yield* makeCalls({ maxConcurrent: 1 })]
      yield* first.arriveAll("a", "b")
      yield* second.arrive("c")
      expect(first.running()).toEqual(["a"])
      expect(second.running()).toEqual(["c"])
    })
  )

  it.effect("counts each run of one and the same guarded effect", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0 })
      const guarded = calls.bulkhead.execute(calls.work("a"))
      yield* Effect.forkChild(guarded, { startImmediately: true })
      const again = yield* Effect.flip(guarded)
      expect(again).toBeInstanceOf(Bulkhead.BulkheadRejectedError)
      yield* calls.end("a")
      yield* Effect.forkChild(guarded, { startImmediately: true })
      expect(calls.started).toEqual(["a", "a"])
    })
  )
})

describe("a permit comes back", () => {
  const endings: ReadonlyArray<readonly [string, Exit.Exit<string, string>, ReturnType<typeof countsOf>]> = [
    ["a success", Exit.succeed("fine"), countsOf({ successes: 1 })],
    ["a failure", Exit.fail("down"), countsOf({ failures: 1 })],
    ["a defect", Exit.die(new Error("bug")), countsOf({ failures: 1 })],
    ["an interruption from within", Exit.interrupt(7), countsOf({ interrupted: 1 })],
    [
      "a failure that was interrupted as well",
      Exit.failCause(Cause.combine(Cause.fail("down"), Cause.interrupt(7))),
      countsOf({ failures: 1 })
    ]
  ]
  for (const [name, exit, expected] of endings) {
    it.effect(`after ${name}, which passes unchanged and is counted`, () =>
      Effect.gen(function* () {
        const calls = yield* makeCalls({ maxConcurrent: 1 })
        const fiber = yield* calls.arrive("a")
        yield* calls.endNow("a", exit)
        expect(yield* Fiber.await(fiber)).toEqual(exit)
        expect(yield* counts(calls.bulkhead)).toEqual(expected)
        yield* expectFullCapacity(calls.bulkhead)
      })
    )

    it.effect(`after ${name} of a call that had waited`, () =>
      Effect.gen(function* () {
        const calls = yield* makeCalls({ maxConcurrent: 1 })
        const [, fiber] = yield* calls.arriveAll("a", "b")
        yield* calls.end("a")
        yield* calls.endNow("b", exit)
        expect(yield* Fiber.await(fiber!)).toEqual(exit)
        expect(yield* counts(calls.bulkhead)).toEqual({ ...expected, successes: expected.successes + 1 })
        yield* expectFullCapacity(calls.bulkhead)
      })
    )
  }

  it.effect("after an interruption from outside", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 2 })
      const [first, second] = yield* calls.arriveAll("a", "b", "c")
      yield* Fiber.interrupt(second!)
      yield* settle
      expect(calls.running()).toEqual(["a", "c"])
      yield* calls.end("c")
      yield* Fiber.interrupt(first!)
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 1, interrupted: 2 }))
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("after a call whose effect throws instead of failing", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const bug = new Error("bug")
      const call = Effect.suspend((): Effect.Effect<never> => {
        throw bug
      })
      expect(yield* Effect.exit(bulkhead.execute(call))).toEqual(Exit.die(bug))
      expect(yield* counts(bulkhead)).toEqual(countsOf({ failures: 1 }))
      yield* expectFullCapacity(bulkhead)
    })
  )

  it.effect("only when the finalizers of an interrupted call are through", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const slow = calls.work("a").pipe(Effect.ensuring(Effect.sleep(50)), calls.bulkhead.execute)
      const fiber = yield* Effect.forkChild(slow, { startImmediately: true })
      yield* calls.arrive("b")
      yield* settle
      yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
      yield* TestClock.adjust(49)
      expect(calls.started).toEqual(["a"])
      yield* TestClock.adjust(1)
      expect(calls.started).toEqual(["a", "b"])
    })
  )

  it.effect("when a timeout around the bulkhead interrupts a running call", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const fiber = yield* calls.bulkhead
        .execute(calls.work("a"))
        .pipe(Timeout.withTimeout("1 second"), Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toBeInstanceOf(Timeout.TimeoutExceededError)
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ interrupted: 1 }))
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("when a timeout inside the bulkhead ends a running call, as a failure", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const limited = calls.work("a").pipe(Timeout.withTimeout("1 second"), calls.bulkhead.execute, Effect.flip)
      const fiber = yield* Effect.forkChild(limited, { startImmediately: true })
      yield* calls.arrive("b")
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toBeInstanceOf(Timeout.TimeoutExceededError)
      expect(calls.running()).toEqual(["b"])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ failures: 1 }))
    })
  )
})

describe("the queue", () => {
  it.effect("is served in the order of arrival", () =>
    Effect.gen(function* () {
      const names = ["a", "b", "c", "d", "e"]
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.arriveAll(...names)
      yield* calls.end(...names)
      expect(calls.started).toEqual(names)
    })
  )

  it.effect("is served in the order of arrival when several permits come back at once", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 3 })
      yield* calls.arriveAll("a", "b", "c", "d", "e", "f", "g")
      yield* calls.endNow("c")
      yield* calls.endNow("a")
      yield* calls.endNow("b")
      yield* settle
      expect(calls.started).toEqual(["a", "b", "c", "d", "e", "f"])
    })
  )

  it.effect("is empty for nobody else while a permit is being handed over: a newcomer queues up behind", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 2 })
      yield* calls.arriveAll("a", "b", "c")
      yield* calls.endNow("a")
      expect(calls.running()).toEqual([])
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 1])
      yield* calls.arrive("newcomer")
      expect(calls.running()).toEqual([])
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 2])
      yield* settle
      yield* calls.end("b", "c", "newcomer")
      expect(calls.started).toEqual(["a", "b", "c", "newcomer"])
    })
  )

  it.effect("turns a newcomer away while the only permit is being handed over and nobody may wait", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 1 })
      yield* calls.arriveAll("a", "b")
      yield* calls.endNow("a")
      yield* calls.arrive("c")
      const rejected = yield* Fiber.await(yield* calls.arrive("d"))
      expect(rejected).toMatchObject({ _tag: "Failure", cause: { reasons: [{ error: { reason: "full" } }] } })
      yield* settle
      expect(calls.running()).toEqual(["b"])
    })
  )

  it.effect("lets a call that ends and comes again queue up behind those who wait", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const twice = calls.bulkhead.execute(calls.work("a"))
      yield* Effect.forkChild(Effect.andThen(twice, twice), { startImmediately: true })
      yield* calls.arriveAll("b", "c")
      yield* calls.end("a", "b", "c", "a")
      expect(calls.started).toEqual(["a", "b", "c", "a"])
    })
  )

  it.effect("holds exactly maxQueue calls, and the next fails at once", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 3 })
      const fibers = yield* calls.arriveAll("a", "b", "c", "d", "e")
      expect(fibers.map((fiber) => fiber.pollUnsafe() === undefined)).toEqual([true, true, true, true, false])
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 3])
      yield* calls.end("a")
      yield* calls.arriveAll("f", "g")
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 3])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 1, rejectedFull: 2 }))
    })
  )

  it.effect("has no places when maxQueue is 0: a call without a permit fails at once", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 2, maxQueue: 0 })
      yield* calls.arriveAll("a", "b")
      const fiber = yield* calls.arrive("c")
      expect(fiber.pollUnsafe()).toMatchObject({ _tag: "Failure" })
      expect(calls.started).toEqual(["a", "b"])
      yield* calls.end("a")
      yield* calls.arrive("d")
      expect(calls.running()).toEqual(["b", "d"])
    })
  )
})

describe("the error", () => {
  it.effect("of a full queue says so, with the service and the limit", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ service: "llm", maxConcurrent: 2, maxQueue: 0 })
      yield* calls.arriveAll("a", "b")
      const error = yield* Effect.flip(calls.bulkhead.execute(Effect.succeed("c")))
      expect(error).toBeInstanceOf(Bulkhead.BulkheadRejectedError)
      expect(error).toMatchObject({
        _tag: "BulkheadRejectedError",
        service: "llm",
        reason: "full",
        limit: 2,
        retryAfter: undefined
      })
      expect(error.message).toBe('the bulkhead of "llm" lets 2 calls run at once, and its queue is full')
    })
  )

  it.effect("of a queue timeout says so, with the service and the limit", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ service: "db", maxConcurrent: 1, queueTimeout: "1 second" })
      yield* calls.arrive("a")
      const fiber = yield* Effect.forkChild(Effect.flip(calls.bulkhead.execute(Effect.succeed("b"))))
      yield* TestClock.adjust("1 second")
      const error = yield* Fiber.join(fiber)
      expect(error).toMatchObject({ service: "db", reason: "queue-timeout", limit: 1, retryAfter: undefined })
      expect(error.message).toBe(
        'the bulkhead of "db" lets 1 calls run at once, and the wait in its queue took too long'
      )
    })
  )

  it.effect("carries its traits, says nothing about the dependency, and can be caught by its tag", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0 })
      yield* calls.arrive("a")
      const error = yield* calls.bulkhead
        .execute(Effect.die("not run"))
        .pipe(Effect.catchTag("BulkheadRejectedError", (error) => Effect.succeed(error)))
      expect(error).toMatchObject({
        errorCode: "resilience.bulkhead_rejected",
        httpStatus: 503,
        category: "server_error",
        retryPolicy: "conditional",
        isOwnSide: true
      })
      expect(error.userMessage).not.toMatch(/bulkhead|queue|limit/)
    })
  )

  it.effect("is an Error without a stack trace", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0 })
      yield* calls.arrive("a")
      const error = yield* Effect.flip(calls.bulkhead.execute(Effect.void))
      expect(error).toBeInstanceOf(Error)
      expect(error.stack).toBe(`BulkheadRejectedError: ${error.message}`)
    })
  )
})

describe("a call inside a call of the same bulkhead", () => {
  it.effect("takes a permit of its own", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 2, maxQueue: 0 })
      const inner = calls.bulkhead.execute(calls.work("inner"))
      const fiber = yield* Effect.forkChild(calls.bulkhead.execute(inner), { startImmediately: true })
      expect(yield* occupancy(calls.bulkhead)).toEqual([2, 0])
      yield* calls.endNow("inner")
      expect(yield* Fiber.join(fiber)).toBe("inner")
      yield* expectFullCapacity(calls.bulkhead)
    })
  )

  it.effect("is turned away when the outer one has the last permit, which then comes back", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueue: 0 })
      const error = yield* Effect.flip(bulkhead.execute(bulkhead.execute(Effect.void)))
      expect(error.reason).toBe("full")
      expect(yield* counts(bulkhead)).toEqual(countsOf({ failures: 1, rejectedFull: 1 }))
      yield* expectFullCapacity(bulkhead)
    })
  )

  it.effect("waits for the outer one in vain, until its queue timeout frees both", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, queueTimeout: "1 second" })
      const fiber = yield* Effect.forkChild(Effect.flip(bulkhead.execute(bulkhead.execute(Effect.void))))
      yield* TestClock.adjust(999)
      expect(yield* occupancy(bulkhead)).toEqual([1, 1])
      yield* TestClock.adjust(1)
      expect((yield* Fiber.join(fiber)).reason).toBe("queue-timeout")
      yield* expectFullCapacity(bulkhead)
    })
  )

  it.effect("of another bulkhead needs a permit of both", () =>
    Effect.gen(function* () {
      const [outer, inner] = [yield* makeCalls({ maxConcurrent: 1 }), yield* makeCalls({ maxConcurrent: 1 })]
      yield* inner.arrive("a")
      const both = inner.bulkhead.execute(inner.work("b")).pipe(outer.bulkhead.execute)
      const fiber = yield* Effect.forkChild(both, { startImmediately: true })
      expect([yield* occupancy(outer.bulkhead), yield* occupancy(inner.bulkhead)]).toEqual([
        [1, 0],
        [1, 1]
      ])
      yield* Fiber.interrupt(fiber)
      yield* expectFullCapacity(outer.bulkhead)
      yield* inner.end("a")
      yield* expectFullCapacity(inner.bulkhead)
    })
  )
})

describe("a snapshot", () => {
  it.effect("of a new bulkhead has its settings and zeros", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ service: "llm", maxConcurrent: 3, maxQueue: 5 })
      expect(yield* Policy.snapshot(bulkhead)).toEqual({
        kind: "bulkhead",
        service: "llm",
        limit: 3,
        maxQueue: 5,
        active: 0,
        queued: 0,
        keys: 0,
        rejected: 0,
        ...countsOf({})
      })
    })
  )

  it.effect("counts rejections of both kinds apart and together", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 2, queueTimeout: "1 second" })
      yield* calls.arriveAll("a", "b", "c", "d", "e", "f")
      yield* TestClock.adjust("1 second")
      expect(yield* Policy.snapshot(calls.bulkhead)).toMatchObject({
        active: 1,
        queued: 0,
        rejected: 5,
        rejectedFull: 3,
        rejectedQueueTimeout: 2
      })
    })
  )

  it.effect("is true within a running call, and before those who got in have started", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      expect(yield* calls.bulkhead.execute(occupancy(calls.bulkhead))).toEqual([1, 0])
      yield* calls.arriveAll("a", "b", "c")
      yield* calls.endNow("a")
      expect(calls.running()).toEqual([])
      expect(yield* occupancy(calls.bulkhead)).toEqual([1, 1])
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 2 }))
    })
  )

  it.effect("counts a call as ended only when it has", () =>
    Effect.gen(function* () {
      const calls = callsOf(yield* Bulkhead.make({ maxConcurrent: 1 }))
      yield* calls.arriveAll("a", "b")
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({}))
    })
  )

  it.effect("moves nothing and stays as it was", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, queueTimeout: "1 second" })
      yield* calls.arriveAll("a", "b")
      const before = calls.bulkhead.snapshot(0)
      expect(calls.bulkhead.snapshot(1e9)).toEqual(before)
      yield* calls.end("a", "b")
      expect(before).toMatchObject({ active: 1, queued: 1, successes: 0 })
    })
  )
})
