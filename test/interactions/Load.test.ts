import { describe, expect, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Option, Random } from "effect"
import { TestClock } from "effect/testing"
import { type CircuitBreaker, Pipeline, Policy } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { endOf } from "../support/tracing.ts"

const CALLS = 1_000

/** What the dependency does from a second on. */
interface Phase {
  readonly from: number
  readonly does: "answers" | "fails" | "hangs" | "dies"
}

const outages: ReadonlyArray<Phase> = [
  { from: 0, does: "answers" },
  { from: 10, does: "fails" },
  { from: 20, does: "answers" },
  { from: 30, does: "hangs" },
  { from: 45, does: "answers" },
  { from: 50, does: "dies" },
  { from: 52, does: "answers" }
]

const RESERVES = 50
const LATER = 1e9

const makePipeline = Pipeline.make({
  deadline: "20 seconds",
  retry: { maxAttempts: 4, budget: { ratio: 0.2, minimumPerSecond: 5, window: "10 seconds" } },
  circuitBreaker: { consecutiveFailures: 5, openDuration: "2 seconds", openDurationJitter: 0.2, probes: 2 },
  bulkhead: { maxConcurrent: 20, maxQueue: 100 },
  timeout: "3 seconds"
})

const percent = Effect.map(Random.next, (random) => random * 100)

/** One call of the dependency, which takes a random time. */
const dependency = (phases: ReadonlyArray<Phase>) =>
  Effect.gen(function* () {
    const second = (yield* Clock.currentTimeMillis) / 1_000
    const phase = phases.findLast(({ from }) => from <= second)
    yield* Effect.sleep(20 + (yield* percent) * 2)
    if (phase?.does === "hangs") return yield* Effect.never
    if (phase?.does === "dies") return yield* Effect.die("bug")
    return phase?.does === "fails" ? yield* Effect.fail("down") : "up"
  })

/** A thousand calls in a minute, some of which are interrupted. */
const traffic = (pipeline: Effect.Success<typeof makePipeline>, phases: ReadonlyArray<Phase>, spreadMillis: number) =>
  Effect.gen(function* () {
    const recorded = RecordedEvents.make()
    const fibers: Array<Fiber.Fiber<string, unknown>> = []
    for (let call = 0; call < CALLS; call++) {
      const start = Math.floor(((yield* percent) * spreadMillis) / 100)
      const isInterrupted = (yield* percent) < 5
      const patience = (yield* percent) * 30
      const guarded = Effect.andThen(Effect.sleep(start), dependency(phases).pipe(pipeline.execute))
      const fiber = yield* guarded.pipe(recorded.record, Effect.forkChild)
      fibers.push(fiber)
      if (isInterrupted) {
        const impatience = Effect.andThen(Effect.sleep(start + patience), Fiber.interrupt(fiber))
        yield* Effect.forkChild(impatience)
      }
    }
    yield* TestClock.adjust("3 minutes")
    const exits = yield* Effect.forEach(fibers, Fiber.await)
    return { exits, events: recorded.events(), ends: exits.map(endOf) }
  })

const count = (ends: ReadonlyArray<string>, end: string): number => ends.filter((one) => one === end).length

describe("a thousand calls through three outages", { timeout: 60_000 }, () => {
  const run = (seed: string) =>
    Effect.gen(function* () {
      const pipeline = yield* makePipeline
      const result = yield* traffic(pipeline, outages, 60_000)
      return { pipeline, ...result }
    }).pipe(Random.withSeed(seed), Effect.provide(TestClock.layer()))

  it.effect("all end", () =>
    Effect.gen(function* () {
      const { ends } = yield* run("all end")
      expect(ends).toHaveLength(CALLS)
      expect(count(ends, "success")).toBeGreaterThan(400)
      expect(count(ends, "failure")).toBeGreaterThan(100)
      expect(count(ends, "defect")).toBeGreaterThan(0)
      expect(count(ends, "interruption")).toBeGreaterThan(9)
    })
  )

  it.effect("are counted, each of them once", () =>
    Effect.gen(function* () {
      const { ends, events, pipeline } = yield* run("counted")
      const { failures, interrupted, successes } = pipeline.snapshot(0)
      expect(successes).toBe(count(ends, "success"))
      expect(failures).toBe(count(ends, "failure") + count(ends, "defect"))
      expect(interrupted).toBe(count(ends, "interruption"))
      expect(events.filter(({ _tag }) => _tag === "CallFailed")).toHaveLength(failures)
    })
  )

  it.effect("give back every permit, probe and reserved retry", () =>
    Effect.gen(function* () {
      const { pipeline } = yield* run("given back")
      const [, retry, breaker, bulkhead] = pipeline.parts
      expect(bulkhead.snapshot(0)).toMatchObject({ active: 0, queued: 0 })
      expect(breaker.snapshot(180_000).probing).toBe(0)
      expect(retry.snapshot(LATER).budget).toEqual(Option.some(RESERVES))
    })
  )

  it.effect("what goes into a part comes out of it", () =>
    Effect.gen(function* () {
      const { events, pipeline } = yield* run("in and out")
      const [deadline, retry, breaker, bulkhead, timeout] = pipeline.parts
      const through = deadline.snapshot(0)
      const calls = through.successes + through.failures + through.exceeded + through.interrupted
      const tried = retry.snapshot(0)
      const whole = pipeline.snapshot(0)
      expect(calls).toBe(whole.successes + whole.failures + whole.interrupted)
      expect(tried.successes + tried.failures + tried.exhausted).toBeLessThanOrEqual(calls)
      const seen = breaker.snapshot(0)
      const passed = bulkhead.snapshot(0)
      const reached = seen.successes + seen.failures + seen.ignored
      expect(passed.successes + passed.failures + passed.interrupted + passed.rejected).toBe(reached)
      const limited = timeout.snapshot(0)
      const started = limited.successes + limited.failures + limited.exceeded + limited.interrupted
      expect(started).toBeLessThanOrEqual(reached - passed.rejected)
      const tags = events.map(({ _tag }) => _tag)
      expect(count(tags, "CircuitBreakerFailure")).toBe(seen.failures)
      expect(count(tags, "CircuitBreakerRejection")).toBe(seen.rejections)
      expect(count(tags, "CircuitBreakerTransition")).toBe(seen.transitions)
      expect(count(tags, "RetryExhausted")).toBe(tried.exhausted)
      expect(count(tags, "BulkheadRejection")).toBe(passed.rejected)
      expect(count(tags, "TimeoutExceeded")).toBe(limited.exceeded + through.exceeded)
    })
  )

  it.effect("open the circuit in each outage, and close it after each", () =>
    Effect.gen(function* () {
      const { events } = yield* run("open and close")
      const transitions = events.flatMap(({ _tag, at, attributes }) =>
        _tag === "CircuitBreakerTransition" ? [{ at, to: attributes["to"] }] : []
      )
      const firstTo = (state: string, from: number, to: number) =>
        transitions.find(({ at, to: reached }) => reached === state && at >= from && at < to)
      for (const [from, to] of [
        [10_000, 20_000],
        [30_000, 45_000],
        [50_000, 52_000]
      ] as const) {
        expect(firstTo("Open", from, to)).toBeDefined()
        expect(firstTo("Closed", to, to + 8_000)).toBeDefined()
      }
      expect(transitions.at(-1)?.to).toBe("Closed")
    })
  )

  it.effect("spare the dependency most of the calls while it is down", () =>
    Effect.gen(function* () {
      const pipeline = yield* makePipeline
      let calls = 0
      const start = yield* Clock.currentTimeMillis
      for (let tick = 0; tick < 500; tick++) {
        const failing = Effect.andThen(
          Effect.sync(() => calls++),
          Effect.fail("down")
        )
        yield* failing.pipe(pipeline.execute, Effect.ignore, Effect.forkChild)
        yield* TestClock.adjust("20 millis")
      }
      expect((yield* Clock.currentTimeMillis) - start).toBe(10_000)
      expect(calls).toBeLessThan(30)
      yield* TestClock.adjust("1 minute")
    })
  )

  it.effect("of the same seed tell the same story, of another one another", () =>
    Effect.gen(function* () {
      const storyOf = (result: Effect.Success<ReturnType<typeof run>>) =>
        JSON.stringify([result.events, result.ends, result.pipeline.parts.map((part) => part.snapshot(0))])
      const [one, same, other] = [yield* run("one"), yield* run("one"), yield* run("other")].map(storyOf)
      expect(one === same).toBe(true)
      expect(one === other).toBe(false)
    })
  )
})

describe("a thousand calls at once", { timeout: 60_000 }, () => {
  it.effect("run as many as may, queue as many as may, and turn the others away", () =>
    Effect.gen(function* () {
      const pipeline = yield* makePipeline
      const { ends } = yield* traffic(pipeline, [{ from: 0, does: "answers" }], 0)
      const [, , breaker, bulkhead] = pipeline.parts
      expect(count(ends, "success") + count(ends, "interruption")).toBe(120)
      expect(count(ends, "failure")).toBe(CALLS - 120)
      expect(bulkhead.snapshot(0)).toMatchObject({ active: 0, queued: 0, rejectedFull: CALLS - 120 })
      expect(breaker.snapshot(0)).toMatchObject({ state: "Closed", failures: 0 })
    }).pipe(Random.withSeed("at once"))
  )

  it.effect("of a dependency that hangs all end with the deadline", () =>
    Effect.gen(function* () {
      const pipeline = yield* makePipeline
      const { ends, exits } = yield* traffic(pipeline, [{ from: 0, does: "hangs" }], 0)
      expect(exits.every((exit) => !Exit.isSuccess(exit))).toBe(true)
      expect(count(ends, "failure") + count(ends, "interruption")).toBe(CALLS)
      expect(pipeline.parts[3].snapshot(0)).toMatchObject({ active: 0, queued: 0 })
      yield* TestClock.adjust("10 minutes")
      const breaker: CircuitBreaker.CircuitBreaker = pipeline.parts[2]
      expect(yield* Effect.succeed("up").pipe(pipeline.execute)).toBe("up")
      expect((yield* Policy.snapshot(breaker)).state).toBe("Closed")
    }).pipe(Random.withSeed("hangs"))
  )

  it.effect("twenty thousand that wait for one, and then need no time, do not build a deep stack", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ bulkhead: { maxConcurrent: 1, maxQueue: 20_000 } })
      const first = yield* Effect.sleep("1 second").pipe(pipeline.execute, Effect.forkChild({ startImmediately: true }))
      const call = Effect.void.pipe(pipeline.execute)
      const fibers = yield* Effect.forEach(Array.from({ length: 20_000 }), () =>
        Effect.forkChild(call, { startImmediately: true })
      )
      expect(pipeline.parts[0].snapshot(0)).toMatchObject({ active: 1, queued: 20_000 })
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(first)
      yield* Effect.forEach(fibers, Fiber.join, { discard: true })
      expect(pipeline.parts[0].snapshot(0)).toMatchObject({ active: 0, queued: 0, successes: 20_001 })
    })
  )
})
