import { describe, expect, it } from "vitest"
import type { Result } from "../../benchmark/case.ts"
import { page } from "../../benchmark/report/page.ts"

const machine = { date: "2026-01-31", description: "1 x abacus", load: "0.10, 0.20, 0.30", versions: "node 24.0.0" }

const result: Result = {
  name: "closed breaker",
  unit: "addedNanos",
  targets: { cockatiel: 1.5 },
  medians: { ours: 200, bare: 50, cockatiel: 100, limit: 150 },
  quartiles: [190, 210],
  noisy: [],
  ratios: { bare: 4, cockatiel: 2, limit: 1.333 },
  verdicts: { cockatiel: "missed" }
}

const linesOf = (...results: ReadonlyArray<Result>) => page(machine, [{ title: "Patterns", results }]).split("\n")

const cellsOf = (result: Result) =>
  linesOf(result)
    .find((line) => line.startsWith("| closed"))!
    .split("|")
    .map((cell) => cell.trim())
    .slice(1, -1)

describe("the page of results", () => {
  it("says where and when they were measured", () => {
    const text = linesOf(result).join("\n")
    for (const value of Object.values(machine)) expect(text).toContain(value)
    expect(text).toContain("## Patterns")
  })

  it("has a row for each case, with its target and whether it is met", () => {
    expect(cellsOf(result)).toEqual([
      "closed breaker",
      "200 ns",
      "190 ns to 210 ns",
      "100 ns (2.0 x)",
      "",
      "",
      "limit: 150 ns (1.3 x)",
      "≤ 1.5 x cockatiel",
      "**missed**"
    ])
    expect(cellsOf({ ...result, verdicts: { cockatiel: "met" } }).at(-1)).toBe("met")
    expect(cellsOf({ ...result, verdicts: { cockatiel: "impossible" } }).at(-1)).toBe("at the limit")
    expect(cellsOf({ ...result, targets: {}, verdicts: {} }).slice(-2)).toEqual(["", ""])
  })

  it("publishes no figure that is in the noise", () => {
    const medians = { ...result.medians, cockatiel: -55, limit: 1 }
    expect(cellsOf({ ...result, medians, noisy: ["cockatiel", "limit"], ratios: { bare: 4 } })).toEqual([
      "closed breaker",
      "200 ns",
      "190 ns to 210 ns",
      "in the noise",
      "",
      "",
      "limit: in the noise",
      "≤ 1.5 x cockatiel",
      "**missed**"
    ])
    const [, ours, , peer] = cellsOf({ ...result, noisy: ["ours"], ratios: {} })
    expect([ours, peer]).toEqual(["in the noise", "100 ns"])
  })
})
