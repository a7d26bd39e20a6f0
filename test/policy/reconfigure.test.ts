import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Deadline, Policy, Retry, Timeout } from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"

const fail = (breaker: CircuitBreaker.CircuitBreaker) => Effect.exit(breaker.execute(Effect.fail("down")))

describe("options that change while a policy runs", () => {
  it.effect("a breaker keeps what it has counted", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 5 })
      yield* fail(breaker)
      yield* fail(breaker)
      yield* breaker.reconfigure({ consecutiveFailures: 3, openDuration: "10 seconds" })
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ failures: 2, failuresInRow: 2, state: "Closed" })
      yield* fail(breaker)
      expect((yield* Policy.snapshot(breaker)).state).toBe("Open")
      expect(breaker.options).toMatchObject({ consecutiveFailures: 3, openDuration: Duration.seconds(10) })
      yield* TestClock.adjust("10 seconds")
      yield* breaker.execute(Effect.void)
      expect((yield* Policy.snapshot(breaker)).state).toBe("Closed")
    })
  )

  it.effect("a half-open breaker decides by fewer probes at once, by what they were", () =>
    Effect.gen(function* () {
      for (const [probe, state] of [
        [Effect.void, "Closed"],
        [Effect.fail("down"), "Open"]
      ] as const) {
        const breaker = yield* CircuitBreaker.make({ probes: 3, successesToClose: 2, openDuration: 10 })
        yield* breaker.trip
        yield* TestClock.adjust(10)
        yield* Effect.ignore(breaker.execute(probe))
        expect((yield* Policy.snapshot(breaker)).state).toBe("HalfOpen")
        yield* breaker.reconfigure({ probes: 1, successesToClose: 1 })
        expect((yield* Policy.snapshot(breaker)).state).toBe(state)
        yield* Effect.ignore(breaker.execute(Effect.void))
        expect((yield* Policy.snapshot(breaker)).state).toBe(state)
      }
    })
  )

  it.effect("a call under way is not slow because slow calls are watched from now on", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ tripPolicy: "count-window" })
      yield* TestClock.adjust("1 minute")
      const call = yield* Effect.forkChild(breaker.execute(Effect.sleep("3 seconds")), { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      yield* breaker.reconfigure({ slowCallDuration: "2 seconds" })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(call)
      expect((yield* Policy.snapshot(breaker)).slowCalls).toBe(0)
    })
  )

  it.effect("a breaker changes its mode, and leaves it alone when another option changes", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.setMode("observe")
      yield* breaker.reconfigure({ consecutiveFailures: 3 })
      expect((yield* Policy.snapshot(breaker)).mode).toBe("observe")
      yield* breaker.reconfigure({ mode: "enforce" })
      expect((yield* Policy.snapshot(breaker)).mode).toBe("enforce")
    })
  )

  it.effect("a bulkhead lets those in who wait", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const calls = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(bulkhead.execute(Effect.never)))
      yield* TestClock.adjust(0)
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 1, queued: 2 })
      yield* bulkhead.reconfigure({ maxConcurrent: 2, maxQueue: 1, queueTimeout: "1 second" })
      yield* TestClock.adjust(0)
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 2, queued: 1, limit: 2, maxQueue: 1 })
      expect((yield* Effect.flip(bulkhead.execute(Effect.void))).reason).toBe("full")
      yield* Fiber.interrupt(calls[0]!)
      yield* TestClock.adjust(0)
      const waiting = yield* Effect.forkChild(Effect.flip(bulkhead.execute(Effect.void)))
      yield* TestClock.adjust("1 second")
      expect((yield* Fiber.join(waiting)).reason).toBe("queue-timeout")
    })
  )

  it.effect("a bulkhead keeps a limit that was set by resize when another option changes", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      yield* bulkhead.resize(7)
      yield* bulkhead.reconfigure({ maxQueue: 2 })
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ limit: 7, maxQueue: 2 })
    })
  )

  it.effect("a retry", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ maxAttempts: 1, jitter: "none" })
      yield* retry.reconfigure({ maxAttempts: 3, baseDelay: "1 second", strategy: "fixed" })
      const service = ScriptedService.make([ScriptedService.fail("down")])
      const fiber = yield* Effect.forkChild(Effect.exit(retry.execute(service.call)))
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      expect([service.calls(), retry.worstCase.attempts >= 3]).toEqual([3, true])
      expect(yield* Policy.snapshot(retry)).toMatchObject({ maxAttempts: 3, exhausted: 1 })
    })
  )

  it.effect.each([
    { name: "timeout", make: () => Timeout.makeUnsafe({ duration: "10 seconds" }) },
    { name: "deadline", make: () => Deadline.makeUnsafe({ duration: "10 seconds" }) }
  ])("a $name, for calls that begin later", ({ make }) =>
    Effect.gen(function* () {
      const limit = make()
      const guarded = limit.execute(Effect.never)
      const early = yield* Effect.forkChild(Effect.exit(guarded), { startImmediately: true })
      yield* limit.reconfigure({ duration: "1 second" })
      const late = yield* Effect.forkChild(Effect.exit(guarded), { startImmediately: true })
      yield* TestClock.adjust("1 second")
      expect([early.pollUnsafe() === undefined, late.pollUnsafe() === undefined]).toEqual([true, false])
      yield* TestClock.adjust("9 seconds")
      expect(early.pollUnsafe()).toBeDefined()
      expect(limit.describe()).toContain("1s")
      expect(limit.options.duration).toEqual(Duration.seconds(1))
    })
  )

  it.effect("are checked like those of a new one, and stay as they were when they are wrong", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      const problemOf = (changes: object) =>
        Effect.map(Effect.exit(breaker.reconfigure(changes)), (exit) => String(exit))
      expect(yield* problemOf({ consecutiveFailures: 0, openDuration: "soon" })).toMatch(
        /consecutiveFailures: .*got 0[^]*openDuration: .*got "soon"/
      )
      expect(yield* problemOf({ successesToClose: 3 })).toContain("successesToClose")
      expect(yield* problemOf({ tripPolicy: "count-window", windowSize: 5 })).toContain(
        "circuit-breaker.reconfigure: cannot change while it runs: tripPolicy, windowSize"
      )
      expect(breaker.options).toEqual(CircuitBreaker.makeUnsafe().options)
    })
  )
})

describe("options", () => {
  it.effect("are those that an instance has now, whoever has changed them", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.setMode("observe")
      expect(breaker.options.mode).toBe("observe")
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 5 })
      yield* bulkhead.resize(0)
      yield* bulkhead.reconfigure({ maxQueue: 3 })
      expect(bulkhead.options).toMatchObject({ maxConcurrent: 0, maxQueue: 3 })
      expect((yield* Policy.snapshot(bulkhead)).limit).toBe(0)
    })
  )

  it.effect("stay as they are where a change is undefined", () =>
    Effect.gen(function* () {
      // As a compiler without exactOptionalPropertyTypes lets it be written.
      const unset = undefined as never
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      yield* breaker.reconfigure({ consecutiveFailures: unset, openDuration: "5 seconds", windowSize: unset })
      expect(breaker.options.consecutiveFailures).toBe(2)
      expect(breaker.options.openDuration).toEqual(Duration.seconds(5))
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 5 })
      yield* bulkhead.reconfigure({ maxConcurrent: unset, maxQueue: 3 })
      expect(bulkhead.options.maxConcurrent).toBe(5)
      expect((yield* Policy.snapshot(bulkhead)).limit).toBe(5)
    })
  )
})
