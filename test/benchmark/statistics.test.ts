import { describe, expect, it } from "vitest"
import { median, meets, quantile, quartiles, ratios } from "../../benchmark/statistics.ts"

describe("statistics", () => {
  it("a quantile lies between the values around it", () => {
    expect(quantile([4, 1, 3, 2], 0)).toBe(1)
    expect(quantile([4, 1, 3, 2], 1)).toBe(4)
    expect(quantile([4, 1, 3, 2], 0.5)).toBe(2.5)
    expect(quantile([10, 20], 0.25)).toBe(12.5)
    expect(quantile([7], 0.99)).toBe(7)
  })

  it("one outlier does not move a median", () => {
    expect(median([3, 1, 1_000])).toBe(3)
  })

  it("quartiles hold the middle half", () => {
    expect(quartiles([1, 2, 3, 4, 5])).toEqual([2, 4])
  })

  it("costs are compared within a round, whatever the speed of the machine in it", () => {
    expect(ratios([1, 10, 3], [2, 20, 6])).toEqual([0.5, 0.5, 0.5])
  })

  it("a target is missed only if three quarters of the rounds are above it", () => {
    expect(meets([1, 1, 1], 1)).toBe(true)
    expect(meets([1.1, 1.1, 1.1], 1)).toBe(false)
    expect(meets([0.9, 1, 1.1, 1.2, 1.3], 1)).toBe(true)
    expect(meets([0.9, 1.1, 1.2, 1.3, 1.4], 1)).toBe(false)
    expect(meets([], 1)).toBe(false)
  })
})
