import { describe, expect, it } from "@effect/vitest"
import { Deadline, Policy, Retry } from "../../src/index.ts"
import { Effect, Exit, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"

const instant = { baseDelay: 0, jitter: "none", maxAttempts: 2 } as const
/** Two retries for ten calls, and none for fewer than five. */
const fifth = { ratio: 0.2, minimumPerSecond: 0 } as const
/** Three retries in the whole window, however few calls there are. */
const three = { ratio: 0, minimumPerSecond: 0.3 } as const

const left = (retry: Retry.Retry, key?: string): Effect.Effect<number | undefined> =>
  Effect.map(Policy.snapshot({ snapshot: (now: number) => retry.snapshot(now, key) }), ({ budget }) =>
    Option.getOrUndefined(budget)
  )

const succeed = (retry: Retry.Retry, times: number) =>
  Effect.forEach(Array.from({ length: times }), () => retry.execute(Effect.void), { discard: true })

/** How often a call is made that always fails. */
const callsOf = (retry: Retry.Retry, key?: string) =>
  Effect.gen(function* () {
    const service = ScriptedService.make([ScriptedService.fail("busy")])
    const exit = yield* service.call.pipe(Retry.withRetry(retry, { key }), Effect.exit)
    expect(exit).toEqual(Exit.fail("busy"))
    return service.calls()
  })

describe("a budget", () => {
  it.effect("is not there unless it is asked for", () =>
    Effect.gen(function* () {
      expect(yield* left(Retry.makeUnsafe())).toBeUndefined()
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 1_000 })
      expect(yield* callsOf(retry)).toBe(1_000)
    })
  )

  it.effect("can be switched off", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, budget: { enabled: false, ratio: 0, minimumPerSecond: 0 } })
      expect(yield* left(retry)).toBeUndefined()
      expect(yield* callsOf(retry)).toBe(2)
    })
  )

  it.effect("that is not there is not there for any number of keys", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, maxKeys: 1 })
      expect([yield* callsOf(retry, "a"), yield* callsOf(retry, "b"), yield* left(retry, "b")]).toEqual([
        2,
        2,
        undefined
      ])
    })
  )

  it.effect("has a floor of ten retries a second over ten seconds by default", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 1_000, budget: {} })
      expect(yield* left(retry)).toBe(100)
      expect(yield* callsOf(retry)).toBe(101)
      expect(yield* left(retry)).toBe(0)
    })
  )

  it.effect("has a fifth of the recent calls beside the floor by default", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, budget: {} })
      yield* succeed(retry, 50)
      expect(yield* left(retry)).toBe(110)
    })
  )

  it.effect("counts calls, not attempts", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, budget: { ratio: 1, minimumPerSecond: 0 }, maxAttempts: 9 })
      yield* succeed(retry, 2)
      expect(yield* callsOf(retry)).toBe(1 + 3)
      expect(yield* left(retry)).toBe(0)
    })
  )

  it.effect("without a floor allows a retry from the call on that earns it", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, budget: fifth })
      yield* succeed(retry, 3)
      expect(yield* callsOf(retry)).toBe(1)
      expect(yield* callsOf(retry)).toBe(2)
      expect(yield* callsOf(retry)).toBe(1)
    })
  )

  it.effect("that allows nothing leaves each call one attempt", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, budget: { ratio: 0, minimumPerSecond: 0 } })
      yield* succeed(retry, 100)
      expect(yield* callsOf(retry)).toBe(1)
    })
  )

  it.effect("forgets calls and retries after its window", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 9, budget: { ...three, window: "10 seconds" } })
      expect(yield* callsOf(retry)).toBe(4)
      yield* TestClock.adjust("9 seconds")
      expect(yield* callsOf(retry)).toBe(1)
      yield* TestClock.adjust("1 second")
      expect(yield* callsOf(retry)).toBe(4)
    })
  )

  it.effect("has the window that it is given", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, budget: { ratio: 0, minimumPerSecond: 1, window: "3 seconds" } })
      expect(yield* left(retry)).toBe(3)
      yield* callsOf(retry)
      yield* TestClock.adjust("3 seconds")
      expect(yield* left(retry)).toBe(3)
    })
  )
})

describe("an empty budget", () => {
  it.effect("ends the call at once with the error as it was, and says so", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const error = new Error("busy")
      const retry = Retry.makeUnsafe({ budget: { ratio: 0, minimumPerSecond: 0 }, onExhausted: "wrap" })
      const failed = yield* Effect.fail(error).pipe(retry.execute, Effect.flip, recorded.record)
      expect(failed).toBe(error)
      expect(recorded.tags()).toEqual(["RetryAbandoned"])
      expect(recorded.events()[0]).toMatchObject({ attributes: { reason: "budget" } })
    })
  )

  it.effect("does not take away the attempt that is allowed anyway", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, budget: { ratio: 0, minimumPerSecond: 0 } })
      expect(yield* retry.execute(Effect.succeed("pong"))).toBe("pong")
    })
  )

  it.effect("is asked last: attempts that have run out take nothing from it", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 1, budget: three })
      yield* Effect.fail("busy").pipe(retry.execute, Effect.exit, recorded.record)
      yield* Effect.fail({ status: 404 }).pipe(retry.execute, Effect.exit, recorded.record)
      expect(recorded.tags()).toEqual(["RetryExhausted"])
      expect(yield* left(retry)).toBe(3)
    })
  )

  it.effect("is asked after the deadline, which takes nothing from it", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const empty = Retry.makeUnsafe({ budget: { ratio: 0, minimumPerSecond: 0 } })
      const late = (retry: Retry.Retry) =>
        Effect.fail("busy").pipe(retry.execute, Deadline.withDeadline("10 millis"), Effect.exit, recorded.record)
      yield* late(empty)
      expect(recorded.events().map(({ attributes }) => attributes["reason"])).toEqual(["deadline"])
      const full = Retry.makeUnsafe({ budget: three })
      yield* late(full)
      expect(yield* left(full)).toBe(3)
    })
  )
})

describe("a budget of many callers", () => {
  const waiting = { maxAttempts: 2, baseDelay: "1 second", jitter: "none", budget: three } as const

  it.effect("is shared by all of them", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(waiting)
      const services = Array.from({ length: 5 }, () => ScriptedService.make([ScriptedService.fail("busy")]))
      const all = Effect.forEach(services, ({ call }) => Effect.exit(retry.execute(call)), { concurrency: "unbounded" })
      const fiber = yield* Effect.forkChild(all)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      expect(services.map(({ calls }) => calls())).toEqual([2, 2, 2, 1, 1])
      expect(retry.snapshot(1_000)).toMatchObject({ retries: 3, outOfBudget: 2, exhausted: 3, failures: 2 })
    })
  )

  it.effect("sets a retry aside while it waits", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(waiting)
      yield* Effect.fail("busy").pipe(retry.execute, Effect.forkChild({ startImmediately: true }))
      expect(yield* left(retry)).toBe(2)
      yield* TestClock.adjust("1 second")
      expect(yield* left(retry)).toBe(2)
      yield* TestClock.adjust("11 seconds")
      expect(yield* left(retry)).toBe(3)
    })
  )

  it.effect("gets back what an interrupted wait had set aside", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(waiting)
      const fiber = yield* Effect.fail("busy").pipe(retry.execute, Effect.forkChild({ startImmediately: true }))
      expect(yield* left(retry)).toBe(2)
      yield* Fiber.interrupt(fiber)
      expect(yield* left(retry)).toBe(3)
    })
  )

  it.effect("does not get back a retry that was under way when it was interrupted", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...waiting, baseDelay: 0 })
      const service = ScriptedService.make([ScriptedService.fail("busy"), ScriptedService.hang])
      const fiber = yield* service.call.pipe(retry.execute, Effect.forkChild({ startImmediately: true }))
      expect(service.active()).toBe(1)
      yield* Fiber.interrupt(fiber)
      expect(yield* left(retry)).toBe(2)
    })
  )
})

describe("a key", () => {
  it.effect("has a budget of its own, with the same options", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 9, budget: three })
      expect(yield* callsOf(retry, "a")).toBe(4)
      expect(yield* callsOf(retry, "a")).toBe(1)
      expect(yield* callsOf(retry, "b")).toBe(4)
      expect(yield* callsOf(retry)).toBe(4)
      expect([yield* left(retry, "a"), yield* left(retry, "c"), yield* left(retry)]).toEqual([0, 3, 0])
    })
  )

  it.effect("shares the counts of the snapshot with all others", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 9, budget: three })
      yield* callsOf(retry, "a")
      yield* callsOf(retry, "b")
      expect(retry.snapshot(0, "a")).toMatchObject({ retries: 6, outOfBudget: 2 })
      expect(retry.snapshot(0)).toMatchObject({ retries: 6, outOfBudget: 2 })
    })
  )

  it.effect("that is idle too long is forgotten", () =>
    Effect.gen(function* () {
      const budget = { ...three, window: "2 hours", minimumPerSecond: 3 / 7_200 } as const
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 9, budget, keyIdleTime: "1 minute" })
      expect(yield* callsOf(retry, "a")).toBe(4)
      yield* TestClock.adjust("59 seconds")
      expect(yield* callsOf(retry, "a")).toBe(1)
      yield* TestClock.adjust("1 minute")
      expect(yield* callsOf(retry, "a")).toBe(4)
    })
  )

  it.effect("is forgotten for a newer one when there are too many, but not while one of its retries waits", () =>
    Effect.gen(function* () {
      const slow = { maxAttempts: 9, baseDelay: "1 second", jitter: "none", budget: three, maxKeys: 1 } as const
      const retry = Retry.makeUnsafe(slow)
      const call = (key: string) => Effect.fail("busy").pipe(Retry.withRetry(retry, { key }))
      const fiber = yield* Effect.forkChild(call("a"), { startImmediately: true })
      yield* Effect.exit(retry.executeWith({ key: "b" })(Effect.void))
      expect(yield* left(retry, "a")).toBe(2)
      yield* Fiber.interrupt(fiber)
      yield* Effect.exit(retry.executeWith({ key: "c" })(Effect.void))
      expect(yield* left(retry, "a")).toBe(3)
    })
  )

  it.effect("needs no budget", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(instant)
      expect(yield* callsOf(retry, "a")).toBe(2)
      expect(yield* left(retry, "a")).toBeUndefined()
    })
  )
})
