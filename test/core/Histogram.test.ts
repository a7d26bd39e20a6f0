import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Histogram from "../../src/core/Histogram.ts"

const of = (bounds: ReadonlyArray<number>, values: ReadonlyArray<number>): Histogram.Histogram => {
  const histogram = Histogram.make(bounds)
  for (const value of values) Histogram.record(histogram, value)
  return histogram
}

describe("a histogram", () => {
  it("is empty at first, with an impossible minimum and maximum", () => {
    const bounds = [1, 2]
    expect(of(bounds, [])).toEqual({ bounds, counts: [0, 0, 0], count: 0, sum: 0, min: Infinity, max: -Infinity })
  })

  it("counts a value that is equal to a bound at that bound", () => {
    expect(of([1, 2, 3], [1, 2, 2, 3]).counts).toEqual([1, 2, 1, 0])
  })

  it("counts a value just above a bound at the next one", () => {
    expect(of([1, 2, 3], [1.01, 2.01]).counts).toEqual([0, 1, 1, 0])
  })

  it("counts what lies above all bounds in the last place", () => {
    expect(of([1, 2], [2.5, Infinity]).counts).toEqual([0, 0, 2])
  })

  it("counts everything in one place without bounds", () => {
    expect(Histogram.cumulative(of([], [1, 2]))).toEqual([[Infinity, 2]])
  })

  it("knows the number, the sum and the extremes of its values, in any order", () => {
    expect(of([10], [7, 30, 2, 5])).toMatchObject({ count: 4, sum: 44, min: 2, max: 30 })
    expect(of([10], [7])).toMatchObject({ min: 7, max: 7 })
  })

  it("tells how many values lie at or below each bound, up to Infinity", () => {
    expect(Histogram.cumulative(of([1, 2, 3], [0, 1, 2.5, 9]))).toEqual([
      [1, 2],
      [2, 2],
      [3, 3],
      [Infinity, 4]
    ])
  })

  const Value = Schema.Int.check(Schema.isBetween({ minimum: -20, maximum: 60 }))
  it.prop(
    "agrees with a list of its values",
    [Schema.Array(Value), Arbitrary.array(Arbitrary.schema(Value), { maxLength: 60 })],
    ([numbers, values]) => {
      const bounds = [...new Set(numbers)].toSorted((a, b) => a - b)
      const histogram = of(bounds, values)
      expect(Histogram.cumulative(histogram)).toEqual(
        [...bounds, Infinity].map((bound) => [bound, values.filter((value) => value <= bound).length])
      )
      expect(histogram).toMatchObject({
        count: values.length,
        sum: values.reduce((sum, value) => sum + value, 0),
        min: Math.min(...values),
        max: Math.max(...values)
      })
    },
    { arbitrary: { runs: 300, seed: 8, size: 60 } }
  )
})
