import { describe, expect, it } from "@effect/vitest"
import { Data, Effect, Exit, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { Deadline, Policy, Retry } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { failWith } from "./support/attempts.ts"

class Busy extends Data.TaggedError("Busy") {}

const exact = { jitter: "none", overload: { jitter: "none" }, service: "llm" } as const
const permanent = { status: 404 }

/** A call that fails with these errors in turn, and then succeeds. */
const flaky = (errors: ReadonlyArray<unknown>) => {
  let calls = 0
  return {
    call: Effect.suspend(() => (calls++ < errors.length ? Effect.fail(errors[calls - 1]) : Effect.succeed("pong"))),
    calls: () => calls
  }
}

/** The events of one call. */
const eventsOf = (options: Retry.MakeOptions, ...errors: readonly [unknown, ...ReadonlyArray<unknown>]) =>
  Effect.gen(function* () {
    const recorded = RecordedEvents.make()
    yield* failWith(errors, (self) => self.pipe(Retry.makeUnsafe(options).execute, recorded.record))
    return recorded.events()
  })

describe("the events", () => {
  it.effect("tell of each retry when it is scheduled: after which attempt, how long it waits, and why", () =>
    Effect.gen(function* () {
      const error = new Busy()
      const events = yield* eventsOf(exact, error)
      expect(events).toEqual([
        {
          _tag: "RetryScheduled",
          kind: "retry",
          service: "llm",
          severity: "Info",
          at: 0,
          attributes: { attempt_number: 1, delay_millis: 1_000, class: "retryable", exception_type: "Busy" },
          error
        },
        {
          _tag: "RetryScheduled",
          kind: "retry",
          service: "llm",
          severity: "Info",
          at: 1_000,
          attributes: { attempt_number: 2, delay_millis: 2_000, class: "retryable", exception_type: "Busy" },
          error
        },
        {
          _tag: "RetryExhausted",
          kind: "retry",
          service: "llm",
          severity: "Warn",
          at: 3_000,
          attributes: { attempts: 3, exception_type: "Busy" },
          error
        }
      ])
    })
  )

  it.effect("name the class of each failure and the wait that comes of it", () =>
    Effect.gen(function* () {
      const hinted = { status: 429, response: { headers: { "retry-after": "7" } } }
      const events = yield* eventsOf({ ...exact, rateLimit: { jitter: "none" } }, { status: 529 }, hinted, permanent)
      expect(events.map(({ attributes }) => [attributes["class"], attributes["delay_millis"]])).toEqual([
        ["overloaded", 5_000],
        ["rate-limited", 7_000]
      ])
    })
  )

  it.effect("label errors that have no tag", () =>
    Effect.gen(function* () {
      const labels = []
      for (const error of ["busy", new TypeError("busy"), null, undefined]) {
        const [event] = yield* eventsOf({ ...exact, maxAttempts: 1 }, error)
        labels.push(event?.attributes["exception_type"])
      }
      expect(labels).toEqual(["string", "TypeError", "object", "undefined"])
    })
  )

  it.effect("tell of a retry that was not made for want of time", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      yield* failWith<unknown, never, unknown>([new Busy()], (self) =>
        self.pipe(Retry.makeUnsafe(exact).execute, Deadline.withDeadline("2 seconds"), recorded.record)
      )
      expect(recorded.tags()).toEqual(["RetryScheduled", "RetryAbandoned"])
      expect(recorded.events()[1]).toMatchObject({
        severity: "Warn",
        attributes: { reason: "deadline", attempts: 2, exception_type: "Busy" }
      })
    })
  )

  it.effect("tell of a retry that was not made for want of budget", () =>
    Effect.gen(function* () {
      const events = yield* eventsOf({ ...exact, budget: { ratio: 0, minimumPerSecond: 0.1 } }, new Busy())
      expect(events.map(({ _tag }) => _tag)).toEqual(["RetryScheduled", "RetryAbandoned"])
      expect(events[1]).toMatchObject({
        severity: "Warn",
        attributes: { reason: "budget", attempts: 2, exception_type: "Busy" }
      })
    })
  )

  it.effect("do not tell of errors that are not retried, nor of success", () =>
    Effect.gen(function* () {
      expect(yield* eventsOf(exact, permanent)).toEqual([])
      const recorded = RecordedEvents.make()
      yield* Effect.succeed(1).pipe(Retry.makeUnsafe(exact).execute, recorded.record)
      yield* Effect.die("bug").pipe(Retry.makeUnsafe(exact).execute, Effect.exit, recorded.record)
      expect(recorded.events()).toEqual([])
    })
  )

  it.effect("cannot be disturbed by an observer that throws", () =>
    Effect.gen(function* () {
      const throwing = Policy.layerObservers([
        () => {
          throw new Error("observer")
        }
      ])
      const { exit, instants } = yield* failWith(["busy"], (self) =>
        self.pipe(Retry.makeUnsafe(exact).execute, Effect.provide(throwing))
      )
      expect(instants).toEqual([0, 1, 3])
      expect(exit).toEqual(Exit.fail("busy"))
    })
  )
})

describe("the counts", () => {
  const nothing = {
    successes: 0,
    successesAfterRetry: 0,
    failures: 0,
    exhausted: 0,
    interrupted: 0,
    retries: 0,
    outOfBudget: 0,
    outOfTime: 0
  }

  it("are zero at first", () => {
    const retry = Retry.makeUnsafe({ service: "llm", maxAttempts: 7 })
    expect(retry.snapshot(0)).toEqual({
      kind: "retry",
      service: "llm",
      maxAttempts: 7,
      budget: Option.none(),
      ...nothing
    })
  })

  it.effect.each([
    ["a success", {}, [], { successes: 1 }],
    ["a success after retries", {}, ["busy", "busy"], { successes: 1, successesAfterRetry: 1, retries: 2 }],
    ["a failure that is not retried", {}, [permanent], { failures: 1 }],
    ["a failure that is not retried after a retry", {}, ["busy", permanent], { failures: 1, retries: 1 }],
    ["attempts that run out", {}, ["busy", "busy", "busy"], { exhausted: 1, retries: 2 }],
    ["a single attempt", { maxAttempts: 1 }, ["busy"], { exhausted: 1 }],
    ["an empty budget", { budget: { ratio: 0, minimumPerSecond: 0 } }, ["busy"], { failures: 1, outOfBudget: 1 }],
    ["a deadline", { baseDelay: "1 minute", maxDelay: "1 minute" }, ["busy"], { failures: 1, outOfTime: 1 }]
  ] as ReadonlyArray<readonly [string, Retry.OptionsInput, ReadonlyArray<unknown>, Partial<typeof nothing>]>)(
    "of %s",
    ([, options, errors, expected]) =>
      Effect.gen(function* () {
        const retry = Retry.makeUnsafe({ ...exact, ...options })
        const fiber = yield* flaky(errors).call.pipe(
          retry.execute,
          Deadline.withDeadline("30 seconds"),
          Effect.exit,
          Effect.forkChild
        )
        yield* TestClock.adjust("1 hour")
        yield* Fiber.join(fiber)
        expect(retry.snapshot(0)).toMatchObject({ ...nothing, ...expected })
      })
  )

  it.effect(
    "of a defect and a function that throws are those of failures, those of an interruption from inside are not",
    () =>
      Effect.gen(function* () {
        const retry = Retry.makeUnsafe(exact)
        const throwing = Retry.withRetry(retry, {
          while: (): boolean => {
            throw new Error("bug")
          }
        })
        yield* Effect.die("bug").pipe(retry.execute, Effect.exit)
        yield* Effect.interrupt.pipe(retry.execute, Effect.exit)
        yield* Effect.fail("busy").pipe(throwing, Effect.exit)
        expect(retry.snapshot(0)).toMatchObject({ ...nothing, failures: 2, interrupted: 1 })
      })
  )

  it.effect("leave out a call that is interrupted from outside, and a retry that was not made yet", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(exact)
      const fiber = yield* Effect.fail("busy").pipe(retry.execute, Effect.forkChild({ startImmediately: true }))
      yield* Fiber.interrupt(fiber)
      expect(retry.snapshot(0)).toMatchObject(nothing)
    })
  )

  it.effect("count an attempt that is interrupted while its caller cannot be", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(exact)
      const call = Effect.uninterruptible(retry.execute(Effect.interruptible(Effect.never)))
      const fiber = yield* Effect.forkChild(call, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      expect(retry.snapshot(0)).toMatchObject({ ...nothing, interrupted: 1 })
    })
  )

  it.effect("add up to the number of calls", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...exact, baseDelay: 0, budget: { ratio: 0.5, minimumPerSecond: 1 } })
      const services = Array.from({ length: 60 }, (_, i) =>
        flaky(Array.from({ length: i % 5 }, () => (i % 7 === 0 ? permanent : "busy")))
      )
      yield* Effect.forEach(services, ({ call }) => Effect.exit(retry.execute(call)))
      const { exhausted, failures, outOfBudget, retries, successes, successesAfterRetry } = retry.snapshot(0)
      expect(successes + failures + exhausted).toBe(60)
      expect(services.reduce((sum, { calls }) => sum + calls(), 0)).toBe(60 + retries)
      for (const count of [exhausted, outOfBudget, successesAfterRetry]) expect(count).toBeGreaterThan(0)
      expect(failures).toBeGreaterThan(outOfBudget)
    })
  )
})

describe("what the kind declares", () => {
  it.effect("is the outcome of calls", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...exact, baseDelay: 0 })
      yield* retry.execute(Effect.void)
      yield* Effect.exit(retry.execute(Effect.fail(permanent)))
      yield* Effect.exit(retry.execute(Effect.fail(permanent)))
      yield* Effect.forEach([1, 2, 3], () => Effect.exit(retry.execute(Effect.fail("busy"))))
      yield* Effect.exit(retry.execute(Effect.interrupt))
      expect(Retry.Kind.outcomes(retry, 0)).toEqual({ success: 1, failure: 2, exhausted: 3, interrupted: 1 })
    })
  )

  it.effect("is the metrics: scheduled retries from events, the rest from the counts", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...exact, baseDelay: 0 })
      const recorded = RecordedEvents.make()
      yield* Effect.fail(new Busy()).pipe(retry.execute, Effect.exit, recorded.record)
      yield* flaky(["busy"]).call.pipe(retry.execute, recorded.record)
      const read = Retry.Kind.instruments.map((instrument) => {
        if (instrument.type === "events")
          return [
            instrument.name,
            recorded
              .events()
              .map((event) => instrument.labels(event))
              .filter((labels) => labels !== undefined)
          ]
        return instrument.type === "counter"
          ? [instrument.name, instrument.labels(retry), instrument.read(retry, 0)]
          : undefined
      })
      const attempt = (number: string, exception_type: string) => ({
        function: "llm",
        attempt_number: number,
        exception_type
      })
      expect(read).toEqual([
        [Retry.metrics.attempts, [attempt("1", "Busy"), attempt("2", "Busy"), attempt("1", "string")]],
        [Retry.metrics.exhausted, { function: "llm" }, 1],
        [Retry.metrics.successAfterRetry, { function: "llm" }, 1]
      ])
      expect(Object.values(Retry.metrics)).toEqual(["retry.attempts", "retry.exhausted", "retry.success_after_retry"])
    })
  )
})
