/**
 * The gateway, in a process of its own: it asks the upstream over two routes that differ in one line.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Clock, Effect, Layer, ManagedRuntime } from "effect"
import { type HttpClient, HttpRouter, HttpServer, HttpServerResponse } from "effect/http"
import { Policy, Resilience, type ResilienceConfig } from "effect-resilience"
import { ResilientHttpClient } from "effect-resilience/http"
import { createServer } from "node:http"
import { endingOf } from "../support/endings.ts"
import * as Heap from "../support/heap.ts"
import * as Program from "../support/program.ts"

type Patterns = NonNullable<ResilienceConfig.ConfigInput["services"]>[string]

/** Whom it asks, and how it is protected. */
export interface Settings {
  readonly upstream: string
  readonly patterns: Patterns
}

/** Every policy by its kind: the numbers of its snapshot. */
export type Totals = Readonly<Record<string, Readonly<Record<string, number>>>>

const service = "upstream"
const { patterns, upstream } = Program.settings<Settings>()

/** Each route has connections of its own. */
const makeClient = Effect.gen(function* () {
  const dispatcher = yield* NodeHttpClient.makeDispatcher
  return yield* Effect.provideService(NodeHttpClient.makeUndici, NodeHttpClient.Dispatcher, dispatcher)
})

const route = <E, R>(path: "/bare" | "/protected", client: HttpClient.HttpClient.With<E, R>) =>
  HttpRouter.add(
    "GET",
    path,
    client.get(`${upstream}${path}`).pipe(
      Effect.flatMap((response) => response.text),
      Effect.map((text) => HttpServerResponse.text(text)),
      Effect.catchCause((cause) =>
        Effect.map(Effect.exit(Effect.failCause(cause)), (exit) => {
          const ending = endingOf(exit)
          return HttpServerResponse.text(ending, { status: 503, headers: { "x-ending": ending } })
        })
      )
    )
  )

const Routes = Layer.unwrap(
  Effect.gen(function* () {
    const bare = yield* makeClient
    const guarded = ResilientHttpClient.protect(yield* makeClient, { service, buffer: true })
    return Layer.mergeAll(route("/bare", bare), route("/protected", guarded))
  })
)

const runtime = ManagedRuntime.make(
  HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true }).pipe(
    Layer.provideMerge(
      NodeHttpServer.layer(() => createServer({ keepAliveTimeout: 600_000 }), { port: 0, host: "127.0.0.1" })
    ),
    Layer.provideMerge(Resilience.layer({ services: { [service]: patterns } }))
  )
)

const numbersOf = (snapshot: object): Readonly<Record<string, number>> =>
  Object.fromEntries(Object.entries(snapshot).filter(([, value]) => typeof value === "number"))

const totals = Effect.gen(function* () {
  const registry = yield* Policy.ResilienceRegistry
  const now = Policy.monotonicMillisOf(yield* Clock.Clock)
  return Object.fromEntries(registry.instances().map((one) => [one.kind, numbersOf(one.snapshot(now))]))
})

const handlers = {
  url: () => runtime.runPromise(Effect.map(HttpServer.HttpServer, ({ address }) => HttpServer.formatAddress(address))),
  totals: (): Promise<Totals> => runtime.runPromise(totals),
  heapBytes: () => Heap.usedBytes()
}

/** What it answers. */
export type Handlers = typeof handlers

Program.answer(handlers)
