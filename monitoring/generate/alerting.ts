/**
 * Alerting rules.
 *
 * **Details**
 *
 * A share is that of five minutes, and an alert waits for ten: what happened once is out of the window before. Who does not
 * call does not alert: without calls there is no share.
 */
import { percent, targets } from "./measures.ts"
import * as Query from "./queries.ts"
import { measured } from "./recording.ts"
import { type AlertName, runbookUrl } from "./runbook.ts"
import { bulkhead, circuitBreaker } from "./series.ts"

/** A rule that alerts. */
export interface AlertingRule {
  readonly alert: AlertName
  readonly expr: string
  readonly for: string
  readonly labels: { readonly severity: "warning" | "critical" }
  readonly annotations: { readonly summary: string; readonly description: string; readonly runbook_url: string }
}

interface Alert {
  readonly expr: string
  readonly for: string
  /** "warning" unless told otherwise. */
  readonly severity?: "critical"
  readonly summary: string
  readonly description: string
}

const rule = (name: AlertName, { description, expr, for: wait, severity, summary }: Alert): AlertingRule => ({
  alert: name,
  expr,
  for: wait,
  labels: { severity: severity ?? "warning" },
  annotations: {
    summary: `{{ $labels.service }}: ${summary} ({{ $labels.job }})`,
    description,
    runbook_url: runbookUrl(name)
  }
})

const everything = Query.rules("30m")
const SHARE = "{{ $value | humanizePercentage }}"

/** An open circuit that nobody asks stays open until the next call: it harms nobody. */
const isAsked = `and on (job, service) ${measured.calls} > 0`

/** All of them. */
export const alertingRules: ReadonlyArray<AlertingRule> = [
  rule("CircuitBreakerOpen", {
    expr: `${measured.replicasOut} >= 0.5 ${isAsked}`,
    for: "5m",
    severity: "critical",
    summary: `the circuit is open on ${SHARE} of the replicas`,
    description:
      `For 5 minutes the circuit of {{ $labels.service }} has been open or half-open on ${SHARE} of the replicas of ` +
      "{{ $labels.job }}. Calls are rejected, or answered by a fallback."
  }),
  rule("CircuitBreakerOpen", {
    expr: `${measured.replicasOut} > 0 < 0.5 ${isAsked}`,
    for: "10m",
    summary: `the circuit is open on ${SHARE} of the replicas`,
    description:
      `For 10 minutes the circuit of {{ $labels.service }} has been open or half-open on ${SHARE} of the replicas of ` +
      "{{ $labels.job }}. The others still call: look for what is wrong with these replicas."
  }),
  rule("CircuitBreakerFlapping", {
    expr: `${Query.by("max", circuitBreaker.transitions, Query.growth(circuitBreaker.transitions, everything, `from="Closed"`, `to="Open"`))} >= 4`,
    for: "5m",
    summary: "the circuit opens and closes again and again",
    description:
      "On one replica the circuit of {{ $labels.service }} has opened {{ $value | humanize }} times in 30 minutes. " +
      "The dependency is well enough for a probe, and not for the load."
  }),
  rule("CircuitBreakerIsolated", {
    expr: `${Query.by("count", circuitBreaker.state, `${Query.select(circuitBreaker.state, everything)} == 3`)} > 0`,
    for: "1h",
    summary: "the circuit has been isolated for an hour",
    description:
      "Somebody isolated the circuit of {{ $labels.service }} on {{ $value }} replicas of {{ $labels.job }}, and it stays " +
      "open until somebody resets it. Was it forgotten?"
  }),
  rule("CircuitBreakerRecoverySlow", {
    expr: `${measured.recoverySeconds} > ${targets.recoverySeconds}`,
    for: "5m",
    summary: "recovery takes {{ $value | humanizeDuration }}",
    description:
      "In the last hour a circuit of {{ $labels.service }} took {{ $value | humanizeDuration }} on average until it closed " +
      `again; an outage that goes on counts so far. The target is ${targets.recoverySeconds / 60} minutes.`
  }),
  rule("RetriesExhausted", {
    expr: `${measured.retrySuccess} < ${targets.retrySuccess}`,
    for: "10m",
    summary: `only ${SHARE} of the retried calls succeed`,
    description:
      `Of the calls of {{ $labels.service }} that were retried, ${SHARE} succeeded in the last 5 minutes; for the others ` +
      `the attempts ran out. The target is more than ${percent(targets.retrySuccess)}.`
  }),
  rule("TimeoutsExceeded", {
    expr: `${measured.timeouts} > ${targets.timeouts}`,
    for: "10m",
    summary: `${SHARE} of the calls exceed their time`,
    description:
      `${SHARE} of the calls of {{ $labels.service }} (operation type {{ $labels.operation_type }}) exceeded their time in ` +
      `the last 5 minutes. The target is less than ${percent(targets.timeouts)}.`
  }),
  rule("BulkheadSaturated", {
    expr: `${Query.by("max", bulkhead.queueDepth, `min_over_time(${Query.select(bulkhead.queueDepth, everything)}[5m])`)} > 0`,
    for: "5m",
    summary: "calls have been waiting for 10 minutes",
    description:
      "On one replica of {{ $labels.job }} the queue of the bulkhead of {{ $labels.service }} has not been empty for " +
      "10 minutes; at least {{ $value }} calls waited at any time of the last 5. Next, it will turn calls away."
  }),
  rule("BulkheadRejecting", {
    expr: `${measured.bulkheadRejections} > ${targets.bulkheadRejections}`,
    for: "10m",
    summary: `the bulkhead turns away ${SHARE} of the calls`,
    description:
      `The bulkhead of {{ $labels.service }} turned away ${SHARE} of the calls in the last 5 minutes, because its queue was ` +
      `full or the wait too long. The target is less than ${percent(targets.bulkheadRejections)}.`
  }),
  rule("FallbackOverused", {
    expr: `${measured.fallbackUsage} > ${targets.fallbackUsage}`,
    for: "10m",
    summary: `a fallback answers ${SHARE} of the calls`,
    description:
      `${SHARE} of the calls of {{ $labels.service }} ended in a fallback in the last 5 minutes: users get second-best ` +
      `answers. The target is less than ${percent(targets.fallbackUsage)}.`
  })
]
