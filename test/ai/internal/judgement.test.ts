import { describe, expect, it } from "@effect/vitest"
import { Cause, Duration, Exit } from "effect"
import { AiError } from "effect/ai"
import { classify, isAnswerable, judge } from "../../../src/ai/internal/judgement.ts"
import { rejectionOf, toAiError } from "../../../src/ai/internal/rejections.ts"
import { Bulkhead, CircuitBreaker, Classifier, Timeout } from "../../../src/index.ts"

const errorOf = (reason: AiError.AiErrorReason) => AiError.make({ module: "test", method: "generateText", reason })
const http = (status: number, body?: object) => ({
  response: { status, headers: {} },
  ...(body === undefined ? {} : { body: JSON.stringify(body) })
})

const reasons = {
  network: new AiError.NetworkError({ reason: "TransportError", method: "POST", url: "http://x" }),
  url: new AiError.NetworkError({ reason: "InvalidUrlError", method: "POST", url: "x" }),
  internal: new AiError.InternalProviderError({ description: "down", http: http(500) }),
  overloaded: new AiError.InternalProviderError({ description: "busy", http: http(529) }),
  overloadedInStream: new AiError.InternalProviderError({
    description: "busy",
    metadata: { anthropic: { errorType: "overloaded_error" } }
  }),
  rateLimit: new AiError.RateLimitError({ retryAfter: Duration.seconds(7) }),
  quota: new AiError.QuotaExhaustedError({}),
  quotaAsRateLimit: new AiError.RateLimitError({ http: http(429, { error: { code: "insufficient_quota" } }) }),
  quotaInMetadata: new AiError.RateLimitError({ metadata: { openai: { errorCode: "insufficient_quota" } } }),
  authentication: new AiError.AuthenticationError({ kind: "InvalidKey" }),
  request: new AiError.InvalidRequestError({}),
  content: new AiError.ContentPolicyError({ description: "no" }),
  output: new AiError.InvalidOutputError({ description: "no JSON" }),
  object: new AiError.StructuredOutputError({ description: "no object", responseText: "" }),
  response: new AiError.InvalidResponseError({ description: "cut off" }),
  schema: new AiError.UnsupportedSchemaError({ description: "too deep" }),
  tool: new AiError.ToolNotFoundError({ toolName: "search", availableTools: [] }),
  input: new AiError.InvalidUserInputError({ description: "no prompt" }),
  unknown: new AiError.UnknownError({})
} as const

describe("the errors of models", () => {
  it.each([
    ["network", "retryable", "Failure", true],
    ["url", "not-retryable", "Failure", true],
    ["internal", "retryable", "Failure", true],
    ["overloaded", "overloaded", "Failure", true],
    ["overloadedInStream", "overloaded", "Failure", true],
    ["rateLimit", "rate-limited", "Failure", true],
    ["quota", "not-retryable", "Failure", true],
    ["quotaAsRateLimit", "not-retryable", "Failure", true],
    ["quotaInMetadata", "not-retryable", "Failure", true],
    ["authentication", "not-retryable", "Failure", true],
    ["request", "not-retryable", "Ignored", true],
    ["content", "not-retryable", "Ignored", true],
    ["output", "retryable", "Success", true],
    ["object", "retryable", "Success", true],
    ["response", "not-retryable", "Failure", true],
    ["schema", "not-retryable", "Ignored", true],
    ["tool", "retryable", "Ignored", true],
    ["input", "not-retryable", "Ignored", false],
    ["unknown", "not-retryable", "Failure", true]
  ] as const)("%s: %s, %s for the circuit, another model may do better: %s", (name, kind, outcome, answerable) => {
    const error = errorOf(reasons[name])
    expect((classify(error, 0) ?? Classifier.classify(error, 0)).kind).toBe(kind)
    expect(judge(Exit.fail(error))._tag).toBe(outcome)
    expect(isAnswerable(error)).toBe(answerable)
  })

  it("keep the delay that they ask for", () => {
    const limited = errorOf(reasons.rateLimit)
    expect(classify(limited, 0) ?? Classifier.classify(limited, 0)).toEqual({
      kind: "rate-limited",
      retryAfter: Duration.seconds(7)
    })
    const overloaded = new AiError.InternalProviderError({
      description: "busy",
      http: {
        response: { status: 529, headers: { "retry-after": "3" } },
        body: '{"error":{"type":"overloaded_error"}}'
      }
    })
    expect(classify(errorOf(overloaded), 0)).toEqual({ kind: "overloaded", retryAfter: Duration.seconds(3) })
  })

  it("with a body that is no JSON are what their status says", () => {
    const reason = new AiError.RateLimitError({ http: { ...http(429), body: "insufficient_quota" } })
    expect(classify(errorOf(reason), 0)).toBeUndefined()
  })
})

describe("what is no error of a model", () => {
  it("such as the error of a tool, is none of our business", () => {
    const error = { _tag: "NoSuchFile" }
    expect(classify(error, 0)).toEqual(Classifier.notRetryable)
    expect(judge(Exit.fail(error))._tag).toBe("Ignored")
    expect(isAnswerable(error)).toBe(false)
  })

  it("but of a policy, is judged as everywhere", () => {
    const timeout = new Timeout.TimeoutExceededError({ service: "x", scope: "idle", duration: Duration.seconds(1) })
    const full = new Bulkhead.BulkheadRejectedError({ service: "x", reason: "full", limit: 1 })
    expect(classify(timeout, 0)).toBeUndefined()
    expect([judge(Exit.fail(timeout))._tag, judge(Exit.fail(full))._tag]).toEqual(["Failure", "Ignored"])
    expect([isAnswerable(timeout), isAnswerable(full)]).toEqual([true, true])
  })

  it("a defect is a failure, an answer a success", () => {
    expect(judge(Exit.die("bug"))._tag).toBe("Failure")
    expect(judge(Exit.failCause(Cause.combine(Cause.fail(errorOf(reasons.output)), Cause.die("bug"))))._tag).toBe(
      "Failure"
    )
    expect(judge(Exit.succeed("hello"))._tag).toBe("Success")
  })
})

describe("the error of a policy, as that of a model", () => {
  const open = new CircuitBreaker.CircuitBreakerOpenError({
    service: "anthropic",
    state: "Open",
    retryAfter: Duration.seconds(9)
  })
  const error = toAiError(open, "streamText") as AiError.AiError

  it("is an AiError that tells the same", () => {
    expect(AiError.isAiError(error)).toBe(true)
    expect(error.message).toBe(`ResilientLanguageModel.streamText: Internal provider error: ${open.message}`)
    expect(error.retryAfter).toEqual(Duration.seconds(9))
  })

  it("is classified the same", () => {
    expect(Classifier.classify(error, 0)).toEqual(Classifier.classify(open, 0))
    expect(Classifier.traitLabels(error, 0)).toEqual(Classifier.traitLabels(open, 0))
  })

  it("can be had back", () => {
    expect(rejectionOf(error)).toBe(open)
    expect(rejectionOf(errorOf(reasons.internal))).toBeUndefined()
    expect(rejectionOf("down")).toBeUndefined()
  })

  it("is made of no other error", () => {
    const other = errorOf(reasons.internal)
    expect(toAiError(other, "generateText")).toBe(other)
  })
})
