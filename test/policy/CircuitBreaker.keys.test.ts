import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Policy } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { call, down, fail, snapshot, start, stateOf, up } from "./support/circuit.ts"

describe("a key", () => {
  it.effect("has a circuit of its own", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      yield* fail(breaker, 2, { key: "a" })
      yield* fail(breaker, 1, { key: "b" })
      yield* fail(breaker)
      expect(yield* call(breaker, up, { key: "a" })).toBe("Open")
      expect(yield* snapshot(breaker, "b")).toMatchObject({ state: "Closed", failuresInRow: 1 })
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 1 })
    })
  )

  it.effect("is closed before it is used, also where none was used", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      expect(yield* snapshot(breaker, "a")).toMatchObject({ state: "Closed", failuresInRow: 0 })
    })
  )

  it.effect.each(["", " ", "__proto__", "constructor", "🙂"])("may be any text: %j", (key) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker, 1, { key })
      expect(yield* call(breaker, up, { key })).toBe("Open")
      expect(yield* call(breaker, up, { key: `${key}.` })).toBe("up")
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("that is undefined is none", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker, 1, { key: undefined })
      expect(yield* call(breaker)).toBe("Open")
    })
  )

  it.effect("goes through all states by itself", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "1 second" })
      yield* fail(breaker, 1, { key: "a" })
      yield* TestClock.adjust("1 second")
      yield* fail(breaker, 1, { key: "b" })
      const probe = yield* start(breaker, { key: "a" })
      expect(yield* call(breaker, up, { key: "a" })).toBe("HalfOpen")
      expect(yield* call(breaker, up, { key: "b" })).toBe("Open")
      yield* probe.end(up)
      expect(yield* call(breaker, up, { key: "a" })).toBe("up")
    })
  )

  it.effect("is part of the totals of the breaker", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker, 2, { key: "a" })
      yield* call(breaker, up, { key: "b" })
      yield* call(breaker)
      const totals = { successes: 2, failures: 1, rejections: 1, transitions: 1 }
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", ...totals })
      expect(yield* snapshot(breaker, "a")).toMatchObject({ state: "Open", ...totals })
    })
  )

  it.effect("that nobody has used is closed, and looking at it does not make it", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, maxKeys: 1 })
      yield* fail(breaker, 1, { key: "a" })
      expect(yield* snapshot(breaker, "b")).toMatchObject({ state: "Closed", openings: 0, failuresInRow: 0 })
      expect(yield* stateOf(breaker, "a")).toBe("Open")
    })
  )
})

describe("the number of keys", () => {
  it.effect("is bounded: beyond it, the one that was least recently used is forgotten", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, maxKeys: 2 })
      yield* fail(breaker, 1, { key: "a" })
      yield* fail(breaker, 1, { key: "b" })
      expect(yield* call(breaker, up, { key: "a" })).toBe("Open")
      yield* fail(breaker, 1, { key: "c" })
      expect(yield* Effect.forEach(["a", "b", "c"], (key) => stateOf(breaker, key))).toEqual(["Open", "Closed", "Open"])
    })
  )

  it.effect("is 10,000 by default", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker, 1, { key: "first" })
      for (let n = 1; n < 10_000; n++) yield* call(breaker, up, { key: `${n}` })
      expect(yield* stateOf(breaker, "first")).toBe("Open")
      yield* call(breaker, up, { key: "one too many" })
      expect(yield* stateOf(breaker, "first")).toBe("Closed")
    })
  )

  it.effect("does not push out a key whose probe is under way", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "1 second", maxKeys: 1 })
      yield* fail(breaker, 1, { key: "probing" })
      yield* TestClock.adjust("1 second")
      const probe = yield* start(breaker, { key: "probing" })
      yield* call(breaker, up, { key: "b" })
      yield* call(breaker, up, { key: "c" })
      expect(yield* call(breaker, up, { key: "probing" })).toBe("HalfOpen")
      yield* probe.end(down)
      expect(yield* stateOf(breaker, "probing")).toBe("Open")
      yield* call(breaker, up, { key: "d" })
      yield* call(breaker, up, { key: "e" })
      expect(yield* stateOf(breaker, "probing")).toBe("Closed")
    })
  )
})

describe("a half-open key without a probe under way", () => {
  it.effect("is forgotten like any other", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "1 second", maxKeys: 1 })
      yield* fail(breaker, 1, { key: "a" })
      yield* TestClock.adjust("1 second")
      yield* Effect.flatMap(start(breaker, { key: "a" }), ({ interrupt }) => interrupt)
      expect(yield* stateOf(breaker, "a")).toBe("HalfOpen")
      yield* call(breaker, up, { key: "b" })
      expect(yield* stateOf(breaker, "a")).toBe("Closed")
    })
  )
})

describe("an idle key", () => {
  it.effect("is not forgotten while its circuit is open, unless there is no room", () =>
    Effect.gen(function* () {
      const options = { consecutiveFailures: 1, openDuration: "2 hours", keyIdleTime: "1 hour", maxKeys: 2 } as const
      const breaker = yield* CircuitBreaker.make(options)
      yield* fail(breaker, 1, { key: "a" })
      yield* call(breaker, up, { key: "b" })
      yield* TestClock.adjust("90 minutes")
      expect(yield* call(breaker, up, { key: "c" })).toBe("up")
      expect((yield* snapshot(breaker)).keysNotClosed).toBe(1)
      expect(yield* call(breaker, up, { key: "a" })).toBe("Open")
      yield* TestClock.adjust("30 minutes")
      expect(yield* call(breaker, up, { key: "a" })).toBe("up")
      yield* fail(breaker, 1, { key: "a" })
      for (const key of ["b", "c"]) yield* call(breaker, up, { key })
      expect((yield* snapshot(breaker)).keysNotClosed).toBe(0)
    })
  )

  it.effect("is forgotten exactly at the end of its idle time", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ keyIdleTime: "10 minutes" })
      yield* fail(breaker, 1, { key: "a" })
      yield* TestClock.adjust(599_999)
      expect((yield* snapshot(breaker, "a")).failuresInRow).toBe(1)
      yield* TestClock.adjust(1)
      expect((yield* snapshot(breaker, "a")).failuresInRow).toBe(0)
      yield* fail(breaker, 1, { key: "a" })
      expect((yield* snapshot(breaker, "a")).failuresInRow).toBe(1)
    })
  )

  it.effect("is forgotten after an hour by default", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* fail(breaker, 1, { key: "a" })
      yield* TestClock.adjust(3_599_999)
      expect((yield* snapshot(breaker, "a")).failuresInRow).toBe(1)
      yield* TestClock.adjust(1)
      expect((yield* snapshot(breaker, "a")).failuresInRow).toBe(0)
    })
  )

  it.effect("is not one whose calls are turned away", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        consecutiveFailures: 1,
        openDuration: "1 day",
        keyIdleTime: "10 minutes"
      })
      yield* fail(breaker, 1, { key: "a" })
      for (let n = 0; n < 10; n++) {
        yield* TestClock.adjust(599_999)
        expect(yield* call(breaker, up, { key: "a" })).toBe("Open")
      }
    })
  )

  it.effect("does not become used by being looked at", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ keyIdleTime: "10 minutes" })
      yield* fail(breaker, 1, { key: "a" })
      yield* TestClock.adjust("9 minutes")
      expect((yield* snapshot(breaker, "a")).failuresInRow).toBe(1)
      yield* TestClock.adjust("1 minute")
      expect((yield* snapshot(breaker, "a")).failuresInRow).toBe(0)
    })
  )

  it.effect("is kept while its probe is under way", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        consecutiveFailures: 1,
        openDuration: "1 second",
        probeTimeout: "1 day",
        keyIdleTime: "10 minutes"
      })
      yield* fail(breaker, 1, { key: "a" })
      yield* TestClock.adjust("1 second")
      const probe = yield* start(breaker, { key: "a" })
      yield* TestClock.adjust("1 hour")
      expect(yield* call(breaker, up, { key: "a" })).toBe("HalfOpen")
      yield* probe.end(up)
      expect(yield* stateOf(breaker, "a")).toBe("Closed")
    })
  )
})

describe("a command for all keys", () => {
  it.effect("is told once, however many keys obey it then", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make()
      const listened: Array<string> = []
      breaker.onTransition(({ key, to }) => void listened.push(`${key}: ${to}`))
      yield* Effect.gen(function* () {
        yield* call(breaker, up, { key: "a" })
        yield* breaker.isolate
        for (const key of ["a", "b"]) expect(yield* call(breaker, up, { key })).toBe("Isolated")
        yield* breaker.reset
        for (const key of ["a", "b"]) expect(yield* call(breaker, up, { key })).toBe("up")
      }).pipe(recorded.record)
      const told = recorded.events().filter(({ _tag }) => _tag === "CircuitBreakerTransition")
      expect(told.map(({ attributes }) => attributes.to)).toEqual(["Isolated", "Closed"])
      expect(yield* snapshot(breaker)).toMatchObject({ transitions: 2 })
      expect(listened).toEqual([
        "undefined: Isolated",
        "a: Isolated",
        "b: Isolated",
        "undefined: Closed",
        "a: Closed",
        "b: Closed"
      ])
    })
  )

  it.effect("is told once when it is a trip, and not at all to a key that was not used while it lasted", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds" })
      const listened: Array<string> = []
      breaker.onTransition(({ key, to }) => void listened.push(`${key}: ${to}`))
      yield* Effect.gen(function* () {
        yield* breaker.trip
        yield* call(breaker, up, { key: "a" })
        yield* TestClock.adjust("10 seconds")
        yield* call(breaker, up, { key: "b" })
      }).pipe(recorded.record)
      expect(recorded.tags()).toEqual(["CircuitBreakerTransition", "CircuitBreakerRejection"])
      expect(listened).toEqual(["undefined: Open", "a: Open"])
    })
  )

  it.effect("does not silence what a key does by itself", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* breaker.isolate
      yield* breaker.reset
      yield* recorded.record(fail(breaker, 1, { key: "a" }))
      expect(recorded.tags()).toEqual(["CircuitBreakerFailure", "CircuitBreakerTransition"])
      expect(yield* snapshot(breaker)).toMatchObject({ transitions: 3 })
    })
  )
})

describe("the worst state", () => {
  const worst = (breaker: CircuitBreaker.CircuitBreaker) =>
    Policy.snapshot({ snapshot: (now) => ({ kind: "", service: "", state: breaker.worstState(now) }) }).pipe(
      Effect.map(({ state }) => state)
    )

  it.effect("is that of the worst circuit: closed, half-open, open, isolated", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      expect(yield* worst(breaker)).toBe("Closed")
      yield* call(breaker, up, { key: "good" })
      yield* fail(breaker, 1, { key: "a" })
      expect(yield* worst(breaker)).toBe("Open")
      yield* TestClock.adjust("10 seconds")
      const probe = yield* start(breaker, { key: "a" })
      expect(yield* worst(breaker)).toBe("HalfOpen")
      yield* fail(breaker, 1, { key: "b" })
      expect(yield* worst(breaker)).toBe("Open")
      yield* TestClock.adjust("10 seconds")
      yield* call(breaker, up, { key: "b" })
      expect(yield* worst(breaker)).toBe("HalfOpen")
      yield* probe.end(up)
      expect(yield* worst(breaker)).toBe("Closed")
      yield* breaker.isolate
      yield* fail(breaker, 1, { key: "a" })
      expect(yield* worst(breaker)).toBe("Isolated")
      yield* breaker.reset
      expect(yield* worst(breaker)).toBe("Closed")
    })
  )

  it.effect("is also that of the circuit without a key", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* call(breaker, up, { key: "good" })
      yield* fail(breaker)
      expect(yield* worst(breaker)).toBe("Open")
    })
  )

  it.effect("is not that of a key that has been idle for too long", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        consecutiveFailures: 1,
        openDuration: "1 second",
        keyIdleTime: "10 minutes"
      })
      yield* fail(breaker, 1, { key: "a" })
      yield* TestClock.adjust(599_999)
      expect(yield* worst(breaker)).toBe("HalfOpen")
      yield* TestClock.adjust(1)
      expect(yield* worst(breaker)).toBe("Closed")
    })
  )

  it.effect("is half-open for a key that nobody asks any more once its open time is over", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      yield* fail(breaker, 1, { key: "a" })
      yield* TestClock.adjust(9_999)
      expect(yield* worst(breaker)).toBe("Open")
      yield* TestClock.adjust(1)
      expect(yield* worst(breaker)).toBe("HalfOpen")
      yield* call(breaker, up, { key: "a" })
      expect(yield* worst(breaker)).toBe("Closed")
    })
  )

  it.effect("is half-open for a circuit without a key that nobody asks any more only where there are keys", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      yield* breaker.trip
      yield* TestClock.adjust("1 day")
      expect(yield* worst(breaker)).toBe("Open")
      yield* call(breaker, up, { key: "a" })
      expect(yield* worst(breaker)).toBe("HalfOpen")
    })
  )
})

describe("a snapshot", () => {
  it.effect("is no worse when the last key is forgotten", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds", keyIdleTime: "1 minute" })
      yield* breaker.trip
      yield* TestClock.adjust("10 seconds")
      expect(yield* call(breaker, up, { key: "a" })).toBe("up")
      expect(yield* snapshot(breaker)).toMatchObject({ keys: 1, worstState: "HalfOpen" })
      yield* TestClock.adjust("1 minute")
      expect(yield* snapshot(breaker)).toMatchObject({ keys: 0, worstState: "HalfOpen" })
      expect(
        yield* Policy.snapshot({ snapshot: (now) => ({ kind: "", service: "", state: breaker.worstState(now) }) })
      ).toMatchObject({ state: "HalfOpen" })
    })
  )

  it.effect("counts the keys and those whose circuit is not closed, and tells the worst state", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      yield* call(breaker, up, { key: "a" })
      yield* fail(breaker, 1, { key: "b" })
      expect(yield* snapshot(breaker)).toMatchObject({
        state: "Closed",
        keys: 2,
        keysNotClosed: 1,
        worstState: "Open"
      })
      yield* TestClock.adjust("10 seconds")
      expect(yield* snapshot(breaker)).toMatchObject({ keys: 2, keysNotClosed: 1, worstState: "HalfOpen" })
      yield* breaker.isolate
      expect(yield* snapshot(breaker)).toMatchObject({ keys: 2, keysNotClosed: 2, worstState: "Isolated" })
      yield* breaker.reset
      expect(yield* snapshot(breaker)).toMatchObject({ keys: 2, keysNotClosed: 0, worstState: "Closed" })
      yield* TestClock.adjust("1 hour")
      expect(yield* snapshot(breaker)).toMatchObject({ keys: 0, keysNotClosed: 0 })
    })
  )

  it.effect("of a key is about its circuit alone", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker, 1, { key: "a" })
      expect(yield* snapshot(breaker, "a")).toMatchObject({ keys: 0, keysNotClosed: 0, worstState: "Open" })
      expect(yield* snapshot(breaker, "b")).toMatchObject({ keys: 0, keysNotClosed: 0, worstState: "Closed" })
    })
  )

  it.effect("has the totals that can be had without it", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker, 2, { key: "a" })
      expect(yield* snapshot(breaker)).toMatchObject(breaker.totals)
      expect(breaker.totals).toMatchObject({ failures: 1, rejections: 1 })
    })
  )
})
