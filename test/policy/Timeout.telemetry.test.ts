import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Cause, Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import * as Histogram from "../../src/core/Histogram.ts"
import { Policy, Resilience, Timeout } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"
import { ended } from "./support/ended.ts"

const slow = (millis: number) => Effect.uninterruptible(Effect.sleep(millis))

describe("the event", () => {
  it.effect("tells of a call that exceeded the limit of an instance", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const timeout = yield* Timeout.make({ service: "llm", operationType: "chat", duration: "1500 millis" })
      yield* TestClock.adjust("1 minute")
      yield* ended(Effect.exit(Effect.never.pipe(timeout.execute, recorded.record)))
      expect(recorded.events()).toMatchObject([
        {
          _tag: "TimeoutExceeded",
          kind: "timeout",
          service: "llm",
          severity: "Warn",
          at: 61_500,
          attributes: { operation_type: "chat", timeout_seconds: 1.5, scope: "attempt" }
        }
      ])
    })
  )

  it.effect("carries the error that the caller gets", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const { exit } = yield* ended(Effect.never.pipe(Timeout.withTimeout(10), Effect.flip, recorded.record))
      expect(exit).toMatchObject({ value: recorded.events()[0]?.error })
    })
  )

  it.effect("tells of a bare duration under the default name", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      yield* ended(Effect.exit(Effect.never.pipe(Timeout.withTimeout("2 seconds"), recorded.record)))
      expect(recorded.events()).toMatchObject([
        {
          kind: "timeout",
          service: "default",
          attributes: { operation_type: "default", timeout_seconds: 2, scope: "attempt" }
        }
      ])
    })
  )

  it.effect("tells of a service found by its name", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const layer = Resilience.layer({ services: { openfga: { timeout: { duration: "3 seconds" } } } })
      const call = Effect.never.pipe(Timeout.withTimeout("openfga"), recorded.record)
      yield* ended(Effect.exit(Effect.provide(call, layer)))
      expect(recorded.events()).toMatchObject([
        {
          kind: "timeout",
          service: "openfga",
          attributes: { operation_type: "auth", timeout_seconds: 3, scope: "attempt" }
        }
      ])
    })
  )

  it.effect("comes when the work is really over, before the caller goes on", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const seen: Array<number> = []
      const call = slow(80).pipe(Timeout.withTimeout(50), recorded.record, Effect.ignore)
      yield* ended(
        Effect.andThen(
          call,
          Effect.sync(() => void seen.push(recorded.events().length))
        )
      )
      expect(recorded.events()[0]?.at).toBe(80)
      expect(seen).toEqual([1])
    })
  )

  it.effect("comes only for limits that were exceeded", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const timeout = yield* Timeout.make({ duration: 10 })
      const calls = [Effect.void, Effect.sleep(5), Effect.fail("error"), Effect.die("bug"), Effect.interrupt]
      for (const call of calls) yield* ended(Effect.exit(call.pipe(timeout.execute, recorded.record)))
      const fiber = yield* Effect.forkChild(recorded.record(timeout.execute(Effect.never)), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      expect(recorded.events()).toEqual([])
    })
  )

  it.effect("of a nested limit comes once, from the limit that was exceeded", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const inner = yield* Timeout.make({ service: "inner", duration: 10 })
      const outer = yield* Timeout.make({ service: "outer", duration: 20 })
      yield* ended(Effect.exit(Effect.never.pipe(inner.execute, outer.execute, recorded.record)))
      yield* ended(Effect.exit(Effect.never.pipe(outer.execute, inner.execute, recorded.record)))
      expect(recorded.events().map(({ service }) => service)).toEqual(["inner", "inner"])
    })
  )

  it.effect("reaches an observer whose mistakes do not reach the caller", () =>
    Effect.gen(function* () {
      let heard = 0
      const broken: Policy.Observer = () => {
        heard++
        throw new Error("broken observer")
      }
      const call = Effect.never.pipe(Timeout.withTimeout(10), Effect.flip)
      const { exit } = yield* ended(Effect.provide(call, Policy.layerObservers([broken, broken])))
      expect(exit).toMatchObject({ _tag: "Success", value: { _tag: "TimeoutExceededError" } })
      expect(heard).toBe(2)
    })
  )
})

describe("a snapshot", () => {
  it.effect("counts how calls ended, one way for each", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ service: "db", duration: 100, operationType: "sql" })
      expect(yield* Policy.snapshot(timeout)).toEqual({
        kind: "timeout",
        service: "db",
        operationType: "sql",
        duration: Duration.millis(100),
        successes: 0,
        failures: 0,
        exceeded: 0,
        interrupted: 0
      })
      const run = (self: Effect.Effect<unknown, unknown>) => ended(timeout.execute(self))
      yield* run(Effect.succeed(1))
      yield* run(Effect.sleep(50))
      yield* run(Effect.fail("error"))
      yield* run(Effect.die("defect"))
      yield* run(Effect.fail("late").pipe(Effect.delay(50)))
      yield* run(Effect.never)
      yield* run(slow(200))
      yield* run(Effect.andThen(slow(200), Effect.die("defect")))
      yield* run(Effect.interrupt)
      const fiber = yield* Effect.forkChild(run(Effect.never), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      expect(yield* Policy.snapshot(timeout)).toMatchObject({ successes: 2, failures: 3, exceeded: 3, interrupted: 2 })
      expect(timeout.elapsedSeconds.count).toBe(10)
    })
  )

  it.effect("counts an interruption only where nothing else went wrong", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make()
      const causes = [Cause.fail("error"), Cause.die("bug")].map((cause) => Cause.combine(cause, Cause.interrupt(1)))
      for (const cause of causes) yield* ended(timeout.execute(Effect.failCause(cause)))
      expect(timeout.snapshot(0)).toMatchObject({ failures: 2, interrupted: 0 })
    })
  )

  it.effect("is a copy that later calls leave alone", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make()
      const before = timeout.snapshot(0)
      yield* timeout.execute(Effect.void)
      expect([before.successes, timeout.snapshot(0).successes]).toEqual([0, 1])
    })
  )

  it.effect("knows nothing of other instances, nor of bare durations", () =>
    Effect.gen(function* () {
      const one = yield* Timeout.make()
      const other = yield* Timeout.make()
      yield* one.execute(Effect.void)
      yield* Effect.void.pipe(Timeout.withTimeout("1 second"))
      expect([one.snapshot(0).successes, other.snapshot(0).successes]).toEqual([1, 0])
    })
  )

  it.effect("of a timeout without a limit counts and times calls all the same", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: Infinity })
      yield* ended(timeout.execute(Effect.sleep(100)))
      yield* ended(timeout.execute(Effect.delay(Effect.fail("error"), 200)))
      yield* ended(timeout.execute(Effect.die("defect")))
      const fiber = yield* Effect.forkChild(timeout.execute(Effect.never), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      expect(timeout.snapshot(0)).toMatchObject({ successes: 1, failures: 2, exceeded: 0, interrupted: 1 })
      expect(timeout.elapsedSeconds).toMatchObject({ count: 4, max: 0.2 })
      expect(timeout.elapsedSeconds.sum).toBeCloseTo(0.3, 9)
    })
  )

  const ends = { value: 3, error: 4, hang: 1_000, defect: 2, late: 15 } as const
  it.effect.prop(
    "adds up to the number of calls, and so does the histogram",
    [
      Arbitrary.array(Arbitrary.schema(Schema.Literals(["value", "error", "hang", "defect", "late"])), {
        maxLength: 12
      })
    ],
    ([calls]) =>
      Effect.gen(function* () {
        const timeout = yield* Timeout.make({ duration: 10 })
        const work = {
          value: Effect.sleep(ends.value),
          error: Effect.delay(Effect.fail("error"), ends.error),
          hang: Effect.sleep(ends.hang),
          defect: Effect.delay(Effect.die("defect"), ends.defect),
          late: slow(ends.late)
        }
        for (const call of calls) yield* ended(Effect.exit(timeout.execute(work[call])))
        const count = (...kinds: ReadonlyArray<string>) => calls.filter((call) => kinds.includes(call)).length
        expect(timeout.snapshot(0)).toMatchObject({
          successes: count("value"),
          failures: count("error", "defect"),
          exceeded: count("hang", "late"),
          interrupted: 0
        })
        expect(Timeout.Kind.outcomes(timeout, 0)).toEqual({
          success: count("value"),
          failure: count("error", "defect"),
          exceeded: count("hang", "late"),
          interrupted: 0
        })
        const took = { ...ends, hang: 10 }
        const total = calls.reduce((sum, call) => sum + took[call], 0)
        expect(timeout.elapsedSeconds.count).toBe(calls.length)
        expect(timeout.elapsedSeconds.sum).toBeCloseTo(total / 1_000, 9)
      }),
    { arbitrary: { runs: 60, seed: 3 } }
  )
})

describe("the histogram", () => {
  it.effect("records how long calls took, not what they were allowed", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: "30 seconds" })
      for (const millis of [5, 250, 4_000, 30_000]) yield* ended(timeout.execute(Effect.sleep(millis)))
      expect(timeout.elapsedSeconds).toMatchObject({ count: 4, min: 0.005, max: 30, sum: 34.255 })
      const counts = new Map(Histogram.cumulative(timeout.elapsedSeconds))
      expect([counts.get(0.005), counts.get(0.25), counts.get(5), counts.get(30)]).toEqual([1, 2, 3, 4])
    })
  )

  it.effect("records calls that were cut off, with the time that their finalizers took", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: "1 second" })
      yield* ended(Effect.exit(timeout.execute(Effect.never)))
      yield* ended(Effect.exit(timeout.execute(Effect.ensuring(Effect.never, Effect.sleep("2 seconds")))))
      expect(timeout.elapsedSeconds).toMatchObject({ count: 2, min: 1, max: 3 })
    })
  )

  it.effect("records failures, defects and interruptions", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: "10 seconds" })
      const ends = [Effect.fail("error"), Effect.die("bug"), Effect.interrupt]
      for (const end of ends) yield* ended(Effect.exit(timeout.execute(Effect.delay(end, "2 seconds"))))
      const fiber = yield* Effect.forkChild(timeout.execute(Effect.never), { startImmediately: true })
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.interrupt(fiber)
      expect(timeout.elapsedSeconds).toMatchObject({ count: 4, min: 2, max: 2 })
    })
  )

  it.effect("records what ended at once as no time", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make()
      yield* timeout.execute(Effect.void)
      expect(timeout.elapsedSeconds).toMatchObject({ count: 1, sum: 0 })
    })
  )
})

describe("the kind", () => {
  it.effect("labels the metrics with the service and the kind of operation", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ service: "openfga", operationType: "auth", duration: "5 seconds" })
      const recorded = RecordedEvents.make()
      const service = ScriptedService.make([ScriptedService.hang])
      yield* ended(Effect.exit(service.call.pipe(timeout.execute, recorded.record)))
      const [exceeded, duration] = Timeout.Kind.instruments
      expect([exceeded?.name, exceeded?.type]).toEqual(["timeout.exceeded", "events"])
      expect([duration?.name, duration?.type, duration?.unit]).toEqual(["timeout.duration", "histogram", "s"])
      if (exceeded?.type !== "events" || duration?.type !== "histogram") throw new Error("other types")
      expect(recorded.events().map((event) => exceeded.labels(event))).toEqual([
        { function: "openfga", operation_type: "auth", timeout_seconds: "5" }
      ])
      expect(duration.labels(timeout)).toEqual({ function: "openfga", operation_type: "auth" })
      expect(duration.read(timeout)).toBe(timeout.elapsedSeconds)
      const other: Policy.Event = { ...recorded.events()[0]!, _tag: "RetryScheduled" }
      expect(exceeded.labels(other)).toBeUndefined()
    })
  )

  it("has an id, no commands and no ineffective options", () => {
    const { commands, id, ineffective } = Timeout.Kind
    expect([id, commands, ineffective]).toEqual(["timeout", [], []])
    expect(Timeout.metrics).toEqual({ exceeded: "timeout.exceeded", duration: "timeout.duration" })
  })
})
