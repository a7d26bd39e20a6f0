import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  Fallback,
  Pipeline,
  Policy,
  Resilience,
  Retry,
  Timeout
} from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"

const down: Effect.Effect<string, string> = Effect.fail("down")
const planB = Fallback.orElse(() => Effect.succeed("plan B"))
const tagOf = Fallback.orElseSucceed((error: string | { readonly _tag: string }) =>
  typeof error === "string" ? error : error._tag
)

describe("a fallback around another policy", () => {
  it.effect("answers the rejections of a circuit breaker, which goes on to see the failures", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      const call = down.pipe(CircuitBreaker.withCircuitBreaker(breaker), tagOf)
      expect([yield* call, yield* call, yield* call]).toEqual(["down", "down", "CircuitBreakerOpenError"])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Open", failures: 2, rejections: 1 })
    })
  )

  it.effect("answers a retry when its attempts have run out, once", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ maxAttempts: 3, baseDelay: "1 second", jitter: "none" })
      const service = ScriptedService.make<string, string>([down])
      const recorded = RecordedEvents.make()
      const fiber = yield* service.call.pipe(Retry.withRetry(retry), planB, recorded.record, Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toBe("plan B")
      expect(service.calls()).toBe(3)
      expect(recorded.tags()).toEqual(["RetryScheduled", "RetryScheduled", "RetryExhausted", "FallbackUsed"])
    })
  )

  it.effect("answers a timeout", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.never.pipe(Timeout.withTimeout("1 second"), tagOf, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toBe("TimeoutExceededError")
    })
  )

  it.effect("answers after a deadline has passed: it does not run under it", () =>
    Effect.gen(function* () {
      const answer = Effect.andThen(Effect.sleep("1 hour"), Deadline.remaining)
      const fiber = yield* Effect.never.pipe(
        Deadline.withDeadline("1 second"),
        Fallback.orElse(() => answer),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      yield* TestClock.adjust("1 hour")
      expect(yield* Fiber.join(fiber)).toEqual(Option.none())
    })
  )

  it.effect("answers without a permit of the bulkhead", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const active = Effect.map(Policy.snapshot(bulkhead), (snapshot) => snapshot.active)
      const answer = down.pipe(
        Bulkhead.withBulkhead(bulkhead),
        Fallback.orElse(() => active)
      )
      expect(yield* answer).toBe(0)
    })
  )

  it.effect("can answer the rejections alone, and leave the errors of the call", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const call = down.pipe(
        CircuitBreaker.withCircuitBreaker(breaker),
        Fallback.orElseSucceed(() => "closed for today", { when: "CircuitBreakerOpenError" })
      )
      expect(yield* Effect.exit(call)).toEqual(Exit.fail("down"))
      expect(yield* call).toBe("closed for today")
    })
  )

  it.effect("answers with the last good value while a circuit is open", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const cache = yield* Fallback.makeCache<string>()
      const service = ScriptedService.make<string, string>(["Ada", down])
      const call = service.call.pipe(CircuitBreaker.withCircuitBreaker(breaker), Fallback.cached(cache, "user-1"))
      expect([yield* call, yield* call, yield* call]).toEqual(["Ada", "Ada", "Ada"])
      expect(service.calls()).toBe(2)
    })
  )
})

describe("a fallback inside another policy", () => {
  it.effect("hides every failure from a circuit breaker", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const call = down.pipe(planB, CircuitBreaker.withCircuitBreaker(breaker))
      expect([yield* call, yield* call]).toEqual(["plan B", "plan B"])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", failures: 0, successes: 2 })
    })
  )

  it.effect("leaves a retry nothing to do", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ maxAttempts: 3 })
      const service = ScriptedService.make<string, string>([down])
      expect(yield* service.call.pipe(planB, Retry.withRetry(retry))).toBe("plan B")
      expect(service.calls()).toBe(1)
    })
  )

  it.effect("has its answers limited by a timeout and a deadline", () =>
    Effect.gen(function* () {
      const slow = down.pipe(Fallback.orElse(() => Effect.never))
      const limited = [Timeout.withTimeout("1 second"), Deadline.withDeadline("1 second")]
      const fiber = yield* Effect.forEach(limited, (limit) => slow.pipe(limit, tagOf)).pipe(Effect.forkChild)
      yield* TestClock.adjust("2 seconds")
      expect(yield* Fiber.join(fiber)).toEqual(["TimeoutExceededError", "TimeoutExceededError"])
    })
  )

  it.effect("keeps the permit of a bulkhead while it answers", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const active = Effect.map(Policy.snapshot(bulkhead), (snapshot) => snapshot.active)
      const answer = down.pipe(
        Fallback.orElse(() => active),
        Bulkhead.withBulkhead(bulkhead)
      )
      expect(yield* answer).toBe(1)
    })
  )
})

describe("fallbacks around each other", () => {
  it.effect("answer from the inside out, each only what the one before left", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      const call = (self: Effect.Effect<string, string>) =>
        self.pipe(
          Fallback.cached(cache, "a"),
          Fallback.orElse(() => Effect.fail("plan B is down")),
          Fallback.orElseSucceed((error) => `default, since ${error}`)
        )
      expect(yield* call(down)).toBe("default, since plan B is down")
      expect(yield* call(Effect.succeed("fresh"))).toBe("fresh")
      expect(yield* call(down)).toBe("fresh")
    })
  )

  it.effect("remember what an inner fallback answered, if the cache is outside of it", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      yield* down.pipe(planB, Fallback.cached(cache, "a"))
      expect(yield* down.pipe(Fallback.cached(cache, "a"))).toBe("plan B")
    })
  )
})

describe("the fallback of a pipeline", () => {
  it.effect("stands around all parts and answers whatever they raise", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        service: "prices",
        fallback: (error) => Effect.succeed(error),
        circuitBreaker: { consecutiveFailures: 1 }
      })
      expect(pipeline.parts.map(({ kind }) => kind)).toEqual(["fallback", "circuit-breaker"])
      expect(yield* down.pipe(pipeline.execute)).toBe("down")
      expect(yield* down.pipe(pipeline.execute)).toMatchObject({ _tag: "CircuitBreakerOpenError", service: "prices" })
      expect(yield* Policy.snapshot(pipeline.parts[0])).toMatchObject({ service: "prices", answered: 2 })
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 2, failures: 0 })
    })
  )

  it.effect("can be an instance, with whatever parts are around and inside", () =>
    Effect.gen(function* () {
      const fallback = yield* Fallback.make(() => Effect.succeed("plan B"))
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const pipeline = Pipeline.inOrder([breaker, fallback])
      expect(yield* down.pipe(pipeline.execute)).toBe("plan B")
      expect(Pipeline.lint(pipeline).map(({ rule }) => rule)).toContain("fallback-inside-circuit-breaker")
    })
  )
})

describe("the fallback of a protected call", () => {
  const config = { services: { llm: { circuitBreaker: { consecutiveFailures: 1 }, retry: { maxAttempts: 1 } } } }

  it.effect("answers the errors of the call and of the policies, and is counted for the service", () =>
    Effect.gen(function* () {
      const call = down.pipe(Resilience.protect("llm", { fallback: (error) => Effect.succeed(error) }))
      expect(yield* call).toBe("down")
      expect(yield* call).toMatchObject({ _tag: "CircuitBreakerOpenError" })
      const record = yield* Policy.instanceOf(Fallback.Kind, "llm")
      expect(record?.totals).toEqual({ successes: 0, answered: 2, failures: 0 })
    }).pipe(Effect.provide(Resilience.layer(config)))
  )

  it.effect("takes the effect as its first argument, too", () =>
    Effect.gen(function* () {
      const fallback = () => Effect.succeed("plan B")
      expect(yield* Resilience.protect(down, "llm", { fallback })).toBe("plan B")
    }).pipe(Effect.provide(Resilience.layer(config)))
  )

  it.effect("answers neither defects nor interruptions", () =>
    Effect.gen(function* () {
      const guard = Resilience.protect("llm", { fallback: () => Effect.succeed("plan B") })
      expect(Exit.hasInterrupts(yield* Effect.interrupt.pipe(guard, Effect.exit))).toBe(true)
      expect(yield* Effect.die("bug").pipe(guard, Effect.exit)).toEqual(Exit.die("bug"))
    }).pipe(Effect.provide(Resilience.layer(config)))
  )

  it.effect("answers also where all policies are switched off", () =>
    Effect.gen(function* () {
      expect(yield* down.pipe(Resilience.protect("llm", { fallback: () => Effect.succeed("plan B") }))).toBe("plan B")
    }).pipe(Effect.provide(Resilience.layer({ ...config, enabled: false })))
  )
})
