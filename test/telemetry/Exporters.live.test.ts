import * as NodeSdk from "@effect/opentelemetry/NodeSdk"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { expect, it } from "@effect/vitest"
import { OTLPMetricExporter } from "@opentelemetry/exporter-metrics-otlp-proto"
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-proto"
import { PeriodicExportingMetricReader } from "@opentelemetry/sdk-metrics"
import { SimpleSpanProcessor } from "@opentelemetry/sdk-trace-base"
import { Context, Data, Effect, Fiber, Layer, Schedule } from "effect"
import { FetchHttpClient, HttpRouter, HttpServer } from "effect/http"
import { OtlpMetrics, OtlpSerialization } from "effect/observability"
import { createServer } from "node:http"
import { Bulkhead, CircuitBreaker, Fallback, type Policy, Resilience } from "../../src/index.ts"
import { Metrics, Spans } from "../../src/telemetry/index.ts"
import * as Prometheus from "../support/prometheus.ts"
import { describeWith } from "../support/servers.ts"
import * as Collector from "./support/collector.ts"
import * as Otlp from "./support/otlp.ts"

class Down extends Data.TaggedError("Down") {}

const down = Effect.fail(new Down())

/** Makes every metric have a series. */
const everything = Effect.gen(function* () {
  const protect = Resilience.protect("svc")
  yield* protect(Effect.void)
  yield* Effect.exit(protect(down))
  yield* Effect.exit(protect(Effect.never))
  const cache = yield* Fallback.makeCache<string>({ service: "svc" })
  yield* Effect.succeed("value").pipe(Fallback.cached(cache, "key"))
  yield* down.pipe(Fallback.cached(cache, "key"))
  const hanging = yield* Effect.forkChild(Effect.never.pipe(Bulkhead.withBulkhead("svc")), { startImmediately: true })
  yield* Effect.exit(Effect.void.pipe(Bulkhead.withBulkhead("svc")))
  yield* Fiber.interrupt(hanging)
  for (let n = 0; n < 6; n++) yield* Effect.exit(down.pipe(CircuitBreaker.withCircuitBreaker("svc")))
})

const config = {
  services: {
    svc: {
      bulkhead: { maxConcurrent: 1, maxQueue: 0 },
      retry: { maxAttempts: 2, baseDelay: "1 millis", jitter: "none" },
      timeout: "10 millis",
      deadline: "1 second"
    }
  }
} as const

const Endpoint = HttpRouter.serve(Metrics.layerHttp(), { disableLogger: true, disableListenLog: true }).pipe(
  Layer.provideMerge(NodeHttpServer.layer(createServer, { port: 0, host: "127.0.0.1" }))
)

const OpenTelemetry = (url: string): Layer.Layer<never> =>
  NodeSdk.layer(() => ({
    resource: { serviceName: "app" },
    spanProcessor: new SimpleSpanProcessor(new OTLPTraceExporter({ url: `${url}/v1/traces` })),
    metricReader: new PeriodicExportingMetricReader({
      exporter: new OTLPMetricExporter({ url: `${url}/v1/metrics` }),
      exportIntervalMillis: 200,
      exportTimeoutMillis: 200
    })
  }))

/** An application that shows its metrics in both ways, and what receives them. */
const start = Effect.fnUntraced(function* (exporter: (url: string) => Layer.Layer<never>) {
  const collector = yield* Collector.start
  const context = yield* Layer.build(
    Layer.mergeAll(Endpoint, exporter(collector.url), Spans.layer.pipe(Layer.provideMerge(Resilience.layer(config))))
  )
  const address = HttpServer.formatAddress(Context.get(context, HttpServer.HttpServer).address)
  const run = Effect.provideContext(context) as <A, E>(
    self: Effect.Effect<A, E, Policy.ResilienceRegistry>
  ) => Effect.Effect<A, E>
  return { collector, endpoint: new URL(address).host, run }
})

const table: Readonly<Record<string, string>> = {
  circuit_breaker_state: "gauge service",
  circuit_breaker_failures_total: "counter exception_type service",
  circuit_breaker_successes_total: "counter service",
  circuit_breaker_rejections_total: "counter service",
  circuit_breaker_transitions_total: "counter from service to",
  retry_attempts_total: "counter attempt_number exception_type function",
  retry_exhausted_total: "counter function",
  retry_success_after_retry_total: "counter function",
  timeout_exceeded_total: "counter function operation_type timeout_seconds",
  timeout_duration_seconds: "histogram function operation_type",
  bulkhead_rejections_total: "counter function resource_type",
  bulkhead_active_operations: "gauge resource_type",
  bulkhead_queue_depth: "gauge resource_type",
  fallback_used_total: "counter exception_type fallback_type function",
  fallback_cache_hits_total: "counter exception_type function",
  resilience_pattern_invocations_total: "counter outcome pattern",
  resilience_pattern_effectiveness_ratio: "gauge pattern",
  error_total: "counter category error_code retry_policy status_code"
}

type Labels = Readonly<Record<string, string>>

/** What Prometheus has stored of a job: each name with its type and its labels; and the units, where they were labels. */
const stored = Effect.fnUntraced(function* (prometheus: Prometheus.Prometheus, job: string) {
  const selector = encodeURIComponent(`{job="${job}"}`)
  const metadata = yield* prometheus.api<ReadonlyArray<{ readonly metric: string; readonly type: string }>>(
    `targets/metadata?match_target=${selector}`
  )
  const types = new Map(metadata.map(({ metric, type }) => [metric, type]))
  const series = yield* prometheus.api<ReadonlyArray<Labels>>(`series?match[]=${selector}`)
  const shapes: Record<string, string> = {}
  const units: Record<string, string> = {}
  for (const { __name__ = "", instance: _, job: __, le: ___, unit, ...labels } of series) {
    if (__name__ === "up" || __name__.startsWith("scrape_")) continue
    const base = __name__.replace(/_(bucket|sum|count)$/, "")
    const name = types.get(base) === "histogram" ? base : __name__
    shapes[name] = [types.get(name), ...Object.keys(labels).toSorted()].join(" ")
    if (unit !== undefined) units[name] = unit
  }
  return { shapes, units }
})

/** Tries again until what is expected is there; then it must be all. */
const eventually = <A, E>(self: Effect.Effect<A, E>) =>
  self.pipe(
    Effect.catchDefect((defect) => Effect.fail(defect)),
    Effect.retry({ schedule: Schedule.spaced("250 millis"), times: 40 }),
    Effect.orDie
  )

describeWith("prometheus")("a Prometheus server", () => {
  it.live("stores the declared series, none missing and none besides, whichever way they come", () =>
    Effect.gen(function* () {
      const { collector, endpoint, run } = yield* start(OpenTelemetry)
      const prometheus = yield* Prometheus.start({
        targets: { text: endpoint, otlp: new URL(collector.url).host }
      })
      yield* run(everything)
      yield* eventually(
        Effect.gen(function* () {
          const text = yield* stored(prometheus, "text")
          const otlp = yield* stored(prometheus, "otlp")
          expect(text).toEqual({ shapes: table, units: {} })
          expect(otlp.shapes).toEqual(table)
          expect(otlp.units).toEqual(
            Object.fromEntries(Resilience.instruments.map(({ name, unit }) => [Metrics.seriesName(name), unit]))
          )
        })
      )
    }).pipe(Effect.scoped)
  )

  it.live("stores the true values", () =>
    Effect.gen(function* () {
      const { collector, endpoint, run } = yield* start(OpenTelemetry)
      const prometheus = yield* Prometheus.start({ targets: { text: endpoint, otlp: new URL(collector.url).host } })
      yield* run(everything)
      const values = (expression: string) =>
        Effect.map(prometheus.query(`sum by (job) (${expression})`), (samples) =>
          Object.fromEntries(samples.map(({ metric, value }) => [metric["job"], Number(value[1])]))
        )
      const both = (value: number) => ({ text: value, otlp: value })
      yield* eventually(
        Effect.gen(function* () {
          expect(yield* values("circuit_breaker_state")).toEqual(both(1))
          expect(yield* values("retry_exhausted_total")).toEqual(both(2))
          expect(yield* values(`timeout_exceeded_total{operation_type="svc"}`)).toEqual(both(2))
          expect(yield* values("bulkhead_rejections_total")).toEqual(both(1))
          expect(yield* values(`circuit_breaker_transitions_total{to="Open"}`)).toEqual(both(1))
          expect(yield* values("fallback_cache_hits_total")).toEqual(both(1))
        })
      )
    }).pipe(Effect.scoped)
  )
})

const exporters = [
  { name: "OpenTelemetry's exporter", layer: OpenTelemetry },
  {
    name: "Effect's exporter",
    layer: (url: string): Layer.Layer<never> =>
      OtlpMetrics.layer({
        url: `${url}/v1/metrics`,
        exportInterval: "200 millis",
        resource: { serviceName: "app" }
      }).pipe(Layer.provide([OtlpSerialization.layerProtobuf, FetchHttpClient.layer]))
  }
]

it.live.each(exporters)("a collector gets what is declared: names, units, kinds and descriptions: $name", ({ layer }) =>
  Effect.gen(function* () {
    const { collector, run } = yield* start(layer)
    yield* run(everything)
    yield* eventually(
      Effect.sync(() => {
        const got = collector.metrics().map(({ description, gauge, histogram, name, sum, unit }) => ({
          name,
          description,
          unit,
          type: gauge ? "gauge" : histogram ? "histogram" : sum?.isMonotonic === true ? "counter" : "other"
        }))
        expect(got.toSorted(byName)).toEqual([...Resilience.instruments].toSorted(byName))
        expect(collector.metrics().map(Collector.seriesNameOf).toSorted()).toEqual(Object.keys(table).toSorted())
      })
    )
  }).pipe(Effect.scoped)
)

it.live("a collector gets a span for each attempt, with its status, and the events in the spans they happened in", () =>
  Effect.gen(function* () {
    const { collector, run } = yield* start(OpenTelemetry)
    yield* run(down.pipe(Resilience.protect("svc"), Effect.withSpan("caller"), Effect.exit))
    yield* eventually(
      Effect.sync(() => {
        const spans = collector.spans()
        const caller = spans.find(({ name }) => name === "caller")
        const attempts = spans.filter(({ name }) => name === "attempt svc")
        const ERROR = 2
        expect(caller?.status?.code).toBe(ERROR)
        expect(attempts.map(({ parentSpanId, status }) => [parentSpanId, status?.code])).toEqual([
          [caller?.spanId, ERROR],
          [caller?.spanId, ERROR]
        ])
        expect(attempts.map(({ attributes }) => Otlp.attributesOf(attributes)["resilience.attempt_number"])).toEqual([
          1, 2
        ])
        expect(ours(caller)).toEqual([
          ["resilience.retry_scheduled", "Down"],
          ["resilience.retry_exhausted", "Down"],
          ["resilience.call_failed", undefined]
        ])
        expect(ours(attempts[0])).toEqual([["resilience.circuit_breaker_failure", "Down"]])
      })
    )
  }).pipe(Effect.scoped)
)

/** The events that are not the tracer's own. */
const ours = (span: Otlp.Span | undefined) =>
  span?.events
    .filter(({ name }) => name.startsWith("resilience."))
    .map(({ attributes, name }) => [name, Otlp.attributesOf(attributes)["error.type"]])

const byName = (a: { readonly name: string }, b: { readonly name: string }): number => (a.name < b.name ? -1 : 1)
