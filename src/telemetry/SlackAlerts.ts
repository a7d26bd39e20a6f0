/**
 * Alerts in a channel of Slack, through an incoming webhook.
 *
 * **Details**
 *
 * The URL of the webhook is a secret: it is read from `SLACK_WEBHOOK_URL` as `Redacted`, and neither the log nor a span nor
 * an error shows it. A missing or wrong one is a `ConfigError` when the layer is built. What is sent when, and what happens
 * when Slack cannot be reached, is told in `Alerts`. A rate limit of Slack (429) is respected, `Retry-After` included.
 *
 * **Example** (At start-up)
 *
 * ```ts import.meta.vitest
 * import { Config, Layer } from "effect"
 * import { FetchHttpClient } from "effect/http"
 * import { Resilience } from "effect-resilience"
 * import { SlackAlerts } from "effect-resilience/telemetry"
 *
 * const SlackLive = SlackAlerts.layer.pipe(Layer.provide(FetchHttpClient.layer))
 *
 * // The same, with another variable and less patience.
 * const OwnSlackLive = SlackAlerts.layerWith({ url: Config.Redacted("ALERTS_URL"), throttle: "10 seconds" }).pipe(
 *   Layer.provide(FetchHttpClient.layer)
 * )
 *
 * const MainLive = SlackLive.pipe(Layer.provideMerge(Resilience.layerEnv))
 * Layer.isLayer(MainLive) && Layer.isLayer(OwnSlackLive) // => true
 * ```
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import * as Redacted from "effect/Redacted"
import type * as Policy from "../policy/Policy.ts"
import * as Alerts from "./Alerts.ts"
import { render } from "./internal/slackMessage.ts"

/** The variable with the URL of the webhook. */
export const variable = "SLACK_WEBHOOK_URL"

/** Where the webhook is. */
export interface ChannelOptions {
  /** The URL, or where it is read from; by default from {@link variable}. */
  readonly url?: Redacted.Redacted | Config.Config<Redacted.Redacted> | undefined
}

/** Where the webhook is, and the settings of alerts. */
export interface Options extends ChannelOptions, Alerts.OptionsInput {}

/** Slack as a channel for `Alerts.layer`, with the webhook that the options name. */
export const channelWith = ({
  url
}: ChannelOptions): Layer.Layer<Alerts.AlertChannel, Config.ConfigError, HttpClient.HttpClient> =>
  Layer.effect(
    Alerts.AlertChannel,
    Effect.gen(function* () {
      const client = yield* HttpClient.HttpClient
      const secret = Redacted.isRedacted(url) ? url : yield* url ?? Config.Redacted(variable)
      const webhook = Redacted.value(secret).trim()
      if (!isWebUrl(webhook))
        return yield* Effect.fail(invalid(url === undefined ? variable : "the URL given to SlackAlerts"))
      return {
        name: "Slack",
        send: (group) =>
          HttpClientRequest.post(webhook).pipe(
            HttpClientRequest.bodyJsonUnsafe(render(group)),
            client.execute,
            // A body that nobody reads would keep the connection.
            Effect.tap((response) => response.text),
            Effect.flatMap(HttpClientResponse.filterStatusOk),
            // A span would tell the URL.
            Effect.provideService(HttpClient.TracerDisabledWhen, () => true),
            Effect.asVoid
          )
      }
    })
  )

/** Slack as a channel for `Alerts.layer`. */
export const channel: Layer.Layer<Alerts.AlertChannel, Config.ConfigError, HttpClient.HttpClient> = channelWith({})

/** Sends alerts to Slack, with the webhook and the settings that the options name. */
export const layerWith = ({
  url,
  ...options
}: Options): Layer.Layer<never, Config.ConfigError, HttpClient.HttpClient | Policy.ResilienceRegistry> =>
  Alerts.layer(options).pipe(Layer.provide(channelWith({ url })))

/** Sends alerts to Slack. */
export const layer: Layer.Layer<never, Config.ConfigError, HttpClient.HttpClient | Policy.ResilienceRegistry> =
  layerWith({})

const isWebUrl = (text: string): boolean => /^https?:\/\//i.test(text) && URL.canParse(text)

/** It does not show the value: that may be the secret with a typing error. */
const invalid = (subject: string): Config.ConfigError =>
  new Config.ConfigError(
    new ConfigProvider.SourceError({ message: `${subject}: expected the URL of a webhook, which begins with https://` })
  )
