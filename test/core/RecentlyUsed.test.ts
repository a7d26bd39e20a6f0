import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as Machine from "../../src/core/RecentlyUsed.ts"

interface Box<A> extends Machine.Entry<Box<A>> {
  readonly value: A
}

interface Settings {
  readonly capacity: number
  readonly idleMillis: number
  readonly isBusy: (value: unknown) => boolean
}

const box = <A>(key: string, value: A): Box<A> => ({ ...Machine.newEntry(key), value })
const boxed = (settings: Settings): Machine.Settings<Box<unknown>> => ({
  ...settings,
  isBusy: ({ value }) => settings.isBusy(value)
})

/** The map with plain values. */
const RecentlyUsed = {
  make: <A>() => Machine.make<Box<A>>(),
  get: <A>(map: Machine.RecentlyUsed<Box<A>>, settings: Settings, key: string, now: number) =>
    Machine.get(map, boxed(settings), key, now)?.value,
  peek: <A>(map: Machine.RecentlyUsed<Box<A>>, settings: Settings, key: string, now: number) =>
    Machine.peek(map, boxed(settings), key, now)?.value,
  getOrMake: <A>(map: Machine.RecentlyUsed<Box<A>>, settings: Settings, key: string, now: number, orElse: () => A): A =>
    Machine.getOrMake(map, boxed(settings), key, now, () => box(key, orElse())).value,
  set: <A>(map: Machine.RecentlyUsed<Box<A>>, settings: Settings, key: string, value: A, now: number) =>
    Machine.set(map, boxed(settings), box(key, value), now),
  values: <A>(map: Machine.RecentlyUsed<Box<A>>) => Machine.values(map).map(({ value }) => value),
  alive: <A>(map: Machine.RecentlyUsed<Box<A>>, settings: Settings, now: number) =>
    Machine.alive(map, boxed(settings), now).map(({ value }) => value)
}

const isBusy = (): boolean => false
const settings: Settings = { capacity: 3, idleMillis: 100, isBusy }
const roomy: Settings = { ...settings, capacity: 1_000 }

const mapOf = (settings: Settings, ...keys: ReadonlyArray<string>) => {
  const map = RecentlyUsed.make<string>()
  for (const key of keys) RecentlyUsed.set(map, settings, key, key, 0)
  return map
}

describe("a map that forgets", () => {
  it("has no value of a key that was never put", () => {
    expect(RecentlyUsed.get(mapOf(settings, "a"), settings, "b", 0)).toBeUndefined()
  })

  it("gives back the value that was put last", () => {
    const map = mapOf(settings, "a")
    RecentlyUsed.set(map, settings, "a", "new", 0)
    expect(RecentlyUsed.get(map, settings, "a", 0)).toBe("new")
    expect(RecentlyUsed.values(map)).toEqual(["new"])
  })

  it("makes a missing value once", () => {
    const map = RecentlyUsed.make<object>()
    const make = () => ({})
    const first = RecentlyUsed.getOrMake(map, settings, "a", 0, make)
    expect(RecentlyUsed.getOrMake(map, settings, "a", 99, make)).toBe(first)
    expect(RecentlyUsed.getOrMake(map, settings, "b", 99, make)).not.toBe(first)
  })

  it("makes a value anew after it was idle for too long", () => {
    const map = RecentlyUsed.make<object>()
    const first = RecentlyUsed.getOrMake(map, settings, "a", 0, () => ({}))
    expect(RecentlyUsed.getOrMake(map, settings, "a", 100, () => ({}))).not.toBe(first)
    expect(map.order.length).toBe(1)
  })
})

describe("when the map is full", () => {
  it("drops the least recently used entry for a new one, and only then", () => {
    const map = mapOf(settings, "a", "b", "c")
    expect(RecentlyUsed.values(map)).toEqual(["a", "b", "c"])
    RecentlyUsed.set(map, settings, "d", "d", 0)
    expect(RecentlyUsed.values(map)).toEqual(["b", "c", "d"])
    expect(RecentlyUsed.get(map, settings, "a", 0)).toBeUndefined()
  })

  it("takes looking a value up for use", () => {
    const map = mapOf(settings, "a", "b", "c")
    RecentlyUsed.get(map, settings, "a", 0)
    RecentlyUsed.set(map, settings, "d", "d", 0)
    expect(RecentlyUsed.values(map)).toEqual(["c", "a", "d"])
  })

  it("takes putting a value for use, and drops nothing for a key that is there", () => {
    const map = mapOf(settings, "a", "b", "c")
    RecentlyUsed.set(map, settings, "a", "new", 0)
    expect(RecentlyUsed.values(map)).toEqual(["b", "c", "new"])
  })

  it("keeps the time of the last use in whole milliseconds", () => {
    const entry = box("a", "a")
    const map = Machine.make<Box<string>>()
    Machine.set(map, boxed(settings), entry, 17.9)
    expect(entry.usedAt).toBe(17)
    expect(Machine.get(map, boxed(settings), "a", 116.9)).toBe(entry)
  })

  it("keeps no trace of what it dropped", () => {
    const map = mapOf(settings, ..."abcdefghij")
    expect([map.entries.size, map.order.length]).toEqual([3, 3])
  })
})

describe("an idle entry", () => {
  it("is there until it was idle for exactly the time", () => {
    expect(RecentlyUsed.get(mapOf(settings, "a"), settings, "a", 99)).toBe("a")
    expect(RecentlyUsed.get(mapOf(settings, "a"), settings, "a", 100)).toBeUndefined()
  })

  it("lives on from its last use, be it a look-up or a put", () => {
    const map = mapOf(settings, "a", "b")
    RecentlyUsed.get(map, settings, "a", 99)
    RecentlyUsed.set(map, settings, "b", "b", 99)
    expect(RecentlyUsed.get(map, settings, "a", 198)).toBe("a")
    expect(RecentlyUsed.get(map, settings, "b", 198)).toBe("b")
  })

  it("lives on from its last use even when it was the last one used before", () => {
    const map = mapOf(settings, "a")
    RecentlyUsed.get(map, settings, "a", 60)
    expect(RecentlyUsed.get(map, settings, "a", 120)).toBe("a")
  })

  it("is dropped by looking other keys up, two at a time from the old end", () => {
    const map = mapOf(roomy, ..."abcde")
    RecentlyUsed.get(map, roomy, "other", 100)
    expect(RecentlyUsed.values(map)).toEqual(["c", "d", "e"])
    RecentlyUsed.get(map, roomy, "other", 100)
    RecentlyUsed.get(map, roomy, "other", 100)
    expect([RecentlyUsed.values(map), map.entries.size]).toEqual([[], 0])
  })

  it("is not given out, even when it is not among the oldest", () => {
    const map = mapOf(roomy, ..."abcde")
    expect(RecentlyUsed.get(map, roomy, "e", 100)).toBeUndefined()
    expect(RecentlyUsed.values(map)).toEqual(["c", "d"])
    expect(map.entries.size).toBe(2)
  })

  it("does not take a younger one with it", () => {
    const map = mapOf(roomy, "a", "b")
    RecentlyUsed.set(map, roomy, "c", "c", 50)
    RecentlyUsed.get(map, roomy, "other", 100)
    expect(RecentlyUsed.values(map)).toEqual(["c"])
  })

  it("is not among those that are alive, unless it is busy", () => {
    const map = mapOf(roomy, "a", "b")
    RecentlyUsed.set(map, roomy, "c", "c", 50)
    const busy = { ...roomy, isBusy: (value: unknown) => value === "b" }
    expect(RecentlyUsed.alive(map, roomy, 99)).toEqual(["a", "b", "c"])
    expect(RecentlyUsed.alive(map, roomy, 100)).toEqual(["c"])
    expect(RecentlyUsed.alive(map, busy, 150)).toEqual(["b"])
    expect(RecentlyUsed.values(map)).toEqual(["a", "b", "c"])
  })

  it("never piles up when every look-up makes an entry", () => {
    const map = RecentlyUsed.make<number>()
    for (let now = 0; now < 500; now++) RecentlyUsed.getOrMake(map, roomy, `early ${now}`, 0, () => now)
    for (let now = 0; now < 500; now++) RecentlyUsed.getOrMake(map, roomy, `${now}`, 100 + now, () => now)
    expect(map.entries.size).toBeLessThanOrEqual(101)
  })
})

describe("a look without use", () => {
  it("finds a value without keeping it alive", () => {
    const map = mapOf(settings, "a", "b")
    expect(RecentlyUsed.peek(map, settings, "a", 99)).toBe("a")
    expect(RecentlyUsed.peek(map, settings, "a", 100)).toBeUndefined()
    expect(RecentlyUsed.peek(map, settings, "c", 0)).toBeUndefined()
    expect(RecentlyUsed.values(map)).toEqual(["a", "b"])
  })
})

describe("a busy entry", () => {
  const busy = (...values: ReadonlyArray<unknown>): Settings => ({
    ...settings,
    isBusy: (value) => values.includes(value)
  })

  it("is passed over when the map is full, and the next one goes", () => {
    const map = mapOf(settings, "a", "b", "c")
    RecentlyUsed.set(map, busy("a"), "d", "d", 0)
    expect(RecentlyUsed.values(map)).toEqual(["c", "d", "a"])
  })

  it("is given out after any time, and looking it up is use", () => {
    const map = mapOf(settings, "a")
    expect(RecentlyUsed.peek(map, busy("a"), "a", 100)).toBe("a")
    expect(RecentlyUsed.get(map, busy("a"), "a", 100)).toBe("a")
    expect(RecentlyUsed.get(map, settings, "a", 199)).toBe("a")
  })

  it("does not make room for itself by dropping the entry that has just come", () => {
    const one = { ...busy("a"), capacity: 1 }
    const map = mapOf(one, "a")
    RecentlyUsed.set(map, one, "b", "b", 0)
    expect(RecentlyUsed.values(map).toSorted()).toEqual(["a", "b"])
    RecentlyUsed.set(map, { ...settings, capacity: 1 }, "c", "c", 0)
    expect(RecentlyUsed.values(map)).toEqual(["c"])
  })

  it("may make the map exceed its capacity, which shrinks again as soon as it can", () => {
    const map = mapOf(settings, "a", "b", "c")
    for (const key of ["d", "e"]) RecentlyUsed.set(map, busy("a", "b", "c", "d", "e"), key, key, 0)
    expect(map.entries.size).toBe(5)
    RecentlyUsed.set(map, settings, "f", "f", 0)
    RecentlyUsed.set(map, settings, "g", "g", 0)
    expect(map.entries.size).toBe(3)
  })
})

describe("any sequence of uses", () => {
  const Steps = Arbitrary.array(
    Arbitrary.schema(
      Schema.Struct({
        use: Schema.Literals(["get", "set", "getOrMake"]),
        key: Schema.Literals(["a", "b", "c", "d", "e", "f"]),
        after: Schema.Literals([0, 1, 10, 40, 100])
      })
    ),
    { maxLength: 80 }
  )
  it.prop(
    "agrees with a list of entries in the order of their last use",
    [Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })), Steps],
    ([capacity, steps]) => {
      const settings = { capacity, idleMillis: 100, isBusy }
      const map = RecentlyUsed.make<number>()
      let list: Array<{ readonly key: string; readonly value: number; readonly usedAt: number }> = []
      let now = 0
      for (const [i, { after, key, use }] of steps.entries()) {
        now += after
        const isIdle = (entry: { readonly usedAt: number }): boolean => now - entry.usedAt >= 100
        if (use !== "set") {
          list = list.filter((entry, at) => !isIdle(entry) || (at >= 2 && entry.key !== key))
        }
        const known = list.find((entry) => entry.key === key)
        const others = list.filter((entry) => entry !== known)
        if (use === "get") expect(RecentlyUsed.get(map, settings, key, now)).toBe(known?.value)
        else if (use === "set") RecentlyUsed.set(map, settings, key, i, now)
        else expect(RecentlyUsed.getOrMake(map, settings, key, now, () => i)).toBe(known?.value ?? i)
        const value = use === "set" ? i : (known?.value ?? i)
        if (known !== undefined || use !== "get") list = [...others, { key, value, usedAt: now }].slice(-capacity)
        expect(RecentlyUsed.values(map)).toEqual(list.map((entry) => entry.value))
        expect([...map.entries.keys()].toSorted()).toEqual(list.map((entry) => entry.key).toSorted())
      }
    },
    { arbitrary: { runs: 400, seed: 10, size: 80 } }
  )
})

describe("an entry that is kept", () => {
  const kept: Machine.Settings<Box<string>> = { ...roomy, isKept: ({ value }, now) => value === "a" && now < 500 }
  const map = () => {
    const map = Machine.make<Box<string>>()
    for (const key of ["a", "b"]) Machine.set(map, kept, box(key, key), 0)
    return map
  }

  it("is given out however long it was idle, for as long as it is kept", () => {
    expect(Machine.get(map(), kept, "a", 499)?.value).toBe("a")
    expect(Machine.get(map(), kept, "a", 500)).toBe(undefined)
    expect(Machine.peek(map(), kept, "a", 499)?.value).toBe("a")
    expect(Machine.peek(map(), kept, "a", 500)).toBe(undefined)
  })

  it("does not keep others that are idle", () => {
    const entries = map()
    Machine.get(entries, kept, "none", 499)
    expect(Machine.values(entries).map(({ key }) => key)).toEqual(["a"])
  })

  it("makes room like any other", () => {
    const entries = map()
    Machine.set(entries, { ...kept, capacity: 2 }, box("c", "c"), 1)
    expect(Machine.values(entries).map(({ key }) => key)).toEqual(["b", "c"])
  })
})
