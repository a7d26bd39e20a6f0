import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Policy } from "../../src/index.ts"
import { call, down, fail, start, stateOf } from "./support/circuit.ts"

describe("a listener", () => {
  it.effect("hears every transition with the open time and the number of openings", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        consecutiveFailures: 1,
        openDuration: "1 second",
        openDurationFactor: 2
      })
      const heard: Array<CircuitBreaker.Transition> = []
      breaker.onTransition((transition) => heard.push(transition))
      yield* fail(breaker)
      yield* TestClock.adjust("1 second")
      yield* fail(breaker)
      yield* TestClock.adjust("2 seconds")
      yield* call(breaker)
      yield* breaker.isolate
      yield* breaker.reset
      const none = { key: undefined, retryAfter: undefined }
      expect(heard).toEqual([
        { ...none, from: "Closed", to: "Open", openings: 1, retryAfter: Duration.seconds(1) },
        { ...none, from: "Open", to: "HalfOpen", openings: 1 },
        { ...none, from: "HalfOpen", to: "Open", openings: 2, retryAfter: Duration.seconds(2) },
        { ...none, from: "Open", to: "HalfOpen", openings: 2 },
        { ...none, from: "HalfOpen", to: "Closed", openings: 2 },
        { ...none, from: "Closed", to: "Isolated", openings: 2 },
        { ...none, from: "Isolated", to: "Closed", openings: 0 }
      ])
    })
  )

  it.effect("hears the transitions of keys, with the key", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const heard: Array<string | undefined> = []
      breaker.onTransition(({ key }) => heard.push(key))
      yield* fail(breaker, 1, { key: "a" })
      yield* fail(breaker, 1, { key: "" })
      yield* fail(breaker)
      expect(heard).toEqual(["a", "", undefined])
    })
  )

  it.effect("hears of no end of an open time that has none", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: Infinity })
      const heard: Array<CircuitBreaker.Transition> = []
      breaker.onTransition((transition) => heard.push(transition))
      yield* breaker.trip
      expect(heard).toMatchObject([{ to: "Open", retryAfter: undefined }])
    })
  )

  it.effect("finds the circuit in its new state", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      const states: Array<string> = []
      breaker.onTransition(() => states.push(breaker.snapshot(0).state))
      yield* breaker.trip
      yield* breaker.reset
      expect(states).toEqual(["Open", "Closed"])
    })
  )

  it.effect("hears nothing once it has been told to stop, and may be told twice", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      let [stopped, other] = [0, 0]
      const stop = breaker.onTransition(() => stopped++)
      breaker.onTransition(() => other++)
      yield* breaker.trip
      stop()
      stop()
      yield* breaker.reset
      expect([stopped, other]).toEqual([1, 2])
    })
  )

  it.effect("can be there twice, and leaves once for each time it is told to stop", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      let heard = 0
      const listener = () => void heard++
      const stop = breaker.onTransition(listener)
      breaker.onTransition(listener)
      yield* breaker.trip
      expect(heard).toBe(2)
      stop()
      yield* breaker.reset
      expect(heard).toBe(3)
    })
  )

  it.effect("that throws harms neither the call nor the other listeners", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "1 second" })
      let heard = 0
      breaker.onTransition(() => {
        throw new Error("bug in a listener")
      })
      breaker.onTransition(() => void heard++)
      expect(yield* call(breaker, down)).toBe("down")
      yield* TestClock.adjust("1 second")
      expect(yield* call(breaker)).toBe("up")
      yield* breaker.isolate
      expect(heard).toBe(4)
    })
  )

  it.effect("that subscribes during a transition hears the next one", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      let heard = 0
      const listener = () => {
        stop()
        if (++heard < 10) stop = breaker.onTransition(listener)
      }
      let stop = breaker.onTransition(listener)
      yield* breaker.trip
      expect(heard).toBe(1)
      yield* breaker.reset
      expect(heard).toBe(2)
    })
  )

  it.effect("is not called any more when another one stops it during a transition", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      let heard = 0
      breaker.onTransition(() => stop())
      const stop = breaker.onTransition(() => void heard++)
      yield* breaker.trip
      expect(heard).toBe(0)
    })
  )

  it.effect("may give a command, and that is the last word", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second", probeTimeout: "1 second" })
      yield* breaker.reset
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      yield* start(breaker)
      breaker.onTransition(({ from, to }) => {
        if (from === "HalfOpen" && to === "Open") Effect.runSync(breaker.isolate)
      })
      const heard: Array<string> = []
      breaker.onTransition(({ to }) => heard.push(to))
      yield* TestClock.adjust("1 second")
      expect(yield* call(breaker)).toBe("Isolated")
      expect(yield* call(breaker)).toBe("Isolated")
      expect(heard.toSorted()).toEqual(["Isolated", "Open"])
    })
  )
})

describe("who changes the circuit when told of a transition", () => {
  it.effect("is followed by all others: each listener hears what came first, first", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      breaker.onTransition(({ to }) => {
        if (to === "Open") Effect.runSync(breaker.reset)
      })
      const heard: Array<string> = []
      breaker.onTransition(({ from, to }) => heard.push(`${from} to ${to}`))
      yield* fail(breaker)
      expect(heard).toEqual(["Closed to Open", "Open to Closed"])
    })
  )

  it.effect("may be an observer: the last event tells of the present state", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const told: Array<unknown> = []
      const observers: ReadonlyArray<Policy.Observer> = [
        ({ attributes }) => {
          if (attributes["to"] === "Open")
            Effect.runSync(Effect.provideService(breaker.reset, Policy.Observers, observers))
        },
        ({ _tag, attributes }) => {
          if (_tag === "CircuitBreakerTransition") told.push(attributes["to"])
        }
      ]
      yield* fail(breaker).pipe(Effect.provideService(Policy.Observers, observers))
      expect(told).toEqual(["Open", "Closed"])
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )
})
