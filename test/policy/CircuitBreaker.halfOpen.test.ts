import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Option, Scheduler } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker } from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"
import { call, down, fail, rejection, snapshot, start, stateOf, up } from "./support/circuit.ts"

/** A breaker whose open time is over: the next call is a probe. */
const waiting = (options: CircuitBreaker.MakeOptions = {}) =>
  Effect.gen(function* () {
    const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds", ...options })
    yield* breaker.trip
    yield* TestClock.adjust("10 seconds")
    return breaker
  })

describe("a half-open circuit", () => {
  it.effect("admits one probe by default and turns away everybody else while it runs", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting()
      const probe = yield* start(breaker)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 1 })
      expect(yield* call(breaker)).toBe("HalfOpen")
      yield* probe.end(up)
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("tells those it turns away to come back in a second, or when the lease of the probe ends", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probeTimeout: "5 seconds" })
      yield* start(breaker)
      expect(yield* rejection(breaker)).toMatchObject({ state: "HalfOpen", retryAfter: Duration.seconds(1) })
      yield* TestClock.adjust("4 seconds")
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.seconds(1))
      yield* TestClock.adjust("400 millis")
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.millis(600))
    })
  )

  it.effect("tells those it turns away the end of the first lease of several", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 2, probeTimeout: "900 millis" })
      const first = yield* start(breaker)
      yield* TestClock.adjust("300 millis")
      yield* start(breaker)
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.millis(600))
      yield* first.interrupt
      yield* start(breaker)
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.millis(900))
    })
  )

  it.effect("closes at the first success", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ consecutiveFailures: 2 })
      expect(yield* call(breaker)).toBe("up")
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 0, probing: 0 })
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("reopens at the first failure, for a whole open time", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting()
      expect(yield* call(breaker, down)).toBe("down")
      expect(yield* rejection(breaker)).toMatchObject({ state: "Open", retryAfter: Duration.seconds(10) })
      yield* TestClock.adjust(9_999)
      expect(yield* call(breaker)).toBe("Open")
      yield* TestClock.adjust(1)
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("admits as many probes at once as configured, and not one more", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 3, successesToClose: 3 })
      yield* Effect.replicateEffect(start(breaker), 3)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 3 })
      expect(yield* call(breaker)).toBe("HalfOpen")
    })
  )

  it.effect("closes at the success that completes the configured number", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 3, successesToClose: 2 })
      yield* call(breaker)
      expect(yield* stateOf(breaker)).toBe("HalfOpen")
      yield* call(breaker)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("can close although some probes fail", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 3, successesToClose: 2 })
      yield* call(breaker, down)
      expect(yield* stateOf(breaker)).toBe("HalfOpen")
      yield* call(breaker)
      yield* call(breaker)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("reopens as soon as enough successes can no longer be reached", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 3, successesToClose: 2 })
      const running = yield* Effect.replicateEffect(start(breaker), 3)
      yield* running[0]!.end(down)
      expect(yield* stateOf(breaker)).toBe("HalfOpen")
      yield* running[1]!.end(down)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("counts finished and running probes together against the number of probes", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 3, successesToClose: 2 })
      yield* call(breaker)
      yield* call(breaker, down)
      yield* start(breaker)
      expect(yield* call(breaker)).toBe("HalfOpen")
    })
  )

  it.effect("does not let a probe change a verdict that was reached without it", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 2, successesToClose: 1, consecutiveFailures: 1 })
      const [first, second] = yield* Effect.all([start(breaker), start(breaker)])
      yield* first.end(up)
      expect(yield* stateOf(breaker)).toBe("Closed")
      yield* second.end(down)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failures: 1, late: 1 })
    })
  )

  it.effect("does not let a call of an earlier round change the count", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 3 })
      const early = yield* start(breaker)
      yield* breaker.trip
      yield* breaker.reset
      yield* fail(breaker, 2)
      yield* early.end(up)
      expect(yield* snapshot(breaker)).toMatchObject({ failuresInRow: 2, successes: 1, late: 1 })
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("takes a slow probe for a failed one", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ tripPolicy: "count-window", slowCallDuration: "1 second" })
      const slow = yield* start(breaker)
      yield* TestClock.adjust(1_001)
      yield* slow.end(up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", successes: 1, failures: 0, slowCalls: 1 })
      yield* TestClock.adjust("10 seconds")
      const quick = yield* start(breaker)
      yield* TestClock.adjust(1_000)
      yield* quick.end(up)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("has no rates, and no time to wait for", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ tripPolicy: "count-window", minimumCalls: 1, probes: 3, successesToClose: 3 })
      yield* call(breaker)
      expect(yield* snapshot(breaker)).toMatchObject({
        state: "HalfOpen",
        failureRate: Option.none(),
        slowCallRate: Option.none(),
        retryAfter: Option.none(),
        openings: 1
      })
    })
  )
})

describe("a probe that says nothing", () => {
  it.effect("gives its slot back when it is interrupted", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting()
      const probe = yield* start(breaker)
      yield* probe.interrupt
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 0, ignored: 1 })
      expect(yield* call(breaker)).toBe("up")
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("gives its slot back when it is ignored, and leaves what the others said", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 2, successesToClose: 2 })
      yield* call(breaker)
      yield* call(breaker, up, { classify: () => ({ _tag: "Ignored" }) })
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 0 })
      yield* call(breaker)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("reopens the circuit when it is the tenth in a row, and not before", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting()
      const interrupted = Effect.flatMap(start(breaker), ({ interrupt }) => interrupt)
      yield* Effect.replicateEffect(interrupted, 9)
      expect(yield* stateOf(breaker)).toBe("HalfOpen")
      yield* interrupted
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", ignored: 10, failures: 0 })
    })
  )

  it.effect("starts a new row after a probe that said something", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 3, successesToClose: 3 })
      const interrupted = Effect.flatMap(start(breaker), ({ interrupt }) => interrupt)
      yield* Effect.replicateEffect(interrupted, 9)
      yield* call(breaker)
      yield* Effect.replicateEffect(interrupted, 9)
      expect(yield* stateOf(breaker)).toBe("HalfOpen")
      yield* interrupted
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )
})

describe("the lease of a probe", () => {
  it.effect("ends exactly after the configured time: the probe counts as failed then", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probeTimeout: "5 seconds" })
      yield* start(breaker)
      yield* TestClock.adjust(4_999)
      expect(yield* call(breaker)).toBe("HalfOpen")
      yield* TestClock.adjust(1)
      expect(yield* rejection(breaker)).toMatchObject({ state: "Open", retryAfter: Duration.seconds(10) })
    })
  )

  it.effect("is 30 seconds by default", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting()
      yield* start(breaker)
      yield* TestClock.adjust(29_999)
      expect(yield* stateOf(breaker)).toBe("HalfOpen")
      yield* TestClock.adjust(1)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("lets the open time start when it lapsed, however much later somebody notices", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probeTimeout: "5 seconds" })
      yield* start(breaker)
      yield* TestClock.adjust("9 seconds")
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.seconds(6))
      yield* TestClock.adjust("6 seconds")
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("lets the open time start when the last one lapsed, though a shorter one began after it", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 2, probeTimeout: "30 seconds" })
      yield* start(breaker)
      yield* breaker.reconfigure({ probeTimeout: "5 seconds" })
      yield* start(breaker)
      yield* TestClock.adjust("30 seconds")
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", retryAfter: Option.some(Duration.seconds(10)) })
    })
  )

  it.effect("never keeps a circuit half-open: a hung probe is followed by the next one", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probeTimeout: "5 seconds" })
      for (let round = 0; round < 5; round++) {
        yield* start(breaker)
        expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 1, openings: round + 1 })
        yield* TestClock.adjust("15 seconds")
      }
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("takes away the vote of a probe that answers too late", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 3, successesToClose: 1, probeTimeout: "5 seconds" })
      const late = yield* start(breaker)
      yield* TestClock.adjust("5 seconds")
      yield* start(breaker)
      yield* late.end(up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 1, successes: 1, late: 1 })
      yield* call(breaker)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("does not give a lapsed slot back to the round, not even when the late probe is interrupted", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes: 2, successesToClose: 1, probeTimeout: "5 seconds" })
      const late = yield* start(breaker)
      yield* TestClock.adjust("5 seconds")
      yield* late.interrupt
      yield* start(breaker)
      expect(yield* call(breaker)).toBe("HalfOpen")
    })
  )

  it.effect("that ends at the very moment of the answer has ended", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probeTimeout: "5 seconds" })
      const probe = yield* start(breaker)
      yield* TestClock.adjust("5 seconds")
      yield* probe.end(up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", late: 1 })
    })
  )

  it.effect("is seen in the snapshot as soon as it has lapsed, without a call", () =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probeTimeout: "5 seconds" })
      yield* start(breaker)
      yield* TestClock.adjust("7 seconds")
      expect(yield* snapshot(breaker)).toMatchObject({
        state: "Open",
        openings: 2,
        retryAfter: Option.some(Duration.seconds(8)),
        transitions: 2
      })
    })
  )
})

describe("many fibers", () => {
  it.effect.each([1, 3])("that race for probes get exactly %i of them, and the others are turned away", (probes) =>
    Effect.gen(function* () {
      const breaker = yield* waiting({ probes, successesToClose: probes })
      const service = ScriptedService.make([ScriptedService.after("1 second", "up")])
      const all = yield* Effect.replicateEffect(service.call.pipe(breaker.execute, Effect.forkChild), 100)
      yield* TestClock.adjust("500 millis")
      expect(service.active()).toBe(probes)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: probes, rejections: 100 - probes })
      yield* TestClock.adjust("500 millis")
      expect(service.calls()).toBe(probes)
      expect(all.filter((fiber) => fiber.pollUnsafe()?._tag === "Success").length).toBe(probes)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect.each([3, 4, 5, 6, 7])("that saw the slot free do not all take it, with a yield after %i steps", (steps) =>
    Effect.gen(function* () {
      const breaker = yield* waiting()
      const service = ScriptedService.make([ScriptedService.after("1 second", "up")])
      const all = yield* Effect.replicateEffect(
        service.call.pipe(breaker.execute, Effect.provideService(Scheduler.MaxOpsBeforeYield, steps), Effect.forkChild),
        20
      )
      yield* Effect.replicateEffect(Effect.yieldNow, 100)
      yield* TestClock.adjust("1 second")
      const exits = yield* Fiber.awaitAll(all)
      expect(service.calls()).toBe(1)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", successes: 1, rejections: 19 })
      expect(exits.filter(Exit.isSuccess).length).toBe(1)
    })
  )
})
