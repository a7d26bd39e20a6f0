import { describe, expect, it } from "@effect/vitest"
import { Duration } from "effect"
import * as Variables from "../../src/resilience/internal/variables.ts"
import { resolved } from "./support/resolved.ts"

const { seconds } = Duration

describe("the variables", () => {
  it("are these", () => {
    expect(Variables.namesFor([]).toSorted()).toEqual([
      "BULKHEAD_ENABLED",
      "BULKHEAD_KEY_IDLE_TIME",
      "BULKHEAD_LIMIT",
      "BULKHEAD_MAX_KEYS",
      "BULKHEAD_MAX_QUEUE",
      "BULKHEAD_QUEUE_TIMEOUT",
      "CIRCUIT_BREAKER_ENABLED",
      "CIRCUIT_BREAKER_FAILURE_RATE",
      "CIRCUIT_BREAKER_FAIL_MAX",
      "CIRCUIT_BREAKER_KEY_IDLE_TIME",
      "CIRCUIT_BREAKER_MAX_KEYS",
      "CIRCUIT_BREAKER_MINIMUM_CALLS",
      "CIRCUIT_BREAKER_MODE",
      "CIRCUIT_BREAKER_OPEN_DURATION_FACTOR",
      "CIRCUIT_BREAKER_OPEN_DURATION_JITTER",
      "CIRCUIT_BREAKER_OPEN_DURATION_MAX",
      "CIRCUIT_BREAKER_PROBES",
      "CIRCUIT_BREAKER_PROBE_TIMEOUT",
      "CIRCUIT_BREAKER_RETRY_AFTER_MAX",
      "CIRCUIT_BREAKER_SLOW_CALL_DURATION",
      "CIRCUIT_BREAKER_SLOW_CALL_RATE",
      "CIRCUIT_BREAKER_SUCCESSES_TO_CLOSE",
      "CIRCUIT_BREAKER_TIMEOUT",
      "CIRCUIT_BREAKER_TRIP_POLICY",
      "CIRCUIT_BREAKER_WINDOW_BUCKETS",
      "CIRCUIT_BREAKER_WINDOW_DURATION",
      "CIRCUIT_BREAKER_WINDOW_SIZE",
      "DEADLINE_DEFAULT",
      "DEADLINE_ENABLED",
      "RESILIENCE_ENABLED",
      "RESILIENCE_STRICT",
      "RETRY_BASE_DELAY",
      "RETRY_BUDGET_ENABLED",
      "RETRY_BUDGET_MINIMUM_PER_SECOND",
      "RETRY_BUDGET_RATIO",
      "RETRY_BUDGET_WINDOW",
      "RETRY_ENABLED",
      "RETRY_EXPONENTIAL_BASE",
      "RETRY_EXPONENTIAL_MAX",
      "RETRY_JITTER",
      "RETRY_JITTER_STRATEGY",
      "RETRY_KEY_IDLE_TIME",
      "RETRY_MAX_ATTEMPTS",
      "RETRY_MAX_KEYS",
      "RETRY_OVERLOAD_BASE_DELAY",
      "RETRY_OVERLOAD_EXPONENTIAL_BASE",
      "RETRY_OVERLOAD_EXPONENTIAL_MAX",
      "RETRY_OVERLOAD_JITTER",
      "RETRY_OVERLOAD_JITTER_STRATEGY",
      "RETRY_OVERLOAD_MAX_ATTEMPTS",
      "RETRY_OVERLOAD_STRATEGY",
      "RETRY_RATE_LIMIT_BASE_DELAY",
      "RETRY_RATE_LIMIT_EXPONENTIAL_BASE",
      "RETRY_RATE_LIMIT_EXPONENTIAL_MAX",
      "RETRY_RATE_LIMIT_JITTER",
      "RETRY_RATE_LIMIT_JITTER_STRATEGY",
      "RETRY_RATE_LIMIT_MAX_ATTEMPTS",
      "RETRY_RATE_LIMIT_STRATEGY",
      "RETRY_RETRY_AFTER_MAX",
      "RETRY_STRATEGY",
      "TIMEOUT_DEFAULT",
      "TIMEOUT_ENABLED",
      "TIMEOUT_FIRST_ELEMENT",
      "TIMEOUT_IDLE",
      "TIMEOUT_OPERATION_TYPE"
    ])
  })
})

describe("without any configuration", () => {
  const nothing = resolved()

  it("everything is enabled, and every service is welcome", () => {
    expect(nothing).toMatchObject({ enabled: true, strict: false, declared: [], warnings: [] })
    expect(nothing.isKnown("anything")).toBe(true)
  })

  it("there is no deadline", () => {
    expect(nothing.find("deadline", "svc")).toBeUndefined()
  })

  it("a retry makes three calls, with delays that double up to ten seconds, and has a budget", () => {
    expect(nothing.options("retry", "svc")).toEqual({
      maxAttempts: 3,
      strategy: "exponential",
      baseDelay: seconds(1),
      factor: 2,
      maxDelay: seconds(10),
      jitter: "equal",
      retryAfterMax: seconds(120),
      overload: {
        strategy: "exponential",
        baseDelay: seconds(5),
        factor: 2,
        maxDelay: seconds(60),
        jitter: "decorrelated"
      },
      rateLimit: { strategy: "exponential", baseDelay: seconds(2), factor: 2, maxDelay: seconds(60), jitter: "equal" },
      budget: { enabled: true, ratio: 0.2, minimumPerSecond: 10, window: seconds(10) },
      maxKeys: 10_000,
      keyIdleTime: Duration.hours(1)
    })
  })

  it("a circuit opens at five failures in a row, for a minute", () => {
    expect(nothing.options("circuitBreaker", "svc")).toEqual({
      mode: "enforce",
      tripPolicy: "consecutive",
      consecutiveFailures: 5,
      windowSize: 100,
      windowDuration: seconds(30),
      windowBuckets: 10,
      failureRate: 0.5,
      slowCallRate: 0.5,
      openDuration: seconds(60),
      openDurationFactor: 1,
      openDurationJitter: 0,
      retryAfterMax: Duration.minutes(10),
      probes: 1,
      successesToClose: 1,
      probeTimeout: seconds(60),
      maxKeys: 10_000,
      keyIdleTime: Duration.hours(1)
    })
  })

  it("a bulkhead lets ten calls run and a thousand wait for half a minute", () => {
    expect(nothing.options("bulkhead", "svc")).toEqual({
      maxConcurrent: 10,
      maxQueue: 1_000,
      queueTimeout: seconds(30),
      maxKeys: 10_000,
      keyIdleTime: Duration.hours(1)
    })
  })

  it("an attempt may take thirty seconds", () => {
    expect(nothing.options("timeout", "svc")).toEqual({ duration: seconds(30) })
  })
})

describe("services of common names", () => {
  it.each([
    ["llm", 5, 60],
    ["openfga", 10, 30],
    ["redis", 5, 30],
    ["keycloak", 5, 60],
    ["prometheus", 3, 30],
    ["db", 5, 60]
  ])("the circuit of %s opens at %d failures, for %d seconds", (service, failures, openSeconds) => {
    const { consecutiveFailures, openDuration } = resolved().options("circuitBreaker", service)
    expect([consecutiveFailures, Duration.toSeconds(openDuration)]).toEqual([failures, openSeconds])
  })

  it.each([
    ["llm", 10],
    ["openfga", 50],
    ["redis", 100],
    ["keycloak", 10],
    ["prometheus", 10],
    ["db", 20]
  ])("the bulkhead of %s lets %d calls run at once", (service, limit) => {
    expect(resolved().options("bulkhead", service).maxConcurrent).toBe(limit)
  })

  it.each([
    ["llm", 60],
    ["auth", 5],
    ["db", 10],
    ["http", 15],
    ["openfga", 5],
    ["keycloak", 5],
    ["redis", 10],
    ["prometheus", 30]
  ])("an attempt of %s may take %d seconds", (service, limit) => {
    expect(Duration.toSeconds(resolved().options("timeout", service).duration)).toBe(limit)
  })

  it.each([
    ["openfga", "auth"],
    ["keycloak", "auth"],
    ["redis", "db"],
    ["llm", undefined],
    ["prometheus", undefined]
  ])("the operations of %s are of type %s", (service, type) => {
    expect(resolved().options("timeout", service).operationType).toBe(type)
  })

  it("all have the same retry", () => {
    const config = resolved()
    for (const service of ["llm", "openfga", "redis", "keycloak", "prometheus", "db"]) {
      expect(config.options("retry", service)).toEqual(config.options("retry", "svc"))
    }
  })
})

describe("the name of a service", () => {
  const spellings = [
    "payment-api",
    "paymentApi",
    "PAYMENT_API",
    "payment_api",
    "PaymentApi",
    "payment.api",
    "payment api"
  ]

  it.each(spellings)("%s is PAYMENT_API in a variable", (spelling) => {
    const env = { BULKHEAD_PAYMENT_API_LIMIT: "7", TIMEOUT_PAYMENT_API: "7" }
    const config = resolved({ services: { [spelling]: {} } }, env)
    expect(config.warnings).toEqual([])
    expect(config.options("bulkhead", spelling).maxConcurrent).toBe(7)
    expect(config.options("timeout", spelling).duration).toEqual(seconds(7))
  })

  it.each(spellings)("%s in a variable is PAYMENT_API too", (spelling) => {
    const config = resolved({}, { [`BULKHEAD_${spelling}_LIMIT`]: "7", [`TIMEOUT_${spelling}`]: "7" })
    expect(config.options("bulkhead", "payment-api").maxConcurrent).toBe(7)
    expect(config.options("timeout", "payment-api").duration).toEqual(seconds(7))
  })

  it("may be in any script", () => {
    const services = { größe: { retry: false }, 数据库: { bulkhead: { maxConcurrent: 5 } }, 缓存: {} }
    const config = resolved({ services }, { BULKHEAD_缓存_LIMIT: "7" })
    expect(["größe", "数据库", "缓存"].map((service) => config.options("bulkhead", service).maxConcurrent)).toEqual([
      10, 5, 7
    ])
    expect(config.find("retry", "größe")).toBeUndefined()
  })

  it.each(spellings)("%s in a literal is meant by every spelling in a call", (spelling) => {
    const config = resolved({ services: { [spelling]: { bulkhead: { maxConcurrent: 7 } } }, strict: true })
    for (const called of spellings) {
      expect(config.options("bulkhead", called).maxConcurrent).toBe(7)
      expect(config.isKnown(called)).toBe(true)
    }
  })

  it.each(["batchJob", "batch-job", "BATCH_JOB"])("the operation type %s is BATCH_JOB in a variable", (type) => {
    const services = { svc: { timeout: { operationType: type } } }
    expect(resolved({ services }, { TIMEOUT_BATCH_JOB: "7" }).options("timeout", "svc").duration).toEqual(seconds(7))
    const literal = {
      services: { svc: { timeout: { operationType: "batch-job" } } },
      operationTypes: { [type]: 7_000 }
    }
    expect(resolved(literal).options("timeout", "svc").duration).toEqual(seconds(7))
  })

  it.each([
    ["paymentApi", "PAYMENT_API"],
    ["OAuth2Client", "OAUTH2_CLIENT"],
    ["s3", "S3"],
    ["api.v2", "API_V2"],
    ["a--b", "A_B"],
    ["HTTPServer", "HTTPSERVER"],
    ["_private-", "PRIVATE"],
    ["größenÄnderung", "GRÖSSEN_ÄNDERUNG"],
    ["数据库", "数据库"],
    ["--", ""]
  ])("%s becomes %s", (name, variable) => {
    expect(Variables.toVariable(name)).toBe(variable)
  })
})

describe("the text of a variable", () => {
  const durations: ReadonlyArray<readonly [string, Duration.Duration]> = [
    ["20", seconds(20)],
    ["0.25", Duration.millis(250)],
    ["1e2", seconds(100)],
    ["500 millis", Duration.millis(500)],
    ["2 minutes", Duration.minutes(2)],
    ["1 hour", Duration.hours(1)],
    ["Infinity", Duration.infinity]
  ]
  it.each(durations)("%s is a duration", (text, duration) => {
    expect(
      Duration.Equivalence(resolved({}, { TIMEOUT_DEFAULT: text }).options("timeout", "svc").duration, duration)
    ).toBe(true)
  })

  it.each([
    "CIRCUIT_BREAKER_TIMEOUT",
    "CIRCUIT_BREAKER_PROBE_TIMEOUT",
    "CIRCUIT_BREAKER_KEY_IDLE_TIME",
    "RETRY_BASE_DELAY",
    "RETRY_EXPONENTIAL_MAX",
    "RETRY_OVERLOAD_BASE_DELAY",
    "RETRY_BUDGET_WINDOW",
    "BULKHEAD_QUEUE_TIMEOUT",
    "DEADLINE_DEFAULT",
    "DEADLINE_SVC",
    "TIMEOUT_SVC"
  ])("a bare number is seconds in %s, and a unit may be written", (name) => {
    const { slot, path } = Variables.meaningOf(name)!.variable
    const valueOf = (text: string) =>
      path.reduce<unknown>(
        (value, key) => (value as Record<string, unknown>)[key],
        resolved({}, { [name]: text }).options(slot, "svc")
      )
    expect(valueOf("3")).toEqual(seconds(3))
    expect(valueOf("1500 millis")).toEqual(Duration.millis(1_500))
  })

  it.each(["true", "TRUE", "True", "yes", "on", "ON", "1"])("%s is true", (text) => {
    expect(resolved({ enabled: false, retry: false }, { RESILIENCE_ENABLED: text, RETRY_ENABLED: text }).enabled).toBe(
      true
    )
    expect(resolved({ retry: false }, { RETRY_ENABLED: text }).find("retry", "svc")).toBeDefined()
    expect(resolved({}, { RETRY_BUDGET_ENABLED: text }).options("retry", "svc").budget?.enabled).toBe(true)
    expect(resolved({}, { RETRY_JITTER: text }).options("retry", "svc").jitter).toBe("equal")
  })

  it.each(["false", "FALSE", "False", "no", "off", "OFF", "0"])("%s is false", (text) => {
    expect(resolved({}, { RESILIENCE_ENABLED: text }).enabled).toBe(false)
    expect(resolved({}, { RETRY_ENABLED: text }).find("retry", "svc")).toBeUndefined()
    expect(resolved({}, { RETRY_BUDGET_ENABLED: text }).options("retry", "svc").budget?.enabled).toBe(false)
    expect(resolved({}, { RETRY_JITTER: text }).options("retry", "svc").jitter).toBe("none")
  })

  it.each([
    ["7", 7],
    ["7.0", 7],
    ["0x10", 16],
    ["1e3", 1_000]
  ])("%s is a number", (text, number) => {
    expect(resolved({}, { BULKHEAD_LIMIT: text }).options("bulkhead", "svc").maxConcurrent).toBe(number)
  })

  it.each([
    ["RESILIENCE_ENABLED", " false"],
    ["RETRY_ENABLED", "true "],
    ["RETRY_JITTER", "off\r"],
    ["RETRY_STRATEGY", "linear "],
    ["RETRY_BASE_DELAY", " 500 millis\t"],
    ["BULKHEAD_LIMIT", " 7 "]
  ])("%s may have white space around it", (name, text) => {
    const config = resolved({}, { [name]: text })
    const trimmed = resolved({}, { [name]: text.trim() })
    expect(config.enabled).toBe(trimmed.enabled)
    expect(config.find("retry", "svc")).toEqual(trimmed.find("retry", "svc"))
    expect(config.find("bulkhead", "svc")).toEqual(trimmed.find("bulkhead", "svc"))
  })
})
