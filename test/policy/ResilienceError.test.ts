import { inspect } from "node:util"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Data, Duration, Effect, Exit } from "effect"
import { Bulkhead, CircuitBreaker, Classifier, Deadline, ResilienceError, Retry, Timeout } from "../../src/index.ts"

const service = "llm"
const retryAfter = Duration.seconds(7)
const duration = Duration.seconds(3)

const errors = {
  open: new CircuitBreaker.CircuitBreakerOpenError({ service, state: "Open", retryAfter }),
  isolated: new CircuitBreaker.CircuitBreakerOpenError({ service, state: "Isolated" }),
  full: new Bulkhead.BulkheadRejectedError({ service, reason: "full", limit: 4 }),
  timeout: new Timeout.TimeoutExceededError({ service, scope: "attempt", duration }),
  deadline: new Deadline.TimeoutExceededError({ service, scope: "total", duration }),
  tooLate: new Deadline.TimeoutExceededError({ service, scope: "total", duration, isStarted: false }),
  exhausted: new Retry.RetryExhaustedError({
    service,
    lastError: "busy",
    causes: [Cause.fail("first"), Cause.fail("busy")],
    retryAfter
  })
}
const all = Object.entries(errors)

describe("the errors of all patterns", () => {
  it.each([
    [errors.open, "CircuitBreakerOpenError", "resilience.circuit_breaker_open", 503, "external_error", "conditional"],
    [errors.full, "BulkheadRejectedError", "resilience.bulkhead_rejected", 503, "server_error", "conditional"],
    [errors.timeout, "TimeoutExceededError", "resilience.timeout", 504, "external_error", "always"],
    [errors.exhausted, "RetryExhaustedError", "resilience.retry_exhausted", 503, "external_error", "never"]
  ] as const)("carry traits: %o", (error, tag, errorCode, httpStatus, category, retryPolicy) => {
    expect(error._tag).toBe(tag)
    expect(error).toMatchObject({ errorCode, httpStatus, category, retryPolicy })
    expect(ResilienceError.hasTraits(error)).toBe(true)
  })

  it.each(all)("are errors with a name, a service and a message: %s", (_, error) => {
    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(ResilienceError.ResilienceError)
    expect(ResilienceError.isResilienceError(error)).toBe(true)
    expect(error.name).toBe(error._tag)
    expect(error.service).toBe(service)
    expect(error.message).toContain('"llm"')
    expect(String(error)).toBe(`${error._tag}: ${error.message}`)
  })

  it.each([
    [errors.open, 'the circuit of "llm" rejects calls for 7s (Open)'],
    [errors.isolated, 'the circuit of "llm" rejects calls until it is reset (Isolated)'],
    [errors.full, 'the bulkhead of "llm" lets 4 calls run at once, and its queue is full'],
    [errors.timeout, 'the call of "llm" exceeded its time limit of 3s'],
    [errors.deadline, 'the call of "llm" exceeded its deadline of 3s'],
    [errors.tooLate, 'the call of "llm" was not made: its deadline of 3s had passed'],
    [errors.exhausted, 'the call of "llm" failed 2 times, last with string']
  ])("say to developers what happened: %o", (error, message) => {
    expect(error.message).toBe(message)
  })

  it.each(all)("say nothing about internals to users: %s", (_, error) => {
    expect(error.userMessage).toMatch(/^The service .*\. Please try again.*\.$/)
    expect(error.userMessage).not.toContain("llm")
  })

  it.each([
    ["open", true],
    ["isolated", true],
    ["full", true],
    ["timeout", false],
    ["deadline", false],
    ["tooLate", true],
    ["exhausted", false]
  ] as const)("know whether we refused on our own side: %s", (name, expected) => {
    expect(errors[name].isOwnSide).toBe(expected)
  })

  it("know of a retry what they know of its last error", () => {
    const ownSide = (lastError: unknown) => new Retry.RetryExhaustedError({ service, lastError, causes: [] }).isOwnSide
    expect([ownSide(errors.full), ownSide(errors.timeout)]).toEqual([true, false])
    expect([ownSide({ isOwnSide: true }), ownSide(undefined)]).toEqual([false, false])
  })

  it("tell when to come back, if they know", () => {
    expect(errors.open.retryAfter).toEqual(retryAfter)
    expect(errors.exhausted.retryAfter).toEqual(retryAfter)
    expect(errors.isolated.retryAfter).toBeUndefined()
    expect(errors.timeout.retryAfter).toBeUndefined()
  })

  it.each(all)("capture no stack, but have one to print: %s", (_, error) => {
    expect(Object.hasOwn(error, "stack")).toBe(false)
    expect(error.stack).toBe(`${error._tag}: ${error.message}`)
  })

  it("do not call the constructor of Error, which is what makes a stack", () => {
    const { stackTraceLimit, prepareStackTrace } = Error
    let captured = 0
    try {
      Error.stackTraceLimit = 10
      Error.prepareStackTrace = (error) => {
        captured++
        return String(error)
      }
      void new Bulkhead.BulkheadRejectedError({ service, reason: "full", limit: 1 }).stack
      expect(captured).toBe(0)
      void new Error("control").stack
      expect(captured).toBe(1)
    } finally {
      Error.stackTraceLimit = stackTraceLimit
      Error.prepareStackTrace = prepareStackTrace
    }
  })

  it("can be written as JSON with their message", () => {
    expect(JSON.parse(JSON.stringify(errors.full))).toEqual({
      _tag: "BulkheadRejectedError",
      service: "llm",
      reason: "full",
      limit: 4,
      message: errors.full.message
    })
    expect(JSON.parse(JSON.stringify(errors.exhausted))).toMatchObject({
      _tag: "RetryExhaustedError",
      lastError: "busy",
      causes: [{ _id: "Cause" }, { _id: "Cause" }]
    })
  })

  it.each(all)("can be printed: %s", (_, error) => {
    expect(inspect(error)).toContain(error.message)
    expect(Cause.pretty(Cause.fail(error))).toContain(`${error._tag}: ${error.message}`)
  })

  it.effect("can be yielded as a failure", () =>
    Effect.gen(function* () {
      const failing = Effect.gen(function* () {
        return yield* errors.full
      })
      expect(yield* Effect.exit(failing)).toEqual(Exit.fail(errors.full))
      const caught = failing.pipe(Effect.catchTag("BulkheadRejectedError", ({ limit }) => Effect.succeed(limit)))
      expect(yield* caught).toBe(4)
    })
  )

  it("share nothing that one could change for all", () => {
    const error = new Bulkhead.BulkheadRejectedError({ service, reason: "full", limit: 1 })
    Object.assign(error, { userMessage: "changed" })
    expect(errors.full.userMessage).not.toBe("changed")
  })
})

describe("the traits of an error", () => {
  const traits: ResilienceError.ErrorTraits = {
    errorCode: "test.failure",
    httpStatus: 418,
    category: "client_error",
    retryPolicy: "never",
    userMessage: "Sorry."
  }

  it("can be carried by any error", () => {
    class Teapot extends Data.TaggedError("Teapot") implements ResilienceError.ErrorTraits {
      readonly errorCode = "test.teapot"
      readonly httpStatus = 418
      readonly category = "client_error"
      readonly retryPolicy = "never"
      readonly userMessage = "Sorry."
    }
    expect(ResilienceError.hasTraits(new Teapot())).toBe(true)
    expect(ResilienceError.isResilienceError(new Teapot())).toBe(false)
    expect(Classifier.classify(new Teapot(), 0)).toEqual({ kind: "not-retryable" })
  })

  it.each(["errorCode", "httpStatus", "retryPolicy"] as const)("are not there without %s", (name) => {
    expect(ResilienceError.hasTraits(traits)).toBe(true)
    expect(ResilienceError.hasTraits({ ...traits, [name]: undefined })).toBe(false)
    expect(ResilienceError.hasTraits({ ...traits, [name]: {} })).toBe(false)
  })

  it.each([[null], [undefined], ["text"], [5], [{}], [new Error("x")], [() => traits]])(
    "are not there: %o",
    (error) => {
      expect(ResilienceError.hasTraits(error)).toBe(false)
      expect(ResilienceError.isResilienceError(error)).toBe(false)
    }
  )

  it("can be given to a family of errors of one's own", () => {
    class Refused extends ResilienceError.withTraits(traits) {
      readonly _tag = "Refused"
      get message(): string {
        return `"${this.service}" refused`
      }
    }
    class Other extends ResilienceError.withTraits({ ...traits, httpStatus: 503 }) {
      readonly _tag = "Other"
      readonly message = "other"
    }
    const refused = new Refused("llm", retryAfter)
    expect(refused).toMatchObject({ ...traits, service: "llm", retryAfter, message: '"llm" refused', isOwnSide: false })
    expect(new Other("llm", undefined).httpStatus).toBe(503)
    expect(ResilienceError.isResilienceError(refused)).toBe(true)
  })
})

describe("the label of an error", () => {
  class Tagged extends Data.TaggedError("Tagged") {}
  class Custom extends Error {}
  it.each([
    [new Tagged(), "Tagged"],
    [errors.timeout, "TimeoutExceededError"],
    [{ _tag: "Record" }, "Record"],
    [{ _tag: 5 }, "Object"],
    [new Custom("x"), "Custom"],
    [new TypeError("x"), "TypeError"],
    [new (class extends Error {})("x"), "object"],
    [{}, "Object"],
    [[], "Array"],
    [Object.create(null), "object"],
    ["a text that may be long and secret", "string"],
    [5, "number"],
    [null, "object"],
    [undefined, "undefined"],
    [true, "boolean"],
    [Symbol("x"), "symbol"],
    [() => 1, "function"]
  ])("is its tag, the name of its class, or its type: %o", (error, label) => {
    expect(ResilienceError.labelOf(error)).toBe(label)
  })

  it("is its type, where its class has no text for a name", () => {
    expect(ResilienceError.labelOf(Object.create({ constructor: { name: 1 } }))).toBe("object")
  })

  it("is its type, where nothing of it can be read", () => {
    const error = {
      get _tag() {
        throw new Error("unreadable")
      }
    }
    expect(ResilienceError.labelOf(error)).toBe("object")
  })
})
