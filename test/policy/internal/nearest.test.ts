import { describe, expect, it } from "vitest"
import { nearest } from "../../../src/policy/internal/nearest.ts"

describe("the nearest name", () => {
  it.each([
    ["lmm", "llm"],
    ["paymentapi", "payment-api"],
    ["xyz", undefined],
    ["", undefined],
    ["llm", "llm"]
  ])("to %j is %j", (name, expected) => {
    expect(nearest(name, ["payment-api", "llm"])).toBe(expected)
  })

  it("to a name of 64 kB is found in no time among a thousand", () => {
    const known = Array.from({ length: 1_000 }, (_, index) => `service-${index}`)
    expect(nearest("x".repeat(65_536), known)).toBe(undefined)
  }, 1_000)
})
