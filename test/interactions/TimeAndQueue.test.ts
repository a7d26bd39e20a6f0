import { describe, expect, it } from "@effect/vitest"
import { Clock, Duration, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Deadline, Pipeline, Policy, Retry, Timeout } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"

const seconds = Effect.map(Clock.currentTimeMillis, (millis) => millis / 1_000)

/** How each of several calls at once ended, and when. */
const ends = <E>(calls: ReadonlyArray<Effect.Effect<unknown, E | { readonly _tag: string }>>) =>
  Effect.gen(function* () {
    const fibers = yield* Effect.forEach(calls, (call) =>
      call.pipe(
        Effect.as("success"),
        Effect.catch((error) => Effect.succeed((error as { readonly _tag: string })._tag)),
        Effect.flatMap((end) => Effect.map(seconds, (now) => `${end} at ${now}`)),
        Effect.forkChild
      )
    )
    yield* TestClock.adjust("1 hour")
    return yield* Effect.forEach(fibers, Fiber.join)
  })

const fourSeconds = Effect.sleep("4 seconds")

describe("a timeout inside a bulkhead", () => {
  it.effect("starts after the admission, so the time in the queue does not count", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        circuitBreaker: { consecutiveFailures: 1 },
        bulkhead: { maxConcurrent: 1 },
        timeout: "5 seconds"
      })
      const call = fourSeconds.pipe(pipeline.execute)
      expect(yield* ends([call, call, call])).toEqual(["success at 4", "success at 8", "success at 12"])
      expect(yield* Policy.snapshot(pipeline.parts[0])).toMatchObject({ state: "Closed", successes: 3, failures: 0 })
    })
  )

  it.effect("gives the permit back when it rings, so the next one starts", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ bulkhead: { maxConcurrent: 1 }, timeout: "5 seconds" })
      const calls = [Effect.never, fourSeconds].map((call) => call.pipe(pipeline.execute))
      expect(yield* ends(calls)).toEqual(["TimeoutExceededError at 5", "success at 9"])
    })
  )

  it.effect("keeps the permit until the work has really ended", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ bulkhead: { maxConcurrent: 1 }, timeout: "5 seconds" })
      const stubborn = Effect.uninterruptible(Effect.sleep("7 seconds"))
      const calls = [stubborn, fourSeconds].map((call) => call.pipe(pipeline.execute))
      expect(yield* ends(calls)).toEqual(["TimeoutExceededError at 7", "success at 11"])
    })
  )
})

describe("a timeout around a bulkhead", () => {
  it.effect("counts the time in our own queue, and opens the circuit of a healthy dependency", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const timeout = yield* Timeout.make({ duration: "5 seconds" })
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const pipeline = Pipeline.inOrder([breaker, timeout, bulkhead])
      const call = fourSeconds.pipe(pipeline.execute)
      expect(yield* ends([call, call])).toEqual(["success at 4", "TimeoutExceededError at 5"])
      expect(breaker.snapshot(5_000)).toMatchObject({ state: "Open", failures: 1 })
      expect(Pipeline.lint(pipeline).map(({ rule }) => rule)).toContain("bulkhead-inside-timeout")
    })
  )

  it.effect("does no harm where nobody can wait", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const timeout = yield* Timeout.make({ duration: "5 seconds" })
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueue: 0 })
      const pipeline = Pipeline.inOrder([breaker, timeout, bulkhead])
      const call = fourSeconds.pipe(pipeline.execute)
      expect(yield* ends([call, call])).toEqual(["success at 4", "BulkheadRejectedError at 0"])
      expect((yield* Policy.snapshot(breaker)).state).toBe("Closed")
      expect(Pipeline.lint(pipeline)).toEqual([])
    })
  )
})

describe("what the circuit breaker sees of the parts inside it", () => {
  const strict = { consecutiveFailures: 1 } as const

  it.effect("rejections by a full bulkhead are no failures", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: strict, bulkhead: { maxConcurrent: 1, maxQueue: 1 } })
      const call = fourSeconds.pipe(pipeline.execute)
      expect(yield* ends([call, call, call, call])).toEqual([
        "success at 4",
        "success at 8",
        "BulkheadRejectedError at 0",
        "BulkheadRejectedError at 0"
      ])
      expect(yield* Policy.snapshot(pipeline.parts[0])).toMatchObject({ state: "Closed", successes: 2, ignored: 2 })
    })
  )

  it.effect("waits in the queue that took too long are no failures", () =>
    Effect.gen(function* () {
      const bulkhead = { maxConcurrent: 1, queueTimeout: "1 second" } as const
      const pipeline = yield* Pipeline.make({ circuitBreaker: strict, bulkhead, timeout: "5 seconds" })
      const call = fourSeconds.pipe(pipeline.execute)
      expect(yield* ends([call, call])).toEqual(["success at 4", "BulkheadRejectedError at 1"])
      expect(yield* Policy.snapshot(pipeline.parts[0])).toMatchObject({ state: "Closed", ignored: 1, failures: 0 })
    })
  )

  const watching = { tripPolicy: "count-window", windowSize: 10, slowCallDuration: "5 seconds" } as const
  const oneAtOnce = { maxConcurrent: 1 } as const

  it.effect("waits in the queue make no call slow", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: watching, bulkhead: oneAtOnce, timeout: "1 minute" })
      const call = fourSeconds.pipe(pipeline.execute)
      const slow = Effect.sleep("5001 millis").pipe(pipeline.execute)
      expect(yield* ends([call, call, call, slow])).toContain("success at 12")
      expect(pipeline.parts[0].snapshot(0)).toMatchObject({ successes: 4, slowCalls: 1 })
    })
  )

  it.effect("waits in one queue inside the other add up", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(watching)
      const outer = yield* Bulkhead.make({ maxConcurrent: 2 })
      const inner = yield* Bulkhead.make(oneAtOnce)
      const call = fourSeconds.pipe(Pipeline.inOrder([breaker, outer, inner]).execute)
      expect((yield* ends([call, call, call, call])).at(-1)).toBe("success at 16")
      expect(breaker.snapshot(0)).toMatchObject({ successes: 4, slowCalls: 0 })
    })
  )

  it.effect("a wait that took too long does not make slow what follows it", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(watching)
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, queueTimeout: "3 seconds" })
      const first = Effect.forkChild(Effect.sleep("3500 millis").pipe(bulkhead.execute), { startImmediately: true })
      const twice = Effect.sleep("2 seconds").pipe(
        bulkhead.execute,
        Effect.catchTag("BulkheadRejectedError", () => Effect.delay(Effect.sleep("2 seconds"), "1 second")),
        breaker.execute
      )
      expect(yield* ends([Effect.andThen(first, twice)])).toEqual(["success at 6"])
      expect(breaker.snapshot(0)).toMatchObject({ successes: 1, slowCalls: 0 })
    })
  )

  it.effect("waits before a call reaches the breaker do not hide that it is slow", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...watching, openDuration: "1 second" })
      const call = Effect.sleep("6 seconds").pipe(
        Pipeline.inOrder([yield* Bulkhead.make(oneAtOnce), breaker, Timeout.makeUnsafe()]).execute
      )
      expect(yield* ends([call, call])).toEqual(["success at 6", "success at 12"])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", slowCalls: 2 })
      const nested = Effect.sleep("6 seconds").pipe(breaker.execute, (yield* Bulkhead.make(oneAtOnce)).execute)
      yield* ends([nested, nested])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", slowCalls: 4 })
      yield* breaker.trip
      const probe = yield* Bulkhead.make(oneAtOnce)
      yield* ends([fourSeconds.pipe(probe.execute), Effect.sleep("6 seconds").pipe(breaker.execute, probe.execute)])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Open", openings: 2, slowCalls: 5 })
    })
  )

  it.effect("a probe that had to wait is not slow", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...watching, openDuration: "1 second" })
      const bulkhead = yield* Bulkhead.make(oneAtOnce)
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      const holder = Effect.forkChild(fourSeconds.pipe(bulkhead.execute), { startImmediately: true })
      const probe = fourSeconds.pipe(Pipeline.inOrder([breaker, bulkhead]).execute)
      expect(yield* ends([Effect.andThen(holder, probe)])).toEqual(["success at 9"])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", slowCalls: 0 })
    })
  )

  it.effect("a call that was let through and queued is turned away when the circuit opens meanwhile", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: strict, bulkhead: { maxConcurrent: 1 } })
      const failing = Effect.andThen(fourSeconds, Effect.fail({ _tag: "Down" }))
      const calls = [failing, fourSeconds].map((call) => call.pipe(pipeline.execute))
      expect(yield* ends(calls)).toEqual(["Down at 4", "CircuitBreakerOpenError at 4"])
      expect(pipeline.parts[0].snapshot(4_000)).toMatchObject({ state: "Open", late: 0, successes: 0, rejections: 1 })
    })
  )

  it.effect("attempts that took too long are failures", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: strict, bulkhead: {}, timeout: "3 seconds" })
      expect(yield* ends([fourSeconds.pipe(pipeline.execute)])).toEqual(["TimeoutExceededError at 3"])
      expect(pipeline.parts[0].snapshot(3_000)).toMatchObject({ state: "Open", failures: 1 })
    })
  )

  it.effect("an attempt that the deadline cuts off is a failure", () =>
    Effect.gen(function* () {
      for (const timeout of [undefined, "5 seconds"] as const) {
        const pipeline = yield* Pipeline.make({ deadline: "3 seconds", circuitBreaker: strict, bulkhead: {}, timeout })
        expect((yield* ends([fourSeconds.pipe(pipeline.execute)]))[0]).toContain("TimeoutExceededError at ")
        expect(yield* Policy.snapshot(pipeline.parts[1])).toMatchObject({ failures: 1, ignored: 0, openings: 1 })
      }
    })
  )

  it.effect("a wait in the queue that the deadline cuts off is no failure", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const pipeline = yield* Pipeline.make({
        deadline: "3 seconds",
        circuitBreaker: strict,
        bulkhead,
        timeout: "1 hour"
      })
      const calls = [fourSeconds.pipe(bulkhead.execute), Effect.void.pipe(pipeline.execute)]
      expect((yield* ends(calls))[1]).toContain("Error at 3")
      expect(yield* Policy.snapshot(pipeline.parts[1])).toMatchObject({ state: "Closed", ignored: 1, failures: 0 })
    })
  )

  it.effect("a wait in the queue that the deadline cuts off is no failure, though the wait began later", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const breaker = yield* CircuitBreaker.make(strict)
      const deadline = yield* Deadline.make({ duration: "3 seconds" })
      const inner = Pipeline.inOrder([breaker, bulkhead])
      const late = Effect.andThen(Effect.sleep("1 second"), Effect.void.pipe(inner.execute)).pipe(deadline.execute)
      expect((yield* ends([fourSeconds.pipe(bulkhead.execute), late]))[1]).toContain("Error at 3")
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", ignored: 1, failures: 0 })
    })
  )

  it.effect("a call that came too late to be made is no failure", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(strict)
      const pipeline = Pipeline.inOrder([breaker, yield* Timeout.make({ duration: "5 seconds" })])
      const passed = { at: -1, service: "caller", duration: Duration.seconds(1) }
      const service = ScriptedService.make(["up"])
      const error = yield* service.call.pipe(
        pipeline.execute,
        Effect.provideService(Deadline.CurrentDeadline, passed),
        Effect.flip
      )
      expect(error).toMatchObject({ _tag: "TimeoutExceededError", isStarted: false, scope: "total" })
      expect(service.calls()).toBe(0)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", ignored: 1 })
    })
  )
})

describe("a deadline around everything", () => {
  it.effect("shortens the timeout of an attempt to what is left", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        deadline: "8 seconds",
        retry: { strategy: "fixed", baseDelay: "1 second", jitter: "none" },
        timeout: "5 seconds"
      })
      const fiber = yield* Effect.never.pipe(pipeline.execute, Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("7999 millis")
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 millis")
      expect(yield* Fiber.join(fiber)).toMatchObject({ scope: "total", duration: Duration.seconds(8) })
      expect((yield* Policy.snapshot(pipeline.parts[1])).retries).toBe(1)
    })
  )

  it.effect("is not slept past by a retry, which gives up at once with the last error", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const pipeline = yield* Pipeline.make({
        deadline: "2 seconds",
        retry: { baseDelay: "2 seconds", jitter: "none" }
      })
      const error = yield* Effect.fail("down").pipe(pipeline.execute, Effect.flip, recorded.record)
      expect(error).toBe("down")
      expect(recorded.tags()).toEqual(["RetryAbandoned", "CallFailed"])
      expect((yield* Policy.snapshot(pipeline.parts[1])).outOfTime).toBe(1)
    })
  )

  it.effect("bounds the wait in the queue", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ deadline: "6 seconds", bulkhead: { maxConcurrent: 1 } })
      const call = fourSeconds.pipe(pipeline.execute)
      const [first, second, third] = yield* ends([call, call, call])
      expect(first).toBe("success at 4")
      expect(second).toContain("Error at 6")
      expect(third).toContain("Error at 6")
      expect(yield* Policy.snapshot(pipeline.parts[1])).toMatchObject({ active: 0, queued: 0 })
    })
  )

  it.effect("yields to an earlier queueTimeout", () =>
    Effect.gen(function* () {
      const bulkhead = { maxConcurrent: 1, queueTimeout: "2 seconds" } as const
      const pipeline = yield* Pipeline.make({ deadline: "3 seconds", bulkhead })
      const call = Effect.never.pipe(pipeline.execute)
      expect(yield* ends([call, call])).toEqual(["TimeoutExceededError at 3", "BulkheadRejectedError at 2"])
    })
  )
})

describe("nested deadlines", () => {
  const nested = (outer: Duration.Input, inner: Duration.Input) =>
    Effect.gen(function* () {
      const service = { outer: yield* Deadline.make({ service: "outer", duration: outer }) }
      const pipeline = Pipeline.inOrder([service.outer, yield* Deadline.make({ service: "inner", duration: inner })])
      const left = yield* Deadline.remaining.pipe(pipeline.execute)
      const fiber = yield* Effect.never.pipe(pipeline.execute, Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      const error = yield* Fiber.join(fiber)
      const totals = pipeline.parts.map((part) => part.snapshot(0).exceeded)
      return [Option.getOrThrow(Option.map(left, Duration.toSeconds)), error.service, totals] as const
    })

  it.effect("a shorter one inside ends first, and the outer one counts a failure", () =>
    Effect.gen(function* () {
      expect(yield* nested("5 seconds", "3 seconds")).toEqual([3, "inner", [0, 1]])
    })
  )

  it.effect("a longer one inside is the outer one", () =>
    Effect.gen(function* () {
      const [left, service] = yield* nested("3 seconds", "5 seconds")
      expect([left, service]).toEqual([3, "outer"])
    })
  )

  it.effect("of pipelines that call each other leave the inner one what is left", () =>
    Effect.gen(function* () {
      const outer = yield* Pipeline.make({ service: "outer", deadline: "5 seconds" })
      const inner = yield* Pipeline.make({ service: "inner", deadline: "4 seconds", circuitBreaker: {} })
      const call = Effect.andThen(Effect.sleep("3 seconds"), Effect.never.pipe(inner.execute)).pipe(outer.execute)
      const fiber = yield* call.pipe(Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("4999 millis")
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 millis")
      expect(yield* Fiber.join(fiber)).toMatchObject({ scope: "total", service: "outer" })
      expect((yield* Policy.snapshot(inner.parts[1])).failures).toBe(1)
    })
  )
})

describe("a retry and a bulkhead", () => {
  const flaky = () => ScriptedService.make([ScriptedService.fail("down"), "up"])
  const options = { baseDelay: "5 seconds", jitter: "none" } as const

  it.effect("inside the retry, the bulkhead has its permit back between attempts", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ retry: options, bulkhead: { maxConcurrent: 1 } })
      const calls = [flaky().call.pipe(pipeline.execute), fourSeconds.pipe(pipeline.execute)]
      expect(yield* ends(calls)).toEqual(["success at 5", "success at 4"])
    })
  )

  it.effect("around the retry, the bulkhead lets others wait for a call that only waits itself", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const pipeline = Pipeline.inOrder([bulkhead, yield* Retry.make(options)])
      const calls = [flaky().call.pipe(pipeline.execute), fourSeconds.pipe(pipeline.execute)]
      expect(yield* ends(calls)).toEqual(["success at 5", "success at 9"])
      expect(Pipeline.lint(pipeline).map(({ rule }) => rule)).toContain("retry-inside-bulkhead")
    })
  )

  it.effect("a call that found the bulkhead full is not tried again without a hint", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ retry: options, bulkhead: { maxConcurrent: 1, maxQueue: 0 } })
      const call = fourSeconds.pipe(pipeline.execute)
      expect(yield* ends([call, call])).toEqual(["success at 4", "BulkheadRejectedError at 0"])
    })
  )

  it.effect("around a circuit breaker, the bulkhead lets calls wait to be rejected", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const pipeline = Pipeline.inOrder([yield* Bulkhead.make({ maxConcurrent: 1 }), breaker])
      const failing = Effect.andThen(fourSeconds, Effect.fail({ _tag: "Down" }))
      const calls = [failing, fourSeconds].map((call) => call.pipe(pipeline.execute))
      expect(yield* ends(calls)).toEqual(["Down at 4", "CircuitBreakerOpenError at 4"])
    })
  )
})
