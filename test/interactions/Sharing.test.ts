import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Deadline, Pipeline, Policy, Resilience, Retry, Timeout } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"

const down = Effect.fail("down")
const up = Effect.succeed("up")
const times = <A>(count: number, value: A): ReadonlyArray<A> => Array.from({ length: count }, () => value)

describe("pipelines that share a circuit breaker", () => {
  it.effect("fail together and are rejected together", () =>
    Effect.gen(function* () {
      const circuitBreaker = yield* CircuitBreaker.make({ service: "db", consecutiveFailures: 2 })
      const reads = yield* Pipeline.make({ service: "reads", circuitBreaker })
      const writes = yield* Pipeline.make({ service: "writes", circuitBreaker })
      yield* down.pipe(reads.execute, Effect.ignore)
      yield* down.pipe(writes.execute, Effect.ignore)
      expect(yield* up.pipe(reads.execute, Effect.flip)).toMatchObject({
        _tag: "CircuitBreakerOpenError",
        service: "db"
      })
      expect(yield* up.pipe(writes.execute, Effect.flip)).toMatchObject({ service: "db" })
      for (const pipeline of [reads, writes]) expect(pipeline.snapshot(0)).toMatchObject({ failures: 2, successes: 0 })
    })
  )

  it.effect("keep their counts of failures in a row together", () =>
    Effect.gen(function* () {
      const circuitBreaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      const one = yield* Pipeline.make({ circuitBreaker })
      const other = yield* Pipeline.make({ circuitBreaker })
      yield* down.pipe(one.execute, Effect.ignore)
      yield* up.pipe(other.execute)
      yield* down.pipe(one.execute, Effect.ignore)
      expect((yield* Policy.snapshot(circuitBreaker)).state).toBe("Closed")
    })
  )

  it.effect("one probe decides for both", () =>
    Effect.gen(function* () {
      const circuitBreaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      const one = yield* Pipeline.make({ circuitBreaker })
      const other = yield* Pipeline.make({ circuitBreaker })
      yield* circuitBreaker.trip
      yield* TestClock.adjust("1 second")
      const probe = yield* Effect.sleep("1 second").pipe(one.execute, Effect.forkChild)
      yield* TestClock.adjust(0)
      expect(yield* up.pipe(other.execute, Effect.flip)).toMatchObject({ state: "HalfOpen" })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(probe)
      expect(yield* up.pipe(other.execute)).toBe("up")
    })
  )

  it.effect("have a circuit in common for each key", () =>
    Effect.gen(function* () {
      const circuitBreaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const one = yield* Pipeline.make({ circuitBreaker })
      const other = yield* Pipeline.make({ circuitBreaker })
      yield* down.pipe(one.executeWith({ key: "a" }), Effect.ignore)
      expect(yield* up.pipe(other.executeWith({ key: "a" }), Effect.flip)).toMatchObject({ state: "Open" })
      expect(yield* up.pipe(other.executeWith({ key: "b" }))).toBe("up")
      expect(yield* up.pipe(one.execute)).toBe("up")
    })
  )

  it.effect("hear an operator together", () =>
    Effect.gen(function* () {
      const circuitBreaker = yield* CircuitBreaker.make()
      const pipelines = yield* Effect.all([Pipeline.make({ circuitBreaker }), Pipeline.make({ circuitBreaker })])
      yield* circuitBreaker.isolate
      for (const { execute } of pipelines)
        expect(yield* up.pipe(execute, Effect.flip)).toMatchObject({ state: "Isolated" })
      yield* circuitBreaker.reset
      for (const { execute } of pipelines) expect(yield* up.pipe(execute)).toBe("up")
    })
  )
})

describe("pipelines that share a bulkhead", () => {
  it.effect("run so many calls at once, all of them together", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 3 })
      const one = yield* Pipeline.make({ bulkhead })
      const other = yield* Pipeline.make({ bulkhead })
      const second = Effect.sleep("1 second")
      const calls = [...times(4, second.pipe(one.execute)), ...times(4, second.pipe(other.execute))]
      const fibers = yield* Effect.forEach(calls, (call) => Effect.forkChild(call))
      yield* TestClock.adjust(0)
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 3, queued: 5 })
      yield* TestClock.adjust("3 seconds")
      for (const fiber of fibers) yield* Fiber.join(fiber)
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 0, queued: 0, successes: 8 })
    })
  )

  it.effect("deadlock when one calls the other with every permit taken, which a queueTimeout resolves", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, queueTimeout: "1 second" })
      const outer = yield* Pipeline.make({ bulkhead })
      const inner = yield* Pipeline.make({ bulkhead })
      const fiber = yield* up.pipe(inner.execute, outer.execute, Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toMatchObject({ _tag: "BulkheadRejectedError", reason: "queue-timeout" })
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 0, queued: 0 })
    })
  )
})

describe("pipelines that share a retry", () => {
  const budget = { ratio: 0, minimumPerSecond: 1, window: "3 seconds" } as const

  it.effect("spend the same budget", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ maxAttempts: 3, baseDelay: 0, jitter: "none", budget })
      const one = yield* Pipeline.make({ retry })
      const other = yield* Pipeline.make({ retry })
      const services = [
        ScriptedService.make([ScriptedService.fail("a")]),
        ScriptedService.make([ScriptedService.fail("b")])
      ]
      yield* services[0]!.call.pipe(one.execute, Effect.ignore)
      yield* services[1]!.call.pipe(other.execute, Effect.ignore)
      expect(services.map((service) => service.calls())).toEqual([3, 2])
      expect(yield* Policy.snapshot(retry)).toMatchObject({ exhausted: 1, outOfBudget: 1, budget: Option.some(0) })
    })
  )

  it.effect("get back what time and interruption give back", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ maxAttempts: 2, baseDelay: "1 second", jitter: "none", budget })
      const one = yield* Pipeline.make({ retry })
      const other = yield* Pipeline.make({ retry })
      const waiting = yield* Effect.forEach(times(3, down.pipe(one.execute, Effect.ignore)), (call) =>
        Effect.forkChild(call)
      )
      yield* TestClock.adjust(0)
      expect(yield* down.pipe(other.execute, Effect.flip)).toBe("down")
      expect((yield* Policy.snapshot(retry)).outOfBudget).toBe(1)
      yield* Fiber.interrupt(waiting[0]!)
      expect((yield* Policy.snapshot(retry)).budget).toEqual(Option.some(1))
      yield* TestClock.adjust("1 second")
      expect((yield* Policy.snapshot(retry)).budget).toEqual(Option.some(1))
      yield* TestClock.adjust("4 seconds")
      expect((yield* Policy.snapshot(retry)).budget).toEqual(Option.some(3))
    })
  )

  it.effect("have a budget for each key", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ maxAttempts: 9, baseDelay: 0, jitter: "none", budget })
      const one = yield* Pipeline.make({ retry })
      const other = yield* Pipeline.make({ retry })
      const service = ScriptedService.make([ScriptedService.fail("down")])
      yield* service.call.pipe(one.executeWith({ key: "a" }), Effect.ignore)
      yield* service.call.pipe(other.executeWith({ key: "a" }), Effect.ignore)
      expect(service.calls()).toBe(4 + 1)
      yield* service.call.pipe(other.executeWith({ key: "b" }), Effect.ignore)
      expect(service.calls()).toBe(5 + 4)
    })
  )

  it.effect("an empty budget protects a dependency from the retries of many", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({
        maxAttempts: 3,
        baseDelay: 0,
        jitter: "none",
        budget: { ratio: 0.2, minimumPerSecond: 0, window: "10 seconds" }
      })
      const service = ScriptedService.make([ScriptedService.fail("down")])
      const pipelines = yield* Effect.forEach(times(4, undefined), () => Pipeline.make({ retry }))
      for (let round = 0; round < 100; round++) {
        for (const { execute } of pipelines) yield* service.call.pipe(execute, Effect.ignore)
      }
      expect(service.calls()).toBeGreaterThan(400)
      expect(service.calls()).toBeLessThanOrEqual(480)
    })
  )
})

describe("pipelines that share time limits", () => {
  it.effect("count together, and each call has its own time", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ duration: "4 seconds" })
      const timeout = yield* Timeout.make({ duration: "2 seconds" })
      const one = yield* Pipeline.make({ deadline, timeout })
      const other = yield* Pipeline.make({ deadline, timeout })
      const first = yield* Effect.never.pipe(one.execute, Effect.exit, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      const second = yield* Effect.never.pipe(other.execute, Effect.exit, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect([first.pollUnsafe() === undefined, second.pollUnsafe() === undefined]).toEqual([false, true])
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(second)
      expect((yield* Policy.snapshot(timeout)).exceeded).toBe(2)
      expect((yield* Policy.snapshot(deadline)).failures).toBe(2)
    })
  )
})

describe("a key that is in use", () => {
  it.effect("is not forgotten for the sake of another, with its calls that run and wait and its probe", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        circuitBreaker: { consecutiveFailures: 1, openDuration: "1 second", maxKeys: 1 },
        bulkhead: { maxConcurrent: 1, maxQueue: 0, maxKeys: 1 }
      })
      const [breaker, bulkhead] = pipeline.parts
      const busy = pipeline.executeWith({ key: "busy" })
      yield* down.pipe(busy, Effect.ignore)
      yield* TestClock.adjust("1 second")
      const probe = yield* Effect.never.pipe(busy, Effect.forkChild)
      yield* TestClock.adjust(0)
      yield* up.pipe(pipeline.executeWith({ key: "other" }))
      yield* up.pipe(pipeline.executeWith({ key: "another" }))
      expect(breaker.snapshot(1_000, "busy")).toMatchObject({ state: "HalfOpen", probing: 1 })
      expect(bulkhead.snapshot(1_000, "busy").active).toBe(1)
      expect(yield* up.pipe(busy, Effect.flip)).toMatchObject({ state: "HalfOpen" })
      expect(yield* up.pipe(bulkhead.executeWith({ key: "busy" }), Effect.flip)).toMatchObject({ reason: "full" })
      yield* Fiber.interrupt(probe)
      expect(bulkhead.snapshot(1_000, "busy").active).toBe(0)
    })
  )
})

describe("pipelines around each other", () => {
  it.effect("count their own calls, each of them once", () =>
    Effect.gen(function* () {
      const inner = yield* Pipeline.make({ service: "inner" })
      const outer = yield* Pipeline.make({ service: "outer", retry: { maxAttempts: 3, baseDelay: 0, jitter: "none" } })
      const guarded = down.pipe(inner.execute, outer.execute, Effect.ignore)
      yield* guarded
      yield* guarded
      expect((yield* Policy.snapshot(inner)).failures).toBe(6)
      expect((yield* Policy.snapshot(outer)).failures).toBe(2)
    })
  )

  it.effect("the same one twice counts twice, and its bulkhead is entered twice", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ bulkhead: { maxConcurrent: 2, maxQueue: 0 } })
      expect(yield* up.pipe(pipeline.execute, pipeline.execute)).toBe("up")
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 2 })
      const thrice = up.pipe(pipeline.execute, pipeline.execute, pipeline.execute)
      expect(yield* Effect.flip(thrice)).toMatchObject({ _tag: "BulkheadRejectedError" })
      expect((yield* Policy.snapshot(pipeline.parts[0])).active).toBe(0)
    })
  )

  it.effect("a rejection by an open circuit inside says nothing to the circuit breaker outside", () =>
    Effect.gen(function* () {
      const inner = yield* Pipeline.make({ service: "inner", circuitBreaker: { consecutiveFailures: 1 } })
      const outer = yield* Pipeline.make({ service: "outer", circuitBreaker: { consecutiveFailures: 2 } })
      const guarded = down.pipe(inner.execute, outer.execute, Effect.ignore)
      for (let call = 0; call < 5; call++) yield* guarded
      expect(yield* Policy.snapshot(outer.parts[0])).toMatchObject({ state: "Closed", failures: 1, ignored: 4 })
    })
  )
})

describe("the parts of a registry", () => {
  it.effect("are shared by protect and by the combinators of each pattern", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const layer = Resilience.layer({
        services: { llm: { circuitBreaker: { consecutiveFailures: 2 }, retry: false } }
      })
      yield* Effect.gen(function* () {
        yield* down.pipe(Resilience.protect("llm"), Effect.ignore)
        yield* down.pipe(CircuitBreaker.withCircuitBreaker("llm"), Effect.ignore)
        expect(yield* up.pipe(Resilience.protect("llm"), Effect.flip)).toMatchObject({ service: "llm" })
      }).pipe(recorded.record, Effect.provide(layer))
      expect(recorded.tags()).toEqual([
        "CircuitBreakerFailure",
        "CallFailed",
        "CircuitBreakerFailure",
        "CircuitBreakerTransition",
        "CircuitBreakerRejection",
        "CallFailed"
      ])
    })
  )

  it.effect("keep services apart, also when a call of one needs another", () =>
    Effect.gen(function* () {
      const layer = Resilience.layer({
        retry: false,
        services: { llm: {}, db: { circuitBreaker: { consecutiveFailures: 1 } } }
      })
      const snapshots = yield* Effect.gen(function* () {
        yield* down.pipe(Resilience.protect("db"), Resilience.protect("llm"), Effect.ignore)
        return yield* Resilience.snapshots
      }).pipe(Effect.provide(layer))
      const states = snapshots.flatMap((one) => ("state" in one ? [`${one.service} ${String(one.state)}`] : []))
      expect(states.toSorted()).toEqual(["db Open", "llm Closed"])
    })
  )
})
