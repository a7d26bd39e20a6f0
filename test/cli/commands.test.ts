/**
 * The command line and the admin API in this process: no port, no terminal, no time that passes by itself.
 */
import { afterAll, describe, expect, it } from "@effect/vitest"
import { Cause, type Duration, Effect, Exit, Fiber, PlatformError, Redacted } from "effect"
import { CliError } from "effect/cli"
import { TestClock } from "effect/testing"
import type { Api } from "effect-resilience/admin"
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

/** What the API says to those whom it does not answer. */
const refusal = (status: number, tag: string, problem: string): Promise<Response> =>
  Promise.resolve(Response.json({ _tag: tag, problem }, { status }))

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

  it.effect("shows no value of a variable that is called like a secret", () =>
    Effect.gen(function* () {
      for (const name of ["openai_api_key", "OPENAI_APIKEY", "OPENAI_API_KEYS", "OPENAI_AUTH", "OPENAI_DB_PWD"]) {
        const env = { [`TIMEOUT_${name}`]: "sk-canary" }
        for (const args of [["config", "check"], ["config", "check", "--json"], ["lint"]]) {
          const { end, output } = yield* command(args, { env })
          expect([end, output]).toEqual(["finding", expect.stringContaining("<redacted>")])
          expect(output).not.toContain("sk-canary")
        }
      }
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
      const env = { RESILIENCE_ENABLED: "false" }
      for (const [args, answer] of [
        [["explain", "llm"], { findings: [] }],
        [["lint", "llm"], [{ service: "llm", findings: [] }]]
      ] as const) {
        const { end, output } = yield* command([...args, "--json"], { env })
        const [warning = "", ...json] = output.split("\n")
        expect(JSON.parse(warning)).toEqual({ warning: expect.stringContaining("everything is switched off") })
        expect([end, JSON.parse(json.join("\n"))]).toEqual(["success", expect.objectContaining(answer)])
        expect((yield* command(args, { env })).output).toMatch(/^! everything is switched off .*\n/)
        expect((yield* command(args)).output).not.toContain("switched off")
      }
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

  it.effect("has a name that is short enough", () =>
    Effect.gen(function* () {
      expect(yield* by(["--by", "x".repeat(200)], { env: nobody })).toBe("x".repeat(200))
      for (const [args, env, problem] of [
        [["--by", "x".repeat(201)], nobody, "✗ --by: expected a name of at most 200 characters, got 201"],
        [[], { ...nobody, USER: "x".repeat(300) }, "✗ $USER: expected a name of at most 200 characters, got 300"]
      ] as const) {
        expect(yield* ask(["reset", "llm", ...args], { env })).toEqual({ end: "usage", output: problem })
      }
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
      const lint = yield* ask(["lint"], { fetch })
      expect(lint).toMatchObject({ end: "success", output: expect.stringContaining("! everything is switched off") })
      for (const args of [
        ["status", "llm"],
        ["isolate", "llm"],
        ["explain", "llm"]
      ]) {
        const { end, output } = yield* ask(args, { fetch })
        expect([end, output]).toEqual(["refused", expect.stringContaining("everything is switched off")])
      }
    })
  )
})

describe("an application of an older version", () => {
  const withStatus =
    (status: ReadonlyArray<Api.Status>): typeof fetch =>
    (input) =>
      Promise.resolve(
        String(input).endsWith("/status") ? Response.json(status) : new Response("not found", { status: 404 })
      )
  const circuit = (state: string): Api.Status => ({
    service: "llm",
    pattern: "circuit-breaker",
    description: "",
    snapshot: { kind: "circuit-breaker", service: "llm", mode: "enforce", state, isolations: [], retryAfter: 1_000 }
  })

  it.effect("without services is one without services, whether or not it tells of its switches", () =>
    Effect.gen(function* () {
      expect(yield* ask(["status"], { fetch: withStatus([]) })).toEqual({
        end: "success",
        output: "no service is in use or declared"
      })
      expect((yield* ask(["lint"], { fetch: withStatus([]) })).end).toBe("success")
    })
  )

  it.effect("tells of each circuit without keys how it is", () =>
    Effect.gen(function* () {
      const open = yield* ask(["status", "--check"], { fetch: withStatus([circuit("Open")]) })
      expect(open).toMatchObject({ end: "finding", output: expect.stringContaining("○ open, probe in 1s") })
      const closed = yield* ask(["status", "--check"], { fetch: withStatus([circuit("Closed")]) })
      expect(closed).toMatchObject({ end: "success", output: expect.stringContaining("● closed") })
    })
  )
})

describe("a service whose name no address can carry", () => {
  it.effect("is one that nobody can ask for", () =>
    Effect.gen(function* () {
      const service = "half of a \uD800 character"
      const fetch: typeof globalThis.fetch = () =>
        Promise.resolve(Response.json([{ service, pattern: "retry", description: "", snapshot: {} }]))
      const answered = yield* ask(["lint"], { fetch })
      expect(answered.end).toBe("refused")
      expect(answered.output).toContain("a service has a name that no address can carry")
      expect(yield* ask(["status", service])).toMatchObject({ end: "refused" })
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

  it.effect("is one that speaks no TLS, maybe", () =>
    Effect.gen(function* () {
      const dump =
        "408D:error:0A00010B:SSL routines:tls_validate_record_header:wrong version number:../deps/openssl.c:77:\n"
      for (const code of ["ERR_SSL_WRONG_VERSION_NUMBER", "EPROTO"]) {
        const cause = Object.assign(new Error(dump), { code })
        const { output } = yield* ask(["status"], {
          fetch: () => Promise.reject(new TypeError("fetch failed", { cause }))
        })
        expect(output).toContain("cannot be reached (it does not speak TLS: maybe http:// instead of https://)")
        expect(output).not.toContain("routines")
      }
    })
  )

  it.effect("has another address, where that ends in the path of the API", () =>
    Effect.gen(function* () {
      const hint = '(leave "/resilience" off the address: it is added)'
      const env = { RESILIENCE_ADMIN_URL: "http://localhost/resilience" }
      expect(yield* command(["status"], { env, fetch: application })).toMatchObject({
        end: "refused",
        output: expect.stringContaining(hint)
      })
      const notFound: typeof fetch = () => Promise.resolve(new Response("no", { status: 404 }))
      expect((yield* command(["status"], { env, fetch: notFound })).output).toContain(`(HTTP 404) ${hint}`)
      expect((yield* ask(["status"], { fetch: notFound })).output).not.toContain(hint)
      expect((yield* ask(["status", "nope"])).output).not.toContain(hint)
    })
  )
})

describe("a command that asks no application", () => {
  it.effect("refuses an address, but not the variable that others read", () =>
    Effect.gen(function* () {
      const env = { RESILIENCE_ADMIN_URL: "http://localhost" }
      expect((yield* command(["config", "check"], { env })).end).toBe("success")
      const { end, output } = yield* command(["config", "check", "--url", "http://other"], { env })
      expect([end, output]).toEqual([
        "usage",
        "✗ config check reads the environment and asks no application: leave --url off"
      ])
    })
  )
})

/** Lets time pass, step by step, until something holds. */
const passUntil = (step: Duration.Input, holds: () => boolean) =>
  Effect.gen(function* () {
    while (!holds()) {
      yield* Effect.promise(() => new Promise(setImmediate))
      yield* TestClock.adjust(step)
    }
  })

describe("events", () => {
  const fetch = withEvents([event(1), event(2, "Debug"), event(3, "Info"), event(4, "Error")], false)
  const tagsOf = (args: ReadonlyArray<string>, around: Around = {}) =>
    Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(ask(["events", ...args], { fetch, ...around }))
      yield* passUntil("1 second", () => fiber.pollUnsafe() !== undefined)
      const { end, output } = yield* Fiber.join(fiber)
      return { end, output, tags: [...output.matchAll(/Event\d+/g)].map(([tag]) => tag) }
    })

  it.effect("shows what is serious enough", () =>
    Effect.gen(function* () {
      expect((yield* tagsOf([])).tags).toEqual(["Event1", "Event3", "Event4"])
      expect((yield* tagsOf(["--level", "debug"])).tags).toEqual(["Event1", "Event2", "Event3", "Event4"])
      expect((yield* tagsOf(["--level", "warn"])).tags).toEqual(["Event1", "Event4"])
      expect((yield* tagsOf(["--level", "error"])).tags).toEqual(["Event4"])
      expect((yield* tagsOf(["--level", "loud"])).end).toBe("usage")
    })
  )

  it.effect("refuses a service that nobody knows, and of which nothing has been heard", () =>
    Effect.gen(function* () {
      const nope = yield* tagsOf(["nope"])
      expect([nope.end, nope.output]).toEqual([
        "refused",
        expect.stringMatching(/^✗ no service is called "nope" \(known: llm, redis\)$/)
      ])
      expect((yield* tagsOf(["redis"])).end).toBe("success")
      const custom = JSON.stringify({ ...JSON.parse(event(1, "Debug")), service: "custom" })
      expect(yield* tagsOf(["custom"], { fetch: withEvents([custom], false) })).toMatchObject({
        end: "success",
        output: ""
      })
    })
  )

  it.effect("follow an application through its ends, and show nothing twice", () =>
    Effect.gen(function* () {
      const connections = [
        withEvents([event(1)], true),
        () => Promise.reject(new Error("gone")),
        () => Promise.reject(new Error("gone")),
        () => Promise.resolve(new Response("busy", { status: 503 })),
        () => refusal(503, "TooManyReaders", "as many read events as may"),
        withEvents([event(1), event(2)], false)
      ]
      const lines: Array<string> = []
      const fetch: typeof globalThis.fetch = (...args) => connections.shift()!(...args)
      const fiber = yield* Effect.forkChild(ask(["events", "--follow"], { fetch, lines }))
      yield* passUntil("1 second", () => lines.some((line) => line.includes("Event2")))
      expect(lines).toEqual([
        expect.stringContaining("Event1"),
        expect.stringMatching(/^! not reachable since 1970-\S+Z: the connection to http:\/\/localhost has ended/),
        expect.stringMatching(/^! not reachable since 1970-\S+Z: http:\/\/localhost cannot be reached \(gone\)/),
        expect.stringMatching(/^! not reachable since 1970-\S+Z: .*\(HTTP 503\)/),
        expect.stringMatching(/^! not reachable since 1970-\S+Z: as many read events as may/),
        "! http://localhost answers again",
        expect.stringContaining("Event2")
      ])
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect.each([
    [401, "Unauthorized"],
    [403, "Forbidden"],
    [404, "NotFound"]
  ] as const)("end where the application comes back and refuses: %s", ([status, tag]) =>
    Effect.gen(function* () {
      const connections = [withEvents([event(1)], true), () => refusal(status, tag, "not for you")]
      const fetch: typeof globalThis.fetch = (...args) => (connections.shift() ?? withEvents([], false))(...args)
      const { end, output, tags } = yield* tagsOf(["--follow"], { fetch })
      expect([end, tags]).toEqual(["refused", ["Event1"]])
      expect(output).toMatch(/\n✗ (not for you|.*\(HTTP 404\))/)
    })
  )

  it.effect("follow without a replay show what happens in a gap, and nothing from before", () =>
    Effect.gen(function* () {
      const queries: Array<string> = []
      const connections = [
        withEvents([event(5_001)], true),
        withEvents([event(4_999), event(5_000), event(5_001), event(5_002)], false)
      ]
      const lines: Array<string> = []
      const fetch: typeof globalThis.fetch = (input, init) => {
        queries.push(new URL(String(input)).search)
        return connections.shift()!(input, init)
      }
      yield* TestClock.adjust("5 seconds")
      const fiber = yield* Effect.forkChild(ask(["events", "--follow", "--no-replay"], { fetch, lines }))
      yield* passUntil("1 second", () => lines.some((line) => line.includes("Event5002")))
      yield* Fiber.interrupt(fiber)
      expect(queries).toEqual(["?replay=false", "?replay=true"])
      expect(lines.join("\n").match(/Event\d+/g)).toEqual(["Event5001", "Event5000", "Event5002"])
    })
  )

  it.effect("follow a service that may come into use later", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      const fiber = yield* Effect.forkChild(ask(["events", "nope", "--follow"], { fetch, lines }))
      yield* passUntil("1 second", () => lines.length > 0)
      expect(lines).toEqual(['! no service is called "nope" (known: llm, redis)'])
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("ends where the application never answers, or makes no sense", () =>
    Effect.gen(function* () {
      const gone: typeof globalThis.fetch = () => Promise.reject(new Error("gone"))
      expect((yield* tagsOf(["--follow"], { fetch: gone })).end).toBe("unreachable")
      const nonsense = withEvents(['{"tag":1}'], false)
      expect((yield* tagsOf(["--follow"], { fetch: nonsense })).end).toBe("refused")
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

  it.effect("shows what was while the application is gone, and its events when it is back, on any terminal", () =>
    Effect.gen(function* () {
      let isThere = true
      let number = 1
      const fetch: typeof globalThis.fetch = (...args) =>
        isThere ? withEvents([event(number)], true)(...args) : Promise.reject(new Error("gone"))
      const { shown, terminal } = screenOf((_, press) => press("q"), { rows: 0, hasKeyboard: false })
      const fiber = yield* Effect.forkChild(ask(["watch"], { terminal, fetch }))
      const last = () => shown.at(-1) ?? ""
      yield* passUntil("1 second", () => last().includes("Event1"))
      isThere = false
      yield* passUntil("1 second", () => last().includes("not reachable since"))
      expect(last()).toMatch(/not reachable since \d\d:\d\d:\d\d UTC: http:\/\/localhost cannot be reached \(gone\)/)
      expect(last()).toContain("redis")
      expect(last()).toContain("Event1")
      const [since] = /since \S+/.exec(last())!
      yield* TestClock.adjust("10 seconds")
      expect(last()).toContain(since)
      ;[isThere, number] = [true, 2]
      yield* passUntil("1 second", () => last().includes("Event2"))
      expect(last()).not.toContain("Event1")
      yield* passUntil("1 second", () => !last().includes("not reachable"))
      yield* Fiber.interrupt(fiber)
      expect(last()).toContain("\u001B[?1049l")
    })
  )

  it.effect("ends at once where the application never answered", () =>
    Effect.gen(function* () {
      const { shown, terminal } = screenOf(() => {})
      const gone: typeof fetch = () => Promise.reject(new Error("gone"))
      for (const around of [{ fetch: gone, terminal }, { fetch: gone }]) {
        expect((yield* ask(["watch"], around)).end).toBe("unreachable")
      }
      expect(shown).toEqual([])
    })
  )

  it.effect("writes a JSON object a line where nobody looks, and says once that the application is gone", () =>
    Effect.gen(function* () {
      let isThere = true
      const lines: Array<string> = []
      const fetch: typeof globalThis.fetch = (...args) =>
        isThere ? application(...args) : Promise.reject(new Error("gone"))
      const fiber = yield* Effect.forkChild(ask(["watch", "--json", "--every", "5s"], { fetch, lines }))
      yield* passUntil("5 seconds", () => lines.length >= 2)
      isThere = false
      const before = lines.length
      yield* passUntil("5 seconds", () => lines.length > before)
      yield* TestClock.adjust("1 minute")
      isThere = true
      yield* passUntil("5 seconds", () => lines.length > before + 1)
      yield* Fiber.interrupt(fiber)
      const objects = lines.map((line) => JSON.parse(line))
      expect(objects[0].status).toEqual(objects[1].status)
      expect(Date.parse(objects[1].at) - Date.parse(objects[0].at)).toBe(5_000)
      expect(objects[before]).toEqual({ warning: expect.stringMatching(/^not reachable since .*\(gone\)/) })
      expect(objects[before + 1].status).toEqual(objects[0].status)
    })
  )

  it.effect("ends where the application comes back and refuses, and leaves the screen as it was", () =>
    Effect.gen(function* () {
      const { shown, terminal } = screenOf(() => {})
      for (const around of [{ terminal }, {}]) {
        let answers: ReadonlyArray<typeof fetch> = [
          application,
          () => Promise.resolve(new Response("busy", { status: 502 })),
          () => refusal(401, "Unauthorized", "no token")
        ]
        const fetch: typeof globalThis.fetch = (input, init) => {
          if (String(input).includes("/events")) return Promise.reject(new Error("gone"))
          const [answer, ...later] = answers
          answers = later
          return answer!(input, init)
        }
        const fiber = yield* Effect.forkChild(ask(["watch"], { ...around, fetch }))
        yield* passUntil("1 second", () => fiber.pollUnsafe() !== undefined)
        const { end, output } = yield* Fiber.join(fiber)
        expect([end, output]).toEqual(["refused", expect.stringMatching(/✗.* no token \(--token.*$/)])
      }
      expect(shown.join("")).toContain("(HTTP 502)")
      expect(shown.at(-1)).toContain("\u001B[?1049l")
    })
  )

  it.effect("tells another reason for the same outage, too", () =>
    Effect.gen(function* () {
      const lines: Array<string> = []
      let answer: typeof globalThis.fetch = application
      const fetch: typeof globalThis.fetch = (...args) => answer(...args)
      const fiber = yield* Effect.forkChild(ask(["watch"], { fetch, lines }))
      yield* passUntil("1 second", () => lines.length > 0)
      for (const [status, count] of [
        [502, 1],
        [503, 2]
      ] as const) {
        answer = () => Promise.resolve(new Response("busy", { status }))
        yield* passUntil("1 second", () => lines.filter((line) => line.startsWith("!")).length === count)
        yield* TestClock.adjust("1 minute")
      }
      yield* Fiber.interrupt(fiber)
      const told = lines.filter((line) => line.startsWith("!"))
      expect(told.map((line) => /HTTP \d+/.exec(line)?.[0])).toEqual(["HTTP 502", "HTTP 503"])
      const since = (line: string | undefined) => /since (\S+):/.exec(line ?? "")?.[1]
      expect(since(told[1])).toBe(since(told[0]))
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
