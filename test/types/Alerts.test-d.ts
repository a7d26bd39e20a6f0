import { Config, Effect, Layer, Redacted } from "effect"
import type { HttpClient } from "effect/http"
import { describe, expectTypeOf, it } from "vitest"
import type { Policy } from "../../src/index.ts"
import { Alerts, SlackAlerts } from "../../src/telemetry/index.ts"

describe("alerts", () => {
  it("need a channel and a registry, and cannot fail", () => {
    expectTypeOf(Alerts.layer()).toEqualTypeOf<
      Layer.Layer<never, never, Alerts.AlertChannel | Policy.ResilienceRegistry>
    >()
  })

  it("of Slack need a client, a registry and a right configuration", () => {
    type Slack = Layer.Layer<never, Config.ConfigError, HttpClient.HttpClient | Policy.ResilienceRegistry>
    expectTypeOf(SlackAlerts.layer).toEqualTypeOf<Slack>()
    expectTypeOf(SlackAlerts.layerWith({ url: Redacted.make(""), throttle: "1 second" })).toEqualTypeOf<Slack>()
    expectTypeOf(SlackAlerts.layerWith({ url: Config.Redacted("URL") })).toEqualTypeOf<Slack>()
    expectTypeOf(SlackAlerts.channel).toEqualTypeOf<
      Layer.Layer<Alerts.AlertChannel, Config.ConfigError, HttpClient.HttpClient>
    >()
  })

  it("take no URL that is not redacted", () => {
    // @ts-expect-error -- a plain text could be logged
    SlackAlerts.layerWith({ url: "https://hooks.example.com" })
  })

  it("of each kind have what is special about it", () => {
    const text = (alert: Alerts.Alert) => (alert.kind === "closed" ? alert.outage : alert.at)
    expectTypeOf(text).parameter(0).toEqualTypeOf<Alerts.Alert>()
    // @ts-expect-error -- only a closed circuit has an outage
    const outage = (alert: Alerts.Alert) => alert.outage
    expectTypeOf(outage).toBeFunction()
  })

  it("can be sent in ways that fail with anything", () => {
    const send = (group: Alerts.AlertGroup) => Effect.fail(new Error(group.service))
    expectTypeOf(Layer.succeed(Alerts.AlertChannel, { name: "mine", send })).toEqualTypeOf<
      Layer.Layer<Alerts.AlertChannel>
    >()
  })
})
