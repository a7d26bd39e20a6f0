import { describe, expect, it } from "vitest"
import { isSame } from "../../../src/admin/internal/token.ts"

describe("the comparison of tokens", () => {
  it("finds the same text the same", () => {
    expect(isSame("open sesame", "open sesame")).toBe(true)
    expect(isSame("Ωμέγα 😀", "Ωμέγα 😀")).toBe(true)
  })

  it.each([
    ["", "secret"],
    ["secreT", "secret"],
    ["Secret", "secret"],
    ["secre", "secret"],
    ["secrets", "secret"],
    ["secretsecret", "secret"],
    ["secret", "secretsecret"],
    ["aaa", "a"],
    ["secret\0", "secret"],
    ["😀", "😁"]
  ])("finds another text another: %j, %j", (given, expected) => {
    expect(isSame(given, expected)).toBe(false)
  })

  it("takes as long for a text that differs at once as for one that differs at the end", () => {
    const expected = "x".repeat(20_000)
    const [early, late] = [`y${"x".repeat(19_999)}`, `${"x".repeat(19_999)}y`]
    const fastest = (given: string): number => {
      let least = Infinity
      for (let n = 0; n < 200; n++) {
        const started = performance.now()
        isSame(given, expected)
        least = Math.min(least, performance.now() - started)
      }
      return least
    }
    fastest(early)
    expect(fastest(early) / fastest(late)).toBeGreaterThan(0.6)
  })
})
