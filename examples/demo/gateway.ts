/**
 * The gateway: the service under test. It asks the provider over two routes, once as it is and once protected, and
 * serves `/metrics` and, to operators, `/resilience`. The two routes differ in one line.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Config, Context, Data, Effect, Layer, Option } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest, HttpServerResponse } from "effect/http"
import { Admin } from "effect-resilience/admin"
import { Metrics } from "effect-resilience/telemetry"
import { createServer } from "node:http"
import { protect } from "./protection.ts"
import { makeProvider } from "./provider-client.ts"

const question = Effect.map(HttpServerRequest.ParsedSearchParams, (search) => String(search["question"] ?? "Hello?"))

const Unprotected = (upstreamUrl: string) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const provider = yield* makeProvider(upstreamUrl, "unprotected")
      yield* router.add(
        "GET",
        "/unprotected",
        question.pipe(
          Effect.flatMap((question) => provider.ask(question)),
          Effect.map((text) => HttpServerResponse.text(`${text}\n`)),
          Effect.orElseSucceed(() => HttpServerResponse.text("The provider did not answer.\n", { status: 502 }))
        )
      )
    })
  )

const Protected = (upstreamUrl: string) =>
  HttpRouter.use(
    Effect.fnUntraced(function* (router) {
      const provider = yield* makeProvider(upstreamUrl, "protected")
      yield* router.add(
        "GET",
        "/protected",
        question.pipe(
          Effect.flatMap((question) => protect(question, provider.ask(question))),
          Effect.map((given) =>
            HttpServerResponse.text(`${given.text}\n`, { headers: { "x-answered-by": given.answeredBy } })
          )
        )
      )
    })
  )

/** For `npm run cli -- watch --url <address>`; commands need the token that is in the environment. */
const Operators = Admin.routes({
  token: Config.map(Config.option(Config.Redacted("RESILIENCE_ADMIN_TOKEN")), Option.getOrUndefined)
}).pipe(Layer.orDie)

/** The gateway cannot listen. */
export class ListenError extends Data.TaggedError("ListenError")<{ readonly port: number; readonly cause: unknown }> {
  override get message(): string {
    return isInUse(this.cause)
      ? `The port ${this.port} is in use: --port needs another one, or 0 for any that is free.`
      : `The gateway cannot listen at port ${this.port}: ${String(this.cause)}`
  }
}

const isInUse = (cause: unknown): boolean => cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE"

/** Listens until the scope closes, and returns its address. */
export const start = Effect.fnUntraced(function* (upstreamUrl: string, port: number) {
  const Routes = Layer.mergeAll(Unprotected(upstreamUrl), Protected(upstreamUrl), Metrics.layerHttp(), Operators)
  const server = yield* Layer.build(
    HttpRouter.serve(Routes, { disableLogger: true, disableListenLog: true }).pipe(
      Admin.endingStreams,
      Layer.provideMerge(
        // Idle connections stay usable: closing them would add failures that are not in the script.
        NodeHttpServer.layer(() => createServer({ keepAliveTimeout: 600_000 }), {
          port,
          host: "127.0.0.1",
          gracefulShutdownTimeout: "500 millis"
        })
      )
    )
  ).pipe(Effect.mapError(({ cause }) => new ListenError({ port, cause })))
  return HttpServer.formatAddress(Context.get(server, HttpServer.HttpServer).address)
})
