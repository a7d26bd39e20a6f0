import { describe, expect, it } from "@effect/vitest"
import { Clock, Data, Duration, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Deadline, Pipeline, Policy, Retry } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"

/** Up again from a moment on; it writes down when it was called. */
const outage = (untilSecond: number) => {
  const calls: Array<number> = []
  const call = Effect.gen(function* () {
    const now = (yield* Clock.currentTimeMillis) / 1_000
    calls.push(now)
    return now < untilSecond ? yield* Effect.fail("down" as const) : ("up" as const)
  })
  return { call, calls }
}

const everySecond = { maxAttempts: 6, strategy: "fixed", baseDelay: "1 second", jitter: "none" } as const
const opensAtTwo = { consecutiveFailures: 2, openDuration: "5 seconds" } as const

describe("a retry around a circuit breaker", () => {
  it.effect("shows the breaker every attempt", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ retry: everySecond, circuitBreaker: { consecutiveFailures: 100 } })
      const { call, calls } = outage(3)
      const fiber = yield* call.pipe(pipeline.execute, Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toBe("up")
      expect(calls).toEqual([0, 1, 2, 3])
      expect(yield* Policy.snapshot(pipeline.parts[1])).toMatchObject({ failures: 3, successes: 1, failuresInRow: 0 })
    })
  )

  it.effect("ends when the circuit opens, because nobody says how long there is time", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const pipeline = yield* Pipeline.make({ retry: everySecond, circuitBreaker: opensAtTwo })
      const { call, calls } = outage(Infinity)
      const fiber = yield* call.pipe(pipeline.execute, Effect.flip, recorded.record, Effect.forkChild)
      yield* TestClock.adjust("2 seconds")
      const error = yield* Fiber.join(fiber)
      expect(error).toMatchObject({ _tag: "CircuitBreakerOpenError", state: "Open" })
      expect(calls).toEqual([0, 1])
      expect(yield* Policy.snapshot(pipeline.parts[0])).toMatchObject({ exhausted: 0, failures: 1, retries: 2 })
      expect(recorded.tags()).not.toContain("RetryExhausted")
    })
  )

  it.effect("ends when calls of others open the circuit", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ retry: everySecond, circuitBreaker: { consecutiveFailures: 4 } })
      const services = [outage(Infinity), outage(Infinity), outage(Infinity)]
      const fibers = yield* Effect.forEach(services, ({ call }) =>
        call.pipe(pipeline.execute, Effect.ignore, Effect.forkChild)
      )
      yield* TestClock.adjust("1 minute")
      for (const fiber of fibers) yield* Fiber.join(fiber)
      expect(services.map(({ calls }) => calls)).toEqual([[0, 1], [0], [0]])
    })
  )

  it.effect("waits for the half-open circuit when the deadline leaves the time, and then succeeds", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        deadline: "10 seconds",
        retry: everySecond,
        circuitBreaker: opensAtTwo
      })
      const { call, calls } = outage(4)
      const fiber = yield* call.pipe(pipeline.execute, Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toBe("up")
      expect(calls).toEqual([0, 1, 6])
      expect((yield* Policy.snapshot(pipeline.parts[2])).state).toBe("Closed")
    })
  )

  it.effect("gives up at once when the circuit stays open beyond the deadline", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const pipeline = yield* Pipeline.make({ deadline: "5 seconds", retry: everySecond, circuitBreaker: opensAtTwo })
      const { call, calls } = outage(4)
      const fiber = yield* call.pipe(pipeline.execute, Effect.flip, recorded.record, Effect.forkChild)
      yield* TestClock.adjust("2 seconds")
      expect(fiber.pollUnsafe()).toBeDefined()
      expect(yield* Fiber.join(fiber)).toMatchObject({
        _tag: "CircuitBreakerOpenError",
        retryAfter: Duration.seconds(4)
      })
      expect(calls).toEqual([0, 1])
      const abandoned = recorded.events().filter(({ _tag }) => _tag === "RetryAbandoned")
      expect(abandoned.map(({ attributes }) => attributes["reason"])).toEqual(["deadline"])
    })
  )

  it.effect("a wait that ends with the deadline is too long, one a millisecond shorter is not", () =>
    Effect.gen(function* () {
      const run = (deadline: Duration.Input) =>
        Effect.gen(function* () {
          const pipeline = yield* Pipeline.make({ deadline, retry: everySecond, circuitBreaker: opensAtTwo })
          const { call, calls } = outage(4)
          const fiber = yield* call.pipe(pipeline.execute, Effect.exit, Effect.forkChild)
          yield* TestClock.adjust("1 minute")
          yield* Fiber.join(fiber)
          return calls
        }).pipe(Effect.provide(TestClock.layer()))
      expect(yield* run("6 seconds")).toEqual([0, 1])
      expect(yield* run("6001 millis")).toEqual([0, 1, 6])
    })
  )

  it.effect("does not wait for an isolated circuit", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ deadline: "1 hour", retry: everySecond, circuitBreaker: {} })
      yield* pipeline.parts[2].isolate
      const error = yield* Effect.void.pipe(pipeline.execute, Effect.flip)
      expect(error).toMatchObject({ _tag: "CircuitBreakerOpenError", state: "Isolated", retryAfter: undefined })
      expect((yield* Policy.snapshot(pipeline.parts[1])).retries).toBe(0)
    })
  )

  it.effect("comes back when somebody else's probe has had a second, and is not kept waiting for its lease", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        deadline: "1 hour",
        retry: everySecond,
        circuitBreaker: { ...opensAtTwo, probeTimeout: "10 seconds" }
      })
      const [, , breaker] = pipeline.parts
      yield* breaker.trip
      yield* TestClock.adjust("5 seconds")
      const probe = yield* Effect.sleep("1500 millis").pipe(breaker.execute, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      const { call, calls } = outage(0)
      const waiting = yield* call.pipe(pipeline.execute, Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(probe)
      expect(yield* Fiber.join(waiting)).toBe("up")
      expect(calls).toEqual([7])
    })
  )

  it.effect("an error that must not be retried is still seen by the breaker", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ retry: everySecond, circuitBreaker: opensAtTwo })
      const call = Effect.fail({ status: 404 }).pipe(pipeline.execute, Effect.ignore)
      yield* call
      yield* call
      expect(yield* Policy.snapshot(pipeline.parts[1])).toMatchObject({ state: "Open", failures: 2 })
    })
  )

  it.effect("a success after retries breaks the row of failures", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ retry: everySecond, circuitBreaker: { consecutiveFailures: 3 } })
      for (const until of [2, 4, 6]) {
        const fiber = yield* outage(until).call.pipe(pipeline.execute, Effect.forkChild)
        yield* TestClock.adjust("2 seconds")
        expect(yield* Fiber.join(fiber)).toBe("up")
      }
      expect(yield* Policy.snapshot(pipeline.parts[1])).toMatchObject({ state: "Closed", failures: 6 })
    })
  )

  it.effect("both heed the time that the dependency asks for", () =>
    Effect.gen(function* () {
      class Busy extends Data.TaggedError("Busy")<{ readonly retryAfter: Duration.Duration }> {}
      const pipeline = yield* Pipeline.make({
        deadline: "1 hour",
        retry: everySecond,
        circuitBreaker: { ...opensAtTwo, consecutiveFailures: 1 }
      })
      const busy = outage(20)
      const call = Effect.mapError(busy.call, () => new Busy({ retryAfter: Duration.seconds(20) }))
      const fiber = yield* call.pipe(pipeline.execute, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect((yield* Policy.snapshot(pipeline.parts[2])).retryAfter).toEqual(Option.some(Duration.seconds(19)))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toBe("up")
      expect(busy.calls).toEqual([0, 20])
    })
  )
})

describe("a circuit breaker around a retry", () => {
  it.effect("sees a call instead of its attempts, so it opens late and stops no loop", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(opensAtTwo)
      const pipeline = Pipeline.inOrder([breaker, yield* Retry.make(everySecond)])
      const { call, calls } = outage(Infinity)
      const fiber = yield* call.pipe(pipeline.execute, Effect.ignore, Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      expect(calls).toHaveLength(6)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", failures: 1 })
      expect(Pipeline.lint(pipeline).map(({ rule }) => rule)).toContain("retry-inside-circuit-breaker")
    })
  )

  it.effect("lets a loop go on that began before the circuit opened", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(opensAtTwo)
      const pipeline = Pipeline.inOrder([breaker, yield* Retry.make(everySecond)])
      const { call, calls } = outage(3)
      const fiber = yield* call.pipe(pipeline.execute, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* breaker.isolate
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toBe("up")
      expect(calls).toEqual([0, 1, 2, 3])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Isolated", late: 1 })
    })
  )
})

describe("a deadline inside a retry", () => {
  it.effect("is given to each attempt anew, so nothing limits the total", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ ...everySecond, maxAttempts: 3, retryAfterMax: 0 })
      const pipeline = Pipeline.inOrder([retry, yield* Deadline.make({ duration: "10 seconds" })])
      const fiber = yield* Effect.never.pipe(pipeline.execute, Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("31999 millis")
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 millis")
      expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "TimeoutExceededError", scope: "total" })
      expect(Pipeline.lint(pipeline).map(({ rule }) => rule)).toContain("deadline-inside-retry")
    })
  )
})
