import { describe, expect, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Random, Ref, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { Retry } from "../../src/index.ts"
import { failWith } from "./support/attempts.ts"

const jitters = ["none", "equal", "full", "decorrelated"] as const

/** The delays before the retries of one call, in seconds, to the microsecond. */
const delaysOf = (options: Retry.OptionsInput, seed = "delays") =>
  Effect.gen(function* () {
    const { instants } = yield* failWith(["busy"], Retry.makeUnsafe(options).execute)
    return instants.slice(1).map((instant, i) => Math.round((instant - instants[i]!) * 1e6) / 1e6)
  }).pipe(Random.withSeed(seed))

describe("the instants of attempts that fail at once", () => {
  it.effect.each([
    ["by default", {}, [0, 1, 3]],
    ["exponential", { maxAttempts: 6 }, [0, 1, 3, 7, 15, 25]],
    ["linear", { maxAttempts: 5, strategy: "linear" }, [0, 1, 3, 6, 10]],
    ["fixed", { maxAttempts: 4, strategy: "fixed" }, [0, 1, 2, 3]],
    ["with another base", { maxAttempts: 4, baseDelay: "500 millis" }, [0, 0.5, 1.5, 3.5]],
    ["with another factor", { maxAttempts: 4, factor: 3 }, [0, 1, 4, 13]],
    ["with another cap", { maxAttempts: 5, maxDelay: "2500 millis" }, [0, 1, 3, 5.5, 8]],
    ["without growth", { maxAttempts: 4, factor: 1 }, [0, 1, 2, 3]],
    ["capped from the start", { maxAttempts: 3, baseDelay: "1 minute" }, [0, 10, 20]],
    ["without a delay", { maxAttempts: 4, baseDelay: 0 }, [0, 0, 0, 0]],
    ["at a cap of zero", { maxAttempts: 3, maxDelay: 0 }, [0, 0, 0]]
  ] as ReadonlyArray<readonly [string, Retry.OptionsInput, ReadonlyArray<number>]>)("%s", ([, options, expected]) =>
    Effect.gen(function* () {
      const { end, instants } = yield* failWith(["busy"], Retry.makeUnsafe({ ...options, jitter: "none" }).execute)
      expect(instants).toEqual(expected)
      expect(end).toBe(expected.at(-1))
    })
  )

  it.effect("are counted from the end of an attempt, not from its start", () =>
    Effect.gen(function* () {
      const instants = yield* Ref.make<ReadonlyArray<number>>([])
      const call = Clock.currentTimeMillis.pipe(
        Effect.flatMap((now) => Ref.update(instants, (before) => [...before, now])),
        Effect.andThen(Effect.sleep("5 seconds")),
        Effect.andThen(Effect.fail("busy"))
      )
      const fiber = yield* call.pipe(Retry.makeUnsafe({ jitter: "none" }).execute, Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.await(fiber)
      expect(yield* Ref.get(instants)).toEqual([0, 6_000, 13_000])
    })
  )

  it.effect("wait for the whole delay", () =>
    Effect.gen(function* () {
      const calls = yield* Ref.make(0)
      const call = Ref.update(calls, (n) => n + 1).pipe(Effect.andThen(Effect.fail("busy")))
      yield* call.pipe(Retry.makeUnsafe({ jitter: "none" }).execute, Effect.forkChild)
      yield* TestClock.adjust("999 millis")
      expect(yield* Ref.get(calls)).toBe(1)
      yield* TestClock.adjust("1 millis")
      expect(yield* Ref.get(calls)).toBe(2)
    })
  )
})

describe("the strategy random", () => {
  it.effect("draws each delay between zero and an exponential one", () =>
    Effect.gen(function* () {
      const most = [1, 2, 4, 8, 10, 10, 10]
      const delays = yield* delaysOf({ strategy: "random", maxAttempts: 8 })
      for (const [i, delay] of delays.entries()) {
        expect(delay).toBeGreaterThanOrEqual(0)
        expect(delay).toBeLessThan(most[i]!)
      }
      expect(new Set(delays).size).toBe(7)
    })
  )
})

describe("jitter", () => {
  const ranges = {
    none: (grown: number) => [grown, grown],
    equal: (grown: number) => [0.8 * grown, Math.min(1.2 * grown, 10)],
    full: (grown: number) => [0, grown],
    decorrelated: (_: number, before: number) => [1, Math.min(3 * Math.max(before, 1), 10)]
  } as const

  it.effect.each(jitters)("keeps delays in its range: %s", (jitter) =>
    Effect.gen(function* () {
      const delays = yield* delaysOf({ jitter, maxAttempts: 9 })
      for (const [i, delay] of delays.entries()) {
        const [least, most] = ranges[jitter](Math.min(2 ** i, 10), delays[i - 1] ?? 0)
        expect(delay).toBeGreaterThanOrEqual(least! - 1e-6)
        expect(delay).toBeLessThanOrEqual(most! + 1e-6)
      }
      expect(new Set(delays).size).toBe(jitter === "none" ? 5 : 8)
    })
  )

  it.effect.each(jitters)("comes from Effect's Random, so that a seed repeats it: %s", (jitter) =>
    Effect.gen(function* () {
      const [first, again, other] = [
        yield* delaysOf({ jitter, maxAttempts: 5 }, "one"),
        yield* delaysOf({ jitter, maxAttempts: 5 }, "one"),
        yield* delaysOf({ jitter, maxAttempts: 5 }, "two")
      ]
      expect(again).toEqual(first)
      if (jitter === "none") expect(other).toEqual(first)
      else expect(other).not.toEqual(first)
    })
  )

  it.effect("is equal by default", () =>
    Effect.gen(function* () {
      expect(yield* delaysOf({ maxAttempts: 5 })).toEqual(yield* delaysOf({ maxAttempts: 5, jitter: "equal" }))
    })
  )
})

describe("the schedule of the delays", () => {
  const instantsOf = (
    repeated: (self: Effect.Effect<number>, schedule: Schedule.Schedule<Duration.Duration>) => Effect.Effect<unknown>,
    options: Retry.ScheduleOptions
  ) =>
    Effect.gen(function* () {
      const instants: Array<number> = []
      const call = Effect.tap(Clock.currentTimeMillis, (now) => Effect.sync(() => instants.push(now / 1_000)))
      const fiber = yield* repeated(call, Retry.schedule(options)).pipe(Effect.forkChild)
      yield* TestClock.adjust("1 hour")
      return { instants, result: yield* Fiber.join(fiber) }
    })
  const retried = (self: Effect.Effect<number>, schedule: Schedule.Schedule<Duration.Duration>) =>
    self.pipe(
      Effect.flatMap(() => Effect.fail("busy")),
      Effect.retry(schedule),
      Effect.exit
    )
  const repeated = (self: Effect.Effect<number>, schedule: Schedule.Schedule<Duration.Duration>) =>
    Effect.repeat(self, schedule)

  it.effect.each([
    [{}, [0, 1, 3]],
    [{ maxAttempts: 6 }, [0, 1, 3, 7, 15, 25]],
    [{ maxAttempts: 5, strategy: "linear" }, [0, 1, 3, 6, 10]],
    [{ maxAttempts: 4, strategy: "fixed" }, [0, 1, 2, 3]],
    [{ maxAttempts: 1 }, [0]]
  ] as ReadonlyArray<readonly [Retry.ScheduleOptions, ReadonlyArray<number>]>)(
    "gives Effect.retry the same instants as a retry: %j",
    ([options, expected]) =>
      Effect.gen(function* () {
        const { instants, result } = yield* instantsOf(retried, { ...options, jitter: "none" })
        expect(instants).toEqual(expected)
        expect(result).toEqual(Exit.fail("busy"))
      })
  )

  it.effect("gives Effect.repeat as many calls, and the last delay as its result", () =>
    Effect.gen(function* () {
      const { instants, result } = yield* instantsOf(repeated, { maxAttempts: 4, jitter: "none" })
      expect(instants).toEqual([0, 1, 3, 7])
      expect(result).toEqual(Duration.seconds(4))
    })
  )

  it.effect("of one attempt never recurs, and ends with a delay of zero", () =>
    Effect.gen(function* () {
      const { instants, result } = yield* instantsOf(repeated, { maxAttempts: 1 })
      expect(instants).toEqual([0])
      expect(result).toEqual(Duration.zero)
    })
  )

  it.effect("gives each delay as its output", () =>
    Effect.gen(function* () {
      const step = yield* Schedule.toStep(Retry.schedule({ maxAttempts: 4, jitter: "none" }))
      const outputs = [yield* step(0, undefined), yield* step(0, undefined), yield* step(0, undefined)]
      expect(outputs).toEqual([1, 2, 4].map((n) => [Duration.seconds(n), Duration.seconds(n)]))
      expect(Exit.isFailure(yield* Effect.exit(step(0, undefined)))).toBe(true)
    })
  )

  it.effect("can be used again and again, each time from its start", () =>
    Effect.gen(function* () {
      const schedule = Retry.schedule({ maxAttempts: 2, jitter: "decorrelated", baseDelay: "1 second" })
      for (let i = 0; i < 200; i++) {
        const [delay] = yield* Effect.flatMap(Schedule.toStep(schedule), (step) => step(0, undefined))
        expect(Duration.toSeconds(delay)).toBeLessThanOrEqual(3)
      }
    })
  )

  it.effect("walks at random from delay to delay where jitter is decorrelated", () =>
    Effect.gen(function* () {
      const step = yield* Schedule.toStep(
        Retry.schedule({ maxAttempts: 500, jitter: "decorrelated", maxDelay: "1 hour" })
      )
      let [before, longest] = [1, 0]
      for (let i = 1; i < 500; i++) {
        const [delay] = yield* step(0, undefined)
        const seconds = Duration.toSeconds(delay)
        expect(seconds).toBeGreaterThanOrEqual(1)
        expect(seconds).toBeLessThanOrEqual(3 * before)
        before = Math.max(seconds, 1)
        longest = Math.max(longest, seconds)
      }
      expect(longest).toBeGreaterThan(100)
    }).pipe(Random.withSeed("walk"))
  )

  it.effect.each(jitters)("draws its jitter from Effect's Random, in the same range as a retry: %s", (jitter) =>
    Effect.gen(function* () {
      const delays = Effect.gen(function* () {
        const step = yield* Schedule.toStep(Retry.schedule({ maxAttempts: 7, jitter }))
        const seconds: Array<number> = []
        for (let i = 1; i < 7; i++) seconds.push(Duration.toSeconds((yield* step(0, undefined))[1]))
        return seconds
      }).pipe(Random.withSeed("delays"))
      const ours = yield* delaysOf({ maxAttempts: 7, jitter })
      for (const [i, delay] of (yield* delays).entries()) expect(delay).toBeCloseTo(ours[i]!, 5)
    })
  )

  it("has the validation of a retry", () => {
    expect(() => Retry.schedule({ maxAttempts: 0, factor: 0 })).toThrow(
      "Retry.schedule: invalid options\n" +
        "  maxAttempts: expected a whole number of at least 1, got 0\n" +
        "  factor: expected a number of at least 1, got 0"
    )
  })
})
