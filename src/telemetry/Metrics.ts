/**
 * The names of our metrics in Prometheus, the same whichever way they get there.
 *
 * **Details**
 *
 * OpenTelemetry names a metric `timeout.duration` and tells its unit; what brings it to Prometheus makes
 * `timeout_duration_seconds` of that, and ends a counter with `_total`. Effect's Prometheus endpoint does neither by itself.
 * With {@link seriesName} it does, so that one dashboard and one set of alerts fit both. The rules are those of
 * [OpenTelemetry's specification](https://opentelemetry.io/docs/specs/otel/compatibility/prometheus_and_openmetrics/).
 *
 * **Gotchas**
 *
 * - A prefix for all metrics makes other names of them: the dashboard and the rules of this package do not use one.
 * - The Prometheus exporter of OpenTelemetry's SDK for JavaScript appends no unit. Serve {@link layerHttp}, or send OTLP.
 * - As with every metric of Effect that has a unit, an attribute `unit` stays on the points that go out as OTLP.
 *
 * **Example** (Two names of one metric)
 *
 * ```ts import.meta.vitest
 * import { Metrics } from "effect-resilience/telemetry"
 *
 * Metrics.seriesName("circuit_breaker.failures") // => "circuit_breaker_failures_total"
 * Metrics.seriesName("timeout.duration") // => "timeout_duration_seconds"
 * ```
 */
import type * as HttpRouter from "effect/http/HttpRouter"
import type * as Layer from "effect/Layer"
import * as PrometheusMetrics from "effect/observability/PrometheusMetrics"
import * as Resilience from "../resilience/Resilience.ts"

/** The name of a metric in Prometheus. Metrics that are not ours keep their name. */
export const seriesName = (metric: string): string => known.get(metric) ?? metric

/**
 * Serves all metrics to Prometheus, ours under their right names: a route of the application's own router.
 *
 * **Details**
 *
 * `path` is "/metrics" unless told otherwise.
 */
export const layerHttp = (
  options: { readonly path?: HttpRouter.PathInput } = {}
): Layer.Layer<never, never, HttpRouter.HttpRouter> =>
  PrometheusMetrics.layerHttp({ ...options, metricNameMapper: seriesName })

const suffixOf = ({ type, unit }: Resilience.Instrument): string => {
  if (unit === "s") return "_seconds"
  return unit === "1" && type === "gauge" ? "_ratio" : ""
}

const translate = (instrument: Resilience.Instrument): string => {
  const name = `${instrument.name.replaceAll(".", "_")}${suffixOf(instrument)}`
  return instrument.type === "counter" && !name.endsWith("_total") ? `${name}_total` : name
}

const known: ReadonlyMap<string, string> = new Map(
  Resilience.instruments.map((instrument) => [instrument.name, translate(instrument)])
)
