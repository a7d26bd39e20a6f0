/**
 * Operating a service from outside: an operator looks at the status, isolates a circuit while the dependency is maintained,
 * and follows what happens.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Console, Effect, Fiber, Layer, Redacted, Stream } from "effect"
import { FetchHttpClient, HttpServer } from "effect/http"
import { Resilience } from "effect-resilience"
import { Admin, Api } from "effect-resilience/admin"
import { createServer } from "node:http"

const token = Redacted.make("read it from the environment: Config.Redacted")

const ask = Effect.succeed("an answer").pipe(
  Resilience.protect("llm", { fallback: () => Effect.succeed("not now, please") })
)

const operator = Effect.gen(function* () {
  const { address } = yield* HttpServer.HttpServer
  const admin = yield* Api.client({ baseUrl: HttpServer.formatAddress(address), token })

  const events = yield* admin.events({ query: { replay: false } })
  const following = yield* events.pipe(
    Stream.take(4),
    Stream.runForEach(({ attributes, tag }) => Console.log(`  event: ${tag} ${JSON.stringify(attributes)}`)),
    Effect.forkChild
  )

  for (const { description, pattern } of yield* admin.status()) yield* Console.log(`${pattern}: ${description}`)
  yield* Console.log(yield* ask)

  const circuit = { service: "llm", pattern: "circuit-breaker", by: "anna" }
  yield* admin.command({ payload: { ...circuit, command: "isolate", parameters: { reason: "maintenance" } } })
  yield* Console.log(yield* ask)
  yield* admin.command({ payload: { ...circuit, command: "release" } })
  yield* Console.log(yield* ask)
  yield* Fiber.join(following)

  const misspelt = admin.command({ payload: { ...circuit, command: "isolte" } })
  yield* Console.log((yield* Effect.flip(misspelt))._tag)
})

const AdminLive = Admin.serve({ token }).pipe(
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
  Layer.provideMerge(Resilience.layer({ services: { llm: { retry: false } } }))
)

await Effect.runPromise(operator.pipe(Effect.provide([AdminLive, FetchHttpClient.layer])))
