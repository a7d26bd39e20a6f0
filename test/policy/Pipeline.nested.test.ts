import { describe, expect, it } from "@effect/vitest"
import { Deferred, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Outcome, Pipeline, Policy, Retry, Timeout } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"

const atOnce = { baseDelay: 0, jitter: "none" } as const

describe("a pipeline as a part of another", () => {
  it.effect("guards in its place, and its errors are in the type", () =>
    Effect.gen(function* () {
      const inner = yield* Pipeline.make({ circuitBreaker: { consecutiveFailures: 2 } })
      const outer = Pipeline.inOrder([yield* Retry.make({ ...atOnce, maxAttempts: 5 }), inner])
      const service = ScriptedService.make([ScriptedService.fail("down")])
      const guarded: Effect.Effect<never, string | CircuitBreaker.CircuitBreakerOpenError> = service.call.pipe(
        outer.execute
      )
      expect(yield* Effect.flip(guarded)).toBeInstanceOf(CircuitBreaker.CircuitBreakerOpenError)
      expect(service.calls()).toBe(2)
      expect(outer.describe()).toBe("retry > pipeline")
    })
  )

  it.effect("counts the calls that reach it, and the outer one counts its own", () =>
    Effect.gen(function* () {
      const inner = yield* Pipeline.make({ service: "inner" })
      const outer = Pipeline.inOrder([yield* Retry.make({ ...atOnce, maxAttempts: 3 }), inner], { service: "outer" })
      const flaky = ScriptedService.make([ScriptedService.fail("down"), ScriptedService.fail("down"), "up"])
      yield* flaky.call.pipe(outer.execute)
      expect(yield* Policy.snapshot(inner)).toMatchObject({ successes: 1, failures: 2 })
      expect(yield* Policy.snapshot(outer)).toMatchObject({ successes: 1, failures: 0 })
    })
  )

  it.effect("tells of failed calls under its own name, the outer one under its name", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const outer = Pipeline.inOrder([yield* Pipeline.make({ service: "inner" })], { service: "outer" })
      yield* Effect.fail("down").pipe(outer.execute, Effect.ignore, recorded.record)
      expect(recorded.events().map(({ _tag, attributes, service }) => [_tag, service, attributes["enclosed"]])).toEqual(
        [
          ["CallFailed", "inner", "true"],
          ["CallFailed", "outer", undefined]
        ]
      )
    })
  )

  it.effect("is enclosed by one that runs in one frame, too", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const inner = yield* Pipeline.make({ service: "inner" })
      const outer = yield* Pipeline.make({ service: "outer", timeout: "1 minute" })
      yield* Effect.fail("down").pipe(inner.execute, outer.execute, Effect.ignore, recorded.record)
      expect(recorded.events().map(({ attributes, service }) => [service, attributes["enclosed"]])).toEqual([
        ["inner", "true"],
        ["outer", undefined]
      ])
    })
  )

  it.effect("does not enclose what outlives the call of the outer one", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const holder = yield* Effect.forkChild(bulkhead.execute(Effect.never), { startImmediately: true })
      const first = yield* Pipeline.make({ service: "first" })
      const second = Pipeline.inOrder([bulkhead, yield* Retry.make({}), yield* Timeout.make({ duration: "1 minute" })])
      const third = yield* Pipeline.make({ service: "third" })
      const go = yield* Deferred.make<void>()
      const outlives = Effect.forkDetach(Effect.andThen(Deferred.await(go), third.execute(Effect.fail("down"))))
      const waits = Effect.forkDetach(second.execute(outlives), { startImmediately: true })
      yield* waits.pipe(first.execute, recorded.record)
      yield* Fiber.interrupt(holder)
      yield* TestClock.adjust(0)
      expect(second.snapshot(0).successes).toBe(1)
      yield* Deferred.succeed(go, undefined)
      yield* TestClock.adjust(0)
      expect(recorded.events().map(({ attributes, service }) => [service, attributes["enclosed"]])).toEqual([
        ["third", undefined]
      ])
    })
  )

  it.effect("does not enclose what outlives a call that was interrupted while it failed", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const first = yield* Pipeline.make({ service: "first", retry: {}, timeout: "1 minute" })
      const third = yield* Pipeline.make({ service: "third" })
      const go = yield* Deferred.make<void>()
      const outlives = Effect.forkDetach(Effect.andThen(Deferred.await(go), third.execute(Effect.fail("down"))))
      const caller: Fiber.Fiber<unknown, unknown> = yield* Effect.suspend(() =>
        Effect.andThen(
          outlives,
          Effect.suspend(() => {
            caller.interruptUnsafe()
            return Effect.fail("down")
          })
        )
      ).pipe(first.execute, recorded.record, Effect.forkChild)
      yield* TestClock.adjust(0)
      expect(first.snapshot(0)).toMatchObject({ failures: 0, interrupted: 1 })
      yield* Deferred.succeed(go, undefined)
      yield* TestClock.adjust(0)
      expect(recorded.events().map(({ attributes, service }) => [service, attributes["enclosed"]])).toEqual([
        ["third", undefined]
      ])
    })
  )

  it.effect("gets the key and the functions of a call", () =>
    Effect.gen(function* () {
      const inner = yield* Pipeline.make({ retry: { ...atOnce, maxAttempts: 3 }, circuitBreaker: {} })
      const outer = Pipeline.inOrder([Pipeline.inOrder([inner])])
      const service = ScriptedService.make([ScriptedService.fail("down")])
      const call = outer.executeWith({
        key: "tenant",
        retry: { while: () => false },
        circuitBreaker: { classify: () => Outcome.success }
      })
      yield* service.call.pipe(call, Effect.ignore)
      expect(service.calls()).toBe(1)
      expect(inner.parts[1].snapshot(0)).toMatchObject({ successes: 1, failures: 0, failuresInRow: 0 })
      yield* service.call.pipe(outer.executeWith({ key: "tenant" }), Effect.ignore)
      expect(inner.parts[1].snapshot(0, "tenant").failuresInRow).toBe(3)
      expect(inner.parts[1].snapshot(0).failuresInRow).toBe(0)
    })
  )

  it.effect("leaves the fallback of a call to the outer one", () =>
    Effect.gen(function* () {
      const inner = yield* Pipeline.make({ timeout: "1 second" })
      const outer = Pipeline.inOrder([yield* Retry.make({ ...atOnce, maxAttempts: 3 }), inner])
      const service = ScriptedService.make([ScriptedService.fail("down")])
      const call: Pipeline.AnsweredCall = { fallback: () => Effect.succeed("answer") }
      expect(yield* service.call.pipe(outer.executeWith(call))).toBe("answer")
      expect(service.calls()).toBe(3)
    })
  )
})
