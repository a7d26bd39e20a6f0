/**
 * What the patterns declare for tools that operators use: metrics, commands, and what is said about each.
 */
import { describe, expect, it } from "@effect/vitest"
import type { Schema } from "effect"
import { Pipeline, Resilience } from "../../src/index.ts"
import { aboutOf } from "../../src/policy/internal/options.ts"

/** As dashboards and help texts show it: it begins like a sentence and ends without a full stop. */
const IN_WORDS = /^[A-Z].*[^.\s]$/s

const units: Readonly<Record<string, string>> = {
  "circuit_breaker.state": "{state}",
  "circuit_breaker.transitions": "{transition}",
  "retry.attempts": "{attempt}",
  "timeout.duration": "s",
  "resilience.pattern_effectiveness": "1",
  "error.total": "{error}"
}

describe("a metric", () => {
  it.each(Resilience.instruments.map((instrument) => [instrument.name, instrument] as const))(
    "is described, and counts calls or names its unit: %s",
    (name, { description, unit }) => {
      expect(description).toMatch(IN_WORDS)
      expect(unit).toBe(units[name] ?? "{call}")
    }
  )
})

type Fields = Readonly<Record<string, Schema.Constraint>>

const kinds = Object.values(Pipeline.order)
const commands = kinds.flatMap(({ commands, id }) =>
  commands.map(({ description, name, parameters }) => ({
    command: `${id} ${name}`,
    description,
    parameters: parameters.fields as Fields
  }))
)

describe("the commands", () => {
  it("are these, with these parameters", () => {
    const named = commands.map(({ command, parameters }) => [command, Object.keys(parameters)])
    expect(Object.fromEntries(named)).toEqual({
      "bulkhead resize": ["limit"],
      "circuit-breaker reset": [],
      "circuit-breaker trip": [],
      "circuit-breaker isolate": ["reason", "duration"],
      "circuit-breaker release": [],
      "circuit-breaker mode": ["mode"]
    })
  })

  it.each(commands.map((command) => [command.command, command] as const))("are described: %s", (_, { description }) => {
    expect(description).toMatch(IN_WORDS)
  })

  it("say about a parameter that may be left out what it is for", () => {
    const isolate = commands.find(({ command }) => command === "circuit-breaker isolate")
    for (const field of Object.values(isolate?.parameters ?? {})) expect(aboutOf(field).description).toMatch(IN_WORDS)
  })
})
