import { afterAll, describe, expect, it } from "@effect/vitest"
import { Redacted } from "effect"
import { start, token } from "./support/inProcess.ts"

const api = start()
afterAll(() => api.dispose())

const command = async (pattern: string, command: string, parameters: object) => {
  const response = await api.ask("/resilience/commands", {
    method: "POST",
    headers: { authorization: `Bearer ${Redacted.value(token)}`, "content-type": "application/json" },
    body: JSON.stringify({ service: "llm", pattern, command, parameters })
  })
  return { status: response.status, text: await response.text() }
}

const read = async (path: string) => JSON.parse(await (await api.ask(`/resilience/${path}`)).text())

const snapshotOf = async (pattern: string): Promise<unknown> =>
  (await read("status/llm")).find((one: { readonly pattern: string }) => one.pattern === pattern)

describe("a duration in a command", () => {
  it.each([
    ["5 seconds", 5_000],
    ["5", 5_000],
    ["300ms", 300],
    ["1m 30s", 90_000],
    ["Infinity", null]
  ])("is a text that means what it would mean in a variable: %s", async (value, millis) => {
    expect(await command("timeout", "set", { option: "duration", value })).toMatchObject({ status: 204 })
    expect(await snapshotOf("timeout")).toMatchObject({ snapshot: { duration: millis } })
  })

  it("is no number, which would have no unit", async () => {
    const problem = (path: string) =>
      `wrong parameters\n  ${path}: expected a duration as a text with its unit, such as "5 seconds", got 5`
    for (const [pattern, name, parameters, path] of [
      ["timeout", "set", { option: "duration", value: 5 }, "value"],
      ["retry", "set", { option: "overload.baseDelay", value: 5 }, "value"],
      ["retry", "set", { option: "overload", value: { maxAttempts: 2, baseDelay: 5 } }, "value.baseDelay"],
      ["circuit-breaker", "isolate", { duration: 5 }, "duration"]
    ] as const) {
      const { status, text } = await command(pattern, name, parameters)
      expect([status, JSON.parse(text)]).toEqual([
        400,
        { _tag: "BadCommand", reason: "wrong-parameters", problem: `${name}: ${problem(path)}` }
      ])
    }
    expect(await snapshotOf("circuit-breaker")).toMatchObject({ snapshot: { state: "Closed" } })
  })

  it("may be in a group of options", async () => {
    expect(await command("retry", "set", { option: "overload", value: { baseDelay: "7s" } })).toMatchObject({
      status: 204
    })
  })

  it("is refused with what was expected where a text means none", async () => {
    const { status, text } = await command("timeout", "set", { option: "duration", value: "soon" })
    expect(status).toBe(400)
    expect(JSON.parse(text).problem).toContain('got "soon"')
    const negative = await command("circuit-breaker", "isolate", { duration: "-5s" })
    expect(JSON.parse(negative.text).problem).toContain("duration: expected a duration greater than zero, got -5s")
  })

  it("leaves numbers alone that are none", async () => {
    expect(await command("retry", "set", { option: "maxAttempts", value: 4 })).toMatchObject({ status: 204 })
    expect(await command("retry", "set", { option: "nothing", value: 4 })).toMatchObject({ status: 400 })
  })

  it("is described as a text", async () => {
    const isolate = (await read("commands")).find((one: { readonly name: string }) => one.name === "isolate")
    expect(isolate.parameters.properties.duration).toEqual({
      type: "string",
      description:
        'For how long; without it, until released. A text such as "5 seconds" or "1m 30s"; without a unit, it is seconds'
    })
  })
})
