import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Deadline, Fallback, Pipeline, Policy, Retry, Timeout } from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"

const atOnce = { maxAttempts: 3, baseDelay: 0, jitter: "none" } as const
const tagOf = (error: unknown): string =>
  typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : String(error)
const fallback = (error: unknown): Effect.Effect<string> => Effect.succeed(`instead of ${tagOf(error)}`)

describe("a fallback around everything", () => {
  it.effect("answers the error of the call after the last attempt", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("down")])
      const pipeline = yield* Pipeline.make({ fallback, retry: atOnce, circuitBreaker: {} })
      expect(yield* service.call.pipe(pipeline.execute)).toBe("instead of down")
      expect(service.calls()).toBe(3)
      expect((yield* Policy.snapshot(pipeline.parts[2])).failures).toBe(3)
    })
  )

  it.effect("answers for an open circuit", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ fallback, circuitBreaker: {} })
      yield* pipeline.parts[1].trip
      expect(yield* Effect.void.pipe(pipeline.execute)).toBe("instead of CircuitBreakerOpenError")
    })
  )

  it.effect("answers for a full bulkhead", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ fallback, bulkhead: { maxConcurrent: 1, maxQueue: 0 } })
      const fiber = yield* Effect.never.pipe(pipeline.execute, Effect.forkChild)
      yield* Effect.yieldNow
      expect(yield* Effect.void.pipe(pipeline.execute)).toBe("instead of BulkheadRejectedError")
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("answers for exceeded time, be it of an attempt or of all", () =>
    Effect.gen(function* () {
      const attempt = yield* Pipeline.make({ fallback, timeout: "1 second" })
      const total = yield* Pipeline.make({ fallback, deadline: "1 second" })
      for (const guarded of [Effect.never.pipe(attempt.execute), Effect.never.pipe(total.execute)]) {
        const fiber = yield* Effect.forkChild(guarded)
        yield* TestClock.adjust("1 second")
        expect(yield* Fiber.join(fiber)).toBe("instead of TimeoutExceededError")
      }
    })
  )

  it.effect("answers for attempts that ran out and were wrapped", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ ...atOnce, onExhausted: "wrap" })
      const pipeline = Pipeline.inOrder([yield* Fallback.make(fallback), retry])
      expect(yield* Effect.fail("down").pipe(pipeline.execute)).toBe("instead of RetryExhaustedError")
    })
  )

  it.effect("answers neither a defect nor an interruption", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        fallback,
        deadline: "1 hour",
        retry: atOnce,
        circuitBreaker: {},
        timeout: 10
      })
      const defect = yield* Effect.die("bug").pipe(pipeline.execute, Effect.exit)
      expect(Exit.isFailure(defect) && Cause.squash(defect.cause)).toBe("bug")
      const fiber = yield* Effect.never.pipe(pipeline.execute, Effect.forkChild)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
      expect((yield* Policy.snapshot(pipeline.parts[0])).answered).toBe(0)
    })
  )

  it.effect("lets the circuit open although every caller is content", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("down")])
      const pipeline = yield* Pipeline.make({ fallback, circuitBreaker: { consecutiveFailures: 2 } })
      const answers = yield* Effect.forEach([1, 2, 3], () => service.call.pipe(pipeline.execute))
      expect(answers).toEqual(["instead of down", "instead of down", "instead of CircuitBreakerOpenError"])
      expect(service.calls()).toBe(2)
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 3, failures: 0 })
    })
  )

  it.effect("that fails is the end of the call, and its error is that of the call", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ fallback: () => Effect.fail("no answer"), circuitBreaker: {} })
      const guarded: Effect.Effect<number, string> = (Effect.fail("down") as Effect.Effect<number, "down">).pipe(
        pipeline.execute
      )
      expect(yield* Effect.flip(guarded)).toBe("no answer")
      expect(yield* Policy.snapshot(pipeline.parts[0])).toMatchObject({ answered: 0, failures: 1 })
      expect((yield* Policy.snapshot(pipeline)).failures).toBe(1)
    })
  )

  it.effect("may take its time, which no deadline inside limits and one outside does", () =>
    Effect.gen(function* () {
      const slow = yield* Fallback.make(() => Effect.as(Effect.sleep("10 seconds"), "late"))
      const deadline = yield* Deadline.make({ duration: "1 second" })
      const outside = Effect.fail("down").pipe(Pipeline.inOrder([slow, deadline]).execute)
      const inside = Effect.fail("down").pipe(Pipeline.inOrder([deadline, slow]).execute, Effect.flip)
      const fibers = yield* Effect.all([Effect.forkChild(outside), Effect.forkChild(inside)])
      yield* TestClock.adjust("10 seconds")
      expect(yield* Fiber.join(fibers[0])).toBe("late")
      expect(yield* Fiber.join(fibers[1])).toMatchObject({ _tag: "TimeoutExceededError", scope: "total" })
    })
  )

  it.effect("can go through the pipeline of another service", () =>
    Effect.gen(function* () {
      const secondary = yield* Pipeline.make({ service: "secondary", circuitBreaker: { consecutiveFailures: 1 } })
      const service = ScriptedService.make(["from the second", ScriptedService.fail("down too")])
      const primary = yield* Pipeline.make({ service: "primary", fallback: () => service.call.pipe(secondary.execute) })
      const call = Effect.fail("down").pipe(primary.execute, Effect.result, Effect.map(String))
      yield* call
      yield* call
      yield* call
      expect(yield* Policy.snapshot(secondary)).toMatchObject({ successes: 1, failures: 2 })
      expect(yield* Policy.snapshot(primary)).toMatchObject({ successes: 1, failures: 2 })
      expect(service.calls()).toBe(2)
    })
  )

  it.effect("from a cache answers with the last good value while the circuit is open", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ timeToLive: "1 minute" })
      const pipeline = yield* Pipeline.make({ circuitBreaker: { consecutiveFailures: 1 } })
      const service = ScriptedService.make(["good", ScriptedService.fail("down")])
      const call = service.call.pipe(pipeline.execute, Fallback.cached(cache, "key"))
      expect(yield* Effect.forEach([1, 2, 3], () => call)).toEqual(["good", "good", "good"])
      expect(service.calls()).toBe(2)
      yield* TestClock.adjust("59999 millis")
      expect(yield* call).toBe("good")
      yield* TestClock.adjust("1 millis")
      expect(yield* Effect.flip(call)).toBe("down")
    })
  )
})

describe("a fallback inside", () => {
  it.effect("a retry turns every failure into a success, so nothing is ever retried", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("down"), "up"])
      const retry = yield* Retry.make(atOnce)
      const pipeline = Pipeline.inOrder([retry, yield* Fallback.make(fallback)])
      expect(yield* service.call.pipe(pipeline.execute)).toBe("instead of down")
      expect(service.calls()).toBe(1)
      expect(yield* Policy.snapshot(retry)).toMatchObject({ successes: 1, retries: 0 })
      expect(Pipeline.lint(pipeline).map(({ rule }) => rule)).toContain("fallback-inside-retry")
    })
  )

  it.effect("a circuit breaker shows it only successes, so it never opens", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const pipeline = Pipeline.inOrder([breaker, yield* Fallback.make(fallback)])
      yield* Effect.fail("down").pipe(pipeline.execute, Effect.repeat({ times: 99 }))
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", successes: 100, failures: 0 })
      expect(Pipeline.lint(pipeline).map(({ rule }) => rule)).toContain("fallback-inside-circuit-breaker")
    })
  )

  it.effect("a timeout knows nothing of a call that hangs", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: "1 second" })
      const pipeline = Pipeline.inOrder([timeout, yield* Fallback.make(fallback)])
      const fiber = yield* Effect.never.pipe(pipeline.execute, Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect((yield* Fiber.join(fiber))._tag).toBe("TimeoutExceededError")
    })
  )

  it.effect("and one outside answer what each of them sees", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      const inner = yield* Fallback.make(() => Effect.fail("inner"))
      const pipeline = Pipeline.inOrder([yield* Fallback.make(fallback), breaker, inner])
      expect(yield* Effect.fail("down").pipe(pipeline.execute)).toBe("instead of inner")
      yield* breaker.trip
      expect(yield* Effect.fail("down").pipe(pipeline.execute)).toBe("instead of CircuitBreakerOpenError")
      expect((yield* Policy.snapshot(inner)).failures).toBe(1)
    })
  )
})
