/**
 * An application with an admin API, for tests that need one in a process of its own. It prints where it listens, and does
 * what it reads from its standard input: a line "fail" is a call that fails.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import * as NodeRuntime from "@effect/platform-node/NodeRuntime"
import { Console, Effect, Layer, Redacted, Stream } from "effect"
import { HttpServer } from "effect/http"
import { Resilience } from "effect-resilience"
import { Admin } from "effect-resilience/admin"
import { createServer } from "node:http"
import { createInterface } from "node:readline"

const fail = Effect.fail("down").pipe(Resilience.protect("llm"), Effect.ignore)

const calls = Stream.fromAsyncIterable(createInterface(process.stdin), String).pipe(Stream.runForEach(() => fail))

const Application = Layer.effectDiscard(
  Effect.gen(function* () {
    const { address } = yield* HttpServer.HttpServer
    yield* Console.log(HttpServer.formatAddress(address))
    yield* Effect.forkScoped(calls)
  })
).pipe(
  Layer.provide(Admin.serve({ token: Redacted.make("a secret") })),
  Layer.provide(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" })),
  Layer.provide(
    Resilience.layer({
      services: {
        llm: { circuitBreaker: { consecutiveFailures: 2 }, retry: { maxAttempts: 1 } },
        "payment-api": {}
      }
    })
  )
)

NodeRuntime.runMain(Layer.launch(Application))
