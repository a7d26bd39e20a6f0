import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Option } from "effect"
import { HttpClient, HttpClientResponse, HttpEffect, HttpServerResponse } from "effect/http"
import { RequestDeadline, ResilientHttpClient } from "../../src/http/index.ts"
import { Deadline, Resilience } from "../../src/index.ts"

describe("RequestDeadline", () => {
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
