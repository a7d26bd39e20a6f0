import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { Deadline, Resilience, Retry, Timeout } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"
import { ended } from "./support/ended.ts"

/** The same call, cut off by the deadline of which a timeout inside knows too. */
const callUnder = (deadline: Deadline.Deadline, timeout: Timeout.Timeout, before: Effect.Effect<void>) =>
  Effect.andThen(before, timeout.execute(Effect.never)).pipe(deadline.execute)

const orders = [
  ["the timeout inside notices first", Effect.void],
  ["the deadline notices first", Effect.yieldNow]
] as const

describe("the event", () => {
  it.effect("tells of a deadline that passed: by an instance", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const deadline = yield* Deadline.make({ service: "llm", duration: "1500 millis" })
      const { exit } = yield* ended(Effect.never.pipe(deadline.execute, Effect.flip, recorded.record))
      expect(recorded.events()).toMatchObject([
        {
          _tag: "TimeoutExceeded",
          kind: "deadline",
          service: "llm",
          severity: "Warn",
          at: 1_500,
          attributes: { operation_type: "total", timeout_seconds: 1.5, scope: "total" }
        }
      ])
      expect(exit).toMatchObject({ value: recorded.events()[0]?.error })
    })
  )

  it.effect("tells of a deadline that passed: by a bare duration", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      yield* ended(Effect.exit(Effect.never.pipe(Deadline.withDeadline("2 seconds"), recorded.record)))
      expect(recorded.events()).toMatchObject([
        {
          kind: "deadline",
          service: "default",
          attributes: { operation_type: "total", timeout_seconds: 2, scope: "total" }
        }
      ])
    })
  )

  it.effect("tells of a deadline that passed: by the name of a service", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const layer = Resilience.layer({ services: { llm: { deadline: "3 seconds" } } })
      const call = Effect.never.pipe(Deadline.withDeadline("llm"), recorded.record)
      yield* ended(Effect.exit(Effect.provide(call, layer)))
      expect(recorded.events()).toMatchObject([
        {
          kind: "deadline",
          service: "llm",
          attributes: { operation_type: "total", timeout_seconds: 3, scope: "total" }
        }
      ])
    })
  )

  it.effect("is the deadline's own when it shortened a timeout", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const timeout = yield* Timeout.make({ service: "llm", operationType: "chat", duration: "10 seconds" })
      const call = Effect.never.pipe(timeout.execute, Deadline.withDeadline("4 seconds"), recorded.record)
      yield* ended(Effect.exit(call))
      expect(recorded.events()).toMatchObject([
        {
          kind: "deadline",
          service: "default",
          attributes: { operation_type: "total", timeout_seconds: 4, scope: "total" }
        }
      ])
      expect(timeout.snapshot(0)).toMatchObject({ exceeded: 1 })
    })
  )

  it.effect("tells of a call that came too late to be made", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const deadline = yield* Deadline.make({ service: "llm", duration: "1 second" })
      const service = ScriptedService.make(["value"])
      const call = service.call.pipe(
        deadline.execute,
        Effect.provideService(Deadline.CurrentDeadline, { at: 0, service: "request", duration: Duration.seconds(9) }),
        recorded.record
      )
      yield* ended(Effect.exit(call))
      expect(service.calls()).toBe(0)
      expect(recorded.events()).toMatchObject([
        {
          kind: "deadline",
          service: "request",
          attributes: { timeout_seconds: 9, scope: "total" },
          error: { service: "request", isStarted: false }
        }
      ])
    })
  )

  for (const [order, before] of orders) {
    it.effect(`of the deadline comes once when ${order}`, () =>
      Effect.gen(function* () {
        const recorded = RecordedEvents.make()
        const deadline = yield* Deadline.make({ service: "llm", duration: "4 seconds" })
        const timeout = yield* Timeout.make({ service: "llm", duration: "10 seconds" })
        yield* ended(Effect.exit(callUnder(deadline, timeout, before).pipe(recorded.record)))
        expect(recorded.events()).toMatchObject([
          {
            kind: "deadline",
            service: "llm",
            at: 4_000,
            attributes: { operation_type: "total", timeout_seconds: 4, scope: "total" }
          }
        ])
      })
    )
  }
})

describe("a snapshot", () => {
  it.effect("counts how calls ended, one way for each", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ service: "db", duration: 100 })
      expect(deadline.snapshot(0)).toEqual({
        kind: "deadline",
        service: "db",
        duration: Duration.millis(100),
        successes: 0,
        failures: 0,
        exceeded: 0,
        interrupted: 0
      })
      const run = (self: Effect.Effect<unknown, unknown>) => ended(deadline.execute(self))
      for (const work of [Effect.void, Effect.sleep(50), Effect.fail("error"), Effect.die("bug"), Effect.never])
        yield* run(work)
      const fiber = yield* Effect.forkChild(run(Effect.never), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      expect(deadline.snapshot(0)).toMatchObject({ successes: 2, failures: 2, exceeded: 1, interrupted: 1 })
      expect(Deadline.Kind.outcomes(deadline, 0)).toEqual({ success: 2, failure: 2, exceeded: 1, interrupted: 1 })
      expect(deadline.elapsedSeconds).toMatchObject({ count: 6, max: 0.1 })
    })
  )

  for (const [order, before] of orders) {
    it.effect(`counts a call that was cut off as exceeded when ${order}`, () =>
      Effect.gen(function* () {
        const deadline = yield* Deadline.make({ duration: 100 })
        const timeout = yield* Timeout.make({ duration: 500 })
        yield* ended(Effect.exit(callUnder(deadline, timeout, before)))
        expect(deadline.snapshot(0)).toMatchObject({ successes: 0, failures: 0, exceeded: 1, interrupted: 0 })
        expect(deadline.elapsedSeconds).toMatchObject({ count: 1, sum: 0.1 })
      })
    )

    it.effect(`counts a call with retries that was cut off as exceeded when ${order}`, () =>
      Effect.gen(function* () {
        const deadline = yield* Deadline.make({ duration: 100 })
        const retry = yield* Retry.make({ baseDelay: 1, jitter: "none" })
        const attempt = Effect.andThen(before, Effect.never.pipe(Timeout.withTimeout(500)))
        yield* ended(Effect.exit(attempt.pipe(retry.execute, deadline.execute)))
        expect(deadline.snapshot(0)).toMatchObject({ failures: 0, exceeded: 1 })
      })
    )
  }

  it.effect("counts a call as exceeded when a part of it came too late to be made", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const deadline = yield* Deadline.make({ duration: 100 })
      const late = Effect.uninterruptible(Effect.delay(Effect.void.pipe(Timeout.withTimeout(10)), 150))
      yield* ended(Effect.exit(late.pipe(deadline.execute, recorded.record)))
      expect(deadline.snapshot(0)).toMatchObject({ failures: 0, exceeded: 1 })
      expect(deadline.elapsedSeconds).toMatchObject({ count: 1, sum: 0.15 })
      expect(recorded.events()).toMatchObject([{ kind: "deadline" }])
    })
  )

  it.effect("counts the deadline of an outer call as exceeded too, and an earlier one inside as failed", () =>
    Effect.gen(function* () {
      const outer = yield* Deadline.make({ service: "outer", duration: 100 })
      const later = yield* Deadline.make({ service: "later", duration: 500 })
      const earlier = yield* Deadline.make({ service: "earlier", duration: 40 })
      yield* ended(Effect.exit(Effect.never.pipe(later.execute, outer.execute)))
      expect([later.snapshot(0).exceeded, outer.snapshot(0).exceeded]).toEqual([1, 1])
      yield* ended(Effect.exit(Effect.never.pipe(earlier.execute, outer.execute)))
      expect(earlier.snapshot(0)).toMatchObject({ exceeded: 1, failures: 0 })
      expect(outer.snapshot(0)).toMatchObject({ exceeded: 1, failures: 1 })
    })
  )

  it.effect("counts a failure as what it is, even if it came after the deadline", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ duration: 100 })
      yield* ended(Effect.exit(deadline.execute(Effect.fail("error").pipe(Effect.delay(100)))))
      expect(deadline.snapshot(0)).toMatchObject({ failures: 1, exceeded: 0 })
    })
  )

  it.effect("counts the error of another deadline as a failure, even if it comes at the instant of this one", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ duration: 100 })
      const duration = Duration.millis(100)
      const foreign = new Deadline.TimeoutExceededError({ service: "default", scope: "total", duration })
      yield* ended(Effect.exit(deadline.execute(Effect.fail(foreign).pipe(Effect.delay(100)))))
      expect(deadline.snapshot(0)).toMatchObject({ failures: 1, exceeded: 0 })
    })
  )

  it.effect(
    "counts an attempt of the same length as a failure, even if its error comes at the deadline's instant",
    () =>
      Effect.gen(function* () {
        const duration = Duration.millis(100)
        const deadline = yield* Deadline.make({ duration })
        const attempt = new Deadline.TimeoutExceededError({ service: "default", scope: "attempt", duration })
        yield* ended(Effect.exit(deadline.execute(Effect.fail(attempt).pipe(Effect.delay(100)))))
        expect(deadline.snapshot(0)).toMatchObject({ failures: 1, exceeded: 0 })
      })
  )

  it.effect("counts a deadline inside of a timeout of the same length as the timeout's failure", () =>
    Effect.gen(function* () {
      const duration = Duration.millis(100)
      const timeout = yield* Timeout.make({ duration })
      const { exit } = yield* ended(Effect.never.pipe(Deadline.withDeadline(duration), timeout.execute))
      expect(exit).toMatchObject({ cause: { reasons: [{ error: { scope: "total" } }] } })
      expect(timeout.snapshot(0)).toMatchObject({ failures: 1, exceeded: 0 })
    })
  )

  it.effect("counts the error of an earlier call that comes again as a failure", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ duration: 100 })
      const { exit } = yield* ended(Effect.flip(deadline.execute(Effect.never)))
      yield* ended(Effect.exit(deadline.execute(Effect.flip(exit))))
      expect(deadline.snapshot(0)).toMatchObject({ failures: 1, exceeded: 1 })
    })
  )

  it.effect("of calls that an operator has freed from it shows them all the same", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ duration: "5 seconds" })
      yield* deadline.execute(Effect.void)
      yield* deadline.reconfigure({ duration: Infinity })
      yield* deadline.execute(Effect.void)
      expect(deadline.snapshot(0)).toMatchObject({ successes: 2 })
      expect(deadline.elapsedSeconds.count).toBe(2)
    })
  )
})

describe("the kind", () => {
  it.effect("labels the metrics with the service and the total", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ service: "llm", duration: "5 seconds" })
      const recorded = RecordedEvents.make()
      yield* ended(Effect.exit(Effect.never.pipe(deadline.execute, recorded.record)))
      const [exceeded, duration] = Deadline.Kind.instruments
      if (exceeded?.type !== "events" || duration?.type !== "histogram") throw new Error("other types")
      expect([exceeded.name, duration.name]).toEqual(["timeout.exceeded", "timeout.duration"])
      expect(recorded.events().map((event) => exceeded.labels(event))).toEqual([
        { function: "llm", operation_type: "total", timeout_seconds: "5" }
      ])
      expect(duration.labels(deadline)).toEqual({ function: "llm", operation_type: "total" })
      expect(duration.read(deadline)).toBe(deadline.elapsedSeconds)
    })
  )

  it("has an id, no commands and no ineffective options", () => {
    const { commands, id, ineffective } = Deadline.Kind
    expect([id, commands, ineffective]).toEqual(["deadline", [], []])
  })
})
