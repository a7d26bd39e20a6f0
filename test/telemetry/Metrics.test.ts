import { describe, expect, it } from "@effect/vitest"
import { Resilience } from "../../src/index.ts"
import { Metrics } from "../../src/telemetry/index.ts"

describe("series", () => {
  it("have the names that OpenTelemetry's specification gives them", () => {
    expect(Object.fromEntries(Resilience.instruments.map(({ name }) => [name, Metrics.seriesName(name)]))).toEqual({
      "circuit_breaker.state": "circuit_breaker_state",
      "circuit_breaker.successes": "circuit_breaker_successes_total",
      "circuit_breaker.failures": "circuit_breaker_failures_total",
      "circuit_breaker.rejections": "circuit_breaker_rejections_total",
      "circuit_breaker.transitions": "circuit_breaker_transitions_total",
      "retry.attempts": "retry_attempts_total",
      "retry.exhausted": "retry_exhausted_total",
      "retry.success_after_retry": "retry_success_after_retry_total",
      "timeout.exceeded": "timeout_exceeded_total",
      "timeout.duration": "timeout_duration_seconds",
      "bulkhead.active_operations": "bulkhead_active_operations",
      "bulkhead.queue_depth": "bulkhead_queue_depth",
      "bulkhead.rejections": "bulkhead_rejections_total",
      "fallback.used": "fallback_used_total",
      "fallback.cache_hits": "fallback_cache_hits_total",
      "resilience.pattern_invocations": "resilience_pattern_invocations_total",
      "resilience.pattern_effectiveness": "resilience_pattern_effectiveness_ratio",
      "error.total": "error_total"
    })
  })

  it("of others keep their names", () => {
    expect(Metrics.seriesName("http.requests")).toBe("http.requests")
  })
})
