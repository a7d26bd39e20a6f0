import * as Measure from "../measures.ts"
import * as Panel from "../panels.ts"
import * as Query from "../queries.ts"
import { bulkhead, type Series } from "../series.ts"
import { row, SERVICE } from "./row.ts"

/** Limits are those of a replica, so the busiest one is shown. */
const busiest = (series: Series): string => Query.by("max", series, Query.select(series, Query.aroundPoint))

export const bulkheads = row("Bulkheads", [
  Panel.gauges({
    title: "Active operations by resource",
    description:
      "Calls that run now on the busiest replica. Compare with the limit of the resource (BULKHEAD_<SERVICE>_LIMIT, 10 unless " +
      "configured): at the limit, the next call waits. The bar is full at the most that ran at once in the time range.",
    width: 5,
    // Asked over the whole range: without a maximum of its own, the longest bar is as long as the greatest value.
    queries: [{ expr: busiest(bulkhead.activeOperations), legend: SERVICE }],
    unit: "locale",
    decimals: 0
  }),
  Panel.gauges({
    title: "Queue depth",
    description:
      "Calls that wait now for their turn on the busiest replica. A queue for a moment is a burst. One that stays means that " +
      "the dependency is too slow for the load, or the limit too low. Next: did the calls get slower (see Timeouts)? The bar is full at the longest queue in the time range.",
    width: 5,
    queries: [{ expr: busiest(bulkhead.queueDepth), legend: SERVICE }],
    unit: "locale",
    decimals: 0,
    thresholds: Panel.noneIsWell,
    alerts: ["BulkheadSaturated"]
  }),
  Panel.lines({
    title: "Rejection rate",
    description:
      "Share of the calls that the bulkhead turned away, because the queue was full or the wait too long. " +
      "Above the dashed line the target is missed.",
    width: 7,
    queries: [{ expr: Measure.bulkheadRejections(Measure.counts(Query.aroundPoint)), legend: SERVICE }],
    unit: "percentunit",
    thresholds: Panel.below(Measure.targets.bulkheadRejections),
    alerts: ["BulkheadRejecting"]
  }),
  Panel.lines({
    title: "Active and waiting calls over time",
    description:
      "On the busiest replica. A flat line of active calls with a growing queue is the limit at work; its height is the limit.",
    width: 7,
    queries: [
      { expr: busiest(bulkhead.activeOperations), legend: `${SERVICE} active` },
      { expr: busiest(bulkhead.queueDepth), legend: `${SERVICE} waiting` }
    ],
    unit: "locale",
    decimals: 0
  })
])
