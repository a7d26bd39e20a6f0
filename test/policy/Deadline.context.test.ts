import { describe, expect, it } from "@effect/vitest"
import { Cause, Clock, Context, Duration, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Deadline, Pipeline, Policy, Retry, Timeout } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"
import { ended } from "./support/ended.ts"

/** A deadline that came with a request: it is only a value in the context, and nothing interrupts when it passes. */
const under =
  (millis: number) =>
  <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.flatMap(Clock.monotonicTimeNanos, (now) =>
      Effect.provideService(self, Deadline.CurrentDeadline, {
        at: Number(now) / 1e6 + millis,
        service: "request",
        duration: Duration.millis(millis)
      })
    )

const errorOf = (exit: Exit.Exit<unknown, unknown>) => (Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined)
const ofRequest = (millis: number) => ({
  _tag: "TimeoutExceededError",
  service: "request",
  scope: "total",
  duration: Duration.millis(millis)
})

describe("a deadline that came through the context", () => {
  it.effect("interrupts nothing by itself", () =>
    Effect.gen(function* () {
      const call = Effect.delay(Effect.succeed("value"), 500).pipe(under(100))
      expect(yield* ended(call)).toEqual({ at: 500, exit: Exit.succeed("value") })
    })
  )

  it.effect("ends a timeout that is longer", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const { at, exit } = yield* ended(service.call.pipe(Timeout.withTimeout("1 minute"), under(100)))
      expect([at, service.active()]).toEqual([100, 0])
      expect(errorOf(exit)).toMatchObject({ ...ofRequest(100), isStarted: true, isOwnSide: false })
    })
  )

  it.effect("ends a timeout of a pipeline that is longer, or as long", () =>
    Effect.gen(function* () {
      for (const timeout of ["1 minute", "100 millis"] as const) {
        const pipeline = yield* Pipeline.make({ circuitBreaker: {}, timeout })
        const { at, exit } = yield* ended(Effect.never.pipe(pipeline.execute, under(100)))
        expect([at, errorOf(exit)]).toMatchObject([100, ofRequest(100)])
        expect(yield* Policy.snapshot(pipeline.parts[1])).toMatchObject({ exceeded: 1, interrupted: 0 })
      }
    })
  )

  it.effect("ends a timeout that has no limit of its own", () =>
    Effect.gen(function* () {
      for (const duration of [Infinity, 0, -5]) {
        const { at, exit } = yield* ended(Effect.never.pipe(Timeout.withTimeout(duration), under(100)))
        expect(at).toBe(100)
        expect(errorOf(exit)).toMatchObject(ofRequest(100))
      }
    })
  )

  it.effect("lets a timeout that is shorter alone", () =>
    Effect.gen(function* () {
      const { at, exit } = yield* ended(Effect.never.pipe(Timeout.withTimeout(50), under(100)))
      expect(at).toBe(50)
      expect(errorOf(exit)).toMatchObject({ service: "default", scope: "attempt" })
    })
  )

  it.effect("that has passed keeps a timeout from making the call", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make(["value"])
      const timeout = yield* Timeout.make({ service: "llm" })
      for (const late of [100, 101]) {
        const { at, exit } = yield* ended(Effect.delay(timeout.execute(service.call), late).pipe(under(100)))
        expect([at, service.calls()]).toEqual([late, 0])
        expect(errorOf(exit)).toMatchObject({ ...ofRequest(100), isStarted: false, isOwnSide: true })
      }
      expect(timeout.snapshot(0)).toMatchObject({ exceeded: 2, failures: 0, interrupted: 0 })
      expect(timeout.elapsedSeconds.count).toBe(0)
    })
  )

  it.effect("still lets calls be made a moment before it passes", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make(["value"])
      const { exit } = yield* ended(Effect.delay(Timeout.withTimeout(service.call, "1 second"), 99).pipe(under(100)))
      expect([exit, service.calls()]).toEqual([Exit.succeed("value"), 1])
    })
  )

  it.effect("ends a later deadline inside", () =>
    Effect.gen(function* () {
      const { at, exit } = yield* ended(Effect.never.pipe(Deadline.withDeadline("1 minute"), under(100)))
      expect(at).toBe(100)
      expect(errorOf(exit)).toMatchObject(ofRequest(100))
    })
  )

  it.effect("lets an earlier deadline inside alone", () =>
    Effect.gen(function* () {
      const { at, exit } = yield* ended(Effect.never.pipe(Deadline.withDeadline(50), under(100)))
      expect(at).toBe(50)
      expect(errorOf(exit)).toMatchObject({ service: "default", duration: Duration.millis(50) })
    })
  )

  it.effect("that never comes is none", () =>
    Effect.gen(function* () {
      const call = Effect.delay(Effect.succeed("value"), "2 days")
      for (const limited of [Timeout.withTimeout(call, Infinity), Deadline.withDeadline(call, Infinity)]) {
        expect((yield* ended(limited.pipe(under(Infinity)), "3 days")).exit).toEqual(Exit.succeed("value"))
      }
    })
  )

  it.effect("can be taken away for work that must go on", () =>
    Effect.gen(function* () {
      const work = Effect.delay(Effect.succeed("value"), 500).pipe(Timeout.withTimeout("1 second"))
      const cleanup = Deadline.withoutDeadline(work)
      expect((yield* ended(cleanup.pipe(under(100)))).exit).toEqual(Exit.succeed("value"))
    })
  )
})

describe("a retry under a deadline", () => {
  const failing = () => ScriptedService.make([ScriptedService.after(10, ScriptedService.fail(transient))])
  const transient = Object.assign(new Error("reset"), { code: "ECONNRESET" })
  const make = Retry.make({ maxAttempts: 10, strategy: "fixed", baseDelay: 30, jitter: "none" })

  type Limit = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Deadline.TimeoutExceededError, R>
  const forms: ReadonlyArray<readonly [string, Limit]> = [
    ["of its own", Deadline.withDeadline(100)],
    ["of the context", under(100)]
  ]
  for (const [whose, limit] of forms) {
    it.effect(`${whose} does not sleep past it, and gives the last error at once`, () =>
      Effect.gen(function* () {
        const recorded = RecordedEvents.make()
        const service = failing()
        const retry = yield* make
        const { at, exit } = yield* ended(service.call.pipe(retry.execute, limit, recorded.record))
        expect([at, service.calls()]).toEqual([90, 3])
        expect(errorOf(exit)).toBe(transient)
        expect(recorded.events().at(-1)).toMatchObject({ _tag: "RetryAbandoned", attributes: { reason: "deadline" } })
      })
    )

    it.effect(`${whose} makes no attempt that could only begin at its very instant`, () =>
      Effect.gen(function* () {
        const service = ScriptedService.make([ScriptedService.fail(transient)])
        const retry = yield* Retry.make({ maxAttempts: 10, strategy: "fixed", baseDelay: 50, jitter: "none" })
        const { at } = yield* ended(Effect.exit(service.call.pipe(retry.execute, limit)))
        expect([at, service.calls()]).toEqual([50, 2])
      })
    )
  }

  it.effect("that cuts off an attempt does not try again", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const retry = yield* make
      const call = service.call.pipe(Timeout.withTimeout(80), retry.execute)
      const { at, exit } = yield* ended(call.pipe(under(100)))
      expect([at, service.calls()]).toEqual([80, 1])
      expect(errorOf(exit)).toMatchObject({ scope: "attempt" })
      const { at: cutAt, exit: cut } = yield* ended(call.pipe(under(50)))
      expect([cutAt, service.calls()]).toEqual([50, 2])
      expect(errorOf(cut)).toMatchObject(ofRequest(50))
    })
  )

  it.effect("gives each attempt no more time than is left", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const retry = yield* make
      const { at, exit } = yield* ended(
        service.call.pipe(Timeout.withTimeout(50), retry.execute, Deadline.withDeadline(100))
      )
      expect([at, service.calls(), service.active()]).toEqual([100, 2, 0])
      expect(errorOf(exit)).toMatchObject({ scope: "total" })
    })
  )
})

describe("a bulkhead's queue under a deadline", () => {
  it.effect("of the context is left when it passes", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ service: "db", maxConcurrent: 1, queueTimeout: "1 minute" })
      const holder = yield* Effect.forkChild(bulkhead.execute(Effect.never), { startImmediately: true })
      const { at, exit } = yield* ended(bulkhead.execute(Effect.void).pipe(under(100)))
      expect(at).toBe(100)
      expect(errorOf(exit)).toMatchObject({ _tag: "BulkheadRejectedError", reason: "queue-timeout" })
      expect(bulkhead.snapshot(0)).toMatchObject({ queued: 0, active: 1 })
      yield* Fiber.interrupt(holder)
    })
  )

  it.effect("of its own is left at its instant, whoever notices first", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const holder = yield* Effect.forkChild(bulkhead.execute(Effect.never), { startImmediately: true })
      for (const before of [Effect.void, Effect.yieldNow]) {
        const call = Effect.andThen(before, bulkhead.execute(Effect.void))
        expect((yield* ended(Effect.exit(call.pipe(Deadline.withDeadline(100))))).at).toBe(100)
        expect(bulkhead.snapshot(0)).toMatchObject({ queued: 0, active: 1 })
      }
      yield* Fiber.interrupt(holder)
      expect(bulkhead.snapshot(0).active).toBe(0)
    })
  )
})

describe("a circuit breaker under a deadline", () => {
  const make = CircuitBreaker.make({ service: "llm", consecutiveFailures: 1 })

  const calls = [
    ["the deadline itself ends the call", Effect.never],
    ["a timeout inside notices first", Effect.never.pipe(Timeout.withTimeout("1 minute"))],
    [
      "the deadline notices before a timeout inside",
      Effect.andThen(Effect.yieldNow, Effect.never.pipe(Timeout.withTimeout("1 minute")))
    ]
  ] as const
  for (const [what, work] of calls) {
    it.effect(`counts a call that it cut off as failed when ${what}`, () =>
      Effect.gen(function* () {
        const recorded = RecordedEvents.make()
        const breaker = yield* make
        const call = work.pipe(breaker.execute, Deadline.withDeadline(100), recorded.record)
        expect((yield* ended(Effect.exit(call))).at).toBe(100)
        expect(breaker.snapshot(100)).toMatchObject({ failures: 1, ignored: 0, state: "Open" })
        const failures = recorded.events().filter(({ _tag }) => _tag === "CircuitBreakerFailure")
        expect(failures).toMatchObject([{ attributes: { exception_type: "TimeoutExceededError" } }])
      })
    )
  }

  it.effect("does not blame the dependency for a caller who gives up in time", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const call = Effect.never.pipe(breaker.execute, Deadline.withDeadline(100))
      const fiber = yield* Effect.forkChild(call, { startImmediately: true })
      yield* TestClock.adjust(99)
      yield* Fiber.interrupt(fiber)
      expect(breaker.snapshot(99)).toMatchObject({ failures: 0, ignored: 1, state: "Closed" })
    })
  )

  it.effect("does not blame the dependency for a call that was never made", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const service = ScriptedService.make(["value"])
      const call = service.call.pipe(Timeout.withTimeout("1 second"), breaker.execute)
      const { exit } = yield* ended(Effect.delay(call, 200).pipe(under(100)))
      expect(errorOf(exit)).toMatchObject({ isStarted: false })
      expect(service.calls()).toBe(0)
      expect(breaker.snapshot(200)).toMatchObject({ failures: 0, ignored: 1, state: "Closed" })
    })
  )
})

describe("a pipeline with a deadline", () => {
  it.effect("ends all attempts and waits together", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const pipeline = yield* Pipeline.make({
        service: "llm",
        deadline: 250,
        retry: { maxAttempts: 10, strategy: "fixed", baseDelay: 20, jitter: "none" },
        circuitBreaker: { consecutiveFailures: 100 },
        bulkhead: { maxConcurrent: 1 },
        timeout: 100
      })
      const { at, exit } = yield* ended(pipeline.execute(service.call))
      expect([at, service.calls(), service.active()]).toEqual([250, 3, 0])
      expect(errorOf(exit)).toMatchObject({ service: "llm", scope: "total", duration: Duration.millis(250) })
    })
  )

  it.effect("ends at the earlier deadline of the context", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const pipeline = yield* Pipeline.make({ service: "llm", deadline: "1 minute", retry: {}, timeout: "30 seconds" })
      const { at, exit } = yield* ended(pipeline.execute(service.call).pipe(under(70)))
      expect([at, service.calls()]).toEqual([70, 1])
      expect(errorOf(exit)).toMatchObject(ofRequest(70))
    })
  )
})

describe("what is in the caller's context", () => {
  class Config extends Context.Service<Config, string>()("test/Config") {}

  it.effect("is there under a deadline", () =>
    Effect.gen(function* () {
      const look = Effect.all([Config, Effect.map(Effect.currentSpan, ({ name }) => name)])
      const call = look.pipe(Deadline.withDeadline(100), Effect.provideService(Config, "configured"))
      expect(yield* call.pipe(Effect.withSpan("caller"))).toEqual(["configured", "caller"])
    })
  )

  it.effect("gets resources that outlive the deadline's call", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const resource = Effect.acquireRelease(
        Effect.sync(() => void log.push("acquired")),
        () => Effect.sync(() => void log.push("released"))
      )
      const used = Effect.andThen(
        resource.pipe(Deadline.withDeadline(100)),
        Effect.sync(() => void log.push("used"))
      )
      yield* Effect.scoped(used)
      expect(log).toEqual(["acquired", "used", "released"])
    })
  )
})
