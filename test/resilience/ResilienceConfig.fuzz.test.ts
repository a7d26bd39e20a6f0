import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Result } from "effect"
import { ResilienceConfig } from "../../src/index.ts"
import * as Environment from "../../src/resilience/internal/environment.ts"
import { slots } from "../../src/resilience/internal/Source.ts"
import * as Variables from "../../src/resilience/internal/variables.ts"
import { seeded, type Seeded } from "../../src/testing/internal/Seeded.ts"
import { problems } from "./support/resolved.ts"

const many = <A>(dice: Seeded, most: number, make: () => A): ReadonlyArray<A> =>
  Array.from({ length: dice.integer(0, most) }, make)
const isLucky = (dice: Seeded, share: number): boolean => dice.next() < share

const services = [
  "",
  "svc",
  "paymentApi",
  "payment-api",
  "redis",
  "LLM",
  "__proto__",
  "constructor",
  "a.b",
  "größe",
  "0"
]
const numbers = "0 1 2 -1 0.5 7 NaN Infinity -Infinity 1e999 0x1f 1_000 ٣"
const flags = "true FALSE on off maybe null undefined {} 5ms"
const modes = "count-window time-window consecutive linear none full observe auth 🔥"
const texts = ["", " ", "\n", "5 seconds", "1 second 2", ...[numbers, flags, modes].flatMap((all) => all.split(" "))]
const knownNames = Variables.namesFor(services.map(Variables.toVariable))
const words = ["", ..."RETRY CIRCUIT BREAKER TIMEOUT BULKHEAD DEADLINE RESILIENCE SVC MAX LIMIT x ß 7".split(" ")]

const name = (dice: Seeded): string =>
  isLucky(dice, 0.7) ? dice.pick(knownNames) : dice.pick([...words, many(dice, 6, () => dice.pick(words)).join("_")])

const goodPatterns: ReadonlyArray<object> = [
  {},
  { retry: { maxAttempts: 4, overload: { factor: 3 } } },
  { retry: false, deadline: "1 minute" },
  { bulkhead: { maxConcurrent: 3 }, timeout: { operationType: "auth" } },
  { circuitBreaker: { tripPolicy: "count-window", failureRate: 0.3 }, timeout: 500 }
]
const goodVariables: ReadonlyArray<readonly [string, string]> = [
  ["RETRY_JITTER", "off"],
  ["BULKHEAD_SVC_LIMIT", "7"],
  ["TIMEOUT_AUTH", "7"],
  ["RETRY_REDIS_ENABLED", "false"],
  ["RESILIENCE_ENABLED", "no"]
]

const variables = (dice: Seeded) => new Map(many(dice, 6, () => [name(dice), dice.pick(texts)] as const))

const plain = [
  undefined,
  null,
  true,
  false,
  0,
  1,
  2,
  -1,
  0.5,
  Number.NaN,
  Infinity,
  "",
  "5 seconds",
  "count-window",
  "linear"
]
const odd = [[], [1], {}, { seconds: 5 }, Symbol("s"), () => 1, new Date(0), new Map(), Object.create(null) as unknown]
const scalars: ReadonlyArray<unknown> = [...plain, ...odd]
const retryNames = "maxAttempts jitter overload budget ratio factor enabled overload.factor"
const breakerNames =
  "tripPolicy failureRate probes successesToClose openDuration openDurationMax windowSize minimumCalls probeTimeout"
const otherNames = "maxConcurrent duration operationType maxKeys nonsense __proto__ constructor toString a.b"
const optionNames = ["", ...[retryNames, breakerNames, otherNames].flatMap((all) => all.split(" "))]
const topNames = [...slots, "enabled", "strict", "services", "operationTypes", "retri", "__proto__", "constructor"]

const tree = (dice: Seeded, names: ReadonlyArray<string>, depth: number): unknown => {
  if (depth === 0 || isLucky(dice, 0.4)) return dice.pick(scalars)
  const entries = many(dice, 4, () => [dice.pick(names), tree(dice, optionNames, depth - 1)] as const)
  return Object.fromEntries(entries)
}

const literal = (dice: Seeded): unknown => {
  if (isLucky(dice, 0.1)) return dice.pick(scalars)
  const patterns = () => Object.fromEntries(many(dice, 3, () => [dice.pick(slots), tree(dice, optionNames, 2)]))
  const named = Object.fromEntries(
    many(dice, 3, () => [dice.pick(services), isLucky(dice, 0.9) ? patterns() : dice.pick(scalars)])
  )
  const other = isLucky(dice, 0.3) ? { [dice.pick(topNames)]: tree(dice, topNames, 2) } : {}
  return { ...patterns(), ...(isLucky(dice, 0.8) ? { services: named } : {}), ...other }
}

/** A literal and variables: one in three times good ones. */
const anything = (seed: number): readonly [literal: unknown, variables: ReadonlyMap<string, string>] => {
  const dice = seeded(seed)
  if (!isLucky(dice, 1 / 3)) return [literal(dice), variables(dice)]
  const services = { svc: dice.pick(goodPatterns), "payment-api": dice.pick(goodPatterns) }
  return [{ ...dice.pick(goodPatterns), services }, new Map(many(dice, 4, () => dice.pick(goodVariables)))]
}

const resolve = (literal: unknown, variables: ReadonlyMap<string, string>) =>
  ResilienceConfig.resolve(literal as ResilienceConfig.ConfigInput, variables)

const RUNS = 300
const TIME = { timeout: 60_000 }

describe("whatever is written", () => {
  it("comes to a configuration, or to lines that say why not", TIME, () => {
    let [valid, wrong] = [0, 0]
    for (let seed = 1; seed <= RUNS; seed++) {
      const result = resolve(...anything(seed))
      if (Result.isSuccess(result)) {
        valid++
        for (const service of [...services, "stranger"]) {
          expect(result.success.isKnown(service)).toBeTypeOf("boolean")
          for (const slot of slots) result.success.optionsOf(slot, service)
        }
      } else {
        wrong++
        expect(result.failure.length).toBeGreaterThan(0)
        expect(new Set(result.failure).size).toBe(result.failure.length)
        for (const line of result.failure) expect(line).toMatch(/^(expected|\S.*: ).*/s)
      }
    }
    expect(valid).toBeGreaterThan(RUNS / 4)
    expect(wrong).toBeGreaterThan(RUNS / 3)
  })

  it("comes to the same in whatever order the variables are found", TIME, () => {
    for (let seed = 1; seed <= RUNS / 2; seed++) {
      const [written, values] = anything(seed)
      const forth = resolve(written, values)
      const back = resolve(written, new Map([...values].toReversed()))
      if (Result.isSuccess(forth) && Result.isSuccess(back)) {
        for (const service of services) {
          for (const slot of slots) {
            expect(back.success.optionsOf(slot, service)).toEqual(forth.success.optionsOf(slot, service))
          }
        }
      } else
        expect(new Set(Result.isFailure(back) ? back.failure : [])).toEqual(
          new Set(Result.isFailure(forth) ? forth.failure : [])
        )
    }
  })

  it("no wrong variable hides another", TIME, () => {
    const wrong = knownNames.filter((name) => !/_JITTER$|RESILIENCE_STRICT|_OPERATION_TYPE$/.test(name))
    for (let seed = 1; seed <= RUNS / 10; seed++) {
      const dice = seeded(seed)
      const env = Object.fromEntries(many(dice, 8, () => [dice.pick(wrong), "🔥"]))
      const alone = Object.keys(env).flatMap((name) => problems({}, { [name]: "🔥" }))
      expect(alone).toHaveLength(Object.keys(env).length)
      expect(problems({}, env).toSorted()).toEqual(alone.toSorted())
    }
  })
})

describe("whatever a provider holds", () => {
  const data = (dice: Seeded, depth: number): unknown => {
    if (depth === 0 || isLucky(dice, 0.3)) return dice.pick([...texts, null, 5, true, undefined, ["x"], []])
    return Object.fromEntries(many(dice, 5, () => [name(dice), data(dice, depth - 1)]))
  }

  it.effect(
    "it is read without a failure, and only what is ours",
    () =>
      Effect.gen(function* () {
        for (let seed = 1; seed <= 10; seed++) {
          const dice = seeded(seed)
          const [first, second] = [ConfigProvider.fromUnknown(data(dice, 3)), ConfigProvider.fromUnknown(data(dice, 3))]
          const found = yield* Environment.read(ConfigProvider.orElse(first, second), ["SVC"])
          for (const name of found.keys()) expect(Variables.isOurs(name)).toBe(true)
          expect(Result.isResult(resolve({}, found))).toBe(true)
        }
      }),
    TIME
  )

  it.effect(
    "it is read the same, flat or in parts",
    () =>
      Effect.gen(function* () {
        for (let seed = 1; seed <= 10; seed++) {
          const dice = seeded(seed)
          const flat = Object.fromEntries(
            many(dice, 8, () => [dice.pick(knownNames.filter((name) => !name.includes("__"))), dice.pick(texts)])
          )
          const found = yield* Environment.read(ConfigProvider.fromUnknown(flat), [])
          const inParts = yield* Environment.read(ConfigProvider.fromEnv({ env: flat }), [])
          expect(new Map([...inParts].toSorted())).toEqual(new Map([...found].toSorted()))
        }
      }),
    TIME
  )
})
