import { AsyncLocalStorage } from "node:async_hooks"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Scheduler } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Pipeline, Policy, Retry, Timeout } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { transparent } from "../support/transparent.ts"

type Parts = ReadonlyArray<Policy.Guard<unknown> | Retry.Retry>

const forms: ReadonlyArray<readonly [form: string, make: (parts: Parts) => Pipeline.Pipeline<Parts>]> = [
  ["the fused form", (parts) => Pipeline.inOrder(parts)],
  ["the nested form", (parts) => Pipeline.inOrder([...parts, transparent])]
]

const fork = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.forkChild(self, { startImmediately: true })

describe.each(forms)("in %s of a pipeline", (_, make) => {
  const parts = () => {
    const outer = Bulkhead.makeUnsafe({ maxConcurrent: 5 })
    const breaker = CircuitBreaker.makeUnsafe({ consecutiveFailures: 1 })
    const inner = Bulkhead.makeUnsafe({ maxConcurrent: 1, queueTimeout: "2 seconds" })
    const pipeline = make([outer, breaker, inner, Timeout.makeUnsafe({ duration: "1 minute" })])
    return { outer, breaker, inner, pipeline }
  }

  it("a call that waited sees what is stored for its own caller, not for the one who made room", async () => {
    const { pipeline } = parts()
    const storage = new AsyncLocalStorage<string>()
    const look = Effect.sync(() => storage.getStore())
    const call = pipeline.execute(Effect.all([look, Effect.as(Effect.yieldNow, undefined), look]))
    const callAs = (name: string) => storage.run(name, () => Effect.runPromise(call))
    expect(await Promise.all(["alice", "bob", "carol"].map(callAs))).toEqual([
      ["alice", undefined, "alice"],
      ["bob", undefined, "bob"],
      ["carol", undefined, "carol"]
    ])
  })

  /** A call that waits behind another one, whose caller an observer interrupts as soon as it hears of something. */
  const interruptedAt = (
    event: string,
    pipeline: Pipeline.Pipeline<Parts>,
    call: Effect.Effect<void>,
    holds: "1 second" | "5 seconds"
  ) =>
    Effect.gen(function* () {
      const holder = yield* fork(Effect.sleep(holds).pipe(pipeline.execute))
      let caller: Fiber.Fiber<unknown, unknown> | undefined
      const observer: Policy.Observer = ({ _tag }) => {
        if (_tag === event) caller?.interruptUnsafe()
      }
      const observed = call.pipe(
        pipeline.execute,
        Effect.withSpan("call"),
        Effect.provideService(Policy.Observers, [observer])
      )
      caller = yield* fork(observed)
      yield* TestClock.adjust("2 seconds")
      expect(Exit.hasInterrupts(yield* Fiber.await(caller))).toBe(true)
      yield* TestClock.adjust("5 seconds")
      yield* Fiber.await(holder)
    })

  it.effect(
    "a call whose caller is interrupted when its turn comes is not made, and gives back what it holds once",
    () =>
      Effect.gen(function* () {
        const { breaker, inner, outer, pipeline } = parts()
        let calls = 0
        yield* interruptedAt(
          "BulkheadAdmission",
          pipeline,
          Effect.sync(() => void calls++),
          "1 second"
        )
        expect(calls).toBe(0)
        for (const bulkhead of [outer, inner]) {
          expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 0, queued: 0, successes: 1, interrupted: 1 })
        }
        expect(yield* Policy.snapshot(breaker)).toMatchObject({ successes: 1, ignored: 1 })
        expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 1, failures: 0, interrupted: 1 })
      })
  )

  it.effect("a call whose caller is interrupted when it is turned away ends once", () =>
    Effect.gen(function* () {
      const { inner, outer, pipeline } = parts()
      yield* interruptedAt("BulkheadRejection", pipeline, Effect.void, "5 seconds")
      expect(yield* Policy.snapshot(outer)).toMatchObject({ active: 0, queued: 0, successes: 1 })
      expect(yield* Policy.snapshot(inner)).toMatchObject({
        active: 0,
        queued: 0,
        successes: 1,
        rejectedQueueTimeout: 1
      })
      const { failures, interrupted, successes } = yield* Policy.snapshot(pipeline)
      expect([successes, failures + interrupted]).toEqual([1, 1])
    })
  )

  it.effect("a call that waits for its next attempt is not counted yet", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ baseDelay: "1 second", jitter: "none" })
      const pipeline = make([retry, Bulkhead.makeUnsafe(), Timeout.makeUnsafe({ duration: "1 minute" })])
      const caller = yield* fork(Effect.fail("down").pipe(pipeline.execute))
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 0, failures: 0, interrupted: 0 })
      yield* Fiber.interrupt(caller)
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 0, failures: 0, interrupted: 1 })
    })
  )

  it.effect("how long a call takes to clean up after its caller has given up does not matter to the time limit", () =>
    Effect.gen(function* () {
      const timeout = Timeout.makeUnsafe({ duration: "1 second" })
      const call = Effect.never.pipe(Effect.onInterrupt(() => Effect.sleep("1 minute")))
      const caller = yield* fork(call.pipe(make([Bulkhead.makeUnsafe(), timeout]).execute))
      yield* fork(Fiber.interrupt(caller))
      yield* TestClock.adjust("1 minute")
      expect(Exit.hasInterrupts(yield* Fiber.await(caller))).toBe(true)
      expect(yield* Policy.snapshot(timeout)).toMatchObject({ exceeded: 0, interrupted: 1 })
    })
  )

  it.effect("what a call does after its caller has given up is not held against the dependency", () =>
    Effect.gen(function* () {
      const { breaker, pipeline } = parts()
      const call = Effect.never.pipe(Effect.onInterrupt(() => Effect.die("cannot clean up")))
      const caller = yield* fork(call.pipe(pipeline.execute))
      yield* Fiber.interrupt(caller)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", failures: 0, ignored: 1 })
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ failures: 0, interrupted: 1 })
    })
  )

  it.effect.each([3, 4, 5, 6, 8, 16])(
    "a call that fails at once counts once, wherever its caller is interrupted, with a yield after %i steps",
    (steps) =>
      Effect.gen(function* () {
        for (let turns = 0; turns < 20; turns++) {
          const retry = Retry.makeUnsafe({ maxAttempts: 1 })
          const pipeline = make([retry, Bulkhead.makeUnsafe(), Timeout.makeUnsafe({ duration: "1 minute" })])
          let calls = 0
          const call = Effect.suspend(() => {
            calls++
            return Effect.fail("down")
          })
          const caller = yield* Effect.forkChild(
            call.pipe(pipeline.execute, Effect.provideService(Scheduler.MaxOpsBeforeYield, steps))
          )
          for (let turn = 0; turn < turns; turn++) yield* Effect.yieldNow
          yield* Fiber.interrupt(caller)
          const { failures, interrupted, successes } = yield* Policy.snapshot(pipeline)
          if (calls > 0) expect([successes, failures + interrupted]).toEqual([0, 1])
        }
      })
  )
})

describe("a part that is switched off", () => {
  it.effect("lets every call pass, in one frame with the others", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: { mode: "disabled" }, timeout: "1 second" })
      expect(yield* Effect.succeed("value").pipe(pipeline.execute)).toBe("value")
      expect(yield* Effect.flip(Effect.fail("down").pipe(pipeline.execute))).toBe("down")
      expect(yield* Policy.snapshot(pipeline.parts[0])).toMatchObject({ successes: 0, failures: 0 })
    })
  )
})

describe("a wait that a deadline cuts off", () => {
  it.effect("is told as one that took too long", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        deadline: "1 second",
        bulkhead: { maxConcurrent: 1 },
        timeout: "1 minute"
      })
      const [, bulkhead] = pipeline.parts
      const recorded = RecordedEvents.make()
      yield* fork(Effect.sleep("1 minute").pipe(bulkhead.execute))
      const caller = yield* fork(Effect.void.pipe(pipeline.execute, recorded.record))
      yield* TestClock.adjust("1 second")
      yield* Fiber.await(caller)
      const rejections = recorded.events().filter(({ _tag }) => _tag === "BulkheadRejection")
      expect(rejections.map(({ attributes }) => attributes["reason"])).toEqual(["queue-timeout"])
    })
  )
})

describe("a call that waited until its deadline is nearer than its time limit", () => {
  it.effect("ends at the deadline", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        deadline: "3 seconds",
        bulkhead: { maxConcurrent: 1 },
        timeout: "2 seconds"
      })
      const [, bulkhead] = pipeline.parts
      yield* fork(Effect.sleep("2 seconds").pipe(bulkhead.execute))
      const caller = yield* fork(Effect.never.pipe(pipeline.execute, Effect.flip))
      yield* TestClock.adjust("3 seconds")
      expect(yield* Fiber.join(caller)).toMatchObject({ _tag: "TimeoutExceededError", scope: "total" })
    })
  )
})
