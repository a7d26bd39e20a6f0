import { describe, expect, it } from "@effect/vitest"
import * as EventCounters from "../../../src/resilience/internal/EventCounters.ts"

/** Counters, and what they show. */
const make = () => {
  const series: Array<{ readonly labels: Readonly<Record<string, string>>; readonly read: () => number }> = []
  const counters = EventCounters.make((labels, read) => series.push({ labels, read }))
  return {
    count: (labels: Readonly<Record<string, string>>) => counters.count(labels),
    shown: () => series.map(({ labels, read }) => [Object.values(labels).join(" "), read()])
  }
}

describe("counters of events", () => {
  it("count each set of labels, and tell of it once", () => {
    const { count, shown } = make()
    for (const service of ["a", "b", "a"]) count({ service, type: "X" })
    count({ service: "a", type: "Y" })
    expect(shown()).toEqual([
      ["a X", 2],
      ["b X", 1],
      ["a Y", 1]
    ])
  })

  it("may have no labels at all", () => {
    const { count, shown } = make()
    count({})
    count({})
    expect(shown()).toEqual([["", 2]])
  })

  it("do not take labels for one another", () => {
    const { count, shown } = make()
    count({ a: 'x","b":"y', b: "z" })
    count({ a: "x", b: 'y","b":"z' })
    expect(shown().map(([, value]) => value)).toEqual([1, 1])
  })

  it("keep 500 values of a label and call the rest other", () => {
    const { count, shown } = make()
    for (let n = 1; n <= 510; n++) count({ service: "a", type: `X${n}` })
    count({ service: "a", type: "X500" })
    expect(shown()).toHaveLength(501)
    expect(shown().slice(-2)).toEqual([
      ["a X500", 2],
      ["a other", 10]
    ])
  })

  it("bound each label by itself", () => {
    const { count, shown } = make()
    for (let n = 1; n <= 501; n++) count({ service: "a", type: `X${n}` })
    count({ service: "b", type: "X1" })
    count({ service: "b", type: "X501" })
    count({ service: "b", type: "X502" })
    expect(shown().slice(-3)).toEqual([
      ["a other", 1],
      ["b X1", 1],
      ["b other", 2]
    ])
  })

  it("count what is called other together with the rest", () => {
    const { count, shown } = make()
    count({ type: "other" })
    for (let n = 1; n <= 500; n++) count({ type: `X${n}` })
    expect(shown()[0]).toEqual(["other", 2])
  })
})
