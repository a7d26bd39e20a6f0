import { describe, expect, it } from "@effect/vitest"
import { Cause, Data, Duration, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Pipeline, type Policy, type ResilienceError, Timeout } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"

class Plain extends Data.TaggedError("Plain") {}
class Status extends Data.TaggedError("Status")<{ readonly status: number }> {}
class Expired extends Data.TaggedError("Expired") implements ResilienceError.ErrorTraits {
  readonly errorCode = "auth.expired"
  readonly httpStatus = 401
  readonly category = "auth_error"
  readonly retryPolicy = "never"
  readonly userMessage = "Please log in again."
}

/** Its traits are those of an answer that never came. */
class Unreadable extends Plain implements ResilienceError.ErrorTraits {
  readonly errorCode = "unreadable"
  readonly category = "external_error"
  readonly retryPolicy = "always"
  readonly userMessage = "Please try again."
  readonly answer: { readonly status: number } | undefined = undefined
  get httpStatus(): number {
    return this.answer!.status
  }
}

/** The events of one failed call, those of the parts left out. */
const failuresOf = <E>(
  call: Effect.Effect<unknown, E>,
  pipeline: Pipeline.Pipeline<readonly []> = Pipeline.makeUnsafe({ service: "llm" })
): Effect.Effect<ReadonlyArray<Policy.Event>> =>
  Effect.gen(function* () {
    const recorded = RecordedEvents.make()
    yield* call.pipe(pipeline.execute, Effect.exit, recorded.record)
    return recorded.events().filter(({ kind }) => kind === "pipeline")
  })

const labels = (error_code: string, category: string, status_code: string, retry_policy: string) => ({
  error_code,
  category,
  status_code,
  retry_policy
})

describe("the event of a failed call", () => {
  it.effect("has the name of the service, the time, the error and a low severity", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("1 hour")
      const error = new Plain()
      expect(yield* failuresOf(Effect.fail(error))).toEqual([
        {
          _tag: "CallFailed",
          kind: "pipeline",
          service: "llm",
          severity: "Debug",
          at: 3_600_000,
          attributes: labels("Plain", "external_error", "500", "always"),
          error
        }
      ])
    })
  )

  it.effect.each([
    ["with traits says what they say", new Expired(), labels("auth.expired", "auth_error", "401", "never")],
    [
      "of a pattern says what its traits say",
      new CircuitBreaker.CircuitBreakerOpenError({ service: "llm", state: "Open" }),
      labels("resilience.circuit_breaker_open", "external_error", "503", "conditional")
    ],
    [
      "of exceeded time can be retried",
      new Timeout.TimeoutExceededError({ service: "llm", scope: "attempt", duration: Duration.seconds(1) }),
      labels("resilience.timeout", "external_error", "504", "always")
    ],
    ["with a tag is named by it", new Plain(), labels("Plain", "external_error", "500", "always")],
    ["with a status has that status", new Status({ status: 503 }), labels("Status", "external_error", "503", "always")],
    [
      "that is not to be retried says so",
      new Status({ status: 404 }),
      labels("Status", "external_error", "404", "never")
    ],
    [
      "beyond a rate limit is of that category",
      new Status({ status: 429 }),
      labels("Status", "rate_limit", "429", "conditional")
    ],
    [
      "of an overloaded dependency can be retried",
      new Status({ status: 529 }),
      labels("Status", "external_error", "529", "always")
    ],
    ["of a class is named by it", new RangeError("no"), labels("RangeError", "external_error", "500", "always")],
    ["that is a text is named by its type", "down", labels("string", "external_error", "500", "always")],
    ["that is nothing is named by its type", undefined, labels("undefined", "external_error", "500", "always")]
  ] as const)("an error %s", ([, error, expected]) =>
    Effect.gen(function* () {
      const [event] = yield* failuresOf(Effect.fail(error))
      expect(event?.attributes).toEqual(expected)
      expect(event?.error).toBe(error)
    })
  )

  it.effect("a defect is a server error, and is the event's error", () =>
    Effect.gen(function* () {
      const defect = new Expired()
      const [event] = yield* failuresOf(Effect.die(defect))
      expect(event?.attributes).toEqual(labels("defect", "server_error", "500", "never"))
      expect(event?.error).toBe(defect)
    })
  )

  it.effect("a defect beside an error is a defect, and the error is named", () =>
    Effect.gen(function* () {
      const error = new Plain()
      const cause = Cause.combine(Cause.die("bug"), Cause.fail(error))
      const [event] = yield* failuresOf(Effect.failCause(cause))
      expect(event?.attributes["error_code"]).toBe("defect")
      expect(event?.error).toBe(error)
    })
  )

  it.effect("is there once for a call, however often it was tried", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const pipeline = yield* Pipeline.make({ retry: { maxAttempts: 3, baseDelay: 0, jitter: "none" } })
      yield* Effect.fail("down").pipe(pipeline.execute, Effect.ignore, recorded.record)
      expect(recorded.tags()).toEqual(["RetryScheduled", "RetryScheduled", "RetryExhausted", "CallFailed"])
    })
  )

  it.effect("comes last, after those of the parts from the inside to the outside", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const pipeline = yield* Pipeline.make({
        fallback: () => Effect.fail("no answer either"),
        retry: { maxAttempts: 1 },
        circuitBreaker: { consecutiveFailures: 1 },
        timeout: "1 second"
      })
      const fiber = yield* Effect.never.pipe(pipeline.execute, Effect.exit, recorded.record, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      expect(recorded.tags()).toEqual([
        "TimeoutExceeded",
        "CircuitBreakerFailure",
        "CircuitBreakerTransition",
        "RetryExhausted",
        "FallbackUsed",
        "CallFailed"
      ])
      expect(recorded.events().at(-1)?.error).toBe("no answer either")
    })
  )

  it.effect("is heard of a call with options too", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const pipeline = yield* Pipeline.make({})
      yield* Effect.fail("down").pipe(pipeline.executeWith({ key: "secret" }), Effect.ignore, recorded.record)
      expect(recorded.tags()).toEqual(["CallFailed"])
      expect(JSON.stringify(recorded.events())).not.toContain("secret")
    })
  )
})

describe("an error whose traits cannot be read", () => {
  it.effect.each([
    ["fused", { circuitBreaker: {}, bulkhead: {}, timeout: "5 seconds" }],
    ["nested", { circuitBreaker: {}, bulkhead: {} }],
    ["fused in a retry", { retry: { maxAttempts: 1 }, timeout: "5 seconds" }]
  ] as const)("reaches the caller of a pipeline that is %s, and is told under its name", ([, parts]) =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ service: "llm", ...parts })
      const recorded = RecordedEvents.make()
      const failing = Effect.delay(Effect.fail(new Unreadable()), "1 second")
      const fiber = yield* failing.pipe(pipeline.execute, Effect.exit, recorded.record, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect(fiber.pollUnsafe()).toBeDefined()
      expect(Exit.findError(yield* Fiber.join(fiber))).toMatchObject({ success: expect.any(Unreadable) })
      const told = recorded.events().filter(({ kind }) => kind === "pipeline")
      expect(told).toMatchObject([{ attributes: labels("Plain", "external_error", "500", "always") }])
    })
  )
})

describe("no event", () => {
  it.effect("tells of a success, retried or not, nor of an answer by a fallback", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const flaky = ScriptedService.make(["up", ScriptedService.fail("down"), "up"])
      const pipeline = yield* Pipeline.make({
        fallback: () => Effect.succeed("instead"),
        retry: { maxAttempts: 2, baseDelay: 0, jitter: "none" }
      })
      yield* flaky.call.pipe(pipeline.execute, recorded.record)
      yield* flaky.call.pipe(pipeline.execute, recorded.record)
      yield* Effect.fail("down").pipe(pipeline.execute, recorded.record)
      expect(recorded.tags()).not.toContain("CallFailed")
    })
  )

  it.effect("tells of an interruption", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const pipeline = yield* Pipeline.make({ bulkhead: {} })
      const fiber = yield* Effect.never.pipe(pipeline.execute, recorded.record, Effect.forkChild)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      expect(recorded.tags()).toEqual([])
      expect(pipeline.snapshot(0).interrupted).toBe(1)
    })
  )
})

describe("the metric of failed calls", () => {
  it.effect("has four labels, all from the event", () =>
    Effect.gen(function* () {
      const [instrument] = Pipeline.Kind.instruments
      const [event] = yield* failuresOf(Effect.fail(new Expired()))
      expect(Pipeline.Kind.instruments).toHaveLength(1)
      expect(instrument).toMatchObject({ name: "error.total", type: "events", unit: "{error}" })
      if (instrument?.type !== "events" || event === undefined) return expect.unreachable()
      expect(instrument.labels(event)).toEqual(labels("auth.expired", "auth_error", "401", "never"))
      expect(instrument.labels({ ...event, _tag: "RetryExhausted" })).toBeUndefined()
    })
  )
})
