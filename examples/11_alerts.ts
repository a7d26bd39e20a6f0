/**
 * Tell people when a circuit opens and closes: an alert channel of one's own is one small adapter.
 *
 * The channel posts JSON to any webhook. For Slack there is `SlackAlerts.layer`, which reads `SLACK_WEBHOOK_URL`.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Config, ConfigProvider, Console, Effect, Layer, Redacted } from "effect"
import { HttpClient, HttpClientRequest } from "effect/http"
import { CircuitBreaker, Resilience } from "effect-resilience"
import { Alerts } from "effect-resilience/telemetry"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"

/** The adapter: how a group of alerts is sent. Throttling, retries and time limits are not its business. */
const WebhookChannel = Layer.effect(
  Alerts.AlertChannel,
  Effect.gen(function* () {
    const client = HttpClient.filterStatusOk(yield* HttpClient.HttpClient)
    const url = yield* Config.Redacted("ALERT_WEBHOOK_URL")
    return {
      name: "webhook",
      send: (group) =>
        HttpClientRequest.post(Redacted.value(url)).pipe(
          HttpClientRequest.bodyJsonUnsafe({ ...group, summary: Alerts.summarize(group) }),
          client.execute,
          Effect.flatMap((response) => response.text)
        )
    }
  })
)

/** Where the alerts arrive. */
const startServer = Effect.acquireRelease(
  Effect.callback<{ readonly url: string; readonly close: () => void }>((resume) => {
    const server = createServer(async (request, response) => {
      let body = ""
      for await (const chunk of request) body += String(chunk)
      console.log(`received: ${JSON.parse(body).summary}`)
      response.end()
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
  const generate = (isUp: boolean) => (isUp ? Effect.succeed("an answer") : Effect.fail("unavailable" as const))
  const call = (isUp: boolean) => generate(isUp).pipe(CircuitBreaker.withCircuitBreaker("llm"), Effect.result)

  yield* call(false)
  yield* Effect.sleep("200 millis")
  yield* call(true)
  yield* Console.log("the circuit is closed again, and the program ends")
})

const ResilienceLive = Resilience.layer({
  services: { llm: { circuitBreaker: { consecutiveFailures: 1, openDuration: "100 millis" } } }
})

await Effect.runPromise(
  Effect.gen(function* () {
    const { url } = yield* startServer
    const ConfigLive = ConfigProvider.layer(ConfigProvider.fromUnknown({ ALERT_WEBHOOK_URL: url }))
    const AlertsLive = Alerts.layer().pipe(
      Layer.provide(WebhookChannel),
      Layer.provide([ConfigLive, NodeHttpClient.layerUndici]),
      Layer.provideMerge(ResilienceLive)
    )
    yield* Effect.provide(program, AlertsLive)
  }).pipe(Effect.scoped)
)
