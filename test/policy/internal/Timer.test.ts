import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import { Clock, Context, type Duration, Effect, type Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Timer from "../../../src/policy/internal/Timer.ts"

/** Sets an alarm from the running fiber, `ago` milliseconds after the time from which it counts. */
const setAlarm = (millis: number, alarm: () => void, ago = 0): Effect.Effect<() => void> =>
  Effect.withFiber((fiber: Fiber.Fiber<unknown, unknown>) => {
    const now = Number(fiber.getRef(Clock.Clock).monotonicTimeNanosUnsafe()) / 1e6
    return Effect.succeed(Timer.after(fiber, now - ago, millis, alarm))
  })

const MONTH = 30 * 24 * 60 * 60 * 1_000
const LONGEST_TIMER = 2 ** 31 - 1

describe("under TestClock", () => {
  it.effect("rings once, at exactly its time", () =>
    Effect.gen(function* () {
      let rings = 0
      yield* setAlarm(100, () => void rings++)
      yield* TestClock.adjust("99999 micros")
      expect(rings).toBe(0)
      yield* TestClock.adjust("1 micro")
      expect(rings).toBe(1)
      yield* TestClock.adjust("1 day")
      expect(rings).toBe(1)
    })
  )

  it.effect("does not ring after it was cancelled", () =>
    Effect.gen(function* () {
      let rings = 0
      const cancel = yield* setAlarm(100, () => void rings++)
      yield* TestClock.adjust(99)
      cancel()
      cancel()
      yield* TestClock.adjust("1 day")
      expect(rings).toBe(0)
    })
  )

  it.effect("may be cancelled after it rang", () =>
    Effect.gen(function* () {
      let rings = 0
      const cancel = yield* setAlarm(100, () => void rings++)
      yield* TestClock.adjust(100)
      cancel()
      yield* TestClock.adjust("1 day")
      expect(rings).toBe(1)
    })
  )

  it.effect("never rings in an infinite time", () =>
    Effect.gen(function* () {
      let rings = 0
      const cancel = yield* setAlarm(Infinity, () => void rings++)
      yield* TestClock.adjust("10000 weeks")
      cancel()
      expect(rings).toBe(0)
    })
  )

  it.effect("rings at once for a time of zero", () =>
    Effect.gen(function* () {
      let rings = 0
      const cancel = yield* setAlarm(0, () => void rings++)
      expect(rings).toBe(1)
      cancel()
    })
  )

  it.effect("counts from the time that it is told, not from the time at which it is set", () =>
    Effect.gen(function* () {
      const rings: Array<string> = []
      yield* TestClock.adjust(1_000)
      yield* setAlarm(100, () => void rings.push("later"), 30)
      yield* setAlarm(100, () => void rings.push("at once"), 100)
      yield* setAlarm(100, () => void rings.push("long ago"), 500)
      expect(rings).toEqual(["at once", "long ago"])
      yield* TestClock.adjust(69)
      expect(rings).toHaveLength(2)
      yield* TestClock.adjust(1)
      expect(rings).toEqual(["at once", "long ago", "later"])
    })
  )

  it.effect("rings for each of many alarms in the order of their times", () =>
    Effect.gen(function* () {
      const rings: Array<number> = []
      for (const millis of [50, 10, 40, 20, 30]) yield* setAlarm(millis, () => void rings.push(millis))
      yield* TestClock.adjust(45)
      expect(rings).toEqual([10, 20, 30, 40])
    })
  )
})

describe("under a clock of somebody else", () => {
  const make = (sleep: Clock.Clock["sleep"]) => {
    const slept: Array<Duration.Duration> = []
    const time: Clock.Clock = {
      currentTimeMillisUnsafe: () => 0,
      currentTimeMillis: Effect.succeed(0),
      currentTimeNanosUnsafe: () => 0n,
      currentTimeNanos: Effect.succeed(0n),
      monotonicTimeNanosUnsafe: () => 5_000_000n,
      monotonicTimeNanos: Effect.succeed(5_000_000n),
      sleep: (duration) => {
        slept.push(duration)
        return sleep(duration)
      }
    }
    return { slept, provide: Effect.provideService(Clock.Clock, time) }
  }

  it.effect("sleeps by that clock", () =>
    Effect.gen(function* () {
      let rings = 0
      const clock = make(() => Effect.void)
      yield* setAlarm(100, () => void rings++).pipe(clock.provide)
      expect(clock.slept.map(String)).toEqual(["100 millis"])
      expect(rings).toBe(1)
    })
  )

  it.effect("does not ask that clock for a negative time", () =>
    Effect.gen(function* () {
      const clock = make(() => Effect.void)
      yield* setAlarm(100, () => {}, 500).pipe(clock.provide)
      expect(clock.slept.map(String)).toEqual(["0 millis"])
    })
  )

  it.effect("sleeps in the context of the caller", () =>
    Effect.gen(function* () {
      let rings = 0
      const Pace = Context.Reference<number>("test/Pace", { defaultValue: () => 0 })
      const clock = make(() => Effect.flatMap(Pace, (pace) => (pace === 7 ? Effect.void : Effect.never)))
      yield* setAlarm(100, () => void rings++).pipe(clock.provide, Effect.provideService(Pace, 7))
      expect(rings).toBe(1)
    })
  )

  it.effect("does not ring when that clock fails", () =>
    Effect.gen(function* () {
      let rings = 0
      const clock = make(() => Effect.die("no time"))
      yield* setAlarm(100, () => void rings++).pipe(clock.provide)
      expect([clock.slept.length, rings]).toEqual([1, 0])
    })
  )

  it.effect("interrupts the sleep when it is cancelled", () =>
    Effect.gen(function* () {
      let interrupted = 0
      const clock = make(() => Effect.onInterrupt(Effect.never, () => Effect.sync(() => void interrupted++)))
      const cancel = yield* setAlarm(100, () => {}).pipe(clock.provide)
      cancel()
      expect(interrupted).toBe(1)
    })
  )
})

describe("under the live clock", () => {
  /** By how much the clock is behind the timers, which therefore ring early. */
  let lag = 0n
  beforeEach(() => {
    lag = 0n
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: 1_000 })
    vi.spyOn(process.hrtime, "bigint").mockImplementation(() => BigInt(Date.now()) * 1_000_000n - lag)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  const pass = (millis: number): void => void vi.advanceTimersByTime(millis)

  it.live("rings once, when its time has come (live, with fake timers)", () =>
    Effect.gen(function* () {
      let rings = 0
      yield* setAlarm(100, () => void rings++)
      pass(99)
      expect(rings).toBe(0)
      pass(1)
      expect([rings, vi.getTimerCount()]).toEqual([1, 0])
    })
  )

  it.live("does not believe a timer that rings early (live, with fake timers)", () =>
    Effect.gen(function* () {
      let rings = 0
      yield* setAlarm(100, () => void rings++)
      lag = 1_500_000n
      pass(100)
      expect([rings, vi.getTimerCount()]).toEqual([0, 1])
      lag = 2_000_001n
      pass(2)
      expect([rings, vi.getTimerCount()]).toEqual([0, 1])
      pass(1)
      expect([rings, vi.getTimerCount()]).toEqual([1, 0])
    })
  )

  it.live("sets no timer that Node would round down (live, with fake timers)", () =>
    Effect.gen(function* () {
      const set = vi.spyOn(globalThis, "setTimeout")
      let rings = 0
      yield* setAlarm(10.2, () => void rings++)
      pass(10)
      expect(rings).toBe(0)
      pass(1)
      expect([rings, set.mock.calls.length]).toEqual([1, 1])
    })
  )

  it.live("can be cancelled after a timer rang early (live, with fake timers)", () =>
    Effect.gen(function* () {
      let rings = 0
      const cancel = yield* setAlarm(100, () => void rings++)
      lag = 1_000_000n
      pass(100)
      cancel()
      expect(vi.getTimerCount()).toBe(0)
      pass(1_000)
      expect(rings).toBe(0)
    })
  )

  it.live("leaves no timer when it is cancelled (live, with fake timers)", () =>
    Effect.gen(function* () {
      const cancel = yield* setAlarm(100, () => {})
      expect(vi.getTimerCount()).toBe(1)
      cancel()
      cancel()
      expect(vi.getTimerCount()).toBe(0)
    })
  )

  it.live("sets no timer for an infinite time (live, with fake timers)", () =>
    Effect.gen(function* () {
      const cancel = yield* setAlarm(Infinity, () => {})
      expect(vi.getTimerCount()).toBe(0)
      cancel()
    })
  )

  it.live("cuts long times into timers that Node can set (live, with fake timers)", () =>
    Effect.gen(function* () {
      const set = vi.spyOn(globalThis, "setTimeout")
      let rings = 0
      yield* setAlarm(3 * MONTH, () => void rings++)
      pass(MONTH)
      pass(MONTH)
      pass(MONTH - 1)
      expect([rings, vi.getTimerCount()]).toEqual([0, 1])
      pass(1)
      expect([rings, vi.getTimerCount()]).toEqual([1, 0])
      const delays = set.mock.calls.map(([, delay]) => delay ?? 0)
      expect(delays.length).toBeGreaterThan(3)
      expect(Math.max(...delays)).toBe(LONGEST_TIMER)
    })
  )

  it.live("needs one timer for the longest time that Node knows (live, with fake timers)", () =>
    Effect.gen(function* () {
      let rings = 0
      yield* setAlarm(LONGEST_TIMER, () => void rings++)
      pass(LONGEST_TIMER - 1)
      expect(rings).toBe(0)
      pass(1)
      expect(rings).toBe(1)
    })
  )

  it.live("counts from the time that it is told, not from the time at which it is set (live, with fake timers)", () =>
    Effect.gen(function* () {
      const set = vi.spyOn(globalThis, "setTimeout")
      const rings: Array<string> = []
      yield* setAlarm(100, () => void rings.push("later"), 30)
      yield* setAlarm(100, () => void rings.push("overdue"), 500)
      expect(set.mock.calls.map(([, delay]) => delay)).toEqual([70, 1])
      pass(1)
      expect(rings).toEqual(["overdue"])
      pass(68)
      expect(rings).toHaveLength(1)
      pass(1)
      expect(rings).toEqual(["overdue", "later"])
    })
  )
})
