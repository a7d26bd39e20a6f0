import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"
import { call, calls, down, fail, rejection, snapshot, start, stateOf, up } from "./support/circuit.ts"

describe("reset", () => {
  it.effect("closes an open circuit at once", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker)
      yield* breaker.reset
      expect(yield* call(breaker)).toBe("up")
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", openings: 0 })
    })
  )

  it.effect("forgets the failures of a closed circuit", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 3 })
      yield* fail(breaker, 2)
      yield* breaker.reset
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 0 })
      yield* fail(breaker, 2)
      expect(yield* stateOf(breaker)).toBe("Closed")
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("closes a half-open circuit; what its probe says then changes nothing", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "1 second" })
      yield* fail(breaker)
      yield* TestClock.adjust("1 second")
      const probe = yield* start(breaker)
      yield* breaker.reset
      yield* probe.end(down)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 0, late: 1 })
    })
  )

  it.effect("keeps the totals and the identity of the breaker", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      yield* calls(breaker, up, down, down, up)
      yield* breaker.reset
      expect(yield* snapshot(breaker)).toMatchObject({ successes: 1, failures: 2, rejections: 1, transitions: 2 })
    })
  )
})

describe("trip", () => {
  it.effect("opens the circuit for its open time", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds" })
      yield* breaker.trip
      expect(yield* rejection(breaker)).toMatchObject({ state: "Open", retryAfter: Duration.seconds(10) })
      yield* TestClock.adjust("10 seconds")
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("starts the open time of an open circuit anew", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds" })
      yield* breaker.trip
      yield* TestClock.adjust("9 seconds")
      yield* breaker.trip
      expect(yield* snapshot(breaker)).toMatchObject({ openings: 2, transitions: 1 })
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.seconds(10))
    })
  )

  it.effect("happens after what time has decided: a lapsed probe first reopens the circuit", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second", probeTimeout: "5 seconds" })
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      yield* start(breaker)
      yield* fail(breaker, 5, { key: "b" })
      yield* TestClock.adjust("1 second")
      yield* start(breaker, { key: "b" })
      yield* TestClock.adjust("5 seconds")
      yield* breaker.trip
      expect((yield* snapshot(breaker)).openings).toBe(3)
      expect((yield* snapshot(breaker, "b")).openings).toBe(3)
    })
  )

  it.effect(
    "reaches the circuits of keys that are there and of keys that come later, until its open time is over",
    () =>
      Effect.gen(function* () {
        const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds" })
        yield* call(breaker, up, { key: "early" })
        yield* breaker.trip
        expect(yield* call(breaker, up, { key: "early" })).toBe("Open")
        yield* TestClock.adjust("9999 millis")
        expect(yield* rejection(breaker, { key: "late" })).toMatchObject({
          state: "Open",
          retryAfter: Duration.millis(1)
        })
        yield* TestClock.adjust("1 millis")
        for (const key of ["early", "late", "new"]) expect(yield* call(breaker, up, { key })).toBe("up")
      })
  )

  it.effect("leaves a key alone that nobody has used before its open time is over", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 3, openDuration: "10 seconds" })
      yield* breaker.reset
      yield* fail(breaker, 2, { key: "early" })
      yield* breaker.trip
      yield* TestClock.adjust("10 seconds")
      expect(yield* snapshot(breaker, "early")).toMatchObject({ state: "Closed", failuresInRow: 2, openings: 0 })
      expect(yield* call(breaker, down, { key: "early" })).toBe("down")
      expect(yield* stateOf(breaker, "early")).toBe("Open")
      expect(yield* Effect.forEach(["new", "new"], (key) => call(breaker, down, { key }))).toEqual(["down", "down"])
    })
  )

  it.effect("is not ended for a key by results of calls that were under way", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      const before = yield* start(breaker, { key: "a" })
      yield* breaker.trip
      yield* before.end(up)
      expect(yield* snapshot(breaker, "a")).toMatchObject({ state: "Open", late: 1 })
    })
  )

  it.effect("lasts for keys as long as for the circuit without one, whatever was changed meanwhile", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds", openDurationJitter: 0.5 })
      yield* breaker.trip
      yield* breaker.reconfigure({ openDuration: "1 hour" })
      const { retryAfter } = yield* rejection(breaker)
      expect((yield* rejection(breaker, { key: "a" })).retryAfter).toEqual(retryAfter)
      expect((yield* snapshot(breaker, "b")).retryAfter).toEqual(Option.fromUndefinedOr(retryAfter))
    })
  )

  it.effect("does not make a key forget what was ordered before, though it hears of both at once", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      yield* call(breaker, up, { key: "a" })
      yield* breaker.isolate
      yield* breaker.trip
      yield* breaker.trip
      for (const key of ["a", "new"]) expect(yield* call(breaker, up, { key })).toBe("Isolated")
      yield* breaker.reset
      yield* fail(breaker, 1, { key: "a" })
      yield* breaker.reset
      yield* breaker.trip
      yield* TestClock.adjust("10 seconds")
      expect(yield* snapshot(breaker, "a")).toMatchObject({ state: "Closed", openings: 0 })
    })
  )

  it.effect("comes after an isolation that is over, and before one that is not", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds" })
      yield* breaker.isolateWith({ duration: "1 second" })
      yield* TestClock.adjust("1 second")
      yield* breaker.trip
      expect(yield* call(breaker, up, { key: "a" })).toBe("Open")
      yield* breaker.isolateWith({ duration: "2 seconds" })
      yield* TestClock.adjust("1 second")
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      for (const key of [undefined, "a", "new"]) expect(yield* call(breaker, up, { key })).toBe("up")
    })
  )

  it.effect("comes after what time and other orders have decided for a key, each at its time", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        consecutiveFailures: 1,
        openDuration: "1 second",
        probeTimeout: "5 seconds"
      })
      yield* fail(breaker, 1, { key: "a" })
      yield* TestClock.adjust("1 second")
      yield* start(breaker, { key: "a" })
      yield* TestClock.adjust("5 seconds")
      yield* breaker.isolate
      yield* breaker.trip
      expect(yield* snapshot(breaker, "a")).toMatchObject({ state: "Isolated", openings: 2 })
    })
  )

  it.effect("is void for all keys after a reset", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* call(breaker, up, { key: "a" })
      yield* breaker.trip
      yield* breaker.reset
      for (const key of [undefined, "a", "new"]) expect(yield* call(breaker, up, { key })).toBe("up")
    })
  )

  it.effect("leaves nothing behind, however often it is given", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      const depth = (order: unknown): number => (order === undefined ? 0 : 1 + depth(Object(order).before))
      yield* breaker.isolate
      yield* Effect.replicateEffect(breaker.trip, 100)
      expect(depth(Object(breaker).order)).toBe(2)
    })
  )
})

describe("a trip that a key hears of late", () => {
  const key = { key: "k" }

  it.effect("is told to listeners with the time that is left", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "60 seconds" })
      const heard: Array<unknown> = []
      breaker.onTransition(({ key, retryAfter }) => void heard.push([key, retryAfter]))
      yield* breaker.trip
      yield* TestClock.adjust("50 seconds")
      yield* call(breaker, up, key)
      expect(heard).toEqual([
        [undefined, Duration.seconds(60)],
        ["k", Duration.seconds(10)]
      ])
    })
  )

  it.effect("has made an outage since it was given", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ openDuration: "60 seconds" })
      yield* Effect.gen(function* () {
        yield* breaker.trip
        yield* TestClock.adjust("50 seconds")
        yield* call(breaker, up, key)
        yield* TestClock.adjust("10 seconds")
        yield* call(breaker, up, key)
      }).pipe(recorded.record)
      expect(recorded.events().at(-1)?.attributes).toMatchObject({ to: "Closed", outage_millis: 60_000 })
    })
  )

  it.effect("ends for it when it ends for the circuit without a key, though the key was open for longer", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 minutes" })
      yield* breaker.trip
      expect(yield* call(breaker, up, key)).toBe("Open")
      yield* breaker.reconfigure({ openDuration: "5 seconds" })
      yield* breaker.trip
      yield* TestClock.adjust("10 seconds")
      expect(yield* call(breaker)).toBe("up")
      expect(yield* call(breaker, up, key)).toBe("up")
    })
  )

  it.effect("is told by it, if the circuit without a key was open anyway", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds" })
      yield* breaker.trip
      yield* TestClock.adjust("10 seconds")
      yield* call(breaker, up, key)
      const before = breaker.totals.transitions
      yield* breaker.trip
      expect(breaker.totals.transitions - before).toBe(0)
      for (const key of ["k", "other"]) expect(yield* call(breaker, up, { key })).toBe("Open")
      expect(breaker.totals.transitions - before).toBe(1)
    })
  )

  it.effect("adds to what a listener orders while it is given", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 hours" })
      const run = Effect.runSyncWith(yield* Effect.context<never>())
      yield* fail(breaker, 1, key)
      yield* breaker.isolateWith({ by: "ada", duration: "1 second" })
      const unsubscribe = breaker.onTransition(({ from }) => {
        unsubscribe()
        if (from === "Isolated") run(breaker.isolateWith({ by: "eve" }))
      })
      yield* TestClock.adjust("1 second")
      yield* breaker.trip
      for (const call of [{}, key]) expect((yield* rejection(breaker, call)).state).toBe("Isolated")
    })
  )
})

describe("isolate", () => {
  it.effect("opens the circuit until it is reset", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      yield* breaker.isolate
      yield* TestClock.adjust("36500 days")
      const error = yield* rejection(breaker)
      expect(error).toMatchObject({ state: "Isolated", retryAfter: undefined })
      expect(error.message).toContain("until it is reset")
      yield* breaker.reset
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("is not ended by a trip, nor by the results of calls under way", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      const probe = yield* start(breaker)
      yield* breaker.isolate
      yield* breaker.trip
      yield* probe.end(up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Isolated", successes: 1, late: 1 })
    })
  )

  it.effect("reaches the circuits of keys that are there and of keys that come later", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* call(breaker, up, { key: "early" })
      yield* breaker.isolate
      expect(yield* stateOf(breaker, "early")).toBe("Isolated")
      expect(yield* stateOf(breaker, "late")).toBe("Isolated")
      expect(yield* call(breaker, up, { key: "early" })).toBe("Isolated")
      expect(yield* call(breaker, up, { key: "late" })).toBe("Isolated")
      yield* breaker.reset
      expect(yield* stateOf(breaker, "early")).toBe("Closed")
      expect(yield* call(breaker, up, { key: "early" })).toBe("up")
      expect(yield* call(breaker, up, { key: "late" })).toBe("up")
      expect(yield* call(breaker, up, { key: "new" })).toBe("up")
    })
  )
})

describe("a command for all keys", () => {
  it.effect("comes after what time has done, which is told first", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      const heard: Array<string> = []
      breaker.onTransition(({ from, to }) => void heard.push(`${from} to ${to}`))
      yield* breaker.isolateWith({ duration: "1 second" })
      yield* TestClock.adjust("1 second")
      yield* breaker.trip
      expect(heard).toEqual(["Closed to Isolated", "Isolated to Closed", "Closed to Open"])
    })
  )

  it.effect("is told by the first of them that it changes, if the circuit without a key does not change", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      for (const key of ["a", "b"]) yield* fail(breaker, 1, { key })
      yield* breaker.reset
      expect(breaker.totals.transitions).toBe(2)
      for (const key of ["a", "b"]) expect(yield* call(breaker, up, { key })).toBe("up")
      expect(breaker.totals.transitions).toBe(3)
    })
  )

  it.effect("is not told again by a key that comes later, where the circuit without a key was isolated before", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      for (const by of ["ada", "eve"]) yield* breaker.isolateWith({ by })
      expect(yield* call(breaker, up, { key: "a" })).toBe("Isolated")
      expect(breaker.totals.transitions).toBe(1)
    })
  )

  it.effect("resets the open circuits and the failures of keys", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      yield* fail(breaker, 2, { key: "open" })
      yield* fail(breaker, 1, { key: "shaky" })
      yield* breaker.reset
      expect(yield* call(breaker, up, { key: "open" })).toBe("up")
      yield* fail(breaker, 1, { key: "shaky" })
      expect(yield* stateOf(breaker, "shaky")).toBe("Closed")
      yield* fail(breaker, 1, { key: "shaky" })
      expect(yield* stateOf(breaker, "shaky")).toBe("Open")
    })
  )

  it.effect("counts once: a circuit that has obeyed goes on from there", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* breaker.reset
      yield* fail(breaker, 1, { key: "tenant" })
      yield* fail(breaker)
      expect(yield* stateOf(breaker, "tenant")).toBe("Open")
      expect(yield* call(breaker, up, { key: "tenant" })).toBe("Open")
      expect(yield* call(breaker)).toBe("Open")
    })
  )

  it.effect("is replaced by a later one before a key has heard of it", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      yield* fail(breaker, 1, { key: "tenant" })
      yield* breaker.isolate
      yield* breaker.reset
      expect(yield* call(breaker, up, { key: "tenant" })).toBe("up")
      yield* breaker.reset
      yield* breaker.isolate
      expect(yield* call(breaker, up, { key: "tenant" })).toBe("Isolated")
    })
  )

  it.effect.each([
    ["a success", up],
    ["a failure", down]
  ] as const)("makes the calls of keys late that were under way: %s", ([, end]) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const running = yield* start(breaker, { key: "tenant" })
      yield* breaker.reset
      yield* running.end(end)
      expect(yield* snapshot(breaker, "tenant")).toMatchObject({ state: "Closed", late: 1 })
    })
  )
})

describe("the mode observe", () => {
  it.effect("lets every call pass and tells what it would have done", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ mode: "observe", consecutiveFailures: 2 })
      const service = ScriptedService.make([down])
      yield* Effect.replicateEffect(Effect.ignore(service.call.pipe(breaker.execute)), 5)
      expect(service.calls()).toBe(5)
      expect(yield* snapshot(breaker)).toMatchObject({
        mode: "observe",
        state: "Open",
        failures: 5,
        rejections: 0,
        wouldReject: 3,
        late: 0
      })
    })
  )

  it.effect("moves through its states as if it acted", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        mode: "observe",
        consecutiveFailures: 1,
        openDuration: "10 seconds"
      })
      yield* fail(breaker)
      expect(yield* call(breaker)).toBe("up")
      expect(yield* stateOf(breaker)).toBe("Open")
      yield* TestClock.adjust("10 seconds")
      const probe = yield* start(breaker)
      expect(yield* call(breaker, down)).toBe("down")
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 1, wouldReject: 2 })
      yield* probe.end(up)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("lets the calls of an isolated circuit pass", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ mode: "observe" })
      yield* breaker.isolate
      expect(yield* call(breaker)).toBe("up")
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Isolated", wouldReject: 1, successes: 1 })
    })
  )

  it.effect("does not count an interrupted call against anybody", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ mode: "observe" })
      yield* breaker.trip
      const running = yield* start(breaker)
      yield* running.interrupt
      expect(yield* snapshot(breaker)).toMatchObject({ ignored: 1, wouldReject: 1, failures: 0 })
    })
  )

  it.effect("counts as slow what is slow, whether or not the call would have been made", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        mode: "observe",
        tripPolicy: "count-window",
        slowCallDuration: "1 second"
      })
      yield* breaker.trip
      const running = yield* start(breaker)
      yield* TestClock.adjust(1_001)
      yield* running.end(up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", slowCalls: 1 })
    })
  )
})

describe("the mode disabled", () => {
  it.effect("lets every call pass and counts nothing", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ mode: "disabled", consecutiveFailures: 1 })
      expect(yield* calls(breaker, down, down, up)).toEqual(["down", "down", "up"])
      expect(yield* snapshot(breaker)).toMatchObject({
        mode: "disabled",
        state: "Closed",
        failures: 0,
        successes: 0,
        wouldReject: 0
      })
    })
  )

  it.effect("lets the calls of an open and of an isolated circuit pass", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ mode: "disabled" })
      yield* breaker.trip
      expect(yield* call(breaker)).toBe("up")
      yield* breaker.isolate
      expect(yield* call(breaker, up, { key: "tenant" })).toBe("up")
      expect(yield* stateOf(breaker)).toBe("Isolated")
    })
  )
})

describe("setMode", () => {
  it.effect("changes what happens from the next call on, for all keys, and keeps the state", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker, 1, { key: "tenant" })
      yield* fail(breaker)
      yield* breaker.setMode("observe")
      expect([yield* call(breaker), yield* call(breaker, up, { key: "tenant" })]).toEqual(["up", "up"])
      yield* breaker.setMode("disabled")
      expect([yield* call(breaker), yield* call(breaker, up, { key: "tenant" })]).toEqual(["up", "up"])
      yield* breaker.setMode("enforce")
      expect([yield* call(breaker), yield* call(breaker, up, { key: "tenant" })]).toEqual(["Open", "Open"])
      expect(yield* snapshot(breaker)).toMatchObject({
        mode: "enforce",
        failures: 2,
        successes: 2,
        wouldReject: 2,
        rejections: 2
      })
    })
  )

  it.effect("changes the description", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      const modes = ["observe", "disabled", "enforce"] as const
      const descriptions = yield* Effect.forEach(modes, (mode) => Effect.map(breaker.setMode(mode), breaker.describe))
      const text = "opens at 5 failures in a row, for 1m"
      expect(descriptions).toEqual([`${text} (observe)`, `${text} (disabled)`, text])
    })
  )

  it.effect("does not take away the permit of a call under way", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      const probe = yield* start(breaker)
      yield* breaker.setMode("disabled")
      yield* probe.end(up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", successes: 1 })
    })
  )

  it.effect("gives no permit to a call that only passed because nobody acted", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ mode: "observe", openDuration: "1 second" })
      yield* breaker.trip
      const passed = yield* start(breaker)
      yield* breaker.setMode("enforce")
      yield* TestClock.adjust("1 second")
      const probe = yield* start(breaker)
      yield* passed.end(up)
      expect(yield* stateOf(breaker)).toBe("HalfOpen")
      yield* probe.end(down)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )
})
