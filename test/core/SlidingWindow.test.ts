import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as SlidingWindow from "../../src/core/SlidingWindow.ts"
import { seeded } from "../../src/testing/internal/Seeded.ts"

interface Call {
  readonly at: number
  readonly failed: boolean
  readonly slow: boolean
}

const countsOf = (calls: ReadonlyArray<Call>): SlidingWindow.Counts => ({
  calls: calls.length,
  failures: calls.filter((call) => call.failed).length,
  slowCalls: calls.filter((call) => call.slow).length
})

const nothing = { calls: 0, failures: 0, slowCalls: 0 }

describe("a count window", () => {
  const windowOf = (size: number, calls: ReadonlyArray<readonly [failed: boolean, slow: boolean]>) => {
    const window = SlidingWindow.make({ kind: "count", size })
    for (const [failed, slow] of calls) SlidingWindow.record(window, 0, failed, slow)
    return window
  }

  it("is empty at first", () => {
    expect(SlidingWindow.counts(windowOf(3, []), 0)).toEqual(nothing)
  })

  it("counts failures and slow calls apart", () => {
    const calls = [
      [true, false],
      [false, true],
      [true, true],
      [false, false],
      [true, false]
    ] as const
    expect(SlidingWindow.counts(windowOf(9, calls), 0)).toEqual({ calls: 5, failures: 3, slowCalls: 2 })
  })

  it("forgets the oldest call when it is full", () => {
    const calls = [
      [true, true],
      [false, false],
      [true, false],
      [false, true]
    ] as const
    expect(SlidingWindow.counts(windowOf(3, calls), 0)).toEqual({ calls: 3, failures: 1, slowCalls: 1 })
  })

  it("needs no more room after the first slow call, however many follow", () => {
    const one = windowOf(3, [[false, true]])
    const many = windowOf(
      3,
      Array.from({ length: 20 }, () => [false, true] as const)
    )
    expect(JSON.stringify(many).length).toBe(JSON.stringify(one).length)
  })

  it("does not forget by time", () => {
    expect(SlidingWindow.counts(windowOf(3, [[true, false]]), 1e12).failures).toBe(1)
  })

  it.each([1, 2, 14, 15, 16, 29, 30, 31, 45, 100])("of %d calls agrees with a list at every step", (size) => {
    const random = seeded(size)
    const window = SlidingWindow.make({ kind: "count", size })
    const calls: Array<Call> = []
    for (let at = 0; at < size * 4 + 20; at++) {
      const call = { at, failed: random.next() < 0.6, slow: random.next() < 0.4 }
      SlidingWindow.record(window, at, call.failed, call.slow)
      calls.push(call)
      expect(SlidingWindow.counts(window, at)).toEqual(countsOf(calls.slice(-size)))
    }
  })

  it("stays in small integers, so that it takes little room", () => {
    const failures = Array.from({ length: 100 }, () => [true, false] as const)
    const window = windowOf(40, failures)
    expect(window).toEqual([40, 20, 40, 40, 2 ** 30 - 1, 2 ** 10 - 1])
    SlidingWindow.record(window, 0, false, true)
    expect(window).toEqual([40, 21, 40, 39, 2 ** 30 - 1 - 2 ** 20, 2 ** 10 - 1, 1, 2 ** 20, 0])
  })
})

describe("a time window", () => {
  const settings = { kind: "time", durationMillis: 100, buckets: 4 } as const
  const windowOf = (...times: ReadonlyArray<number>) => {
    const window = SlidingWindow.make(settings)
    for (const at of times) SlidingWindow.record(window, at, true, true)
    return window
  }

  it("is empty at first, whatever the time", () => {
    expect(SlidingWindow.counts(windowOf(), 1e12)).toEqual(nothing)
  })

  it("keeps a call until its bucket leaves as a whole", () => {
    const window = windowOf(0, 24)
    expect(SlidingWindow.counts(window, 99).calls).toBe(2)
    expect(SlidingWindow.counts(window, 100)).toEqual(nothing)
  })

  it("lets the buckets leave one after the other", () => {
    const window = windowOf(0, 25, 50, 75)
    const seen = [99, 100, 124, 125, 150, 174, 175].map((now) => SlidingWindow.counts(window, now).failures)
    expect(seen).toEqual([4, 3, 3, 2, 1, 1, 0])
  })

  it("counts failures and slow calls apart, now and when they leave", () => {
    const window = SlidingWindow.make(settings)
    SlidingWindow.record(window, 0, true, false)
    SlidingWindow.record(window, 30, false, true)
    SlidingWindow.record(window, 60, true, true)
    expect(SlidingWindow.counts(window, 60)).toEqual({ calls: 3, failures: 2, slowCalls: 2 })
    SlidingWindow.record(window, 100, false, false)
    expect(SlidingWindow.counts(window, 100)).toEqual({ calls: 3, failures: 1, slowCalls: 2 })
  })

  it("forgets everything while it is idle, however long, and starts afresh", () => {
    for (const idle of [100, 175, 1_000, 123_456_789]) {
      const window = windowOf(0, 25, 50, 75)
      SlidingWindow.record(window, 75 + idle, false, false)
      expect(SlidingWindow.counts(window, 75 + idle)).toEqual({ calls: 1, failures: 0, slowCalls: 0 })
    }
  })

  it("is not moved by a look into the future", () => {
    const window = windowOf(0, 25)
    const before = JSON.stringify(window)
    SlidingWindow.counts(window, 1_000)
    expect(JSON.stringify(window)).toBe(before)
    expect(SlidingWindow.counts(window, 30).calls).toBe(2)
  })

  it("puts a call into its latest bucket when the clock has gone back", () => {
    const window = windowOf(80, 10)
    expect(SlidingWindow.counts(window, 10).calls).toBe(2)
    expect(SlidingWindow.counts(window, 174).calls).toBe(2)
    expect(SlidingWindow.counts(window, 175).calls).toBe(0)
  })

  it("works in the present, far from the time 0", () => {
    const now = 1_760_000_000_000
    const window = windowOf(now, now + 99)
    expect(SlidingWindow.counts(window, now + 99).calls).toBe(2)
    expect(SlidingWindow.counts(window, now + 100).calls).toBe(1)
  })

  it("cuts a duration into buckets that are no whole milliseconds", () => {
    const window = SlidingWindow.make({ kind: "time", durationMillis: 100, buckets: 3 })
    SlidingWindow.record(window, 33, true, false)
    SlidingWindow.record(window, 34, true, false)
    expect([99, 100, 133, 134].map((now) => SlidingWindow.counts(window, now).calls)).toEqual([2, 1, 1, 0])
  })

  const Calls = Arbitrary.array(
    Arbitrary.schema(
      Schema.Struct({
        after: Schema.Literals([0, 1, 7, 10, 20, 33, 90, 100, 101, 1_000]),
        failed: Schema.Boolean,
        slow: Schema.Boolean,
        looks: Schema.Boolean
      })
    ),
    { maxLength: 80 }
  )
  it.prop(
    "agrees with a list of times, whatever its buckets",
    { buckets: Schema.Literals([1, 2, 3, 5, 10]), duration: Schema.Literals([10, 90, 100, 250]), calls: Calls },
    ({ buckets, calls, duration }) => {
      const window = SlidingWindow.make({ kind: "time", durationMillis: duration, buckets })
      const bucketOf = (at: number): number => Math.floor(at / (duration / buckets))
      const list: Array<Call> = []
      let now = 0
      for (const { after, failed, looks, slow } of calls) {
        now += after
        if (!looks) {
          SlidingWindow.record(window, now, failed, slow)
          list.push({ at: now, failed, slow })
        }
        const recent = list.filter((call) => bucketOf(call.at) > bucketOf(now) - buckets)
        expect(SlidingWindow.counts(window, now)).toEqual(countsOf(recent))
      }
    },
    { arbitrary: { runs: 300, seed: 4, size: 80 } }
  )
})

describe("a window of either kind", () => {
  it.each<SlidingWindow.Settings>([
    { kind: "count", size: 20 },
    { kind: "time", durationMillis: 100, buckets: 4 }
  ])("goes on after a journey through JSON as if nothing had happened: $kind", (settings) => {
    const random = seeded(9)
    const window = SlidingWindow.make(settings)
    let travelled = SlidingWindow.make(settings)
    for (let at = 0; at < 500; at += random.integer(0, 30)) {
      const [failed, slow] = [random.next() < 0.5, random.next() < 0.5]
      travelled = JSON.parse(JSON.stringify(travelled))
      SlidingWindow.record(window, at, failed, slow)
      SlidingWindow.record(travelled, at, failed, slow)
      expect(travelled).toEqual(window)
    }
  })
})
