import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Throttle from "../../src/core/Throttle.ts"

const settings: Throttle.Settings = { windowMillis: 1_000, maxEntries: 3 }

/** Each item is its own key, unless it says otherwise: "a:1" has the key "a". */
const offer = (state: Throttle.State<string>, now: number, item: string, own = settings): number =>
  Throttle.offer(state, own, now, item.split(":")[0]!, item)

const offered = (now: number, ...items: ReadonlyArray<string>): Throttle.State<string> => {
  const state = Throttle.initial<string>()
  for (const item of items) offer(state, now, item)
  return state
}

const texts = (group: Throttle.Group<string> | undefined) =>
  group?.entries.map(({ count, item }) => `${item} x${count}`)

describe("a throttle", () => {
  it("gives the first item at once", () => {
    const state = Throttle.initial<string>()
    expect(offer(state, 5, "a")).toBe(5)
    expect(Throttle.take(state, settings, 5)).toEqual({
      entries: [{ key: "a", item: "a", count: 1 }],
      omitted: 0
    })
  })

  it("gives nothing when nothing is held", () => {
    const state = Throttle.initial<string>()
    expect([Throttle.take(state, settings, 0), Throttle.take(state, settings, Infinity)]).toEqual([
      undefined,
      undefined
    ])
    expect(state).toEqual(Throttle.initial())
  })

  it("holds what follows within the window and gives it together at its end", () => {
    const state = offered(0, "a")
    Throttle.take(state, settings, 0)
    expect([offer(state, 1, "b"), offer(state, 999, "c")]).toEqual([1_000, 1_000])
    expect(Throttle.take(state, settings, 999)).toBeUndefined()
    expect(texts(Throttle.take(state, settings, 1_000))).toEqual(["b x1", "c x1"])
  })

  it("starts the window again with every group, also a late one", () => {
    const state = offered(0, "a")
    Throttle.take(state, settings, 0)
    offer(state, 500, "b")
    Throttle.take(state, settings, 1_700)
    expect(offer(state, 1_800, "c")).toBe(2_700)
  })

  it("gives an item at once again after a window without any", () => {
    const state = offered(0, "a")
    Throttle.take(state, settings, 0)
    expect(offer(state, 1_000, "b")).toBe(1_000)
    expect(texts(Throttle.take(state, settings, 1_000))).toEqual(["b x1"])
  })

  it("makes one entry of items with the same key: the latest, and their number", () => {
    expect(texts(Throttle.take(offered(0, "a:1", "b:1", "a:2", "a:3"), settings, 0))).toEqual(["b:1 x1", "a:3 x3"])
  })

  it("only counts the oldest entries when there are too many", () => {
    const group = Throttle.take(offered(0, "a:1", "a:2", "b", "c", "d"), settings, 0)
    expect([texts(group), group?.omitted]).toEqual([["b x1", "c x1", "d x1"], 2])
  })

  it("begins to count anew after a group", () => {
    const state = offered(0, "a", "b", "c", "d")
    Throttle.take(state, settings, 0)
    offer(state, 0, "d")
    expect(Throttle.take(state, settings, 1_000)).toEqual({ entries: [{ key: "d", item: "d", count: 1 }], omitted: 0 })
  })

  it("tells of what was given up with the next group, and only then", () => {
    const state = offered(0, "a")
    Throttle.take(state, settings, 0)
    Throttle.omit(state, 7)
    expect(Throttle.take(state, settings, 5_000)).toBeUndefined()
    offer(state, 5_000, "b")
    expect(Throttle.take(state, settings, 5_000)?.omitted).toBe(7)
    offer(state, 6_000, "c")
    expect(Throttle.take(state, settings, 6_000)?.omitted).toBe(0)
  })

  it("gives everything at the end of time", () => {
    const state = offered(0, "a")
    Throttle.take(state, settings, 0)
    offer(state, 1, "b")
    expect(texts(Throttle.take(state, settings, Infinity))).toEqual(["b x1"])
  })

  it("gives each item at once when the window is zero", () => {
    const open = { ...settings, windowMillis: 0 }
    const state = Throttle.initial<string>()
    for (const item of ["a", "b", "c"]) {
      expect(offer(state, 4, item, open)).toBe(4)
      expect(texts(Throttle.take(state, open, 4))).toEqual([`${item} x1`])
    }
  })

  it("knows when a group is due", () => {
    const state = Throttle.initial<string>()
    const seen = [Throttle.dueAt(state)]
    offer(state, 10, "a")
    seen.push(Throttle.dueAt(state))
    Throttle.take(state, settings, 10)
    seen.push(Throttle.dueAt(state))
    offer(state, 20, "b")
    seen.push(Throttle.dueAt(state))
    expect(seen).toEqual([Infinity, 0, Infinity, 1_010])
  })

  it("is idle when nothing is held, nothing has to be told and the window is over", () => {
    const state = Throttle.initial<string>()
    expect(Throttle.isIdle(state, 0)).toBe(true)
    offer(state, 0, "a")
    expect(Throttle.isIdle(state, 5_000)).toBe(false)
    Throttle.take(state, settings, 0)
    expect([Throttle.isIdle(state, 999), Throttle.isIdle(state, 1_000)]).toEqual([false, true])
    Throttle.omit(state, 1)
    expect(Throttle.isIdle(state, 1_000)).toBe(false)
  })

  it("is JSON", () => {
    const state = offered(0, "a", "b", "c", "d")
    expect(JSON.parse(JSON.stringify(state))).toEqual(state)
  })

  it("does not change a group that was taken", () => {
    const state = offered(0, "a")
    const group = Throttle.take(state, settings, 0)
    offer(state, 0, "b")
    expect(texts(group)).toEqual(["a x1"])
  })

  const Steps = Arbitrary.array(
    Arbitrary.schema(
      Schema.Struct({
        after: Schema.Literals([0, 0, 1, 300, 999, 1_000, 3_000]),
        key: Schema.Literals(["a", "b", "c", "d", "e"]),
        takes: Schema.Boolean
      })
    ),
    { maxLength: 100 }
  )
  it.prop(
    "loses no item, never gives two groups within a window, and ends with the latest item",
    { maxEntries: Schema.Literals([1, 2, 4]), steps: Steps },
    ({ maxEntries, steps }) => {
      const own = { ...settings, maxEntries }
      const state = Throttle.initial<string>()
      let now = 0
      let given = 0
      let lastGroupAt = -Infinity
      for (const [n, { after, key, takes }] of steps.entries()) {
        now += after
        const due = offer(state, now, `${key}:${n}`, own)
        expect(due).toBe(Math.max(now, lastGroupAt + own.windowMillis))
        const group = takes ? Throttle.take(state, own, now) : undefined
        expect(group !== undefined).toBe(takes && due === now)
        if (group === undefined) continue
        lastGroupAt = now
        given += group.omitted + group.entries.reduce((sum, { count }) => sum + count, 0)
        expect(given).toBe(n + 1)
        expect(group.entries.length).toBeLessThanOrEqual(maxEntries)
        expect(new Set(group.entries.map((entry) => entry.key)).size).toBe(group.entries.length)
        expect(group.entries.at(-1)?.item).toBe(`${key}:${n}`)
        const ages = group.entries.map(({ item }) => Number(item.split(":")[1]))
        expect(ages).toEqual(ages.toSorted((a, b) => a - b))
      }
    },
    { arbitrary: { runs: 300, seed: 11, size: 100 } }
  )
})
