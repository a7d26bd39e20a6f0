/**
 * Authorization that fails safe: checks by OpenFGA with tokens from Keycloak, while both are well, when all tokens are
 * forgotten, and while OpenFGA is down.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Layer, Redacted } from "effect"
import { Resilience } from "effect-resilience"
import { Logs } from "effect-resilience/telemetry"
import { Keycloak } from "./authorization/keycloak.ts"
import { OpenFga } from "./authorization/openfga.ts"
import * as Servers from "./authorization/servers.ts"

const program = Effect.gen(function* () {
  const servers = yield* Servers.start
  const { url } = servers

  const App = OpenFga.layer({ url, store: Servers.store }).pipe(
    Layer.provide(
      Keycloak.layer({ url, realm: Servers.realm, clientId: "app", clientSecret: Redacted.make("secret") })
    ),
    Layer.provide(NodeHttpClient.layerUndici),
    Layer.provideMerge(Logs.layer()),
    Layer.provideMerge(
      Resilience.layer({
        services: { openfga: { retry: { baseDelay: "20 millis" }, timeout: "200 millis" }, keycloak: {} }
      })
    )
  )

  yield* Effect.gen(function* () {
    const openFga = yield* OpenFga
    const may = (user: string, relation: string) => ({ user, relation, object: "document:budget" })

    yield* Console.log("anne may write:", yield* openFga.check(may("user:anne", "writer")))
    yield* Console.log("bob may read:", yield* openFga.check(may("user:bob", "reader")))

    servers.forgetTokens()
    yield* Console.log("anne may read, with a fresh token:", yield* openFga.check(may("user:anne", "reader")))

    servers.mood = "failing"
    yield* Console.log("nobody can be asked, so she may not write:", yield* openFga.check(may("user:anne", "writer")))
    const reading = openFga.check(may("user:anne", "reader"), { critical: false })
    yield* Console.log("but she may read:", yield* reading)

    servers.mood = "well"
    const mistake = yield* Effect.flip(openFga.check(may("user:anne", "owner"), { critical: false }))
    yield* Console.log("a wrong question opens no door:", mistake._tag)
  }).pipe(Effect.provide(App))
})

await Effect.runPromise(Effect.scoped(program))
