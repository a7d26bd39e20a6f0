import { expect, it } from "@effect/vitest"
import { Effect, Option, Redacted } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { describe } from "vitest"
import { Api } from "../../src/admin/index.ts"
import { ask, json, mounted, port, post, served, token } from "./support/server.ts"

const isolate = { service: "llm", pattern: "circuit-breaker", command: "isolate" }

const status = (headers: Readonly<Record<string, string>>) => ask("GET", "/resilience/status", headers)

/** Makes every request come from another machine. */
const from = (address: string | undefined) =>
  HttpRouter.middleware(
    (effect) =>
      Effect.updateService(effect, HttpServerRequest.HttpServerRequest, (request) =>
        request.modify({ remoteAddress: Option.fromUndefinedOr(address) })
      ),
    { global: true }
  )

describe("only this machine", () => {
  it.live.each([
    "localhost",
    "LOCALHOST:80",
    "localhost.",
    "app.localhost",
    "127.0.0.1",
    "127.8.9.1:9090",
    "[::1]:9090"
  ])("may ask, for %s", (host) =>
    Effect.gen(function* () {
      expect((yield* status({ host })).status).toBe(200)
    }).pipe(Effect.provide(served()))
  )

  it.live.each(["evil.example", "127.0.0.1.evil.example", "localhost.evil.example", "128.0.0.1", "0.0.0.0", "[::2]"])(
    "may ask, not for %s, which a hostile name server lets lead here",
    (host) =>
      Effect.gen(function* () {
        expect(json(yield* status({ host }))).toEqual({
          status: 403,
          _tag: "Forbidden",
          problem: `only this machine may ask, and the request is for "${host}"; the option "hosts" lists names for others`
        })
        expect((yield* post(isolate, { host })).status).toBe(403)
        expect((yield* ask("GET", "/resilience/openapi.json", { host })).status).toBe(403)
        expect((yield* ask("GET", "/resilience/nothing", { host })).status).toBe(403)
      }).pipe(Effect.provide(served({ token })))
  )

  it.live.each(["10.1.2.3", "::ffff:10.1.2.3", undefined])("may ask, not %s in the name of this machine", (address) =>
    Effect.gen(function* () {
      expect(json(yield* status({ host: "localhost" }))).toMatchObject({
        status: 403,
        problem: expect.stringContaining(`the request is from "${address ?? ""}"`)
      })
    }).pipe(Effect.provide(mounted({}, from(address))))
  )

  it.live("may ask through an IPv6 socket", () =>
    Effect.gen(function* () {
      expect((yield* status({ host: "localhost" })).status).toBe(200)
    }).pipe(Effect.provide(mounted({}, from("::ffff:127.0.0.1"))))
  )

  it.live("may ask, and others by the names that are given to them", () =>
    Effect.gen(function* () {
      expect((yield* status({ host: "admin.internal:9090" })).status).toBe(200)
      expect((yield* status({ host: "Admin.Internal" })).status).toBe(200)
      expect((yield* status({ host: "other.internal" })).status).toBe(403)
      expect((yield* status({ host: "localhost" })).status).toBe(403)
    }).pipe(Effect.provide(mounted({ hosts: ["admin.internal"] }, from("10.1.2.3"))))
  )
})

describe("another site", () => {
  it.live.each([
    { origin: "http://evil.example" },
    { origin: "null" },
    { origin: "http://localhost:1" },
    { origin: "http://localhost.evil.example" },
    { "sec-fetch-site": "cross-site" },
    { "sec-fetch-site": "same-site" }
  ])("gets nothing: %j", (headers) =>
    Effect.gen(function* () {
      expect(json(yield* status({ host: "localhost", ...headers }))).toMatchObject({ status: 403, _tag: "Forbidden" })
      expect((yield* post(isolate, { host: "localhost", ...headers })).status).toBe(403)
    }).pipe(Effect.provide(served({ token })))
  )

  it.live.each([
    { origin: "http://localhost:9090" },
    { origin: "https://LOCALHOST:9090" },
    { "sec-fetch-site": "none" }
  ])("is not this one: %j", (headers) =>
    Effect.gen(function* () {
      expect((yield* status({ host: "localhost:9090", ...headers })).status).toBe(200)
    }).pipe(Effect.provide(served()))
  )

  it.live("gets nothing even where the application is open to all sites", () =>
    Effect.gen(function* () {
      const answer = yield* status({ host: "localhost", origin: "http://evil.example" })
      expect(answer.status).toBe(403)
      for (const { headers } of [answer, yield* status({ host: "localhost" })]) {
        expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([])
        expect(headers).toMatchObject({ "cross-origin-resource-policy": "same-origin", "cache-control": "no-store" })
      }
    }).pipe(Effect.provide(mounted({}, HttpRouter.cors())))
  )
})

describe("protected reads", () => {
  it.live("need the token for everything", () =>
    Effect.gen(function* () {
      for (const path of ["status", "status/llm", "events", "commands", "openapi.json", "nothing"]) {
        const answer = yield* ask("GET", `/resilience/${path}`)
        expect(json(answer)).toMatchObject({ status: 401, _tag: "Unauthorized" })
        expect(answer.headers["www-authenticate"]).toBe("Bearer")
      }
      const baseUrl = `http://127.0.0.1:${yield* port}`
      const stranger = yield* Api.client({ baseUrl, token: Redacted.make("open") })
      expect(yield* Effect.flip(stranger.status())).toMatchObject({ _tag: "Unauthorized" })
      const client = yield* Api.client({ baseUrl, token })
      expect((yield* client.status()).length).toBeGreaterThan(0)
      yield* client.command({ payload: isolate })
    }).pipe(Effect.provide(served({ token, protectReads: true })))
  )
})
