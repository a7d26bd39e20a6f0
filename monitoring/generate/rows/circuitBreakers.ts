import * as Measure from "../measures.ts"
import * as Panel from "../panels.ts"
import * as Query from "../queries.ts"
import { circuitBreaker } from "../series.ts"
import { row, SERVICE, stateMappings } from "./row.ts"

const now = Query.aroundPoint
const state = Query.select(circuitBreaker.state, now)

export const circuitBreakers = row("Circuit breakers", [
  Panel.tiles(
    {
      title: "State by service",
      description:
        "The state of each circuit now, on the replica where it is worst. Open: calls are rejected. Half-open: a probe finds " +
        "out whether the dependency is back. Isolated: somebody opened it by hand and has to reset it. " +
        "Next: is it one replica or all of them, and which errors led to it?",
      width: 7,
      queries: [{ expr: Measure.worstState(now), legend: SERVICE, isInstant: true }],
      unit: "none",
      mappings: stateMappings,
      noValue: "no circuits are scraped",
      alerts: ["CircuitBreakerOpen", "CircuitBreakerIsolated"]
    },
    "background"
  ),
  Panel.stateTimeline({
    title: "State over time",
    description:
      "The worst state on any replica. Short stripes in turn: the circuit flaps, the dependency bears a probe but not the load. " +
      "A circuit turns half-open with the first call after its open time, so without calls it stays open and harms nobody. " +
      "With circuits by key it is the worst of them: half-open for long is a key that nobody asks any more.",
    width: 11,
    queries: [{ expr: Measure.worstState(now), legend: SERVICE }],
    unit: "none",
    mappings: stateMappings,
    alerts: ["CircuitBreakerFlapping"]
  }),
  Panel.lines({
    title: "Replicas with a circuit that is not closed",
    description:
      "Share of the replicas. 100 %: the dependency is down, look at its own status. Less: look for what is different about " +
      "these replicas (network, credentials, a bad node); the query without its aggregation names them.",
    width: 6,
    queries: [{ expr: Query.by("avg", circuitBreaker.state, `${state} > bool 0`), legend: SERVICE }],
    unit: "percentunit",
    max: 1,
    alerts: ["CircuitBreakerOpen"]
  }),
  Panel.lines({
    title: "Success rate",
    description:
      "Share of the calls that ended well, of all that asked the circuit: rejected ones count, so an open circuit is a drop " +
      "to 0. Every attempt of a retry is a call here. A gap means that nobody called.",
    width: 8,
    queries: [{ expr: Measure.successRate(Measure.counts(now)), legend: SERVICE }],
    unit: "percentunit",
    max: 1,
    alerts: ["CircuitBreakerOpen"]
  }),
  Panel.bars({
    title: "Failures over time",
    description:
      "Calls per minute that the circuit counts as failures, by the tag of their error. The tag says where to look: a timeout " +
      "is slowness (see Timeouts), a refused connection is the network or a restart, 5xx is the dependency itself.",
    width: 8,
    queries: [
      { expr: Query.perMinute(circuitBreaker.failures, "exception_type"), legend: `${SERVICE} {{exception_type}}` }
    ],
    unit: "cpm",
    noValue: "none"
  }),
  Panel.bars({
    title: "Calls turned away",
    description:
      "Calls per minute that the circuit rejected without asking the dependency. This is the load that the dependency is " +
      "spared, and what callers feel unless a fallback answers (see Fallbacks).",
    width: 8,
    queries: [{ expr: Query.perMinute(circuitBreaker.rejections), legend: SERVICE }],
    unit: "cpm"
  })
])
