import { describe, expect, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit } from "effect"
import { Bulkhead, CircuitBreaker, Deadline, Pipeline, type Policy, Retry, Timeout } from "../../src/index.ts"

const filled = {
  fallback: () => Effect.succeed("instead"),
  deadline: "30 seconds",
  retry: { maxAttempts: 2 },
  circuitBreaker: { consecutiveFailures: 2 },
  bulkhead: { maxConcurrent: 2 },
  timeout: "5 seconds"
} as const
type Name = keyof typeof filled

const names = Object.keys(filled) as ReadonlyArray<Name>
const kindOf: Record<Name, string> = {
  fallback: "fallback",
  deadline: "deadline",
  retry: "retry",
  circuitBreaker: "circuit-breaker",
  bulkhead: "bulkhead",
  timeout: "timeout"
}
const choices: ReadonlyArray<ReadonlyArray<Name>> = Array.from({ length: 2 ** names.length }, (_, bits) =>
  names.filter((_, at) => (bits & (2 ** at)) !== 0)
)

const pick = (chosen: ReadonlyArray<Name>): Pipeline.MakeOptions =>
  Object.fromEntries(chosen.map((name) => [name, filled[name]]))

const kindsOf = (pipeline: { readonly parts: ReadonlyArray<Policy.Instance> }): ReadonlyArray<string> =>
  pipeline.parts.map(({ kind }) => kind)

const complaint = (options: unknown): string => {
  try {
    Pipeline.makeUnsafe(options as never)
  } catch (error) {
    return (error as Error).message
  }
  return "no complaint"
}

describe("slots", () => {
  it.effect("any combination makes these parts and no others, in the recommended order", () =>
    Effect.gen(function* () {
      expect(choices).toHaveLength(64)
      for (const chosen of choices) {
        const pipeline = yield* Pipeline.make(pick(chosen))
        expect(kindsOf(pipeline)).toEqual(chosen.map((name) => kindOf[name]))
      }
    })
  )

  it.effect("the order in which options are written means nothing", () =>
    Effect.gen(function* () {
      for (const chosen of choices) {
        const pipeline = yield* Pipeline.make(pick(chosen.toReversed()))
        expect(kindsOf(pipeline)).toEqual(chosen.map((name) => kindOf[name]))
      }
    })
  )

  it.effect("any combination lets a success through", () =>
    Effect.gen(function* () {
      for (const chosen of choices) {
        const pipeline: Pipeline.Pipeline<readonly []> = Pipeline.makeUnsafe(pick(chosen) as {})
        expect(yield* Effect.succeed(7).pipe(pipeline.execute)).toBe(7)
      }
    })
  )

  it.effect("a slot that is undefined is absent", () =>
    Effect.gen(function* () {
      for (const chosen of choices) {
        const absent = Object.fromEntries(names.map((name) => [name, undefined]))
        const options: Pipeline.MakeOptions = { ...absent, ...pick(chosen) }
        expect(kindsOf(yield* Pipeline.make(options))).toEqual(chosen.map((name) => kindOf[name]))
      }
    })
  )

  it.effect("empty options make a part with the defaults", () =>
    Effect.gen(function* () {
      const { parts } = yield* Pipeline.make({ deadline: {}, retry: {}, circuitBreaker: {}, bulkhead: {}, timeout: {} })
      expect(parts.map((part) => part.describe())).toEqual([
        Deadline.makeUnsafe().describe(),
        Retry.makeUnsafe().describe(),
        CircuitBreaker.makeUnsafe().describe(),
        Bulkhead.makeUnsafe().describe(),
        Timeout.makeUnsafe().describe()
      ])
    })
  )

  it.effect("options reach their pattern", () =>
    Effect.gen(function* () {
      const { parts } = yield* Pipeline.make({
        deadline: { duration: "20 seconds" },
        retry: { maxAttempts: 7 },
        circuitBreaker: { consecutiveFailures: 8 },
        bulkhead: { maxConcurrent: 9 },
        timeout: { duration: "3 seconds", operationType: "db" }
      })
      const [deadline, retry, breaker, bulkhead, timeout] = parts
      expect(deadline.snapshot(0).duration).toEqual(Duration.seconds(20))
      expect(retry.options.maxAttempts).toBe(7)
      expect(breaker.options.consecutiveFailures).toBe(8)
      expect(bulkhead.snapshot(0).limit).toBe(9)
      expect(timeout.snapshot(0).duration).toEqual(Duration.seconds(3))
      expect(timeout.operationType).toBe("db")
    })
  )

  it.effect.each([
    ["a text", "1500 millis"],
    ["a number of milliseconds", 1_500],
    ["a Duration", Duration.millis(1_500)],
    ["units", { seconds: 1, milliseconds: 500 }],
    ["nanoseconds", 1_500_000_000n]
  ] as const)("a time can be %s", ([, time]) =>
    Effect.gen(function* () {
      const { parts } = yield* Pipeline.make({ deadline: time, timeout: time })
      for (const part of parts) expect(Duration.toMillis(part.snapshot(0).duration)).toBe(1_500)
    })
  )

  it.effect("an infinite time is no limit", () =>
    Effect.gen(function* () {
      const { parts } = yield* Pipeline.make({ deadline: "Infinity", timeout: Infinity })
      for (const part of parts) expect(part.snapshot(0).duration).toEqual(Duration.infinity)
    })
  )

  it.effect("an instance becomes the part itself", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ duration: "1 minute" })
      const retry = yield* Retry.make()
      const circuitBreaker = yield* CircuitBreaker.make()
      const bulkhead = yield* Bulkhead.make()
      const timeout = yield* Timeout.make()
      const { parts } = yield* Pipeline.make({ deadline, retry, circuitBreaker, bulkhead, timeout })
      const instances: ReadonlyArray<unknown> = [deadline, retry, circuitBreaker, bulkhead, timeout]
      expect(parts.every((part, at) => part === instances[at])).toBe(true)
    })
  )

  it.effect("two pipelines made of the same options share nothing", () =>
    Effect.gen(function* () {
      const one = yield* Pipeline.make({ circuitBreaker: { consecutiveFailures: 1 } })
      const other = yield* Pipeline.make({ circuitBreaker: { consecutiveFailures: 1 } })
      yield* Effect.fail("down").pipe(one.execute, Effect.ignore)
      expect(one.parts[0].snapshot(0).state).toBe("Open")
      expect(other.parts[0].snapshot(0).state).toBe("Closed")
    })
  )

  it.effect("two pipelines made of the same instance share its state", () =>
    Effect.gen(function* () {
      const circuitBreaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const one = yield* Pipeline.make({ service: "one", circuitBreaker })
      const other = yield* Pipeline.make({ service: "other", circuitBreaker })
      yield* Effect.fail("down").pipe(one.execute, Effect.ignore)
      const error = yield* Effect.succeed(1).pipe(other.execute, Effect.flip)
      expect(error._tag).toBe("CircuitBreakerOpenError")
    })
  )

  it("a missing slot adds nothing to the error type, one that may be missing does", () => {
    const call: Effect.Effect<number, "down"> = Effect.fail("down")
    const perhaps: { readonly timeout?: Duration.Input; readonly bulkhead: Bulkhead.OptionsInput | undefined } = {
      bulkhead: {}
    }
    const none: Effect.Effect<number, "down"> = call.pipe(Pipeline.makeUnsafe({ timeout: undefined }).execute)
    const answered: Effect.Effect<number | string> = call.pipe(
      Pipeline.makeUnsafe({ fallback: () => Effect.succeed("instead"), timeout: 1 }).execute
    )
    const guarded = call.pipe(Pipeline.makeUnsafe(perhaps).execute)
    const union: Effect.Effect<number, "down" | Bulkhead.BulkheadRejectedError | Timeout.TimeoutExceededError> = guarded
    // @ts-expect-error -- the timeout may be there
    const tooFew: Effect.Effect<number, "down" | Bulkhead.BulkheadRejectedError> = guarded
    expect([none, answered, union, tooFew].every(Effect.isEffect)).toBe(true)
  })
})

describe("the name of the service", () => {
  it.effect("goes to the pipeline and to all parts that it makes", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ service: "llm", ...filled })
      expect(pipeline.service).toBe("llm")
      expect(pipeline.parts.map(({ service }) => service)).toEqual(names.map(() => "llm"))
    })
  )

  it.effect("is not changed for an instance", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ service: "shared" })
      const { parts } = yield* Pipeline.make({ service: "llm", circuitBreaker: {}, bulkhead })
      expect(parts.map(({ service }) => service)).toEqual(["llm", "shared"])
    })
  )

  it.effect("is default when none is given", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ retry: {} })
      expect([pipeline.service, pipeline.parts[0].service]).toEqual(["default", "default"])
      expect((yield* Pipeline.make({ service: undefined })).service).toBe("default")
      expect(Pipeline.inOrder([]).service).toBe("default")
      expect(Pipeline.inOrder([], { service: undefined }).service).toBe("default")
      expect(Pipeline.inOrder([], { service: "llm" }).service).toBe("llm")
    })
  )
})

describe("wrong options", () => {
  it("a slot that does not exist is named, with the nearest that does", () => {
    expect(complaint({ retri: {} })).toBe(
      'Pipeline.make: invalid options\n  retri: there is no such part (did you mean "retry"?)'
    )
    expect(complaint({ circuitbreaker: {} })).toContain('(did you mean "circuitBreaker"?)')
    expect(complaint({ fallbacks: {} })).toContain('(did you mean "fallback"?)')
    expect(complaint({ servce: "llm" })).toContain('(did you mean "service"?)')
  })

  it("a slot that resembles none gets no suggestion", () => {
    expect(complaint({ rateLimiter: {} })).toBe("Pipeline.make: invalid options\n  rateLimiter: there is no such part")
  })

  it("what every object inherits is no slot", () => {
    expect(complaint({ toString: {}, constructor: {} })).toBe(
      "Pipeline.make: invalid options\n  toString: there is no such part\n  constructor: there is no such part"
    )
  })

  it("a slot that does not exist is an error even when it is undefined", () => {
    expect(complaint({ hedge: undefined })).toContain("hedge: there is no such part")
  })

  it("a wrong option is named with its slot and its value", () => {
    expect(complaint({ retry: { maxAttempts: 0 } })).toBe(
      "Pipeline.make: invalid options\n  retry.maxAttempts: expected a whole number of at least 1, got 0"
    )
    expect(complaint({ retry: { overload: { baseDelay: "soon" } } })).toContain("retry.overload.baseDelay: expected")
    expect(complaint({ bulkhead: { maxQue: 3 } })).toContain('(did you mean "maxQueue"?)')
  })

  it("an option that another one makes meaningless is an error", () => {
    expect(complaint({ circuitBreaker: { windowSize: 10 } })).toContain(
      "circuitBreaker.windowSize: expected tripPolicy"
    )
  })

  it("everything that is wrong is named at once", () => {
    const lines = complaint({
      hedge: {},
      fallback: "instead",
      deadline: 0,
      retry: { maxAttempts: 0, factor: 0.5 },
      circuitBreaker: { consecutiveFailures: -1 },
      bulkhead: { maxConcurrent: 1.5 },
      timeout: "soon"
    }).split("\n")
    expect(lines.map((line) => line.trim().split(":")[0])).toEqual([
      "Pipeline.make",
      "hedge",
      "fallback",
      "deadline",
      "retry.maxAttempts",
      "retry.factor",
      "circuitBreaker.consecutiveFailures",
      "bulkhead.maxConcurrent",
      "timeout"
    ])
  })

  it.each([
    [0, "timeout: expected a duration greater than zero, got 0"],
    [-1, "timeout: expected a duration greater than zero, got"],
    [Number.NaN, 'timeout: expected a duration such as "500 millis", got NaN'],
    ["soon", 'timeout: expected a duration such as "500 millis", got "soon"'],
    [true, 'timeout: expected a duration such as "500 millis", got true'],
    [null, "timeout: expected object, got null"],
    [{ duration: 0 }, "timeout.duration: expected a duration greater than zero, got 0"],
    [{ millis: 5 }, "timeout.millis: expected no such option"]
  ])("%j is no time", (timeout, expected) => {
    expect(complaint({ timeout })).toContain(expected)
    expect(complaint({ deadline: timeout })).toContain(expected.replace("timeout", "deadline"))
  })

  it.each(["retry", "circuitBreaker", "bulkhead"])("%s takes neither a time nor a number", (slot) => {
    for (const value of ["5 seconds", 3, null, true, []]) {
      expect(complaint({ [slot]: value })).toContain(`${slot}: expected object, got`)
    }
  })

  it("an instance of another pattern is not taken for options", () => {
    expect(complaint({ retry: CircuitBreaker.makeUnsafe() })).toBe(
      'Pipeline.make: invalid options\n  retry: expected a retry, got "circuit-breaker"'
    )
    expect(complaint({ timeout: Deadline.makeUnsafe() })).toContain('timeout: expected a timeout, got "deadline"')
    expect(complaint({ deadline: Pipeline.makeUnsafe({}) })).toContain('deadline: expected a deadline, got "pipeline"')
  })

  it.effect("are a defect of make", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Pipeline.make({ retry: { maxAttempts: 0 } }))
      expect(Exit.isFailure(exit) && Cause.hasDies(exit.cause)).toBe(true)
    })
  )

  it.effect("are found when the effect runs, not before", () =>
    Effect.gen(function* () {
      const make = Pipeline.make({ bulkhead: { maxConcurrent: 0 } })
      expect(yield* Effect.exit(make).pipe(Effect.map(Exit.isFailure))).toBe(true)
    })
  )
})
