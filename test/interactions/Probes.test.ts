import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Option, Stream } from "effect"
import { TestClock } from "effect/testing"
import {
  type Bulkhead,
  CircuitBreaker,
  Pipeline,
  Policy,
  ProtectedStream,
  Resilience,
  Timeout
} from "../../src/index.ts"

const down = Effect.fail("down" as const)
const up = Effect.succeed("up" as const)

/** A pipeline whose circuit is due for a probe. */
const halfOpen = (breaker: CircuitBreaker.OptionsInput = {}, bulkhead: Bulkhead.OptionsInput = {}) =>
  Effect.gen(function* () {
    const circuitBreaker = { consecutiveFailures: 1, openDuration: "10 seconds", ...breaker } as const
    const pipeline = yield* Pipeline.make({ circuitBreaker, bulkhead, timeout: "5 seconds" })
    yield* pipeline.parts[0].trip
    yield* TestClock.adjust("10 seconds")
    const [circuit, queue] = pipeline.parts
    const state = Effect.map(Policy.snapshot(circuit), ({ state }) => state)
    return { pipeline, execute: pipeline.execute, circuit, bulkhead: queue, state }
  })

/** Occupies a bulkhead for a while. */
const occupy = (bulkhead: Bulkhead.Bulkhead, duration: Duration.Input) =>
  Effect.sleep(duration).pipe(bulkhead.execute, Effect.forkChild({ startImmediately: true }))

describe("a probe", () => {
  it.effect("that succeeds behind all parts closes the circuit", () =>
    Effect.gen(function* () {
      const { execute, state } = yield* halfOpen()
      expect(yield* up.pipe(execute)).toBe("up")
      expect(yield* state).toBe("Closed")
    })
  )

  it.effect("that times out opens the circuit again, for longer", () =>
    Effect.gen(function* () {
      const { circuit, execute } = yield* halfOpen({ openDurationFactor: 2 })
      const fiber = yield* Effect.never.pipe(execute, Effect.exit, Effect.forkChild)
      yield* TestClock.adjust("5 seconds")
      expect(Exit.isFailure(yield* Fiber.join(fiber))).toBe(true)
      expect(yield* Policy.snapshot(circuit)).toMatchObject({
        state: "Open",
        openings: 2,
        probing: 0,
        retryAfter: Option.some(Duration.seconds(20))
      })
    })
  )

  it.effect("that dies opens the circuit again", () =>
    Effect.gen(function* () {
      const { circuit, execute } = yield* halfOpen()
      yield* Effect.die("bug").pipe(execute, Effect.exit)
      expect(yield* Policy.snapshot(circuit)).toMatchObject({ state: "Open", openings: 2, failures: 1 })
    })
  )

  it.effect("that is interrupted leaves the verdict to the next", () =>
    Effect.gen(function* () {
      const { circuit, execute, state } = yield* halfOpen({ probes: 2, successesToClose: 2 })
      const fiber = yield* Effect.never.pipe(execute, Effect.forkChild)
      yield* Effect.yieldNow
      yield* up.pipe(execute)
      expect((yield* Policy.snapshot(circuit)).probing).toBe(1)
      yield* Fiber.interrupt(fiber)
      expect((yield* Policy.snapshot(circuit)).probing).toBe(0)
      yield* up.pipe(execute)
      expect(yield* state).toBe("Closed")
    })
  )

  it.effect("that queues in the bulkhead keeps its slot, and decides when its turn comes", () =>
    Effect.gen(function* () {
      const { bulkhead, circuit, execute, state } = yield* halfOpen({}, { maxConcurrent: 1 })
      yield* occupy(bulkhead, "8 seconds")
      const probe = yield* up.pipe(execute, Effect.forkChild)
      yield* TestClock.adjust("7 seconds")
      expect(yield* Policy.snapshot(circuit)).toMatchObject({ state: "HalfOpen", probing: 1 })
      expect(yield* up.pipe(execute, Effect.flip)).toMatchObject({ _tag: "CircuitBreakerOpenError", state: "HalfOpen" })
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(probe)).toBe("up")
      expect(yield* state).toBe("Closed")
    })
  )

  it.effect("that queues longer than its lease counts as failed, and is turned away when its turn comes", () =>
    Effect.gen(function* () {
      const { bulkhead, circuit, execute, state } = yield* halfOpen({ probeTimeout: "6 seconds" }, { maxConcurrent: 1 })
      yield* occupy(bulkhead, "8 seconds")
      const probe = yield* up.pipe(execute, Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("6 seconds")
      expect(yield* state).toBe("Open")
      yield* TestClock.adjust("2 seconds")
      expect(yield* Fiber.join(probe)).toMatchObject({ _tag: "CircuitBreakerOpenError" })
      expect(yield* Policy.snapshot(circuit)).toMatchObject({ state: "Open", late: 0, successes: 0, rejections: 1 })
      yield* TestClock.adjust("8 seconds")
      yield* up.pipe(execute)
      expect(yield* state).toBe("Closed")
    })
  )

  const streams = { duration: "10 seconds", firstElement: "1 minute", idle: "90 seconds" } as const
  it.effect.each([
    ["the first", Stream.fromEffect(Effect.sleep("59 seconds"))],
    ["the next", Stream.concat(Stream.make(undefined), Stream.fromEffect(Effect.sleep("89 seconds")))]
  ] as const)("that is a stream may take as long as %s element may", ([, stream]) =>
    Effect.gen(function* () {
      const breaker = (yield* Policy.instanceOf(CircuitBreaker.Kind, "tokens"))!
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      const fiber = yield* Effect.forkChild(Stream.runDrain(stream.pipe(ProtectedStream.protect("tokens"))))
      yield* TestClock.adjust("89 seconds")
      yield* Fiber.join(fiber)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", late: 0 })
    }).pipe(
      Effect.provide(
        Resilience.layer({
          services: {
            tokens: { bulkhead: { maxQueue: 0 }, timeout: streams, circuitBreaker: { openDuration: "1 second" } }
          }
        })
      )
    )
  )

  it.effect("that the full bulkhead turns away is ignored, and gives its slot back", () =>
    Effect.gen(function* () {
      const { bulkhead, circuit, execute, state } = yield* halfOpen({}, { maxConcurrent: 1, maxQueue: 0 })
      const occupied = yield* occupy(bulkhead, "1 second")
      expect(yield* up.pipe(execute, Effect.flip)).toMatchObject({ _tag: "BulkheadRejectedError" })
      expect(yield* Policy.snapshot(circuit)).toMatchObject({ state: "HalfOpen", probing: 0, ignored: 1 })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(occupied)
      yield* up.pipe(execute)
      expect(yield* state).toBe("Closed")
    })
  )

  it.effect("is not turned away for ever: ten in a row open the circuit again", () =>
    Effect.gen(function* () {
      const { bulkhead, circuit, execute } = yield* halfOpen({}, { maxConcurrent: 1, maxQueue: 0 })
      yield* occupy(bulkhead, "1 hour")
      const turnedAway = yield* Effect.forEach(Array.from({ length: 11 }), () => up.pipe(execute, Effect.flip))
      expect(turnedAway.map(({ _tag }) => _tag)).toEqual([
        ...Array.from({ length: 10 }, () => "BulkheadRejectedError"),
        "CircuitBreakerOpenError"
      ])
      expect(yield* Policy.snapshot(circuit)).toMatchObject({ state: "Open", openings: 2, ignored: 10 })
    })
  )

  it.effect("that waits too long in the queue is ignored", () =>
    Effect.gen(function* () {
      const { bulkhead, circuit, execute } = yield* halfOpen({}, { maxConcurrent: 1, queueTimeout: "2 seconds" })
      yield* occupy(bulkhead, "1 hour")
      const probe = yield* up.pipe(execute, Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("2 seconds")
      expect(yield* Fiber.join(probe)).toMatchObject({ reason: "queue-timeout" })
      expect(yield* Policy.snapshot(circuit)).toMatchObject({ state: "HalfOpen", probing: 0, ignored: 1 })
    })
  )

  it.effect("that the deadline cuts off opens the circuit again", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds" })
      const pipeline = yield* Pipeline.make({ deadline: "3 seconds", circuitBreaker: breaker })
      yield* breaker.trip
      yield* TestClock.adjust("10 seconds")
      const probe = yield* Effect.never.pipe(pipeline.execute, Effect.exit, Effect.forkChild)
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(probe)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Open", openings: 2, probing: 0 })
    })
  )

  it.effect("that fails ends the retry of its call, and that of the callers behind it", () =>
    Effect.gen(function* () {
      const circuitBreaker = { consecutiveFailures: 1, openDuration: "10 seconds" } as const
      const pipeline = yield* Pipeline.make({ retry: { baseDelay: 0, jitter: "none" }, circuitBreaker })
      yield* pipeline.parts[1].trip
      yield* TestClock.adjust("10 seconds")
      let calls = 0
      const probing = Effect.andThen(
        Effect.sync(() => calls++),
        down
      )
      const errors = yield* Effect.all([1, 2, 3].map(() => probing.pipe(pipeline.execute, Effect.flip)))
      expect(errors).toMatchObject([{ state: "Open" }, { state: "Open" }, { state: "Open" }])
      expect(calls).toBe(1)
    })
  )

  it.effect("of several is one of at most so many at once, however many call", () =>
    Effect.gen(function* () {
      const { bulkhead, circuit, execute, state } = yield* halfOpen({ probes: 3, successesToClose: 3 })
      const call = Effect.as(Effect.sleep("1 second"), "up").pipe(execute, Effect.result)
      const fibers = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(call))
      yield* TestClock.adjust(0)
      expect((yield* Policy.snapshot(circuit)).probing).toBe(3)
      expect((yield* Policy.snapshot(bulkhead)).active).toBe(3)
      yield* TestClock.adjust("1 second")
      const results = yield* Effect.forEach(fibers, Fiber.join)
      expect(results.filter(({ _tag }) => _tag === "Success")).toHaveLength(3)
      expect(yield* state).toBe("Closed")
    })
  )
})

describe("a late result", () => {
  const late = (ending: Effect.Effect<unknown, string>) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      const timeout = yield* Timeout.make({ duration: "1 hour" })
      const pipeline = Pipeline.inOrder([breaker, timeout])
      const fiber = yield* Effect.andThen(Effect.sleep("20 seconds"), ending).pipe(
        pipeline.execute,
        Effect.exit,
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      return { breaker, pipeline, fiber }
    })

  it.effect("of a failure changes nothing after a reset, but is counted", () =>
    Effect.gen(function* () {
      const { breaker, fiber } = yield* late(down)
      yield* breaker.reset
      yield* TestClock.adjust("20 seconds")
      expect(yield* Fiber.join(fiber)).toEqual(Exit.fail("down"))
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 0, late: 1, failures: 1 })
    })
  )

  it.effect("of a success does not close a circuit that opened in between", () =>
    Effect.gen(function* () {
      const { breaker, fiber, pipeline } = yield* late(up)
      yield* down.pipe(pipeline.execute, Effect.ignore)
      yield* TestClock.adjust("8 seconds")
      yield* breaker.trip
      yield* TestClock.adjust("12 seconds")
      expect(yield* Fiber.join(fiber)).toEqual(Exit.succeed("up"))
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ late: 1, successes: 1, probing: 0 })
      expect((yield* Policy.snapshot(breaker)).state).toBe("Open")
    })
  )

  it.effect("of a failure does not fail the round of probes that runs meanwhile", () =>
    Effect.gen(function* () {
      const { breaker, fiber, pipeline } = yield* late(down)
      yield* breaker.trip
      yield* TestClock.adjust("10 seconds")
      const probe = yield* Effect.sleep("15 seconds").pipe(pipeline.execute, Effect.forkChild)
      yield* TestClock.adjust("9 seconds")
      expect(yield* Fiber.join(fiber)).toEqual(Exit.fail("down"))
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 1, late: 1 })
      yield* TestClock.adjust("6 seconds")
      yield* Fiber.join(probe)
      expect((yield* Policy.snapshot(breaker)).state).toBe("Closed")
    })
  )

  it.effect("of an interruption changes nothing at all", () =>
    Effect.gen(function* () {
      const { breaker, fiber } = yield* late(down)
      yield* breaker.reset
      yield* Fiber.interrupt(fiber)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", late: 1, ignored: 1, failures: 0 })
    })
  )
})
