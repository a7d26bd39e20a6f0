import { describe, expect, it } from "@effect/vitest"
import { suggestionsFor } from "../../../src/resilience/internal/suggestions.ts"
import * as Variables from "../../../src/resilience/internal/variables.ts"

const names = Variables.namesFor([]).filter((name) => !Variables.flags.includes(name))

const suggestionFor = (name: string, services: ReadonlyArray<string> = []) => suggestionsFor(services)(name)

describe("a guess", () => {
  it("is for a service that is known, or one that the name contains", () => {
    expect(suggestionFor("BULKHEAD_SVX_LIMT", ["SVC"])).toBe("BULKHEAD_SVX_LIMIT")
    expect(suggestionFor("BULKHEAD_LIMT", ["SVC"])).toBe("BULKHEAD_LIMIT")
    expect(suggestionFor("RETRY_PAYMENTS_MAXATTEMPTS")).toBe("RETRY_PAYMENTS_MAX_ATTEMPTS")
    expect(suggestionFor("RETRY_SVCMAX_ATTEMPTS", ["SVC"])).toBe("RETRY_SVC_MAX_ATTEMPTS")
  })

  it("is the variable of the option that a name spells as code does, for all services and for one", () => {
    const options = names.map((name) => Variables.meaningOf(name)!.variable)
    for (const { path, slot } of options.filter(({ path }) => path.length > 0)) {
      const variable = Variables.variableOf(slot, path)!
      for (const service of [undefined, "BILLING"]) {
        const spelled = { ...variable, suffix: path.map(Variables.toVariable).join("_") }
        const name = Variables.nameOf({ variable: spelled, service })
        if (Variables.meaningOf(name) !== undefined) continue
        expect([name, suggestionFor(name)]).toEqual([name, Variables.nameOf({ variable, service })])
      }
    }
  })

  it("does not take a part of an option for a service", () => {
    const unknown = names
      .flatMap((name) => [name.slice(0, -1), name.replace(/.(?=_[A-Z]+$)/, "")])
      .filter((name) => Variables.meaningOf(name) === undefined)
    expect(unknown.length).toBeGreaterThan(50)
    for (const name of unknown) {
      const guess = suggestionFor(name)
      expect([name, guess, guess && Variables.meaningOf(guess)?.service]).toEqual([name, guess, undefined])
    }
    expect(suggestionFor("TIMEOUT_DURATION_DURATION")).toBeUndefined()
  })

  it("keeps the pattern", () => {
    expect(suggestionFor("RETRY_LIMIT")).not.toBe("BULKHEAD_LIMIT")
    expect(suggestionFor("PATH")).toBeUndefined()
  })

  it("is not made for names that nobody writes", () => {
    expect(suggestionFor(`RETRY_${"X".repeat(77)}_MAX_ATEMPTS`)).toBeDefined()
    expect(suggestionFor(`RETRY_${"X".repeat(90)}_MAX_ATEMPTS`)).toBeUndefined()
  })

  it("is made in no time for many misspelt names among many services", () => {
    const services = Array.from({ length: 1_000 }, (_, at) => `SERVICE_${at}_${"LONG_".repeat(10)}NAME`)
    const suggest = suggestionsFor(services)
    for (const service of services.slice(0, 20)) {
      expect(suggest(`RETRY_${service}_MAX_ATEMPTS`)).toBe(`RETRY_${service}_MAX_ATTEMPTS`)
    }
  }, 15_000)
})
