import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Policy } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"

/** How a call ends: "made", or the state that turned it away. */
const call = (breaker: CircuitBreaker.CircuitBreaker, key?: string) =>
  Effect.succeed("made").pipe(
    breaker.executeWith({ key }),
    Effect.catch(({ state }) => Effect.succeed(state))
  )

const retryAfter = (breaker: CircuitBreaker.CircuitBreaker) =>
  Effect.map(Effect.flip(breaker.execute(Effect.void)), (error) => error.retryAfter)

describe("an isolation", () => {
  it.effect("ends with its time, and tells callers when that is", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.isolateWith({ duration: "10 minutes" })
      yield* TestClock.adjust("4 minutes")
      expect(yield* retryAfter(breaker)).toEqual(Duration.minutes(6))
      yield* TestClock.adjust("359999 millis")
      expect(yield* call(breaker)).toBe("Isolated")
      yield* TestClock.adjust("1 millis")
      expect((yield* Policy.snapshot(breaker)).state).toBe("Closed")
      expect(yield* call(breaker)).toBe("made")
    })
  )

  it.effect("that ends by itself is told as soon as somebody calls", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      const recorded = RecordedEvents.make()
      yield* Effect.gen(function* () {
        yield* breaker.isolateWith({ duration: "1 minute" })
        yield* TestClock.adjust("1 hour")
        yield* call(breaker)
      }).pipe(recorded.record)
      expect(recorded.events().map(({ attributes }) => attributes["to"])).toEqual(["Isolated", "Closed"])
    })
  )

  it.effect("of one operator is not ended by another", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.isolateWith({ by: "anne", reason: "maintenance" })
      yield* breaker.isolateWith({ by: "bob", duration: "1 minute" })
      yield* breaker.release("bob")
      expect(yield* call(breaker)).toBe("Isolated")
      yield* breaker.release("carol")
      expect(yield* call(breaker)).toBe("Isolated")
      yield* breaker.release("anne")
      expect(yield* call(breaker)).toBe("made")
    })
  )

  it.effect("lasts until the last of all is over", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.isolateWith({ by: "anne", duration: "10 minutes" })
      yield* breaker.isolateWith({ by: "bob", duration: "1 minute" })
      yield* TestClock.adjust("5 minutes")
      expect(yield* call(breaker)).toBe("Isolated")
      yield* TestClock.adjust("5 minutes")
      expect(yield* call(breaker)).toBe("made")
    })
  )

  it.effect("without an end is not cut short by one that has", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.isolate
      yield* breaker.isolateWith({ by: "bob", duration: "1 minute" })
      yield* TestClock.adjust("1 day")
      expect(yield* call(breaker)).toBe("Isolated")
      yield* breaker.release()
      expect(yield* call(breaker)).toBe("made")
    })
  )

  it.effect("of the same operator replaces the earlier one", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.isolateWith({ by: "anne" })
      yield* breaker.isolateWith({ by: "anne", duration: "1 minute" })
      yield* TestClock.adjust("1 minute")
      expect(yield* call(breaker)).toBe("made")
    })
  )

  it.effect("is shown with its operator, its reason and the time that is left", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.isolateWith({ by: "anne", reason: "maintenance", duration: "10 minutes" })
      yield* breaker.isolate
      yield* TestClock.adjust("1 minute")
      expect((yield* Policy.snapshot(breaker)).isolations).toEqual([
        { by: "anne", reason: Option.some("maintenance"), remaining: Option.some(Duration.minutes(9)) },
        { by: "", reason: Option.none(), remaining: Option.none() }
      ])
      yield* breaker.reset
      expect((yield* Policy.snapshot(breaker)).isolations).toEqual([])
    })
  )

  it.effect("reaches circuits of keys, also those that come later, and ends for them at the same time", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* call(breaker, "early")
      yield* breaker.isolateWith({ duration: "10 minutes" })
      expect([yield* call(breaker, "early"), yield* call(breaker, "late")]).toEqual(["Isolated", "Isolated"])
      yield* TestClock.adjust("10 minutes")
      expect([yield* call(breaker, "early"), yield* call(breaker, "later")]).toEqual(["made", "made"])
    })
  )

  it.effect("that is not there cannot be released, so an open circuit stays open", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.trip
      yield* breaker.release("anne")
      expect(yield* call(breaker)).toBe("Open")
    })
  )

  it.effect("that is released by the last closes a circuit that was open before", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.trip
      yield* breaker.isolateWith({ by: "anne" })
      yield* breaker.release("anne")
      expect(yield* call(breaker)).toBe("made")
    })
  )
})

describe("an isolation for no time", () => {
  it.effect.each([
    [0, "0"],
    [-1, "-1ms"],
    [Number.NaN, "0"]
  ] as const)("is a mistake, and changes nothing: %d", ([duration, got]) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.trip
      const exit = yield* Effect.exit(breaker.isolateWith({ duration }))
      expect(String(exit)).toContain(`isolateWith: duration: expected a duration greater than zero, got ${got}`)
      expect((yield* Policy.snapshot(breaker)).state).toBe("Open")
    })
  )
})
