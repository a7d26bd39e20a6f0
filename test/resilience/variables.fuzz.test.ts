import { Duration, Result } from "effect"
import { describe, expect } from "vitest"
import { Pipeline, ResilienceConfig } from "../../src/index.ts"
import { slots } from "../../src/resilience/internal/Source.ts"
import * as Variables from "../../src/resilience/internal/variables.ts"
import { type Dice, property } from "../support/property.ts"
import { SECRET, slip, text } from "../support/texts.ts"

const services = ["LLM", "SVC", "PAYMENT_API", "DB", "0", "MAX", "GRÖSSE", "PROTO", "CONSTRUCTOR"]
const names = Variables.namesFor(services)
const known = new Set(services)
/** Enough of them, or most of the time goes into names that are nobody's. */
const anyName = (dice: Dice): string =>
  dice.oneOf(
    () => dice.pick(names),
    () => slip(dice, dice.pick(names)),
    () => `${dice.pick(["RETRY", "TIMEOUT", "BULKHEAD", "DEADLINE", "CIRCUIT_BREAKER", "RESILIENCE"])}_${text(dice)}`,
    () => text(dice)
  )

const resolve = (variables: Readonly<Record<string, string>>) =>
  ResilienceConfig.resolve({}, new Map(Object.entries(variables)))

const linesOf = (variables: Readonly<Record<string, string>>): ReadonlyArray<string> => {
  const resolved = resolve(variables)
  return Result.isFailure(resolved) ? resolved.failure : []
}

const optionOf = ({ path, slot }: Variables.Variable, service: string, variables: Readonly<Record<string, string>>) =>
  Result.match(resolve(variables), {
    onFailure: () => undefined,
    onSuccess: ({ optionsOf }) =>
      path.reduce<unknown>((at, key) => Object(at)[key], optionsOf(slot, service.toLowerCase()) ?? {})
  })

describe("whatever a variable is called", () => {
  property(
    "a name becomes one of variables, and stays it",
    text,
    (name) => {
      const variable = Variables.toVariable(name)
      expect(Variables.toVariable(variable)).toBe(variable)
      expect(variable).toMatch(/^[\p{L}\p{M}\p{N}_]*$/u)
    },
    { runs: 2_000 }
  )

  property(
    "its meaning has a name with the same meaning",
    (dice) => Variables.toVariable(anyName(dice)),
    (name) => {
      const meaning = Variables.meaningOf(name, known)
      if (meaning === undefined) return
      const services = meaning.service === undefined ? known : new Set([...known, meaning.service])
      expect(Variables.meaningOf(Variables.nameOf(meaning), services)).toEqual(meaning)
    },
    { runs: 2_000 }
  )

  property(
    "it is ours and means something, or is reported by its name, or is not ours",
    anyName,
    (name) => {
      const lines = linesOf({ [name]: "1" })
      if (!Variables.isOurs(name)) expect(lines).toEqual([])
      else if (!Variables.flags.includes(name) && Variables.meaningOf(name) === undefined) {
        expect(lines).toEqual([expect.stringContaining(`${name}: there is no such variable`)])
      }
    },
    { runs: 200 }
  )
})

describe("whatever the value of a variable is", () => {
  property(
    "it counts, or a line says which variable it is, what was expected, and what is there",
    (dice) => ({
      name: dice.pick(names),
      value: dice.oneOf(
        () => text(dice),
        () => slip(dice, "5 seconds")
      )
    }),
    ({ name, value }) => {
      for (const line of linesOf({ [name]: value })) {
        expect(line.startsWith(`${name}: `), line).toBe(true)
        if (line.includes("expected")) expect(line).toMatch(/: expected .+, got .+/s)
      }
    },
    { runs: 400 }
  )

  property(
    "a number of seconds, a share, a whole number and a switch are what was written",
    (dice) => ({
      seconds: dice.integer(1, 10 ** dice.integer(0, 9)),
      factor: 1 + dice.next() * 10,
      calls: dice.integer(1, 1e6),
      isOn: dice.isLucky(0.5)
    }),
    ({ calls, factor, isOn, seconds }) => {
      const config = Result.getOrThrow(
        resolve({
          TIMEOUT_LLM: ` ${seconds} `,
          DEADLINE_LLM: `${seconds} seconds`,
          RETRY_LLM_EXPONENTIAL_BASE: String(factor),
          RETRY_LLM_MAX_ATTEMPTS: String(calls),
          RESILIENCE_ENABLED: isOn ? "On" : "FALSE"
        })
      )
      for (const slot of ["timeout", "deadline"] as const) {
        const { duration } = config.optionsOf(slot, "llm") as { readonly duration: Duration.Duration }
        expect(Duration.toSeconds(duration)).toBe(seconds)
      }
      expect(config.optionsOf("retry", "llm")).toMatchObject({ factor, maxAttempts: calls })
      expect(config.enabled).toBe(isOn)
    },
    { runs: 60 }
  )

  property(
    "what it came to can be written again, and comes to the same",
    (dice) => ({ name: dice.pick(names), value: text(dice) }),
    ({ name, value }) => {
      const meaning = Variables.meaningOf(name, known)
      if (meaning === undefined || meaning.variable.path.length === 0) return
      const service = meaning.service ?? "OTHER"
      const found = optionOf(meaning.variable, service, { [name]: value })
      // What a switch switches on is told by another variable.
      if (found === undefined || (meaning.variable.expected !== undefined && typeof found !== "boolean")) return
      const seconds = Duration.isDuration(found) ? Duration.toSeconds(found) : undefined
      const again = optionOf(meaning.variable, service, { [name]: String(seconds ?? found) })
      if (seconds === undefined || seconds < 1e6 || seconds === Infinity)
        return expect(again).toEqual(Object.is(found, -0) ? 0 : found)
      // The digits of so many seconds end before the nanoseconds.
      expect(Duration.toSeconds(again as Duration.Duration) / seconds).toBeCloseTo(1, 15)
    },
    { runs: 300 }
  )

  property(
    "nothing of it is told where it is a secret",
    (dice) => ({
      name: dice.pick([
        "TIMEOUT_API_KEY",
        "TIMEOUT_openai_api_key",
        "TIMEOUT_OPENAI_APIKEY",
        "DEADLINE_OPENAI_API_KEYS",
        "TIMEOUT_LLM_AUTH",
        "TIMEOUT_DB_PWD",
        "TIMEOUT_TOKEN",
        "DEADLINE_DB_PASSWORD",
        "BULKHEAD_CLIENT_SECRET_LIMIT_TOKEN",
        "RESILIENCE_ADMIN_TOKEN",
        "RESILIENCE_TOKEN",
        "RETRY_MAX_ATTEMPTS_TOKEN"
      ]),
      url: `${dice.pick(["https", "redis", "postgres"])}://${dice.pick(["joe:", ":", ""])}${SECRET}@host:1/x`,
      filler: "x".repeat(dice.pick([0, 10, 170, 190, 200, 300]))
    }),
    ({ filler, name, url }) => {
      expect(linesOf({ [name]: SECRET }).join("\n")).not.toContain(SECRET)
      const lines = linesOf({ TIMEOUT_LLM: `${filler} ${url}`, RETRY_JITTER: url, RETRY_LLM_MAX_ATTEMPTS: url })
      expect(lines).toHaveLength(3)
      expect(lines.join("\n")).not.toContain(SECRET)
    },
    { runs: 60 }
  )

  property(
    "its line is no longer than a screen",
    (dice) => "x".repeat(dice.integer(1_000, 100_000)),
    (value) => {
      expect(linesOf({ TIMEOUT_LLM: value })[0]!.length).toBeLessThan(400)
    },
    { runs: 20 }
  )
})

/** What nobody writes, unless the types were switched off. */
const oddities = (dice: Dice): unknown => {
  const endless: Record<string, unknown> = {}
  endless["again"] = endless
  return dice.pick<unknown>([
    1n,
    [1n],
    { value: 1n },
    endless,
    { again: { again: endless } },
    { toJSON: () => undefined },
    {
      toJSON: () => {
        throw new Error(SECRET)
      }
    },
    Symbol("s"),
    () => 1,
    new Map([[1, 2]]),
    Object.create(null),
    new Date(Number.NaN),
    new Proxy({}, {})
  ])
}

describe("whatever is written in code", () => {
  const optionNames = ["maxAttempts", "overload", "budget", "duration", "maxConcurrent", "tripPolicy", "nonsense"]
  property(
    "is a configuration, or lines say why not",
    (dice) => {
      const odd = oddities(dice)
      const options = {
        [dice.pick(optionNames)]: dice.oneOf(
          () => odd,
          () => ({ factor: odd })
        )
      }
      return dice.pick<unknown>([
        odd,
        { [dice.pick(slots)]: odd },
        { [dice.pick(slots)]: options },
        { services: odd },
        { services: { llm: odd } },
        { services: { llm: { [dice.pick(slots)]: options } } },
        { operationTypes: { llm: odd } },
        { enabled: odd, strict: odd },
        { nonsense: odd }
      ])
    },
    (literal) => {
      const resolved = ResilienceConfig.resolve(literal as ResilienceConfig.ConfigInput)
      if (Result.isFailure(resolved)) {
        expect(resolved.failure.length).toBeGreaterThan(0)
        expect(resolved.failure.join("\n")).not.toContain(SECRET)
      }
    },
    { runs: 300 }
  )

  property(
    "for one policy, is its options, or an error says what is wrong",
    (dice) => ({
      slot: dice.pick(slots),
      options: Object.fromEntries(dice.many(3, () => [dice.pick(optionNames), oddities(dice)]))
    }),
    ({ options, slot }) => {
      let message = ""
      try {
        Pipeline.makeUnsafe({ service: "llm", [slot]: options } as Pipeline.MakeOptions)
      } catch (error) {
        message = String(error)
      }
      expect(message).toMatch(/^$|^Error: Pipeline.make: invalid options\n/)
    },
    { runs: 300 }
  )
})
