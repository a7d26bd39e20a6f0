import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Exit, Option, Random } from "effect"
import { Bulkhead, CircuitBreaker, Deadline, Retry, Timeout } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { failWith, runAttempts } from "./support/attempts.ts"

const exact = { jitter: "none" } as const

const errorOf = <E>(exit: Exit.Exit<unknown, E>): E | undefined => Option.getOrUndefined(Exit.findErrorOption(exit))

const hinted = (seconds: number) => ({ status: 503, response: { headers: { "retry-after": String(seconds) } } })

describe("under a deadline", () => {
  const under = (
    millis: number,
    options: Retry.OptionsInput,
    ...errors: readonly [unknown, ...ReadonlyArray<unknown>]
  ) =>
    failWith<unknown, never, unknown>(errors, (self) =>
      self.pipe(Retry.makeUnsafe({ ...exact, ...options }).execute, Deadline.withDeadline(millis))
    )

  it.effect("a retry that begins before it is made", () =>
    Effect.gen(function* () {
      const { exit, instants } = yield* under(3_001, {}, "busy")
      expect(instants).toEqual([0, 1, 3])
      expect(exit).toEqual(Exit.fail("busy"))
    })
  )

  it.effect.each([3_000, 2_999, 1_001])("a retry that would begin at or after it is not waited for: %d ms", (millis) =>
    Effect.gen(function* () {
      const { end, exit, instants } = yield* under(millis, {}, "busy")
      expect([instants, end]).toEqual([[0, 1], 1])
      expect(exit).toEqual(Exit.fail("busy"))
    })
  )

  it.effect("a hint beyond it ends the call at once, without sleeping", () =>
    Effect.gen(function* () {
      const { end, exit, instants } = yield* under(10_000, {}, hinted(30))
      expect([instants, end]).toEqual([[0], 0])
      expect(exit).toEqual(Exit.fail(hinted(30)))
    })
  )

  it.effect("a hint of exactly the time that is left ends the call at once", () =>
    Effect.gen(function* () {
      expect((yield* under(10_000, {}, hinted(10))).end).toBe(0)
      expect((yield* under(10_001, { maxAttempts: 2 }, hinted(10))).instants).toEqual([0, 10])
    })
  )

  it.effect("a hint that is capped is compared as it is capped", () =>
    Effect.gen(function* () {
      const { instants } = yield* under(10_000, { retryAfterMax: "4 seconds" }, hinted(30))
      expect(instants).toEqual([0, 4, 8])
    })
  )

  it.effect("the time that attempts take is counted", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...exact, maxAttempts: 9, strategy: "fixed" })
      const { end, exit, instants } = yield* runAttempts(
        () => Effect.delay(Effect.fail("busy"), "2 seconds"),
        (self) => self.pipe(retry.execute, Deadline.withDeadline("8500 millis"))
      )
      expect([instants, end]).toEqual([[0, 3, 6], 8])
      expect(exit).toEqual(Exit.fail("busy"))
    })
  )

  it.effect("a retry without a delay is made while there is time", () =>
    Effect.gen(function* () {
      const { instants } = yield* under(1, { baseDelay: 0 }, "busy")
      expect(instants).toEqual([0, 0, 0])
    })
  )

  it.effect("the one that ends first counts", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(exact)
      const { instants } = yield* failWith(["busy"], (self) =>
        self.pipe(retry.execute, Deadline.withDeadline("1 minute"), Deadline.withDeadline("2 seconds"))
      )
      expect(instants).toEqual([0, 1])
    })
  )

  it.effect("of an attempt, the waits between attempts are not limited", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(exact)
      const { instants } = yield* failWith<unknown, never, unknown>(["busy"], (self) =>
        self.pipe(Deadline.withDeadline("500 millis"), retry.execute)
      )
      expect(instants).toEqual([0, 1, 3])
    })
  )

  it.effect("no wait, however it is spread, ends at or after it", () =>
    Effect.gen(function* () {
      for (const jitter of ["equal", "full", "decorrelated"] as const) {
        for (let i = 0; i < 20; i++) {
          const { end, exit } = yield* under(5_000, { jitter, maxAttempts: 20 }, "busy")
          expect(exit).toEqual(Exit.fail("busy"))
          expect(end).toBeLessThan(5)
        }
      }
    }).pipe(Random.withSeed("deadline"))
  )
})

describe("a time limit of attempts", () => {
  it.effect("is retried, and the last one comes through", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(exact)
      const { end, exit, instants } = yield* runAttempts(
        () => Effect.never,
        (self) => self.pipe(Timeout.withTimeout("5 seconds"), retry.execute)
      )
      expect([instants, end]).toEqual([[0, 6, 13], 18])
      expect(errorOf(exit)).toMatchObject({ _tag: "TimeoutExceededError", scope: "attempt" })
    })
  )

  it.effect("of an answer in time is not retried", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(exact)
      const { exit, instants } = yield* runAttempts(
        (number) => Effect.delay(Effect.succeed("pong"), number === 1 ? "6 seconds" : "1 second"),
        (self) => self.pipe(Timeout.withTimeout("5 seconds"), retry.execute)
      )
      expect(instants).toEqual([0, 6])
      expect(exit).toEqual(Exit.succeed("pong"))
    })
  )
})

describe("a total deadline that passes", () => {
  it.effect("ends the call with its own error, whichever attempt is under way", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(exact)
      const { end, exit, instants } = yield* runAttempts(
        () => Effect.never,
        (self) => self.pipe(Timeout.withTimeout("5 seconds"), retry.execute, Deadline.withDeadline("8 seconds"))
      )
      expect([instants, end]).toEqual([[0, 6], 8])
      expect(errorOf(exit)).toMatchObject({ _tag: "TimeoutExceededError", scope: "total" })
    })
  )

  it.effect.each([
    ["while it runs", 8_000, true],
    ["before it is made", 0, false]
  ] as const)("is not retried when an attempt reports it: %s", ([, at, isStarted]) =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const deadline = { at, service: "llm", duration: Duration.seconds(8) }
      const { end, exit } = yield* runAttempts(
        () => Effect.never,
        (self) =>
          self.pipe(
            Timeout.withTimeout("1 minute"),
            Retry.makeUnsafe({ ...exact, baseDelay: 0 }).execute,
            Effect.provideService(Deadline.CurrentDeadline, deadline),
            recorded.record
          )
      )
      expect(end).toBe(at / 1_000)
      expect(errorOf(exit)).toMatchObject({ scope: "total", isStarted })
      expect(recorded.tags()).toEqual(["TimeoutExceeded", "RetryAbandoned"])
    })
  )
})

describe("the rejection of an open circuit", () => {
  const opened = Effect.gen(function* () {
    const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
    yield* Effect.fail("down").pipe(breaker.execute, Effect.exit)
    return breaker
  })
  const guarded = (breaker: CircuitBreaker.CircuitBreaker, millis: number) =>
    runAttempts(
      () => Effect.succeed("pong"),
      (self) =>
        self.pipe(
          breaker.execute,
          Retry.makeUnsafe({ ...exact, maxAttempts: 2 }).execute,
          Deadline.withDeadline(millis)
        )
    )

  it.effect("is not retried without a deadline", () =>
    Effect.gen(function* () {
      const breaker = yield* opened
      const { end, exit } = yield* runAttempts(
        () => Effect.succeed("pong"),
        (self) => self.pipe(breaker.execute, Retry.makeUnsafe(exact).execute)
      )
      expect(end).toBe(0)
      expect(errorOf(exit)).toMatchObject({ _tag: "CircuitBreakerOpenError" })
    })
  )

  it.effect("is retried when the circuit lets probes through before the deadline", () =>
    Effect.gen(function* () {
      const { exit, instants } = yield* guarded(yield* opened, 10_001)
      expect(instants).toEqual([10])
      expect(exit).toEqual(Exit.succeed("pong"))
    })
  )

  it.effect.each([10_000, 9_999])("is not retried when it does so at or after the deadline: %d ms", (millis) =>
    Effect.gen(function* () {
      const { end, exit } = yield* guarded(yield* opened, millis)
      expect(end).toBe(0)
      expect(errorOf(exit)).toMatchObject({ _tag: "CircuitBreakerOpenError" })
    })
  )

  it.effect("of an isolated circuit is never retried, because it does not say for how long", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.isolate
      expect((yield* guarded(breaker, 60_000)).end).toBe(0)
    })
  )

  it.effect("is not retried when the circuit stays open longer than hints may ask for", () =>
    Effect.gen(function* () {
      const breaker = yield* opened
      const retry = Retry.makeUnsafe({ ...exact, retryAfterMax: "9 seconds" })
      const { end } = yield* runAttempts(
        () => Effect.succeed("pong"),
        (self) => self.pipe(breaker.execute, retry.execute, Deadline.withDeadline("1 hour"))
      )
      expect(end).toBe(0)
    })
  )

  it.effect("that comes in the middle of the attempts ends them", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      const retry = Retry.makeUnsafe({ ...exact, maxAttempts: 9 })
      const { exit, instants } = yield* failWith(["down"], (self) => self.pipe(breaker.execute, retry.execute))
      expect(instants).toEqual([0, 1])
      expect(errorOf(exit)).toMatchObject({ _tag: "CircuitBreakerOpenError" })
    })
  )
})

describe("the rejection of a bulkhead", () => {
  it.effect("is not retried", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueue: 0 })
      yield* Effect.never.pipe(bulkhead.execute, Effect.forkChild({ startImmediately: true }))
      for (const deadline of [Duration.infinity, Duration.minutes(1)]) {
        const { end, exit } = yield* runAttempts(
          () => Effect.succeed("pong"),
          (self) => self.pipe(bulkhead.execute, Retry.makeUnsafe(exact).execute, Deadline.withDeadline(deadline))
        )
        expect(end).toBe(0)
        expect(errorOf(exit)).toMatchObject({ _tag: "BulkheadRejectedError" })
      }
      expect((yield* Effect.sync(() => bulkhead.snapshot(0))).rejected).toBe(2)
    })
  )
})
