import { expect, it } from "@effect/vitest"
import { Config, ConfigProvider, Effect, Exit, Layer, Redacted, Stream } from "effect"
import { HttpRouter, HttpServerResponse } from "effect/http"
import { describe } from "vitest"
import { Admin, Api } from "../../src/admin/index.ts"
import { Resilience } from "../../src/index.ts"
import { ask, json, mounted, port, post, served, token } from "./support/server.ts"

const isolate = { service: "llm", pattern: "circuit-breaker", command: "isolate" }

const connect = (token?: Redacted.Redacted) =>
  Effect.flatMap(port, (port) => Api.client({ baseUrl: `http://127.0.0.1:${port}`, token }))

const stateOf = (all: ReadonlyArray<Api.Status>) =>
  all.find(({ pattern }) => pattern === "circuit-breaker")?.snapshot["state"]

describe("the API", () => {
  it.live("tells the status of all services, and of one", () =>
    Effect.gen(function* () {
      const client = yield* connect()
      const all = yield* client.status()
      expect(all.map(({ pattern }) => pattern)).toContain("pipeline")
      expect(all.find(({ pattern }) => pattern === "circuit-breaker")).toMatchObject({
        service: "llm",
        description: "opens at 5 failures in a row, for 1m",
        snapshot: { state: "Closed", retryAfter: null, failureRate: null, failuresInRow: 0 }
      })
      expect(all.find(({ pattern }) => pattern === "timeout")?.snapshot["duration"]).toBe(60_000)
      expect(yield* client.statusOf({ params: { service: "llm" } })).toEqual(all)
    }).pipe(Effect.provide(served()))
  )

  it.live("explains the pipeline of a service, and makes none for a misspelt name", () =>
    Effect.gen(function* () {
      const client = yield* connect()
      const { findings, text } = yield* client.explain({ params: { service: "llm" } })
      expect(text).toContain("circuit-breaker")
      expect(findings).toEqual([])
      const error = yield* Effect.flip(client.explain({ params: { service: "lmm" } }))
      expect(error).toMatchObject({ _tag: "NotFound", problem: 'no service is called "lmm" (did you mean "llm"?)' })
      expect((yield* Resilience.status).every(({ service }) => service === "llm")).toBe(true)
    }).pipe(Effect.provide(served()))
  )

  it.live("lists the commands, with a JSON Schema of their parameters", () =>
    Effect.gen(function* () {
      const commands = yield* Effect.flatMap(connect(), (client) => client.commands())
      expect(commands.find(({ name }) => name === "mode")).toMatchObject({
        pattern: "circuit-breaker",
        parameters: {
          type: "object",
          properties: { mode: { type: "string", enum: ["enforce", "observe", "disabled"] } },
          required: ["mode"],
          additionalProperties: false
        }
      })
      expect(commands.find(({ name }) => name === "resize")?.parameters).toEqual({
        type: "object",
        properties: { limit: { type: "number" } },
        required: ["limit"],
        additionalProperties: false
      })
    }).pipe(Effect.provide(served()))
  )

  it.live("runs commands, of which an event tells, with the operator", () =>
    Effect.gen(function* () {
      const client = yield* connect(token)
      const parameters = { reason: "maintenance", duration: "1 minute" }
      yield* client.command({ payload: { ...isolate, parameters, by: "anna" } })
      expect(stateOf(yield* client.status())).toBe("Isolated")
      const events = yield* client.events({ query: {} })
      const told = yield* Stream.runHead(Stream.filter(events, ({ tag }) => tag === "OperatorCommand"))
      expect(told).toMatchObject({
        value: {
          pattern: "circuit-breaker",
          service: "llm",
          severity: "Warn",
          attributes: { command: "isolate", by: "anna", reason: "maintenance" }
        }
      })
      yield* client.command({ payload: { ...isolate, command: "release", by: "anna" } })
      expect(stateOf(yield* client.status())).toBe("Closed")
    }).pipe(Effect.provide(served({ token })))
  )

  it.live("describes itself", () =>
    Effect.gen(function* () {
      const document = JSON.parse((yield* ask("GET", "/resilience/openapi.json")).text)
      expect(document.openapi).toBe("3.1.0")
      expect(Object.keys(document.paths)).toEqual([
        "/resilience/status",
        "/resilience/status/{service}",
        "/resilience/switches",
        "/resilience/explain/{service}",
        "/resilience/events",
        "/resilience/commands"
      ])
      expect(document.paths["/resilience/commands"].post.security).toEqual([{ token: [] }])
      expect(Object.keys(document.paths["/resilience/commands"].post.responses)).toEqual(
        expect.arrayContaining(["204", "400", "401", "403", "404", "413", "415"])
      )
    }).pipe(Effect.provide(served()))
  )

  it.live("stands beside the routes of an application, which keep their own ways", () =>
    Effect.gen(function* () {
      expect((yield* ask("GET", "/")).text).toBe("the application")
      expect((yield* ask("GET", "/", { host: "example.com", origin: "https://example.com" })).status).toBe(200)
      expect((yield* ask("GET", "/")).headers["cache-control"]).toBe(undefined)
      expect((yield* ask("GET", "/resilience/status")).status).toBe(200)
    }).pipe(Effect.provide(mounted({}, HttpRouter.add("GET", "/", HttpServerResponse.text("the application")))))
  )

  it.live("takes the token from the configuration, and tells when it is not there", () =>
    Effect.gen(function* () {
      const built = (env: Record<string, string>) =>
        Admin.routes({ token: Config.Redacted("ADMIN_TOKEN") }).pipe(
          Layer.provide([HttpRouter.layer, Resilience.layer(), ConfigProvider.layer(ConfigProvider.fromEnv({ env }))]),
          Layer.build,
          Effect.scoped,
          Effect.exit
        )
      expect(Exit.isSuccess(yield* built({ ADMIN_TOKEN: "open sesame" }))).toBe(true)
      expect(String(yield* built({}))).toContain("ADMIN_TOKEN")
    })
  )

  it.live("does not start with options that make no sense", () =>
    Effect.gen(function* () {
      const built = (options: Admin.Options) =>
        Admin.routes(options).pipe(
          Layer.provide([HttpRouter.layer, Resilience.layer()]),
          Layer.build,
          Effect.scoped,
          Effect.exit,
          Effect.map(String)
        )
      expect(yield* built({ token: Redacted.make(" ") })).toContain("the token is empty")
      for (const written of ["s3cret\n", "s3cret ", "s3\ncret", "s3crét", "\0s3cret"]) {
        const refusal = yield* built({ token: Redacted.make(written) })
        expect(refusal).toContain("nobody could send the token")
        expect(refusal).not.toContain("cr")
      }
      expect(yield* built({ protectReads: true })).toContain("protectReads needs a token")
      expect(yield* built({ maxEventReaders: 0, maxBodyBytes: 1.5 })).toMatch(/maxEventReaders[^]*maxBodyBytes/)
    })
  )
})

describe("a request that makes no sense", () => {
  const cases: ReadonlyArray<readonly [string, ReturnType<typeof ask>, object]> = [
    ["an unknown service", ask("GET", "/resilience/status/lmm"), { status: 404, _tag: "NotFound" }],
    ["too long a name", ask("GET", `/resilience/status/${"a".repeat(500)}`), { status: 404, _tag: "NotFound" }],
    ["an unknown path", ask("GET", "/resilience/stats?a=b"), { status: 404, _tag: "NotFound" }],
    ["an unknown path to write to", ask("PUT", "/resilience/stats"), { status: 404, _tag: "NotFound" }],
    [
      "a method that the path does not have",
      ask("DELETE", "/resilience/commands"),
      { status: 405, problem: "/resilience/commands has no DELETE, only GET, POST" }
    ],
    [
      "a query that means nothing",
      ask("GET", "/resilience/events?replay=perhaps"),
      { status: 400, problem: 'query.replay: expected "true" | "false"' }
    ],
    ["malformed JSON", post("{"), { status: 400, problem: "body: expected a valid JSON body" }],
    ["no body", post(""), { status: 400, _tag: "BadRequest" }],
    ["a body that is no command", post("[]"), { status: 400, _tag: "BadRequest" }],
    [
      "missing fields",
      post({ service: "llm" }),
      { status: 400, problem: "body.pattern: missing key; body.command: missing key" }
    ],
    [
      "a misspelt field",
      post({ ...isolate, paramters: {} }),
      { status: 400, problem: "body.paramters: expected no excess property" }
    ],
    ["too long an operator", post({ ...isolate, by: "a".repeat(201) }), { status: 400, _tag: "BadRequest" }],
    [
      "an unknown pattern",
      post({ ...isolate, pattern: "circuit-braker" }),
      { status: 404, problem: 'no pattern is called "circuit-braker" (did you mean "circuit-breaker"?)' }
    ],
    ["an unknown command", post({ ...isolate, command: "isolat" }), { status: 404, _tag: "NotFound" }],
    ["a command for an unknown service", post({ ...isolate, service: "lmm" }), { status: 404, _tag: "NotFound" }],
    [
      "wrong parameters",
      post({ ...isolate, command: "mode", parameters: { mode: "off" } }),
      { status: 400, _tag: "BadCommand", reason: "wrong-parameters" }
    ],
    [
      "a body of another type",
      post("service=llm", { "content-type": "application/x-www-form-urlencoded" }),
      { status: 415, problem: 'the body must be application/json, got "application/x-www-form-urlencoded"' }
    ],
    ["a body of no type", post(isolate, { "content-type": "" }), { status: 415, _tag: "UnsupportedMediaType" }],
    [
      "a body that is too large",
      post({ ...isolate, by: "a".repeat(1_100) }),
      { status: 413, problem: "the body is larger than 1000 bytes" }
    ],
    [
      "a body that is too large and does not say so",
      ask(
        "POST",
        "/resilience/commands",
        { "content-type": "application/json", authorization: "Bearer open sesame" },
        ...Array.from({ length: 20 }, () => "a".repeat(100))
      ),
      { status: 413, problem: "the body is larger than 1000 bytes" }
    ],
    ["a wrong token", post(isolate, { authorization: "Bearer sesame" }), { status: 401, _tag: "Unauthorized" }],
    ["no token", post("{", { authorization: "" }), { status: 401, problem: "the token is missing or wrong" }]
  ]

  for (const [what, asked, expected] of cases) {
    it.live(`is told so: ${what}`, () =>
      Effect.gen(function* () {
        const answer = yield* asked
        expect(json(answer)).toMatchObject(expected)
        expect(answer.headers).toMatchObject({ "cache-control": "no-store", "x-content-type-options": "nosniff" })
        expect(stateOf(yield* Effect.flatMap(connect(), (client) => client.status()))).toBe("Closed")
      }).pipe(Effect.provide(served({ token, maxBodyBytes: 1_000 })))
    )
  }

  it.live("tells what would be right in the headers, too", () =>
    Effect.gen(function* () {
      expect((yield* ask("PATCH", "/resilience/status")).headers["allow"]).toBe("GET")
      expect((yield* post(isolate, { authorization: "Bearer x" })).headers["www-authenticate"]).toBe("Bearer")
    }).pipe(Effect.provide(served({ token })))
  )

  it.live("without a token nobody can give commands", () =>
    Effect.gen(function* () {
      expect(json(yield* post(isolate))).toEqual({
        status: 403,
        _tag: "ReadOnly",
        problem: "this API is read-only: to allow commands, start it with a token (Admin.routes({ token }))"
      })
      const client = yield* connect(token)
      expect(yield* Effect.flip(client.command({ payload: isolate }))).toMatchObject({ _tag: "ReadOnly" })
    }).pipe(Effect.provide(served()))
  )
})
