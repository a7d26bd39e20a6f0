import { describe, expect, it } from "vitest"
import { check, seedsOf } from "./property.ts"

describe("a property", () => {
  it("tells the seed of its first failure, with the value, and fails again with it", async () => {
    const tried: Array<number> = []
    const find = (seeds: ReadonlyArray<number>) =>
      check(
        "small",
        seeds,
        (dice) => dice.integer(0, 9),
        (value) => {
          tried.push(value)
          if (value > 7) throw new Error("too large")
        }
      )
    const failure = await find(seedsOf(100, {})).catch((error: Error) => error.message)
    const [, seed, value] = /^"small" fails for seed (\d+) \(again: FUZZ_SEED=\d+\): (\d)\ntoo large$/.exec(
      String(failure)
    )!
    tried.length = 0
    await expect(find(seedsOf(100, { FUZZ_SEED: seed }))).rejects.toThrow(String(failure))
    expect(tried).toEqual([Number(value)])
  })

  it("fails when what it checks rejects", async () => {
    await expect(
      check(
        "later",
        [1],
        (dice) => dice.next(),
        () => Promise.reject(new Error("later"))
      )
    ).rejects.toThrow("later")
  })

  it("runs the seeds that are asked for", () => {
    expect(seedsOf(3, {})).toEqual([1, 2, 3])
    expect(seedsOf(3, { FUZZ_RUNS: "2" })).toEqual([1_000_000, 1_000_001])
  })
})
