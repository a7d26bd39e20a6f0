import * as Measure from "../measures.ts"
import * as Panel from "../panels.ts"
import * as Query from "../queries.ts"
import { timeout } from "../series.ts"
import { row, SERVICE } from "./row.ts"

const buckets = (...labels: ReadonlyArray<string>): string =>
  Query.total(timeout.buckets, Query.aroundPoint, [], [...labels, "le"])

export const timeouts = row("Timeouts", [
  Panel.lines({
    title: "Violation rate over time",
    description:
      "Share of the limited calls that exceeded their time, by operation type; `total` is the deadline of a whole call with " +
      "all its retries. Above the dashed line the target is missed. Next: the durations. All calls slower, or a few stuck?",
    width: 9,
    queries: [{ expr: Measure.timeouts(Measure.counts(Query.aroundPoint)), legend: `${SERVICE} {{operation_type}}` }],
    unit: "percentunit",
    thresholds: Panel.below(Measure.targets.timeouts),
    alerts: ["TimeoutsExceeded"]
  }),
  Panel.pie({
    title: "Timeouts by operation type",
    description:
      "Calls in the time range that exceeded their time, of all chosen services. The largest part is the one to look at.",
    width: 5,
    queries: [
      {
        expr: `sum by (operation_type) (${Query.growth(timeout.exceeded, Query.wholeRange)}) > 0`,
        legend: "{{operation_type}}",
        isInstant: true
      }
    ],
    unit: "locale",
    decimals: 0,
    noValue: "none"
  }),
  Panel.lines({
    title: "Time of limited calls",
    description:
      "The median and the 95th percentile, estimated from buckets: calls that are cut off at 300 ms appear somewhere " +
      "between 250 and 500 ms, the bounds around it. A 95th percentile that stays flat there is cut off by the limit. " +
      "Median and percentile rise together: the dependency is slow or saturated. Only the percentile: some of its calls hang.",
    width: 10,
    queries: [0.5, 0.95].map((quantile) => ({
      // Without calls the quantile is NaN, which is not at least 0.
      expr: `histogram_quantile(${quantile}, ${buckets("operation_type")}) >= 0`,
      legend: `p${quantile * 100} ${SERVICE} {{operation_type}}`
    })),
    unit: "s"
  }),
  Panel.heatmap(
    {
      title: "Timeout duration distribution",
      description:
        "How long limited calls took, whether or not they exceeded their time. A band that moves up is a dependency that gets " +
        "slower; a second band at the top is calls that hang until they are cut off. Choose one service: limits differ.",
      width: 24,
      queries: [
        {
          expr: `sum by (le) (${Query.growth(timeout.buckets, Query.aroundPoint)})`,
          legend: "{{le}}",
          format: "heatmap"
        }
      ],
      unit: "short"
    },
    "s"
  )
])
