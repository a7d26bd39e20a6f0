/**
 * A real server on a free port, with a log that can be read.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Cause, Context, Effect, Layer, Logger, References, type Scope } from "effect"
import { HttpRouter, HttpServer } from "effect/http"
import { createServer } from "node:http"

/** A line of the log. */
export interface Line {
  readonly level: string
  readonly text: string
  /** The cause, as a developer would read it. */
  readonly cause: string
  readonly annotations: Readonly<Record<string, unknown>>
}

/** A log that remembers everything, down to the level Debug. */
export const makeLog = () => {
  const lines: Array<Line> = []
  const logger = Logger.make(({ cause, fiber, logLevel, message }) => {
    const parts = [message].flat()
    lines.push({
      level: logLevel,
      text: parts.filter((part) => !Cause.isCause(part)).join(" "),
      cause: [cause, ...parts.filter(Cause.isCause)].map((cause) => Cause.pretty(cause)).join(""),
      annotations: fiber.getRef(References.CurrentLogAnnotations)
    })
  })
  return { lines, layer: Layer.merge(Logger.layer([logger]), Layer.succeed(References.MinimumLogLevel, "Debug")) }
}

/** What can be on a router. Errors of routes are part of it: somebody has to answer for them. */
export type Routes = Layer.Layer<
  never,
  never,
  HttpRouter.HttpRouter | HttpRouter.Request<"Error", unknown> | Layer.Success<typeof NodeHttpServer.layerHttpServices>
>

/** The address of a server that runs as long as its scope. */
export const serve = (
  app: Routes,
  log: Layer.Layer<never> = makeLog().layer
): Effect.Effect<string, never, Scope.Scope> =>
  HttpRouter.serve(app, { disableListenLog: true }).pipe(
    Layer.provideMerge(NodeHttpServer.layer(() => createServer(), { port: 0, host: "127.0.0.1" })),
    Layer.provideMerge(log),
    Layer.build,
    Effect.map((context) => {
      const { address } = Context.get(context, HttpServer.HttpServer)
      return "port" in address ? `http://127.0.0.1:${address.port}` : ""
    }),
    Effect.orDie
  )

/** A response, read. */
export interface Got {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/** Asks as a browser would. */
export const get = (url: string, init?: RequestInit): Effect.Effect<Got> =>
  Effect.promise(async () => {
    const response = await fetch(url, init)
    return { status: response.status, headers: response.headers, text: await response.text() }
  })

/** The member `error` of a body. */
export const errorOf = ({ text }: Got): Readonly<Record<string, unknown>> => {
  const body: { readonly error: Readonly<Record<string, unknown>> } = JSON.parse(text)
  return body.error
}
