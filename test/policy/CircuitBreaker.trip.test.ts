import { describe, expect, it } from "@effect/vitest"
import { Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker } from "../../src/index.ts"
import { call, calls, down, fail, snapshot, start, stateOf, up } from "./support/circuit.ts"

/** A call that takes its time and then ends. */
const taking = (breaker: CircuitBreaker.CircuitBreaker, millis: number, end: Effect.Effect<string, string>) =>
  Effect.gen(function* () {
    const running = yield* start(breaker)
    yield* TestClock.adjust(millis)
    yield* running.end(end)
  })

const countOf4 = { tripPolicy: "count-window", windowSize: 4 } as const

describe("a count window", () => {
  it.effect("trips at a rate equal to its threshold", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...countOf4, failureRate: 0.5 })
      yield* calls(breaker, up, up, down)
      expect(yield* stateOf(breaker)).toBe("Closed")
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("does not trip at a rate below its threshold", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...countOf4, failureRate: 0.51 })
      yield* calls(breaker, up, up, down, down)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failureRate: Option.some(0.5) })
    })
  )

  it.effect("forgets the oldest call for each one beyond its size", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...countOf4, failureRate: 0.75 })
      yield* calls(breaker, down, down, up, up, up)
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.some(0.25))
      yield* calls(breaker, up, down, down)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failureRate: Option.some(0.5) })
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("keeps what it holds for any time", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...countOf4, failureRate: 0.75 })
      yield* calls(breaker, up, up, down)
      yield* TestClock.adjust("30 days")
      yield* calls(breaker, down, down)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("does not judge before the minimum of calls, and does with exactly that many", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ tripPolicy: "count-window", minimumCalls: 3 })
      yield* fail(breaker, 2)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failureRate: Option.none() })
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("has a rate from the minimum of calls on", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ tripPolicy: "count-window", minimumCalls: 3 })
      yield* calls(breaker, down, up)
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.none())
      yield* calls(breaker, up)
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.some(1 / 3))
    })
  )

  it.effect.each([
    [{ tripPolicy: "count-window" }, 20],
    [{ tripPolicy: "count-window", windowSize: 20 }, 20],
    [{ tripPolicy: "count-window", windowSize: 19 }, 19],
    [{ tripPolicy: "count-window", windowSize: 1 }, 1],
    [{ tripPolicy: "time-window" }, 20]
  ] as const)("asks for as many calls as it can hold, at most 20, by default: %o, %i", ([options, minimum]) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(options)
      yield* fail(breaker, minimum - 1)
      expect(yield* stateOf(breaker)).toBe("Closed")
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("is 100 calls long by default", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ tripPolicy: "count-window", failureRate: 0.9 })
      yield* fail(breaker, 10)
      yield* calls(breaker, ...Array.from({ length: 90 }, () => up))
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.some(0.1))
      yield* calls(breaker, up)
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.some(0.09))
    })
  )

  it.effect("never trips by a success that completes the sample, but by the failure after it", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...countOf4, failureRate: 0.25 })
      yield* calls(breaker, down, down, down, up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failureRate: Option.some(0.75) })
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("does not care for failures in a row", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ tripPolicy: "count-window", minimumCalls: 50 })
      yield* fail(breaker, 49)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 0 })
    })
  )

  it.effect("is empty after the circuit has closed again, and holds no rejected calls", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...countOf4, minimumCalls: 2, openDuration: "1 second" })
      yield* fail(breaker, 2)
      yield* Effect.replicateEffect(call(breaker), 10)
      yield* TestClock.adjust("1 second")
      yield* call(breaker)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failureRate: Option.none(), rejections: 10 })
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Closed")
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )
})

describe("a time window", () => {
  const oneMinute = {
    tripPolicy: "time-window",
    windowDuration: "60 seconds",
    windowBuckets: 6,
    minimumCalls: 2,
    failureRate: 1
  } as const

  it.effect("trips at a rate equal to its threshold", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...oneMinute, failureRate: 0.5 })
      yield* calls(breaker, up, up, down)
      expect(yield* stateOf(breaker)).toBe("Closed")
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("holds a call until its bucket leaves, and not a millisecond longer", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(oneMinute)
      yield* TestClock.adjust(9_999)
      yield* calls(breaker, up, down)
      yield* TestClock.adjust(50_000)
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.some(0.5))
      yield* TestClock.adjust(1)
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.none())
    })
  )

  it.effect("lets its buckets leave one at a time", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(oneMinute)
      for (let bucket = 0; bucket < 6; bucket++) {
        yield* calls(breaker, bucket < 2 ? up : down)
        yield* TestClock.adjust("10 seconds")
      }
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.some(4 / 5))
      yield* fail(breaker)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failureRate: Option.some(5 / 6) })
      yield* TestClock.adjust("10 seconds")
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("forgets by whole buckets: with one bucket, everything at once", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...oneMinute, windowBuckets: 1 })
      yield* TestClock.adjust(59_999)
      yield* calls(breaker, up, down)
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.some(0.5))
      yield* TestClock.adjust(1)
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.none())
    })
  )

  it.effect("is 30 seconds in 10 buckets by default", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ tripPolicy: "time-window", minimumCalls: 1, failureRate: 0.9 })
      yield* calls(breaker, up, down)
      yield* TestClock.adjust(3_000)
      yield* calls(breaker, up)
      yield* TestClock.adjust(26_999)
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.some(1 / 3))
      yield* TestClock.adjust(1)
      expect((yield* snapshot(breaker)).failureRate).toEqual(Option.some(0))
    })
  )

  it.effect.each([60_000, 119_999, 120_000, 1_000_000_000])("remembers nothing after %i ms without a call", (idle) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...oneMinute, minimumCalls: 3 })
      yield* fail(breaker, 2)
      yield* TestClock.adjust(idle)
      yield* fail(breaker, 2)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failureRate: Option.none() })
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("counts a call when it ends", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...oneMinute, minimumCalls: 1, failureRate: 1 })
      const running = yield* start(breaker)
      yield* calls(breaker, up)
      yield* TestClock.adjust("60 seconds")
      yield* running.end(down)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("never trips by a success that completes the sample", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...oneMinute, minimumCalls: 3, failureRate: 0.5 })
      yield* calls(breaker, down, down, up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failureRate: Option.some(2 / 3) })
    })
  )
})

describe("slow calls", () => {
  const slow = { ...countOf4, minimumCalls: 2, slowCallDuration: "1 second", failureRate: 1 } as const

  it.effect("are those that take strictly longer than the threshold", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...slow, slowCallRate: 1 })
      yield* taking(breaker, 1_000, up)
      expect(yield* snapshot(breaker)).toMatchObject({ slowCalls: 0 })
      yield* taking(breaker, 1_001, up)
      expect(yield* snapshot(breaker)).toMatchObject({ slowCalls: 1, slowCallRate: Option.some(0.5) })
    })
  )

  it.effect("open the circuit at a rate equal to the threshold although all of them succeed", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...slow, slowCallRate: 0.5 })
      yield* taking(breaker, 0, up)
      yield* taking(breaker, 0, up)
      yield* taking(breaker, 2_000, up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", slowCallRate: Option.some(1 / 3) })
      yield* taking(breaker, 2_000, up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", failures: 0, successes: 4, slowCalls: 2 })
    })
  )

  it.effect("open the circuit at half of the calls by default", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(slow)
      yield* taking(breaker, 0, up)
      yield* taking(breaker, 2_000, up)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("are slow at whatever time they begin, the first millisecond of a clock included", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...slow, minimumCalls: 4 })
      const all = yield* Effect.replicateEffect(Effect.andThen(TestClock.adjust(1), start(breaker)), 3)
      yield* TestClock.adjust("2 seconds")
      for (const running of all) yield* running.end(up)
      expect((yield* snapshot(breaker)).slowCalls).toBe(3)
    })
  )

  it.effect("that fail count as slow and as failed", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...slow, minimumCalls: 4, slowCallRate: 1 })
      yield* taking(breaker, 2_000, down)
      yield* calls(breaker, up, up, up)
      expect(yield* snapshot(breaker)).toMatchObject({
        failureRate: Option.some(0.25),
        slowCallRate: Option.some(0.25),
        failures: 1,
        slowCalls: 1
      })
    })
  )

  it.effect("do not trip below the minimum of calls", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...slow, minimumCalls: 3, slowCallRate: 0.1 })
      yield* taking(breaker, 2_000, up)
      yield* taking(breaker, 2_000, up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", slowCallRate: Option.none() })
      yield* taking(breaker, 2_000, up)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("do not trip by a quick success that completes the sample", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...slow, slowCallRate: 0.1 })
      yield* taking(breaker, 2_000, up)
      yield* taking(breaker, 0, up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", slowCallRate: Option.some(0.5) })
    })
  )

  it.effect("are not watched without a threshold", () =>
    Effect.gen(function* () {
      for (const tripPolicy of ["consecutive", "count-window", "time-window"] as const) {
        const breaker = yield* CircuitBreaker.make({ tripPolicy })
        for (let n = 0; n < 30; n++) yield* taking(breaker, 600_000, up)
        expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", slowCalls: 0 })
      }
    })
  )

  it.effect("are watched in a time window too", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        tripPolicy: "time-window",
        minimumCalls: 1,
        slowCallDuration: "1 second",
        slowCallRate: 1
      })
      yield* taking(breaker, 1_000, up)
      yield* TestClock.adjust("60 seconds")
      yield* taking(breaker, 1_001, up)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("that are ignored are not slow", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ ...slow, minimumCalls: 1, slowCallRate: 0.1 })
      const running = yield* start(breaker)
      yield* TestClock.adjust("1 hour")
      yield* running.interrupt
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", slowCalls: 0, ignored: 1 })
    })
  )

  it.effect("leave the rate at zero while calls are quick", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(slow)
      yield* calls(breaker, up, up)
      expect(yield* snapshot(breaker)).toMatchObject({
        failureRate: Option.some(0),
        slowCallRate: Option.some(0)
      })
    })
  )
})

describe("failures in a row", () => {
  it.effect("have no rates", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 50 })
      yield* fail(breaker, 40)
      expect(yield* snapshot(breaker)).toMatchObject({
        failuresInRow: 40,
        failureRate: Option.none(),
        slowCallRate: Option.none()
      })
    })
  )
})
