/**
 * Building blocks of PromQL.
 *
 * **Details**
 *
 * Everything is aggregated by job and service: the replicas of one application count together, two applications that call
 * the same service do not. Whatever label holds the service's name, in results it is `service`.
 */
import { circuitBreaker, type Series } from "./series.ts"

/** Which series are read, and how far back. */
export interface Scope {
  /** Matchers for a series whose service stands in this label, or in none. */
  readonly matchers: (service: Series["service"]) => ReadonlyArray<string>
  readonly window: string
}

/** For rules: everything. */
export const rules = (window: string): Scope => ({ matchers: () => [], window })

/** For panels: what the dashboard's variables choose. */
export const chosen = (window: string): Scope => ({
  matchers: (service) => [`job=~"$job"`, ...(service === undefined ? [] : [`${service}=~"$service"`])],
  window
})

/** Around each point of a graph. */
export const aroundPoint = chosen("$__rate_interval")

/** The dashboard's time range. */
export const wholeRange = chosen("$__range")

/** The series that match. */
export const select = (series: Series, scope: Scope, ...more: ReadonlyArray<string>): string => {
  const matchers = [...scope.matchers(series.service), ...more]
  return matchers.length === 0 ? series.name : `${series.name}{${matchers.join(", ")}}`
}

/**
 * By how much each series grew.
 *
 * **Details**
 *
 * `increase` compares two samples, so it does not see the event that a series is born with. Such a series counts from zero.
 * It is new when it has no sample in the hour before the window either: a gap in the scrapes must not make all that was ever
 * counted look like one sudden growth.
 */
export const growth = (series: Series, scope: Scope, ...more: ReadonlyArray<string>): string => {
  const selected = select(series, scope, ...more)
  const known = `increase(${selected}[${scope.window}])`
  if (series.isBornWithEvent === undefined) return known
  const born = `last_over_time(${selected}[${scope.window}]) unless last_over_time(${selected}[1h] offset ${scope.window})`
  return `(${born} or ${known})`
}

/** Aggregates series by job and service, and by more labels. */
export const by = (
  aggregation: "sum" | "max" | "avg" | "count",
  series: Series,
  values: string,
  ...more: ReadonlyArray<string>
): string => {
  const labels = ["job", ...(series.service === undefined ? [] : ["service"]), ...more].join(", ")
  const named =
    series.service === undefined || series.service === "service"
      ? values
      : `label_replace(${values}, "service", "$1", "${series.service}", "(.*)")`
  return `${aggregation} by (${labels}) (${named})`
}

/** By how much the series grew together. */
export const total = (
  series: Series,
  scope: Scope,
  matchers: ReadonlyArray<string> = [],
  more: ReadonlyArray<string> = []
) => by("sum", series, growth(series, scope, ...matchers), ...more)

/** As {@link total}, and zero for a service with a circuit where nothing has happened yet. */
export const totalOrZero = (series: Series, scope: Scope): string =>
  `(${total(series, scope)} or 0 * ${by("max", circuitBreaker.state, select(circuitBreaker.state, scope))})`

/** How often something happens in a minute: at the few calls of most services, a number that can be read. */
export const perMinute = (series: Series, ...more: ReadonlyArray<string>): string =>
  `${total(series, aroundPoint, [], more)} * 60000 / $__rate_interval_ms`

/** A share. Where nothing was called there is none: not 0, which would look well, and not NaN. */
export const share = (part: string, whole: string): string => `${part} / (${whole} > 0)`
