import { describe, expect, it } from "@effect/vitest"
import { Schema } from "effect"
import * as Backoff from "../../src/core/Backoff.ts"
import { seeded } from "../../src/testing/internal/Seeded.ts"

const exponential: Backoff.Settings = {
  strategy: "exponential",
  baseMillis: 1_000,
  factor: 2,
  maxMillis: 10_000,
  jitter: "none"
}

const delays = (settings: Backoff.Settings, retries: number, random: number): ReadonlyArray<number> =>
  Array.from({ length: retries }, (_, i) => Backoff.delayMillis(settings, i + 1, 0, random))

/** Many delays before the same retry. */
const sample = (settings: Backoff.Settings, retry: number, previous: number): ReadonlyArray<number> => {
  const { next } = seeded(5)
  return Array.from({ length: 2_000 }, () => Backoff.delayMillis(settings, retry, previous, next()))
}

describe("the strategy", () => {
  it.each([
    ["exponential", [1_000, 2_000, 4_000, 8_000, 10_000]],
    ["linear", [1_000, 2_000, 3_000, 4_000, 5_000]],
    ["fixed", [1_000, 1_000, 1_000, 1_000, 1_000]]
  ] as const)("%s gives the delays %j", (strategy, expected) => {
    expect(delays({ ...exponential, strategy }, 5, 0.9)).toEqual(expected)
  })

  it("random chooses between zero and an exponential delay", () => {
    const settings = { ...exponential, strategy: "random" } as const
    expect(delays(settings, 5, 0.5)).toEqual([500, 1_000, 2_000, 4_000, 5_000])
    expect(delays(settings, 5, 0)).toEqual([0, 0, 0, 0, 0])
  })

  it("random needs no jitter, and takes no notice of it", () => {
    const settings = { ...exponential, strategy: "random" } as const
    for (const jitter of ["equal", "full", "decorrelated"] as const) {
      expect(delays({ ...settings, jitter }, 4, 0.25)).toEqual(delays(settings, 4, 0.25))
    }
  })

  it("grows by the factor", () => {
    expect(delays({ ...exponential, factor: 3 }, 3, 0)).toEqual([1_000, 3_000, 9_000])
    expect(delays({ ...exponential, factor: 1 }, 3, 0)).toEqual([1_000, 1_000, 1_000])
  })

  it.each(["exponential", "linear", "fixed", "random"] as const)("%s never exceeds the maximum", (strategy) => {
    expect(delays({ ...exponential, strategy, baseMillis: 20_000 }, 2, 0.999)).toEqual(
      strategy === "random" ? [9_990, 9_990] : [10_000, 10_000]
    )
  })

  it.each(["exponential", "linear", "fixed", "random"] as const)("%s from zero stays zero for ever", (strategy) => {
    for (const jitter of ["none", "equal", "full", "decorrelated"] as const) {
      expect(Backoff.delayMillis({ ...exponential, strategy, jitter, baseMillis: 0 }, 5_000, 0, 0.5)).toBe(0)
    }
  })

  it("is the maximum after so many retries that the growth is no longer a number", () => {
    expect(Backoff.delayMillis(exponential, 5_000, 0, 0)).toBe(10_000)
  })
})

describe("the jitter", () => {
  it("none takes no notice of chance", () => {
    expect(delays(exponential, 3, 0)).toEqual(delays(exponential, 3, 0.99))
  })

  it.each([
    [0, 3_200],
    [0.5, 4_000],
    [0.75, 4_400]
  ])("equal spreads by a fifth to both sides (chance %d gives %d)", (random, expected) => {
    expect(Backoff.delayMillis({ ...exponential, jitter: "equal" }, 3, 0, random)).toBe(expected)
  })

  it.each([
    [0, 8_000],
    [0.5, 9_000],
    [0.75, 9_500]
  ])("equal spreads below the maximum once the delay has grown to it (chance %d gives %d)", (random, expected) => {
    expect(Backoff.delayMillis({ ...exponential, jitter: "equal" }, 9, 0, random)).toBe(expected)
  })

  it("full spreads over everything below", () => {
    expect(delays({ ...exponential, jitter: "full" }, 5, 0.25)).toEqual([250, 500, 1_000, 2_000, 2_500])
  })

  it.each([
    ["the first retry", 0, 1_000, 3_000],
    ["a retry after 2 s", 2_000, 1_000, 6_000],
    ["a retry after a delay below the base", 400, 1_000, 3_000],
    ["a retry after the maximum", 10_000, 1_000, 10_000]
  ])("decorrelated walks from the base to three times the delay before: %s", (_, previous, least, most) => {
    const settings = { ...exponential, jitter: "decorrelated" } as const
    expect(Backoff.delayMillis(settings, 4, previous, 0)).toBe(least)
    expect(Backoff.delayMillis(settings, 4, previous, 0.5)).toBe((least + most) / 2)
    expect(Backoff.delayMillis(settings, 4, previous, 1)).toBe(most)
  })

  it("decorrelated keeps to a maximum below its base", () => {
    const settings = { ...exponential, jitter: "decorrelated", maxMillis: 600 } as const
    expect(sample(settings, 1, 0).every((delay) => delay === 600)).toBe(true)
  })

  it.each(["equal", "full", "decorrelated"] as const)(
    "%s still spreads delays that have grown to the maximum",
    (jitter) => {
      const delays = sample({ ...exponential, jitter }, 50, 10_000)
      expect(new Set(delays).size).toBeGreaterThan(1_990)
      expect(Math.max(...delays)).toBeLessThanOrEqual(10_000)
      expect(delays.filter((delay) => delay > 9_990).length).toBeLessThan(40)
    }
  )

  it("decorrelated keeps its floor over a long walk", () => {
    const { next } = seeded(6)
    const settings = { ...exponential, jitter: "decorrelated" } as const
    let previous = 0
    const walk = Array.from({ length: 2_000 }, () => (previous = Backoff.delayMillis(settings, 1, previous, next())))
    expect(Math.min(...walk)).toBeGreaterThanOrEqual(1_000)
    expect(Math.min(...walk)).toBeLessThan(1_100)
    expect(Math.max(...walk)).toBeLessThanOrEqual(10_000)
    expect(Math.max(...walk)).toBeGreaterThan(9_000)
  })
})

describe("any delay", () => {
  const Millis = Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 100_000 }))
  it.prop(
    "lies in the range of its strategy and jitter, and never above the maximum",
    {
      strategy: Schema.Literals(["exponential", "linear", "fixed", "random"]),
      jitter: Schema.Literals(["none", "equal", "full", "decorrelated"]),
      base: Millis,
      max: Millis,
      factor: Schema.Literals([1, 1.5, 2, 10]),
      retry: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 2_000 })),
      previous: Millis,
      percent: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99 }))
    },
    ({ base, factor, jitter, max, percent, previous, retry, strategy }) => {
      const settings = { strategy, jitter, factor, baseMillis: base, maxMillis: max }
      const delay = Backoff.delayMillis(settings, retry, previous, percent / 100)
      let grown = Math.min(base, max)
      if (strategy === "linear") grown = Math.min(base * retry, max)
      if (strategy === "exponential" || strategy === "random") {
        for (let i = 1; i < retry && grown < max; i++) grown = Math.min(grown * factor, max)
      }
      let [least, most] = [grown, grown]
      if (strategy === "random" || jitter === "full") least = 0
      else if (jitter === "equal") [least, most] = [grown * 0.8, Math.min(grown * 1.2, max)]
      else if (jitter === "decorrelated")
        [least, most] = [Math.min(base, max), Math.min(3 * Math.max(previous, base), max)]
      const rounding = 1e-6 * (1 + most)
      expect(delay).toBeLessThanOrEqual(max)
      expect(Math.abs(delay - (least + (percent / 100) * (most - least)))).toBeLessThan(rounding)
    },
    { arbitrary: { runs: 2_000, seed: 5 } }
  )
})
