import { afterAll, describe, expect, it } from "@effect/vitest"
import { Redacted } from "effect"
import { start, token } from "./support/inProcess.ts"

const api = start()
afterAll(() => api.dispose())

const send = async (pattern: string, command: string, parameters: string) => {
  const response = await api.ask("/resilience/commands", {
    method: "POST",
    headers: { authorization: `Bearer ${Redacted.value(token)}`, "content-type": "application/json" },
    body: `{"service":"llm","pattern":"${pattern}","command":"${command}","parameters":${parameters}}`
  })
  const text = await response.text()
  return { status: response.status, ...(text === "" ? {} : JSON.parse(text)) }
}

const nested = (open: string, close: string): string => `${open.repeat(5_000)}1${close.repeat(5_000)}`

describe("the parameters of a command", () => {
  it.each(["toString", "constructor", "__proto__", "hasOwnProperty"])(
    "that no command has are refused, also %s, which every object has",
    async (name) => {
      for (const [pattern, command] of [
        ["circuit-breaker", "isolate"],
        ["circuit-breaker", "reset"],
        ["retry", "set"]
      ] as const) {
        const answer = await send(pattern, command, `{"${name}":1}`)
        expect(answer).toMatchObject({ status: 400, _tag: "BadCommand", reason: "wrong-parameters" })
        expect(answer.problem).toContain(`${name}: expected no such option, got 1`)
      }
    }
  )

  it("do not lead deeper than options are", async () => {
    expect(await send("retry", "set", `{"option":"${".".repeat(20_000)}","value":1}`)).toEqual({
      status: 400,
      _tag: "BadCommand",
      reason: "wrong-parameters",
      problem: "set: option: expected at most 2 names with dots between, got 20001"
    })
  }, 1_000)

  it.each([
    ["objects", nested('{"a":', "}")],
    ["arrays", nested("[", "]")]
  ])(
    "may be thousands of %s in each other, and are refused",
    async (_, value) => {
      for (const option of ["overload", "maxAttempts", "nothing", "overload.maxAttempts"]) {
        const answer = await send("retry", "set", `{"option":"${option}","value":${value}}`)
        expect(answer).toMatchObject({ status: 400, _tag: "BadCommand", problem: expect.stringContaining("expected ") })
      }
      expect(await send("circuit-breaker", "isolate", `{"reason":${value}}`)).toMatchObject({
        status: 400,
        problem: expect.stringContaining("reason: expected string")
      })
    },
    1_000
  )
})
