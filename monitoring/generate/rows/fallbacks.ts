import * as Measure from "../measures.ts"
import * as Panel from "../panels.ts"
import * as Query from "../queries.ts"
import { fallback } from "../series.ts"
import { row, SERVICE } from "./row.ts"

const used = (...labels: ReadonlyArray<string>): string => Query.total(fallback.used, Query.wholeRange, [], labels)
const hits = Query.total(fallback.cacheHits, Query.wholeRange)

export const fallbacks = row("Fallbacks", [
  Panel.lines({
    title: "Fallback usage over time",
    description:
      "Share of the callers' calls that a fallback answered, or tried to; retries do not count as calls. Above the dashed line " +
      "the target is missed: users get second-best answers. The cause is in the rows above. A fallback without a `service` " +
      "belongs to no circuit and has no share here.",
    width: 8,
    queries: [{ expr: Measure.fallbackUsage(Measure.counts(Query.aroundPoint)), legend: SERVICE }],
    unit: "percentunit",
    thresholds: Panel.below(Measure.targets.fallbackUsage),
    alerts: ["FallbackOverused"]
  }),
  Panel.tiles({
    title: "Fallback invocations",
    description: "How often a fallback answered, or tried to, in the time range. Each step of a chain is one.",
    width: 4,
    queries: [{ expr: used(), legend: SERVICE, isInstant: true }],
    unit: "locale",
    decimals: 0,
    noValue: "none"
  }),
  Panel.dial({
    title: "Cache hit rate",
    description:
      "Share of the fallback answers in the time range that were an earlier good value. A call whose value was not in the " +
      "cache keeps its error, and no metric counts it as a miss.",
    width: 4,
    queries: [{ expr: `(${hits} or 0 * ${used()}) / (${used()} > 0)`, legend: SERVICE, isInstant: true }],
    unit: "percentunit",
    decimals: 0,
    max: 1,
    noValue: "no fallbacks"
  }),
  Panel.table(
    {
      title: "Fallback by exception type",
      description:
        "Which errors were answered how, in the time range, the most frequent first. `CircuitBreakerOpenError`: the circuit " +
        "was open, look at what opened it. `fail_open`: somebody was let in unchecked.",
      width: 8,
      queries: [{ expr: `${used("exception_type", "fallback_type")} > 0`, isInstant: true, format: "table" }],
      unit: "locale",
      decimals: 0,
      noValue: "none"
    },
    { service: "Service", exception_type: "Error", fallback_type: "Answered by", job: "Job" },
    "Count"
  )
])
