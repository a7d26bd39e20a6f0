import { describe, expect, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit } from "effect"
import { Retry } from "../../src/index.ts"

/** What is said about wrong options, line by line. */
const complaints = (options: unknown): ReadonlyArray<string> => {
  try {
    Retry.makeUnsafe(options as never)
    return []
  } catch (error) {
    return (error as Error).message.split("\n").map((line) => line.trim())
  }
}

const problems = (options: unknown): ReadonlyArray<string> => complaints(options).slice(1)

describe("the options", () => {
  it("have defaults", () => {
    const backoff = { strategy: "exponential", factor: 2 } as const
    expect(Retry.makeUnsafe().options).toEqual({
      ...backoff,
      maxAttempts: 3,
      baseDelay: Duration.seconds(1),
      maxDelay: Duration.seconds(10),
      jitter: "equal",
      retryAfterMax: Duration.seconds(120),
      overload: {
        ...backoff,
        baseDelay: Duration.seconds(5),
        maxDelay: Duration.seconds(60),
        jitter: "decorrelated"
      },
      rateLimit: { ...backoff, baseDelay: Duration.seconds(2), maxDelay: Duration.seconds(60), jitter: "equal" },
      maxKeys: 10_000,
      keyIdleTime: Duration.hours(1)
    })
  })

  it("have defaults in every group of which one is set", () => {
    const { budget, overload, rateLimit } = Retry.makeUnsafe({
      budget: { ratio: 0.5 },
      overload: { factor: 3 },
      rateLimit: { maxAttempts: 8 }
    }).options
    expect(budget).toEqual({ enabled: true, ratio: 0.5, minimumPerSecond: 10, window: Duration.seconds(10) })
    expect(overload).toMatchObject({ factor: 3, baseDelay: Duration.seconds(5), jitter: "decorrelated" })
    expect(rateLimit).toMatchObject({ maxAttempts: 8, baseDelay: Duration.seconds(2), jitter: "equal" })
  })

  it("that are undefined are taken for missing, also in groups", () => {
    const options = { maxAttempts: undefined, budget: undefined, overload: { factor: undefined }, rateLimit: undefined }
    expect(Retry.makeUnsafe(options as never).options).toEqual(Retry.makeUnsafe().options)
  })

  it.each([
    ["maxAttempts", [0, -1, 1.5, NaN, Infinity, "3", null], "a whole number of at least 1"],
    ["factor", [0.99, 0, -1, NaN, Infinity], "a number of at least 1"],
    ["maxKeys", [0, 0.5], "a whole number of at least 1"]
  ])("reject numbers that make no sense: %s", (name, values) => {
    for (const value of values) expect(problems({ [name]: value })).toEqual([expect.stringMatching(`^${name}: `)])
  })

  it.each([
    ["maxAttempts", [1, Number.MAX_SAFE_INTEGER]],
    ["factor", [1, 1.5]],
    ["baseDelay", [0, "0 millis", { seconds: 1 }, Duration.zero]],
    ["maxDelay", [0, "1 week"]],
    ["retryAfterMax", [0, Infinity, "Infinity"]],
    ["keyIdleTime", [1, Infinity]],
    ["strategy", ["exponential", "linear", "fixed", "random"]],
    ["jitter", ["none", "equal", "full", "decorrelated"]],
    ["budget", [{}, { ratio: 0 }, { ratio: 5 }, { minimumPerSecond: 0 }, { minimumPerSecond: 0.5 }, { enabled: false }]]
  ])("accept the edges of what makes sense: %s", (name, values) => {
    for (const value of values) expect(problems({ [name]: value })).toEqual([])
  })

  it.each([
    ["baseDelay", [-1, "-1 seconds", Infinity, NaN, "soon", null]],
    ["maxDelay", [-1, Infinity]],
    ["retryAfterMax", [-1, NaN]],
    ["keyIdleTime", [0, -1]]
  ])("reject durations that make no sense: %s", (name, values) => {
    for (const value of values) expect(problems({ [name]: value })).toEqual([expect.stringMatching(`^${name}: `)])
  })

  it.each([
    [{ ratio: -0.1 }, "budget.ratio: expected a number of at least 0, got -0.1"],
    [{ minimumPerSecond: NaN }, "budget.minimumPerSecond: expected a number of at least 0, got NaN"],
    [{ window: 0 }, "budget.window: expected a finite duration greater than zero, got 0"],
    [{ window: Infinity }, "budget.window: expected a finite duration greater than zero, got Infinity"],
    [{ enabled: "no" }, 'budget.enabled: expected boolean, got "no"']
  ])("name the group of a wrong option: %j", (budget, problem) => {
    expect(problems({ budget })).toEqual([problem])
  })

  it("report everything that is wrong at once", () => {
    const wrong = {
      maxAttempts: 0,
      jitter: "some",
      overload: { strategy: "slow", maxAttempts: 0 },
      rateLimit: { baseDelay: "soon" },
      budget: { window: -1 }
    }
    expect(complaints(wrong)).toEqual([
      "Retry.make: invalid options",
      "maxAttempts: expected a whole number of at least 1, got 0",
      'jitter: expected "none" | "equal" | "full" | "decorrelated", got "some"',
      "overload.maxAttempts: expected a whole number of at least 1, got 0",
      'overload.strategy: expected "exponential" | "linear" | "fixed" | "random", got "slow"',
      'rateLimit.baseDelay: expected a duration such as "500 millis", got "soon"',
      "budget.window: expected a finite duration greater than zero, got -1"
    ])
  })

  it("that nobody knows are reported, with the one that was probably meant", () => {
    expect(problems({ maxAttempt: 3 })).toEqual([
      'maxAttempt: expected no such option (did you mean "maxAttempts"?), got 3'
    ])
    expect(problems({ overload: { baseDely: 5 }, budget: { windw: 5 } })).toEqual([
      'overload.baseDely: expected no such option (did you mean "baseDelay"?), got 5',
      'budget.windw: expected no such option (did you mean "window"?), got 5'
    ])
    expect(problems({ colour: "red" })).toEqual(['colour: expected no such option, got "red"'])
  })

  it("that are wrong are a defect of the effect that makes the retry, not of the one that builds it", () =>
    Effect.runPromise(
      Effect.gen(function* () {
        const making = Retry.make({ maxAttempts: 0 })
        const exit = yield* Effect.exit(making)
        expect(Exit.isFailure(exit) && Cause.hasDies(exit.cause)).toBe(true)
        expect((yield* Retry.make({ maxAttempts: 5 })).options.maxAttempts).toBe(5)
      })
    ))
})
