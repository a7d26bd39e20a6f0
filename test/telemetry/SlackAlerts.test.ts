import { describe, expect, it } from "@effect/vitest"
import { Cause, Config, ConfigProvider, Duration, Effect, Exit, Layer, Redacted, Tracer } from "effect"
import { HttpClient, HttpClientError, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { Policy, Resilience } from "../../src/index.ts"
import { type Alerts, SlackAlerts } from "../../src/telemetry/index.ts"
import { render } from "../../src/telemetry/internal/slackMessage.ts"
import { breakerOf, fail, logInto, settle, succeed } from "./support/alerts.ts"

const SECRET = "B0SECRET0TOKEN"
const URL = `https://hooks.example.com/services/T000/${SECRET}`

const environment = (env: Record<string, string>) => ConfigProvider.layer(ConfigProvider.fromEnv({ env }))

/** A client that answers with statuses, one after the other; `undefined`: the connection is refused. */
const clientThat = (...statuses: ReadonlyArray<number | undefined>) => {
  const requests: Array<{ readonly url: string; readonly type: string | undefined; readonly body: unknown }> = []
  const client = HttpClient.make((request) =>
    Effect.suspend(() => {
      const status = statuses[Math.min(requests.length, statuses.length - 1)]
      const { body } = request
      if (body._tag !== "Uint8Array") return Effect.die("not a body of bytes")
      const json = JSON.parse(new TextDecoder().decode(body.body))
      requests.push({ url: request.url, type: body.contentType, body: json })
      return status === undefined
        ? Effect.fail(
            new HttpClientError.HttpClientError({
              reason: new HttpClientError.TransportError({ request, cause: new Error(`connect ${request.url}`) })
            })
          )
        : Effect.succeed(HttpClientResponse.fromWeb(request, new Response(`answer of ${request.url}`, { status })))
    })
  )
  return { requests, layer: Layer.succeed(HttpClient.HttpClient, client) }
}

const base = { service: "llm", severity: "Warn", at: Date.UTC(2026, 0, 2, 3, 4, 5, 678), count: 1 } as const
const opened: Alerts.Alert = { ...base, kind: "opened", openTime: Duration.minutes(1) }
const closed: Alerts.Alert = { ...base, kind: "closed", outage: Duration.seconds(252), at: base.at + 252_000 }

describe("a message", () => {
  it("tells of one alert", () => {
    expect(render({ service: "llm", alerts: [opened], omitted: 0 })).toEqual({
      text: "llm: circuit opened, calls are rejected for 1m",
      blocks: [
        { type: "header", text: { type: "plain_text", text: "llm: circuit opened" } },
        {
          type: "section",
          text: { type: "plain_text", text: "circuit opened, calls are rejected for 1m" },
          fields: [
            { type: "mrkdwn", text: "*Service*\nllm" },
            {
              type: "mrkdwn",
              text: "*Time*\n<!date^1767323045^{date_num} {time_secs}|2026-01-02T03:04:05.678Z>"
            }
          ]
        }
      ]
    })
  })

  it("tells of several alerts, and in its header what happened last", () => {
    const { blocks, text } = render({
      service: "llm",
      alerts: [{ ...base, kind: "budget-exhausted", count: 7 }, opened, closed],
      omitted: 2
    })
    expect(text).toBe(
      "llm: retry budget exhausted 7 times, failed calls are not tried again; circuit opened, calls are rejected for " +
        "1m; circuit closed after 4m 12s; 2 earlier alerts were not delivered"
    )
    expect(blocks).toMatchObject([
      { type: "header", text: { text: "llm: circuit closed" } },
      {
        type: "section",
        text: {
          text: [
            "retry budget exhausted 7 times, failed calls are not tried again",
            "circuit opened, calls are rejected for 1m",
            "circuit closed after 4m 12s"
          ].join("\n")
        },
        fields: [{}, { text: expect.stringContaining("03:08:17") }]
      },
      { type: "context", elements: [{ type: "plain_text", text: "2 earlier alerts were not delivered" }] }
    ])
  })

  it("escapes what has a meaning for Slack, everywhere", () => {
    const message = render({ service: "<!channel> & co", alerts: [opened], omitted: 0 })
    expect(message.text).toMatch(/^&lt;!channel&gt; &amp; co: circuit/)
    expect(JSON.stringify(message)).not.toContain("<!channel>")
    expect(JSON.stringify(message).match(/&lt;!channel&gt; &amp; co/g)?.length).toBe(3)
  })

  it.each(["x", "&", "🔥"])("fits into Slack's limits, and cuts no character: a name of many %s", (character) => {
    const { blocks, text } = render({ service: character.repeat(10_000), alerts: [opened], omitted: 0 })
    const [header, section] = blocks
    if (header?.type !== "header" || section?.type !== "section") throw new Error("other blocks")
    const lengths = [text, header.text.text, ...section.fields.map((field) => field.text)].map((one) => one.length)
    expect(lengths.every((length, i) => length <= [3_000, 150, 2_000, 2_000][i]!)).toBe(true)
    expect(lengths[1]).toBeGreaterThan(140)
    for (const one of [text, header.text.text]) expect(one).toMatch(/^(x+|(&amp;)+|(🔥)+)…$/u)
  })
})

describe("a webhook", () => {
  const program = Effect.gen(function* () {
    const breaker = yield* breakerOf("llm")
    yield* fail(breaker)
    yield* TestClock.adjust("5 minutes")
    yield* succeed(breaker)
    yield* TestClock.adjust("5 minutes")
  })

  it.effect("gets JSON at the URL from the environment", () => {
    const client = clientThat(200)
    return Effect.gen(function* () {
      yield* program
      expect(client.requests).toEqual([
        { url: URL, type: "application/json", body: expect.objectContaining({ text: expect.any(String) }) },
        { url: URL, type: "application/json", body: expect.objectContaining({ text: "llm: circuit closed after 5m" }) }
      ])
    }).pipe(
      Effect.provide(SlackAlerts.layer),
      Effect.provide(Resilience.layer()),
      Effect.provide(client.layer),
      Effect.provide(environment({ SLACK_WEBHOOK_URL: ` ${URL}\n` }))
    )
  })

  it.effect.each([
    ["a literal", { url: Redacted.make(URL) }],
    ["another variable", { url: Config.Redacted("ALERTS_URL") }]
  ] as const)("has the URL of %s", ([, { url }]) => {
    const client = clientThat(200)
    return Effect.gen(function* () {
      yield* program
      expect(client.requests.map((request) => request.url)).toEqual([URL, URL])
    }).pipe(
      Effect.provide(SlackAlerts.layerWith({ url })),
      Effect.provide(Resilience.layer()),
      Effect.provide(client.layer),
      Effect.provide(environment({ ALERTS_URL: URL }))
    )
  })

  it.effect("takes the settings of alerts", () => {
    const client = clientThat(200)
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      yield* fail(breaker)
      yield* settle
      yield* breaker.reset
      yield* TestClock.adjust("1 second")
      expect(client.requests.length).toBe(2)
    }).pipe(
      Effect.provide(SlackAlerts.layerWith({ url: Redacted.make(URL), throttle: "1 second" })),
      Effect.provide(Resilience.layer()),
      Effect.provide(client.layer)
    )
  })

  it.effect.each([
    [[500], 3, "HttpClientError, StatusCodeError, HTTP 500"],
    [[undefined], 3, "HttpClientError, TransportError"],
    [[404], 1, "HttpClientError, StatusCodeError, HTTP 404"],
    [[302], 3, "HttpClientError, StatusCodeError, HTTP 302"]
  ] as const)("that answers %j is called %d times, and nothing tells its secret", ([statuses, calls, reason]) => {
    const client = clientThat(...statuses)
    const output: Array<string> = []
    const spans: Array<Tracer.NativeSpan> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        spans.push(span)
        return span
      }
    })
    return Effect.gen(function* () {
      yield* Policy.subscribe((event) => void output.push(inspect(event, { depth: 20 })))
      yield* fail(yield* breakerOf("llm"))
      yield* TestClock.adjust("1 minute")
      expect(client.requests.length).toBe(calls)
      const everything = [...output, ...spans.map((span) => inspect(span, { depth: 20 }))].join("\n")
      expect(everything).toContain(`Warn: effect-resilience: an alert could not be delivered to Slack: ${reason}.`)
      expect(everything).not.toContain(SECRET)
    }).pipe(
      Effect.provide(SlackAlerts.layer),
      Effect.provide(Resilience.layer()),
      Effect.provide(client.layer),
      Effect.provide(environment({ SLACK_WEBHOOK_URL: URL })),
      Effect.provide(logInto(output)),
      Effect.withSpan("app"),
      Effect.withTracer(tracer)
    )
  })

  it.effect.each([
    ["nothing", {}, /SLACK_WEBHOOK_URL/],
    ["an empty text", { SLACK_WEBHOOK_URL: "" }, /SLACK_WEBHOOK_URL/],
    ["no URL", { SLACK_WEBHOOK_URL: SECRET }, /^ConfigError.*SLACK_WEBHOOK_URL: expected the URL of a webhook/],
    ["half a URL", { SLACK_WEBHOOK_URL: `https://${SECRET}:x` }, /SLACK_WEBHOOK_URL: expected the URL/],
    ["another protocol", { SLACK_WEBHOOK_URL: `ftp://${SECRET}` }, /SLACK_WEBHOOK_URL: expected the URL/]
  ] as const)("from %s is refused at start-up, without showing it", ([, env, message]) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Layer.build(SlackAlerts.layer))
      const cause = Exit.isFailure(exit) ? exit.cause : Cause.empty
      const error = Cause.squash(cause)
      expect(error).toBeInstanceOf(Config.ConfigError)
      expect(String(error)).toMatch(message)
      for (const text of [String(cause), Cause.pretty(cause), inspect(cause, { depth: 20 })]) {
        expect(text.toUpperCase()).not.toContain(SECRET)
      }
    }).pipe(Effect.provide(Resilience.layer()), Effect.provide(clientThat(200).layer), Effect.provide(environment(env)))
  )

  it.effect("from somewhere else is refused too", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Layer.build(SlackAlerts.channelWith({ url: Redacted.make(SECRET) })))
      expect(String(exit)).toMatch(/the URL given to SlackAlerts: expected/)
      expect(String(exit)).not.toContain(SECRET)
    }).pipe(Effect.provide(clientThat(200).layer))
  )
})
