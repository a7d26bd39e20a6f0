/**
 * A whole HTTP client under policies, against a server that misbehaves: it is busy, breaks a connection, stops in the middle
 * of a body, and then answers. The server learns how much time the client has left.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Layer } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { Resilience } from "effect-resilience"
import { ResilientHttpClient } from "effect-resilience/http"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

const trouble: ReadonlyArray<(response: ServerResponse) => void> = [
  (response) => response.writeHead(503, { "retry-after": "0.1" }).end("busy"),
  (response) => response.destroy(),
  (response) => response.writeHead(200, { "content-length": "100" }).write("the ans")
]

const startServer = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
    let requests = 0
    const server = createServer(({ headers, method }, response) => {
      const misbehave = trouble[requests++]
      const { "x-request-timeout-ms": millis, "x-retry-attempt": attempt = "1" } = headers
      console.log(`server: ${method}, attempt ${attempt}, ${millis} ms left`)
      if (misbehave === undefined) response.end("the answer")
      else misbehave(response)
    })
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as AddressInfo
      const close = () => {
        server.closeAllConnections()
        server.close()
      }
      resume(Effect.succeed({ url: `http://127.0.0.1:${port}`, close }))
    })
  }),
  ({ close }) => Effect.sync(close)
)

/** It knows nothing about policies: it takes the client of its context. */
const ask = (url: string) => Effect.flatMap(HttpClient.get(url), (response) => response.text)

/** A payment may have been booked even though no answer came, so it is not sent again, unless the server knows it by a key. */
const pay = (url: string) =>
  HttpClientRequest.post(url).pipe(
    HttpClientRequest.setHeader("idempotency-key", "order-7"),
    HttpClientRequest.bodyJsonUnsafe({ order: 7 }),
    HttpClient.execute,
    Effect.flatMap((response) => response.text)
  )

const program = Effect.gen(function* () {
  const { url } = yield* startServer
  yield* Console.log(yield* ask(url))
  yield* Console.log(yield* pay(url))
})

const ResilienceLive = Resilience.layer({
  services: {
    http: { deadline: "5 seconds", timeout: "300 millis", retry: { maxAttempts: 5, baseDelay: "20 millis" } }
  }
})

// `buffer` reads bodies within the attempt: without it, the third answer would have hung in the hands of the caller.
const HttpLive = ResilientHttpClient.layer({ buffer: true }).pipe(
  Layer.provide([NodeHttpClient.layerUndici, ResilienceLive])
)

await Effect.runPromise(program.pipe(Effect.scoped, Effect.provide(HttpLive)))
