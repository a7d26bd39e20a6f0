import { describe, expect, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Schema } from "effect"
import { CircuitBreaker } from "../../src/index.ts"

/** What is said about wrong options, one line for each. */
const problems = (options: object): ReadonlyArray<string> => {
  try {
    CircuitBreaker.makeUnsafe(options)
    return []
  } catch (error) {
    const [label, ...lines] = (error as Error).message.split("\n")
    expect(label).toBe("CircuitBreaker.make: invalid options")
    return lines.map((line) => line.trim())
  }
}

const count = { tripPolicy: "count-window" } as const
const time = { tripPolicy: "time-window" } as const
const integer = "expected a whole number of at least 1"
const rate = "expected a share above 0 and at most 1 (0.5 means 50 %)"
const share = "expected a share between 0 and 1 (0.5 means 50 %)"
const positive = "expected a duration greater than zero"
const finite = "expected a finite duration greater than zero"

describe("the defaults", () => {
  it("are those of the documentation", () => {
    expect(CircuitBreaker.makeUnsafe().options).toEqual({
      mode: "enforce",
      tripPolicy: "consecutive",
      consecutiveFailures: 5,
      windowSize: 100,
      windowDuration: Duration.seconds(30),
      windowBuckets: 10,
      failureRate: 0.5,
      slowCallRate: 0.5,
      openDuration: Duration.seconds(60),
      openDurationFactor: 1,
      openDurationJitter: 0,
      retryAfterMax: Duration.minutes(10),
      probes: 1,
      successesToClose: 1,
      probeTimeout: Duration.seconds(30),
      maxKeys: 10_000,
      keyIdleTime: Duration.hours(1)
    })
  })

  it("hold for options that are undefined, whatever the trip policy reads", () => {
    const names = Object.keys(CircuitBreaker.Options.fields)
    const nothing = Object.fromEntries(names.map((name) => [name, undefined]))
    expect(CircuitBreaker.makeUnsafe(nothing).options).toEqual(CircuitBreaker.makeUnsafe().options)
  })

  it("are those of the schema, which decodes the options of configuration too", () => {
    expect(Schema.decodeUnknownSync(CircuitBreaker.Options)({})).toEqual(CircuitBreaker.makeUnsafe().options)
  })
})

describe("an option", () => {
  it.each([
    [{ mode: "off" }, 'mode: expected "enforce" | "observe" | "disabled", got "off"'],
    [{ tripPolicy: "rate" }, 'tripPolicy: expected "consecutive" | "count-window" | "time-window", got "rate"'],
    [{ consecutiveFailures: 0 }, `consecutiveFailures: ${integer}, got 0`],
    [{ consecutiveFailures: 1.5 }, `consecutiveFailures: ${integer}, got 1.5`],
    [{ consecutiveFailures: Infinity }, `consecutiveFailures: ${integer}, got Infinity`],
    [{ ...count, windowSize: 0 }, `windowSize: ${integer}, got 0`],
    [{ ...time, windowDuration: 0 }, `windowDuration: ${finite}, got 0`],
    [{ ...time, windowDuration: Infinity }, `windowDuration: ${finite}, got Infinity`],
    [{ ...time, windowBuckets: 0 }, `windowBuckets: ${integer}, got 0`],
    [{ ...time, minimumCalls: 0 }, `minimumCalls: ${integer}, got 0`],
    [{ ...time, minimumCalls: NaN }, `minimumCalls: ${integer}, got NaN`],
    [{ ...time, failureRate: 0 }, `failureRate: ${rate}, got 0`],
    [{ ...time, failureRate: 1.01 }, `failureRate: ${rate}, got 1.01`],
    [{ ...time, failureRate: NaN }, `failureRate: ${rate}, got NaN`],
    [{ ...time, slowCallDuration: 0 }, `slowCallDuration: ${positive}, got 0`],
    [{ ...time, slowCallDuration: 1, slowCallRate: 0 }, `slowCallRate: ${rate}, got 0`],
    [{ openDuration: 0 }, `openDuration: ${positive}, got 0`],
    [{ openDuration: -1 }, `openDuration: ${positive}, got -1`],
    [{ openDuration: NaN }, 'openDuration: expected a duration such as "500 millis", got NaN'],
    [{ openDuration: "soon" }, 'openDuration: expected a duration such as "500 millis", got "soon"'],
    [{ openDurationFactor: 0.99 }, "openDurationFactor: expected a number of at least 1, got 0.99"],
    [{ openDurationFactor: Infinity }, "openDurationFactor: expected a number of at least 1, got Infinity"],
    [{ openDurationMax: 0 }, `openDurationMax: ${positive}, got 0`],
    [{ openDurationJitter: -0.1 }, `openDurationJitter: ${share}, got -0.1`],
    [{ openDurationJitter: 1.1 }, `openDurationJitter: ${share}, got 1.1`],
    [{ retryAfterMax: -1 }, "retryAfterMax: expected a duration of zero or more, got -1"],
    [{ probes: 0 }, `probes: ${integer}, got 0`],
    [{ successesToClose: 0 }, `successesToClose: ${integer}, got 0`],
    [{ probeTimeout: 0 }, `probeTimeout: ${finite}, got 0`],
    [{ probeTimeout: Infinity }, `probeTimeout: ${finite}, got Infinity`],
    [{ maxKeys: 0 }, `maxKeys: ${integer}, got 0`],
    [{ keyIdleTime: 0 }, `keyIdleTime: ${positive}, got 0`]
  ])("that is wrong is named, with what was expected and what was there: %o", (options, problem) => {
    expect(problems(options)).toEqual([problem])
  })

  it.each([
    { consecutiveFailures: 1 },
    { ...count, windowSize: 1 },
    { ...count, windowSize: 20, minimumCalls: 20 },
    { ...time, windowDuration: 1, windowBuckets: 1, minimumCalls: 1_000_000 },
    { ...time, failureRate: Number.MIN_VALUE },
    { ...time, failureRate: 1, slowCallDuration: 1, slowCallRate: 1 },
    { ...time, slowCallDuration: Infinity },
    { openDuration: "1 nanos" },
    { openDuration: Infinity, openDurationMax: Infinity },
    { openDurationFactor: 1, openDurationJitter: 0 },
    { openDurationFactor: 1e9, openDurationJitter: 1 },
    { openDuration: "1 minute", openDurationMax: "60 seconds" },
    { retryAfterMax: 0 },
    { retryAfterMax: Infinity },
    { probes: 3, successesToClose: 3 },
    { maxKeys: 1, keyIdleTime: Infinity }
  ])("may be at its limit: %o", (options) => {
    expect(problems(options)).toEqual([])
  })

  it.each<Duration.Input>([90_000, "90 seconds", { seconds: 90 }, [90, 0], Duration.seconds(90), 90_000_000_000n])(
    "may be a duration in every form that Effect knows: %o",
    (openDuration) => {
      expect(Duration.toSeconds(CircuitBreaker.makeUnsafe({ openDuration }).options.openDuration)).toBe(90)
    }
  )

  it.each([
    [{ probes: 2, successesToClose: 3 }, "successesToClose: expected at most probes (2), got 3"],
    [{ successesToClose: 2 }, "successesToClose: expected at most probes (1), got 2"],
    [{ ...count, minimumCalls: 101 }, "minimumCalls: expected at most windowSize (100), got 101"],
    [{ ...count, windowSize: 5, minimumCalls: 6 }, "minimumCalls: expected at most windowSize (5), got 6"],
    [{ openDurationMax: "59 seconds" }, 'openDurationMax: expected at least openDuration (1m), got "59 seconds"']
  ])("must fit the others: %o", (options, problem) => {
    expect(problems(options)).toEqual([problem])
  })

  it.each([
    [{ windowSize: 9 }, 'windowSize: expected tripPolicy "count-window" with it, got 9'],
    [{ ...time, windowSize: 9 }, 'windowSize: expected tripPolicy "count-window" with it, got 9'],
    [{ windowDuration: 9 }, 'windowDuration: expected tripPolicy "time-window" with it, got 9'],
    [{ ...count, windowDuration: 9 }, 'windowDuration: expected tripPolicy "time-window" with it, got 9'],
    [{ windowBuckets: 9 }, 'windowBuckets: expected tripPolicy "time-window" with it, got 9'],
    [{ ...count, windowBuckets: 9 }, 'windowBuckets: expected tripPolicy "time-window" with it, got 9'],
    [{ minimumCalls: 9 }, 'minimumCalls: expected tripPolicy "count-window" or "time-window" with it, got 9'],
    [{ failureRate: 0.9 }, 'failureRate: expected tripPolicy "count-window" or "time-window" with it, got 0.9'],
    [{ slowCallDuration: 9 }, 'slowCallDuration: expected tripPolicy "count-window" or "time-window" with it, got 9'],
    [{ slowCallRate: 0.9 }, 'slowCallRate: expected tripPolicy "count-window" or "time-window" with it, got 0.9'],
    [{ ...count, slowCallRate: 0.9 }, "slowCallRate: expected slowCallDuration with it, got 0.9"],
    [{ ...count, consecutiveFailures: 9 }, 'consecutiveFailures: expected tripPolicy "consecutive" with it, got 9'],
    [{ ...time, consecutiveFailures: 9 }, 'consecutiveFailures: expected tripPolicy "consecutive" with it, got 9']
  ])("that nobody would read is a mistake, even at its default: %o", (options, problem) => {
    expect(problems(options)).toEqual([problem])
  })

  it("that does not exist is a mistake, with a guess at what was meant", () => {
    expect(problems({ consecutiveFailure: 3 })).toEqual([
      'consecutiveFailure: expected no such option (did you mean "consecutiveFailures"?), got 3'
    ])
    expect(problems({ colour: "red" })).toEqual(['colour: expected no such option, got "red"'])
  })
})

describe("wrong options", () => {
  it("are all named at once", () => {
    const named = problems({ probes: 0, openDuration: "soon", openDurationJitter: 7, maxKey: 3 })
    expect(named.map((problem) => problem.split(":")[0]).toSorted()).toEqual([
      "maxKey",
      "openDuration",
      "openDurationJitter",
      "probes"
    ])
  })

  it("are all named at once when nobody would read them", () => {
    expect(problems({ windowSize: 3, windowBuckets: 3, minimumCalls: 3, slowCallRate: 0.3 }).length).toBe(4)
  })

  it("are all named at once when they do not fit each other", () => {
    expect(problems({ ...count, successesToClose: 2, minimumCalls: 101, openDurationMax: 1 }).length).toBe(3)
  })

  it("are all named at once, whatever kind of mistake each of them is", () => {
    const options = { consecutiveFailures: 0, successesToClose: 3, windowSize: 30, openDurationMax: 1 }
    expect(problems(options).map((problem) => problem.split(",")[0])).toEqual([
      `consecutiveFailures: ${integer}`,
      "successesToClose: expected at most probes (1)",
      "openDurationMax: expected at least openDuration (1m)",
      'windowSize: expected tripPolicy "count-window" with it'
    ])
  })

  it("say nothing about an option that depends on them", () => {
    expect(problems({ probes: 0, successesToClose: 3 })).toHaveLength(1)
    expect(problems({ tripPolicy: "windows", windowSize: 30, minimumCalls: 40, consecutiveFailures: 3 })).toHaveLength(
      1
    )
    expect(problems({ ...count, slowCallDuration: 0, slowCallRate: 0.3 })).toHaveLength(1)
  })

  it.effect("are a defect of make", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(CircuitBreaker.make({ probes: 0 }))
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toMatchObject({
        message: `CircuitBreaker.make: invalid options\n  probes: ${integer}, got 0`
      })
      expect(Exit.hasDies(exit)).toBe(true)
    })
  )
})

describe("an option that is wrong by itself", () => {
  it.each([
    ["openDuration", { openDuration: 0, openDurationMax: "1 second" }],
    ["windowSize", { ...count, windowSize: 0, minimumCalls: 150 }],
    ["probes", { probes: 0, successesToClose: 2 }]
  ] as const)("is all that is wrong, whatever must fit it: %s", (option, options) => {
    expect(problems(options).map((line) => line.split(":")[0])).toEqual([option])
  })
})
