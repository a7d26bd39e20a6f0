import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import { Clock, Effect, type Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Timer from "../../../src/policy/internal/Timer.ts"

/** Sets an alarm from the running fiber, `ago` milliseconds after the time from which it counts. */
const set = (alarms: Timer.Alarms, ring: () => void, ago = 0): Effect.Effect<() => void> =>
  Effect.withFiber((fiber: Fiber.Fiber<unknown, unknown>) => {
    const now = Number(fiber.getRef(Clock.Clock).monotonicTimeNanosUnsafe()) / 1e6
    const alarm: Timer.Alarm = { due: now - ago + alarms.millis, ring, previous: undefined, next: undefined }
    return Effect.succeed(alarms.add(fiber, alarm) ? () => alarms.remove(alarm) : undefined)
  }).pipe(Effect.map((remove) => remove ?? notAdded))

const notAdded = (): void => {}

it.effect("under another clock they are not for, as in an infinite time", () =>
  Effect.gen(function* () {
    expect(yield* set(new Timer.Alarms(100), () => {})).toBe(notAdded)
    const infinite = set(new Timer.Alarms(Infinity), () => {}).pipe(TestClock.withLive)
    expect(yield* infinite).toBe(notAdded)
  })
)

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

  it.live("one timer serves all, and each rings at its time (live, with fake timers)", () =>
    Effect.gen(function* () {
      const alarms = new Timer.Alarms(100)
      const rings: Array<number> = []
      for (const n of [1, 2, 3]) {
        yield* set(alarms, () => void rings.push(n))
        pass(10)
      }
      expect(vi.getTimerCount()).toBe(1)
      pass(69)
      expect(rings).toEqual([])
      pass(1)
      expect(rings).toEqual([1])
      pass(9)
      expect(rings).toEqual([1])
      pass(1)
      expect(rings).toEqual([1, 2])
      pass(10)
      expect([rings, vi.getTimerCount()]).toEqual([[1, 2, 3], 0])
    })
  )

  it.live("a cancelled one does not ring, and the others do (live, with fake timers)", () =>
    Effect.gen(function* () {
      const alarms = new Timer.Alarms(100)
      const rings: Array<number> = []
      const cancels: Array<() => void> = []
      for (const n of [0, 1, 2]) cancels.push(yield* set(alarms, () => void rings.push(n)))
      cancels[0]?.()
      cancels[0]?.()
      cancels[2]?.()
      pass(100)
      expect([rings, vi.getTimerCount()]).toEqual([[1], 0])
    })
  )

  it.live("the timer outlives the last alarm, and serves the next one (live, with fake timers)", () =>
    Effect.gen(function* () {
      const timeouts = vi.spyOn(globalThis, "setTimeout")
      const alarms = new Timer.Alarms(100)
      let rings = 0
      for (let call = 0; call < 50; call++) {
        const cancel = yield* set(alarms, () => void rings++)
        pass(1)
        cancel()
      }
      expect(timeouts).toHaveBeenCalledTimes(1)
      yield* set(alarms, () => void rings++)
      pass(99)
      expect(rings).toBe(0)
      pass(1)
      expect([rings, timeouts.mock.calls.length, vi.getTimerCount()]).toEqual([1, 2, 0])
    })
  )

  it.live("it keeps the process alive only while an alarm is set (live, with fake timers)", () =>
    Effect.gen(function* () {
      const timeouts = vi.spyOn(globalThis, "setTimeout")
      const alarms = new Timer.Alarms(100)
      const cancel = yield* set(alarms, () => {})
      const timer = timeouts.mock.results[0]?.value as NodeJS.Timeout
      const cancelOther = yield* set(alarms, () => {})
      cancelOther()
      expect(timer.hasRef()).toBe(true)
      cancel()
      expect(timer.hasRef()).toBe(false)
      yield* set(alarms, () => {})
      expect(timer.hasRef()).toBe(true)
    })
  )

  it.live("also where a timer is a mere number, as in a browser (live, with fake timers)", () =>
    Effect.gen(function* () {
      let ring = (): void => {}
      vi.spyOn(globalThis, "setTimeout").mockImplementation((callback) => {
        ring = callback as () => void
        return 7 as never
      })
      const alarms = new Timer.Alarms(100)
      ;(yield* set(alarms, () => {}))()
      let rings = 0
      yield* set(alarms, () => void rings++)
      pass(100)
      ring()
      expect(rings).toBe(1)
    })
  )

  it.live("after the last alarm of those that are retired no timer is left (live, with fake timers)", () =>
    Effect.gen(function* () {
      const empty = new Timer.Alarms(100)
      ;(yield* set(empty, () => {}))()
      expect(vi.getTimerCount()).toBe(1)
      empty.retire()
      expect(vi.getTimerCount()).toBe(0)
      const busy = new Timer.Alarms(100)
      const cancel = yield* set(busy, () => {})
      busy.retire()
      expect(vi.getTimerCount()).toBe(1)
      cancel()
      expect(vi.getTimerCount()).toBe(0)
    })
  )

  it.live("a timer that the host has dropped is replaced once its time is past (live, with fake timers)", () =>
    Effect.gen(function* () {
      const alarms = new Timer.Alarms(100)
      ;(yield* set(alarms, () => {}))()
      vi.clearAllTimers()
      pass(1_200)
      let rings = 0
      yield* set(alarms, () => void rings++)
      pass(99)
      expect(rings).toBe(0)
      pass(1)
      expect([rings, vi.getTimerCount()]).toEqual([1, 0])
    })
  )

  it.live("so is one for which others wait, and they ring at once (live, with fake timers)", () =>
    Effect.gen(function* () {
      const alarms = new Timer.Alarms(100)
      const rings: Array<string> = []
      yield* set(alarms, () => void rings.push("waiting"))
      vi.clearAllTimers()
      pass(1_200)
      yield* set(alarms, () => void rings.push("new"))
      pass(1)
      expect(rings).toEqual(["waiting"])
      pass(99)
      expect(rings).toEqual(["waiting", "new"])
    })
  )

  it.live("so is one of fake timers that are no longer in use (live, with fake timers)", () =>
    Effect.gen(function* () {
      const alarms = new Timer.Alarms(100)
      const rings: Array<string> = []
      yield* set(alarms, () => void rings.push("waiting"))
      vi.useRealTimers()
      vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: 1_000 })
      pass(50)
      yield* set(alarms, () => void rings.push("new"))
      expect(vi.getTimerCount()).toBe(1)
      pass(50)
      expect(rings).toEqual(["waiting"])
      pass(50)
      expect([rings, vi.getTimerCount()]).toEqual([["waiting", "new"], 0])
    })
  )

  it.live("while the process is too busy for timers, one more is enough (live, with fake timers)", () =>
    Effect.gen(function* () {
      const timeouts = vi.spyOn(globalThis, "setTimeout")
      const alarms = new Timer.Alarms(100)
      let rings = 0
      yield* set(alarms, () => void rings++)
      vi.setSystemTime(Date.now() + 5_000)
      for (let call = 0; call < 10; call++) yield* set(alarms, () => void rings++)
      expect([timeouts.mock.calls.length, vi.getTimerCount()]).toEqual([2, 1])
      pass(1)
      expect(rings).toBe(1)
      pass(100)
      expect([rings, vi.getTimerCount()]).toEqual([11, 0])
    })
  )

  it.live("does not believe a timer that rings early (live, with fake timers)", () =>
    Effect.gen(function* () {
      const alarms = new Timer.Alarms(100)
      let rings = 0
      yield* set(alarms, () => void rings++)
      lag = 1_500_000n
      pass(100)
      expect([rings, vi.getTimerCount()]).toEqual([0, 1])
      pass(2)
      expect([rings, vi.getTimerCount()]).toEqual([1, 0])
    })
  )

  it.live("one that was set late is waited for, not forgotten (live, with fake timers)", () =>
    Effect.gen(function* () {
      const alarms = new Timer.Alarms(100)
      const rings: Array<string> = []
      yield* set(alarms, () => void rings.push("on time"))
      yield* set(alarms, () => void rings.push("late"), 30)
      pass(99)
      expect(rings).toEqual([])
      pass(1)
      expect(rings).toEqual(["on time", "late"])
    })
  )

  it.live("one that is set while another rings has its own time (live, with fake timers)", () =>
    Effect.gen(function* () {
      const alarms = new Timer.Alarms(100)
      const rings: Array<string> = []
      const fiber = yield* Effect.withFiber((fiber: Fiber.Fiber<unknown, unknown>) => Effect.succeed(fiber))
      yield* set(alarms, () => {
        rings.push("first")
        alarms.add(fiber, {
          due: Date.now() + 100,
          ring: () => void rings.push("third"),
          previous: undefined,
          next: undefined
        })
      })
      pass(50)
      yield* set(alarms, () => void rings.push("second"))
      pass(50)
      expect(rings).toEqual(["first"])
      pass(50)
      expect(rings).toEqual(["first", "second"])
      pass(50)
      expect([rings, vi.getTimerCount()]).toEqual([["first", "second", "third"], 0])
    })
  )

  it.live("what one throws does not keep the others from ringing (live, with fake timers)", () =>
    Effect.gen(function* () {
      const alarms = new Timer.Alarms(100)
      let rings = 0
      yield* set(alarms, () => {
        throw new Error("broken")
      })
      yield* set(alarms, () => void rings++)
      expect(() => pass(100)).toThrow("broken")
      pass(1)
      expect([rings, vi.getTimerCount()]).toEqual([1, 0])
    })
  )
})
