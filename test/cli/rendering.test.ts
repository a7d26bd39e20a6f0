import { describe, expect, it } from "@effect/vitest"
import { DateTime, Duration, Result } from "effect"
import type { Api } from "effect-resilience/admin"
import * as ConfigReport from "../../src/cli/internal/configReport.ts"
import { effective } from "../../src/cli/internal/effective.ts"
import { eventLine } from "../../src/cli/internal/eventLine.ts"
import * as Findings from "../../src/cli/internal/findings.ts"
import { colored, plain } from "../../src/cli/internal/paint.ts"
import * as Screen from "../../src/cli/internal/screen.ts"
import { commandFor } from "../../src/cli/internal/setting.ts"
import * as StatusTable from "../../src/cli/internal/statusTable.ts"
import { table } from "../../src/cli/internal/table.ts"

const one = (service: string, pattern: string, snapshot: Api.Status["snapshot"]): Api.Status => ({
  service,
  pattern,
  description: "",
  snapshot
})

const circuit = (service: string, state: string, more: Api.Status["snapshot"] = {}) =>
  one(service, "circuit-breaker", {
    state,
    mode: "enforce",
    retryAfter: null,
    isolations: [],
    keys: 0,
    keysNotClosed: 0,
    worstState: state,
    rejections: 0,
    ...more
  })

const event = (more: Partial<Api.Event> = {}): Api.Event => ({
  tag: "CircuitBreakerTransition",
  pattern: "circuit-breaker",
  service: "llm",
  severity: "Warn",
  at: 0,
  attributes: { from: "Closed", to: "Open", note: "two words" },
  ...more
})

describe("a table", () => {
  it("aligns what is seen, whatever its colour and width", () => {
    const rows = [
      [{ text: "日本", style: "red" } as const, "a"],
      ["x", "b"],
      ["only", ""]
    ]
    expect(table(rows, plain)).toEqual(["日本  a", "x     b", "only"])
    expect(table(rows, colored)[0]).toBe("\u001B[31m日本\u001B[39m  a")
  })
})

describe("the status of services", () => {
  it("has a row for each, and says nothing about what is not there", () => {
    const lines = StatusTable.overview(
      [circuit("llm", "Closed"), one("db", "bulkhead", { active: 2, limit: 5 })],
      plain
    )
    expect(lines[1]).toMatch(/^llm {6}● closed +– +– +0 +– +– +– +– +–$/)
    expect(lines[2]).toMatch(/^db +– +– +– +0 +– +– +– +2 of 5 +0$/)
    expect(StatusTable.overview([], plain)).toEqual(["no service is in use or declared"])
  })

  it("tells that nobody gets in where the limit is zero", () => {
    const bulkhead = one("db", "bulkhead", { active: 3, limit: 0, keys: 0, queued: 2 })
    expect(StatusTable.overview([bulkhead], plain)[1]).toMatch(/ 3, nobody gets in +2$/)
  })

  it("tells that a limit is one for each key, where there are keys", () => {
    const bulkhead = one("db", "bulkhead", { active: 3, limit: 1, keys: 3 })
    expect(StatusTable.overview([bulkhead], plain)[1]).toContain(" 3 (at most 1 for each key) ")
  })

  it("counts what both the circuit and the bulkhead turned away", () => {
    const instances = [circuit("llm", "Closed", { rejections: 2 }), one("llm", "bulkhead", { limit: 1, rejected: 3 })]
    expect(StatusTable.overview(instances, plain)[1]).toMatch(/● closed +– +– +5 /)
  })

  it.each([
    ["Open", { retryAfter: 1_500 }, "○ open, probe in 2s"],
    ["HalfOpen", {}, "◐ half-open"],
    ["Closed", { mode: "observe" }, "● closed, observe"],
    [
      "Isolated",
      {
        isolations: [
          { by: "alice", reason: "a test", remaining: 60_000 },
          { by: "", reason: null, remaining: null }
        ]
      },
      "⊘ isolated, by alice for 1m (a test), until released"
    ],
    ["Closed", { worstState: "Open", keys: 17, keysNotClosed: 2 }, "○ open, 2 of 17 keys not closed"],
    ["Open", { retryAfter: 0, worstState: "HalfOpen", keys: 3 }, "◐ half-open "]
  ])("of a circuit that is %s", (state, more, expected) => {
    expect(StatusTable.overview([circuit("llm", state, more)], plain)[1]).toContain(expected)
  })

  it("names the services whose circuit is not closed", () => {
    const all = [
      circuit("a", "Closed"),
      circuit("b", "HalfOpen"),
      one("c", "retry", { retries: 1 }),
      circuit("d", "Closed", { worstState: "Open", keys: 2, keysNotClosed: 1 })
    ]
    expect(StatusTable.notClosed(all)).toEqual(["b", "d"])
  })

  it("has everything in the details", () => {
    const lines = StatusTable.details([one("db", "bulkhead", { kind: "bulkhead", active: 2, note: null })], plain)
    expect(lines).toEqual(["bulkhead", "  active  2", "  note    –"])
  })
})

describe("an event", () => {
  it("is a line, with quotes where they are needed", () => {
    expect(eventLine(event(), plain)).toBe(
      '1970-01-01T00:00:00.000Z WARN  llm circuit-breaker CircuitBreakerTransition from=Closed to=Open note="two words"'
    )
  })

  it("cannot write to the terminal by itself", () => {
    const line = eventLine(event({ attributes: { reason: "\u009B2Jgone" }, service: "\u001B[2Jllm" }), plain)
    expect(line).not.toMatch(/\p{Cc}/u)
  })
})

describe("the screen", () => {
  const frame: Screen.Frame = {
    url: "http://127.0.0.1:9090",
    every: Duration.seconds(1),
    now: DateTime.makeUnsafe(3_723_000),
    status: [circuit("llm", "Closed")],
    outage: undefined,
    events: Array.from({ length: 50 }, (_, at) => event({ at }))
  }

  it("shows the last events for which there is room", () => {
    const lines = Screen.lines(frame, 10, plain)
    expect(lines[0]).toBe("effect-resilience  http://127.0.0.1:9090  01:02:03 UTC, every 1s  q quits")
    expect(lines).toHaveLength(10)
    expect(lines.at(-1)).toContain("00:00:00.049Z")
  })

  it("says since when it shows what was, in as many lines", () => {
    const outage = { since: DateTime.makeUnsafe(3_600_000), problem: "nothing\nlistens" }
    const [first, second, ...others] = Screen.lines({ ...frame, outage }, 10, plain)
    expect(second).toBe("not reachable since 01:00:00 UTC: nothing\uFFFDlistens")
    expect([first, "", ...others]).toEqual(Screen.lines(frame, 10, plain))
  })

  it("has no line too many", () => {
    for (const rows of [1, 3, 4, 5, 6]) expect(Screen.lines(frame, rows, plain).length).toBeLessThanOrEqual(rows)
    expect(Screen.draw(["a", "b"])).toBe("\u001B[Ha\u001B[K\r\nb\u001B[K\u001B[J")
  })
})

describe("findings", () => {
  it("have a line each", () => {
    const all = [
      { service: "db", findings: [] },
      { service: "llm", findings: [{ rule: "a-rule", severity: "error" as const, problem: "It is harmful." }] }
    ]
    expect(Findings.text(all, plain)).toBe("✓ db\n✗ error llm a-rule: It is harmful.")
  })
})

describe("what can be set", () => {
  const command = (
    pattern: string,
    name: string,
    properties: Record<string, Api.Command["parameters"]>,
    required: ReadonlyArray<string> = Object.keys(properties)
  ): Api.Command => ({
    pattern,
    name,
    description: "",
    parameters: { type: "object", properties, required }
  })
  const commands = [
    command("bulkhead", "resize", { limit: {} }),
    command("bulkhead", "isolate", { reason: {} }, []),
    command("bulkhead", "both", { one: {}, two: {} }),
    command("timeout", "set", { option: {}, value: {} }),
    command("retry", "set", { option: {}, value: {} }),
    command("cache", "set", { option: {}, value: {} })
  ]
  const sent = (option: string, value: string) => Result.getOrThrow(commandFor(commands, option, value))

  it("is what a command of the pattern takes, and nothing else", () => {
    expect(sent("bulkhead.limit", "20")).toEqual({ pattern: "bulkhead", command: "resize", parameters: { limit: 20 } })
    for (const option of ["bulkhead.reason", "bulkhead.one", "limit", "bulkhead", "timeout", "timeout."])
      expect(commandFor(commands, option, "1")).toMatchObject({ failure: { reason: "usage" } })
    expect(commandFor(commands, "timout.duration", "1")).toMatchObject({
      failure: { problem: expect.stringContaining("did you mean timeout.…?") }
    })
  })

  it("is any option of a pattern that can be changed while it runs", () => {
    expect(sent("timeout.duration", "2 minutes")).toEqual({
      pattern: "timeout",
      command: "set",
      parameters: { option: "duration", value: "2 minutes" }
    })
  })

  it.each([
    ["timeout.duration", "20", "20"],
    ["timeout.duration", " 1m 30s ", "1m 30s"],
    ["timeout.duration", "Infinity", "Infinity"],
    ["timeout.operationType", "20", "20"],
    ["retry.maxAttempts", "5", 5],
    ["retry.budget.enabled", "off", false],
    ["retry.budget.enabled", "perhaps", "perhaps"],
    ["retry.maxAttempts", "many", "many"],
    ["retry.unknown", "3", 3],
    ["cache.size", "3", 3]
  ])("reads %s %s as a variable would be", (option, text, value) => {
    expect(sent(option, text).parameters).toEqual({ option: option.slice(option.indexOf(".") + 1), value })
  })

  it("leaves it to the application to refuse what is no number", () => {
    for (const value of ["many", "", "0x", "Infinity"])
      expect(sent("bulkhead.limit", value).parameters).toEqual({ limit: value })
  })
})

describe("the configuration", () => {
  const report = (variables: Record<string, string>) => effective(new Map(Object.entries(variables)))
  const optionsOf = (variables: Record<string, string>, service: string | undefined, pattern: string) =>
    report(variables)
      .services.find((one) => one.service === service)
      ?.patterns.find((one) => one.pattern === pattern)

  it("knows where a time limit comes from", () => {
    const origin = (variables: Record<string, string>, service: string | undefined) =>
      optionsOf(variables, service, "timeout")?.options.find(({ option }) => option === "duration")?.origin
    expect(origin({}, "openfga")).toEqual({ from: "preset" })
    expect(origin({}, undefined)).toEqual({ from: "default" })
    expect(origin({ TIMEOUT_DEFAULT: "3" }, undefined)).toEqual({ from: "variable", name: "TIMEOUT_DEFAULT" })
    expect(origin({ TIMEOUT_AUTH: "3" }, "openfga")).toEqual({ from: "variable", name: "TIMEOUT_AUTH" })
    expect(origin({ TIMEOUT_PAYMENTS: "3" }, "payments")).toEqual({ from: "variable", name: "TIMEOUT_PAYMENTS" })
  })

  it("tells what others have made of an option", () => {
    const probe = optionsOf({}, "llm", "circuit-breaker")?.options.find(({ option }) => option === "probeTimeout")
    expect(probe).toMatchObject({ value: Duration.seconds(90), origin: { from: "other settings" } })
  })

  it("tells who has switched a pattern off", () => {
    expect(optionsOf({ RETRY_ENABLED: "false" }, "llm", "retry")).toEqual({
      pattern: "retry",
      isEnabled: false,
      origin: { from: "variable", name: "RETRY_ENABLED" },
      options: []
    })
    expect(optionsOf({ RETRY_ENABLED: "false", RETRY_LLM_ENABLED: "true" }, "llm", "retry")?.isEnabled).toBe(true)
  })

  it("shows a wrong value where it stands, and the right ones beside it", () => {
    const { options = [] } =
      optionsOf({ BULKHEAD_LLM_LIMIT: "-1", BULKHEAD_LLM_MAX_QUEUE: "7" }, "llm", "bulkhead") ?? {}
    expect(options).toContainEqual(expect.objectContaining({ option: "maxConcurrent", value: "-1", isWrong: true }))
    expect(options).toContainEqual(expect.objectContaining({ option: "maxQueue", value: 7, isWrong: false }))
  })

  it("tells which options nobody reads, as others are", () => {
    const windowSize = (variables: Record<string, string>) =>
      optionsOf(variables, "llm", "circuit-breaker")?.options.find(({ option }) => option === "windowSize")
    expect(windowSize({})).toMatchObject({ value: 100, isRead: false })
    expect(windowSize({ CIRCUIT_BREAKER_LLM_TRIP_POLICY: "count-window" })).toMatchObject({ isRead: true })
    const text = ConfigReport.text(
      { ...report({ CIRCUIT_BREAKER_WINDOW_SIZE: "50" }), mistakes: [], warnings: [] },
      plain
    )
    expect(text).toMatch(/^ +windowSize +50 +variable CIRCUIT_BREAKER_WINDOW_SIZE, not read/m)
    expect(text).toMatch(/^ +windowBuckets +10 +default, not read/m)
    expect(text).toMatch(/^ +consecutiveFailures +5 +default  /m)
  })

  it("tells a wrong value that nobody would read as wrong", () => {
    const { options = [] } = optionsOf({ CIRCUIT_BREAKER_LLM_WINDOW_SIZE: "0" }, "llm", "circuit-breaker") ?? {}
    expect(options).toContainEqual(expect.objectContaining({ option: "windowSize", isWrong: true, isRead: true }))
  })

  it("is readable for people and for programs", () => {
    const all = { ...report({ DEADLINE_LLM: "20" }), mistakes: ["A: wrong", "B: wrong"], warnings: [] }
    const text = ConfigReport.text(all, plain)
    expect(text).toMatch(/^llm\n {2}deadline +duration +20s +variable DEADLINE_LLM$/m)
    expect(text).toMatch(/✗ 2 mistakes\n {2}A: wrong\n {2}B: wrong$/)
    expect(text).toContain("every other service\n")
    const json = JSON.parse(JSON.stringify(ConfigReport.json(all)))
    expect(json).toMatchObject({ valid: false, mistakes: all.mistakes })
    expect(json.services.at(-1).service).toBe(null)
    const endless = { ...all, services: [{ service: "a", patterns: [patternWith(Duration.infinity)] }] }
    expect(ConfigReport.json(endless).services[0]?.patterns[0]?.options[0]?.value).toBe("Infinity")
    expect(ConfigReport.text(endless, plain)).toMatch(/^ {2}timeout +duration +Infinity +default$/m)
  })
})

const patternWith = (value: unknown) => ({
  pattern: "timeout",
  isEnabled: true,
  origin: { from: "default" } as const,
  options: [
    {
      option: "duration",
      value,
      origin: { from: "default" } as const,
      variable: undefined,
      isRead: true,
      isWrong: false
    }
  ]
})
