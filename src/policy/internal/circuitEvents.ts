/**
 * What is told about a circuit's transitions.
 */
import * as Duration from "effect/Duration"
import * as Machine from "../../core/CircuitBreaker.ts"
import type { Mode } from "../CircuitBreaker.ts"
import type * as Policy from "../Policy.ts"

/** A change of state; `key` is that of the circuit, if it has one. */
export interface Transition {
  readonly key: string | undefined
  readonly from: Machine.State["_tag"]
  readonly to: Machine.State["_tag"]
  /** Repeated openings without a quiet spell in between. */
  readonly openings: number
  /** The time until the next probe is possible; missing unless `to` is "Open". */
  readonly retryAfter: Duration.Duration | undefined
}

/** Who hears of transitions, also of keys. */
export type Listeners = Set<(transition: Transition) => void>

/** How much it matters that a circuit is in this state now. */
export const severityOf = ({ _tag }: Machine.State): Policy.Severity =>
  _tag === "Open" || _tag === "Isolated" ? "Warn" : "Info"

/** From where to where; for how long it will be open, or for how long it was not closed; the mode, if it turns nobody away. */
export const attributesOf = (
  before: Machine.State,
  after: Machine.State,
  outageMillis: number,
  mode: Mode
): Policy.Event["attributes"] => ({
  from: before._tag,
  to: after._tag,
  openings: after.history.openings,
  ...(after._tag === "Open" && { open_millis: after.history.openMillis }),
  ...(after._tag === "Closed" && { outage_millis: Math.round(outageMillis) }),
  ...(mode !== "enforce" && { mode })
})

/** Tells every listener. */
export const tellListeners = (
  listeners: Listeners | undefined,
  key: string | undefined,
  before: Machine.State,
  after: Machine.State,
  now: number
): void => {
  if (listeners === undefined) return
  const retryAfter = after._tag === "Open" ? waitOf(Math.max(0, after.until - now)) : undefined
  const { openings } = after.history
  // A copy: who subscribes while this goes on hears the next transition, not this one.
  for (const listener of Array.from(listeners)) {
    if (!listeners.has(listener)) continue
    try {
      listener({ key, from: before._tag, to: after._tag, openings, retryAfter })
    } catch {
      // Like an observer's failure, a listener's must not become the failure of the call that caused the transition.
    }
  }
}

/** The time to wait as it is told to callers; `undefined` when none is known. */
export const waitOf = (millis: number): Duration.Duration | undefined =>
  millis >= Machine.FOREVER / 2 ? undefined : Duration.millis(Math.ceil(millis))
