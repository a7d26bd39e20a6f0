/**
 * The metrics of circuit breakers.
 */
import type * as Machine from "../../core/CircuitBreaker.ts"
import type { CircuitBreaker } from "../CircuitBreaker.ts"
import type * as Policy from "../Policy.ts"
import { counter, events, gauge, label } from "./instruments.ts"

/** The names of the metrics. */
export const metrics = {
  state: "circuit_breaker.state",
  successes: "circuit_breaker.successes",
  failures: "circuit_breaker.failures",
  rejections: "circuit_breaker.rejections",
  transitions: "circuit_breaker.transitions"
} as const

const stateNumbers: Record<Machine.State["_tag"], number> = { Closed: 0, Open: 1, HalfOpen: 2, Isolated: 3 }
const labels = ({ service }: CircuitBreaker): Policy.Labels => ({ service })

/** What a circuit does by itself. */
const usual: ReadonlyArray<readonly [Machine.State["_tag"], Machine.State["_tag"]]> = [
  ["Closed", "Open"],
  ["Open", "HalfOpen"],
  ["HalfOpen", "Closed"],
  ["HalfOpen", "Open"]
]

/** The metrics. */
export const instruments = (): ReadonlyArray<Policy.Instrument<CircuitBreaker>> => [
  gauge(
    metrics.state,
    "State of the circuit, the worst of its keys included: 0 closed, 1 open, 2 half-open, 3 isolated",
    labels,
    (breaker, now) => stateNumbers[breaker.worstState(now)],
    "{state}"
  ),
  counter(metrics.successes, "Calls counted as success", labels, ({ totals }) => totals.successes),
  counter(metrics.rejections, "Calls turned away", labels, ({ totals }) => totals.rejections),
  events(metrics.failures, "Calls counted as failure", "CircuitBreakerFailure", (event) => ({
    service: event.service,
    exception_type: label(event, "exception_type")
  })),
  events(
    metrics.transitions,
    "Changes of the circuit's state",
    "CircuitBreakerTransition",
    (event) => ({ service: event.service, from: label(event, "from"), to: label(event, "to") }),
    {
      initial: ({ service }) => usual.map(([from, to]) => ({ service, from, to })),
      unit: "{transition}"
    }
  )
]
