import { describe, expect, it } from "@effect/vitest"
import { Cause, Config, ConfigProvider, Duration, Effect, Option, PlatformError, Schema } from "effect"
import { AiError } from "effect/ai"
import { HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import { CircuitBreaker as EffectCircuitBreaker, RateLimiter } from "effect/persistence"
import { SqlError } from "effect/sql"
import { Classifier } from "../../src/index.ts"

const NOW = Date.parse("2026-10-18T07:00:00Z")

const kindOf = (error: unknown): string => Classifier.classify(error, NOW).kind
const hintOf = (error: unknown): number | undefined => {
  const hint = Classifier.retryAfter(error, NOW)
  return hint && Duration.toSeconds(hint)
}

const request = HttpClientRequest.get("https://example.com")
const responseOf = (status: number, headers: Record<string, string> = {}) =>
  HttpClientResponse.fromWeb(request, new Response(null, { status, headers }))
const statusError = (status: number, headers: Record<string, string> = {}) =>
  new HttpClientError.HttpClientError({
    reason: new HttpClientError.StatusCodeError({ request, response: responseOf(status, headers) })
  })

const coded = (code: unknown) => Object.assign(new Error("no matter"), { code })

describe("Effect's own errors", () => {
  it("about our input or program are not retryable", () => {
    const decoded = Effect.runSync(Effect.flip(Schema.decodeUnknownEffect(Schema.Number)("x")))
    const configured = Effect.runSync(Effect.flip(Config.Number("MISSING").parse(ConfigProvider.fromUnknown({}))))
    const missing = Effect.runSync(Effect.flip(Effect.fromOption(Option.none())))
    expect([decoded._tag, configured._tag, missing._tag]).toEqual(["SchemaError", "ConfigError", "NoSuchElementError"])
    for (const error of [decoded, configured, missing, new Cause.IllegalArgumentError("x")]) {
      expect(Classifier.classify(error, NOW)).toEqual({ kind: "not-retryable" })
    }
  })

  it("about time and capacity are retryable", () => {
    const timeout = Effect.runSync(Effect.flip(Effect.timeout(Effect.fail(new Cause.TimeoutError()), "1 second")))
    for (const error of [timeout, new Cause.TimeoutError(), new Cause.ExceededCapacityError()]) {
      expect(Classifier.classify(error, NOW)).toEqual({ kind: "retryable" })
    }
  })
})

describe("errors of Effect's HTTP client", () => {
  const because = (reason: HttpClientError.HttpClientErrorReason) => new HttpClientError.HttpClientError({ reason })
  const { DecodeError, EmptyBodyError, EncodeError, InvalidUrlError, TransportError } = HttpClientError

  it.each([
    [408, "retryable"],
    [425, "retryable"],
    [429, "rate-limited"],
    [500, "retryable"],
    [502, "retryable"],
    [503, "retryable"],
    [504, "retryable"],
    [529, "overloaded"],
    [400, "not-retryable"],
    [401, "not-retryable"],
    [403, "not-retryable"],
    [404, "not-retryable"],
    [409, "not-retryable"],
    [422, "not-retryable"],
    [501, "not-retryable"],
    [505, "not-retryable"]
  ])("are classified by the status of the response: %d is %s", (status, kind) => {
    expect(Classifier.classify(statusError(status), NOW)).toEqual({ kind })
  })

  it("about the transport are retryable", () => {
    expect(kindOf(because(new TransportError({ request, cause: new TypeError("fetch failed") })))).toBe("retryable")
    expect(kindOf(because(new TransportError({ request, cause: coded("ECONNRESET") })))).toBe("retryable")
  })

  it("about the transport can have a cause that another attempt does not change", () => {
    expect(kindOf(because(new TransportError({ request, cause: coded("EINVAL") })))).toBe("not-retryable")
  })

  it("about the transport are classified by the code under the error of fetch, which they wrap", () => {
    const failed = (code: string) => {
      const cause = new TypeError("fetch failed", { cause: coded(code) })
      const reason = new HttpClientError.TransportError({ request, cause })
      return new HttpClientError.HttpClientError({ reason })
    }
    expect([kindOf(failed("ECONNREFUSED")), kindOf(failed("EINVAL"))]).toEqual(["retryable", "not-retryable"])
  })

  it("about what we sent or cannot read are not retryable, whatever the status", () => {
    const response = responseOf(503)
    const reasons = [
      new EncodeError({ request }),
      new InvalidUrlError({ request }),
      new DecodeError({ request, response }),
      new EmptyBodyError({ request, response })
    ]
    expect(reasons.map((reason) => kindOf(because(reason)))).toEqual(reasons.map(() => "not-retryable"))
  })

  it("give the hint of the response", () => {
    expect(hintOf(statusError(503, { "retry-after": "7" }))).toBe(7)
    expect(hintOf(statusError(429, { "Retry-After": "Sun, 18 Oct 2026 07:01:00 GMT" }))).toBe(60)
    expect(hintOf(statusError(503))).toBeUndefined()
    expect(Classifier.classify(statusError(404, { "retry-after": "7" }), NOW)).toEqual({ kind: "not-retryable" })
    expect(Classifier.classify(statusError(529, { "retry-after": "7" }), NOW)).toEqual({
      kind: "overloaded",
      retryAfter: Duration.seconds(7)
    })
  })
})

describe("errors of Effect's AI modules", () => {
  const because = (reason: AiError.AiErrorReason) => AiError.make({ module: "Test", method: "generate", reason })

  const reasons = [
    [new AiError.RateLimitError({}), "rate-limited"],
    [new AiError.InternalProviderError({ description: "x" }), "retryable"],
    [new AiError.InvalidOutputError({ description: "x" }), "retryable"],
    [new AiError.NetworkError({ reason: "TransportError", method: "POST", url: "x" }), "retryable"],
    [new AiError.NetworkError({ reason: "InvalidUrlError", method: "POST", url: "x" }), "not-retryable"],
    [new AiError.QuotaExhaustedError({}), "not-retryable"],
    [new AiError.AuthenticationError({ kind: "InvalidKey" }), "not-retryable"],
    [new AiError.ContentPolicyError({ description: "x" }), "not-retryable"],
    [new AiError.InvalidRequestError({ description: "x" }), "not-retryable"],
    [new AiError.UnknownError({ description: "x" }), "not-retryable"]
  ] as const
  it.each(reasons.map(([reason, kind]) => [reason._tag, kind, reason] as const))(
    "are classified by their reason: %s is %s",
    (_, kind, reason) => {
      expect(kindOf(because(reason))).toBe(kind)
      expect(kindOf(reason)).toBe(kind)
    }
  )

  it.each([
    [429, "rate-limited"],
    [500, "retryable"],
    [501, "retryable"],
    [529, "overloaded"],
    [400, "not-retryable"],
    [404, "not-retryable"]
  ])("are classified by the response of the provider too: %d is %s", (status, kind) => {
    const reason = AiError.reasonFromHttpStatus({ status, http: { response: { status, headers: {} } } })
    expect(kindOf(because(reason))).toBe(kind)
    expect(kindOf(reason)).toBe(kind)
  })

  it("give the hint of the response where their reason has none", () => {
    const http = { response: { status: 429, headers: { "retry-after": "9" } } }
    expect(hintOf(because(AiError.reasonFromHttpStatus({ status: 429, http })))).toBe(9)
    expect(hintOf(because(new AiError.RateLimitError({ http, retryAfter: Duration.seconds(7) })))).toBe(7)
    expect(hintOf(because(AiError.reasonFromHttpStatus({ status: 529, http })))).toBe(9)
  })

  it("give the hint of their reason", () => {
    expect(Classifier.classify(because(new AiError.RateLimitError({ retryAfter: Duration.seconds(7) })), NOW)).toEqual({
      kind: "rate-limited",
      retryAfter: Duration.seconds(7)
    })
  })
})

describe("errors of Effect's SQL modules", () => {
  const cause = coded("40001")
  const reasons = [
    [new SqlError.ConnectionError({ cause }), "retryable"],
    [new SqlError.DeadlockError({ cause }), "retryable"],
    [new SqlError.SerializationError({ cause }), "retryable"],
    [new SqlError.LockTimeoutError({ cause }), "retryable"],
    [new SqlError.StatementTimeoutError({ cause }), "retryable"],
    [new SqlError.UniqueViolation({ cause, constraint: "x" }), "not-retryable"],
    [new SqlError.ConstraintError({ cause }), "not-retryable"],
    [new SqlError.SqlSyntaxError({ cause }), "not-retryable"],
    [new SqlError.AuthenticationError({ cause }), "not-retryable"],
    [new SqlError.AuthorizationError({ cause }), "not-retryable"],
    [new SqlError.UnknownError({ cause }), "not-retryable"]
  ] as const
  it.each(reasons.map(([reason, kind]) => [reason._tag, kind, reason] as const))(
    "are classified by their reason: %s is %s",
    (_, kind, reason) => {
      expect(kindOf(new SqlError.SqlError({ reason }))).toBe(kind)
      expect(kindOf(reason)).toBe(kind)
    }
  )
})

describe("rejections of Effect's own policies", () => {
  it("by the rate limiter are those of a rate limit, with its hint", () => {
    const reason = new RateLimiter.RateLimitExceeded({
      key: "a",
      limit: 5,
      remaining: 0,
      retryAfter: Duration.seconds(7)
    })
    expect(Classifier.classify(new RateLimiter.RateLimiterError({ reason }), NOW)).toEqual({
      kind: "rate-limited",
      retryAfter: Duration.seconds(7)
    })
    const store = new RateLimiter.RateLimitStoreError({ message: "x" })
    expect(kindOf(new RateLimiter.RateLimiterError({ reason: store }))).toBe("retryable")
  })

  it("by the circuit breaker ask for a hint, as those of ours do", () => {
    const because = (reason: EffectCircuitBreaker.CircuitBreakerErrorReason) =>
      Classifier.classify(new EffectCircuitBreaker.CircuitBreakerError({ reason }), NOW)
    const retryAfter = Duration.seconds(7)
    const open = new EffectCircuitBreaker.CircuitOpen({ key: "a", retryAfter })
    expect(because(open)).toEqual({ kind: "retryable", needsHint: true, retryAfter })
    const halfOpen = new EffectCircuitBreaker.CircuitHalfOpen({ key: "a" })
    expect(because(halfOpen)).toEqual({ kind: "retryable", needsHint: true })
    const store = new EffectCircuitBreaker.CircuitBreakerStoreError({ message: "x" })
    expect(because(store)).toEqual({ kind: "retryable" })
  })
})

describe("errors of Effect's platform", () => {
  it("are classified by the code of the system's error", () => {
    const because = (code: string) =>
      PlatformError.systemError({ _tag: "Unknown", module: "Socket", method: "connect", cause: coded(code) })
    expect([kindOf(because("ECONNREFUSED")), kindOf(because("ENOENT"))]).toEqual(["retryable", "not-retryable"])
  })

  it("about our arguments are not retryable", () => {
    expect(kindOf(PlatformError.badArgument({ module: "FileSystem", method: "open" }))).toBe("not-retryable")
  })
})
