import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Layer, Option } from "effect"
import { HttpClient, HttpClientResponse, HttpEffect, HttpRouter, HttpServerResponse } from "effect/http"
import { ErrorResponse, RequestDeadline, ResilientHttpClient } from "../../src/http/index.ts"
import { Deadline, Resilience } from "../../src/index.ts"

describe("RequestDeadline", () => {
  it.live("guards all routes of a router", () =>
    Effect.gen(function* () {
      const routes = HttpRouter.add(
        "GET",
        "/slow",
        Effect.as(Effect.sleep("10 seconds"), HttpServerResponse.text("late"))
      )
      const deadlines = HttpRouter.middleware(RequestDeadline.middleware(), { global: true })
      const { handler } = HttpRouter.toWebHandler(Layer.mergeAll(routes, deadlines), { disableLogger: true })
      const headers = { "x-request-timeout-ms": "20" }
      const response = yield* Effect.promise(() => handler(new Request("http://localhost/slow", { headers })))
      expect(response.status).toBe(500)
    })
  )

  it.live("is answered with 504 by ErrorResponse, which is named before it", () =>
    Effect.gen(function* () {
      const routes = HttpRouter.add("GET", "/slow", Effect.never)
      const deadlines = HttpRouter.middleware(RequestDeadline.middleware(), { global: true })
      const app = Layer.mergeAll(routes, ErrorResponse.layer, deadlines)
      const { handler } = HttpRouter.toWebHandler(app, { disableLogger: true })
      const headers = { "x-request-timeout-ms": "20" }
      const response = yield* Effect.promise(() => handler(new Request("http://localhost/slow", { headers })))
      expect(response.status).toBe(504)
    })
  )

  it.live("what a client has left is what a server gets, and passes on", () =>
    Effect.gen(function* () {
      /** Sends a request to a handler in the same process. */
      const clientOf = (handler: (request: Request) => Promise<Response>) =>
        HttpClient.make((request, url) =>
          Effect.map(
            Effect.promise(() => handler(new Request(url, { headers: request.headers }))),
            (response) => HttpClientResponse.fromWeb(request, response)
          )
        ).pipe(ResilientHttpClient.protect())
      const layer = Resilience.layer({ services: { http: { timeout: "1 minute" } } })

      const last = HttpEffect.toWebHandler(
        Deadline.remaining.pipe(
          Effect.map((left) => HttpServerResponse.text(String(Option.getOrThrow(Option.map(left, Duration.toMillis))))),
          RequestDeadline.middleware()
        )
      )
      const first = HttpEffect.toWebHandler(
        Effect.sleep("100 millis").pipe(
          Effect.andThen(clientOf(last).get("http://last.example.com/")),
          Effect.flatMap((response) => response.text),
          Effect.map((text) => HttpServerResponse.text(text)),
          RequestDeadline.middleware(),
          Effect.provide(layer)
        )
      )
      const left = yield* clientOf(first)
        .get("http://first.example.com/")
        .pipe(
          Effect.flatMap((response) => response.text),
          Deadline.withDeadline("5 seconds"),
          Effect.provide(layer)
        )
      expect(Number(left)).toBeGreaterThan(1_000)
      expect(Number(left)).toBeLessThanOrEqual(4_901)
    })
  )
})
