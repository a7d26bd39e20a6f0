import { expect, it } from "@effect/vitest"
import { Duration, Effect, Redacted } from "effect"
import { connect, type Socket } from "node:net"
import { describe } from "vitest"
import { Resilience } from "../../src/index.ts"
import { ask, port, served, token } from "./support/server.ts"

/** What a server answers to these bytes, until it closes the connection or says nothing more for a while. */
const exchange = (...parts: ReadonlyArray<string | Uint8Array>) =>
  Effect.flatMap(port, (port) =>
    Effect.promise(
      () =>
        new Promise<string>((resolve) => {
          let text = ""
          const socket = connect(port, "127.0.0.1", () => void parts.forEach((part) => socket.write(part)))
          socket.setTimeout(300, () => socket.destroy())
          socket.on("data", (chunk: Uint8Array) => (text += Buffer.from(chunk).toString("latin1")))
          socket.on("error", () => undefined)
          socket.on("close", () => resolve(text))
        })
    )
  )

const statuses = (text: string): ReadonlyArray<string> => text.match(/^HTTP\/1\.1 \d+/gm) ?? []

const TOKEN = Redacted.value(token)
const head = (...headers: ReadonlyArray<string>) =>
  [
    "POST /resilience/commands HTTP/1.1",
    "Host: localhost",
    "Content-Type: application/json",
    `Authorization: Bearer ${TOKEN}`,
    ...headers,
    "",
    ""
  ].join("\r\n")

const isolate = JSON.stringify({ service: "llm", pattern: "circuit-breaker", command: "isolate" })

/** A request that somebody smuggles behind another one. */
const smuggled = `POST /resilience/commands HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${isolate.length}\r\n\r\n${isolate}`

const isIsolated = Effect.map(Resilience.status, (all) =>
  all.some(({ snapshot }) => "state" in snapshot && snapshot.state === "Isolated")
)

describe("requests that no client makes", () => {
  it.live("do nothing, where their length has two meanings or none", () =>
    Effect.gen(function* () {
      for (const headers of [
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked, identity"],
        ["Transfer-Encoding: xchunked"],
        ["Content-Length: -1"],
        ["Content-Length: 1e3"],
        ["Content-Length: 0x10"],
        ["Content-Length : 5"],
        ["Host: evil.example"]
      ]) {
        const answer = yield* exchange(head(...headers), isolate, smuggled)
        expect(statuses(answer), headers.join()).toEqual(["HTTP/1.1 400"])
        expect(answer).not.toContain(TOKEN)
      }
      expect(yield* isIsolated).toBe(false)
    }).pipe(Effect.provide(served({ token })))
  )

  it.live("are refused where they do not say whom they are for", () =>
    Effect.gen(function* () {
      const answer = yield* exchange("GET /resilience/status HTTP/1.0\r\n\r\n")
      expect(answer).toMatch(/^HTTP\/1\.1 403 /)
      expect(answer).toContain('the request is for \\"\\"')
    }).pipe(Effect.provide(served()))
  )

  it.live("do nothing, where their body ends before its time, or nobody says what it is", () =>
    Effect.gen(function* () {
      expect(yield* exchange(head("Content-Length: 1000"), isolate)).toBe("")
      const untyped = head(`Content-Length: ${isolate.length}`, "Connection: close").replace(/Content-Type.*\r\n/, "")
      expect(statuses(yield* exchange(untyped, isolate))).toEqual(["HTTP/1.1 415"])
      expect(yield* isIsolated).toBe(false)
    }).pipe(Effect.provide(served({ token })))
  )

  it.live("cannot put headers into answers, or lines into requests", () =>
    Effect.gen(function* () {
      for (const path of [
        "/resilience/%0d%0aSet-Cookie:%20x=1",
        "/resilience/status/a%0d%0aX-Evil:%201",
        "/resilience/status?x=%0d%0aX-Evil:%201"
      ]) {
        const { headers } = yield* ask("GET", path)
        expect(Object.keys(headers)).not.toContain("set-cookie")
        expect(Object.keys(headers)).not.toContain("x-evil")
      }
      expect(statuses(yield* exchange("GET /resilience/status\rX: y HTTP/1.1\r\nHost: localhost\r\n\r\n"))).toEqual([
        "HTTP/1.1 400"
      ])
      expect(statuses(yield* exchange("GET /resilience/status HTTP/1.1\r\nHost: localhost\nX-Evil\r\n\r\n"))).toEqual([
        "HTTP/1.1 400"
      ])
    }).pipe(Effect.provide(served({ token })))
  )

  it.live("with bytes that are no text, or half of one, are refused like others", () =>
    Effect.gen(function* () {
      for (const bytes of [[0xff, 0xfe], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf0, 0x9f], [0], [0xef, 0xbb, 0xbf]]) {
        const [before, after] = isolate.split("llm") as [string, string]
        const body = Buffer.concat([Buffer.from(before), Uint8Array.from(bytes), Buffer.from(after)])
        const answer = yield* exchange(head(`Content-Length: ${body.length}`, "Connection: close"), body)
        expect(answer).toMatch(/^HTTP\/1\.1 40[04]/)
        expect(answer).toContain('"problem"')
      }
      expect(yield* isIsolated).toBe(false)
    }).pipe(Effect.provide(served({ token })))
  )

  it.live("with endless headers or names are cut off", () =>
    Effect.gen(function* () {
      for (const lines of [`X: ${"x".repeat(20_000)}`, `Authorization: Bearer ${"x".repeat(20_000)}`]) {
        expect(
          statuses(yield* exchange(`GET /resilience/status HTTP/1.1\r\nHost: localhost\r\n${lines}\r\n\r\n`))
        ).toEqual(["HTTP/1.1 431"])
      }
      expect(
        statuses(yield* exchange(`GET /resilience/${"x".repeat(20_000)} HTTP/1.1\r\nHost: localhost\r\n\r\n`))
      ).toEqual(["HTTP/1.1 431"])
      expect((yield* ask("GET", `/resilience/status/${"x".repeat(10_000)}`)).status).toBe(404)
    }).pipe(Effect.provide(served({ token })))
  )

  it.live("that come one byte after the other, or never to an end, do not keep others waiting", () =>
    Effect.gen(function* () {
      const number = yield* port
      const slow = Array.from({ length: 200 }, (): Socket => connect(number, "127.0.0.1"))
      slow.forEach((socket, index) => {
        socket.on("error", () => undefined)
        socket.write(index % 2 === 0 ? "GET /resilience/sta" : `${head("Content-Length: 1000")}{"service":`)
      })
      const drip = setInterval(() => slow.forEach((socket) => void socket.write("x")), 20)
      for (let request = 0; request < 20; request++) {
        const [duration, { status }] = yield* Effect.timed(ask("GET", "/resilience/status"))
        expect(status).toBe(200)
        expect(Duration.toMillis(duration)).toBeLessThan(2_000)
      }
      clearInterval(drip)
      slow.forEach((socket) => void socket.destroy())
    }).pipe(Effect.provide(served({ token })))
  )
})
