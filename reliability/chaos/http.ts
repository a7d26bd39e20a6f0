/**
 * An HTTP server to attack, and the client of Node.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Context, Effect, Layer, type Scope } from "effect"
import { HttpClient } from "effect/http"
import { ResilientHttpClient } from "effect-resilience/http"
import { connect, type Socket } from "node:net"
import * as Program from "../support/program.ts"
import type { Fault, Target } from "./target.ts"
import type { Behaviour, Handlers } from "./upstream.ts"

/** The clients that there are. */
export const clients = {
  "node:http": NodeHttpClient.layerNodeHttp,
  undici: NodeHttpClient.layerUndici
} as const

/** The name of one. */
export type ClientName = keyof typeof clients

type Server = Program.Program<Handlers>

/** The server that listens now, and where. */
interface Current {
  readonly port: number
  server: Server
}

const program = new URL("./upstream.ts", import.meta.url)

const start = (current: Current, backlog?: number) =>
  Effect.promise(async () => {
    const { port } = current
    current.server = Program.start<Handlers>(program)
    await current.server.ask("listen", backlog === undefined ? { port } : { port, backlog })
  })

const kill = (current: Current) => Effect.promise(() => current.server.kill())

const misbehaves =
  (behaviour: Behaviour) =>
  ({ server }: Current): Fault => ({
    begin: Effect.promise(() => server.ask("behave", behaviour)),
    end: Effect.promise(() => server.ask("behave", "answers"))
  })

/** More than a system keeps for a server that listens with a backlog of one, and never accepts. */
const QUEUE = 4

const dial = (port: number): ReadonlyArray<Socket> =>
  Array.from({ length: QUEUE }, () => connect(port, "127.0.0.1").on("error", () => {}))

const acceptQueue = (current: Current): Fault => {
  let waiting: ReadonlyArray<Socket> = []
  return {
    begin: Effect.gen(function* () {
      yield* kill(current)
      yield* start(current, 1)
      current.server.freeze()
      waiting = dial(current.port)
    }),
    end: Effect.gen(function* () {
      for (const socket of waiting) socket.destroy()
      yield* kill(current)
      yield* start(current)
    }),
    isReal: () => waiting.some(({ connecting }) => connecting)
  }
}

const faults: Readonly<Record<string, (current: Current) => Fault>> = {
  "a server that is killed and started again": (current) => ({ begin: kill(current), end: start(current) }),
  "a server that is frozen": ({ server }) => ({
    begin: Effect.sync(() => server.freeze()),
    end: Effect.sync(() => server.thaw())
  }),
  "a server that refuses connections": ({ port, server }) => ({
    begin: Effect.promise(() => server.ask("close")),
    end: Effect.promise(() => server.ask("listen", { port }))
  }),
  "a server whose accept queue is full": acceptQueue,
  "a server that is slow": misbehaves("is slow"),
  "a server that reads and never answers": misbehaves("reads and never answers"),
  "a server that closes its half without an answer": misbehaves("closes its half without an answer"),
  "a server that resets in the middle of the body": misbehaves("resets in the middle of the body"),
  "a server that stops in the middle of the body": misbehaves("stops in the middle of the body")
}

/** All faults by name. */
export const names: ReadonlyArray<string> = Object.keys(faults)

/** Starts the server; it ends with the scope. */
export const make = (client: ClientName): Effect.Effect<Target, never, Scope.Scope> =>
  Effect.gen(function* () {
    const server = Program.start<Handlers>(program)
    const current = { server, port: 0 }
    yield* Effect.addFinalizer(() => kill(current))
    current.port = yield* Effect.promise(() => server.ask("listen", { port: 0 }))
    return {
      service: "upstream",
      connect: Effect.gen(function* () {
        const context = yield* Layer.build(clients[client])
        const guarded = ResilientHttpClient.protect(Context.get(context, HttpClient.HttpClient), {
          service: "upstream",
          buffer: true
        })
        return Effect.flatMap(guarded.get(`http://127.0.0.1:${current.port}/`), (response) => response.text)
      }),
      requests: Effect.promise(() => current.server.ask("requests")),
      connections: Effect.promise(() => current.server.ask("connections")),
      faults: names,
      fault: (name) => faults[name]!(current)
    }
  })
