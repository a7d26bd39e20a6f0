/**
 * What is told about a circuit's transitions.
 */
import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import * as Machine from "../../core/CircuitBreaker.ts"
import type { Mode } from "../CircuitBreaker.ts"
import * as Policy from "../Policy.ts"

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

/** What the circuits of one breaker have in common, as far as their transitions are told. */
interface Shared {
  readonly service: string
  readonly home: Policy.Observer | undefined
  readonly listeners: Listeners | undefined
  readonly mode: Mode
}

/** A change of the state of one circuit. */
export interface Change {
  readonly key: string | undefined
  readonly before: Machine.State
  readonly after: Machine.State
  readonly now: number
  /** How long the circuit has not been closed. */
  readonly outageMillis: number
  /** Whether it has not been told already, as the change of another circuit. */
  readonly isNews: boolean
}

/** Tells the listeners, and those who hear events. */
export const tell = (fiber: Fiber.Fiber<unknown, unknown>, shared: Shared, change: Change): void => {
  const { home, listeners } = shared
  const event =
    change.isNews && Policy.isObserved(fiber, home) ? Policy.emission(fiber, home, eventOf(shared, change)) : undefined
  inTurn(() => {
    tellListeners(listeners, change)
    event?.()
  })
}

let telling: Array<() => void> | undefined

/** One transition after the other: what those who are told bring about is told when all know what came before. */
const inTurn = (tell: () => void): void => {
  if (telling !== undefined) return void telling.push(tell)
  telling = [tell]
  try {
    for (const one of telling) one()
  } finally {
    telling = undefined
  }
}

/**
 * How much it matters that a circuit is in this state now; from where to where; for how long it will be open, or for how long
 * it was not closed; the mode, if it turns nobody away.
 */
const eventOf = ({ mode, service }: Shared, { after, before, outageMillis }: Change): Omit<Policy.Event, "at"> => ({
  _tag: "CircuitBreakerTransition",
  kind: "circuit-breaker",
  service,
  severity: after._tag === "Open" || after._tag === "Isolated" ? "Warn" : "Info",
  attributes: {
    from: before._tag,
    to: after._tag,
    openings: after.history.openings,
    ...(after._tag === "Open" && { open_millis: after.history.openMillis }),
    ...(after._tag === "Closed" && { outage_millis: Math.round(outageMillis) }),
    ...(mode !== "enforce" && { mode })
  }
})

const tellListeners = (listeners: Listeners | undefined, { after, before, key, now }: Change): void => {
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
