/**
 * What is measured, in one place for dashboard, recording rules and alerts: the number in an alert is the one in the panel.
 */
import * as Query from "./queries.ts"
import { bulkhead, circuitBreaker, fallback, retry, timeout } from "./series.ts"

/** The targets. */
export const targets = {
  retrySuccess: 0.7,
  timeouts: 0.05,
  bulkheadRejections: 0.01,
  fallbackUsage: 0.1,
  recoverySeconds: 300,
  falsePositives: 0.01
} as const

/** A share in words. */
export const percent = (share: number): string => `${Number((share * 100).toFixed(2))} %`

/** Counts by job and service (those of timeouts by operation type too), each an expression. */
export interface Counts {
  readonly successes: string
  readonly failures: string
  readonly rejections: string
  readonly retries: string
  readonly retrySuccesses: string
  readonly retriesExhausted: string
  readonly timeouts: string
  readonly limitedCalls: string
  readonly attempts: string
  readonly bulkheadRejections: string
  readonly fallbacks: string
}

/** The counts of a window, from the series. */
export const counts = (scope: Query.Scope): Counts => ({
  successes: Query.total(circuitBreaker.successes, scope),
  failures: Query.totalOrZero(circuitBreaker.failures, scope),
  rejections: Query.total(circuitBreaker.rejections, scope),
  retries: Query.totalOrZero(retry.attempts, scope),
  retrySuccesses: Query.total(retry.successAfterRetry, scope),
  retriesExhausted: Query.total(retry.exhausted, scope),
  timeouts: Query.total(timeout.exceeded, scope, [], ["operation_type"]),
  limitedCalls: Query.total(timeout.calls, scope, [], ["operation_type"]),
  attempts: Query.total(timeout.calls, scope, [`operation_type!="total"`]),
  bulkheadRejections: Query.totalOrZero(bulkhead.rejections, scope),
  fallbacks: Query.totalOrZero(fallback.used, scope)
})

/** Calls that asked the circuit: every attempt of a retry is one. */
export const calls = ({ failures, rejections, successes }: Counts): string =>
  `(${successes} + ${failures} + ${rejections})`

/** Share of the calls that asked the circuit and ended well. */
export const successRate = (counts: Counts): string => Query.share(counts.successes, calls(counts))

/** Share of the retried calls that succeeded in the end. */
export const retrySuccess = ({ retriesExhausted, retrySuccesses }: Counts): string =>
  Query.share(retrySuccesses, `(${retrySuccesses} + ${retriesExhausted})`)

/** Share of the retried calls whose attempts ran out. */
export const retryExhaustion = ({ retriesExhausted, retrySuccesses }: Counts): string =>
  Query.share(retriesExhausted, `(${retrySuccesses} + ${retriesExhausted})`)

/** Share of the limited calls that exceeded their time. A call can come too late to be made, so it is bounded. */
export const timeouts = ({ limitedCalls, timeouts }: Counts): string =>
  `clamp_max(${Query.share(timeouts, limitedCalls)}, 1)`

/** Share of the calls that the bulkhead turned away; what it let in is known from the circuit, or else from the timeout. */
export const bulkheadRejections = ({ attempts, bulkheadRejections, failures, successes }: Counts): string =>
  Query.share(bulkheadRejections, `(${bulkheadRejections} + (${successes} + ${failures} or ${attempts}))`)

/**
 * Share of the callers' calls that a fallback answered, or tried to. Callers do not count a retry as a call. A chain can use
 * several fallbacks for one call, so it is bounded.
 */
export const fallbackUsage = (counts: Counts): string => {
  const callersCalls = `(${calls(counts)} + ${counts.bulkheadRejections} - ${counts.retries})`
  return `clamp_max(${Query.share(counts.fallbacks, callersCalls)}, 1)`
}

/**
 * Circuits that reject calls. Between two probes a circuit is open again, so it is out while it is half-open too, but not for
 * long: that of a key which nobody asks any more is half-open until it is forgotten, and rejects nobody.
 */
const out = (scope: Query.Scope): string => {
  const state = Query.select(circuitBreaker.state, scope)
  return `(${state} == 1 or ${state} == 2 and max_over_time((${state} == 1)[3m:15s]))`
}

/** Share of the replicas whose circuit is out. */
export const replicasOut = (scope: Query.Scope): string =>
  Query.by("avg", circuitBreaker.state, `${out(scope)} > bool 0 or 0 * ${Query.select(circuitBreaker.state, scope)}`)

/** The worst state that a circuit has on any replica. "Open" is worse than "half-open", although its number is smaller. */
export const worstState = (scope: Query.Scope): string => {
  const state = Query.select(circuitBreaker.state, scope)
  return [`${state} == 3`, `${state} == 1`, state]
    .map((values) => Query.by("max", circuitBreaker.state, values))
    .join(" or ")
}

const openings = (scope: Query.Scope): string =>
  Query.total(circuitBreaker.transitions, scope, [`from="Closed"`, `to="Open"`])

/**
 * Mean time until a circuit closed again. An outage that goes on counts with its time so far: from the beginning, not only
 * when it is over. Time in isolation is not counted; it is somebody's decision.
 */
export const recoverySeconds = (scope: Query.Scope, step: string, stepSeconds: string): string => {
  const samples = `count_over_time(${out(scope)}[${scope.window}:${step}])`
  return `${Query.by("sum", circuitBreaker.state, samples)} * ${stepSeconds} / clamp_min(${openings(scope)}, 1)`
}

/**
 * Share of the openings that the first probe ended: at most so many were mistakes. A close counts as the first probe's when
 * no probe has failed in the quarter of an hour before.
 */
export const falsePositives = (scope: Query.Scope, step: string): string => {
  const closes = Query.select(circuitBreaker.transitions, scope, `from="HalfOpen"`, `to="Closed"`)
  const failedProbes = Query.select(circuitBreaker.transitions, scope, `from="HalfOpen"`, `to="Open"`)
  const closed = `clamp_min(${closes} - ${closes} offset ${step}, 0)`
  const atFirst = `sum_over_time((${closed} unless ignoring (to) increase(${failedProbes}[15m]) > 0)[${scope.window}:${step}])`
  const part = `(${Query.by("sum", circuitBreaker.transitions, atFirst)} or 0 * ${openings(scope)})`
  return `clamp_max(${Query.share(part, openings(scope))}, 1)`
}
