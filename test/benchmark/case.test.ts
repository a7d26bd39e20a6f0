import { describe, expect, it } from "vitest"
import { type Case, isMet, isMissed, resultOf } from "../../benchmark/case.ts"
import type { Figures } from "../../benchmark/measures/rounds.ts"
import { jsonOf } from "../../benchmark/report/json.ts"
import { linesOf } from "../../benchmark/report/terminal.ts"

const settings = { rounds: 3, batchMillis: 1, settleMillis: 1, isQuick: true }

const measured = (figures: Figures, options: Partial<Case> = {}) =>
  resultOf(
    { name: "case", unit: "addedNanos", targets: { peer: 0.5 }, measure: async () => figures, ...options },
    settings
  )

const three = (value: number) => [value, value, value]

describe("a case", () => {
  it("shows medians, quartiles of ours, and what ours costs as a multiple of the others", async () => {
    const result = await measured({ ours: [10, 30, 20], peer: [100, 100, 100] })
    expect(result.medians).toEqual({ ours: 20, peer: 100 })
    expect(result.quartiles).toEqual([15, 25])
    expect(result.ratios).toEqual({ peer: 0.2 })
  })

  it("is no multiple of what the noise covers", async () => {
    const result = await measured({ ours: three(20), peer: [-55, 10, 40], other: three(10) }, { targets: {} })
    expect(result.medians).toEqual({ ours: 20, peer: 10, other: 10 })
    expect(result.noisy).toEqual(["peer"])
    expect(result.ratios).toEqual({ other: 2 })
    expect((await measured({ ours: [-3, 1, 2], peer: three(10) }, { targets: {} })).ratios).toEqual({})
    expect(linesOf(result)).toEqual(["case: 20 ns", "  in the noise: peer (10 ns)", "  2.0 x other (10 ns)"])
  })

  it("meets a target up to its value", async () => {
    expect((await measured({ ours: three(50), peer: three(100) })).verdicts).toEqual({ peer: "met" })
    expect((await measured({ ours: three(51), peer: three(100) })).verdicts).toEqual({ peer: "missed" })
  })

  it("may cost more by the noise that was measured", async () => {
    const noisy = await measured({ ours: [45, 55, 56], peer: three(100) })
    expect(noisy.ratios["peer"]).toBe(0.55)
    expect(noisy.verdicts).toEqual({ peer: "met" })
  })

  it("a target for ours is in its own unit", async () => {
    const targets = { ours: 300 }
    expect(isMissed(await measured({ ours: [300] }, { unit: "bytes", targets }))).toBe(false)
    expect(isMissed(await measured({ ours: [301] }, { unit: "bytes", targets }))).toBe(true)
  })

  it("more calls in a second cost less", async () => {
    const targets = { peer: 1 / 7 }
    const fast = await measured({ ours: three(700), peer: three(100) }, { unit: "perSecond", targets })
    expect(fast.ratios["peer"]).toBeCloseTo(1 / 7)
    expect(isMissed(fast)).toBe(false)
    expect(isMissed(await measured({ ours: three(690), peer: three(100) }, { unit: "perSecond", targets }))).toBe(true)
  })

  it("where the limit itself misses the target, it is enough to come near the limit", async () => {
    const near = await measured({ ours: three(89), peer: three(100), limit: three(60) })
    expect(near.verdicts).toEqual({ peer: "impossible" })
    expect(isMissed(near)).toBe(false)
    expect(isMissed(await measured({ ours: three(91), peer: three(100), limit: three(60) }))).toBe(true)
    expect(isMissed(await measured({ ours: three(60), peer: three(100), limit: three(50) }))).toBe(true)
  })

  it("a target that is known not to be reached fails only when the cost gets worse than what is kept", async () => {
    const behind = { peer: 0.8 }
    const kept = await measured({ ours: three(80), peer: three(100) }, { behind })
    expect(kept.verdicts).toEqual({ peer: "behind" })
    expect([isMissed(kept), isMet(kept)]).toEqual([false, false])
    expect(isMissed(await measured({ ours: three(81), peer: three(100) }, { behind }))).toBe(true)
    expect(isMet(await measured({ ours: three(50), peer: three(100) }, { behind }))).toBe(true)
    const own = { targets: { ours: 300 }, behind: { ours: 310 } }
    expect((await measured({ ours: [310] }, own)).verdicts).toEqual({ ours: "behind" })
    expect((await measured({ ours: [311] }, own)).verdicts).toEqual({ ours: "missed" })
  })

  it("a target of our own can be beyond the limit, too", async () => {
    const own = { targets: { ours: 50 }, unit: "bytes" } as const
    expect((await measured({ ours: [89], limit: [60] }, own)).verdicts).toEqual({ ours: "impossible" })
    expect((await measured({ ours: [91], limit: [60] }, own)).verdicts).toEqual({ ours: "missed" })
    expect((await measured({ ours: [60], limit: [50] }, own)).verdicts).toEqual({ ours: "missed" })
  })

  it("what is kept is kept near the limit, too", async () => {
    const figures = { ours: three(89), peer: three(100), limit: three(60) }
    expect((await measured(figures, { behind: { peer: 0.9 } })).verdicts).toEqual({ peer: "impossible" })
    expect((await measured(figures, { behind: { peer: 0.88 } })).verdicts).toEqual({ peer: "missed" })
  })

  it("a target without figures is missed", async () => {
    expect(isMissed(await measured({ ours: three(1) }))).toBe(true)
  })

  it("is an object for programs, with its figures under what they are of", async () => {
    const targets = { peer: 0.5 }
    const result = await measured({ ours: three(20.123_45), peer: three(30) }, { targets })
    expect(jsonOf(result)).toEqual({
      name: "case",
      addedNanos: { ours: 20.12, peer: 30 },
      ratios: { peer: 0.6708 },
      target: targets,
      met: false
    })
    expect(jsonOf(await measured({ ours: [5] }, { unit: "bytes", targets: {} }))).toEqual({
      name: "case",
      bytes: { ours: 5 },
      ratios: {},
      met: true
    })
  })

  it("is some lines for people", async () => {
    const missed = await measured({ ours: [10, 60, 110], peer: three(100) }, { targets: { peer: 1 / 20, ours: 1_000 } })
    expect(linesOf(missed)).toEqual([
      "case: 60 ns (35 ns to 85 ns), ≤ 1,000 ns",
      "  0.60 x peer (100 ns), ≤ 1/20 x peer: MISSED"
    ])
  })
})
