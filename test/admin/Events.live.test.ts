import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Logger, Stream } from "effect"
import { HttpRouter } from "effect/http"
import { createServer } from "node:http"
import { connect, type Socket } from "node:net"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe } from "vitest"
import { Admin, Api } from "../../src/admin/index.ts"
import { Policy, Resilience } from "../../src/index.ts"
import { ask, json, port, served } from "./support/server.ts"

const emit = (tag: string, count = 1) =>
  Effect.withFiber<void, never, Policy.ResilienceRegistry>((fiber) =>
    Policy.ResilienceRegistry.useSync((registry) => {
      for (let n = 0; n < count; n++) {
        Policy.emit(fiber, registry.observe, {
          _tag: tag,
          kind: "circuit-breaker",
          service: "llm",
          severity: "Info",
          attributes: { n, rate: NaN },
          error: new Error("a secret")
        })
      }
    })
  )

const client = Effect.flatMap(port, (port) => Api.client({ baseUrl: `http://127.0.0.1:${port}` }))

/** Opens a stream of events and reads nothing of it. */
const slowReader = Effect.map(port, (port) => {
  const socket = connect(port, "127.0.0.1")
  socket.on("error", () => {})
  socket.pause()
  socket.write("GET /resilience/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
  return socket
})

const hangUp = (sockets: ReadonlyArray<Socket>) => Effect.sync(() => sockets.forEach((socket) => socket.destroy()))

const until = <A, E, R>(effect: Effect.Effect<A, E, R>, holds: (value: A) => boolean) =>
  Effect.repeat(Effect.delay(effect, 20), { until: holds })

describe("events", () => {
  it.live("come with the last of them first, and never with their error", () =>
    Effect.gen(function* () {
      yield* emit("Before")
      const events = yield* Effect.flatMap(client, (client) => client.events({ query: {} }))
      const reading = yield* Effect.forkChild(Stream.runCollect(Stream.take(events, 2)))
      yield* emit("After")
      const told = yield* Fiber.join(reading)
      expect(told.map(({ tag }) => tag)).toEqual(["Before", "After"])
      expect(told[0]).toEqual({
        tag: "Before",
        pattern: "circuit-breaker",
        service: "llm",
        severity: "Info",
        at: expect.any(Number),
        attributes: { n: 0, rate: "NaN" }
      })
    }).pipe(Effect.provide(served()))
  )

  it.live("come without the last of them, and then with every one since the answer began", () =>
    Effect.gen(function* () {
      yield* emit("Before")
      const events = yield* Effect.flatMap(client, (client) => client.events({ query: { replay: false } }))
      yield* emit("After")
      expect((yield* Stream.runHead(events)).pipe((head) => head)).toMatchObject({ value: { tag: "After" } })
    }).pipe(Effect.provide(served()))
  )

  it.live("begin at once, and say that they are alive", () =>
    Effect.gen(function* () {
      const socket = yield* slowReader
      let text = ""
      socket.on("data", (data) => (text += data)).resume()
      yield* until(
        Effect.sync(() => text.split("\n:\n").length),
        (comments) => comments > 3
      )
      expect(text).toMatch(/^HTTP\/1.1 200 OK/)
      expect(text.toLowerCase()).toContain("content-type: text/event-stream\r\n")
      expect(text.toLowerCase()).toContain("cache-control: no-store\r\n")
      yield* hangUp([socket])
    }).pipe(Effect.provide(served({ heartbeat: "50 millis" })))
  )

  it.live("have only so many readers, and a place again when one goes", () =>
    Effect.gen(function* () {
      const head = ask("HEAD", "/resilience/events")
      expect((yield* head).status).toBe(200)
      const readers = [yield* slowReader, yield* slowReader]
      yield* until(head, ({ status }) => status === 503)
      const answer = yield* ask("GET", "/resilience/events")
      expect(json(answer)).toEqual({
        status: 503,
        _tag: "TooManyReaders",
        problem: "2 read events already, which is as many as may (maxEventReaders)"
      })
      expect(answer.headers["retry-after"]).toBe("10")
      expect((yield* ask("GET", "/resilience/status")).status).toBe(200)
      yield* hangUp(readers)
      yield* until(head, ({ status }) => status === 200)
    }).pipe(Effect.provide(served({ maxEventReaders: 2 })))
  )

  it.live(
    "do not fill the memory for 200 readers that read nothing",
    () =>
      Effect.gen(function* () {
        const full = ask("HEAD", "/resilience/events")
        const readers = yield* Effect.replicateEffect(slowReader, 200)
        yield* until(full, ({ status }) => status === 503)
        const before = memory()
        for (let n = 0; n < 100; n++) {
          yield* emit("Storm", 1_000)
          yield* Effect.sleep(1)
        }
        const after = memory()
        expect((yield* ask("GET", "/resilience/status")).status).toBe(200)
        // All events for all readers would be 4 GB.
        expect(after - before).toBeLessThan(200_000_000)
        yield* hangUp(readers)
      }).pipe(Effect.provide(served({ maxEventReaders: 200 }))),
    120_000
  )
})

setFlagsFromString("--expose-gc")
const collect: () => void = runInNewContext("gc")

const memory = (): number => {
  collect()
  const { arrayBuffers, heapUsed } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

describe("a server with open streams of events", () => {
  const Surroundings = Layer.provideMerge(
    NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }),
    Resilience.layer({ services: { llm: {} } })
  ).pipe(Layer.provideMerge(Logger.layer([])))

  const mountedIn = HttpRouter.serve(Admin.routes(), { disableLogger: true, disableListenLog: true })

  const servers = [
    ["on a port of its own", Admin.serve()],
    ["of an application", Admin.endingStreams(mountedIn)]
  ] as const

  it.live.each(servers)("stops at once, %s: readers see the end", ([, server]) =>
    Effect.gen(function* () {
      let text = ""
      const started = yield* Effect.gen(function* () {
        const socket = yield* slowReader
        socket.on("data", (data) => (text += data)).resume()
        yield* until(
          Effect.sync(() => text),
          (text) => text.includes("\n:\n")
        )
        return performance.now()
      }).pipe(Effect.provide(Layer.provideMerge(server, Surroundings)))
      expect(performance.now() - started).toBeLessThan(900)
      yield* Effect.ignore(
        until(
          Effect.sync(() => text),
          (text) => text.endsWith("\r\n0\r\n\r\n")
        ).pipe(Effect.timeout("5 seconds"))
      )
      expect(text).toMatch(/\r\n0\r\n\r\n$/)
    })
  )

  it.live.each(servers)("stops soon, %s: readers that take nothing are cut off", ([, server]) =>
    Effect.gen(function* () {
      const started = yield* Effect.gen(function* () {
        yield* slowReader
        yield* Effect.repeat(Effect.delay(emit("Storm", 1_000), 1), { times: 100 })
        return performance.now()
      }).pipe(Effect.provide(Layer.provideMerge(server, Surroundings)))
      expect(performance.now() - started).toBeLessThan(3_000)
    })
  )
})
