/**
 * Which events are alerts.
 */
import * as Duration from "effect/Duration"
import { waitOf } from "../../policy/internal/circuitEvents.ts"
import type * as Policy from "../../policy/Policy.ts"
import type { Alert } from "../Alerts.ts"

/** The alert that an event is, if it is one. */
export const alertOf = (event: Policy.Event): Alert | undefined => {
  if (event._tag === "CircuitBreakerTransition") return ofTransition(event)
  return event._tag === "RetryAbandoned" && event.attributes["reason"] === "budget"
    ? { kind: "budget-exhausted", ...common(event) }
    : undefined
}

const ofTransition = (event: Policy.Event): Alert | undefined => {
  const { from, mode, to } = event.attributes
  // A breaker that only observes turns nobody away: nothing that would wake a person.
  if (mode !== undefined) return undefined
  if (to === "Closed") return { kind: "closed", ...common(event), outage: Duration.millis(millisOf(event, "outage")) }
  if (to === "Isolated") return { kind: "isolated", ...common(event) }
  // From half-open, a probe has failed: the same outage goes on.
  return to === "Open" && from === "Closed"
    ? { kind: "opened", ...common(event), openTime: waitOf(millisOf(event, "open")) }
    : undefined
}

const common = ({ at, service, severity }: Policy.Event) => ({ service, severity, at, count: 1 })

const millisOf = ({ attributes }: Policy.Event, name: string): number => Number(attributes[`${name}_millis`])
