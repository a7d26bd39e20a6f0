import { describe, expect, it } from "@effect/vitest"
import * as OpenTime from "../../src/core/OpenTime.ts"

const settings: OpenTime.Settings = { openMillis: 100, openFactor: 2, openMaxMillis: 350, openJitter: 0 }

describe("the open time", () => {
  it("grows with each opening, up to its maximum", () => {
    expect([1, 2, 3, 9].map((openings) => OpenTime.millis(settings, openings, 0.5))).toEqual([100, 200, 350, 350])
  })

  it("is spread around what it would be, and below the maximum", () => {
    const spread = { ...settings, openJitter: 0.2 }
    expect([0, 0.5, 1].map((random) => OpenTime.millis(spread, 1, random))).toEqual([80, 100, 120])
    expect([0, 1].map((random) => OpenTime.millis(spread, 5, random))).toEqual([280, 350])
  })
})
