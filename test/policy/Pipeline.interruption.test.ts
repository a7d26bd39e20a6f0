import { describe, expect, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Pipeline, Policy, Retry } from "../../src/index.ts"
import * as HastyClock from "../support/hastyClock.ts"
import { type Scenario, sweep } from "../support/sweep.ts"

const RESERVES = 10
const LATER = 1e9

const yields = (times: number): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: times }), () => Effect.yieldNow)

/** A service that knows how many of its calls run; a call takes a few turns and then does what the script says. */
const makeService = (script: ReadonlyArray<"up" | "down">) => {
  let calls = 0
  let active = 0
  const call: Effect.Effect<string, string> = Effect.acquireUseRelease(
    Effect.sync(() => {
      active++
      return script[Math.min(calls++, script.length - 1)]!
    }),
    (step) => Effect.andThen(yields(2), step === "up" ? Effect.succeed(step) : Effect.fail(step)),
    () => Effect.sync(() => active--)
  )
  return { call, active: () => active, calls: () => calls }
}

const waitUntil = (isTrue: () => boolean): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let turn = 0; turn < 1_000 && !isTrue(); turn++) yield* Effect.yieldNow
    expect(isTrue()).toBe(true)
  })

interface Start {
  readonly script: ReadonlyArray<"up" | "down">
  readonly isHalfOpen?: boolean
  readonly isQueued?: boolean
  readonly key?: string
  readonly queueTimeout?: number
}

/** A new pipeline of all parts in a certain state, and one call through it. */
const scenario = ({ isHalfOpen = false, isQueued = false, key, queueTimeout = 50_000, script }: Start): Scenario => {
  const clock = HastyClock.make()
  const service = makeService(script)
  const pipeline = Pipeline.makeUnsafe({
    fallback: () => Effect.as(yields(2), "instead"),
    deadline: "1 hour",
    retry: {
      maxAttempts: 3,
      baseDelay: 10,
      jitter: "none",
      budget: { ratio: 0, minimumPerSecond: RESERVES, window: "1 second" }
    },
    circuitBreaker: { consecutiveFailures: 3, openDuration: "1 second", probeTimeout: "1 hour" },
    bulkhead: { maxConcurrent: 2, queueTimeout },
    timeout: "1 minute"
  })
  const [, , retry, breaker, bulkhead] = pipeline.parts
  const withClock = Effect.provideService(Clock.Clock, clock)
  if (isHalfOpen) {
    Effect.runSync(breaker.trip.pipe(withClock))
    clock.advance(1_000)
  }
  const call = service.call.pipe(key === undefined ? pipeline.execute : pipeline.executeWith({ key }))
  const holder = yields(8).pipe(bulkhead.execute, Effect.forkDetach({ startImmediately: true }))
  return {
    call: (isQueued ? Effect.andThen(Effect.andThen(holder, holder), call) : call).pipe(withClock),
    afterwards: (exit) =>
      Effect.gen(function* () {
        yield* waitUntil(() => bulkhead.snapshot(clock.now()).active === 0 && clock.sleeping() === 0)
        expect(service.active()).toBe(0)
        expect(bulkhead.snapshot(clock.now(), key)).toMatchObject({ active: 0, queued: 0 })
        expect(breaker.snapshot(clock.now(), key).probing).toBe(0)
        expect(retry.snapshot(clock.now() + LATER, key).budget).toEqual(Option.some(RESERVES))
        const { failures, interrupted, successes } = pipeline.snapshot(clock.now())
        expect(successes + failures + interrupted).toBeLessThanOrEqual(1)
        if (Exit.isSuccess(exit)) expect(successes).toBe(1)
        clock.advance(1_000)
        const again = Effect.succeed("up").pipe(Pipeline.inOrder([breaker, bulkhead]).executeWith({ key }))
        yield* Effect.all([again, again], { concurrency: 1 }).pipe(withClock, Effect.orDie)
        expect(breaker.snapshot(clock.now(), key).state).toBe("Closed")
      })
  }
}

const states: ReadonlyArray<readonly [name: string, start: Start, leastInterrupted: number]> = [
  ["closed, and the call succeeds", { script: ["up"] }, 30],
  ["closed, and the call is retried", { script: ["down", "up"] }, 80],
  ["closed, and the circuit opens under the call, which the fallback answers", { script: ["down"] }, 100],
  ["half-open, and the probe succeeds", { script: ["up"], isHalfOpen: true }, 30],
  ["half-open, and the probe fails", { script: ["down"], isHalfOpen: true }, 50],
  ["closed, and the call queues", { script: ["up"], isQueued: true }, 60],
  ["closed, and the call queues until its time is over", { script: ["up"], isQueued: true, queueTimeout: 1 }, 60],
  ["half-open, and the probe queues", { script: ["up"], isHalfOpen: true, isQueued: true }, 60],
  ["closed, and the call has a key", { script: ["down", "up"], key: "tenant" }, 80]
]

describe.each(states)("an interruption at any moment, %s", (_, start, leastInterrupted) => {
  it.effect.each([3, 5, 16, 2_048])(
    "leaves nothing behind, with %d operations in a row",
    (maxOperationsBeforeYield) =>
      Effect.gen(function* () {
        const swept = yield* sweep(() => scenario(start), { maxOperationsBeforeYield })
        expect(swept.interrupted).toBeGreaterThan(leastInterrupted)
      }),
    60_000
  )
})

describe("an interruption while the call waits", () => {
  const interruptAfter = (
    millis: number,
    pipeline: Pipeline.Pipeline<readonly []>,
    call: Effect.Effect<void, string>
  ) =>
    Effect.gen(function* () {
      const fiber = yield* call.pipe(pipeline.execute, Effect.forkChild)
      yield* TestClock.adjust(millis)
      yield* Fiber.interrupt(fiber)
      return fiber.pollUnsafe()
    })

  it.effect("for the next attempt gives the reserved retry back", () =>
    Effect.gen(function* () {
      const budget = { ratio: 0, minimumPerSecond: 1, window: "1 second" } as const
      const retry = yield* Retry.make({ baseDelay: "1 minute", maxDelay: "1 minute", jitter: "none", budget })
      const fiber = yield* Effect.fail("down").pipe(Pipeline.inOrder([retry]).execute, Effect.forkChild)
      yield* TestClock.adjust("30 seconds")
      expect((yield* Policy.snapshot(retry)).budget).toEqual(Option.some(0))
      yield* Fiber.interrupt(fiber)
      expect((yield* Policy.snapshot(retry)).budget).toEqual(Option.some(1))
    })
  )

  it.effect("in the queue leaves the queue, and the next one moves up", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: {}, bulkhead: { maxConcurrent: 1 }, timeout: "1 hour" })
      const [breaker, bulkhead] = pipeline.parts
      const holder = yield* Effect.sleep("10 seconds").pipe(pipeline.execute, Effect.forkChild)
      yield* TestClock.adjust(0)
      const leaving = yield* Effect.void.pipe(pipeline.execute, Effect.forkChild)
      const next = yield* Effect.succeed("next").pipe(pipeline.execute, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect((yield* Policy.snapshot(bulkhead)).queued).toBe(2)
      yield* Fiber.interrupt(leaving)
      expect((yield* Policy.snapshot(bulkhead)).queued).toBe(1)
      yield* TestClock.adjust("9 seconds")
      expect(yield* Fiber.join(next)).toBe("next")
      yield* Fiber.join(holder)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ successes: 2, ignored: 1, failures: 0 })
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 2, interrupted: 1 })
    })
  )

  it.effect("for the operation interrupts it, and waits for its finalizers", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const pipeline = yield* Pipeline.make({ deadline: "1 hour", timeout: "1 minute", bulkhead: { maxConcurrent: 1 } })
      const cleanUp = Effect.andThen(
        Effect.sleep("1 second"),
        Effect.sync(() => log.push("cleaned up"))
      )
      const fiber = yield* Effect.never.pipe(
        Effect.onInterrupt(() => cleanUp),
        pipeline.execute,
        Effect.onExit((exit) => Effect.sync(() => log.push(exit._tag))),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("999 millis")
      expect(pipeline.parts[1].snapshot(0).active).toBe(1)
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(interruption)
      expect(log).toEqual(["cleaned up", "Failure"])
      expect(pipeline.parts[1].snapshot(0).active).toBe(0)
    })
  )

  it.effect("for a probe gives its slot back, and the next call is the probe", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: { openDuration: "1 second" } })
      const [breaker] = pipeline.parts
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      const probe = yield* Effect.never.pipe(pipeline.execute, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 1 })
      expect(yield* Effect.void.pipe(pipeline.execute, Effect.flip)).toMatchObject({ state: "HalfOpen" })
      yield* Fiber.interrupt(probe)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 0 })
      yield* Effect.void.pipe(pipeline.execute)
      expect((yield* Policy.snapshot(breaker)).state).toBe("Closed")
    })
  )

  it.effect("goes on as an interruption, whatever part it met", () =>
    Effect.gen(function* () {
      const pipeline: Pipeline.Pipeline<readonly []> = Pipeline.makeUnsafe({
        fallback: () => Effect.succeed("instead"),
        deadline: "1 hour",
        retry: { baseDelay: "1 minute" },
        circuitBreaker: {},
        bulkhead: {},
        timeout: "1 minute"
      } as {})
      for (const call of [Effect.never, Effect.fail("down")]) {
        const exit = yield* interruptAfter(1_000, pipeline, call)
        expect(exit !== undefined && Exit.hasInterrupts(exit)).toBe(true)
      }
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 0, failures: 0, interrupted: 2 })
    })
  )
})

describe("a call that nobody can interrupt", () => {
  it.effect("passes all parts and gives everything back", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const circuitBreaker = yield* CircuitBreaker.make()
      const pipeline = yield* Pipeline.make({
        deadline: "1 hour",
        retry: {},
        circuitBreaker,
        bulkhead,
        timeout: "1 minute"
      })
      const fiber = yield* Effect.sleep("1 second").pipe(pipeline.execute, Effect.uninterruptible, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 0, successes: 1 })
    })
  )
})

describe("a call that waited for its turn", () => {
  const hold = (execute: (self: Effect.Effect<void>) => Effect.Effect<unknown, unknown>) =>
    Effect.sleep("1 second").pipe(execute, Effect.forkChild({ startImmediately: true }))

  it.effect("and interrupts its own caller at once is cleaned up before that one ends", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ bulkhead: { maxConcurrent: 1 }, timeout: "1 minute" })
      yield* hold(pipeline.execute)
      const log: Array<string> = []
      let caller: Fiber.Fiber<unknown, unknown> | undefined
      const call = Effect.suspend(() => {
        caller?.interruptUnsafe()
        return Effect.never
      }).pipe(
        Effect.onExit(() =>
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => log.push("cleaned up"))
          )
        )
      )
      caller = yield* call.pipe(
        pipeline.execute,
        Effect.onExit(() => Effect.sync(() => log.push("caller ends"))),
        Effect.forkChild({ startImmediately: true })
      )
      yield* TestClock.adjust("1 second")
      expect(log).toEqual([])
      yield* TestClock.adjust("1 second")
      expect(log).toEqual(["cleaned up", "caller ends"])
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 1, failures: 0, interrupted: 1 })
    })
  )

  it.effect("and interrupts its own caller and ends at once counts once", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ bulkhead: { maxConcurrent: 1 }, timeout: "1 minute" })
      yield* hold(pipeline.execute)
      let caller: Fiber.Fiber<unknown, unknown> | undefined
      const call = Effect.sync(() => caller?.interruptUnsafe())
      caller = yield* call.pipe(pipeline.execute, Effect.forkChild({ startImmediately: true }))
      yield* TestClock.adjust("1 second")
      expect(Exit.hasInterrupts(yield* Fiber.await(caller))).toBe(true)
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 2, failures: 0, interrupted: 0 })
      expect(yield* Policy.snapshot(pipeline.parts[0])).toMatchObject({ active: 0, queued: 0 })
    })
  )
})
