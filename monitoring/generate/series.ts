/**
 * The series that dashboard and rules read. Their names come from the constants under which the metrics are made.
 */
import { Bulkhead, CircuitBreaker, Fallback, Pipeline, Resilience, Retry, Timeout } from "effect-resilience"
import { Metrics } from "effect-resilience/telemetry"

/** A series in Prometheus. */
export interface Series {
  readonly name: string
  /** The label that holds the service's name; missing where calls of all services are counted together. */
  readonly service?: "service" | "function" | "resource_type"
  /** Whether a set of labels appears with its first event, and not at zero with the instance. */
  readonly isBornWithEvent?: true
}

const state: Series = { name: Metrics.seriesName(CircuitBreaker.metrics.state), service: "service" }
const successes: Series = { name: Metrics.seriesName(CircuitBreaker.metrics.successes), service: "service" }
const rejections: Series = { name: Metrics.seriesName(CircuitBreaker.metrics.rejections), service: "service" }
const transitions: Series = { name: Metrics.seriesName(CircuitBreaker.metrics.transitions), service: "service" }
const failures: Series = {
  name: Metrics.seriesName(CircuitBreaker.metrics.failures),
  service: "service",
  isBornWithEvent: true
}

/** Circuit breakers. Somebody's first command for a circuit makes a transition that was not there before. */
export const circuitBreaker = {
  state,
  successes,
  failures,
  rejections,
  transitions,
  transitionsByHand: { ...transitions, isBornWithEvent: true }
} as const satisfies Record<string, Series>

/** Retries. */
export const retry = {
  attempts: { name: Metrics.seriesName(Retry.metrics.attempts), service: "function", isBornWithEvent: true },
  exhausted: { name: Metrics.seriesName(Retry.metrics.exhausted), service: "function" },
  successAfterRetry: { name: Metrics.seriesName(Retry.metrics.successAfterRetry), service: "function" }
} as const satisfies Record<string, Series>

const duration = Metrics.seriesName(Timeout.metrics.duration)

/** Time limits of attempts, and deadlines, whose operation type is "total". */
export const timeout = {
  exceeded: { name: Metrics.seriesName(Timeout.metrics.exceeded), service: "function" },
  calls: { name: `${duration}_count`, service: "function" },
  buckets: { name: `${duration}_bucket`, service: "function" }
} as const satisfies Record<string, Series>

/** Bulkheads. */
export const bulkhead = {
  activeOperations: { name: Metrics.seriesName(Bulkhead.metrics.activeOperations), service: "resource_type" },
  queueDepth: { name: Metrics.seriesName(Bulkhead.metrics.queueDepth), service: "resource_type" },
  rejections: { name: Metrics.seriesName(Bulkhead.metrics.rejections), service: "resource_type" }
} as const satisfies Record<string, Series>

/** Fallbacks. */
export const fallback = {
  used: { name: Metrics.seriesName(Fallback.metrics.used), service: "function", isBornWithEvent: true },
  cacheHits: { name: Metrics.seriesName(Fallback.metrics.cacheHits), service: "function", isBornWithEvent: true }
} as const satisfies Record<string, Series>

/** All patterns, and all services together. */
export const everything = {
  errors: { name: Metrics.seriesName(Pipeline.metrics.errors), isBornWithEvent: true },
  invocations: { name: Metrics.seriesName(Resilience.metrics.invocations) },
  effectiveness: { name: Metrics.seriesName(Resilience.metrics.effectiveness) }
} as const satisfies Record<string, Series>
