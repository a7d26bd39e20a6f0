import { describe, expect, it } from "@effect/vitest"
import { Duration, Result } from "effect"
import { ResilienceConfig } from "../../../src/index.ts"
import { base, presets } from "../../../src/resilience/internal/presets.ts"
import * as Variables from "../../../src/resilience/internal/variables.ts"

const patternNames = (services: ReadonlyArray<string>) =>
  Variables.namesFor(services).filter((name) => !Variables.flags.includes(name))

describe("the name of a service", () => {
  it.each([
    ["k8s", "K8S"],
    ["K8S", "K8S"],
    ["s3cache", "S3CACHE"],
    ["paymentApi", "PAYMENT_API"],
    ["v2Api", "V2_API"],
    ["payment-api", "PAYMENT_API"]
  ])("%s is %s in variables, which set its options", (service, variable) => {
    expect(Variables.toVariable(service)).toBe(variable)
    const config = Result.getOrThrow(ResilienceConfig.resolve({}, new Map([[`TIMEOUT_${variable}`, "7"]])))
    expect(config.optionsOf("timeout", service)).toMatchObject({ duration: Duration.seconds(7) })
  })
})

describe("the name of a variable", () => {
  it("means what it was made of", () => {
    for (const service of [undefined, "SVC", "PAYMENT_API", "S3", "7"]) {
      const names = patternNames(service === undefined ? [] : [service])
      const own = names.filter((name) => (service === undefined ? true : name.includes(`_${service}`)))
      expect(own.length).toBeGreaterThan(50)
      for (const name of own) {
        const meaning = Variables.meaningOf(name)!
        expect([name, meaning.service]).toEqual([name, service])
        expect(Variables.nameOf(meaning)).toBe(name)
      }
    }
  })

  it.each([
    ["RETRY_MY_OVERLOAD_MAX_ATTEMPTS", "MY", ["overload", "maxAttempts"]],
    ["RETRY_JITTER_STRATEGY", undefined, ["jitter"]],
    ["RETRY_SVC_JITTER_STRATEGY", "SVC", ["jitter"]],
    ["CIRCUIT_BREAKER_PROBE_TIMEOUT", undefined, ["probeTimeout"]],
    ["CIRCUIT_BREAKER_SVC_TIMEOUT", "SVC", ["openDuration"]],
    ["RETRY_RETRY_AFTER_MAX", undefined, ["retryAfterMax"]],
    ["RETRY_RETRY_RETRY_AFTER_MAX", "RETRY", ["retryAfterMax"]],
    ["BULKHEAD_LIMIT_LIMIT", "LIMIT", ["maxConcurrent"]],
    ["TIMEOUT_TIMEOUT", "TIMEOUT", ["duration"]],
    ["TIMEOUT_ENABLED", undefined, []],
    ["TIMEOUT_SVC_ENABLED", "SVC", []],
    ["TIMEOUT_DEFAULT_OPERATION_TYPE", "DEFAULT", ["operationType"]],
    ["DEADLINE_DEFAULT", undefined, ["duration"]]
  ])("%s is of %s, and sets %j", (name, service, path) => {
    const meaning = Variables.meaningOf(name)
    expect([meaning?.service, meaning?.variable.path]).toEqual([service, path])
  })

  it.each(["PATH", "RETRY", "RETRY_", "RETRYING_MAX_ATTEMPTS", "X_RETRY_MAX_ATTEMPTS", "BULKHEAD_SVC", ""])(
    '"%s" means nothing',
    (name) => {
      expect(Variables.meaningOf(name)).toBeUndefined()
    }
  )

  it.each([
    ["RETRY_X", true, true],
    ["RETRY_", true, true],
    ["RESILIENCE_ENABLED", true, true],
    ["CIRCUIT_BREAKER_SVC", true, true],
    ["RETRY", false, true],
    ["CIRCUIT", false, true],
    ["CIRCUIT_BREAKER", false, true],
    ["CIRCUIT_BOARD", false, false],
    ["CIRC", false, false],
    ["RETRYING", false, false],
    ["", false, false]
  ])("%s: ours %s, related %s", (name, ours, related) => {
    expect([Variables.isOurs(name), Variables.isRelated(name)]).toEqual([ours, related])
  })
})

describe("the paths under which variables are looked up", () => {
  const paths = Variables.pathsFor(["SVC"]).map((path) => path.join("/"))

  it.each([
    "RETRY",
    "CIRCUIT_BREAKER",
    "RESILIENCE",
    "RESILIENCE_STRICT",
    "RETRY_SVC_BUDGET_RATIO",
    "RETRY/SVC/BUDGET/RATIO",
    "RETRY/BUDGET/RATIO",
    "CIRCUIT_BREAKER/SVC/FAIL_MAX",
    "TIMEOUT/SVC",
    "TIMEOUT/DEFAULT",
    "TIMEOUT/SVC/OPERATION_TYPE",
    "DEADLINE/ENABLED"
  ])("have %s", (path) => {
    expect(paths).toContain(path)
  })

  it("are all different", () => {
    expect(new Set(paths).size).toBe(paths.length)
  })
})

describe("the presets", () => {
  it("are a valid configuration, in which nothing is without effect", () => {
    for (const literal of [base, presets, { ...base, ...presets }]) {
      expect(Result.isSuccess(ResilienceConfig.resolve(literal))).toBe(true)
    }
  })

  it("name operation types that have a time limit", () => {
    const types = Object.keys(presets.operationTypes)
    for (const [service, patterns] of Object.entries(presets.services)) {
      if ("timeout" in patterns) expect(types, service).toContain(patterns.timeout.operationType)
    }
  })

  it("can be written as the literal that they are", () => {
    const config = Result.getOrThrow(ResilienceConfig.resolve(presets))
    expect(config.optionsOf("timeout", "openfga")).toEqual({ duration: Duration.seconds(5), operationType: "auth" })
  })
})
