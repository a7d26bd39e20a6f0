import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Layer, Redacted, Scope } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { Resilience } from "../../src/index.ts"
import { type Alerts, SlackAlerts } from "../../src/telemetry/index.ts"
import { breakerOf, fail, logInto } from "./support/alerts.ts"

const SECRET = "B0SECRET0TOKEN"

interface Got {
  readonly at: number
  readonly method: string
  readonly path: string
  readonly body: { readonly text: string }
}

type Answer = (response: ServerResponse, call: number) => void

const bodyOf = async (request: IncomingMessage) => {
  let body = ""
  for await (const chunk of request) body += String(chunk)
  return JSON.parse(body)
}

/** A server that remembers what it is told, and when. */
const serverThat = (answer: Answer) =>
  Effect.acquireRelease(
    Effect.callback<{
      readonly url: string
      readonly got: Array<Got>
      readonly close: () => void
    }>((resume) => {
      const got: Array<Got> = []
      const server = createServer(async (request, response) => {
        const at = performance.now()
        const { method = "", url: path = "" } = request
        got.push({ at, method, path, body: await bodyOf(request) })
        answer(response, got.length)
      })
      server.listen(0, "127.0.0.1", () => {
        const { port } = server.address() as AddressInfo
        const close = () => {
          server.closeAllConnections()
          server.close()
        }
        resume(Effect.succeed({ url: `http://127.0.0.1:${port}/services/${SECRET}`, got, close }))
      })
    }),
    ({ close }) => Effect.sync(close)
  )

/** Runs a program under alerts to the URL; the effect gives the time it took, and that of the end of the layer. */
const under = <A, E>(
  url: string,
  log: Array<string>,
  program: Effect.Effect<A, E>,
  options: Alerts.OptionsInput = {}
) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const layer = SlackAlerts.layerWith({ ...options, url: Redacted.make(url) }).pipe(
      Layer.provide(NodeHttpClient.layerUndici),
      Layer.provideMerge(Resilience.layer()),
      Layer.provideMerge(logInto(log))
    )
    const context = yield* Layer.buildWithScope(layer, scope)
    const started = performance.now()
    yield* Effect.provideContext(program, context)
    const ran = performance.now()
    yield* Scope.close(scope, Exit.void)
    return { millis: ran - started, closingMillis: performance.now() - ran }
  })

const opens = Effect.flatMap(breakerOf("llm"), (breaker) => fail(breaker))

const until = (isTrue: () => boolean) => Effect.sleep("5 millis").pipe(Effect.repeat({ until: isTrue }))

describe("Slack, as a real server", () => {
  it.live("gets the message (live)", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const server = yield* serverThat((response) => response.end("ok"))
      yield* under(
        server.url,
        log,
        Effect.andThen(
          opens,
          until(() => server.got.length > 0)
        )
      )
      expect(server.got).toMatchObject([
        {
          method: "POST",
          path: `/services/${SECRET}`,
          body: { text: "llm: circuit opened, calls are rejected for 10s", blocks: [{ type: "header" }, {}] }
        }
      ])
      expect(log).toEqual([])
    })
  )

  it.live("is told at the end what is held (live)", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const server = yield* serverThat((response) => response.end("ok"))
      const program = Effect.gen(function* () {
        const breaker = yield* breakerOf("llm")
        yield* fail(breaker)
        yield* until(() => server.got.length > 0)
        yield* breaker.reset
      })
      const { closingMillis } = yield* under(server.url, log, program)
      expect(server.got.map(({ body }) => body.text)).toEqual([
        "llm: circuit opened, calls are rejected for 10s",
        expect.stringMatching(/^llm: circuit closed after/)
      ])
      expect(closingMillis).toBeLessThan(5_000)
      expect(log).toEqual([])
    })
  )

  it.live("is called again after an error of its own (live)", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const server = yield* serverThat((response, call) => response.writeHead(call === 1 ? 500 : 200).end())
      yield* under(
        server.url,
        log,
        Effect.andThen(
          opens,
          until(() => server.got.length > 1)
        )
      )
      expect([server.got.length, log]).toEqual([2, []])
    })
  )

  it.live("is called again when its rate limit allows it, not before (live)", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const server = yield* serverThat((response, call) =>
        response.writeHead(call === 1 ? 429 : 200, { "retry-after": "1" }).end()
      )
      yield* under(
        server.url,
        log,
        Effect.andThen(
          opens,
          until(() => server.got.length > 1)
        )
      )
      expect(server.got[1]!.at - server.got[0]!.at).toBeGreaterThan(990)
      expect([server.got.length, log]).toEqual([2, []])
    })
  )

  it.live("is not called again when it refuses, and the log does not tell where it is (live)", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const server = yield* serverThat((response) => response.writeHead(403).end("invalid_token"))
      yield* under(
        server.url,
        log,
        Effect.andThen(
          opens,
          until(() => log.length > 0)
        )
      )
      expect(server.got.length).toBe(1)
      expect(log).toEqual([
        "Warn: effect-resilience: an alert could not be delivered to Slack: HttpClientError, StatusCodeError, HTTP 403. " +
          "Further failures are not logged."
      ])
    })
  )

  it.live("may hang: no call waits for it, and the end not long (live)", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const server = yield* serverThat(() => {})
      const program = Effect.andThen(
        opens,
        until(() => server.got.length > 0)
      )
      const { closingMillis } = yield* under(server.url, log, program, { sendTimeout: "300 millis" })
      expect(closingMillis).toBeLessThan(5_000)
      expect(log).toEqual([expect.stringContaining("to Slack: there was no time left at the end.")])
    })
  )

  it.live("may send half an answer (live)", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const server = yield* serverThat((response) => response.writeHead(200, { "content-length": "10" }).write("o"))
      const program = Effect.andThen(
        opens,
        until(() => server.got.length > 0)
      )
      yield* under(server.url, log, program, { sendTimeout: "300 millis" })
      expect(log).toEqual([expect.stringContaining("an alert could not be delivered to Slack")])
    })
  )

  it.live("may be away: it is reported once, and its URL is not (live)", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const server = yield* serverThat((response) => response.end("ok"))
      server.close()
      const program = Effect.gen(function* () {
        yield* Effect.andThen(opens, Effect.andThen(opens, opens))
        yield* until(() => log.length > 0)
      })
      yield* under(server.url, log, program)
      expect(log).toEqual([
        "Warn: effect-resilience: an alert could not be delivered to Slack: HttpClientError, TransportError. " +
          "Further failures are not logged."
      ])
    })
  )

  it.live("costs a call next to nothing, whatever it does (live)", () =>
    Effect.gen(function* () {
      const waiting: Array<ServerResponse> = []
      let isOver = false
      const server = yield* serverThat((response) => (isOver ? response.end() : waiting.push(response)))
      const program = Effect.gen(function* () {
        const breaker = yield* breakerOf("llm")
        yield* Effect.andThen(breaker.trip, breaker.reset).pipe(Effect.repeat({ times: 9_999 }))
        isOver = true
        for (const response of waiting) response.end()
      })
      const { millis } = yield* under(server.url, [], program)
      expect(millis).toBeLessThan(5_000)
      expect(server.got.length).toBeLessThanOrEqual(2)
      const openings = server.got.map(({ body }) => Number(/opened (\d+) times/.exec(body.text)?.[1] ?? 1))
      expect(openings.reduce((sum, count) => sum + count, 0)).toBe(10_000)
    })
  )
})
