/**
 * The command line and the admin API in this process: no port, no terminal, no time that passes by itself.
 */
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, PlatformError, Redacted } from "effect"
import { CliError } from "effect/cli"
import { TestClock } from "effect/testing"
import { CircuitBreaker } from "../../src/index.ts"
import { exitCodes, Failure } from "../../src/cli/internal/Failure.ts"
import { teardown } from "../../src/cli/program.ts"
import { start, token } from "../admin/support/inProcess.ts"
import { type Around, command, type FakeTerminal } from "./support/inProcess.ts"

const api = start({}, { llm: { deadline: "20 seconds" }, redis: {} })
afterAll(() => api.dispose())

const URL_OPTION = ["--url", "http://localhost"] as const
const fetchFrom =
  ({ ask }: Pick<typeof api, "ask">): typeof fetch =>
  (input, init) => {
    const { pathname, search } = new URL(String(input))
    return ask(pathname + search, { ...init, ...(init?.body && { duplex: "half" }) } as RequestInit)
  }
const application = fetchFrom(api)

const ask = (args: ReadonlyArray<string>, around: Around = {}) =>
  command([...args, ...URL_OPTION], {
    fetch: application,
    env: { RESILIENCE_ADMIN_TOKEN: Redacted.value(token), USER: "alice" },
    ...around
  })

const event = (number: number, severity = "Warn") =>
  JSON.stringify({
    tag: `Event${number}`,
    pattern: "retry",
    service: "llm",
    severity,
    at: number,
    attributes: {}
  })

/** The application, but for its events: these, and then the connection breaks, or stays as it is. */
const withEvents =
  (events: ReadonlyArray<string>, breaks: boolean): typeof fetch =>
  (input, init) => {
    if (!String(input).includes("/events")) return application(input, init)
    const parts = events.map((one) => `event: event\ndata: ${one}\n\n`)
    const body = new ReadableStream({
      pull: (controller) => {
        const part = parts.shift()
        if (part !== undefined) controller.enqueue(new TextEncoder().encode(part))
        else if (breaks) controller.error(new Error("reset"))
      }
    })
    return Promise.resolve(new Response(body, { headers: { "content-type": "text/event-stream" } }))
  }

describe("config check", () => {
  it.effect("shows what counts for one service, or for all", () =>
    Effect.gen(function* () {
      const env = { CIRCUIT_BREAKER_LLM_FAIL_MAX: "7", RESILIENCE_ENABLED: "false", RETRY_REDIS_ENABLED: "false" }
      const one = yield* command(["config", "check", "llm", "nobody"], { env })
      expect(one.end).toBe("success")
      expect(one.output).toMatch(/^RESILIENCE_ENABLED +false +variable RESILIENCE_ENABLED$/m)
      expect(one.output).toMatch(/^ +consecutiveFailures +7 +variable CIRCUIT_BREAKER_LLM_FAIL_MAX$/m)
      expect(one.output).toContain("\nnobody\n")
      expect(one.output).toContain("✓ no mistakes")
      expect(one.output).not.toContain("\nredis\n")
      const all = yield* command(["config", "check"], { env })
      expect(all.output).toMatch(/^redis$/m)
      expect(all.output).toMatch(/^ +retry +off +variable RETRY_REDIS_ENABLED$/m)
      expect(all.output).toContain("\nevery other service\n")
    })
  )

  it.effect("shows what is odd, which is no mistake", () =>
    Effect.gen(function* () {
      const env = { TIMEOUT_LMM: "5" }
      const { end, output } = yield* command(["config", "check"], { env })
      expect(end).toBe("success")
      expect(output).toMatch(/✓ no mistakes\n! TIMEOUT_LMM: .*\(did you mean LLM\?\)$/)
      const json = yield* command(["config", "check", "--json"], { env })
      expect(JSON.parse(json.output)).toMatchObject({ valid: true, warnings: [expect.stringContaining("TIMEOUT_LMM")] })
    })
  )

  it.effect("counts the mistakes, in the environment and in a file", () =>
    Effect.gen(function* () {
      const env = { CIRCUIT_BREAKER_LLM_FAIL_MAX: "none" }
      const one = yield* command(["config", "check"], { env })
      expect(one.end).toBe("finding")
      expect(one.output).toMatch(/^ +consecutiveFailures +\S*none\S* ✗ /m)
      expect(one.output).toContain("✗ 1 mistake\n")
      const two = yield* command(["config", "check", "--file", "x.env"], { env, file: "RETRY_MAX_ATEMPTS=3" })
      expect(two.output).toContain("✗ 2 mistakes\n")
      expect(two.output).toContain("RETRY_MAX_ATEMPTS: there is no such variable")
      const json = yield* command(["config", "check", "--json"], { env })
      expect(JSON.parse(json.output)).toMatchObject({ valid: false, mistakes: [expect.stringContaining("none")] })
    })
  )

  it.effect("says that a file cannot be read", () =>
    Effect.gen(function* () {
      const file = PlatformError.systemError({
        _tag: "PermissionDenied",
        module: "FileSystem",
        method: "readFileString",
        pathOrDescriptor: "x.env"
      })
      const { end, output } = yield* command(["config", "check", "--file", "x.env"], { file })
      expect(end).toBe("usage")
      expect(output).toMatch(/^✗ --file \S*x.env cannot be read: .*PermissionDenied/)
    })
  )
})

describe("explain and lint", () => {
  it.effect("tell of the environment", () =>
    Effect.gen(function* () {
      const env = { DEADLINE_LLM: "20" }
      const json = yield* command(["explain", "llm", "--json"], { env })
      expect(JSON.parse(json.output)).toMatchObject({
        service: "llm",
        text: expect.stringContaining("At worst:"),
        findings: [{ rule: "timeout-beyond-deadline", severity: "warning" }]
      })
      const lint = yield* command(["lint", "llm", "redis", "--json"], { env })
      expect(lint.end).toBe("finding")
      expect(JSON.parse(lint.output)).toMatchObject([{ service: "llm", findings: [{}] }, { service: "redis" }])
    })
  )

  it.effect("explain nothing that would not start", () =>
    Effect.gen(function* () {
      const { end, output } = yield* command(["explain", "llm"], { env: { DEADLINE_LLM: "never" } })
      expect(end).toBe("finding")
      expect(output).toMatch(/^✗ the configuration is wrong\n +DEADLINE_LLM: expected a duration/)
    })
  )

  it.effect("explain nothing where all is switched off", () =>
    Effect.gen(function* () {
      const { output } = yield* command(["explain", "llm", "--json"], { env: { RESILIENCE_ENABLED: "false" } })
      expect(JSON.parse(output)).toMatchObject({ findings: [] })
    })
  )

  it.effect("ask the application where its address is given", () =>
    Effect.gen(function* () {
      const { end, output } = yield* ask(["lint"])
      expect(end).toBe("finding")
      expect(output).toContain("! warning llm timeout-beyond-deadline")
      expect(output).toContain("✓ redis")
    })
  )
})

describe("an operator's command", () => {
  it.effect("shows what has become of the service", () =>
    Effect.gen(function* () {
      const tripped = yield* ask(["trip", "llm"])
      expect(tripped.end).toBe("success")
      expect(tripped.output).toMatch(/^llm +○ open, probe in 1m/m)
      const reset = yield* ask(["reset", "llm", "--json"])
      expect(JSON.parse(reset.output)).toMatchObject({
        request: { service: "llm", pattern: "circuit-breaker", command: "reset", by: "alice" },
        status: expect.arrayContaining([expect.objectContaining({ pattern: "circuit-breaker" })])
      })
    })
  )
})

describe("a circuit of a key that is open", () => {
  it.effect("is told, in no word of the key, and fails a check", () =>
    Effect.gen(function* () {
      const calls = (key: string, call: Effect.Effect<void, string>) =>
        Effect.replicateEffect(Effect.exit(CircuitBreaker.withCircuitBreaker(call, "redis", { key })), 5)
      expect((yield* ask(["status", "--check"])).end).toBe("success")
      yield* Effect.promise(() => api.run(calls("good", Effect.void)))
      yield* Effect.promise(() => api.run(calls("a secret", Effect.fail("down"))))
      const { end, output } = yield* ask(["status", "redis", "--check"])
      expect(end).toBe("finding")
      expect(output).toMatch(/^ +state +Closed\n( .*\n)*? +keys +2\n +keysNotClosed +1\n +worstState +Open$/m)
      expect((yield* ask(["status"])).output).toMatch(/^redis +○ open, 1 of 2 keys not closed/m)
      const json = yield* ask(["status", "--json"])
      expect(JSON.parse(json.output)).toContainEqual(
        expect.objectContaining({
          service: "redis",
          snapshot: expect.objectContaining({ state: "Closed", keys: 2, keysNotClosed: 1, worstState: "Open" })
        })
      )
      expect(output + json.output).not.toContain("a secret")
      yield* ask(["reset", "redis"])
      expect((yield* ask(["status", "--check"])).end).toBe("success")
    })
  )
})

describe("an operator", () => {
  const nobody = { RESILIENCE_ADMIN_TOKEN: Redacted.value(token) }
  const by = (args: ReadonlyArray<string>, around: Around) =>
    Effect.map(ask(["reset", "llm", "--json", ...args], around), ({ output }) => JSON.parse(output).request.by)

  it.effect("is who is named, or who the environment says, or the operating system", () =>
    Effect.gen(function* () {
      const around = { env: { ...nobody, USER: "alice" }, user: "carol" }
      expect(yield* by(["--by", "bob"], around)).toBe("bob")
      expect(yield* by([], around)).toBe("alice")
      expect(yield* by([], { env: { ...nobody, USERNAME: "eve" }, user: "carol" })).toBe("eve")
      expect(yield* by([], { env: { ...nobody, USER: "" }, user: "carol" })).toBe("carol")
      expect(yield* by([], { env: nobody, user: "carol" })).toBe("carol")
    })
  )

  it.effect("has a name: two without one would be the same", () =>
    Effect.gen(function* () {
      for (const args of [
        ["reset", "llm"],
        ["release", "llm"],
        ["set", "llm", "bulkhead.limit", "3"]
      ]) {
        for (const env of [nobody, { ...nobody, USER: "" }]) {
          const { end, output } = yield* ask(args, { env })
          expect([end, output]).toEqual(["usage", expect.stringMatching(/^✗ who are you\? .*--by/)])
        }
      }
      expect(yield* by(["--by", ""], { env: nobody })).toBe("")
    })
  )

  it.effect("who has nothing to release is told so, and who has", () =>
    Effect.gen(function* () {
      const nothing = yield* ask(["release", "llm"])
      expect(nothing.end).toBe("success")
      expect(nothing.output).toContain(
        "! alice does not isolate llm, so there is nothing to release: it is not isolated\n"
      )
      yield* ask(["isolate", "llm", "--by", "bob"])
      yield* ask(["isolate", "llm", "--by", ""])
      const others = yield* ask(["release", "llm"])
      expect(others.output).toContain("it is isolated by bob, somebody without a name (--by releases in their names)\n")
      yield* ask(["release", "llm", "--by", ""])
      const own = yield* ask(["release", "llm", "--by", "bob"])
      expect(own.output).not.toContain("!")
      expect(own.output).toContain("● closed")
    })
  )
})

describe("an application in which everything is switched off", () => {
  const off = start({}, { llm: {} }, { enabled: false })
  const fetch = fetchFrom(off)
  afterAll(() => off.dispose())

  it.effect("says so: to those who look, and to those who command", () =>
    Effect.gen(function* () {
      const status = yield* ask(["status"], { fetch })
      expect(status).toMatchObject({ end: "success", output: expect.stringContaining("! everything is switched off") })
      const json = yield* ask(["status", "--json"], { fetch })
      expect(json.output.split("\n").map((line) => JSON.parse(line))).toEqual([
        { warning: expect.stringContaining("everything is switched off (RESILIENCE_ENABLED=false") },
        []
      ])
      for (const args of [
        ["status", "llm"],
        ["isolate", "llm"]
      ]) {
        const { end, output } = yield* ask(args, { fetch })
        expect([end, output]).toEqual(["refused", expect.stringContaining("everything is switched off")])
      }
    })
  )
})

describe("an application that does not answer", () => {
  it.effect("is not waited for", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(["status"], { fetch: () => new Promise(() => {}) }))
      yield* TestClock.adjust("9999 millis")
      expect(fiber.pollUnsafe()).toBe(undefined)
      yield* TestClock.adjust("1 millis")
      const { end, output } = yield* Fiber.join(fiber)
      expect(end).toBe("unreachable")
      expect(output).toContain("http://localhost does not answer within 10s")
    })
  )

  it.effect("is said not to listen, or not to be reached", () =>
    Effect.gen(function* () {
      const failing = (cause: unknown) => ask(["status"], { fetch: () => Promise.reject(cause) })
      const refused = Object.assign(new Error("connect"), { code: "ECONNREFUSED" })
      expect((yield* failing(new TypeError("fetch failed", { cause: refused }))).output).toContain(
        "nothing listens at http://localhost: is the application running"
      )
      const noHost = new TypeError("fetch failed", { cause: new Error("getaddrinfo ENOTFOUND") })
      expect((yield* failing(noHost)).output).toContain("cannot be reached (getaddrinfo ENOTFOUND)")
    })
  )

  it.effect("ends what follows its events", () =>
    Effect.gen(function* () {
      const { end, output } = yield* ask(["events", "--follow"], { fetch: withEvents([event(1)], true) })
      expect(end).toBe("unreachable")
      expect(output).toContain("Event1")
      expect(output).toContain("the connection to http://localhost has ended")
    })
  )
})

describe("watch", () => {
  const screenOf = (onDisplay: FakeTerminal["onDisplay"], more: Partial<FakeTerminal> = {}) => {
    const shown: Array<string> = []
    const terminal: FakeTerminal = {
      rows: 40,
      ...more,
      onDisplay: (text, press) => {
        shown.push(text)
        onDisplay(text, press)
      }
    }
    return { shown, terminal }
  }

  it.effect("draws the services and the latest events, until q is pressed", () =>
    Effect.gen(function* () {
      const events = [...Array.from({ length: 201 }, (_, at) => event(at)), event(1_000, "Debug")]
      const { shown, terminal } = screenOf((text, press) => {
        if (text.includes("Event200")) press("q")
      })
      const fiber = yield* Effect.forkChild(ask(["watch"], { terminal, fetch: withEvents(events, false) }))
      while (fiber.pollUnsafe() === undefined) {
        yield* Effect.promise(() => new Promise(setImmediate))
        yield* TestClock.adjust("1 second")
      }
      expect(yield* Fiber.join(fiber)).toEqual({ end: "success", output: "" })
      const screen = shown.join("")
      expect(screen).toContain("\u001B[32m● closed\u001B[39m")
      expect(screen).not.toContain("Event1000")
      expect(shown.at(0)).toContain("\u001B[?1049h")
      expect(shown.at(-1)).toContain("\u001B[?1049l")
      expect(shown.at(-2)!.split("\n").length).toBeLessThanOrEqual(40)
    })
  )

  it.effect("takes a terminal that does not know its size for an ordinary one, and needs no keyboard", () =>
    Effect.gen(function* () {
      let isThere = true
      const fetch: typeof globalThis.fetch = (...args) =>
        isThere ? withEvents([event(1)], true)(...args) : Promise.reject(new Error("gone"))
      const { shown, terminal } = screenOf(
        (text, press) => {
          press("q")
          if (text.includes("redis")) isThere = false
        },
        { rows: 0, hasKeyboard: false }
      )
      const fiber = yield* Effect.forkChild(ask(["watch"], { terminal, fetch }))
      while (fiber.pollUnsafe() === undefined) {
        yield* Effect.promise(() => new Promise(setImmediate))
        yield* TestClock.adjust("1 second")
      }
      expect((yield* Fiber.join(fiber)).end).toBe("unreachable")
      expect(shown.at(-1)).toContain("\u001B[?1049l")
    })
  )

  it.effect("writes a JSON object a line where nobody looks", () =>
    Effect.gen(function* () {
      let answers = 2
      const fetch: typeof globalThis.fetch = (...args) =>
        answers-- > 0 ? application(...args) : Promise.reject(new Error("gone"))
      const fiber = yield* Effect.forkChild(ask(["watch", "--json", "--every", "5 seconds"], { fetch }))
      while (fiber.pollUnsafe() === undefined) {
        yield* Effect.promise(() => new Promise(setImmediate))
        yield* TestClock.adjust("5 seconds")
      }
      const { output } = yield* Fiber.join(fiber)
      const [first, second, last] = output.split("\n").map((line) => JSON.parse(line))
      expect(first.status).toEqual(second.status)
      expect(Date.parse(second.at) - Date.parse(first.at)).toBe(5_000)
      expect(last).toMatchObject({ reason: "unreachable" })
    })
  )

  it.effect("refuses a time that is none", () =>
    Effect.gen(function* () {
      const { end, output } = yield* ask(["watch", "--every", "often"])
      expect(end).toBe("usage")
      expect(output).toContain('expected a duration such as "2 seconds", got "often"')
    })
  )
})

describe("the end of the process", () => {
  const codeOf = (exit: Exit.Exit<unknown, unknown>): number => {
    let code = -1
    teardown(exit, (found) => (code = found))
    return code
  }

  it("has a number for scripts", () => {
    expect(codeOf(Exit.void)).toBe(0)
    expect(codeOf(Exit.fail(new CliError.UnknownSubcommand({ subcommand: "x", parent: [], suggestions: [] })))).toBe(2)
    expect(codeOf(Exit.fail(new Failure({ reason: "unreachable" })))).toBe(exitCodes.unreachable)
    expect(codeOf(Exit.failCause(Cause.interrupt()))).toBe(130)
  })

  it("has a text, even if everything has been said", () => {
    expect(new Failure({ reason: "finding" }).message).toBe("finding")
    expect(new Failure({ reason: "usage", problem: "no such service" }).message).toBe("no such service")
  })
})
