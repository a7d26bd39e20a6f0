import { describe, expect, it } from "@effect/vitest"
import { Cause, Config, ConfigProvider, Duration, Effect, Exit, Layer } from "effect"
import { Bulkhead, CircuitBreaker, Policy, Resilience, type ResilienceConfig, Retry, Timeout } from "../../src/index.ts"

/** What the policies of a service are set to. */
const settingsOf = (
  provider: ConfigProvider.ConfigProvider,
  service: string,
  config: ResilienceConfig.ConfigInput = {}
) =>
  Effect.gen(function* () {
    const breaker = yield* Policy.instanceOf(CircuitBreaker.Kind, service)
    const bulkhead = yield* Policy.instanceOf(Bulkhead.Kind, service)
    const retry = yield* Policy.instanceOf(Retry.Kind, service)
    const timeout = yield* Policy.instanceOf(Timeout.Kind, service)
    return {
      failures: breaker?.options.consecutiveFailures,
      limit: bulkhead?.options.maxConcurrent,
      attempts: retry?.options.maxAttempts,
      firstDelay: retry && Duration.toSeconds(retry.options.baseDelay),
      ratio: retry?.options.budget?.ratio,
      seconds: timeout && Duration.toSeconds(timeout.snapshot(0).duration)
    }
  }).pipe(
    Effect.provide(
      Resilience.layerEnvWith(config).pipe(Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, provider)))
    )
  )

const defaults = { failures: 5, limit: 10, attempts: 3, firstDelay: 1, ratio: 0.2, seconds: 30 }

const expectSettings = (
  provider: ConfigProvider.ConfigProvider,
  settings: Partial<typeof defaults>,
  { config, service = "svc" }: { readonly config?: ResilienceConfig.ConfigInput; readonly service?: string } = {}
) => Effect.map(settingsOf(provider, service, config), (found) => expect(found).toEqual({ ...defaults, ...settings }))

/** The message of the error with which the layer fails. */
const failureOf = (provider: ConfigProvider.ConfigProvider) =>
  Effect.map(Effect.flip(settingsOf(provider, "svc")), (error) => {
    expect(error).toBeInstanceOf(Config.ConfigError)
    return error.message
  })

const env = (variables: Record<string, string>) => ConfigProvider.fromEnv({ env: variables })
const json = (value: unknown) => ConfigProvider.fromUnknown(value)

/** A provider that answers for whole names and cannot list them. */
const lookUp = (variables: Readonly<Record<string, string>>, asked: Array<string> = []) =>
  ConfigProvider.make((path) => {
    const name = path.join("/")
    asked.push(name)
    const value = variables[name]
    return Effect.succeed(value === undefined ? undefined : ConfigProvider.makeValue(value))
  })

describe("the environment", () => {
  it.effect("is what the current provider finds", () =>
    expectSettings(env({ CIRCUIT_BREAKER_SVC_FAIL_MAX: "7", BULKHEAD_LIMIT: "8", TIMEOUT_SVC: "9", PATH: "/bin" }), {
      failures: 7,
      limit: 8,
      seconds: 9
    })
  )

  it.effect("says nothing where it is empty", () => expectSettings(env({}), {}))

  it.effect("may have a variable and others that begin like it", () =>
    expectSettings(
      env({ RETRY_BUDGET: "", RETRY_MAX_ATTEMPTS: "4", RETRY_BUDGET_RATIO: "0.5", TIMEOUT_A_B: "1", TIMEOUT_A: "2" }),
      {
        attempts: 4,
        ratio: 0.5
      }
    )
  )

  it.effect("may be a file of such lines", () =>
    expectSettings(
      ConfigProvider.fromDotEnvContents(`
        # how patient we are
        export TIMEOUT_SVC="500 millis"
        BULKHEAD_SVC_LIMIT=8   # at once
        RETRY_MAX_ATTEMPTS='4'
      `),
      { seconds: 0.5, limit: 8, attempts: 4 }
    )
  )

  it.effect("may have all names under a prefix", () =>
    expectSettings(env({ APP_BULKHEAD_SVC_LIMIT: "8", BULKHEAD_SVC_LIMIT: "9" }).pipe(ConfigProvider.nested("APP")), {
      limit: 8
    })
  )

  it.effect("may be read in constant case", () =>
    expectSettings(env({ CIRCUIT_BREAKER_SVC_FAIL_MAX: "7", TIMEOUT_SVC: "9" }).pipe(ConfigProvider.constantCase), {
      failures: 7,
      seconds: 9
    })
  )

  it.effect("may call services by numbers, and has no end of them", () =>
    Effect.gen(function* () {
      yield* expectSettings(
        env({ BULKHEAD_5432_LIMIT: "8", TIMEOUT_5432: "9" }),
        { limit: 8, seconds: 9 },
        { service: "5432" }
      )
      yield* expectSettings(env({ BULKHEAD_65535_LIMIT: "8" }), { limit: 8 }, { service: "65535" })
      yield* expectSettings(
        env({ BULKHEAD_4294967294_LIMIT: "8", BULKHEAD_7_LIMIT: "9" }),
        { limit: 9 },
        { service: "7" }
      )
    })
  )

  it.effect("is not searched for what is none of ours", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const root = ConfigProvider.makeRecord(new Set(["SECRET", "RETRY", "TIMEOUTX", "DATABASE"]))
      const provider = ConfigProvider.make((path) => {
        asked.push(path.join("_"))
        if (path.length === 0) return Effect.succeed(root)
        return Effect.succeed(path.length === 1 ? ConfigProvider.makeRecord(new Set(["URL"])) : undefined)
      })
      yield* Effect.exit(settingsOf(provider, "svc"))
      const strange = asked.filter((name) => /SECRET|TIMEOUTX|DATABASE/.test(name))
      expect(strange).toEqual([])
      expect(asked).toContain("RETRY_URL")
    })
  )

  it.effect("is searched once, and asked besides for what was not found", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      const inner = json({
        RETRY: { SVC: { MAX_ATTEMPTS: 4 }, BUDGET: { RATIO: 0.5 } },
        TIMEOUT_DEFAULT: 9,
        PATH: "/bin"
      })
      const provider = ConfigProvider.make((path) => {
        asked.push(path.join("/"))
        return inner.load(path)
      })
      yield* expectSettings(provider, { attempts: 4, ratio: 0.5, seconds: 9 })
      expect(asked.filter((name, at) => asked.indexOf(name) !== at)).toEqual([])
      expect(asked).toContain("TIMEOUT_AUTH")
      for (const name of ["RETRY_BUDGET_RATIO", "TIMEOUT/DEFAULT"]) expect(asked).not.toContain(name)
    })
  )
})

describe("structured data", () => {
  it.effect.each([
    { CIRCUIT_BREAKER_SVC_FAIL_MAX: 7, RETRY_BUDGET_RATIO: 0.5, TIMEOUT_SVC: "9 seconds", RETRY_SVC_ENABLED: true },
    { CIRCUIT_BREAKER: { SVC: { FAIL_MAX: 7 } }, RETRY: { BUDGET: { RATIO: 0.5 } }, TIMEOUT: { SVC: 9 } },
    { CIRCUIT: { BREAKER: { SVC: { FAIL: { MAX: "7" } } } }, RETRY: { BUDGET_RATIO: "0.5" }, TIMEOUT: { SVC: "9" } },
    { CIRCUIT_BREAKER_SVC: { FAIL_MAX: 7 }, RETRY_BUDGET: { RATIO: 0.5 }, TIMEOUT_SVC: 9 }
  ])("may be as flat or as deep as it likes: %j", (data) =>
    expectSettings(json(data), { failures: 7, ratio: 0.5, seconds: 9 })
  )

  it.effect("may spell a service in its own way", () =>
    expectSettings(
      json({ CIRCUIT_BREAKER: { "payment-api": { FAIL_MAX: 7 } }, TIMEOUT: { paymentApi: 9 } }),
      { failures: 7, seconds: 9 },
      { service: "payment-api" }
    )
  )

  it.effect("may be a part of something larger", () =>
    expectSettings(json({ app: { RETRY: { MAX_ATTEMPTS: 4 } }, RETRY: 5 }).pipe(ConfigProvider.nested("app")), {
      attempts: 4
    })
  )

  it.effect("with a list where a value should be is reported", () =>
    Effect.gen(function* () {
      const message = yield* failureOf(json({ RETRY: { MAX_ATTEMPTS: [4] } }))
      expect(message).toContain("RETRY_MAX_ATTEMPTS_0: there is no such variable (did you mean RETRY_MAX_ATTEMPTS?)")
    })
  )

  it.effect("that is empty, missing or no object says nothing", () =>
    Effect.gen(function* () {
      for (const data of [{}, { RETRY: {} }, { RETRY: null, TIMEOUT: undefined }, [], "RETRY", 5, null, undefined]) {
        yield* expectSettings(json(data), {})
      }
    })
  )
})

describe("two providers, one behind the other", () => {
  const behind = (first: ConfigProvider.ConfigProvider, second: ConfigProvider.ConfigProvider) =>
    ConfigProvider.orElse(first, second)

  it.effect("the first counts", () =>
    expectSettings(behind(env({ BULKHEAD_LIMIT: "8" }), json({ BULKHEAD_LIMIT: 9, RETRY_MAX_ATTEMPTS: 4 })), {
      limit: 8,
      attempts: 4
    })
  )

  it.effect("the second may be structured, with the same patterns as the first", () =>
    expectSettings(
      behind(
        env({ RETRY_MAX_ATTEMPTS: "4", BULKHEAD_SVC_LIMIT: "8", TIMEOUT_OTHER: "1" }),
        json({
          RETRY: { BASE_DELAY: 2, MAX_ATTEMPTS: 5, BUDGET: { RATIO: 0.5 } },
          CIRCUIT_BREAKER: { FAIL_MAX: 7 },
          TIMEOUT: { DEFAULT: 9 }
        })
      ),
      { attempts: 4, firstDelay: 2, ratio: 0.5, limit: 8, failures: 7, seconds: 9 }
    )
  )

  it.effect("the second may name services that only it knows, as long as it alone has the pattern", () =>
    expectSettings(behind(env({ RETRY_MAX_ATTEMPTS: "4" }), json({ BULKHEAD: { SVC: { LIMIT: 8 } } })), {
      attempts: 4,
      limit: 8
    })
  )

  it.effect("the second may set declared services, well-known ones and operation types", () =>
    Effect.gen(function* () {
      const config = {
        services: { "my-svc": { timeout: { operationType: "batch" } } },
        operationTypes: { report: "1 hour" }
      } as const
      const second = json({
        BULKHEAD_MY_SVC_LIMIT: 8,
        BULKHEAD_REDIS_LIMIT: 9,
        TIMEOUT_BATCH: 3,
        TIMEOUT_AUTH: 4,
        TIMEOUT_REPORT: 6
      })
      const provider = behind(env({ BULKHEAD_LIMIT: "7", TIMEOUT_DEFAULT: "70" }), second)
      yield* expectSettings(provider, { limit: 8, seconds: 3 }, { config, service: "my-svc" })
      yield* expectSettings(provider, { limit: 9, seconds: 10 }, { config, service: "redis" })
      yield* expectSettings(provider, { limit: 7, seconds: 4 }, { config, service: "auth" })
      yield* expectSettings(provider, { limit: 7, seconds: 6 }, { config, service: "report" })
    })
  )
})

describe("a provider that cannot list its names", () => {
  const config = { services: { "my-svc": {} } }

  it.effect("is asked for all that are known", () =>
    Effect.gen(function* () {
      const provider = lookUp({
        RETRY_MAX_ATTEMPTS: "4",
        BULKHEAD_MY_SVC_LIMIT: "8",
        BULKHEAD_OPENFGA_LIMIT: "9",
        TIMEOUT_AUTH: "6"
      })
      yield* expectSettings(provider, { attempts: 4, limit: 8 }, { config, service: "my-svc" })
      yield* expectSettings(
        provider,
        { attempts: 4, limit: 9, failures: 10, seconds: 6 },
        { config, service: "openfga" }
      )
    })
  )

  it.effect("may be structured", () =>
    expectSettings(
      lookUp({ "RETRY/BUDGET/RATIO": "0.5", "BULKHEAD/MY_SVC/LIMIT": "8", "TIMEOUT/DEFAULT": "9" }),
      { ratio: 0.5, limit: 8, seconds: 9 },
      { config, service: "my-svc" }
    )
  )

  it.effect("is asked for every variable, and for none twice", () =>
    Effect.gen(function* () {
      const asked: Array<string> = []
      yield* settingsOf(lookUp({}, asked), "svc")
      expect(new Set(asked).size).toBe(asked.length)
      for (const name of ["RESILIENCE_ENABLED", "RESILIENCE_STRICT", "DEADLINE_DEFAULT", "RETRY_OVERLOAD_JITTER"]) {
        expect(asked).toContain(name)
      }
    })
  )

  it.effect("that fails makes the layer fail", () =>
    Effect.gen(function* () {
      const error = new ConfigProvider.SourceError({ message: "no connection" })
      const message = yield* failureOf(ConfigProvider.make(() => Effect.fail(error)))
      expect(message).toContain("no connection")
      const onlyAtOne = ConfigProvider.make((path) =>
        path[0] === "RETRY_MAX_ATTEMPTS" ? Effect.fail(error) : Effect.succeed(undefined)
      )
      expect(yield* failureOf(onlyAtOne)).toContain("no connection")
    })
  )
})

describe("an empty text", () => {
  it.effect("is as good as none", () => expectSettings(env({ RETRY_MAX_ATTEMPTS: "", RESILIENCE_ENABLED: "" }), {}))

  it.effect("is wrong where the provider keeps it", () =>
    Effect.gen(function* () {
      const provider = ConfigProvider.fromEnv({ env: { RETRY_MAX_ATTEMPTS: "" }, preserveEmptyStrings: true })
      expect(yield* failureOf(provider)).toContain('RETRY_MAX_ATTEMPTS: expected a whole number of at least 1, got ""')
    })
  )
})

describe("a wrong environment", () => {
  it.effect("is one error that names everything", () =>
    Effect.gen(function* () {
      const message = yield* failureOf(
        env({ RETRY_MAX_ATTEMPTS: "0", TIMEOUT_SVC: "soon", BULKHEAD_LIMITS: "5", RETRYING: "yes", PATH: "/bin" })
      )
      expect(message).toBe(
        [
          "SourceError: Resilience.layerEnv: 3 problems in the configuration",
          "  BULKHEAD_LIMITS: there is no such variable (did you mean BULKHEAD_LIMIT?)",
          '  TIMEOUT_SVC: expected a duration such as "500 millis", got "soon"',
          '  RETRY_MAX_ATTEMPTS: expected a whole number of at least 1, got "0"'
        ].join("\n")
      )
    })
  )

  it.effect("with one mistake says so", () =>
    Effect.gen(function* () {
      expect(yield* failureOf(env({ RETRY_MAX_ATTEMPTS: "0" }))).toContain("1 problem in the configuration\n")
    })
  )

  it.effect("is an error that can be caught", () =>
    Effect.gen(function* () {
      const layer = Resilience.layerEnv.pipe(
        Layer.catch(() => Resilience.layer()),
        Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, env({ RETRY_MAX_ATTEMPTS: "0" })))
      )
      const retry = yield* Policy.instanceOf(Retry.Kind, "svc").pipe(Effect.provide(layer))
      expect(retry?.options.maxAttempts).toBe(3)
    })
  )
})

describe("a wrong literal", () => {
  const dieOf = (layer: Layer.Layer<Policy.ResilienceRegistry, unknown>) =>
    Effect.map(Effect.exit(Effect.provide(Effect.void, layer)), (exit) => {
      expect(Exit.isFailure(exit) && Cause.hasDies(exit.cause)).toBe(true)
      return Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : ""
    })
  const wrong = { retry: { maxAttempts: 0 }, bulkhead: { maxConcurrent: 0 } }

  it.effect("is a defect that names everything", () =>
    Effect.gen(function* () {
      expect(yield* dieOf(Resilience.layer(wrong))).toBe(
        [
          "Error: Resilience.layer: 2 problems in the configuration",
          "  retry.maxAttempts: expected a whole number of at least 1, got 0",
          "  bulkhead.maxConcurrent: expected a whole number of at least 1, got 0"
        ].join("\n")
      )
    })
  )

  it.effect("is a defect beside an environment too, and names what is wrong in that", () =>
    Effect.gen(function* () {
      const provide = Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, env({ TIMEOUT_DEFAULT: "never" })))
      const message = yield* dieOf(Resilience.layerEnvWith(wrong).pipe(provide))
      expect(message).toContain("3 problems")
      expect(message).toContain("TIMEOUT_DEFAULT")
    })
  )

  it.effect("is no mistake where the environment sets it right", () =>
    expectSettings(env({ RETRY_MAX_ATTEMPTS: "4" }), { attempts: 4 }, { config: { retry: { maxAttempts: 0 } } })
  )

  it.effect.each([null, 5, "on", []])("%j is one", (literal) =>
    Effect.gen(function* () {
      expect(yield* dieOf(Resilience.layer(literal as never))).toContain("expected an object")
      expect(yield* dieOf(Resilience.layerEnvWith(literal as never))).toContain("expected an object")
    })
  )
})
