import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, type Scope } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import type { ServerResponse } from "node:http"
import { ResilientHttpClient } from "../../src/http/index.ts"
import { type Policy, Resilience, type ResilienceConfig } from "../../src/index.ts"
import { freePort, serve, serveElsewhere, serveTcp, until } from "./support/servers.ts"

const clients = [
  ["fetch", FetchHttpClient.layer],
  ["undici", NodeHttpClient.layerUndici],
  ["node:http", NodeHttpClient.layerNodeHttp]
] as const

type Service = NonNullable<ResilienceConfig.ConfigInput["services"]>[string]

const quick: Service = {
  retry: { baseDelay: "10 millis", jitter: "none", rateLimit: { baseDelay: "10 millis" } },
  deadline: "5 seconds",
  timeout: "200 millis"
}

/** Those that keep a connection after its response was read to the end. */
const REUSES: ReadonlySet<string> = new Set(["fetch", "undici"])

const timed = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(Effect.exit(self), (exit) => ({ exit, millis: performance.now() - start }))
  })

describe.each(clients)("%s", (name, layer) => {
  /** Runs a test with the protected client. */
  const withClient = <A, E>(
    use: (
      client: ResilientHttpClient.Protected<never, never>
    ) => Effect.Effect<A, E, Policy.ResilienceRegistry | Scope.Scope>,
    service: Service = {},
    options?: ResilientHttpClient.Options
  ) =>
    HttpClient.HttpClient.pipe(
      Effect.flatMap((client) => use(ResilientHttpClient.protect(client, options))),
      Effect.scoped,
      Effect.provide(Layer.merge(layer, Resilience.layer({ services: { http: { ...quick, ...service } } })))
    )

  it.live("a connection that is reset", () =>
    withClient((client) =>
      Effect.gen(function* () {
        const server = yield* serveTcp((socket, count) => {
          if (count < 3) socket.resetAndDestroy()
          else socket.end("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")
        })
        const response = yield* client.get(server.url)
        expect([yield* response.text, server.count()]).toEqual(["ok", 3])
        yield* until(() => server.sockets.open === 0)
      })
    )
  )

  it.live("a POST whose connection is reset is not sent again", () =>
    withClient((client) =>
      Effect.gen(function* () {
        const server = yield* serveTcp((socket) => socket.resetAndDestroy())
        const request = HttpClientRequest.post(server.url).pipe(HttpClientRequest.bodyJsonUnsafe({ pay: 7 }))
        expect(yield* Effect.flip(client.execute(request))).toMatchObject({ _tag: "HttpClientError" })
        expect(server.count()).toBe(1)
      })
    )
  )

  it.live("a server that never answers", () =>
    withClient((client) =>
      Effect.gen(function* () {
        const server = yield* serve(() => {})
        const { exit, millis } = yield* timed(client.get(server.url))
        expect(Exit.isFailure(exit)).toBe(true)
        expect(server.requests.length).toBe(3)
        expect(server.requests.map(({ headers }) => headers["x-retry-attempt"])).toEqual([undefined, "2", "3"])
        expect(millis).toBeGreaterThan(590)
        expect(millis).toBeLessThan(2_000)
        yield* until(() => server.sockets.open === 0)
      })
    )
  )

  it.live("the deadline ends it all", () =>
    withClient(
      (client) =>
        Effect.gen(function* () {
          const server = yield* serve(() => {})
          const { exit, millis } = yield* timed(client.get(server.url))
          expect(Exit.isFailure(exit)).toBe(true)
          expect(millis).toBeLessThan(800)
          const left = server.requests.map(({ headers }) => Number(headers["x-request-timeout-ms"]))
          expect(left[0]).toBe(200)
          expect(left[1]).toBeLessThan(100)
          yield* until(() => server.sockets.open === 0)
        }),
      { deadline: "300 millis" }
    )
  )

  it.live("a server that hangs after its headers: the body is the caller's, or within the attempt", () =>
    Effect.gen(function* () {
      const half = (response: ServerResponse) =>
        void response.writeHead(200, { "content-length": "100" }).write("half of it")
      yield* withClient((client) =>
        Effect.gen(function* () {
          const server = yield* serve(half)
          const response = yield* client.get(server.url)
          const { exit, millis } = yield* timed(response.text.pipe(Effect.timeout("300 millis")))
          expect([Exit.isFailure(exit), server.requests.length]).toEqual([true, 1])
          expect(millis).toBeGreaterThan(290)
          yield* until(() => server.sockets.open === 0)
        })
      )
      yield* withClient(
        (client) =>
          Effect.gen(function* () {
            const server = yield* serve(half, half, (response) => void response.end("an answer"))
            const { exit, millis } = yield* timed(Effect.flatMap(client.get(server.url), ({ text }) => text))
            expect([exit, server.requests.length]).toEqual([Exit.succeed("an answer"), 3])
            expect(millis).toBeLessThan(2_000)
            yield* until(() => server.sockets.open <= 1)
          }),
        {},
        { buffer: true }
      )
    })
  )

  it.live("a body that comes in drops", () =>
    withClient(
      (client) =>
        Effect.gen(function* () {
          const server = yield* serve((response) => {
            response.writeHead(200)
            const drop = setInterval(() => response.write("."), 20)
            response.on("close", () => clearInterval(drop))
          })
          const { exit, millis } = yield* timed(client.get(server.url))
          expect([Exit.isFailure(exit), server.requests.length]).toEqual([true, 3])
          expect(millis).toBeLessThan(2_000)
          yield* until(() => server.sockets.open === 0)
        }),
      {},
      { buffer: true }
    )
  )

  it.live("a body that is cut off", () =>
    withClient(
      (client) =>
        Effect.gen(function* () {
          const server = yield* serve(
            (response) => {
              response.writeHead(200, { "content-length": "100" }).write("half of it")
              setTimeout(() => response.destroy(), 20)
            },
            (response) => void response.end("an answer")
          )
          const response = yield* client.get(server.url)
          expect([yield* response.text, server.requests.length]).toEqual(["an answer", 2])
        }),
      { timeout: "5 seconds" },
      { buffer: true }
    )
  )

  it.live("503 with Retry-After in seconds and as a date", () =>
    withClient((client) =>
      Effect.gen(function* () {
        const times: Array<number> = []
        const at = (answer: (response: ServerResponse) => void) => {
          return (response: ServerResponse) => {
            times.push(Date.now())
            answer(response)
          }
        }
        let date = 0
        const server = yield* serve(
          at((response) => void response.writeHead(503, { "retry-after": "1" }).end("not now")),
          at((response) => {
            date = Math.ceil(Date.now() / 1000) * 1000 + 1000
            response.writeHead(503, { "retry-after": new Date(date).toUTCString() }).end("not now")
          }),
          at((response) => void response.end("an answer"))
        )
        const response = yield* client.get(server.url)
        expect([yield* response.text, server.requests.length]).toEqual(["an answer", 3])
        expect(times[1]! - times[0]!).toBeGreaterThan(990)
        expect(times[2]!).toBeGreaterThanOrEqual(date - 10)
        expect(times[2]! - date).toBeLessThan(1_000)
      })
    )
  )

  it.live("the connection of a short 503 is used again", () =>
    withClient(
      (client) =>
        Effect.gen(function* () {
          const busy = (response: ServerResponse) => void response.writeHead(503).end("not now")
          const server = yield* serve(busy, busy, (response) => void response.end("an answer"))
          const response = yield* client.get(server.url)
          expect([yield* response.text, server.requests.length]).toEqual(["an answer", 3])
          expect(server.sockets.made).toBeLessThanOrEqual(REUSES.has(name) ? 1 : 3)
          yield* until(() => server.sockets.open <= 1)
        }),
      { retry: { baseDelay: "50 millis", jitter: "none" } }
    )
  )

  it.live("a 503 whose body never ends is let go, and so is its connection", () =>
    withClient(
      (client) =>
        Effect.gen(function* () {
          const server = yield* serve((response) => {
            response.writeHead(503)
            const pour = () => {
              while (response.writable && response.write("x".repeat(16_384))) {
                // until the connection is full
              }
            }
            response.on("drain", pour)
            pour()
          })
          const fiber = yield* Effect.forkChild(client.get(server.url))
          yield* until(() => server.requests.length === 1)
          yield* until(() => server.sockets.open === 0)
          expect(server.requests.length).toBe(1)
          yield* Fiber.interrupt(fiber)
        }),
      { retry: { baseDelay: "3 seconds", jitter: "none" } }
    )
  )

  it.live("nobody listens", () =>
    withClient((client) =>
      Effect.gen(function* () {
        const port = yield* freePort
        const { exit, millis } = yield* timed(client.get(`http://127.0.0.1:${port}/`))
        expect(Exit.isFailure(exit)).toBe(true)
        expect(millis).toBeLessThan(1_000)
      })
    )
  )

  it.live("nobody listens yet: a POST waits for the server", () =>
    withClient(
      (client) =>
        Effect.gen(function* () {
          const port = yield* freePort
          const fiber = yield* client.post(`http://127.0.0.1:${port}/`).pipe(Effect.forkChild)
          yield* Effect.sleep("50 millis")
          const server = yield* serveElsewhere("answer", port)
          expect(yield* Effect.flatMap(Fiber.join(fiber), ({ text }) => text)).toBe("an answer")
          expect(server.requests).toEqual(["POST"])
        }),
      {
        retry: {
          maxAttempts: 100,
          strategy: "fixed",
          baseDelay: "100 millis",
          jitter: "none",
          budget: { ratio: 1, minimumPerSecond: 100 }
        },
        circuitBreaker: { consecutiveFailures: 1000 },
        deadline: "20 seconds"
      }
    )
  )

  it.live("a server killed while it works: a GET goes to its successor, a POST fails", () =>
    withClient(
      (client) =>
        Effect.gen(function* () {
          const first = yield* serveElsewhere("hang")
          const url = `http://127.0.0.1:${first.port}/`
          const get = yield* client.get(url).pipe(Effect.forkChild)
          const post = yield* client.post(url).pipe(Effect.flip, Effect.forkChild)
          yield* until(() => first.requests.length === 2)
          first.kill()
          expect(yield* Fiber.join(post)).toMatchObject({ _tag: "HttpClientError" })
          const second = yield* serveElsewhere("answer", first.port)
          expect(yield* Effect.flatMap(Fiber.join(get), ({ text }) => text)).toBe("an answer")
          expect(second.requests).toEqual(["GET"])
        }),
      {
        retry: {
          maxAttempts: 100,
          strategy: "fixed",
          baseDelay: "100 millis",
          jitter: "none",
          budget: { ratio: 1, minimumPerSecond: 100 }
        },
        circuitBreaker: { consecutiveFailures: 1000 },
        timeout: "10 seconds",
        deadline: "20 seconds"
      }
    )
  )

  it.live("a server killed in the middle of a body", () =>
    withClient(
      (client) =>
        Effect.gen(function* () {
          const server = yield* serveElsewhere("half")
          const fiber = yield* client.get(`http://127.0.0.1:${server.port}/`).pipe(timed, Effect.forkChild)
          yield* until(() => server.requests.length === 1)
          yield* Effect.sleep("50 millis")
          server.kill()
          const { exit, millis } = yield* Fiber.join(fiber)
          expect(exit).toMatchObject({ cause: { reasons: [{ error: { _tag: "HttpClientError" } }] } })
          expect(millis).toBeLessThan(2_000)
        }),
      { timeout: "10 seconds" },
      { buffer: true }
    )
  )

  it.live("a caller who goes away leaves no connection", () =>
    withClient(
      (client) =>
        Effect.gen(function* () {
          const server = yield* serve(() => {})
          const fiber = yield* Effect.forkChild(client.get(server.url))
          yield* until(() => server.requests.length === 1)
          yield* Fiber.interrupt(fiber)
          yield* until(() => server.sockets.open === 0)
          expect(server.requests.length).toBe(1)
        }),
      { timeout: "10 seconds" }
    )
  )
})
