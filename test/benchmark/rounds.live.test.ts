import { describe, expect, it } from "vitest"
import { randomWalk } from "../../benchmark/guards.ts"
import type { Loop } from "../../benchmark/loops.ts"
import { interleave, time, warm } from "../../benchmark/measures/rounds.ts"

const settings = { rounds: 3, batchMillis: 1, settleMillis: 1, isQuick: true }

/** A loop that remembers its batches, and keeps the processor busy for so long in each call. */
const busy = (micros: number) => {
  const batches: Array<number> = []
  const loop: Loop = async (times) => {
    batches.push(times)
    for (let left = times; left > 0; left--) {
      const began = performance.now()
      while (performance.now() - began < micros / 1_000);
    }
  }
  return { batches, loop }
}

describe("rounds", () => {
  it("every other round runs the other way round", async () => {
    const seen: Array<string> = []
    await interleave(3, ["a", "b"], async (entry, round) => {
      seen.push(`${entry}${round}`)
    })
    expect(seen).toEqual(["a0", "b0", "b1", "a1", "a2", "b2"])
  })

  it("has a figure of each variant in each round, and runs a bare loop once for all that share it", async () => {
    const [bare, guarded, other] = [busy(10), busy(10), busy(10)]
    const figures = await time(
      { ours: { bare: bare.loop, guarded: guarded.loop }, peer: { bare: bare.loop, guarded: other.loop } },
      settings
    )
    expect(figures).toMatchObject({ ours: { length: 3 }, peer: { length: 3 }, bare: { length: 3 } })
    expect(Math.min(...figures["bare"]!)).toBeGreaterThan(1_000)
    const isLast = (batches: ReadonlyArray<number>) => batches.filter((times) => times === batches.at(-1)).length
    expect(isLast(bare.batches)).toBeLessThan(6)
  })

  it("opens an instance before each batch of the guarded loop, and closes it afterwards", async () => {
    const seen: Array<string> = []
    const open = () => seen.push("open")
    const close = () => seen.push("close")
    const bare: Loop = async () => void seen.push("bare")
    const guarded: Loop = async () => void seen.push("guarded")
    await warm({ ours: { bare, guarded, open, close } })
    expect(seen).toEqual(["bare", "open", "guarded", "close"])
  })
})

describe("a random walk", () => {
  it("comes to all keys, and to the same ones in each run", () => {
    const keys = ["a", "b", "c"]
    const [one, another] = [randomWalk(keys), randomWalk(keys)]
    const walked = Array.from({ length: 100 }, one)
    expect(new Set(walked)).toEqual(new Set(keys))
    expect(Array.from({ length: 100 }, another)).toEqual(walked)
  })
})
