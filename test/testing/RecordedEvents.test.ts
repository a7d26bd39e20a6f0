import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Fallback, Policy, Resilience, Retry } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"

/** A call that is answered by a fallback of a service, which is one event. */
const eventOf = (service: string) => Effect.fail("down").pipe(Fallback.orElseSucceed(() => service, { service }))

const servicesOf = (recorded: RecordedEvents.RecordedEvents) => recorded.events().map(({ service }) => service)

describe("recorded events", () => {
  it("are none at first", () => {
    const recorded = RecordedEvents.make()
    expect([recorded.events(), recorded.tags()]).toEqual([[], []])
  })

  it.effect("are those of the effect, whole and in their order", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ service: "prices", consecutiveFailures: 1 })
      yield* TestClock.adjust("3 seconds")
      yield* Effect.fail("down").pipe(breaker.execute, Effect.ignore, recorded.record)
      expect(recorded.events()).toMatchObject([
        { _tag: "CircuitBreakerFailure", kind: "circuit-breaker", service: "prices", at: 3_000, error: "down" },
        { _tag: "CircuitBreakerTransition", kind: "circuit-breaker", service: "prices", at: 3_000 }
      ])
      expect(recorded.tags()).toEqual(["CircuitBreakerFailure", "CircuitBreakerTransition"])
    })
  )

  it.effect("change nothing about the effect", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      expect(yield* eventOf("a").pipe(recorded.record)).toBe("a")
      expect(yield* Effect.fail("down").pipe(recorded.record, Effect.exit)).toEqual(Exit.fail("down"))
      expect(yield* Effect.die("bug").pipe(recorded.record, Effect.exit)).toEqual(Exit.die("bug"))
    })
  )

  it.effect("are not those of what runs before, after or beside the effect", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      yield* eventOf("before")
      const inside = Effect.delay(eventOf("inside"), "2 seconds").pipe(recorded.record)
      const beside = Effect.delay(eventOf("beside"), "1 second")
      const fiber = yield* Effect.all([inside, beside], { concurrency: "unbounded" }).pipe(Effect.forkChild)
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(fiber)
      yield* eventOf("after")
      expect(servicesOf(recorded)).toEqual(["inside"])
    })
  )

  it.effect("include those of the fibers that the effect starts", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const parallel = Effect.all([eventOf("a"), eventOf("b")], { concurrency: "unbounded" })
      const forked = Effect.flatMap(Effect.forkChild(eventOf("c")), Fiber.join)
      yield* Effect.andThen(parallel, forked).pipe(recorded.record)
      expect(servicesOf(recorded)).toEqual(["a", "b", "c"])
    })
  )

  it.effect("add up over several effects", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      yield* eventOf("a").pipe(recorded.record)
      yield* eventOf("b").pipe(recorded.record)
      expect(servicesOf(recorded)).toEqual(["a", "b"])
    })
  )

  it.effect("can be read while the effect runs", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const retry = yield* Retry.make({ maxAttempts: 2, baseDelay: "1 second", jitter: "none" })
      const fiber = yield* Effect.fail("down").pipe(
        Retry.withRetry(retry),
        Effect.exit,
        recorded.record,
        Effect.forkChild
      )
      yield* TestClock.adjust("999 millis")
      expect(recorded.tags()).toEqual(["RetryScheduled"])
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(fiber)
      expect(recorded.tags()).toEqual(["RetryScheduled", "RetryExhausted"])
    })
  )

  it.effect("that were read stay as they were", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      yield* eventOf("a").pipe(recorded.record)
      const read = recorded.events()
      yield* eventOf("b").pipe(recorded.record)
      recorded.clear()
      expect(read.map(({ service }) => service)).toEqual(["a"])
    })
  )

  it.effect("are forgotten on request, and those that follow are recorded", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const program = Effect.gen(function* () {
        yield* eventOf("a")
        recorded.clear()
        expect(recorded.events()).toEqual([])
        yield* eventOf("b")
      })
      yield* program.pipe(recorded.record)
      expect(servicesOf(recorded)).toEqual(["b"])
    })
  )

  it.effect("are heard by other observers too, whether they were there before or come inside", () =>
    Effect.gen(function* () {
      const [outer, inner] = [RecordedEvents.make(), RecordedEvents.make()]
      const heard: Array<string> = []
      const layer = Policy.layerObservers([({ service }) => void heard.push(service)])
      yield* eventOf("a").pipe(inner.record, outer.record, Effect.provide(layer))
      expect([heard, servicesOf(inner), servicesOf(outer)]).toEqual([["a"], ["a"], ["a"]])
    })
  )

  it.effect("are recorded under a registry as well", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      yield* Effect.fail("down").pipe(Resilience.protect("llm"), Effect.ignore, recorded.record)
      expect(recorded.tags()).toContain("CallFailed")
    }).pipe(Effect.provide(Resilience.layer({ retry: { maxAttempts: 1 } })), Effect.provide(Policy.layerObservers([])))
  )
})
