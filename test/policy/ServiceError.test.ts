import { describe, expect, it } from "@effect/vitest"
import { Cause, Duration, Effect, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Classifier, Deadline, ErrorTraits, Retry, ServiceError } from "../../src/index.ts"

const service = "llm"
const retryAfter = Duration.seconds(7)
const secret = { detail: "hunter2", cause: new Error("hunter2") }

const rows = [
  [new ServiceError.InvalidInput(secret), "input.invalid", 400, "client_error", "never", "not-retryable"],
  [new ServiceError.Unauthenticated(secret), "auth.unauthenticated", 401, "auth_error", "never", "not-retryable"],
  [new ServiceError.Forbidden(secret), "auth.forbidden", 403, "auth_error", "never", "not-retryable"],
  [
    new ServiceError.NotFound({ resource: "model", id: "gpt", ...secret }),
    "resource.not_found",
    404,
    "client_error",
    "never",
    "not-retryable"
  ],
  [
    new ServiceError.RateLimited({ service, retryAfter, ...secret }),
    "rate_limit.exceeded",
    429,
    "rate_limit",
    "conditional",
    "rate-limited"
  ],
  [
    new ServiceError.QuotaExceeded({ service, retryAfter, ...secret }),
    "quota.exceeded",
    429,
    "rate_limit",
    "conditional",
    "rate-limited"
  ],
  [
    new ServiceError.Unavailable({ service, retryAfter, ...secret }),
    "service.unavailable",
    503,
    "external_error",
    "always",
    "retryable"
  ],
  [
    new ServiceError.TimedOut({ service, retryAfter, ...secret }),
    "service.timeout",
    504,
    "external_error",
    "always",
    "retryable"
  ],
  [
    new ServiceError.Overloaded({ service, retryAfter, ...secret }),
    "service.overloaded",
    529,
    "external_error",
    "always",
    "overloaded"
  ]
] as const

describe("the errors that services need", () => {
  it("have the tags by which programs catch them", () => {
    expect(rows.map(([error]) => error._tag)).toEqual([
      "InvalidInput",
      "Unauthenticated",
      "Forbidden",
      "NotFound",
      "RateLimited",
      "QuotaExceeded",
      "Unavailable",
      "TimedOut",
      "Overloaded"
    ])
  })

  it.each(rows)("have the traits of the table: %o", (error, errorCode, httpStatus, category, retryPolicy, kind) => {
    expect(ErrorTraits.hasTraits(error)).toBe(true)
    expect(error).toMatchObject({ errorCode, httpStatus, category, retryPolicy })
    expect(Classifier.classify(error, 0).kind).toBe(kind)
  })

  it.each(rows)("tell developers more than users: %o", (error) => {
    expect(error.message).toContain("hunter2")
    expect(Cause.pretty(Cause.fail(error))).toContain("hunter2")
    expect(error.userMessage).toMatch(/^[A-Z].*\.$/)
    expect(error.userMessage).not.toMatch(/hunter2|llm|gpt/)
  })

  it.each(rows)("come back from JSON as what they were, without what is internal: %o", (error) => {
    const codec = Schema.toCodecJson(error.constructor as never as Schema.Codec<ErrorTraits.ErrorTraits>)
    const json = JSON.stringify(Schema.encodeSync(codec)(error))
    expect(json).not.toContain("hunter2")
    const back = Schema.decodeUnknownSync(codec)(JSON.parse(json))
    expect(back).toBeInstanceOf(error.constructor)
    expect(Classifier.classify(back, 0)).toEqual(Classifier.classify(error, 0))
  })

  it.each([
    [new ServiceError.InvalidInput(), "invalid input", "The request is not valid. Please check it."],
    [
      new ServiceError.InvalidInput({ field: "age", detail: "-1" }),
      'invalid input in "age": -1',
      'The value of "age" is not valid.'
    ],
    [new ServiceError.Unauthenticated(), "not authenticated", "Please sign in and try again."],
    [new ServiceError.Forbidden(), "not permitted", "You do not have permission to do this."],
    [new ServiceError.NotFound({ resource: "model" }), "no such model", "The model was not found."],
    [new ServiceError.NotFound({ resource: "model", id: "x" }), 'no model "x"', "The model was not found."],
    [
      new ServiceError.RateLimited({ service }),
      'the rate limit of "llm" is used up',
      "Too many requests. Please wait a moment and try again."
    ],
    [
      new ServiceError.QuotaExceeded({ service }),
      'the quota of "llm" is used up',
      "Your quota is used up. Please try again once it has been renewed."
    ],
    [
      new ServiceError.Unavailable({ service, detail: "ECONNREFUSED" }),
      '"llm" is not available: ECONNREFUSED',
      "The service is temporarily unavailable. Please try again later."
    ],
    [
      new ServiceError.TimedOut({ service }),
      '"llm" took too long to answer',
      "The service took too long to answer. Please try again."
    ],
    [
      new ServiceError.Overloaded({ service }),
      '"llm" is overloaded',
      "The service is under heavy load. Please try again later."
    ]
  ])("have two messages: %o", (error, message, userMessage) => {
    expect([error.message, error.userMessage]).toEqual([message, userMessage])
  })

  it.each([
    ["500 millis", "in a second."],
    ["1 second", "in a second."],
    ["1001 millis", "in 2 seconds."],
    ["2 minutes", "in 120 seconds."]
  ] as const)("tell a user when the limit has filled again: %s", (wait, end) => {
    const limited = new ServiceError.RateLimited({ service, retryAfter: Duration.fromInputUnsafe(wait) })
    expect(limited.userMessage).toBe(`Too many requests. Please try again ${end}`)
  })

  it.each([[Duration.zero], [Duration.seconds(-1)], [Duration.infinity]])(
    "do not, when it makes no sense: %s",
    (wait) => {
      const { userMessage } = new ServiceError.RateLimited({ service, retryAfter: wait })
      expect(userMessage).toBe("Too many requests. Please wait a moment and try again.")
    }
  )
})

describe("a quota that is used up", () => {
  const callsOf = (error: unknown, deadline: Duration.Input) =>
    Effect.gen(function* () {
      let calls = 0
      const call = Effect.suspend(() => Effect.fail(calls++ === 0 ? error : "over"))
      const retry = yield* Retry.make({ service: "quota", maxAttempts: 2, rateLimit: { maxAttempts: 2 } })
      const fiber = yield* call.pipe(
        Retry.withRetry(retry),
        Deadline.withDeadline(deadline),
        Effect.ignore,
        Effect.forkChild
      )
      yield* TestClock.adjust("1 day")
      yield* Fiber.join(fiber)
      return calls
    })

  it.effect("is tried again only when it says when, and that fits", () =>
    Effect.gen(function* () {
      const quota = (retryAfter?: Duration.Duration) => new ServiceError.QuotaExceeded({ service, retryAfter })
      expect(yield* callsOf(quota(), "1 hour")).toBe(1)
      expect(yield* callsOf(quota(Duration.seconds(30)), "1 hour")).toBe(2)
      expect(yield* callsOf(quota(Duration.minutes(30)), "1 minute")).toBe(1)
      expect(yield* callsOf(quota(Duration.hours(8)), "20 hours")).toBe(1)
    })
  )

  it.effect("is so told apart from a rate limit, which fills again by itself", () =>
    Effect.gen(function* () {
      expect(yield* callsOf(new ServiceError.RateLimited({ service }), "1 hour")).toBe(2)
    })
  )
})
