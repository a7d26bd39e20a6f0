import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Exit } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Resilience } from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"
import { call, calls, down, fail, rejection, snapshot, start, stateOf, up } from "./support/circuit.ts"

describe("a closed circuit", () => {
  it.effect("passes on the value and the error of a call unchanged", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      const [value, error] = [{ answer: 42 }, new Error("down")]
      expect(yield* Effect.succeed(value).pipe(breaker.execute)).toBe(value)
      expect(yield* Effect.fail(error).pipe(breaker.execute, Effect.flip)).toBe(error)
    })
  )

  it.effect("has functions that can be taken from the breaker", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const { describe, execute, executeWith, isolate, onTransition, reset, setMode, snapshot, trip } = breaker
      const heard: Array<string> = []
      const stop = onTransition(({ from, key, to }) => void heard.push(`${from} > ${to} of ${key}`))
      yield* down.pipe(executeWith({ key: "tenant" }), Effect.flip)
      yield* trip
      yield* isolate
      yield* reset
      stop()
      yield* setMode("observe")
      expect(yield* up.pipe(execute)).toBe("up")
      expect([snapshot(0).successes, snapshot(0).failures, describe()]).toEqual([
        1,
        1,
        "opens at 1 failures in a row, for 1m (observe)"
      ])
      expect(heard).toEqual([
        "Closed > Open of tenant",
        "Closed > Open of undefined",
        "Open > Isolated of undefined",
        "Isolated > Closed of undefined"
      ])
    })
  )

  it.effect("opens at the fifth failure in a row by default", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* fail(breaker, 4)
      expect(yield* stateOf(breaker)).toBe("Closed")
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect.each([1, 2, 7])("opens at the last of %i failures in a row if so configured", (consecutiveFailures) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures })
      yield* fail(breaker, consecutiveFailures - 1)
      expect(yield* stateOf(breaker)).toBe("Closed")
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("starts the row anew after a success", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 3 })
      yield* calls(breaker, down, down, up, down, down)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 2 })
      yield* fail(breaker)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", failuresInRow: 0 })
    })
  )

  it.effect("counts the row in the order in which calls end", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      const first = yield* start(breaker)
      const second = yield* start(breaker)
      yield* fail(breaker)
      yield* second.end(up)
      yield* first.end(down)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 1 })
    })
  )

  it.effect("lets any number of calls run at once", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      const service = ScriptedService.make([Effect.yieldNow.pipe(Effect.as("up"))])
      const results = yield* Effect.all(
        Array.from({ length: 1_000 }, () => service.call.pipe(breaker.execute)),
        { concurrency: "unbounded" }
      )
      expect(results.length).toBe(1_000)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", successes: 1_000, probing: 0 })
    })
  )

  it.effect("stays closed however much time passes between its failures", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      yield* fail(breaker)
      yield* TestClock.adjust("30 days")
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )
})

describe("an open circuit", () => {
  it.effect("does not make the call", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      const service = ScriptedService.make([down])
      const call = Effect.ignore(service.call.pipe(breaker.execute))
      yield* Effect.replicateEffect(call, 10)
      expect(service.calls()).toBe(2)
      expect(yield* snapshot(breaker)).toMatchObject({ failures: 2, rejections: 8 })
    })
  )

  it.effect("lets a call through when its open time is exactly over, and not a millisecond before", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker)
      yield* TestClock.adjust(59_999)
      expect(yield* call(breaker)).toBe("Open")
      yield* TestClock.adjust(1)
      expect(yield* call(breaker)).toBe("up")
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("tells the time that remains", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      yield* fail(breaker)
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.seconds(10))
      yield* TestClock.adjust(9_999)
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.millis(1))
    })
  )

  it.effect("rounds the time that remains up, so that nobody comes too early", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      yield* fail(breaker)
      yield* TestClock.adjust("400 micros")
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.seconds(10))
      yield* TestClock.adjust("9999 millis")
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.millis(1))
      yield* TestClock.adjust("1 millis")
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("stays open until somebody calls: time alone moves nothing", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker)
      yield* TestClock.adjust("1 hour")
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", transitions: 1 })
      const probe = yield* start(breaker)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", transitions: 2 })
      yield* probe.interrupt
    })
  )

  it.effect("does not care about a wall clock that is put back", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* TestClock.setTime(3_600_000)
      yield* fail(breaker)
      yield* TestClock.setTime(0)
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.seconds(60))
      yield* TestClock.adjust("60 seconds")
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("does not let its rejections lengthen the open time", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      yield* fail(breaker)
      for (let second = 1; second < 10; second++) {
        yield* TestClock.adjust("1 second")
        expect(yield* call(breaker, down)).toBe("Open")
      }
      yield* TestClock.adjust("1 second")
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("that saw five failures at one per second is open from the fourth second to the sixty-fourth", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 5, openDuration: "60 seconds" })
      const seen: Array<readonly [number, string]> = []
      for (let second = 0; second <= 65; second++) {
        seen.push([second, yield* call(breaker, second < 64 ? down : up)])
        yield* TestClock.adjust("1 second")
      }
      expect(seen.filter(([, result]) => result === "down").map(([second]) => second)).toEqual([0, 1, 2, 3, 4])
      expect(seen.filter(([, result]) => result === "up").map(([second]) => second)).toEqual([64, 65])
    })
  )
})

describe("withCircuitBreaker", () => {
  it.effect("takes the effect first", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      expect(yield* CircuitBreaker.withCircuitBreaker(up, breaker)).toBe("up")
      yield* Effect.ignore(CircuitBreaker.withCircuitBreaker(down, breaker, { key: "tenant" }))
      expect(yield* stateOf(breaker, "tenant")).toBe("Open")
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("takes the effect last", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      expect(yield* up.pipe(CircuitBreaker.withCircuitBreaker(breaker))).toBe("up")
      yield* Effect.ignore(down.pipe(CircuitBreaker.withCircuitBreaker(breaker, { key: "tenant" })))
      expect(yield* stateOf(breaker, "tenant")).toBe("Open")
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("guards each run of an effect that is built once", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      const guarded = Effect.flip(CircuitBreaker.withCircuitBreaker(down, breaker))
      expect([yield* guarded, yield* guarded]).toEqual(["down", "down"])
      expect(yield* guarded).toBeInstanceOf(CircuitBreaker.CircuitBreakerOpenError)
    })
  )

  it.effect("asks the breaker at the time of the run, not when the effect is built", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* fail(breaker)
      const guarded = CircuitBreaker.withCircuitBreaker(up, breaker)
      yield* breaker.reset
      expect(yield* guarded).toBe("up")
    })
  )

  it.effect("measures every attempt of a retry outside of it, and ends the loop by opening", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 3 })
      const service = ScriptedService.make([down])
      const error = yield* service.call.pipe(
        CircuitBreaker.withCircuitBreaker(breaker),
        Effect.retry({ times: 10, while: (error) => error === "down" }),
        Effect.flip
      )
      expect(error).toMatchObject({ _tag: "CircuitBreakerOpenError" })
      expect(service.calls()).toBe(3)
    })
  )

  it.effect("finds the breaker of a service by its name", () =>
    Effect.gen(function* () {
      yield* Effect.ignore(down.pipe(CircuitBreaker.withCircuitBreaker("llm")))
      expect(yield* up.pipe(CircuitBreaker.withCircuitBreaker("llm"), Effect.flip)).toMatchObject({
        service: "llm",
        state: "Open"
      })
      expect(yield* CircuitBreaker.withCircuitBreaker(up, "llm", { key: "tenant" })).toBe("up")
      expect(yield* CircuitBreaker.withCircuitBreaker(up, "db")).toBe("up")
    }).pipe(
      Effect.provide(Resilience.layer({ services: { llm: { circuitBreaker: { consecutiveFailures: 1 } }, db: {} } }))
    )
  )

  it.effect("lets the calls of a service pass whose breaker is switched off", () =>
    Effect.gen(function* () {
      const failing = down.pipe(CircuitBreaker.withCircuitBreaker("llm"), Effect.flip)
      expect(yield* Effect.replicateEffect(failing, 20)).toEqual(Array.from({ length: 20 }, () => "down"))
    }).pipe(Effect.provide(Resilience.layer({ services: { llm: { circuitBreaker: false } } })))
  )
})

describe("make", () => {
  it.effect("makes a circuit of its own each time", () =>
    Effect.gen(function* () {
      const make = CircuitBreaker.make({ consecutiveFailures: 1 })
      const [one, other] = [yield* make, yield* make]
      yield* fail(one)
      expect([yield* stateOf(one), yield* stateOf(other)]).toEqual(["Open", "Closed"])
    })
  )

  it("names the service, or leaves it at the default", () => {
    expect(CircuitBreaker.makeUnsafe({ service: "llm" })).toMatchObject({ kind: "circuit-breaker", service: "llm" })
    expect(CircuitBreaker.makeUnsafe()).toMatchObject({ service: "default" })
    expect(CircuitBreaker.makeUnsafe({ service: undefined })).toMatchObject({ service: "default" })
  })

  it.effect("takes a classifier for all calls", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make(
        { consecutiveFailures: 1 },
        { classify: (exit) => ({ _tag: Exit.isSuccess(exit) ? "Failure" : "Success" }) }
      )
      yield* fail(breaker)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", successes: 1 })
      yield* call(breaker)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", failures: 1 })
    })
  )
})
