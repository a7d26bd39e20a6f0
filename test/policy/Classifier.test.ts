import { describe, expect, it } from "@effect/vitest"
import { Data, Duration } from "effect"
import { Headers } from "effect/http"
import {
  Bulkhead,
  CircuitBreaker,
  Classifier,
  Deadline,
  type ResilienceError,
  Retry,
  Timeout
} from "../../src/index.ts"

const NOW = Date.parse("2026-10-18T07:00:00Z")

const kindOf = (error: unknown): string => Classifier.classify(error, NOW).kind
const hintOf = (error: unknown): number | undefined => {
  const hint = Classifier.retryAfter(error, NOW)
  return hint && Duration.toSeconds(hint)
}

const traits = (retryPolicy: ResilienceError.RetryPolicy, httpStatus: number) => ({
  errorCode: "test.failure",
  category: "external_error",
  userMessage: "Sorry.",
  retryPolicy,
  httpStatus
})

const coded = (code: unknown) => Object.assign(new Error("no matter"), { code })

it("an error without a hint is classified without the field", () => {
  expect(Classifier.classify(new Error("busy"), NOW)).toStrictEqual({ kind: "retryable" })
})

describe("an error about which nothing is known", () => {
  class Odd extends Data.TaggedError("Odd") {}
  it.each([
    ["text"],
    [42],
    [null],
    [undefined],
    [true],
    [Symbol("x")],
    [() => 1],
    [{}],
    [[]],
    [new Error()],
    [new Odd()],
    [{ _tag: Object.create(null), reason: { _tag: Object.create(null) } }]
  ])("is retryable, without a hint: %o", (error) => {
    expect(Classifier.classify(error, NOW)).toEqual({ kind: "retryable" })
  })
})

describe("an error that cannot be read", () => {
  const unreadable = {
    get _tag() {
      throw new Error("unreadable")
    },
    get httpStatus() {
      throw new Error("unreadable")
    },
    get retryAfter() {
      throw new Error("unreadable")
    }
  }

  it("is one about which nothing is known", () => {
    expect(Classifier.classify(unreadable, NOW)).toStrictEqual({ kind: "retryable" })
    expect(Classifier.retryAfter(unreadable, NOW)).toBe(undefined)
    expect(Classifier.statusOf(unreadable)).toBe(undefined)
    expect(Classifier.traitLabels(unreadable, NOW)).toEqual({
      error_code: "object",
      category: "external_error",
      status_code: "500",
      retry_policy: "always"
    })
  })
})

describe("the text of a message", () => {
  it.each([
    "429 Too Many Requests",
    "503",
    "ECONNREFUSED",
    "ENOENT: no such file",
    "overloaded",
    "invalid",
    "retry-after: 7"
  ])("says nothing: %s", (message) => {
    const named = Object.assign(new Error(message), { name: message, description: message, stack: message })
    for (const error of [named, message, { message }, { error: message }, { body: { message } }]) {
      expect(Classifier.classify(error, NOW)).toEqual({ kind: "retryable" })
    }
  })
})

describe("the traits of an error", () => {
  it.each([
    ["never", 503, "not-retryable"],
    ["never", 429, "not-retryable"],
    ["never", 529, "not-retryable"],
    ["always", 503, "retryable"],
    ["always", 404, "retryable"],
    ["always", 429, "rate-limited"],
    ["always", 529, "overloaded"]
  ] as const)("decide: %s with status %d is %s", (policy, status, kind) => {
    expect(Classifier.classify(traits(policy, status), NOW)).toEqual({ kind })
  })

  it("that name a condition ask for a hint, without which an attempt is in vain", () => {
    expect(Classifier.classify(traits("conditional", 503), NOW)).toEqual({ kind: "retryable", needsHint: true })
    expect(Classifier.classify(traits("conditional", 404), NOW)).toEqual({ kind: "retryable", needsHint: true })
    expect(Classifier.classify(traits("conditional", 529), NOW)).toEqual({ kind: "retryable", needsHint: true })
  })

  it("that name a condition need no hint where a rate limit is used up, because it fills again", () => {
    expect(Classifier.classify(traits("conditional", 429), NOW)).toEqual({ kind: "rate-limited" })
  })

  it("that name a condition need one all the same where they say so", () => {
    const quota = { ...traits("conditional", 429), needsHint: true }
    expect(Classifier.classify(quota, NOW)).toEqual({ kind: "rate-limited", needsHint: true })
    expect(Classifier.classify({ ...quota, needsHint: false }, NOW)).toEqual({ kind: "rate-limited" })
    expect(Classifier.classify({ ...quota, retryPolicy: "always" }, NOW)).toEqual({ kind: "rate-limited" })
  })

  it("give a hint, unless another attempt makes no sense", () => {
    const retryAfter = Duration.seconds(7)
    expect(Classifier.classify({ ...traits("conditional", 503), retryAfter }, NOW)).toEqual({
      kind: "retryable",
      needsHint: true,
      retryAfter
    })
    expect(Classifier.classify({ ...traits("never", 503), retryAfter }, NOW)).toEqual({ kind: "not-retryable" })
  })

  it("come before everything else that an error says", () => {
    expect(kindOf({ ...traits("always", 500), isRetryable: false, status: 404, code: "ENOENT" })).toBe("retryable")
    expect(kindOf({ ...traits("always", 500), _tag: "ConfigError" })).toBe("retryable")
    expect(kindOf({ ...traits("never", 404), isRetryable: true, status: 503, code: "ECONNRESET" })).toBe(
      "not-retryable"
    )
  })

  it("are none when one of them is missing", () => {
    const { errorCode: _, ...incomplete } = traits("never", 503)
    expect(kindOf(incomplete)).toBe("retryable")
  })
})

describe("our own errors", () => {
  const service = "llm"
  const retryAfter = Duration.seconds(7)

  it("are classified by their traits", () => {
    const duration = Duration.seconds(1)
    const timeout = new Timeout.TimeoutExceededError({ service, scope: "attempt", duration })
    const late = new Deadline.TimeoutExceededError({ service, scope: "total", duration, isStarted: false })
    const exhausted = new Retry.RetryExhaustedError({ service, lastError: "busy", causes: [], retryAfter })
    expect(Classifier.classify(timeout, NOW)).toEqual({ kind: "retryable" })
    expect(Classifier.classify(late, NOW)).toEqual({ kind: "retryable" })
    expect(Classifier.classify(exhausted, NOW)).toEqual({ kind: "not-retryable" })
  })

  it("that are rejections ask for a hint", () => {
    const open = (retryAfter?: Duration.Duration) =>
      new CircuitBreaker.CircuitBreakerOpenError({ service, state: "Open", retryAfter })
    const full = new Bulkhead.BulkheadRejectedError({ service, reason: "full", limit: 1 })
    expect(Classifier.classify(open(retryAfter), NOW)).toEqual({ kind: "retryable", needsHint: true, retryAfter })
    expect(Classifier.classify(open(), NOW)).toEqual({ kind: "retryable", needsHint: true })
    expect(Classifier.classify(full, NOW)).toEqual({ kind: "retryable", needsHint: true })
  })
})

describe("an error that says whether it is retryable", () => {
  it.each([
    [{ isRetryable: false }, "not-retryable"],
    [{ isRetryable: true }, "retryable"],
    [{ isRetryable: false, status: 503 }, "not-retryable"],
    [{ isRetryable: false, code: "ECONNRESET" }, "not-retryable"],
    [{ isRetryable: true, code: "ENOENT" }, "retryable"],
    [{ isRetryable: true, status: 429 }, "rate-limited"],
    [{ isRetryable: true, status: 529 }, "overloaded"],
    [{ isRetryable: true, status: 409 }, "retryable"],
    [{ isRetryable: true, status: 501 }, "retryable"],
    [{ reason: { isRetryable: true }, status: 404 }, "retryable"],
    [{ reason: { isRetryable: false } }, "not-retryable"],
    [{ reason: { isRetryable: true }, code: "ENOENT" }, "retryable"],
    [{ isRetryable: true, reason: { isRetryable: false } }, "retryable"],
    [{ isRetryable: "no" }, "retryable"],
    [{ isRetryable: 0 }, "retryable"],
    [{ isRetryable: null }, "retryable"]
  ])("is believed: %o is %s", (error, kind) => {
    expect(kindOf(error)).toBe(kind)
  })
})

describe("the HTTP status of an error", () => {
  it.each([
    [{ status: 503 }, 503],
    [{ statusCode: 503 }, 503],
    [{ httpStatus: 503 }, 503],
    [{ response: { status: 503 } }, 503],
    [{ reason: { response: { status: 503 } } }, 503],
    [{ httpStatus: 1, status: 2, statusCode: 3, response: { status: 4 } }, 1],
    [{ status: 2, statusCode: 3, response: { status: 4 } }, 2],
    [{ statusCode: 3, response: { status: 4 } }, 3],
    [{ response: { status: 4 }, reason: { response: { status: 5 } } }, 4],
    [{ status: "failed", response: { status: 503 } }, 503],
    [{ httpStatus: null, status: "failed", statusCode: 503 }, 503],
    [{ status: "503" }, undefined],
    [{ response: null }, undefined],
    [{ reason: "none" }, undefined],
    [{}, undefined],
    [null, undefined],
    [503, undefined]
  ])("is its own or that of its response: %o", (error, status) => {
    expect(Classifier.statusOf(error)).toBe(status)
  })

  it.each([
    [408, "retryable"],
    [425, "retryable"],
    [429, "rate-limited"],
    [500, "retryable"],
    [501, "not-retryable"],
    [502, "retryable"],
    [503, "retryable"],
    [504, "retryable"],
    [529, "overloaded"],
    [400, "not-retryable"],
    [404, "not-retryable"],
    [599, "not-retryable"]
  ])("decides: %d is %s", (status, kind) => {
    expect(kindOf({ status })).toBe(kind)
  })

  it.each([0, 14, 200, 304, 399])("below 400 says nothing: %d", (status) => {
    expect(kindOf({ status })).toBe("retryable")
    expect(kindOf({ status, code: "ENOENT" })).toBe("not-retryable")
  })

  it("comes before a code", () => {
    expect(kindOf({ status: 404, code: "ECONNRESET" })).toBe("not-retryable")
    expect(kindOf({ status: 503, code: "ENOENT" })).toBe("retryable")
  })
})

describe("the code of Node", () => {
  it.each([
    "ECONNREFUSED",
    "ECONNRESET",
    "ECONNABORTED",
    "ETIMEDOUT",
    "EPIPE",
    "EAI_AGAIN",
    "ENETUNREACH",
    "EHOSTUNREACH",
    "UND_ERR_SOCKET",
    "UND_ERR_CONNECT_TIMEOUT",
    "UND_ERR_HEADERS_TIMEOUT",
    "UND_ERR_BODY_TIMEOUT"
  ])("of a connection that failed is retryable: %s", (code) => {
    expect(kindOf(coded(code))).toBe("retryable")
    expect(kindOf({ cause: coded(code) })).toBe("retryable")
  })

  it.each(["ENOENT", "EACCES", "EINVAL", "ENOTFOUND", "ERR_INVALID_URL", "UND_ERR_INVALID_ARG"])(
    "of anything else is not retryable, also in the cause: %s",
    (code) => {
      expect(kindOf(coded(code))).toBe("not-retryable")
      expect(kindOf({ cause: coded(code) })).toBe("not-retryable")
    }
  )

  it("of the error itself comes before that of its cause", () => {
    expect(kindOf({ code: "ECONNRESET", cause: coded("ENOENT") })).toBe("retryable")
    expect(kindOf({ code: "ENOENT", cause: coded("ECONNRESET") })).toBe("not-retryable")
  })

  it.each([["57P01"], ["rate_limit_exceeded"], ["E"], ["e_fail"], ["XENOENT"], ["ENOENT!"], [42], [null], [{}]])(
    "is not meant by other codes, which say nothing: %o",
    (code) => {
      expect(kindOf({ code })).toBe("retryable")
    }
  )

  it("is found in a chain of causes that has no end, or is not found", () => {
    const endless: { cause?: unknown } = {}
    endless.cause = endless
    expect(kindOf(endless)).toBe("retryable")
    expect(kindOf({ cause: { cause: { cause: coded("EINVAL") } } })).toBe("not-retryable")
    expect(kindOf({ code: "request_failed", cause: coded("EINVAL") })).toBe("not-retryable")
  })

  it("is looked for in eight errors, the first included", () => {
    const caused = (depth: number): object => (depth === 0 ? coded("EINVAL") : { cause: caused(depth - 1) })
    expect(kindOf(caused(7))).toBe("not-retryable")
    expect(kindOf(caused(8))).toBe("retryable")
  })

  it("is a text, not what can be made one", () => {
    expect(kindOf({ code: ["EINVAL"] })).toBe("retryable")
  })

  it.each([[{ cause: null }], [{ cause: "ENOENT" }], [{ cause: {} }]])(
    "is not looked for where there is none: %o",
    (error) => {
      expect(kindOf(error)).toBe("retryable")
    }
  )
})

describe("a hint", () => {
  const withHeaders = (headers: unknown) => ({ response: { headers } })

  it.each([
    ["in seconds", withHeaders({ "retry-after": "7" }), 7],
    ["with a fraction", withHeaders({ "retry-after": "0.5" }), 0.5],
    ["as a date", withHeaders({ "retry-after": "Sun, 18 Oct 2026 07:00:30 GMT" }), 30],
    ["in the headers of Effect", withHeaders(Headers.fromInput({ "Retry-After": "7" })), 7],
    ["in the headers of the web", withHeaders(new globalThis.Headers({ "Retry-After": "7" })), 7],
    ["in a map", withHeaders(new Map([["retry-after", "7"]])), 7],
    ["in the response of a reason", { reason: withHeaders({ "retry-after": "7" }) }, 7],
    ["in the error's own headers", { status: 429, headers: new globalThis.Headers({ "Retry-After": "7" }) }, 7],
    ["in the error's own record of headers", { headers: { "retry-after": "7" } }, 7],
    ["as a duration", { retryAfter: Duration.seconds(7) }, 7],
    [
      "as a duration, before the header",
      { ...withHeaders({ "retry-after": "9" }), retryAfter: Duration.seconds(7) },
      7
    ],
    ["before that of the response", { ...withHeaders({ "retry-after": "9" }), headers: { "retry-after": "7" } }, 7],
    ["of the response beside headers without one", { ...withHeaders({ "retry-after": "9" }), headers: {} }, 9],
    ["beside something that is no duration", { ...withHeaders({ "retry-after": "9" }), retryAfter: "7" }, 9],
    ["without an end", { retryAfter: Duration.infinity }, Infinity]
  ])("is found %s", (_, error, seconds) => {
    expect(hintOf(error)).toBe(seconds)
  })

  it.each([
    ["of zero", withHeaders({ "retry-after": "0" })],
    ["as a duration of zero", { retryAfter: Duration.zero }],
    ["that is negative", { retryAfter: Duration.seconds(-1) }],
    ["that is a date in the past", withHeaders({ "retry-after": "Sun, 18 Oct 2026 06:59:59 GMT" })],
    ["that is a date of this moment", withHeaders({ "retry-after": "Sun, 18 Oct 2026 07:00:00 GMT" })],
    ["that makes no sense", withHeaders({ "retry-after": "soon" })],
    ["that is a number in a header", withHeaders({ "retry-after": 7 })],
    ["of a header that is not there", withHeaders(new globalThis.Headers())],
    ["without headers", { response: {} }],
    ["without a response", {}],
    ["of what is no record", "retry-after: 7"],
    ["of null", null]
  ])("is none %s", (_, error) => {
    expect(hintOf(error)).toBeUndefined()
  })

  it("is part of the classification, whatever the class", () => {
    const response = { headers: { "retry-after": "7" } }
    const retryAfter = Duration.seconds(7)
    expect(Classifier.classify({ response }, NOW)).toEqual({ kind: "retryable", retryAfter })
    expect(Classifier.classify({ status: 429, response }, NOW)).toEqual({ kind: "rate-limited", retryAfter })
    expect(Classifier.classify({ status: 529, response }, NOW)).toEqual({ kind: "overloaded", retryAfter })
  })

  it("does not make the next classification have one", () => {
    Classifier.classify({ status: 429, retryAfter: Duration.seconds(7) }, NOW)
    expect(Classifier.classify({ status: 429 }, NOW)).toEqual({ kind: "rate-limited" })
    expect(Classifier.rateLimited).toEqual({ kind: "rate-limited" })
  })
})

describe("the labels of an error", () => {
  it("are its traits, if it has any", () => {
    expect(Classifier.traitLabels(traits("conditional", 418), NOW)).toEqual({
      error_code: "test.failure",
      category: "external_error",
      status_code: "418",
      retry_policy: "conditional"
    })
  })

  it.each([
    [{ _tag: "Busy" }, ["Busy", "external_error", "500", "always"]],
    [new TypeError("x"), ["TypeError", "external_error", "500", "always"]],
    ["busy", ["string", "external_error", "500", "always"]],
    [{ _tag: "Full", status: 529 }, ["Full", "external_error", "529", "always"]],
    [{ _tag: "Limited", status: 429 }, ["Limited", "rate_limit", "429", "conditional"]],
    [{ _tag: "Absent", status: 404 }, ["Absent", "external_error", "404", "never"]]
  ])("are worked out for one without traits: %o", (error, expected) => {
    const { category, error_code, retry_policy, status_code } = Classifier.traitLabels(error, NOW)
    expect([error_code, category, status_code, retry_policy]).toEqual(expected)
  })
})
