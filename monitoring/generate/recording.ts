/**
 * Recording rules: the counts of the last five minutes, and what is made of them.
 */
import * as Measure from "./measures.ts"
import * as Query from "./queries.ts"

/** A rule that records a series. */
export interface RecordingRule {
  readonly record: string
  readonly expr: string
}

const WINDOW = Query.rules("5m")

/** The names of the recorded counts. */
export const counted: Measure.Counts = {
  successes: "job_service:circuit_breaker_successes:increase5m",
  failures: "job_service:circuit_breaker_failures:increase5m",
  rejections: "job_service:circuit_breaker_rejections:increase5m",
  retries: "job_service:retry_attempts:increase5m",
  retrySuccesses: "job_service:retry_success_after_retry:increase5m",
  retriesExhausted: "job_service:retry_exhausted:increase5m",
  timeouts: "job_service_operation:timeout_exceeded:increase5m",
  limitedCalls: "job_service_operation:timeout_calls:increase5m",
  attempts: "job_service:timeout_attempts:increase5m",
  bulkheadRejections: "job_service:bulkhead_rejections:increase5m",
  fallbacks: "job_service:fallback_used:increase5m"
}

/** The names of the recorded measures. */
export const measured = {
  calls: "job_service:circuit_breaker_calls:increase5m",
  replicasOut: "job_service:circuit_breaker_replicas_out:ratio",
  recoverySeconds: "job_service:circuit_breaker_recovery_seconds:mean1h",
  retrySuccess: "job_service:retry_success:ratio5m",
  timeouts: "job_service_operation:timeout_exceeded:ratio5m",
  bulkheadRejections: "job_service:bulkhead_rejections:ratio5m",
  fallbackUsage: "job_service:fallback_used:ratio5m"
} as const

const expressions = Measure.counts(WINDOW)

const measures: Record<keyof typeof measured, string> = {
  calls: Measure.calls(counted),
  replicasOut: Measure.replicasOut(WINDOW),
  recoverySeconds: Measure.recoverySeconds(Query.rules("1h"), "15s", "15"),
  retrySuccess: Measure.retrySuccess(counted),
  timeouts: Measure.timeouts(counted),
  bulkheadRejections: Measure.bulkheadRejections(counted),
  fallbackUsage: Measure.fallbackUsage(counted)
}

const keysOf = <Key extends string>(record: Readonly<Record<Key, string>>) => Object.keys(record) as Array<Key>

/** All of them; the measures stand behind the counts that they read. */
export const recordingRules: ReadonlyArray<RecordingRule> = [
  ...keysOf(counted).map((key) => ({ record: counted[key], expr: expressions[key] })),
  ...keysOf(measured).map((key) => ({ record: measured[key], expr: measures[key] }))
]
