/**
 * The admin API on a real port, and requests that no well-behaved client would make.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Effect, Layer, Logger, Redacted } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { createServer, request } from "node:http"
import { Admin } from "../../../src/admin/index.ts"
import { Resilience } from "../../../src/index.ts"

export const token = Redacted.make("open sesame")

const Node = NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })

const around = <E>(server: Layer.Layer<never, E, HttpServer.HttpServer | Layer.Success<typeof Registry>>) =>
  server.pipe(
    Layer.provideMerge(Node),
    Layer.provideMerge(Registry),
    Layer.provideMerge(FetchHttpClient.layer),
    Layer.provide(Logger.layer([]))
  )

const Registry = Resilience.layer({ services: { llm: {} } })

/** On a port of its own. */
export const served = (options: Admin.Options = {}) => around(Admin.serve(options))

/** In the server of an application, with other layers of it. */
export const mounted = (
  options: Admin.Options = {},
  others: Layer.Layer<never, never, HttpRouter.HttpRouter> = Layer.empty
) =>
  around(HttpRouter.serve(Layer.merge(Admin.routes(options), others), { disableLogger: true, disableListenLog: true }))

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

export const port: Effect.Effect<number, never, HttpServer.HttpServer> = HttpServer.HttpServer.useSync(({ address }) =>
  "port" in address ? address.port : 0
)

/** A request, byte for byte; a body in several parts is sent without its length. */
export const ask = (
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  ...body: ReadonlyArray<string>
) =>
  Effect.flatMap(port, (port) =>
    Effect.promise(
      () =>
        new Promise<Answer>((resolve, reject) => {
          const length = body.length === 1 ? { "content-length": String(Buffer.byteLength(body[0] ?? "")) } : {}
          const outgoing = request({ port, host: "127.0.0.1", method, path, headers: { ...length, ...headers } })
          outgoing.on("error", reject)
          outgoing.on("response", (response) => {
            let text = ""
            response.setEncoding("utf8")
            response.on("data", (chunk) => (text += chunk))
            response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers, text }))
          })
          for (const part of body) outgoing.write(part)
          outgoing.end()
        })
    )
  )

/** The body of an answer, with its status. */
export const json = ({ status, text }: Answer): unknown => ({ status, ...JSON.parse(text) })

/** A command, as an operator's tool would send it unless told otherwise. */
export const post = (body: unknown, headers: Readonly<Record<string, string>> = {}) =>
  ask(
    "POST",
    "/resilience/commands",
    { "content-type": "application/json", authorization: `Bearer ${Redacted.value(token)}`, ...headers },
    typeof body === "string" ? body : JSON.stringify(body)
  )
