/**
 * The time that a client gives a server, read by the server.
 *
 * **Details**
 *
 * A server that works on after its caller has gone away works for nobody. This middleware runs the handler under the deadline
 * that the request names in milliseconds, as `ResilientHttpClient` sends it. Every policy inside obeys it, and calls of
 * further servers pass on what is left.
 *
 * It fits wherever Effect takes middleware: `HttpServer.serve(app, RequestDeadline.middleware())`, or for all routes
 * `HttpRouter.middleware(RequestDeadline.middleware(), { global: true })`. An error that nobody handles is answered with 500:
 * `ErrorResponse.layer` answers with 504, if it is named before that layer, for what is named first stands outside.
 *
 * The header is advice. What is not a whole number of milliseconds, `maximum` aside, is no limit, and never a reason to
 * refuse a request.
 *
 * **Example** (A handler that takes too long)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { HttpEffect, HttpServerResponse } from "effect/http"
 * import { RequestDeadline } from "effect-resilience/http"
 *
 * const handler = Effect.succeed(HttpServerResponse.text("an answer")).pipe(
 *   Effect.delay("1 minute"),
 *   RequestDeadline.middleware({ maximum: "30 seconds" }),
 *   Effect.catchTag("TimeoutExceededError", () => Effect.succeed(HttpServerResponse.empty({ status: 504 })))
 * )
 *
 * const request = new Request("http://localhost/", { headers: { "x-request-timeout-ms": "20" } })
 * const response = await HttpEffect.toWebHandler(handler)(request)
 *
 * response.status // => 504
 * ```
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { HttpServerRequest } from "effect/http/HttpServerRequest"
import type { HttpServerResponse } from "effect/http/HttpServerResponse"
import * as Deadline from "../policy/Deadline.ts"
import { TIMEOUT } from "./internal/headers.ts"

/** What a middleware reads, and how much it grants. */
export interface Options {
  /** Default "x-request-timeout-ms". */
  readonly header?: string | undefined
  /** The most time that a request gets, whether or not it asks for any; by default there is no such limit. */
  readonly maximum?: Duration.Input | undefined
}

/** Runs a handler under the deadline of its request. When it passes, the handler fails with a `TimeoutExceededError`. */
export const middleware = ({ header = TIMEOUT, maximum = Duration.infinity }: Options = {}): (<E, R>(
  self: Effect.Effect<HttpServerResponse, E, R>
) => Effect.Effect<HttpServerResponse, E | Deadline.TimeoutExceededError, R | HttpServerRequest>) => {
  const mostMillis = Duration.toMillis(Duration.fromInputUnsafe(maximum))
  if (!(mostMillis > 0)) throw new Error("RequestDeadline.middleware: maximum: expected a positive duration")
  const name = header.toLowerCase()
  return (self) =>
    Effect.flatMap(HttpServerRequest, ({ headers }) => {
      const millis = Math.min(parse(headers[name]), mostMillis)
      return millis === Infinity ? self : Deadline.withDeadline(self, millis)
    })
}

const parse = (value: string | undefined): number =>
  value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : Infinity
