/**
 * Status, events and commands over HTTP, for operators and their tools.
 *
 * **Details**
 *
 * By default it answers this machine only, and nobody can change anything. Whoever has the `token` can give commands. It
 * serves nothing to other sites: a browser that is on this machine cannot be made to ask for them.
 *
 * **Gotchas**
 *
 * A reverse proxy on this machine makes every request look like one of this machine. Do not let it pass on "/resilience", or
 * set `protectReads`.
 *
 * **Example** (Routes of the application's own server)
 *
 * ```ts import.meta.vitest
 * import { Config, Effect, Layer, Redacted } from "effect"
 * import { HttpRouter } from "effect/http"
 * import { Resilience } from "effect-resilience"
 * import { Admin } from "effect-resilience/admin"
 *
 * const Routes = Layer.mergeAll(
 *   HttpRouter.add("GET", "/", Effect.die("the application")),
 *   Admin.routes({ token: Redacted.make("a secret") })
 * ).pipe(Layer.provide(Resilience.layer({ services: { llm: {} } })))
 *
 * Layer.isLayer(Routes) // => true
 *
 * // on a port of its own, with the token from the environment; the server is Node's:
 * // import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
 * // Layer.provide(NodeHttpServer.layer(createServer, { port: 9090, host: "127.0.0.1" }))
 * Layer.isLayer(Admin.serve({ token: Config.Redacted("RESILIENCE_ADMIN_TOKEN") })) // => true
 * ```
 */
import type * as Config from "effect/Config"
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServer from "effect/http/HttpServer"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as Layer from "effect/Layer"
import type * as Redacted from "effect/Redacted"
import type * as Policy from "../policy/Policy.ts"
import { Api } from "./Api.ts"
import * as Elsewhere from "./internal/elsewhere.ts"
import * as EventStreams from "./internal/EventStreams.ts"
import * as Guard from "./internal/Guard.ts"
import * as Handlers from "./internal/handlers.ts"
import * as Middleware from "./internal/middleware.ts"
import * as Settings from "./internal/Settings.ts"

/** What the API can be told; everything has a default. */
export interface Options extends Readonly<typeof Settings.Options.Encoded> {
  /** Lets those who know it give commands. Without one, the API is read-only. */
  readonly token?: Redacted.Redacted | undefined
}

/** What the API can be told, with a token that is read when it starts. */
export interface ConfiguredOptions extends Omit<Options, "token"> {
  readonly token: Config.Config<Redacted.Redacted | undefined>
}

/** What the API needs of its surroundings. */
type Around = HttpRouter.HttpRouter | Policy.ResilienceRegistry

/**
 * The API as routes of the application's own server, below "/resilience".
 *
 * **Gotchas**
 *
 * An open stream of events is an open request, and a server waits for those before it stops. See {@link endingStreams}.
 */
export const routes: {
  (options?: Options): Layer.Layer<never, never, Around>
  (options: ConfiguredOptions): Layer.Layer<never, Config.ConfigError, Around>
} = (options: Options | ConfiguredOptions = {}): Layer.Layer<never, never, Around> =>
  Layer.unwrap(
    Effect.gen(function* () {
      const settings = yield* Settings.resolve(options)
      const streams = yield* EventStreams.current
      const api = HttpApiBuilder.layer(Api, { openapiPath: Elsewhere.DOCUMENT }).pipe(
        Layer.provide(Handlers.layer(settings, streams)),
        Layer.provide([Middleware.requests, Middleware.operators(settings), HttpServer.layerServices])
      )
      return Layer.provide(Layer.merge(api, Elsewhere.layer), Guard.make(settings).layer)
    })
  ) as Layer.Layer<never, never, Around>

/**
 * The API on a port of its own, that of the `HttpServer` around. Let that listen on "127.0.0.1": other machines are refused
 * anyway, unless `hosts` names the API for them.
 */
export const serve: {
  (options?: Options): Layer.Layer<never, never, HttpServer.HttpServer | Policy.ResilienceRegistry>
  (
    options: ConfiguredOptions
  ): Layer.Layer<never, Config.ConfigError, HttpServer.HttpServer | Policy.ResilienceRegistry>
} = (options: Options | ConfiguredOptions = {}) =>
  endingStreams(HttpRouter.serve(routes(options as Options), { disableLogger: true }))

/**
 * Ends the open streams of events before the server that {@link routes} are in stops, so that it need not wait for them.
 *
 * **Example** (A server that stops at once)
 *
 * ```ts import.meta.vitest
 * import { Layer } from "effect"
 * import { HttpRouter } from "effect/http"
 * import { Admin } from "effect-resilience/admin"
 *
 * const Server = HttpRouter.serve(Admin.routes()).pipe(Admin.endingStreams)
 *
 * Layer.isLayer(Server) // => true
 * ```
 */
export const endingStreams = <A, E, R>(server: Layer.Layer<A, E, R>): Layer.Layer<A, E, R> =>
  Layer.suspend(() => {
    const streams = EventStreams.makeUnsafe()
    // What is built after the server ends before it.
    return Layer.effectDiscard(Effect.addFinalizer(() => EventStreams.close(streams))).pipe(
      Layer.provideMerge(Layer.provide(server, Layer.succeed(EventStreams.Current, streams)))
    )
  })
