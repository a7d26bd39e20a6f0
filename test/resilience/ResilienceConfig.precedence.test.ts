import { describe, expect, it } from "@effect/vitest"
import { Duration } from "effect"
import { resolved } from "./support/resolved.ts"
import type { Env } from "./support/world.ts"

/** A place where something can be said, and how it is said there. */
interface Place {
  readonly literal?: object
  readonly env?: Env
}

/** All ways to say something in some of the places and nothing in the others. */
const subsets = <A>([first, ...others]: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> =>
  first === undefined ? [[]] : subsets(others).flatMap((some) => [some, [first, ...some]])

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null

const merge = (into: object, from: object): object => {
  const added = Object.entries(from).map(([key, value]) => {
    const before: unknown = Object.entries(into).find(([name]) => name === key)?.[1]
    return [key, isObject(before) && isObject(value) ? merge(before, value) : value]
  })
  return { ...into, ...Object.fromEntries(added) }
}

/** What is said in all of these places together. */
const together = (places: ReadonlyArray<Place>) =>
  resolved(
    places.map(({ literal = {} }) => literal).reduce(merge, {}),
    Object.assign({}, ...places.map(({ env = {} }) => env)) as Env
  )

type Config = ReturnType<typeof resolved>
type Said = readonly [value: number, place: Place]

/** Whatever is said elsewhere, the last of the places that say something counts. */
const expectLastToCount = (places: ReadonlyArray<Said>, otherwise: number, read: (config: Config) => number) => {
  for (const some of subsets(places)) {
    const said = some.map(([value]) => value)
    const counts = read(together(some.map(([, place]) => place)))
    expect({ said, counts }).toEqual({ said, counts: said.at(-1) ?? otherwise })
  }
}

describe("an option", () => {
  const limitOf = (service: string) => (config: Config) => config.options("bulkhead", service).maxConcurrent
  const places = (service: string, variable: string): ReadonlyArray<Said> => [
    [3, { literal: { services: { [service]: { bulkhead: { maxConcurrent: 3 } } } } }],
    [4, { env: { [`BULKHEAD_${variable}_LIMIT`]: "4" } }]
  ]
  const forAll: ReadonlyArray<Said> = [
    [1, { literal: { bulkhead: { maxConcurrent: 1 } } }],
    [2, { env: { BULKHEAD_LIMIT: "2" } }]
  ]

  it("counts more for one service than for all, and more in the environment than in code", () => {
    expectLastToCount([...forAll, ...places("svc", "SVC")], 10, limitOf("svc"))
  })

  it("of a preset counts more than one for all, and less than one for the service", () => {
    for (const some of subsets(forAll)) {
      expect(limitOf("redis")(together(some.map(([, place]) => place)))).toBe(100)
    }
    expectLastToCount(places("redis", "REDIS"), 100, limitOf("redis"))
  })

  it("of one service says nothing about another", () => {
    const config = together(places("svc", "SVC").map(([, place]) => place))
    expect(limitOf("other")(config)).toBe(10)
    expect(limitOf("redis")(config)).toBe(100)
  })

  it("that is not set in one place leaves what other places say", () => {
    const config = resolved(
      { retry: { maxAttempts: 4 }, services: { svc: { retry: { factor: 3 } } } },
      { RETRY_BASE_DELAY: "2", RETRY_SVC_STRATEGY: "linear" }
    )
    expect(config.options("retry", "svc")).toMatchObject({
      maxAttempts: 4,
      factor: 3,
      baseDelay: Duration.seconds(2),
      strategy: "linear"
    })
  })

  it("that is undefined is not set", () => {
    const literal = {
      bulkhead: { maxConcurrent: 4, maxQueue: undefined },
      retry: undefined,
      services: { svc: { bulkhead: { maxConcurrent: undefined } }, other: undefined }
    }
    expect(resolved(literal).options("bulkhead", "svc")).toMatchObject({ maxConcurrent: 4, maxQueue: 1_000 })
  })
})

describe("a group of options", () => {
  it("is put together from all places", () => {
    const config = resolved(
      { retry: { overload: { maxAttempts: 4, factor: 3 } }, services: { svc: { retry: { overload: { factor: 4 } } } } },
      { RETRY_OVERLOAD_BASE_DELAY: "1", RETRY_SVC_OVERLOAD_JITTER: "false", RETRY_SVC_BUDGET_RATIO: "0.5" }
    )
    expect(config.options("retry", "svc")).toMatchObject({
      overload: { maxAttempts: 4, factor: 4, baseDelay: Duration.seconds(1), jitter: "none" },
      budget: { ratio: 0.5, minimumPerSecond: 10 }
    })
    expect(config.options("retry", "other").overload).toMatchObject({ factor: 3, jitter: "decorrelated" })
  })

  it("that is written empty changes nothing", () => {
    const config = resolved({
      retry: { overload: { factor: 3 } },
      services: { svc: { retry: { overload: {}, budget: {} } } }
    })
    expect(config.options("retry", "svc").overload.factor).toBe(3)
    expect(config.options("retry", "svc")).toEqual(config.options("retry", "other"))
  })

  it("RETRY_OVERLOAD_... is the group and no service called overload", () => {
    const config = resolved({}, { RETRY_OVERLOAD_MAX_ATTEMPTS: "2" })
    expect(config.options("retry", "svc").overload.maxAttempts).toBe(2)
    expect(config.options("retry", "overload").maxAttempts).toBe(3)
  })
})

describe("the time limit of an attempt", () => {
  const forAll: ReadonlyArray<Said> = [
    [11, { literal: { timeout: "11 seconds" } }],
    [12, { env: { TIMEOUT_DEFAULT: "12" } }]
  ]
  const forType = (type: string): ReadonlyArray<Said> => [
    [13, { literal: { operationTypes: { [type]: "13 seconds" } } }],
    [14, { env: { [`TIMEOUT_${type.toUpperCase()}`]: "14" } }]
  ]
  const forService: ReadonlyArray<Said> = [
    [15, { literal: { services: { svc: { timeout: "15 seconds" } } } }],
    [16, { env: { TIMEOUT_SVC: "16" } }]
  ]
  const secondsOf = (config: Config) => Duration.toSeconds(config.options("timeout", "svc").duration)
  const ofType = (type: string, places: ReadonlyArray<Said>): ReadonlyArray<Said> =>
    places.map(([value, { env, literal }]) => [
      value,
      { literal: literal ?? {}, env: { ...env, TIMEOUT_SVC_OPERATION_TYPE: type } }
    ])

  it("is that of the service, else that of its operation type, else that for all", () => {
    expectLastToCount(ofType("batch", [...forAll, ...forType("batch"), ...forService]), 30, secondsOf)
  })

  it("of an operation type with a preset counts more than that for all", () => {
    const preset: Said = [5, {}]
    for (const some of subsets(forAll)) {
      const weaker = ofType("auth", [...some, preset]).map(([, place]) => place)
      expect(secondsOf(together(weaker))).toBe(5)
    }
    expectLastToCount(ofType("auth", [...forType("auth"), ...forService]), 30, secondsOf)
  })

  it("of a service is also the one of an operation type with that name", () => {
    const config = resolved({ services: { svc: { timeout: { operationType: "llm" } } } }, { TIMEOUT_LLM: "7" })
    for (const service of ["llm", "svc"]) {
      expect(config.options("timeout", service).duration).toEqual(Duration.seconds(7))
    }
  })

  it("follows the operation type that counts most", () => {
    const services = { redis: { timeout: { operationType: "http" } } }
    expect(resolved({ services }).options("timeout", "redis")).toEqual({
      duration: Duration.seconds(15),
      operationType: "http"
    })
    expect(resolved({ services }, { TIMEOUT_REDIS_OPERATION_TYPE: "llm" }).options("timeout", "redis")).toEqual({
      duration: Duration.seconds(60),
      operationType: "llm"
    })
    expect(resolved({}, { TIMEOUT_OPERATION_TYPE: "http" }).options("timeout", "redis").operationType).toBe("db")
  })

  it("is that for all where the operation type has none", () => {
    const literal = { timeout: "7 seconds", services: { llm: { timeout: { operationType: "unheard-of" } } } }
    expect(resolved(literal).options("timeout", "llm").duration).toEqual(Duration.seconds(7))
  })

  it.each([
    ["a long time limit", { TIMEOUT_SVC: "90" }, 120],
    ["that of the operation type", { TIMEOUT_SVC_OPERATION_TYPE: "llm" }, 90],
    ["that for all", { TIMEOUT_DEFAULT: "2 minutes" }, 150],
    ["a short one", { TIMEOUT_SVC: "7" }, 37],
    ["the default", {}, 60],
    ["none at all", { TIMEOUT_SVC: "Infinity" }, 30],
    ["a long one and a long wait", { TIMEOUT_SVC: "90", BULKHEAD_QUEUE_TIMEOUT: "2 minutes" }, 210],
    ["a long one and a short wait of the service", { TIMEOUT_SVC: "90", BULKHEAD_SVC_QUEUE_TIMEOUT: "1" }, 91],
    ["both short", { TIMEOUT_SVC: "7", BULKHEAD_QUEUE_TIMEOUT: "8" }, 30],
    ["a long one and a wait without end", { TIMEOUT_SVC: "90", BULKHEAD_QUEUE_TIMEOUT: "Infinity" }, 90],
    ["a long one where nobody waits", { TIMEOUT_SVC: "90", BULKHEAD_MAX_QUEUE: "0" }, 90],
    ["a long one without a bulkhead", { TIMEOUT_SVC: "90", BULKHEAD_SVC_ENABLED: "no" }, 90],
    ["that of a first element", { TIMEOUT_SVC: "90", TIMEOUT_SVC_FIRST_ELEMENT: "100" }, 130],
    ["that of a next element", { TIMEOUT_SVC_IDLE: "45", TIMEOUT_SVC_FIRST_ELEMENT: "40" }, 75],
    ["that of a first element for all", { TIMEOUT_FIRST_ELEMENT: "2 minutes", BULKHEAD_MAX_QUEUE: "0" }, 120],
    ["longer than those of elements", { TIMEOUT_SVC: "90", TIMEOUT_IDLE: "5", TIMEOUT_FIRST_ELEMENT: "20" }, 120],
    ["beside one without end", { TIMEOUT_SVC: "90", TIMEOUT_SVC_IDLE: "Infinity" }, 120],
    ["a first element beside none", { TIMEOUT_SVC: "Infinity", TIMEOUT_SVC_FIRST_ELEMENT: "40" }, 70],
    ["any, where the probe has its own", { TIMEOUT_SVC: "90", CIRCUIT_BREAKER_PROBE_TIMEOUT: "40" }, 40]
  ])("%s and the longest wait are the time of a probe, if that is longer than its default", (_, env, probeSeconds) => {
    const { probeTimeout } = resolved({}, env).options("circuitBreaker", "svc")
    expect(Duration.toSeconds(probeTimeout)).toBe(probeSeconds)
  })
})

describe("a deadline", () => {
  it("is there where somebody has set it", () => {
    const config = resolved({ services: { svc: { deadline: "7 seconds" } } }, { DEADLINE_OTHER: "8" })
    expect(config.find("deadline", "svc")).toEqual({ duration: Duration.seconds(7) })
    expect(config.find("deadline", "other")).toEqual({ duration: Duration.seconds(8) })
    expect(config.find("deadline", "third")).toBeUndefined()
    expect(resolved({ deadline: { duration: 500 } }).find("deadline", "svc")).toEqual({
      duration: Duration.millis(500)
    })
  })

  it("without a duration is none", () => {
    expect(resolved({ deadline: {} }).find("deadline", "svc")).toBeUndefined()
  })

  it("of one service counts more than that for all", () => {
    const config = resolved({ services: { svc: { deadline: "7 seconds" } } }, { DEADLINE_DEFAULT: "8" })
    expect(config.find("deadline", "svc")?.duration).toEqual(Duration.seconds(7))
    expect(config.find("deadline", "other")?.duration).toEqual(Duration.seconds(8))
  })
})

describe("jitter", () => {
  it("that is off stays off, whatever the strategy for as many services", () => {
    const env = { RETRY_JITTER: "false", RETRY_JITTER_STRATEGY: "full" }
    expect(resolved({}, env).options("retry", "svc").jitter).toBe("none")
    const own = { RETRY_SVC_JITTER: "off", RETRY_SVC_JITTER_STRATEGY: "full" }
    expect(resolved({}, own).options("retry", "svc").jitter).toBe("none")
  })

  it("that is on has the strategy that is named, or the default", () => {
    expect(resolved({}, { RETRY_JITTER: "on", RETRY_JITTER_STRATEGY: "full" }).options("retry", "svc").jitter).toBe(
      "full"
    )
    expect(resolved({ retry: { jitter: "full" } }, { RETRY_JITTER: "true" }).options("retry", "svc").jitter).toBe(
      "full"
    )
    expect(resolved({}, { RETRY_JITTER: "on" }).options("retry", "svc").jitter).toBe("equal")
    expect(resolved({}, { RETRY_OVERLOAD_JITTER: "on" }).options("retry", "svc").overload.jitter).toBe("decorrelated")
  })

  it("that is off can be switched on where it counts more", () => {
    const on = (literal: object, env: Env) => resolved(literal, env).options("retry", "svc")
    expect(on({}, { RETRY_JITTER: "false", RETRY_SVC_JITTER: "true" }).jitter).toBe("equal")
    expect(on({}, { RETRY_OVERLOAD_JITTER: "off", RETRY_SVC_OVERLOAD_JITTER: "on" }).overload.jitter).toBe(
      "decorrelated"
    )
    expect(on({ retry: { jitter: "none" } }, { RETRY_JITTER: "true" }).jitter).toBe("equal")
    expect(on({ services: { svc: { retry: { jitter: "none" } } } }, { RETRY_SVC_JITTER: "true" }).jitter).toBe("equal")
    expect(on({ services: { svc: { retry: { jitter: "none" } } } }, { RETRY_JITTER: "true" }).jitter).toBe("none")
  })

  it("that is off for all can have a strategy for one service", () => {
    const config = resolved({}, { RETRY_JITTER: "false", RETRY_SVC_JITTER_STRATEGY: "full" })
    expect(config.options("retry", "svc").jitter).toBe("full")
    expect(config.options("retry", "other").jitter).toBe("none")
  })
})

describe("a pattern", () => {
  it("that is false in a literal is off, for all or for one service", () => {
    const forAll = resolved({ retry: false, timeout: false })
    expect([forAll.find("retry", "svc"), forAll.find("timeout", "redis")]).toEqual([undefined, undefined])
    expect(forAll.find("bulkhead", "svc")).toBeDefined()
    const forOne = resolved({ services: { svc: { retry: false } } })
    expect([forOne.find("retry", "svc"), forOne.find("retry", "other")?.maxAttempts]).toEqual([undefined, 3])
  })

  it("that is off for all is on for a service with options of its own", () => {
    const config = resolved({
      retry: false,
      timeout: false,
      services: { svc: { retry: {}, timeout: "7 seconds" }, other: {} }
    })
    expect(config.options("retry", "svc").maxAttempts).toBe(3)
    expect(config.options("timeout", "svc").duration).toEqual(Duration.seconds(7))
    expect([config.find("retry", "other"), config.find("timeout", "other")]).toEqual([undefined, undefined])
  })

  it("can be switched off by the environment, for all or for one service", () => {
    const literal = { retry: { maxAttempts: 5 }, services: { svc: { retry: { maxAttempts: 6 } } } }
    expect(resolved(literal, { RETRY_ENABLED: "false" }).find("retry", "svc")).toBeUndefined()
    const config = resolved(literal, { RETRY_SVC_ENABLED: "false" })
    expect([config.find("retry", "svc"), config.find("retry", "other")?.maxAttempts]).toEqual([undefined, 5])
  })

  it("that is off can be switched on by the environment, for all or for one service", () => {
    expect(resolved({ retry: false }, { RETRY_ENABLED: "true" }).find("retry", "svc")).toBeDefined()
    const config = resolved({ services: { svc: { retry: false } } }, { RETRY_SVC_ENABLED: "true" })
    expect(config.find("retry", "svc")).toBeDefined()
    const forOne = resolved({}, { RETRY_ENABLED: "false", RETRY_SVC_ENABLED: "true" })
    expect([forOne.find("retry", "svc")?.maxAttempts, forOne.find("retry", "other")]).toEqual([3, undefined])
  })
})

describe("a pattern that is switched off in code for one service", () => {
  const payments = { services: { payments: { retry: false } } }

  it("is not switched on for it by a variable for all services", () => {
    expect(resolved(payments, { RETRY_ENABLED: "true" }).find("retry", "payments")).toBeUndefined()
    expect(resolved({ ...payments, retry: {} }).find("retry", "payments")).toBeUndefined()
  })

  it("stays off, whatever options the environment sets", () => {
    const env = { RETRY_MAX_ATTEMPTS: "5", RETRY_PAYMENTS_MAX_ATTEMPTS: "5" }
    expect(resolved(payments, env).find("retry", "payments")).toBeUndefined()
  })
})

describe("the switches for everything", () => {
  it.each([
    [{}, {}, true],
    [{ enabled: false }, {}, false],
    [{ enabled: false }, { RESILIENCE_ENABLED: "true" }, true],
    [{ enabled: true }, { RESILIENCE_ENABLED: "false" }, false]
  ])("enabled: %j and %j come to %s", (literal, env, enabled) => {
    expect(resolved(literal, env).enabled).toBe(enabled)
  })

  it.each([
    [{}, {}, false],
    [{ strict: true }, {}, true],
    [{ strict: true }, { RESILIENCE_STRICT: "false" }, false],
    [{ strict: false }, { RESILIENCE_STRICT: "true" }, true]
  ])("strict: %j and %j come to %s", (literal, env, strict) => {
    expect(resolved(literal, env).strict).toBe(strict)
  })
})
