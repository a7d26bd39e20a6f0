/**
 * What is told about a circuit's transitions.
 */
import type * as Machine from "../../core/CircuitBreaker.ts"
import type * as Policy from "../Policy.ts"

/** How much it matters that a circuit is in this state now. */
export const severityOf = ({ _tag }: Machine.State): Policy.Severity =>
  _tag === "Open" || _tag === "Isolated" ? "Warn" : "Info"

/** From where to where; for how long it will be open, or for how long it was not closed. */
export const attributesOf = (
  before: Machine.State,
  after: Machine.State,
  outageMillis: number
): Policy.Event["attributes"] => ({
  from: before._tag,
  to: after._tag,
  openings: after.history.openings,
  ...(after._tag === "Open" && { open_millis: after.history.openMillis }),
  ...(after._tag === "Closed" && { outage_millis: outageMillis })
})
