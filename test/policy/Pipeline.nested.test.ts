import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { CircuitBreaker, Outcome, Pipeline, Policy, Retry } from "../../src/index.ts"
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
})
