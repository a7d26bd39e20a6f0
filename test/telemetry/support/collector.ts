/**
 * A collector: takes metrics and traces as OTLP over HTTP, and shows the metrics to Prometheus under the names that
 * OpenTelemetry's specification gives them there.
 */
import { Effect, type Scope } from "effect"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { gunzipSync } from "node:zlib"
import * as Otlp from "./otlp.ts"

export interface Collector {
  readonly url: string
  /** The metrics of the last export. */
  readonly metrics: () => ReadonlyArray<Otlp.Metric>
  /** All spans. */
  readonly spans: () => ReadonlyArray<Otlp.Span>
}

/** Listens until the scope closes. */
export const start: Effect.Effect<Collector, never, Scope.Scope> = Effect.gen(function* () {
  let metrics: ReadonlyArray<Otlp.Metric> = []
  const spans: Array<Otlp.Span> = []
  const server = createServer((request, response) => {
    if (request.url === "/metrics") {
      response.setHeader("content-type", "text/plain; version=0.0.4").end(metrics.map(textOf).join(""))
      return
    }
    bodyOf(request, (body) => {
      if (request.url === "/v1/metrics") metrics = Otlp.metricsOf(body)
      else if (request.url === "/v1/traces") spans.push(...Otlp.spansOf(body))
      else response.statusCode = 404
      response.setHeader("content-type", "application/x-protobuf").end()
    })
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.callback<void>((resume) => void (server.close(() => resume(Effect.void)), server.closeAllConnections()))
  )
  const { port } = server.address() as AddressInfo
  return { url: `http://127.0.0.1:${port}`, metrics: () => metrics, spans: () => spans }
})

const bodyOf = (request: IncomingMessage, use: (body: Uint8Array) => void): void => {
  const chunks: Array<Uint8Array> = []
  request.on("data", (chunk: Uint8Array) => chunks.push(chunk))
  request.on("end", () => {
    const body = Buffer.concat(chunks)
    use(request.headers["content-encoding"] === "gzip" ? gunzipSync(body) : body)
  })
}

/** Names of units as suffixes; what stands in braces has none. */
const suffixOf = ({ gauge, unit }: Otlp.Metric): string => {
  const named: Readonly<Record<string, string>> = { s: "_seconds", ms: "_milliseconds", By: "_bytes" }
  if (unit === "1") return gauge === undefined ? "" : "_ratio"
  return named[unit] ?? ""
}

/** The name of a metric in Prometheus. */
export const seriesNameOf = (metric: Otlp.Metric): string => {
  const name = `${metric.name.replaceAll(/[^a-zA-Z0-9_:]/g, "_")}${suffixOf(metric)}`
  return metric.sum?.isMonotonic === true && !name.endsWith("_total") ? `${name}_total` : name
}

const line = (name: string, labels: Readonly<Record<string, string | number>>, value: number): string => {
  const pairs = Object.entries(labels).map(([key, label]) => `${key}=${JSON.stringify(String(label))}`)
  return `${name}{${pairs.join(",")}} ${value}\n`
}

const textOf = (metric: Otlp.Metric): string => {
  const name = seriesNameOf(metric)
  const numbers = metric.gauge?.dataPoints ?? metric.sum?.dataPoints ?? []
  const type = metric.histogram === undefined ? (metric.sum?.isMonotonic === true ? "counter" : "gauge") : "histogram"
  const lines = numbers.map(({ asDouble, asInt, attributes }) =>
    line(name, Otlp.attributesOf(attributes), asDouble ?? asInt ?? Number.NaN)
  )
  const histograms = (metric.histogram?.dataPoints ?? []).map((point) => histogramOf(name, point))
  return [`# HELP ${name} ${metric.description}\n`, `# TYPE ${name} ${type}\n`, ...lines, ...histograms].join("")
}

const histogramOf = (
  name: string,
  { attributes, bucketCounts, count, explicitBounds, sum }: Otlp.HistogramDataPoint
) => {
  const labels = Otlp.attributesOf(attributes)
  let total = 0
  const buckets = bucketCounts.map((count, i) => {
    total += count
    return line(`${name}_bucket`, { ...labels, le: explicitBounds[i] ?? "+Inf" }, total)
  })
  return [...buckets, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count)].join("")
}
