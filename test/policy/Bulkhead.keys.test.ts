import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Policy } from "../../src/index.ts"
import { stopping } from "../support/stopping.ts"
import {
  type Calls,
  counts,
  countsOf,
  endingOf,
  expectFullCapacity,
  makeCalls,
  occupancy,
  settle
} from "./support/calls.ts"

/** Calls of a key, named after it: "a1", "a2" and so on. */
const arriveOf = (calls: Calls, key: string, count: number) =>
  Effect.forEach(
    Array.from({ length: count }, (_, index) => `${key}${index + 1}`),
    (name) => calls.arrive(name, { key })
  )

describe("each key", () => {
  it.effect("has permits and a queue of its own", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 1 })
      yield* arriveOf(calls, "a", 3)
      yield* arriveOf(calls, "b", 2)
      expect(calls.started).toEqual(["a1", "b1"])
      expect([yield* occupancy(calls.bulkhead, "a"), yield* occupancy(calls.bulkhead, "b")]).toEqual([
        [1, 1],
        [1, 1]
      ])
      yield* calls.end("b1")
      expect(calls.running()).toEqual(["a1", "b2"])
    })
  )

  it.effect("is counted in the snapshot of all, as long as it is not forgotten", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0, keyIdleTime: "10 minutes" })
      yield* arriveOf(calls, "a", 1)
      yield* arriveOf(calls, "b", 1)
      expect(yield* Policy.snapshot(calls.bulkhead)).toMatchObject({ active: 2, limit: 1, keys: 2 })
      expect(calls.bulkhead.snapshot(0, "a")).toMatchObject({ active: 1, keys: 0 })
      yield* calls.end("b1")
      yield* TestClock.adjust("10 minutes")
      expect(yield* Policy.snapshot(calls.bulkhead)).toMatchObject({ active: 1, keys: 1 })
    })
  )

  it.effect("is apart from the calls without a key", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0 })
      yield* calls.arrive("keyless")
      yield* calls.arrive("keyed", { key: "a" })
      const noKey = yield* calls.arrive("again", { key: undefined })
      expect(calls.running()).toEqual(["keyless", "keyed"])
      expect(endingOf(noKey)).toBe("full")
    })
  )

  it.effect("may be the empty text or the name of a property that all objects have", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0 })
      for (const key of ["", "__proto__", "constructor"]) {
        yield* calls.arrive(`first of ${key}`, { key })
        expect(endingOf(yield* calls.arrive(`second of ${key}`, { key }))).toBe("full")
      }
      expect(calls.running()).toHaveLength(3)
    })
  )

  it.effect("has its full capacity back after successes, failures, rejections and interruptions", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 2, maxQueue: 1 })
      const fibers = yield* arriveOf(calls, "a", 4)
      expect(fibers.map(endingOf)).toEqual([undefined, undefined, undefined, "full"])
      yield* Fiber.interrupt(fibers[0]!)
      yield* settle
      yield* calls.endNow("a2", yield* Effect.exit(Effect.fail("down")))
      yield* calls.end("a3")
      yield* expectFullCapacity(calls.bulkhead, "a")
    })
  )
})

describe("the snapshot", () => {
  it.effect("with a key has the calls of that key, without one those of all", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 2 })
      yield* arriveOf(calls, "a", 3)
      yield* arriveOf(calls, "b", 4)
      yield* calls.arriveAll("x", "y", "z")
      expect(yield* occupancy(calls.bulkhead, "a")).toEqual([2, 1])
      expect(yield* occupancy(calls.bulkhead, "b")).toEqual([2, 2])
      expect(yield* occupancy(calls.bulkhead)).toEqual([6, 4])
    })
  )

  it.effect("counts what happened to the calls of all keys", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0 })
      yield* arriveOf(calls, "a", 2)
      yield* arriveOf(calls, "b", 2)
      yield* calls.end("a1")
      expect(yield* counts(calls.bulkhead)).toEqual(countsOf({ successes: 1, rejectedFull: 2 }))
    })
  )

  it.effect("keeps its counts when the keys are forgotten", () =>
    Effect.gen(function* () {
      const bulkhead = (yield* makeCalls({ maxKeys: 2, keyIdleTime: "1 second" })).bulkhead
      for (let index = 0; index < 50; index++) {
        yield* Effect.void.pipe(bulkhead.executeWith({ key: `${index}` }))
        yield* TestClock.adjust(100)
      }
      expect(yield* counts(bulkhead)).toEqual(countsOf({ successes: 50 }))
    })
  )

  it.effect("of an unknown key has zeros, and makes nothing of it", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 3, maxKeys: 1 })
      yield* calls.arrive("a", { key: "a" })
      expect(yield* occupancy(calls.bulkhead, "unknown")).toEqual([0, 0])
      expect(calls.bulkhead.snapshot(0, "unknown")).toMatchObject({ limit: 3 })
      expect(yield* occupancy(calls.bulkhead, "a")).toEqual([1, 0])
    })
  )
})

describe("a new limit", () => {
  it.effect("reaches the calls of all keys and those without one", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* arriveOf(calls, "a", 3)
      yield* arriveOf(calls, "b", 3)
      yield* calls.arriveAll("x", "y", "z")
      yield* calls.bulkhead.resize(2)
      yield* settle
      expect(calls.running().toSorted()).toEqual(["a1", "a2", "b1", "b2", "x", "y"])
      expect(yield* occupancy(calls.bulkhead, "a")).toEqual([2, 1])
    })
  )

  it.effect("reaches keys that are seen only later", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 5, maxQueue: 0 })
      yield* calls.bulkhead.resize(2)
      yield* arriveOf(calls, "later", 3)
      expect(calls.running()).toEqual(["later1", "later2"])
      expect(calls.bulkhead.snapshot(0, "never seen")).toMatchObject({ limit: 2 })
    })
  )

  it.effect("of 0 stops the calls of all keys until it is raised", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      yield* calls.bulkhead.resize(0)
      yield* arriveOf(calls, "a", 1)
      yield* arriveOf(calls, "b", 1)
      expect(calls.started).toEqual([])
      yield* calls.bulkhead.resize(1)
      yield* settle
      expect(calls.running()).toEqual(["a1", "b1"])
    })
  )
})

describe("a busy key", () => {
  it.effect("is not forgotten after the idle time, while a call runs", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0, keyIdleTime: "1 minute" })
      yield* calls.arrive("first", { key: "a" })
      yield* TestClock.adjust("1 day")
      yield* calls.arrive("other", { key: "b" })
      const second = yield* calls.arrive("second", { key: "a" })
      expect(endingOf(second)).toBe("full")
      expect(yield* occupancy(calls.bulkhead, "a")).toEqual([1, 0])
    })
  )

  it.effect("is not forgotten while a call waits, even when none can run", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 1, maxKeys: 2, keyIdleTime: "1 minute" })
      yield* calls.bulkhead.resize(0)
      yield* calls.arrive("waits", { key: "a" })
      yield* TestClock.adjust("1 day")
      for (const key of ["b", "c", "d"]) yield* calls.arrive(key, { key })
      expect(yield* occupancy(calls.bulkhead, "a")).toEqual([0, 1])
      expect(endingOf(yield* calls.arrive("second", { key: "a" }))).toBe("full")
      yield* calls.bulkhead.resize(1)
      yield* settle
      expect(calls.running()).toContain("waits")
    })
  )

  it.effect("is not forgotten, however many other keys come", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0, maxKeys: 3 })
      yield* calls.arrive("held", { key: "held" })
      for (let index = 0; index < 100; index++) {
        yield* Effect.void.pipe(calls.bulkhead.executeWith({ key: `${index}` }))
      }
      expect(endingOf(yield* calls.arrive("second", { key: "held" }))).toBe("full")
      yield* calls.end("held")
      yield* expectFullCapacity(calls.bulkhead, "held")
    })
  )

  it.effect("keeps its limit also when more keys are busy at once than there is room for", () =>
    Effect.gen(function* () {
      const keys = ["a", "b", "c", "d", "e"]
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0, maxKeys: 2 })
      for (const key of keys) yield* calls.arrive(key, { key })
      for (const key of keys) expect(endingOf(yield* calls.arrive(`${key} again`, { key }))).toBe("full")
      expect(yield* occupancy(calls.bulkhead)).toEqual([5, 0])
    })
  )

  it.effect("keeps its limit also when there is room for one key only, and another has it", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0, maxKeys: 1 })
      yield* calls.arrive("a", { key: "a" })
      yield* calls.arrive("b", { key: "b" })
      expect(endingOf(yield* calls.arrive("b again", { key: "b" }))).toBe("full")
      expect(yield* occupancy(calls.bulkhead)).toEqual([2, 0])
    })
  )
})

describe("a key that is forgotten while a call of it has been stopped on its way in", () => {
  const fork = Effect.forkChild({ startImmediately: true })
  const turns = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })

  it.effect.each(Array.from({ length: 25 }, (_, at) => at))("keeps its limit: before operation %i", (at) =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxKeys: 1 })
      const { letGo, stop } = stopping(at)
      yield* calls.arrive("a1", { key: "a" })
      yield* calls.work("a2").pipe(calls.bulkhead.executeWith({ key: "a" }), stop, fork)
      yield* calls.endNow("a1")
      yield* calls.arrive("b", { key: "b" })
      yield* calls.arrive("a3", { key: "a" })
      yield* letGo
      yield* turns
      expect(calls.running().filter((name) => name !== "b")).toHaveLength(1)
    })
  )

  it.effect.each(Array.from({ length: 25 }, (_, at) => at))("does not lose the call: before operation %i", (at) =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxKeys: 1 })
      const { letGo, stop } = stopping(at)
      yield* bulkhead.resize(0)
      const stopped = yield* Effect.succeed("in").pipe(bulkhead.executeWith({ key: "a" }), stop, fork)
      yield* Effect.void.pipe(bulkhead.executeWith({ key: "b" }), fork)
      yield* letGo
      yield* turns
      yield* bulkhead.resize(1)
      yield* turns
      expect(endingOf(stopped)).toBe("success")
    })
  )
})

describe("the memory for keys", { timeout: 30_000 }, () => {
  setFlagsFromString("--expose-gc")
  const collect: () => void = runInNewContext("gc")
  const usedBytes = Effect.sync(() => {
    collect()
    return process.memoryUsage().heapUsed
  })
  const COUNT = 2_000
  const LENGTH = 10_000
  const longKey = (index: number): string => Buffer.alloc(LENGTH, `${index} `).toString("latin1")
  const useAll = (bulkhead: Bulkhead.Bulkhead, keyOf: (index: number) => string) =>
    Effect.forEach(
      Array.from({ length: COUNT }, (_, index) => index),
      (index) => Effect.suspend(() => Effect.void.pipe(bulkhead.executeWith({ key: keyOf(index) }))),
      { discard: true }
    )

  it.effect("does not grow with the number of keys beyond maxKeys", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxKeys: 10 })
      const before = yield* usedBytes
      yield* useAll(bulkhead, longKey)
      expect((yield* usedBytes) - before).toBeLessThan((COUNT * LENGTH) / 4)
      expect(yield* counts(bulkhead)).toEqual(countsOf({ successes: COUNT }))
    })
  )

  it.effect("is given back after their idle time, as other keys come", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ keyIdleTime: "1 minute" })
      const before = yield* usedBytes
      yield* useAll(bulkhead, longKey)
      expect((yield* usedBytes) - before).toBeGreaterThan(COUNT * LENGTH * 0.9)
      yield* TestClock.adjust("1 minute")
      yield* useAll(bulkhead, String)
      expect((yield* usedBytes) - before).toBeLessThan((COUNT * LENGTH) / 4)
      expect(yield* counts(bulkhead)).toEqual(countsOf({ successes: 2 * COUNT }))
    })
  )
})

describe("a rejection of a key", () => {
  it.effect("names the service and the limit, and not the key", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ service: "llm", maxConcurrent: 1, maxQueue: 0 })
      yield* calls.arrive("a", { key: "tenant-secret" })
      const error = yield* Effect.flip(Effect.void.pipe(calls.bulkhead.executeWith({ key: "tenant-secret" })))
      expect(error).toMatchObject({ service: "llm", limit: 1, reason: "full" })
      expect(JSON.stringify([error, error.message, yield* Policy.snapshot(calls.bulkhead)])).not.toContain("secret")
    })
  )
})
