/**
 * The metrics of retries.
 */
import type * as Policy from "../Policy.ts"
import type { Retry } from "../Retry.ts"
import { counter, events, label } from "./instruments.ts"

/** The names of the metrics. */
export const metrics = {
  attempts: "retry.attempts",
  exhausted: "retry.exhausted",
  successAfterRetry: "retry.success_after_retry"
} as const

const labels = ({ service }: Policy.Instance): Policy.Labels => ({ function: service })

/** The metrics. */
export const instruments = (): ReadonlyArray<Policy.Instrument<Retry>> => [
  events(
    metrics.attempts,
    "Failed attempts after which another one was scheduled",
    "RetryScheduled",
    (event) => ({
      function: event.service,
      attempt_number: label(event, "attempt_number"),
      exception_type: label(event, "exception_type")
    }),
    { unit: "{attempt}" }
  ),
  counter(
    metrics.exhausted,
    "Calls whose attempts ran out",
    labels,
    (retry: Retry, now) => retry.snapshot(now).exhausted
  ),
  counter(
    metrics.successAfterRetry,
    "Calls that succeeded after at least one retry",
    labels,
    (retry: Retry, now) => retry.snapshot(now).successesAfterRetry
  )
]
