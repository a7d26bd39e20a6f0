import { expect, it } from "vitest"
import { median, percentile, rise, slope, spread } from "../../reliability/support/statistics.ts"

it("the percentile is a value that occurred, whatever the order", () => {
  const values = [50, 10, 40, 20, 30]
  expect([0, 0.2, 0.21, 0.5, 0.99, 1].map((share) => percentile(values, share))).toEqual([10, 10, 20, 30, 50, 50])
  expect(median([7])).toBe(7)
  expect(percentile([], 0.5)).toBeNaN()
})

it("the spread of nothing is nothing", () => {
  expect([spread([3, 9, 5]), spread([4]), spread([])]).toEqual([6, 0, 0])
})

it("a rise is from a value to a later one, and what only falls does not rise", () => {
  expect([rise([9, 3, 8, 4, 7]), rise([5, 4, 1]), rise([4]), rise([])]).toEqual([5, 0, 0, 0])
})

it("the slope is that of the line through the points", () => {
  const line = [0, 1, 2, 3].map((x) => ({ x, y: 5 + 2 * x }))
  expect(slope(line)).toBeCloseTo(2)
  expect(slope([...line, { x: 4, y: 0 }])).toBeLessThan(2)
  expect([slope([]), slope([{ x: 1, y: 1 }])]).toEqual([0, 0])
})
