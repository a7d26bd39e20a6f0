import { describe, expect, it } from "@effect/vitest"
import { Cause, Data, Duration, Effect, Exit, Random } from "effect"
import { Headers } from "effect/http"
import { TestClock } from "effect/testing"
import { Classifier, Retry } from "../../src/index.ts"
import { failWith, runAttempts } from "./support/attempts.ts"

class Weary extends Data.TaggedError("Weary")<{ readonly retryAfter?: Duration.Duration; readonly status?: number }> {}

const exact = { jitter: "none" } as const
/** No delay is spread, whatever the class. */
const allExact = { ...exact, overload: exact, rateLimit: exact } as const
const overloaded = { status: 529 }
const rateLimited = { status: 429 }
const plain = { status: 503 }
const permanent = { status: 404 }

const withHeader = (value: string, status = 503) => ({ status, response: { headers: { "retry-after": value } } })

/** The instants of attempts that fail with these errors, the last of which repeats. */
const instantsOf = (options: Retry.OptionsInput, ...errors: readonly [unknown, ...ReadonlyArray<unknown>]) =>
  Effect.map(failWith(errors, Retry.makeUnsafe(options).execute), ({ instants }) => instants)

describe("an overloaded dependency", () => {
  it.effect("gets six calls and a long back-off of its own", () =>
    Effect.gen(function* () {
      expect(yield* instantsOf(allExact, overloaded)).toEqual([0, 5, 15, 35, 75, 135])
    })
  )

  it.effect("gets as many calls as any other when that is more than six", () =>
    Effect.gen(function* () {
      expect(yield* instantsOf({ ...allExact, maxAttempts: 7 }, overloaded)).toHaveLength(7)
      expect(yield* instantsOf({ ...allExact, maxAttempts: 6 }, overloaded)).toHaveLength(6)
      expect(yield* instantsOf({ ...allExact, maxAttempts: 2 }, overloaded)).toHaveLength(6)
    })
  )

  it.effect("gets as many calls as its own option says", () =>
    Effect.gen(function* () {
      const overload = { ...exact, maxAttempts: 2 }
      expect(yield* instantsOf({ ...allExact, maxAttempts: 9, overload }, overloaded)).toEqual([0, 5])
    })
  )

  it.effect("is waited for by its own options", () =>
    Effect.gen(function* () {
      const overload = { ...exact, strategy: "linear", baseDelay: "3 seconds", maxDelay: "8 seconds" } as const
      expect(yield* instantsOf({ overload }, overloaded)).toEqual([0, 3, 9, 17, 25, 33])
    })
  )

  it.effect("is waited for at random between the first and three times the last delay by default", () =>
    Effect.gen(function* () {
      const instants = yield* instantsOf({}, overloaded)
      const delays = instants.slice(1).map((instant, i) => instant - instants[i]!)
      for (const [i, delay] of delays.entries()) {
        expect(delay).toBeGreaterThanOrEqual(5)
        expect(delay).toBeLessThanOrEqual(Math.min(60, 3 * (delays[i - 1] ?? 5)))
      }
      expect(Math.max(...delays)).toBeGreaterThan(15)
    }).pipe(Random.withSeed("overloaded"))
  )
})

describe("a rate limit", () => {
  it.effect("has a back-off of its own and the usual number of calls", () =>
    Effect.gen(function* () {
      expect(yield* instantsOf(allExact, rateLimited)).toEqual([0, 2, 6])
      expect(yield* instantsOf({ ...allExact, maxAttempts: 7 }, rateLimited)).toEqual([0, 2, 6, 14, 30, 62, 122])
    })
  )

  it.effect("has as many calls as its own option says", () =>
    Effect.gen(function* () {
      const rateLimit = { ...exact, maxAttempts: 4, baseDelay: 1_000, factor: 3 }
      expect(yield* instantsOf({ rateLimit }, rateLimited)).toEqual([0, 1, 4, 13])
    })
  )

  it.effect("is waited for with a fifth of jitter by default", () =>
    Effect.gen(function* () {
      const [, first] = yield* instantsOf({}, rateLimited)
      expect(first).toBeGreaterThanOrEqual(1.6)
      expect(first).toBeLessThanOrEqual(2.4)
      expect(first).not.toBe(2)
    }).pipe(Random.withSeed("limited"))
  )
})

describe("failures of several classes", () => {
  it.effect("share the attempts, and each class goes on with its own delays", () =>
    Effect.gen(function* () {
      const errors = [plain, overloaded, plain, overloaded, overloaded] as const
      const retry = { ...allExact, maxAttempts: 4 }
      expect(yield* instantsOf(retry, ...errors)).toEqual([0, 1, 1 + 5, 1 + 5 + 2, 1 + 5 + 2 + 10, 1 + 5 + 2 + 10 + 20])
    })
  )

  it.effect("end with the attempts of the class that failed last", () =>
    Effect.gen(function* () {
      expect(yield* instantsOf(allExact, overloaded, overloaded, overloaded, plain)).toEqual([0, 5, 15, 35])
    })
  )

  it.effect("end at once with one that cannot be tried again", () =>
    Effect.gen(function* () {
      expect(yield* instantsOf(allExact, overloaded, rateLimited, permanent)).toEqual([0, 5, 7])
    })
  )

  it.effect("are not retried at all with one attempt, whatever the profiles allow", () =>
    Effect.gen(function* () {
      const options = { ...allExact, maxAttempts: 1, overload: { maxAttempts: 6 }, rateLimit: { maxAttempts: 6 } }
      for (const error of [plain, overloaded, rateLimited, withHeader("7"), withHeader("7", 529)]) {
        expect(yield* instantsOf(options, error)).toEqual([0])
      }
    })
  )
})

describe("a hint", () => {
  it.effect.each([
    ["in seconds", withHeader("7"), [0, 7, 14]],
    ["with a fraction", withHeader("1.5"), [0, 1.5, 3.5]],
    ["in the headers of Effect", { response: { headers: Headers.fromInput({ "Retry-After": "7" }) } }, [0, 7, 14]],
    ["in the headers of the web", { response: new Response(null, { headers: { "Retry-After": "7" } }) }, [0, 7, 14]],
    ["as a duration", new Weary({ retryAfter: Duration.seconds(7) }), [0, 7, 14]],
    ["of a used-up rate limit", withHeader("7", 429), [0, 7, 14]],
    ["of zero", withHeader("0"), [0, 1, 3]],
    ["as a duration of zero", new Weary({ retryAfter: Duration.zero }), [0, 1, 3]],
    ["as a negative duration", new Weary({ retryAfter: Duration.seconds(-7) }), [0, 1, 3]],
    ["that is shorter than the delay", withHeader("1"), [0, 1, 3]],
    ["that makes no sense", withHeader("soon"), [0, 1, 3]],
    ["that is negative", withHeader("-7"), [0, 1, 3]]
  ] as ReadonlyArray<readonly [string, unknown, ReadonlyArray<number>]>)("%s", ([, error, expected]) =>
    Effect.gen(function* () {
      expect(yield* instantsOf(allExact, error)).toEqual(expected)
    })
  )

  it.effect("of an overloaded dependency is waited for each time", () =>
    Effect.gen(function* () {
      const overload = { ...exact, baseDelay: 1_000, factor: 1 }
      expect(yield* instantsOf({ overload }, withHeader("7", 529))).toEqual([0, 7, 14, 21, 28, 35])
    })
  )

  it.effect("as a date is seen from the wall clock at the failure", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-10-18T07:00:00Z"))
      const error = withHeader("Sun, 18 Oct 2026 07:00:20 GMT")
      expect(yield* instantsOf({ ...allExact, maxAttempts: 4 }, error)).toEqual([0, 20, 22, 26])
    })
  )

  it.effect("as a date in the past is none", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-10-18T07:00:00Z"))
      expect(yield* instantsOf(allExact, withHeader("Sun, 18 Oct 2026 06:59:59 GMT"))).toEqual([0, 1, 3])
    })
  )

  it.effect("beyond the maximum of two minutes is capped", () =>
    Effect.gen(function* () {
      expect(yield* instantsOf(allExact, withHeader("500"))).toEqual([0, 120, 240])
      expect(yield* instantsOf(allExact, new Weary({ retryAfter: Duration.infinity }))).toEqual([0, 120, 240])
    })
  )

  it.effect("beyond another maximum is capped to that", () =>
    Effect.gen(function* () {
      expect(yield* instantsOf({ ...allExact, retryAfterMax: "30 seconds" }, withHeader("500"))).toEqual([0, 30, 60])
      expect(yield* instantsOf({ ...allExact, retryAfterMax: Infinity }, withHeader("500"))).toEqual([0, 500, 1_000])
    })
  )

  it.effect("does not count with a maximum of zero", () =>
    Effect.gen(function* () {
      expect(yield* instantsOf({ ...allExact, retryAfterMax: 0 }, withHeader("7"))).toEqual([0, 1, 3])
    })
  )

  it.effect("without a maximum can ask for eternity, which ends the call", () =>
    Effect.gen(function* () {
      const endless = new Weary({ retryAfter: Duration.infinity })
      const { end, instants } = yield* failWith([endless], Retry.makeUnsafe({ retryAfterMax: Infinity }).execute)
      expect([instants, end]).toEqual([[0], 0])
    })
  )

  it.effect("is spread upwards only, by at most a tenth", () =>
    Effect.gen(function* () {
      const instants = yield* instantsOf({ maxAttempts: 40, maxDelay: "1 second" }, withHeader("100"))
      const waits = instants.slice(1).map((instant, i) => instant - instants[i]!)
      expect(Math.min(...waits)).toBeGreaterThanOrEqual(100 - 1e-6)
      expect(Math.max(...waits)).toBeLessThan(110)
      expect(Math.max(...waits) - Math.min(...waits)).toBeGreaterThan(5)
    }).pipe(Random.withSeed("hints"))
  )

  it.effect("of an error that cannot be tried again changes nothing", () =>
    Effect.gen(function* () {
      expect(yield* instantsOf(allExact, withHeader("7", 404))).toEqual([0])
    })
  )
})

describe("a classifier of one's own", () => {
  it.effect("decides before the default one", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(allExact, { classify: () => Classifier.rateLimited })
      const { instants } = yield* failWith([permanent], retry.execute)
      expect(instants).toEqual([0, 2, 6])
    })
  )

  it.effect("leaves to the default one what it does not know", () =>
    Effect.gen(function* () {
      const classify = (error: unknown) => (error === "stop" ? Classifier.notRetryable : undefined)
      const retry = Retry.makeUnsafe(allExact, { classify })
      expect((yield* failWith(["stop"], retry.execute)).instants).toEqual([0])
      expect((yield* failWith([overloaded], retry.execute)).instants).toEqual([0, 5, 15, 35, 75, 135])
    })
  )

  it.effect("can give a hint, and say that an attempt without a hint is in vain", () =>
    Effect.gen(function* () {
      const hinted = Retry.makeUnsafe(allExact, {
        classify: () => ({ kind: "retryable", retryAfter: Duration.seconds(9) })
      })
      expect((yield* failWith([permanent], hinted.execute)).instants).toEqual([0, 9, 18])
      const inVain = Retry.makeUnsafe(allExact, { classify: () => ({ kind: "retryable", needsHint: true }) })
      expect((yield* failWith([plain], inVain.execute)).instants).toEqual([0])
    })
  )

  it.effect("is told the wall-clock time of the failure", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(1_000_000)
      const times: Array<number> = []
      const classify = (_: unknown, now: number) => {
        times.push(now)
        return undefined
      }
      yield* failWith(["busy"], Retry.makeUnsafe(allExact, { classify }).execute)
      expect(times).toEqual([1_000_000, 1_001_000, 1_003_000])
    })
  )

  it.effect("can be that of one call, which replaces that of the retry", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(allExact, { classify: () => Classifier.notRetryable })
      const lenient = Retry.withRetry<{ readonly status: number }, "last">(retry, {
        classify: ({ status }) => (status === 404 ? Classifier.retryable : undefined)
      })
      expect((yield* failWith([permanent], lenient)).instants).toEqual([0, 1, 3])
      expect((yield* failWith([plain], retry.execute)).instants).toEqual([0])
      expect((yield* failWith([plain], Retry.withRetry(retry, { key: "a" }))).instants).toEqual([0])
    })
  )

  it.effect("is not asked about a defect", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(allExact, {
        classify: () => {
          throw new Error("asked")
        }
      })
      const { exit } = yield* runAttempts(() => Effect.die("bug"), retry.execute)
      expect(exit).toEqual(Exit.die("bug"))
    })
  )
})

describe("a condition", () => {
  const isWanted = (error: unknown) => error !== "unwanted"

  it.effect("narrows what is retried", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(allExact, { while: isWanted })
      expect((yield* failWith(["wanted", "unwanted"], retry.execute)).instants).toEqual([0, 1])
      expect((yield* failWith(["wanted"], retry.execute)).instants).toEqual([0, 1, 3])
    })
  )

  it.effect("does not make retryable what is not", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(allExact, { while: () => true })
      expect((yield* failWith([permanent], retry.execute)).instants).toEqual([0])
    })
  )

  it.effect("is asked before the classifier", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const retry = Retry.makeUnsafe(allExact, {
        while: (error) => {
          asked.push(`while ${String(error)}`)
          return isWanted(error)
        },
        classify: (error) => {
          asked.push(`classify ${String(error)}`)
          return undefined
        }
      })
      yield* failWith(["wanted", "unwanted"], retry.execute)
      expect(asked).toEqual(["while wanted", "classify wanted", "while unwanted"])
    })
  )

  it.effect("can be that of one call, which replaces that of the retry", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe(allExact, { while: () => false })
      const narrowed = Retry.withRetry<string, "last">(retry, { while: (error) => error === "wanted" })
      expect((yield* failWith(["wanted", "unwanted"], narrowed)).instants).toEqual([0, 1])
      expect((yield* failWith(["wanted"], retry.execute)).instants).toEqual([0])
    })
  )
})

describe("a function that throws", () => {
  const bug = new Error("bug")
  const throwing = (): never => {
    throw bug
  }
  it.effect.each([
    ["while", { while: throwing }],
    ["classify", { classify: throwing }]
  ] as ReadonlyArray<readonly [string, Retry.Functions]>)(
    "is a defect of the call, and the error that it was asked about is not lost: %s",
    ([, functions]) =>
      Effect.gen(function* () {
        const expected = Exit.failCause(Cause.combine(Cause.fail("busy"), Cause.die(bug)))
        for (const policy of [
          Retry.makeUnsafe(allExact, functions).execute,
          Retry.withRetry(Retry.makeUnsafe(allExact), functions),
          Retry.makeUnsafe({ ...allExact, onExhausted: "wrap" }, functions).execute
        ]) {
          const { exit, instants } = yield* failWith<unknown, unknown, unknown>(["busy"], policy)
          expect(instants).toEqual([0])
          expect(exit).toEqual(expected)
        }
      })
  )
})
