import { describe, expect, it } from "@effect/vitest"
import { Cause, Duration, Exit } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  type ErrorTraits,
  Outcome,
  Retry,
  ServiceError,
  Timeout
} from "../../src/index.ts"
import * as TraitDefaults from "../../src/policy/internal/traitDefaults.ts"

const service = "llm"
const duration = Duration.seconds(1)
const rejected = new Bulkhead.BulkheadRejectedError({ service, reason: "full", limit: 1 })
const open = new CircuitBreaker.CircuitBreakerOpenError({ service, state: "Open" })
const tooLate = new Deadline.TimeoutExceededError({ service, scope: "total", duration, isStarted: false })
const timedOut = new Timeout.TimeoutExceededError({ service, scope: "attempt", duration })
const cutOff = new Deadline.TimeoutExceededError({ service, scope: "total", duration })
const exhausted = new Retry.RetryExhaustedError({ service, lastError: "busy", causes: [] })

const gaveUp = new Retry.RetryExhaustedError({ service, lastError: rejected, causes: [] })

/** As clients wrap what they cannot name: as the cause of their error, of its reason, or both. */
const wrapped = (cause: unknown, depth = 1): unknown =>
  depth === 0 ? cause : new Error("the client failed", { cause: wrapped(cause, depth - 1) })
const reasoned = { _tag: "ClientError", reason: { _tag: "TransportError", cause: open } }
const endless: { cause?: unknown } = {}
endless.cause = endless
const throwing = (): never => {
  throw new Error("hostile")
}
const unreadable = (name: string): object => Object.defineProperty({}, name, { get: throwing })
const hostile = new Proxy({}, { get: throwing, has: throwing, getPrototypeOf: throwing })

const fails = (...errors: ReadonlyArray<unknown>) =>
  Cause.fromReasons(errors.map((error) => Cause.makeFailReason(error)))
const judge = (cause: Cause.Cause<unknown>): string => Outcome.classify(Exit.failCause(cause))._tag

describe("the outcome of a call", () => {
  it.each([[undefined], [null], [0], [false], [new Error("a value")]])("that succeeds is a success: %o", (value) => {
    expect(Outcome.classify(Exit.succeed(value))).toEqual({ _tag: "Success" })
  })

  it.each([
    ["an error", fails("busy")],
    ["an error that is undefined", fails(undefined)],
    ["a defect", Cause.die("bug")],
    ["a time limit that it exceeded", fails(timedOut)],
    ["a deadline that cut it off", fails(cutOff)],
    ["attempts that ran out", fails(exhausted)],
    ["something that only looks like a rejection", fails({ _tag: "BulkheadRejectedError", isOwnSide: true })],
    ["an error and an interruption", Cause.combine(fails("busy"), Cause.interrupt(1))],
    ["a defect and an interruption", Cause.combine(Cause.interrupt(1), Cause.die("bug"))],
    ["a defect that is a rejection", Cause.die(rejected)],
    ["a rejection and a defect", Cause.combine(fails(rejected), Cause.die("bug"))],
    ["a failure and a rejection", fails("busy", rejected)],
    ["a rejection and a failure", fails(rejected, "busy")],
    ["an error caused by a time limit", fails(wrapped(timedOut))],
    ["an error without an end of causes", fails(endless)],
    ["an error whose reason is a word", fails({ reason: "full", cause: null })],
    ["an error whose reason is nothing", fails({ reason: null })],
    ["a rejection behind too many errors", fails(wrapped(open, 8))],
    ["a defect caused by a rejection", Cause.die(wrapped(rejected))],
    ["an error whose cause cannot be read", fails(unreadable("cause"))],
    ["an error whose reason cannot be read", fails(unreadable("reason"))],
    ["an error that cannot be read at all", fails(hostile)],
    ["nothing at all", Cause.empty]
  ])("that fails is a failure: %s", (_, cause) => {
    expect(judge(cause)).toBe("Failure")
  })

  it.each([
    ["an interruption", Cause.interrupt(1)],
    ["several interruptions", Cause.combine(Cause.interrupt(1), Cause.interrupt(2))],
    ["the rejection of a bulkhead", fails(rejected)],
    ["the rejection of an open circuit", fails(open)],
    ["a deadline that had passed before", fails(tooLate)],
    ["attempts that ran out on a rejection", fails(gaveUp)],
    ["several rejections", fails(rejected, open)],
    ["an error caused by a rejection", fails(wrapped(open))],
    ["a rejection behind several errors", fails(wrapped(rejected, 7))],
    ["an error whose reason is caused by a rejection", fails(reasoned)],
    ["an error caused by one whose reason is caused by a rejection", fails(wrapped(reasoned))],
    [
      "attempts that ran out on an error caused by a rejection",
      fails(new Retry.RetryExhaustedError({ service, lastError: wrapped(open), causes: [] }))
    ],
    ["a rejection and an interruption", Cause.combine(fails(rejected), Cause.interrupt(1))]
  ])("that says nothing about the dependency is ignored: %s", (_, cause) => {
    expect(judge(cause)).toBe("Ignored")
    expect(Outcome.ofCause(cause)).toEqual(Outcome.ignored)
  })
})

describe("the outcome of an error with traits", () => {
  const traits: ErrorTraits.ErrorTraits = {
    errorCode: "shop.error",
    httpStatus: 404,
    category: "client_error",
    retryPolicy: "never",
    userMessage: "Sorry."
  }
  const notFound = new ServiceError.NotFound({ resource: "user", id: "1" })

  it.each([400, 401, 403, 404, 409, 410, 422, 499])("whose status is %d is a success", (httpStatus) => {
    const category = TraitDefaults.categoryOf(httpStatus)
    expect(judge(fails({ ...traits, httpStatus, category }))).toBe("Success")
    expect(judge(fails({ ...traits, httpStatus, category, retryPolicy: "always" }))).toBe("Success")
  })

  it.each([408, 425, 429, 500, 501, 502, 503, 504, 529])("whose status is %d is a failure", (httpStatus) => {
    const category = TraitDefaults.categoryOf(httpStatus)
    expect(judge(fails({ ...traits, httpStatus, category }))).toBe("Failure")
    expect(judge(fails({ ...traits, httpStatus, category: "client_error" }))).toBe("Failure")
  })

  it.each([
    ["external_error", 404],
    ["server_error", 404],
    ["rate_limit", 403],
    ["client_error", 200],
    ["client_error", 399],
    ["client_error", 600],
    ["client_error", Number.NaN]
  ])("in the category %s with the status %d is a failure", (category, httpStatus) => {
    expect(judge(fails({ ...traits, category, httpStatus }))).toBe("Failure")
  })

  it.each([
    ["InvalidInput", new ServiceError.InvalidInput({}), "Success"],
    ["Unauthenticated", new ServiceError.Unauthenticated({}), "Success"],
    ["Forbidden", new ServiceError.Forbidden({}), "Success"],
    ["NotFound", notFound, "Success"],
    ["RateLimited", new ServiceError.RateLimited({ service }), "Failure"],
    ["QuotaExceeded", new ServiceError.QuotaExceeded({ service }), "Failure"],
    ["Unavailable", new ServiceError.Unavailable({ service }), "Failure"],
    ["TimedOut", new ServiceError.TimedOut({ service }), "Failure"],
    ["Overloaded", new ServiceError.Overloaded({ service }), "Failure"]
  ])("of the ready-made ones: %s", (_, error, expected) => {
    expect(judge(fails(error))).toBe(expected)
  })

  it.each([
    ["with an interruption", Cause.combine(fails(notFound), Cause.interrupt(1)), "Success"],
    ["with a rejection", fails(rejected, notFound), "Success"],
    ["with another failure", fails(notFound, "busy"), "Failure"],
    ["with a defect", Cause.combine(fails(notFound), Cause.die("bug")), "Failure"],
    ["as a defect", Cause.die(notFound), "Failure"],
    ["as the cause of an error without traits", fails(wrapped(notFound)), "Failure"],
    ["caused by a rejection", fails(new ServiceError.NotFound({ resource: "user", cause: open })), "Ignored"]
  ])("beside others: %s", (_, cause, expected) => {
    expect(judge(cause)).toBe(expected)
  })

  it.each(["errorCode", "httpStatus", "category", "retryPolicy"])(
    "is a failure where its %s cannot be read",
    (name) => {
      expect(judge(fails(Object.defineProperty({ ...traits }, name, { get: throwing })))).toBe("Failure")
    }
  )

  it.each(["errorCode", "httpStatus", "category", "retryPolicy"])("is a failure where its %s is missing", (name) => {
    expect(judge(fails({ ...traits, [name]: undefined }))).toBe("Failure")
  })
})

describe("a failure", () => {
  it("can name the time after which another call makes sense", () => {
    expect(Outcome.failure({ retryAfter: duration })).toEqual({ _tag: "Failure", retryAfter: duration })
  })

  it("names none otherwise", () => {
    expect(Outcome.failure()).toEqual({ _tag: "Failure" })
    expect(Outcome.failure({})).toEqual({ _tag: "Failure" })
    expect(Outcome.failure({ retryAfter: undefined })).toEqual({ _tag: "Failure" })
  })
})

describe("a cause", () => {
  const [fail, die, interrupt] = [Cause.fail("busy"), Cause.die("bug"), Cause.interrupt(1)]
  const all = (...causes: ReadonlyArray<Cause.Cause<string>>) =>
    Cause.fromReasons(causes.flatMap(({ reasons }) => reasons))

  it.each([
    ["an error", fail, true],
    ["an error and an interruption", all(interrupt, fail), true],
    ["a defect", die, false],
    ["an error and a defect", all(fail, die), false],
    ["an interruption", interrupt, false],
    ["nothing", Cause.empty, false]
  ])("can be recovered from when it holds a typed error and no defect: %s", (_, cause, expected) => {
    expect(Outcome.isRecoverable(cause)).toBe(expected)
  })

  it("is about its first typed error", () => {
    expect(Outcome.firstError(all(die, interrupt, fail, Cause.fail("later")))).toBe("busy")
    expect(Outcome.subjectOf(all(die, interrupt, fail, Cause.fail("later")))).toBe("busy")
  })

  it("is about its first defect when it has no typed error", () => {
    expect(Outcome.firstError(all(interrupt, die))).toBeUndefined()
    expect(Outcome.subjectOf(all(interrupt, die, Cause.die("later")))).toBe("bug")
  })

  it("is about nothing when it has neither", () => {
    expect(Outcome.firstError(interrupt)).toBeUndefined()
    expect(Outcome.subjectOf(interrupt)).toBeUndefined()
    expect(Outcome.subjectOf(Cause.empty)).toBeUndefined()
  })
})
