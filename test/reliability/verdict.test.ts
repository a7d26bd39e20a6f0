import { afterEach, expect, it } from "vitest"
import { atLeast, atMost, broken, conclude, line, same } from "../../reliability/support/verdict.ts"

afterEach(() => {
  process.exitCode = undefined
})

it("a bound itself is allowed", () => {
  const held = [atMost("a", 2, 2), atLeast("b", 2, 2), same("c", 2, 2)]
  expect(broken(held)).toEqual([])
  expect(conclude(held)).toBe("all 3 bounds hold")
  expect(process.exitCode).toBe(0)
})

it("beyond a bound, the claim is broken and the exit code tells", () => {
  const checks = [atMost("a", 3, 2, " ms"), atLeast("b", 1, 2), same("c", 1, 2), same("d", 1, 1)]
  expect(broken(checks).map(line)).toEqual([
    "BROKEN  a: 3 ms, at most 2 ms",
    "BROKEN  b: 1, at least 2",
    "BROKEN  c: 1 instead of 2"
  ])
  expect(conclude(checks)).toBe("3 of 4 bounds are broken")
  expect(process.exitCode).toBe(1)
})

it("what could not be measured does not hold", () => {
  const nothing = Number.NaN
  expect(broken([atMost("a", nothing, 2), atLeast("b", nothing, 2), same("c", nothing, 0)])).toHaveLength(3)
})
