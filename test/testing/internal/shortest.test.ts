import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { shortest } from "../../../src/testing/internal/shortest.ts"

/** A list fails if it has all of these, in this order. */
const shorten = (list: ReadonlyArray<number>, needed: ReadonlyArray<number>) => {
  let tries = 0
  const fails = (candidate: ReadonlyArray<number>) =>
    Effect.sync(() => {
      tries++
      return candidate.filter((number) => needed.includes(number)).join() === needed.join()
    })
  return { few: Effect.runSync(shortest(list, fails)), tries }
}

const hundred = Array.from({ length: 100 }, (_, index) => index)

describe("the shortest list that fails", () => {
  it("keeps what is needed in its order, wherever it is", () => {
    for (const needed of [[0], [99], [42], [0, 99], [3, 4, 5], [1, 33, 34, 98]]) {
      expect(shorten(hundred, needed).few).toEqual(needed)
    }
  })

  it("is empty when nothing is needed, and the list itself when all is", () => {
    expect(shorten(hundred, []).few).toEqual([])
    expect(shorten(hundred.slice(0, 5), hundred.slice(0, 5)).few).toEqual([0, 1, 2, 3, 4])
    expect(shorten([], []).few).toEqual([])
  })

  it("is found without trying every element by itself", () => {
    expect(shorten(hundred, [42]).tries).toBeLessThan(30)
  })

  it("has no element that can be left out, even if one can only after another", () => {
    // Without 3 it fails only as long as 1 and 2 are both there or both away.
    const fails = (list: ReadonlyArray<number>) =>
      Effect.succeed(list.includes(9) && (list.includes(1) ? list.includes(2) : true))
    expect(Effect.runSync(shortest([1, 2, 3, 9], fails))).toEqual([9])
  })
})
