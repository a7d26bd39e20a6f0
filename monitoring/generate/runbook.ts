/**
 * The alerts by name, and where each is explained.
 */
const RUNBOOK = "https://github.com/effect-resilience/effect-resilience/blob/main/docs/runbook.md"

/** The names of the alerts. */
export type AlertName =
  | "CircuitBreakerOpen"
  | "CircuitBreakerFlapping"
  | "CircuitBreakerIsolated"
  | "CircuitBreakerRecoverySlow"
  | "RetriesExhausted"
  | "TimeoutsExceeded"
  | "BulkheadSaturated"
  | "BulkheadRejecting"
  | "FallbackOverused"

/** The page that explains an alert, or all of them. */
export const runbookUrl = (alert?: AlertName): string =>
  alert === undefined ? RUNBOOK : `${RUNBOOK}#${alert.toLowerCase()}`
