/**
 * Metrics, traces and a log of a service whose dependency fails: metrics for Prometheus at `/metrics`, metrics and traces
 * for an OpenTelemetry collector, and a line in the log for what matters.
 *
 * The collector's address comes from OTEL_EXPORTER_OTLP_ENDPOINT; without it nothing is sent there.
 */
import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto"
import { PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics"
import { BatchSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Console, Effect, Layer } from "effect"
import { FetchHttpClient, HttpClient, HttpRouter, HttpServer } from "effect/http"
import { Resilience } from "effect-resilience"
import { Logs, Metrics, Spans } from "effect-resilience/telemetry"
import { createServer } from "node:http"

/** Every call fails; the circuit opens after three of them. */
const call = Effect.fail({ _tag: "ProviderDown" }).pipe(Resilience.protect("llm"), Effect.withSpan("ask"))

const program = Effect.gen(function* () {
  yield* Effect.repeat(Effect.ignore(call), { times: 9 })
  const { address } = yield* HttpServer.HttpServer
  const response = yield* HttpClient.get(`${HttpServer.formatAddress(address)}/metrics`)
  const lines = (yield* response.text).split("\n")
  yield* Console.log(lines.filter((line) => line.startsWith("circuit_breaker")).join("\n"))
})

const ResilienceLive = Resilience.layer({
  services: { llm: { retry: false, circuitBreaker: { consecutiveFailures: 3 } } }
})

/** What the policies say of themselves. Each of these is one line to leave out. */
const Telemetry = Layer.mergeAll(Logs.layer(), Spans.layer).pipe(Layer.provideMerge(ResilienceLive))

/** For a Prometheus that scrapes. */
const MetricsEndpoint = HttpRouter.serve(Metrics.layerHttp(), { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

/** For a collector that is sent to. */
const OpenTelemetry = NodeSdk.layer(() => ({
  resource: { serviceName: "example" },
  metricReader: new PeriodicExportingMetricReader({ exporter: new OTLPMetricExporter() }),
  spanProcessor: new BatchSpanProcessor(new OTLPTraceExporter())
}))

const Exporters = process.env["OTEL_EXPORTER_OTLP_ENDPOINT"] === undefined ? Layer.empty : OpenTelemetry

await Effect.runPromise(
  program.pipe(Effect.provide([Telemetry, MetricsEndpoint, Exporters, FetchHttpClient.layer]), Effect.scoped)
)
