import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as RetryBudget from "../../src/core/RetryBudget.ts"

const settings: RetryBudget.Settings = { ratio: 0.2, minimumPerSecond: 1, windowMillis: 10_000 }
const noFloor: RetryBudget.Settings = { ...settings, minimumPerSecond: 0 }

const afterCalls = (settings: RetryBudget.Settings, calls: number, now = 0): RetryBudget.State => {
  const state = RetryBudget.initial(settings)
  for (let i = 0; i < calls; i++) RetryBudget.deposit(state, now)
  return state
}

/** A retry without a delay: reserved and spent at once. */
const withdraw = (state: RetryBudget.State, settings: RetryBudget.Settings, now: number): boolean => {
  const isReserved = RetryBudget.reserve(state, settings, now)
  if (isReserved) RetryBudget.spend(state, now)
  return isReserved
}

/** Takes retries until the budget is empty. */
const drain = (state: RetryBudget.State, settings: RetryBudget.Settings, now: number): number => {
  let retries = 0
  while (retries < 10_000 && withdraw(state, settings, now)) retries++
  return retries
}

describe("a retry budget", () => {
  it("lets a quiet service retry up to the floor of the whole window", () => {
    expect(drain(afterCalls(settings, 0), settings, 0)).toBe(10)
  })

  it("is empty at once without calls and without a floor", () => {
    expect(withdraw(RetryBudget.initial(noFloor), noFloor, 0)).toBe(false)
  })

  it.each([
    [0, 0],
    [4, 0],
    [5, 1],
    [9, 1],
    [10, 2],
    [15, 3],
    [1_000, 200]
  ])("allows the share of %d calls without a floor: %d whole retries", (calls, retries) => {
    expect(drain(afterCalls(noFloor, calls), noFloor, 0)).toBe(retries)
  })

  it("adds the floor to the share", () => {
    expect(drain(afterCalls(settings, 100), settings, 0)).toBe(30)
  })

  it("adds a floor that is no whole number before it rounds down", () => {
    const odd = { ratio: 0.5, minimumPerSecond: 0.15, windowMillis: 10_000 }
    expect(RetryBudget.available(afterCalls(odd, 1), odd, 0)).toBe(2)
    expect(RetryBudget.available(afterCalls(odd, 0), odd, 0)).toBe(1)
  })

  it("is not filled by the retries that it pays for", () => {
    const full = { ...noFloor, ratio: 1 }
    expect(drain(afterCalls(full, 10), full, 0)).toBe(10)
  })

  it("goes down by one with every retry, and a refused one takes nothing", () => {
    const state = afterCalls(noFloor, 10)
    const seen = [RetryBudget.available(state, noFloor, 0)]
    for (let i = 0; i < 4; i++) {
      withdraw(state, noFloor, 0)
      seen.push(RetryBudget.available(state, noFloor, 0))
    }
    expect(seen).toEqual([2, 1, 0, 0, 0])
    for (let i = 0; i < 5; i++) RetryBudget.deposit(state, 0)
    expect(RetryBudget.available(state, noFloor, 0)).toBe(1)
  })

  it("sets a reserved retry aside until it is spent or given back", () => {
    const state = afterCalls(noFloor, 10)
    expect([RetryBudget.reserve(state, noFloor, 0), RetryBudget.reserve(state, noFloor, 0)]).toEqual([true, true])
    expect(RetryBudget.reserve(state, noFloor, 0)).toBe(false)
    RetryBudget.cancel(state)
    expect(RetryBudget.available(state, noFloor, 0)).toBe(1)
    RetryBudget.spend(state, 0)
    expect(RetryBudget.available(state, noFloor, 0)).toBe(1)
    expect(state.reserved).toBe(0)
  })

  it("counts a retry from the moment it starts, not from its reservation", () => {
    const state = afterCalls(noFloor, 10)
    RetryBudget.reserve(state, noFloor, 0)
    for (let i = 0; i < 5; i++) RetryBudget.deposit(state, 9_000)
    RetryBudget.spend(state, 9_000)
    expect(RetryBudget.available(state, noFloor, 10_000)).toBe(0)
  })

  it("is not changed by being asked", () => {
    const state = afterCalls(settings, 10)
    const before = JSON.stringify(state)
    RetryBudget.available(state, settings, 100_000)
    expect(JSON.stringify(state)).toBe(before)
  })

  it("forgets calls and retries after the window", () => {
    const state = afterCalls(noFloor, 10)
    drain(state, noFloor, 0)
    expect(RetryBudget.available(state, noFloor, 9_999)).toBe(0)
    for (let i = 0; i < 5; i++) RetryBudget.deposit(state, 9_999)
    expect(RetryBudget.available(state, noFloor, 9_999)).toBe(1)
    expect(RetryBudget.available(state, noFloor, 10_000)).toBe(1)
  })

  it("is never negative, even when calls leave the window before the retries they paid for", () => {
    const state = afterCalls(noFloor, 50, 0)
    for (let i = 0; i < 10; i++) withdraw(state, noFloor, 5_000)
    expect(RetryBudget.available(state, noFloor, 10_000)).toBe(0)
  })

  it("has ten buckets of its window, so that a tenth of it leaves together", () => {
    const state = afterCalls(noFloor, 5, 999)
    expect(RetryBudget.available(state, noFloor, 9_999)).toBe(1)
    expect(RetryBudget.available(state, noFloor, 10_000)).toBe(0)
  })

  const Events = Arbitrary.array(
    Arbitrary.schema(
      Schema.Struct({
        after: Schema.Literals([0, 0, 0, 10, 99, 100, 250, 1_000, 5_000]),
        event: Schema.Literals(["call", "call", "retry"])
      })
    ),
    { maxLength: 150 }
  )
  it.prop(
    "agrees with a list of calls and retries",
    {
      ratio: Schema.Literals([0, 0.25, 0.5, 1]),
      minimumPerSecond: Schema.Literals([0, 0.5, 2]),
      windowMillis: Schema.Literals([1_000, 2_500]),
      events: Events
    },
    ({ events, minimumPerSecond, ratio, windowMillis }) => {
      const settings = { ratio, minimumPerSecond, windowMillis }
      const state = RetryBudget.initial(settings)
      const bucketOf = (at: number): number => Math.floor((at * 10) / windowMillis)
      let list: Array<{ readonly at: number; readonly event: string }> = []
      let now = 0
      for (const { after, event } of events) {
        now += after
        list = list.filter((one) => bucketOf(one.at) > bucketOf(now) - 10)
        const count = (event: string): number => list.filter((one) => one.event === event).length
        const allowed = Math.floor(count("call") * ratio + (minimumPerSecond * windowMillis) / 1_000)
        expect(RetryBudget.available(state, settings, now)).toBe(Math.max(0, allowed - count("retry")))
        if (event === "call") RetryBudget.deposit(state, now)
        else if (!withdraw(state, settings, now)) {
          expect(count("retry")).toBeGreaterThanOrEqual(allowed)
          continue
        }
        list.push({ at: now, event })
      }
    },
    { arbitrary: { runs: 400, seed: 6, size: 150 } }
  )
})
