/**
 * The full pipeline around a flaky HTTP call: a real server that is slow, refuses, and hangs, and a client that gets its
 * answer.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import { Resilience } from "effect-resilience"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** Refuses the first call and tells when to come back, hangs at the second, and answers the third. */
const startServer = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
    let calls = 0
    const server = createServer((_, response) => {
      calls++
      if (calls === 1) response.writeHead(503, { "retry-after": "0.05" }).end("not now")
      else if (calls > 2) response.end("the answer of the server")
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

const program = Effect.gen(function* () {
  const { url } = yield* startServer
  const client = yield* HttpClient.HttpClient

  const get = client.get(url).pipe(
    Effect.flatMap(HttpClientResponse.filterStatusOk),
    Effect.flatMap((response) => response.text)
  )

  const answer = yield* get.pipe(
    Resilience.protect("http", { fallback: (error) => Effect.succeed(`no answer: ${error._tag}`) })
  )
  yield* Console.log(answer)
})

const ResilienceLive = Resilience.layer({
  services: { http: { deadline: "5 seconds", timeout: "200 millis", retry: { baseDelay: "20 millis" } } }
})

await Effect.runPromise(
  program.pipe(Effect.scoped, Effect.provide(ResilienceLive), Effect.provide(NodeHttpClient.layerUndici))
)
