import * as Measure from "../measures.ts"
import * as Panel from "../panels.ts"
import * as Query from "../queries.ts"
import { retry } from "../series.ts"
import { row, SERVICE } from "./row.ts"

export const retries = row("Retries", [
  Panel.lines({
    title: "Retry exhaustion rate",
    description:
      "Share of the retried calls whose attempts ran out. Above the dashed line retries do not help: they add load and " +
      "delay, and the call fails all the same. Calls that gave up for want of budget or time are in neither number. " +
      "Next: which errors are retried?",
    width: 9,
    queries: [{ expr: Measure.retryExhaustion(Measure.counts(Query.aroundPoint)), legend: SERVICE }],
    unit: "percentunit",
    max: 1,
    thresholds: Panel.below(Number((1 - Measure.targets.retrySuccess).toFixed(4))),
    alerts: ["RetriesExhausted"]
  }),
  Panel.tiles({
    title: "Success after retry",
    description:
      "Calls in the time range that failed at first and succeeded in the end: what retries are good for. " +
      "Many of them are a warning too: the dependency is flaky.",
    width: 5,
    queries: [{ expr: Query.total(retry.successAfterRetry, Query.wholeRange), legend: SERVICE, isInstant: true }],
    unit: "locale",
    decimals: 0,
    noValue: "0"
  }),
  Panel.bars({
    title: "Retries by error",
    description:
      "Retries per minute, by the tag of the error that caused them and the number of the attempt that failed. Mostly first " +
      "attempts: blips. Many later ones: the outage is longer than the delays. An error that never goes away by itself " +
      "should not be retried: classify it.",
    width: 10,
    queries: [
      {
        expr: Query.perMinute(retry.attempts, "exception_type", "attempt_number"),
        legend: `${SERVICE} {{exception_type}}, attempt {{attempt_number}}`
      }
    ],
    unit: "cpm",
    noValue: "none"
  }),
  Panel.heatmap({
    title: "Retry attempts by function",
    description:
      "Retries per minute and function; a function is named after its service unless the policy got a name of its own. " +
      "All rows coloured at once: a network problem of ours. One row: that dependency.",
    width: 24,
    height: 6,
    queries: [{ expr: Query.perMinute(retry.attempts), legend: SERVICE }],
    unit: "cpm",
    noValue: "none"
  })
])
