import * as Measure from "../measures.ts"
import * as Panel from "../panels.ts"
import * as Query from "../queries.ts"
import { everything } from "../series.ts"
import { row, SERVICE } from "./row.ts"

const { percent, targets } = Measure
const counts = Measure.counts(Query.wholeRange)

/** A gauge whose middle is the target. */
const objective = (
  about: Pick<Panel.About, "title" | "description" | "thresholds" | "alerts" | "interval"> & { readonly expr: string },
  {
    legend = SERVICE,
    noValue = "no calls",
    unit = "percentunit",
    ...scale
  }: Partial<Pick<Panel.About, "noValue" | "unit" | "max">> & { readonly legend?: string } = {}
): Panel.Panel => {
  const { expr, ...rest } = about
  return Panel.gauges({
    ...rest,
    ...scale,
    width: 4,
    queries: [{ expr, legend, isInstant: true }],
    unit,
    decimals: 1,
    noValue
  })
}

const notSuccessful = `outcome!="success"`

/** Most outcomes of most patterns never happen: lines at zero that would fill the legend. */
const outcomes =
  `${Query.total(everything.invocations, Query.aroundPoint, [notSuccessful], ["pattern", "outcome"])} * 60000 / $__rate_interval_ms` +
  ` and ${Query.by("sum", everything.invocations, Query.select(everything.invocations, Query.aroundPoint, notSuccessful), "pattern", "outcome")} > 0`

export const objectives = row("SLOs", [
  objective(
    {
      title: `Retry success > ${percent(targets.retrySuccess)}`,
      description:
        "Of the retried calls in the time range, those that succeeded. No value: nothing was retried to its end.",
      expr: Measure.retrySuccess(counts),
      thresholds: Panel.above(targets.retrySuccess),
      alerts: ["RetriesExhausted"]
    },
    { max: 1, noValue: "no retries" }
  ),
  objective(
    {
      title: `Timeouts < ${percent(targets.timeouts)}`,
      description:
        "Share of the limited calls in the time range that exceeded their time; the worst operation type of a service.",
      expr: `max by (job, service) (${Measure.timeouts(counts)})`,
      thresholds: Panel.below(targets.timeouts),
      alerts: ["TimeoutsExceeded"]
    },
    { max: 2 * targets.timeouts }
  ),
  objective(
    {
      title: `Bulkhead rejections < ${percent(targets.bulkheadRejections)}`,
      description: "Share of the calls in the time range that the bulkhead turned away.",
      expr: Measure.bulkheadRejections(counts),
      thresholds: Panel.below(targets.bulkheadRejections),
      alerts: ["BulkheadRejecting"]
    },
    { max: 2 * targets.bulkheadRejections }
  ),
  objective(
    {
      title: `Fallback usage < ${percent(targets.fallbackUsage)}`,
      description: "Share of the callers' calls in the time range that a fallback answered, or tried to.",
      expr: Measure.fallbackUsage(counts),
      thresholds: Panel.below(targets.fallbackUsage),
      alerts: ["FallbackOverused"]
    },
    { max: 2 * targets.fallbackUsage }
  ),
  objective(
    {
      title: `Recovery time < ${targets.recoverySeconds / 60} min`,
      description:
        "Mean time in the time range until a circuit closed again. An outage that goes on counts with its time so far. " +
        "Times between two points of the query are not seen, so over long ranges this is an estimate. A circuit that nobody " +
        "asks stays open, and that time counts. Half-open counts for three minutes after open. With circuits by key it is too low: " +
        "each of their openings counts, and the time of several at once only once.",
      expr: Measure.recoverySeconds(Query.wholeRange, "$__interval", "$__interval_ms / 1000"),
      thresholds: Panel.below(targets.recoverySeconds),
      interval: "15s",
      alerts: ["CircuitBreakerRecoverySlow"]
    },
    { max: 2 * targets.recoverySeconds, unit: "s", noValue: "no outages" }
  ),
  objective(
    {
      title: `Breaker false positives < ${percent(targets.falsePositives)}`,
      description:
        "At most this share of the openings in the time range was a mistake. What is counted are openings that the first probe " +
        "ended, with no failed probe in the quarter of an hour before: so it is with a circuit that opened for nothing, and " +
        "with every short outage too. Below the target all is well. Above, it is not known: look at the failures before the openings.",
      expr: Measure.falsePositives(Query.wholeRange, "$__interval"),
      thresholds: Panel.belowOrReview(targets.falsePositives),
      interval: "1m",
      alerts: ["CircuitBreakerFlapping"]
    },
    { max: 1, noValue: "no openings", legend: `${SERVICE}, at most` }
  ),
  Panel.bars({
    title: "Errors that reached callers",
    description:
      "Calls per minute that failed in spite of all policies, by the code of their error: what users feel. A fallback that was " +
      "given to the pipeline has had its say; one further outside may still answer. All services together; the variable " +
      "does not choose among them.",
    width: 8,
    queries: [
      {
        expr: Query.perMinute(everything.errors, "error_code", "category", "status_code", "retry_policy"),
        legend: "{{error_code}} {{status_code}} ({{category}}, retry: {{retry_policy}}) ({{job}})"
      }
    ],
    unit: "cpm",
    noValue: "none"
  }),
  Panel.lines(
    {
      title: "Outcomes by pattern",
      description:
        "How the calls of each pattern ended, per minute, without the successes. All services together. Shows at a glance " +
        "which pattern is at work. An outcome that has never happened since the process started has no line.",
      width: 8,
      queries: [{ expr: outcomes, legend: "{{pattern}}: {{outcome}} ({{job}})" }],
      unit: "cpm"
    },
    false
  ),
  Panel.lines(
    {
      title: "Effectiveness by pattern",
      description:
        "Share of a pattern's calls that ended well since the process started: slow to move, for comparisons over days. " +
        "The mean of all replicas, all services together.",
      width: 8,
      queries: [
        {
          expr: Query.by(
            "avg",
            everything.effectiveness,
            Query.select(everything.effectiveness, Query.aroundPoint),
            "pattern"
          ),
          legend: "{{pattern}} ({{job}})"
        }
      ],
      unit: "percentunit",
      max: 1
    },
    false
  )
])
