import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import {
  bySide,
  type Ending,
  failed,
  makeLedger,
  percentile,
  recovery,
  send,
  settle,
  succeeded,
  type Transition,
  waits
} from "../../examples/demo/statistics.ts"

const ledgerOf = (...calls: ReadonlyArray<readonly [ending: Ending, dueMillis: number, atMillis: number]>) => {
  const ledger = makeLedger(1000, 10)
  for (const [ending, dueMillis, atMillis] of calls) {
    send(ledger, dueMillis, dueMillis)
    settle(ledger, ending, dueMillis, atMillis)
  }
  return ledger
}

describe("a ledger", () => {
  it("is empty at first", () => {
    const ledger = makeLedger(1000, 10)
    expect(ledger).toMatchObject({ calls: 0, completions: [], slotMillis: 100 })
    expect(ledger.slots).toHaveLength(10)
    expect(succeeded(ledger.endings) + failed(ledger.endings)).toBe(0)
    expect(waits(ledger)).toEqual({ p50Millis: 0, p99Millis: 0 })
  })

  it("knows calls that were sent and have not ended", () => {
    const ledger = ledgerOf(["answered", 0, 20])
    send(ledger, 0, 0)
    expect(ledger.calls).toBe(2)
    expect(succeeded(ledger.endings)).toBe(1)
  })

  it("knows how late the latest call was sent", () => {
    const ledger = makeLedger(1000, 10)
    for (const atMillis of [90, 250, 310]) send(ledger, Math.floor(atMillis / 100) * 100, atMillis)
    expect(ledger.lateMillis).toBe(90)
  })

  it("counts a fallback as success, and what was cut off as failure", () => {
    const { endings } = ledgerOf(["answered", 0, 1], ["fallback", 0, 1], ["failed", 0, 1], ["cut off", 0, 1])
    expect(endings).toEqual({ answered: 1, fallback: 1, failed: 1, "cut off": 1 })
    expect(succeeded(endings)).toBe(2)
    expect(failed(endings)).toBe(2)
  })

  it("puts a call into the part of the day in which it was due, whenever it ended", () => {
    const { slots } = ledgerOf(["failed", 99.9, 990], ["answered", 100, 110], ["fallback", 999, 1500])
    expect(slots[0]).toMatchObject({ failed: 1, answered: 0 })
    expect(slots[1]).toMatchObject({ failed: 0, answered: 1 })
    expect(slots[9]).toMatchObject({ fallback: 1 })
  })

  it("has a place for a call outside of the day, too", () => {
    const { slots } = ledgerOf(["answered", -1, 5], ["failed", 1000, 1001])
    expect(slots[0]).toMatchObject({ answered: 1 })
    expect(slots[9]).toMatchObject({ failed: 1 })
  })

  it("never says that a call waited less than nothing", () => {
    expect(waits(ledgerOf(["answered", 10, 9]))).toEqual({ p50Millis: 0, p99Millis: 0 })
  })

  it.prop(
    "accounts for every call, in total and by the parts of the day",
    [Schema.Array(Schema.Literals(["answered", "fallback", "failed", "cut off"]))],
    ([endings]) => {
      const ledger = ledgerOf(...endings.map((ending, index) => [ending, (index * 37) % 1000, index] as const))
      const sum = ledger.slots.reduce((total, slot) => total + succeeded(slot) + failed(slot), 0)
      expect(succeeded(ledger.endings) + failed(ledger.endings)).toBe(ledger.calls)
      expect(sum).toBe(ledger.calls)
    },
    { arbitrary: { runs: 50, seed: 1 } }
  )
})

describe("a percentile", () => {
  it("is zero where there is nothing", () => {
    expect(percentile([], 0.99)).toBe(0)
  })

  it("is the smallest value that enough of them do not exceed, whatever their order", () => {
    const hundred = Array.from({ length: 100 }, (_, index) => 100 - index)
    expect(percentile(hundred, 0.5)).toBe(50)
    expect(percentile(hundred, 0.99)).toBe(99)
    expect(percentile(hundred, 1)).toBe(100)
    expect(percentile(hundred, 0)).toBe(1)
  })

  it("compares numbers as numbers", () => {
    expect(percentile([9, 10, 100], 0.5)).toBe(10)
  })

  it("leaves the values as they are", () => {
    const values = [3, 1, 2]
    percentile(values, 0.5)
    expect(values).toEqual([3, 1, 2])
  })
})

describe("waiting times", () => {
  const ledger = ledgerOf(["answered", 0, 10], ["failed", 0, 500], ["answered", 480, 520])

  it("are those of all calls, however they ended", () => {
    expect(waits(ledger)).toEqual({ p50Millis: 40, p99Millis: 500 })
  })

  it("can be limited to the calls that ended since a moment", () => {
    expect(waits(ledger, 500)).toEqual({ p50Millis: 40, p99Millis: 500 })
    expect(waits(ledger, 501)).toEqual({ p50Millis: 40, p99Millis: 40 })
    expect(waits(ledger, 521)).toEqual({ p50Millis: 0, p99Millis: 0 })
  })
})

describe("the recovery", () => {
  const moves = (...transitions: ReadonlyArray<readonly [to: string, atMillis: number]>): ReadonlyArray<Transition> =>
    transitions.map(([to, atMillis]) => ({ to, atMillis }))

  it("lasts from the provider being back until the circuit closes", () => {
    expect(recovery(moves(["Open", 100], ["HalfOpen", 900], ["Closed", 930]), 800)).toBe(130)
  })

  it("does not end before the circuit is closed for the first time", () => {
    const transitions = moves(["Open", 100], ["HalfOpen", 810], ["Open", 840], ["HalfOpen", 940], ["Closed", 950])
    expect(recovery([...transitions, ...moves(["Open", 960], ["Closed", 990])], 800)).toBe(150)
  })

  it("takes no time when the circuit is closed already", () => {
    expect(recovery([], 800)).toBe(0)
    expect(recovery(moves(["Open", 100], ["Closed", 200], ["Open", 900], ["Closed", 950]), 800)).toBe(0)
  })

  it("has nothing to do with what happened before the provider was away", () => {
    expect(recovery(moves(["Open", 100], ["Closed", 200], ["Open", 300], ["Closed", 900]), 800)).toBe(100)
  })

  it("ends at once when the circuit closes in the same moment", () => {
    expect(recovery(moves(["Open", 100], ["Closed", 800]), 800)).toBe(0)
  })

  it("is unknown when the circuit stays open or the provider away", () => {
    expect(recovery(moves(["Open", 100], ["HalfOpen", 900], ["Open", 930]), 800)).toBeNull()
    expect(recovery(moves(["Open", 100], ["Closed", 900]), undefined)).toBeNull()
  })
})

it("both sides get what is made for them", () => {
  expect(bySide((side) => side.length)).toEqual({ unprotected: 11, protected: 9 })
})
