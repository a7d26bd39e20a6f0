import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Deadline, Fallback, Pipeline, type Policy, Retry, Timeout } from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"

const explain = (...parts: ReadonlyArray<Policy.Instance>): string => Pipeline.explain({ service: "llm", parts })

const atWorst = (...parts: ReadonlyArray<Policy.Instance>): string =>
  explain(...parts)
    .split("\n")
    .filter((line) => line.startsWith("At worst: "))
    .join()

const second = Timeout.makeUnsafe({ duration: "1 second" })
const fallback = Fallback.makeUnsafe(() => Effect.succeed("instead"))
const queue = Bulkhead.makeUnsafe

/** Attempts of one class only, without hints and without jitter. */
const plain = (maxAttempts: number, rest: Retry.OptionsInput = {}): Retry.Retry =>
  Retry.makeUnsafe({
    maxAttempts,
    strategy: "fixed",
    baseDelay: "1 second",
    jitter: "none",
    retryAfterMax: 0,
    overload: { maxAttempts: 1 },
    rateLimit: { maxAttempts: 1 },
    ...rest
  })

describe("the text", () => {
  it("of a whole pipeline has its parts with their numbers, and the worst case", () => {
    const pipeline = Pipeline.makeUnsafe({
      service: "llm",
      fallback: () => Effect.succeed("instead"),
      deadline: "30 seconds",
      retry: { maxAttempts: 4, budget: {} },
      circuitBreaker: { consecutiveFailures: 3, openDuration: "20 seconds" },
      bulkhead: { maxConcurrent: 5, maxQueue: 20, queueTimeout: "2 seconds" },
      timeout: "5 seconds"
    })
    expect(Pipeline.explain(pipeline)).toBe(`The calls of "llm" go through these policies, the outermost first:
  1. fallback         answers typed errors
  2. deadline         30s for all attempts and waits
  3. retry            4 attempts (6 when overloaded), exponential delays from 1s to 10s, jitter equal, a budget of 20 %
  4. circuit-breaker  opens at 3 failures in a row, for 20s
  5. bulkhead         5 calls at once, 20 wait, at most 2s
  6. timeout          5s for an attempt
At worst: 6 attempts, and at most 30s, not counting the answer of the fallback.`)
  })

  it("has the times of the elements of a stream", () => {
    const streaming = Timeout.makeUnsafe({ duration: "1 second", firstElement: "1 minute" })
    expect(explain(streaming)).toContain("1. timeout  1s for an attempt, 1m to the first element of a stream")
  })

  it("of an empty pipeline says so", () => {
    expect(Pipeline.explain(Pipeline.makeUnsafe({ service: "llm" })))
      .toBe(`The calls of "llm" go through these policies, the outermost first:
  none
At worst: 1 attempt, and nothing limits the time.`)
  })

  it("aligns what the parts say", () => {
    expect(explain(plain(2), second).split("\n").slice(1, 3)).toEqual([
      "  1. retry    2 attempts (1 when overloaded, 1 beyond a rate limit), fixed delays from 1s to 10s, jitter none, no budget",
      "  2. timeout  1s for an attempt"
    ])
  })

  it("ends with what lint finds", () => {
    const parts = [second, plain(2)]
    const found = Pipeline.lint(parts).map(({ message, rule, severity }) => `  ${severity} ${rule}: ${message}`)
    expect(found).toHaveLength(2)
    expect(
      explain(...parts)
        .split("\n")
        .slice(-2)
    ).toEqual(found)
  })

  it("shows the parts of a nested pipeline in its place", () => {
    const inner = Pipeline.inOrder([plain(2), second], { service: "inner" })
    expect(explain(queue({ queueTimeout: "1 second" }), inner)).toBe(
      explain(queue({ queueTimeout: "1 second" }), plain(2), second)
    )
  })

  it("follows a bulkhead whose limit was changed", () => {
    const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 5, maxQueue: 0 })
    expect(explain(bulkhead)).toContain("5 calls at once")
    Effect.runSync(bulkhead.resize(7))
    expect(explain(bulkhead)).toContain("7 calls at once")
  })
})

describe("the most attempts", () => {
  it("are one without a retry", () => {
    expect(atWorst(second)).toBe("At worst: 1 attempt, and at most 1s.")
    expect(atWorst(plain(1), second)).toBe("At worst: 1 attempt, and at most 1s.")
  })

  it("are those of the class that may try most often", () => {
    expect(atWorst(plain(3))).toContain("At worst: 3 attempts,")
    expect(atWorst(plain(3, { overload: {} }))).toContain("At worst: 6 attempts,")
    expect(atWorst(plain(8, { overload: {} }))).toContain("At worst: 8 attempts,")
    expect(atWorst(plain(3, { rateLimit: { maxAttempts: 9 } }))).toContain("At worst: 9 attempts,")
  })

  it("are one when retries are switched off, whatever the profiles say", () => {
    expect(atWorst(plain(1, { overload: {}, rateLimit: { maxAttempts: 9 } }))).toContain("At worst: 1 attempt,")
  })

  it("multiply where retries are nested", () => {
    expect(atWorst(plain(3), plain(4))).toContain("At worst: 12 attempts,")
    expect(atWorst(plain(3), second, plain(4), plain(2))).toContain("At worst: 24 attempts,")
    expect(atWorst(plain(3), Pipeline.inOrder([plain(4)]))).toContain("At worst: 12 attempts,")
  })
})

describe("the longest time", () => {
  it("is that of the time limit", () => {
    expect(atWorst(second)).toContain("at most 1s.")
    expect(atWorst(Deadline.makeUnsafe({ duration: "2 seconds" }))).toContain("at most 2s.")
  })

  it("is that of the shortest of nested limits", () => {
    expect(atWorst(Timeout.makeUnsafe({ duration: "3 seconds" }), second)).toContain("at most 1s.")
    expect(atWorst(second, Timeout.makeUnsafe({ duration: "3 seconds" }))).toContain("at most 1s.")
  })

  it("has no limit without a time limit, or with an infinite one", () => {
    const unlimited = "and nothing limits the time."
    expect(atWorst(plain(3))).toContain(unlimited)
    expect(atWorst(CircuitBreaker.makeUnsafe())).toContain(unlimited)
    expect(atWorst(Deadline.makeUnsafe(), Timeout.makeUnsafe({ duration: Infinity }))).toContain(unlimited)
  })

  it("of a retry is that of all attempts and of the waits between them", () => {
    expect(atWorst(plain(3), second)).toContain("at most 5s.")
    expect(atWorst(plain(3, { baseDelay: 0 }), second)).toContain("at most 3s.")
    expect(atWorst(plain(4, { strategy: "exponential" }), second)).toContain("at most 11s.")
    expect(atWorst(plain(4, { strategy: "exponential", maxDelay: "2 seconds" }), second)).toContain("at most 9s.")
    expect(atWorst(plain(4, { strategy: "linear" }), second)).toContain("at most 10s.")
  })

  it("of a retry includes the most that jitter adds", () => {
    expect(atWorst(plain(3, { jitter: "equal" }), second)).toContain("at most 5s 400ms.")
    expect(atWorst(plain(3, { jitter: "full" }), second)).toContain("at most 5s.")
  })

  it("of the overload profile is five waits that grow threefold to a minute, and six attempts", () => {
    expect(atWorst(plain(3, { overload: {} }), second)).toContain("6 attempts, and at most 4m 6s.")
  })

  it("of the rate-limit profile is reckoned with its own delays", () => {
    const rateLimit = { maxAttempts: 3, baseDelay: "10 seconds", factor: 2, jitter: "none" } as const
    expect(atWorst(plain(2, { rateLimit }), second)).toContain("3 attempts, and at most 33s.")
  })

  it.effect("of a retry is not exceeded by failures of several classes", () =>
    Effect.gen(function* () {
      const overload = { maxAttempts: 6, strategy: "fixed", baseDelay: "1 second", jitter: "none" } as const
      const retry = plain(2, { baseDelay: "10 seconds", overload })
      const service = ScriptedService.make([
        ScriptedService.fail({ status: 503 }),
        ScriptedService.fail({ status: 529 })
      ])
      const fiber = yield* service.call.pipe(retry.execute, Effect.ignore, Effect.timed, Effect.forkChild)
      yield* TestClock.adjust("1 minute")
      const [elapsed] = yield* Fiber.join(fiber)
      expect(service.calls()).toBe(retry.worstCase.attempts)
      expect(Duration.toMillis(elapsed)).toBeLessThanOrEqual(retry.worstCase.waitMillis)
    })
  )

  it("of nested retries multiplies", () => {
    expect(atWorst(plain(2), plain(3), second)).toContain("at most 11s.")
  })

  it("of a limit between nested retries bounds the inner one", () => {
    expect(atWorst(plain(2), Timeout.makeUnsafe({ duration: "2 seconds" }), plain(3), second)).toContain("at most 5s.")
  })

  it("is bounded by a deadline outside", () => {
    expect(atWorst(Deadline.makeUnsafe({ duration: "4 seconds" }), plain(3), second)).toContain("at most 4s.")
    expect(atWorst(Deadline.makeUnsafe({ duration: "6 seconds" }), plain(3), second)).toContain("at most 5s.")
  })

  it("includes the wait in the queue, before each attempt", () => {
    expect(atWorst(queue({ queueTimeout: "3 seconds" }), second)).toContain("at most 4s.")
    expect(atWorst(plain(2), queue({ queueTimeout: "3 seconds" }), second)).toContain("at most 9s.")
  })

  it("of a queue without a limit is unlimited, unless a limit is around it", () => {
    expect(atWorst(queue(), second)).toContain("nothing limits the time.")
    expect(atWorst(queue({ queueTimeout: "Infinity" }), second)).toContain("nothing limits the time.")
    expect(atWorst(Deadline.makeUnsafe({ duration: "9 seconds" }), queue(), second)).toContain("at most 9s.")
    expect(atWorst(queue({ maxQueue: 0 }), second)).toContain("at most 1s.")
    expect(atWorst(queue({ maxQueue: 0, queueTimeout: "3 seconds" }), second)).toContain("at most 1s.")
  })

  it("is not that of a stream whose elements have limits of their own, unless a deadline ends it", () => {
    const deadline = Deadline.makeUnsafe({ duration: "4 seconds" })
    for (const limits of [{ firstElement: "1 minute" }, { idle: "5 seconds" }] as const) {
      const streaming = Timeout.makeUnsafe({ duration: "9 seconds", ...limits })
      expect(atWorst(plain(1), streaming)).toContain("at most 9s, not counting streams.")
      expect(atWorst(deadline, streaming)).toContain("at most 4s.")
    }
  })

  it("is rounded up to milliseconds", () => {
    const millis = Timeout.makeUnsafe({ duration: 1 })
    expect(atWorst(plain(2, { baseDelay: 333.3 }), millis)).toContain("at most 336ms.")
  })

  it("does not count what only the call will tell, and says so", () => {
    const hinted = plain(2, { retryAfterMax: "2 minutes" })
    const deadline = Deadline.makeUnsafe({ duration: "2 seconds" })
    expect(atWorst(hinted, second)).toContain("at most 3s, not counting waits that the dependency asks for.")
    expect(atWorst(fallback, second)).toContain("at most 1s, not counting the answer of the fallback.")
    expect(atWorst(fallback, hinted, second)).toContain(
      "at most 3s, not counting the answer of the fallback and waits that the dependency asks for."
    )
    expect(atWorst(fallback, deadline, hinted, second)).toContain(
      "at most 2s, not counting the answer of the fallback."
    )
    expect(atWorst(deadline, fallback, hinted, second)).toContain("at most 2s.")
    expect(atWorst(plain(1, { retryAfterMax: "2 minutes" }), second)).toContain("at most 1s.")
    expect(atWorst(fallback)).toContain("and nothing limits the time.")
  })

  it.effect("is what really happens at worst", () =>
    Effect.gen(function* () {
      const pipeline = Pipeline.inOrder([plain(3), second])
      const fiber = yield* Effect.never.pipe(pipeline.execute, Effect.exit, Effect.forkChild)
      yield* TestClock.adjust("4999 millis")
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 millis")
      expect(fiber.pollUnsafe()).toBeDefined()
    })
  )
})
