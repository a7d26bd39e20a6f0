import { describe, expect, it } from "@effect/vitest"
import { Duration } from "effect"
import { problems, resolved } from "./support/resolved.ts"

describe("a wrong variable", () => {
  it.each([
    ["BULKHEAD_LIMIT", "0", "a whole number of at least 1"],
    ["BULKHEAD_LIMIT", "2.5", "a whole number of at least 1"],
    ["BULKHEAD_LIMIT", "ten", "a whole number of at least 1"],
    ["BULKHEAD_LIMIT", "NaN", "a whole number of at least 1"],
    ["BULKHEAD_LIMIT", "Infinity", "a whole number of at least 1"],
    ["BULKHEAD_LIMIT", "", "a whole number of at least 1"],
    ["BULKHEAD_MAX_QUEUE", "-1", "a whole number of at least 0"],
    ["RETRY_EXPONENTIAL_BASE", "0.5", "a number of at least 1"],
    ["RETRY_BUDGET_RATIO", "-0.1", "a number of at least 0"],
    ["CIRCUIT_BREAKER_OPEN_DURATION_JITTER", "1.1", "a share between 0 and 1 (0.5 means 50 %)"],
    ["TIMEOUT_DEFAULT", "0", "a duration greater than zero"],
    ["TIMEOUT_DEFAULT", "-5", "a duration greater than zero"],
    ["TIMEOUT_DEFAULT", "5us", 'a duration such as "500 millis"'],
    ["TIMEOUT_DEFAULT", "NaN", 'a duration such as "500 millis"'],
    ["RETRY_BASE_DELAY", "-1 seconds", "a finite duration of zero or more"],
    ["RETRY_EXPONENTIAL_MAX", "Infinity", "a finite duration of zero or more"],
    ["RETRY_BUDGET_WINDOW", "0", "a finite duration greater than zero"],
    ["RETRY_STRATEGY", "quadratic", '"exponential" | "linear" | "fixed" | "random"'],
    ["RETRY_ENABLED", "maybe", "true or false"],
    ["RETRY_SVC_ENABLED", "2", "true or false"],
    ["RETRY_JITTER", "maybe", "true or false"],
    ["RETRY_JITTER", "full", "true or false"],
    ["RETRY_SVC_OVERLOAD_JITTER", "none", "true or false"],
    ["RETRY_BUDGET_ENABLED", "maybe", "true or false"],
    ["RESILIENCE_ENABLED", "enabled", "true or false"],
    ["RESILIENCE_STRICT", "", "true or false"],
    ["TIMEOUT_AUTH", "soon", 'a duration such as "500 millis"']
  ])("%s=%s: the line names it, its value and what was expected", (name, text, expected) => {
    expect(problems({}, { [name]: text })).toEqual([`${name}: expected ${expected}, got ${JSON.stringify(text)}`])
  })

  it("is reported as it is named, for one service too", () => {
    expect(problems({}, { BULKHEAD_SVC_LIMIT: "0", RETRY_SVC_OVERLOAD_MAX_ATTEMPTS: "none" })).toEqual([
      'RETRY_SVC_OVERLOAD_MAX_ATTEMPTS: expected a whole number of at least 1, got "none"',
      'BULKHEAD_SVC_LIMIT: expected a whole number of at least 1, got "0"'
    ])
  })

  it("does not hide another", () => {
    const lines = problems(
      { services: { svc: { bulkhead: { maxQueue: -1 } } } },
      { RESILIENCE_ENABLED: "perhaps", RETRY_MAX_ATTEMPTS: "0", RETRY_FACTR: "2", TIMEOUT_SVC: "never" }
    )
    expect(lines.toSorted()).toEqual([
      'RESILIENCE_ENABLED: expected true or false, got "perhaps"',
      "RETRY_FACTR: there is no such variable (did you mean RETRY_EXPONENTIAL_BASE?)",
      'RETRY_MAX_ATTEMPTS: expected a whole number of at least 1, got "0"',
      'TIMEOUT_SVC: expected a duration such as "500 millis", got "never"',
      "services.svc.bulkhead.maxQueue: expected a whole number of at least 0, got -1"
    ])
  })

  it("is reported once, however many services it concerns", () => {
    const services = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`svc-${index}`, {}]))
    expect(problems({ services }, { TIMEOUT_DEFAULT: "-1", CIRCUIT_BREAKER_FAIL_MAX: "0" })).toHaveLength(2)
  })

  it("does not hide that others do not fit each other, or have no effect", () => {
    const variables = { FAIL_MAX: "abc", SUCCESSES_TO_CLOSE: "3", WINDOW_SIZE: "30", OPEN_DURATION_MAX: "0" }
    for (const prefix of ["CIRCUIT_BREAKER", "CIRCUIT_BREAKER_LLM"]) {
      const named = Object.entries(variables).map(([name, text]) => [`${prefix}_${name}`, text])
      const lines = problems({}, Object.fromEntries(named))
      expect(lines.map((line) => line.split(":")[0]).toSorted()).toEqual(named.map(([name]) => name).toSorted())
    }
  })

  it("says nothing about what it decides: a service may read what is said for all", () => {
    const all = { CIRCUIT_BREAKER_WINDOW_SIZE: "30" }
    expect(problems({}, { ...all, CIRCUIT_BREAKER_LLM_TRIP_POLICY: "count-windows" })).toEqual([
      expect.stringMatching(/^CIRCUIT_BREAKER_LLM_TRIP_POLICY: /)
    ])
    const reading = { CIRCUIT_BREAKER_LLM_TRIP_POLICY: "count-window", CIRCUIT_BREAKER_LLM_FAILURE_RATE: "2" }
    expect(problems({}, { ...all, ...reading })).toEqual([expect.stringMatching(/^CIRCUIT_BREAKER_LLM_FAILURE_RATE: /)])
  })

  it("counts, even where another one hides it", () => {
    const wild = 'expected "none" | "equal" | "full" | "decorrelated", got "wild"'
    for (const service of ["", "SVC_", "SVC_OVERLOAD_"]) {
      const [jitter, strategy] = [`RETRY_${service}JITTER`, `RETRY_${service}JITTER_STRATEGY`]
      expect(problems({}, { [jitter]: "false", [strategy]: "wild" })).toEqual([`${strategy}: ${wild}`])
      expect(problems({}, { [jitter]: "true", [strategy]: "wild" })).toEqual([`${strategy}: ${wild}`])
      expect(problems({}, { [jitter]: "maybe", [strategy]: "wild" }).toSorted()).toEqual([
        `${jitter}: expected true or false, got "maybe"`,
        `${strategy}: ${wild}`
      ])
      expect(problems({}, { [jitter]: "false", [strategy]: "full" })).toEqual([])
    }
    expect(problems({ retry: false }, { RETRY_MAX_ATTEMPTS: "0" })).toHaveLength(1)
    expect(problems({ enabled: false }, { RETRY_MAX_ATTEMPTS: "0" })).toHaveLength(1)
  })
})

describe("an unknown variable", () => {
  it.each([
    ["RETRY_MAX_ATEMPTS", "RETRY_MAX_ATTEMPTS"],
    ["RETRY_SVC_MAX_ATEMPTS", "RETRY_SVC_MAX_ATTEMPTS"],
    ["CIRCUIT_BREAKER_LLM_FAILMAX", "CIRCUIT_BREAKER_LLM_FAIL_MAX"],
    ["CIRCUIT_BREAKER_PAYMENT_API_TIMOUT", "CIRCUIT_BREAKER_PAYMENT_API_TIMEOUT"],
    ["BULKHEAD_LIMITS", "BULKHEAD_LIMIT"],
    ["BULKHEAD_LLM_LIMITS", "BULKHEAD_LLM_LIMIT"],
    ["RETRY_OVERLOAD_MAX_ATEMPTS", "RETRY_OVERLOAD_MAX_ATTEMPTS"],
    ["RESILIENCE_ENABLD", "RESILIENCE_ENABLED"],
    ["RESILIENCE_STRICT_MODE", "RESILIENCE_STRICT"],
    ["RETRY_JITTR", "RETRY_JITTER"],
    ["TIMEOUT_DEFUALT", "TIMEOUT_DEFAULT"],
    ["DEADLINE_DEFUALT", "DEADLINE_DEFAULT"],
    ["TIMEOUT_DEFAULTS", "TIMEOUT_DEFAULT"],
    ["TIMEOUT_DEFALT", "TIMEOUT_DEFAULT"],
    ["TIMEOUT_Default", "TIMEOUT_DEFAULT"],
    ["TIMEOUT_LLM_DURATION", "TIMEOUT_LLM"],
    ["DEADLINE_PAYMENT_API_DURATION", "DEADLINE_PAYMENT_API"],
    ["TIMEOUT_DURATION", "TIMEOUT_DEFAULT"],
    ["DEADLINE_DURATION", "DEADLINE_DEFAULT"],
    ["CIRCUIT_BREAKER_CONSECUTIVE_FAILURES", "CIRCUIT_BREAKER_FAIL_MAX"],
    ["CIRCUIT_BREAKER_CONSECUTIV_FAILURE", "CIRCUIT_BREAKER_FAIL_MAX"],
    ["CIRCUIT_BREAKER_LLM_CONSECUTIVE_FAILURES", "CIRCUIT_BREAKER_LLM_FAIL_MAX"],
    ["CIRCUIT_BREAKER_OPEN_DURATION", "CIRCUIT_BREAKER_TIMEOUT"],
    ["BULKHEAD_MAX_CONCURRENT", "BULKHEAD_LIMIT"],
    ["BULKHEAD_BILLING_MAX_CONCURRENT", "BULKHEAD_BILLING_LIMIT"],
    ["RETRY_MAX_DELAY", "RETRY_EXPONENTIAL_MAX"],
    ["RETRY_BILLING_FACTOR", "RETRY_BILLING_EXPONENTIAL_BASE"],
    ["RETRY_OVERLOAD_FACTOR", "RETRY_OVERLOAD_EXPONENTIAL_BASE"],
    ["RETRY_BILLING_RATE_LIMIT_MAX_DELAY", "RETRY_BILLING_RATE_LIMIT_EXPONENTIAL_MAX"]
  ])("%s is reported with the nearest known one", (name, nearest) => {
    expect(problems({}, { [name]: "1" })).toEqual([`${name}: there is no such variable (did you mean ${nearest}?)`])
  })

  it("may look like a service where the code has one of this name", () => {
    const names = { defualt: "DEFUALT", defaults: "DEFAULTS", callDuration: "CALL_DURATION", duration: "DURATION" }
    for (const [name, inVariables] of Object.entries(names)) {
      const variables = { [`TIMEOUT_${inVariables}`]: "7", [`DEADLINE_${inVariables}`]: "8" }
      expect(problems({}, variables)).toHaveLength(2)
      const config = resolved({ services: { [name]: {} } }, variables)
      expect(config.options("timeout", name).duration).toEqual(Duration.seconds(7))
      expect(config.find("deadline", name)).toEqual({ duration: Duration.seconds(8) })
      expect(problems({ operationTypes: { [name]: "1 second" } }, variables)).toEqual([])
    }
  })

  it.each(["FAULT", "VAULT", "DB", "S3", "A", "DEFAULT_DB", "DURATIONS", "ENDURATION"])(
    "is not a variable of a service that is only short or similar: %s",
    (service) => {
      expect(problems({}, { [`TIMEOUT_${service}`]: "5", [`DEADLINE_${service}`]: "5" })).toEqual([])
    }
  )

  it("may be one of operators' tools, which reach a running application by it", () => {
    expect(problems({}, { RESILIENCE_ADMIN_URL: "http://127.0.0.1:9090", RESILIENCE_ADMIN_TOKEN: "a secret" })).toEqual(
      []
    )
    expect(problems({}, { RESILIENCE_ADMINS: "1" })).toHaveLength(1)
  })

  it("may be nothing like a known one", () => {
    expect(problems({}, { RETRY_XYZ: "1", CIRCUIT_BREAKER_SUPERCALIFRAGILISTIC: "1" })).toEqual([
      "CIRCUIT_BREAKER_SUPERCALIFRAGILISTIC: there is no such variable",
      "RETRY_XYZ: there is no such variable"
    ])
  })

  it.each([
    "RETRY_",
    "BULKHEAD__",
    "BULKHEAD___LIMIT",
    "TIMEOUT_",
    "TIMEOUT__",
    "CIRCUIT_BREAKER_",
    "RESILIENCE_",
    "RETRY__MAX"
  ])("%s means nothing", (name) => {
    expect(problems({}, { [name]: "1" }).map((line) => line.split(":")[0])).toEqual([name])
  })
})

describe("a literal of the wrong structure", () => {
  it.each([
    [null, "expected an object, got null"],
    ["on", 'expected an object, got "on"'],
    [7, "expected an object, got 7"],
    [[], "expected an object, got []"]
  ])("%j is none at all", (literal, line) => {
    expect(problems(literal)).toEqual([line])
  })

  it.each([
    [{ enabled: "yes" }, 'enabled: expected true or false, got "yes"'],
    [{ strict: 1 }, "strict: expected true or false, got 1"],
    [{ enabled: null }, "enabled: expected true or false, got null"],
    [{ services: [] }, "services: expected an object, got []"],
    [{ services: null }, "services: expected an object, got null"],
    [{ services: "svc" }, 'services: expected an object, got "svc"'],
    [{ services: { svc: null } }, "services.svc: expected an object, got null"],
    [{ services: { svc: true } }, "services.svc: expected an object, got true"],
    [{ operationTypes: 5 }, "operationTypes: expected an object, got 5"],
    [{ operationTypes: { auth: "soon" } }, 'operationTypes.auth: expected a duration such as "500 millis", got "soon"'],
    [{ operationTypes: { auth: 0 } }, "operationTypes.auth: expected a duration greater than zero, got 0"],
    [{ operationTypes: { auth: null } }, 'operationTypes.auth: expected a duration such as "500 millis", got null'],
    [{ retry: true }, "retry: expected options, or false, got true"],
    [{ retry: null }, "retry: expected options, or false, got null"],
    [{ retry: [] }, "retry: expected options, or false, got []"],
    [{ retry: 5 }, "retry: expected options, or false, got 5"],
    [{ bulkhead: "5 seconds" }, 'bulkhead: expected options, or false, got "5 seconds"'],
    [{ bulkhead: { seconds: 5 } }, 'bulkhead: expected options, or false, got {"seconds":5}'],
    [{ circuitBreaker: Duration.seconds(5) }, "circuitBreaker: expected options, or false, got 5s"],
    [{ timeout: "soon" }, 'timeout: expected options, or false, got "soon"'],
    [{ timeout: Number.NaN }, "timeout: expected options, or false, got NaN"],
    [{ deadline: null }, "deadline: expected options, or false, got null"],
    [{ timeout: -5 }, "timeout: expected a duration greater than zero, got -5"],
    [
      { timeout: { duration: "0 seconds" } },
      'timeout.duration: expected a duration greater than zero, got "0 seconds"'
    ],
    [{ retri: {} }, 'retri: there is no such setting (did you mean "retry"?)'],
    [{ service: {} }, 'service: there is no such setting (did you mean "services"?)'],
    [{ xyz: {} }, "xyz: there is no such setting"],
    [{ services: { svc: { retri: {} } } }, 'services.svc.retri: there is no such setting (did you mean "retry"?)'],
    [{ services: { svc: { enabled: false } } }, "services.svc.enabled: there is no such setting"],
    [{ retry: { maxAttempt: 1 } }, 'retry.maxAttempt: expected no such option (did you mean "maxAttempts"?), got 1'],
    [{ retry: { overload: 5 } }, "retry.overload: expected object, got 5"],
    [{ retry: { overload: [1] } }, "retry.overload: expected object, got [1]"],
    [{ retry: { overload: null } }, "retry.overload: expected object, got null"],
    [{ retry: { maxAttempts: { most: 3 } } }, 'retry.maxAttempts: expected number, got {"most":3}'],
    [{ retry: { maxAttempts: "3" } }, 'retry.maxAttempts: expected number, got "3"'],
    [{ retry: { maxAttempts: null } }, "retry.maxAttempts: expected number, got null"],
    [
      { bulkhead: { maxConcurrent: Number.NaN } },
      "bulkhead.maxConcurrent: expected a whole number of at least 1, got NaN"
    ],
    [{ retry: { budget: { enabled: "no" } } }, 'retry.budget.enabled: expected boolean, got "no"'],
    [
      { circuitBreaker: { mode: "off" } },
      'circuitBreaker.mode: expected "enforce" | "observe" | "disabled", got "off"'
    ],
    [
      { circuitBreaker: { openDuration: Duration.zero } },
      "circuitBreaker.openDuration: expected a duration greater than zero, got 0"
    ]
  ])("%j is one line", (literal, line) => {
    expect(problems(literal)).toEqual([line])
  })

  it.each([5, [1]])("has %j for a group, and a variable an option of it: it is reported, and not changed", (group) => {
    expect(problems({ retry: { overload: group } }, { RETRY_OVERLOAD_MAX_ATTEMPTS: "2" })).toEqual([
      `retry.overload: expected object, got ${JSON.stringify(group)}`
    ])
    expect(Object.keys(group)).toEqual(Array.isArray(group) ? ["0"] : [])
  })

  it.each(["__proto__", "constructor", "toString"])("has an option called %s: it is reported", (name) => {
    const options = JSON.parse(`{ "${name}": { "x": 1 } }`) as object
    for (const literal of [{ circuitBreaker: options }, { retry: { overload: options } }]) {
      const [slot, path] = "retry" in literal ? ["retry", `overload.${name}`] : ["circuitBreaker", name]
      expect(problems(literal)).toEqual([`${slot}.${path}: expected no such option, got {"x":1}`])
    }
  })

  it("is reported with the nearest known option, in a group too", () => {
    expect(problems({ services: { svc: { retry: { overload: { maxAttempt: 1 } } } } })).toEqual([
      'services.svc.retry.overload.maxAttempt: expected no such option (did you mean "maxAttempts"?), got 1'
    ])
  })

  it("is reported at all depths at once, each mistake once", () => {
    const literal = {
      enabled: 1,
      retri: {},
      bulkhead: { maxConcurrent: 0 },
      operationTypes: { batch: -1 },
      services: {
        svc: { retry: { overload: { factor: 0 }, maxAttempts: 0 }, bulkhed: {}, timeout: { operationType: "batch" } },
        other: 5
      }
    }
    expect(problems(literal).toSorted()).toEqual([
      "bulkhead.maxConcurrent: expected a whole number of at least 1, got 0",
      "enabled: expected true or false, got 1",
      "operationTypes.batch: expected a duration greater than zero, got -1",
      'retri: there is no such setting (did you mean "retry"?)',
      "services.other: expected an object, got 5",
      'services.svc.bulkhed: there is no such setting (did you mean "bulkhead"?)',
      "services.svc.retry.maxAttempts: expected a whole number of at least 1, got 0",
      "services.svc.retry.overload.factor: expected a number of at least 1, got 0"
    ])
  })
})

describe("two names for the same", () => {
  it("are a mistake in a literal", () => {
    const services = { "payment-api": {}, other: {}, paymentApi: { bulkhead: { maxConcurrent: 2 } }, PAYMENT_API: {} }
    expect(problems({ services, operationTypes: { batch: 1_000, Batch: 2_000 } })).toEqual([
      "operationTypes.Batch: the same as operationTypes.batch",
      "services.paymentApi: the same as services.payment-api",
      "services.PAYMENT_API: the same as services.payment-api"
    ])
  })

  it("are a mistake in the environment", () => {
    const env = { BULKHEAD_PAYMENT_API_LIMIT: "2", BULKHEAD_paymentApi_LIMIT: "3", "TIMEOUT_payment-api": "4" }
    expect(problems({}, env)).toEqual(["BULKHEAD_paymentApi_LIMIT: the same as BULKHEAD_PAYMENT_API_LIMIT"])
    expect(problems({}, { TIMEOUT_llm: "1", TIMEOUT_LLM: "1" })).toEqual(["TIMEOUT_llm: the same as TIMEOUT_LLM"])
  })

  it("are none for different settings", () => {
    const env = { RETRY_JITTER: "true", RETRY_JITTER_STRATEGY: "full", RETRY_SVC_JITTER: "true", TIMEOUT_DEFAULT: "4" }
    expect(problems({ services: { a: {}, b: {} }, operationTypes: { a: 5 } }, env)).toEqual([])
  })
})

describe("settings that contradict each other", () => {
  it("are reported where both are set", () => {
    expect(problems({ circuitBreaker: { successesToClose: 3, probes: 2 } })).toEqual([
      "circuitBreaker.successesToClose: expected at most probes (2), got 3"
    ])
    expect(problems({}, { CIRCUIT_BREAKER_SVC_SUCCESSES_TO_CLOSE: "3" })).toEqual([
      'CIRCUIT_BREAKER_SVC_SUCCESSES_TO_CLOSE: expected at most probes (1), got "3"'
    ])
  })

  it("are reported once for all services", () => {
    const services = { a: {}, b: { bulkhead: { maxConcurrent: 3 } }, c: { circuitBreaker: { probes: 1 } } }
    expect(problems({ services }, { CIRCUIT_BREAKER_SUCCESSES_TO_CLOSE: "3" })).toEqual([
      'CIRCUIT_BREAKER_SUCCESSES_TO_CLOSE: expected at most probes (1), got "3"'
    ])
  })

  it("are settled where a service sets the other one", () => {
    const literal = { services: { svc: { circuitBreaker: { probes: 3 } } } }
    expect(problems(literal, { CIRCUIT_BREAKER_SVC_SUCCESSES_TO_CLOSE: "3" })).toEqual([])
  })

  it("are reported across code and environment", () => {
    const literal = { services: { svc: { circuitBreaker: { openDuration: "2 minutes" } } } }
    expect(problems(literal, { CIRCUIT_BREAKER_SVC_OPEN_DURATION_MAX: "90" })).toEqual([
      'CIRCUIT_BREAKER_SVC_OPEN_DURATION_MAX: expected at least openDuration (2m), got "90"'
    ])
    expect(
      problems(
        { circuitBreaker: { tripPolicy: "count-window", minimumCalls: 50 } },
        { CIRCUIT_BREAKER_WINDOW_SIZE: "40" }
      )
    ).toEqual(["circuitBreaker.minimumCalls: expected at most windowSize (40), got 50"])
  })
})

describe("a setting for all that some services contradict", () => {
  it("is reported with their names", () => {
    const literal = {
      circuitBreaker: { openDurationMax: "90 seconds" },
      services: {
        a: { circuitBreaker: { openDuration: "2 minutes" } },
        "b-c": { circuitBreaker: { openDuration: "3 minutes" } },
        fine: { circuitBreaker: { openDuration: "30 seconds" } }
      }
    }
    expect(problems(literal)).toEqual([
      'circuitBreaker.openDurationMax: expected at least openDuration (2m), got "90 seconds" (for A)',
      'circuitBreaker.openDurationMax: expected at least openDuration (3m), got "90 seconds" (for B_C)'
    ])
  })

  it("is reported by its variable", () => {
    const env = {
      CIRCUIT_BREAKER_SUCCESSES_TO_CLOSE: "2",
      CIRCUIT_BREAKER_PROBES: "2",
      CIRCUIT_BREAKER_SVC_PROBES: "1"
    }
    expect(problems({}, env)).toEqual([
      'CIRCUIT_BREAKER_SUCCESSES_TO_CLOSE: expected at most probes (1), got "2" (for SVC)'
    ])
  })

  it("is reported without names if it is wrong for all", () => {
    const literal = { circuitBreaker: { successesToClose: 2 }, services: { a: { circuitBreaker: { probes: 1 } } } }
    expect(problems(literal)).toEqual(["circuitBreaker.successesToClose: expected at most probes (1), got 2"])
  })

  it("is reported with the services' own settings that are wrong", () => {
    const literal = {
      circuitBreaker: { openDurationMax: "90 seconds" },
      services: { a: { circuitBreaker: { openDuration: "2 minutes", successesToClose: 2 } } }
    }
    expect(problems(literal)).toEqual([
      "services.a.circuitBreaker.successesToClose: expected at most probes (1), got 2",
      'circuitBreaker.openDurationMax: expected at least openDuration (2m), got "90 seconds" (for A)'
    ])
  })
})

describe("an option without effect", () => {
  it.each([
    [
      { circuitBreaker: { failureRate: 0.3 } },
      {},
      "circuitBreaker.failureRate",
      '"count-window" or "time-window"',
      "0.3"
    ],
    [
      {},
      { CIRCUIT_BREAKER_FAILURE_RATE: "0.3" },
      "CIRCUIT_BREAKER_FAILURE_RATE",
      '"count-window" or "time-window"',
      '"0.3"'
    ],
    [{}, { CIRCUIT_BREAKER_SVC_WINDOW_SIZE: "9" }, "CIRCUIT_BREAKER_SVC_WINDOW_SIZE", '"count-window"', '"9"'],
    [
      { services: { svc: { circuitBreaker: { consecutiveFailures: 3 } } } },
      { CIRCUIT_BREAKER_TRIP_POLICY: "count-window" },
      "services.svc.circuitBreaker.consecutiveFailures",
      '"consecutive"',
      "3"
    ],
    [
      { circuitBreaker: { tripPolicy: "count-window" } },
      { CIRCUIT_BREAKER_SVC_WINDOW_DURATION: "9" },
      "CIRCUIT_BREAKER_SVC_WINDOW_DURATION",
      '"time-window"',
      '"9"'
    ]
  ])("%j with %j is a mistake", (literal, env, where, policies, got) => {
    expect(problems(literal, env)).toEqual([`${where}: expected tripPolicy ${policies} with it, got ${got}`])
  })

  it("for all services is none if one of them needs it", () => {
    const literal = { circuitBreaker: { failureRate: 0.3 } }
    expect(problems(literal, { CIRCUIT_BREAKER_SVC_TRIP_POLICY: "time-window" })).toEqual([])
    expect(problems(literal, { CIRCUIT_BREAKER_SVC_FAIL_MAX: "7" })).toHaveLength(1)
  })

  it("of a preset is none: CIRCUIT_BREAKER_TRIP_POLICY may be set for all services", () => {
    expect(problems({}, { CIRCUIT_BREAKER_TRIP_POLICY: "count-window" })).toEqual([])
  })

  it("for all services is none if they need it, though one does not", () => {
    const env = { CIRCUIT_BREAKER_FAIL_MAX: "3", CIRCUIT_BREAKER_SVC_TRIP_POLICY: "count-window" }
    expect(problems({}, env)).toEqual([])
  })

  it("is reported together with wrong values elsewhere", () => {
    const literal = { circuitBreaker: { failureRate: 0.3 }, services: { svc: { circuitBreaker: { probes: 0 } } } }
    expect(problems(literal)).toEqual([
      'circuitBreaker.failureRate: expected tripPolicy "count-window" or "time-window" with it, got 0.3',
      "services.svc.circuitBreaker.probes: expected a whole number of at least 1, got 0"
    ])
  })
})

describe("variables of services that are not declared", () => {
  const declared = { services: { payments: {}, "user-data": { timeout: { operationType: "batch" } } } }

  it.each([
    ["BULKHEAD_PAYMENT_LIMIT", "PAYMENT", " (did you mean PAYMENTS?)"],
    ["RETRY_USERDATA_ENABLED", "USERDATA", " (did you mean USER_DATA?)"],
    ["CIRCUIT_BREAKER_ORDERS_FAIL_MAX", "ORDERS", ""],
    ["DEADLINE_ORDERS", "ORDERS", ""],
    ["TIMEOUT_ORDERS", "ORDERS", ""],
    ["TIMEOUT_BATSH", "BATSH", " (did you mean BATCH?)"],
    ["TIMEOUT_DEFULTS", "DEFULTS", " (did you mean DEFAULT?)"]
  ])("%s is a warning", (name, service, guess) => {
    const text = name.endsWith("ENABLED") ? "true" : "5"
    const line = `${name}: no service called ${service} is declared${guess}`
    expect(resolved(declared, { [name]: text }).warnings).toEqual([line])
    expect(problems({ ...declared, strict: true }, { [name]: text })).toEqual([line])
    expect(problems(declared, { [name]: text, RESILIENCE_STRICT: "true" })).toEqual([line])
  })

  it.each([
    "BULKHEAD_PAYMENTS_LIMIT",
    "BULKHEAD_USER_DATA_LIMIT",
    "BULKHEAD_REDIS_LIMIT",
    "BULKHEAD_LLM_LIMIT",
    "BULKHEAD_DB_LIMIT",
    "TIMEOUT_KEYCLOAK",
    "TIMEOUT_AUTH",
    "TIMEOUT_LLM",
    "TIMEOUT_BATCH",
    "TIMEOUT_DEFAULT",
    "BULKHEAD_LIMIT"
  ])("%s is fine", (name) => {
    expect(resolved({ ...declared, strict: true }, { [name]: "5" }).warnings).toEqual([])
  })

  it("are fine where nothing is declared", () => {
    const env = { BULKHEAD_ORDERS_LIMIT: "5", TIMEOUT_ORDERS: "5", RESILIENCE_STRICT: "true" }
    expect(resolved({}, env).warnings).toEqual([])
    expect(resolved({ services: {} }, env).warnings).toEqual([])
  })

  it.each([
    ["TIMEOUT_LMM", "LMM", "LLM"],
    ["BULKHEAD_REDDIS_LIMIT", "REDDIS", "REDIS"],
    ["TIMEOUT_OPENFAG", "OPENFAG", "OPENFGA"],
    ["TIMEOUT_AUHT", "AUHT", "AUTH"]
  ])("warn where nothing is declared and they nearly have the name of a preset: %s", (name, service, meant) => {
    const line = `${name}: only variables name a service called ${service} (did you mean ${meant}?)`
    expect(resolved({}, { [name]: "5" }).warnings).toEqual([line])
    expect(problems({}, { [name]: "5", RESILIENCE_STRICT: "true" })).toEqual([line])
  })

  it.each(["LLM2", "LLM_2", "DBX", "DA", "AUTH0", "BILLING", "SMS", "HTTP_API"])(
    "do not warn where nothing is declared and they are only similar: %s",
    (service) => {
      const env = { [`TIMEOUT_${service}`]: "5", [`BULKHEAD_${service}_LIMIT`]: "5" }
      expect(resolved({}, env).warnings).toEqual([])
    }
  )

  it("warn for each variable", () => {
    const env = { BULKHEAD_ORDERS_LIMIT: "5", BULKHEAD_ORDERS_ENABLED: "true", TIMEOUT_ORDERS: "5" }
    expect(
      resolved(declared, env)
        .warnings.map((line) => line.split(":")[0]!)
        .toSorted()
    ).toEqual(Object.keys(env).toSorted())
  })
})

describe("a service is known", () => {
  const config = resolved(
    { services: { svc: { timeout: { operationType: "batch" } } }, operationTypes: { report: "1 minute" } },
    { BULKHEAD_NAMED_LIMIT: "5", TIMEOUT_TIMED: "5" }
  )
  it.each(["svc", "redis", "openfga", "llm", "auth", "named", "timed", "batch", "report"])("if it is %s", (service) => {
    expect(config.isKnown(service)).toBe(true)
  })

  it("not if nobody has ever heard of it", () => {
    expect(config.isKnown("stranger")).toBe(false)
  })
})

describe("what is not wrong", () => {
  it("variables of others are left alone", () => {
    for (const name of [
      "PATH",
      "TIMEOUTX",
      "RETRYING",
      "TIMEOUT",
      "RETRY",
      "MY_RETRY_MAX_ATTEMPTS",
      "retry_max_attempts"
    ]) {
      expect([name, problems({}, { [name]: "whatever" })]).toEqual([name, []])
    }
  })
})

describe("a very long unknown variable", () => {
  it("is reported like any other", () => {
    const long = `RETRY_${"A_".repeat(5_000)}B`
    expect(problems({}, { [long]: "1" })).toEqual([`${long}: there is no such variable`])
  })

  it("may still be guessed while it is a name that somebody might write", () => {
    const service = "THE_SERVICE_OF_THE_DEPARTMENT_THAT_KNOWS_ALL_ABOUT_EVERYTHING"
    expect(problems({}, { [`RETRY_${service}_MAX_ATEMPTS`]: "1" })).toEqual([
      `RETRY_${service}_MAX_ATEMPTS: there is no such variable (did you mean RETRY_${service}_MAX_ATTEMPTS?)`
    ])
  })
})
