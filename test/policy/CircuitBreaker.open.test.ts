import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Exit, Option, Random } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Outcome } from "../../src/index.ts"
import { call, down, fail, rejection, snapshot, start, stateOf, up } from "./support/circuit.ts"

/** How long the circuit is still open, in milliseconds. */
const openFor = (breaker: CircuitBreaker.CircuitBreaker) =>
  Effect.map(rejection(breaker), ({ retryAfter = Duration.infinity }) => Duration.toMillis(retryAfter))

/** Trips, and tells for how long. */
const tripped = (breaker: CircuitBreaker.CircuitBreaker) => Effect.andThen(breaker.trip, openFor(breaker))

const withChance = (chance: number) =>
  Effect.provideService(Random.Random, { nextDoubleUnsafe: () => chance, nextIntUnsafe: () => 0 })

describe("the open time", () => {
  it.effect("is as long as configured", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "2 minutes" })
      yield* fail(breaker)
      yield* TestClock.adjust(119_999)
      expect(yield* call(breaker)).toBe("Open")
      yield* TestClock.adjust(1)
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("does not grow by default", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      const times = yield* Effect.replicateEffect(tripped(breaker), 4)
      expect(times).toEqual([1_000, 1_000, 1_000, 1_000])
    })
  )

  it.effect("grows by its factor with every failed probe", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        consecutiveFailures: 1,
        openDuration: "1 second",
        openDurationFactor: 3
      })
      const seen: Array<number> = []
      for (let opening = 0; opening < 4; opening++) {
        yield* fail(breaker)
        const time = yield* openFor(breaker)
        seen.push(time)
        yield* TestClock.adjust(time)
      }
      expect(seen).toEqual([1_000, 3_000, 9_000, 27_000])
      expect((yield* snapshot(breaker)).openings).toBe(4)
    })
  )

  it.effect("grows to its maximum and no further", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        openDuration: "1 second",
        openDurationFactor: 2,
        openDurationMax: "5 seconds"
      })
      const times = yield* Effect.replicateEffect(tripped(breaker), 5)
      expect(times).toEqual([1_000, 2_000, 4_000, 5_000, 5_000])
    })
  )

  it.effect("grows to ten minutes by default", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "4 minutes", openDurationFactor: 2 })
      const times = yield* Effect.replicateEffect(tripped(breaker), 3)
      expect(times).toEqual([240_000, 480_000, 600_000])
    })
  )

  it.effect("may be longer than ten minutes from the start, and then stays as it is", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "20 minutes", openDurationFactor: 2 })
      const times = yield* Effect.replicateEffect(tripped(breaker), 2)
      expect(times).toEqual([1_200_000, 1_200_000])
    })
  )

  it.effect("stays finite after thousands of openings", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDurationFactor: 10, openDurationMax: "1 day" })
      yield* Effect.replicateEffect(breaker.trip, 2_000)
      expect(yield* openFor(breaker)).toBe(86_400_000)
    })
  )

  it.effect("without an end lasts until the circuit is reset", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: Infinity })
      yield* fail(breaker)
      yield* TestClock.adjust("36500 days")
      const error = yield* rejection(breaker)
      expect(error).toMatchObject({ state: "Open", retryAfter: undefined })
      expect(error.message).toContain("until it is reset")
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", retryAfter: Option.none() })
      yield* breaker.reset
      expect(yield* call(breaker)).toBe("up")
    })
  )
})

describe("the memory of openings", () => {
  const growing = { consecutiveFailures: 1, openDuration: "10 seconds", openDurationFactor: 2 } as const

  /** A breaker that has been open once and has just closed. */
  const recovered = Effect.gen(function* () {
    const breaker = yield* CircuitBreaker.make(growing)
    yield* fail(breaker)
    yield* TestClock.adjust("10 seconds")
    yield* call(breaker)
    return breaker
  })

  it.effect("survives a close that was shorter than the last open time", () =>
    Effect.gen(function* () {
      const breaker = yield* recovered
      yield* TestClock.adjust(9_999)
      yield* fail(breaker)
      expect(yield* openFor(breaker)).toBe(20_000)
      expect((yield* snapshot(breaker)).openings).toBe(2)
    })
  )

  it.effect("is gone when the circuit has stayed closed exactly as long as it was last open", () =>
    Effect.gen(function* () {
      const breaker = yield* recovered
      yield* TestClock.adjust(10_000)
      yield* fail(breaker)
      expect(yield* openFor(breaker)).toBe(10_000)
      expect((yield* snapshot(breaker)).openings).toBe(1)
    })
  )

  it.effect("compares with the last open time, however long the ones before were", () =>
    Effect.gen(function* () {
      const breaker = yield* recovered
      yield* fail(breaker)
      yield* TestClock.adjust("20 seconds")
      yield* call(breaker)
      yield* TestClock.adjust(19_999)
      yield* fail(breaker)
      expect(yield* openFor(breaker)).toBe(40_000)
    })
  )

  it.effect("counts an open time that a hint made longer", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(growing)
      yield* Effect.fail({ retryAfter: Duration.seconds(30) }).pipe(breaker.execute, Effect.ignore)
      yield* TestClock.adjust("30 seconds")
      yield* call(breaker)
      yield* TestClock.adjust(29_999)
      yield* fail(breaker)
      expect(yield* openFor(breaker)).toBe(20_000)
    })
  )

  it.effect("does not outlive a reset", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(growing)
      yield* Effect.replicateEffect(breaker.trip, 3)
      yield* breaker.reset
      expect((yield* snapshot(breaker)).openings).toBe(0)
      yield* fail(breaker)
      expect(yield* openFor(breaker)).toBe(10_000)
    })
  )
})

describe("jitter", () => {
  it.effect.each([
    [0, 8_000],
    [0.5, 10_000],
    [0.75, 11_000]
  ] as const)("spreads the open time to both sides: at chance %d it is %i ms", ([chance, expected]) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds", openDurationJitter: 0.2 })
      expect(yield* tripped(breaker)).toBe(expected)
    }).pipe(withChance(chance))
  )

  it.effect.each([
    [0, 8_000],
    [0.5, 9_000],
    [0.75, 9_500]
  ] as const)("stays below the maximum and still spreads there: at chance %d it is %i ms", ([chance, expected]) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        openDuration: "10 seconds",
        openDurationMax: "10 seconds",
        openDurationJitter: 0.2
      })
      expect(yield* tripped(breaker)).toBe(expected)
    }).pipe(withChance(chance))
  )

  it.effect("is drawn anew for every opening, by failures, by lapsed probes and by hand", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        consecutiveFailures: 1,
        openDuration: "10 seconds",
        openDurationJitter: 0.5,
        probeTimeout: "1 second"
      })
      yield* fail(breaker)
      const byFailure = yield* openFor(breaker)
      yield* TestClock.adjust(byFailure)
      yield* start(breaker)
      yield* TestClock.adjust("1 second")
      const byLapse = yield* openFor(breaker)
      const byHand = yield* tripped(breaker)
      expect(new Set([byFailure, byLapse, byHand]).size).toBe(3)
      for (const time of [byFailure, byLapse, byHand]) {
        expect(time).toBeGreaterThanOrEqual(5_000)
        expect(time).toBeLessThanOrEqual(15_000)
      }
    }).pipe(Random.withSeed("jitter"))
  )

  it.effect("is the same for the same seed", () =>
    Effect.gen(function* () {
      const run = Effect.gen(function* () {
        const breaker = yield* CircuitBreaker.make({ openDurationJitter: 1 })
        return yield* Effect.replicateEffect(tripped(breaker), 10)
      })
      const first = yield* Random.withSeed(run, "a")
      expect(yield* Random.withSeed(run, "a")).toEqual(first)
      expect(yield* Random.withSeed(run, "b")).not.toEqual(first)
    })
  )

  it.effect("that is switched off draws no random numbers", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      expect(yield* tripped(breaker)).toBe(60_000)
    }).pipe(
      Effect.provideService(Random.Random, {
        nextDoubleUnsafe: () => {
          throw new Error("drawn")
        },
        nextIntUnsafe: () => 0
      })
    )
  )

  it.effect("does not end an open time without an end", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: Infinity, openDurationJitter: 1 })
      expect(yield* tripped(breaker)).toBe(Infinity)
    }).pipe(withChance(0))
  )
})

describe("a failure's hint", () => {
  /** The open time after a single failure. */
  const after = (
    error: unknown,
    options: CircuitBreaker.MakeOptions = {},
    call?: CircuitBreaker.CallOptions
  ): Effect.Effect<number> =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds", ...options })
      yield* Effect.fail(error).pipe(CircuitBreaker.withCircuitBreaker(breaker, call), Effect.ignore)
      return yield* openFor(breaker)
    })

  it.effect("lengthens the open time", () =>
    Effect.gen(function* () {
      expect(yield* after({ retryAfter: Duration.seconds(42) })).toBe(42_000)
    })
  )

  it.effect.each([Duration.zero, Duration.millis(9_999), Duration.millis(-5)])(
    "does not shorten the open time: %s",
    (retryAfter) =>
      Effect.gen(function* () {
        expect(yield* after({ retryAfter })).toBe(10_000)
      })
  )

  it.effect("comes from the header of the error's response, in seconds or as a date by the wall clock", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2026, 6, 1))
      yield* TestClock.setTime(Date.UTC(2026, 0, 1, 12, 0, 0))
      const withHeader = (header: string) => ({ response: { status: 503, headers: { "retry-after": header } } })
      expect(yield* after(withHeader("120"))).toBe(120_000)
      expect(yield* after(withHeader("Thu, 01 Jan 2026 12:01:30 GMT"))).toBe(90_000)
      expect(yield* after(withHeader("Thu, 01 Jan 2026 11:00:00 GMT"))).toBe(10_000)
      expect(yield* after(withHeader("soon"))).toBe(10_000)
      expect(yield* after({ response: { headers: new Map([["retry-after", "75"]]) } })).toBe(75_000)
      expect(yield* after({ reason: { response: { headers: { "retry-after": "33" } } } })).toBe(33_000)
    })
  )

  it.effect("comes from a defect too", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const defect = Object.assign(new Error("bug"), { retryAfter: Duration.minutes(2) })
      yield* Effect.die(defect).pipe(breaker.execute, Effect.exit)
      expect(yield* openFor(breaker)).toBe(120_000)
    })
  )

  it.effect("of the classifier counts more than that of the error", () =>
    Effect.gen(function* () {
      const classify: Outcome.Classify = () => Outcome.failure({ retryAfter: Duration.seconds(20) })
      expect(yield* after({ retryAfter: Duration.seconds(40) }, {}, { classify })).toBe(20_000)
      expect(yield* after("down", {}, { classify })).toBe(20_000)
      expect(yield* after({ retryAfter: Duration.seconds(40) }, {}, { classify: () => Outcome.failure() })).toBe(40_000)
    })
  )

  it.effect("may come with a value that the classifier takes for a failure", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(
        { consecutiveFailures: 1 },
        {
          classify: (exit) =>
            Exit.isSuccess(exit) ? Outcome.failure({ retryAfter: Duration.minutes(3) }) : Outcome.success
        }
      )
      yield* call(breaker)
      expect(yield* openFor(breaker)).toBe(180_000)
    })
  )

  it.effect("counts up to ten minutes by default", () =>
    Effect.gen(function* () {
      expect(yield* after({ retryAfter: Duration.days(1) })).toBe(600_000)
    })
  )

  it.effect("counts up to the configured maximum, even beyond that of the open time", () =>
    Effect.gen(function* () {
      const error = { retryAfter: Duration.hours(1) }
      expect(yield* after(error, { retryAfterMax: "50 seconds" })).toBe(50_000)
      expect(yield* after(error, { retryAfterMax: "50 seconds", openDurationMax: "20 seconds" })).toBe(50_000)
      expect(yield* after(error, { retryAfterMax: "5 seconds" })).toBe(10_000)
    })
  )

  it.effect("does not count when its maximum is zero", () =>
    Effect.gen(function* () {
      expect(yield* after({ retryAfter: Duration.hours(1) }, { retryAfterMax: 0 })).toBe(10_000)
    })
  )

  it.effect("counts in full when its maximum is infinite, even if that is for ever", () =>
    Effect.gen(function* () {
      expect(yield* after({ retryAfter: Duration.days(3) }, { retryAfterMax: Infinity })).toBe(259_200_000)
      expect(yield* after({ retryAfter: Duration.infinity }, { retryAfterMax: Infinity })).toBe(Infinity)
      expect(yield* after({ retryAfter: Duration.infinity })).toBe(600_000)
    })
  )

  it.effect("does not count when it is another failure that opens the circuit", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2, openDuration: "10 seconds" })
      yield* Effect.fail({ retryAfter: Duration.minutes(5) }).pipe(breaker.execute, Effect.ignore)
      yield* fail(breaker)
      expect(yield* openFor(breaker)).toBe(10_000)
    })
  )

  it.effect("counts for a failed probe, and not for one that never answered", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        consecutiveFailures: 1,
        openDuration: "10 seconds",
        probeTimeout: "5 seconds"
      })
      yield* fail(breaker)
      yield* TestClock.adjust("10 seconds")
      yield* Effect.fail({ retryAfter: Duration.minutes(5) }).pipe(breaker.execute, Effect.ignore)
      expect(yield* openFor(breaker)).toBe(300_000)
      yield* TestClock.adjust("5 minutes")
      yield* start(breaker)
      yield* TestClock.adjust("5 seconds")
      expect(yield* openFor(breaker)).toBe(10_000)
    })
  )

  it.effect("of a success or of an ignored call does not count", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      yield* Effect.fail({ retryAfter: Duration.minutes(5) }).pipe(
        CircuitBreaker.withCircuitBreaker(breaker, { classify: () => Outcome.ignored }),
        Effect.ignore
      )
      expect(yield* stateOf(breaker)).toBe("Closed")
      yield* call(breaker, down)
      expect(yield* openFor(breaker)).toBe(10_000)
      yield* TestClock.adjust("10 seconds")
      expect(yield* call(breaker, up)).toBe("up")
    })
  )
})
