/**
 * The circuits of all keys of a breaker, in a few numbers: a key itself may be a secret, and there may be many.
 */
import type * as Machine from "../../core/CircuitBreaker.ts"

type Name = Machine.State["_tag"]

/** What is true of the circuits of all keys, and of the one without a key. */
export interface KeyStates {
  /** How many keys have a circuit of their own. */
  readonly keys: number
  /** How many of these circuits are not closed. */
  readonly keysNotClosed: number
  /** The worst state of all circuits, that without a key included. See `worstState` of the breaker. */
  readonly worstState: Name
}

const WORSE_AND_WORSE: ReadonlyArray<Name> = ["Closed", "HalfOpen", "Open", "Isolated"]

/** Of a circuit without a key, and those of keys, if there have ever been any. It looks at each of them. */
export const keyStates = (
  main: Machine.State,
  keyed: ReadonlyArray<{ readonly stateAt: (now: number) => Machine.State }> | undefined,
  now: number
): KeyStates => {
  let keysNotClosed = 0
  let worst = WORSE_AND_WORSE.indexOf(keyed === undefined ? main._tag : nameOf(main, now))
  for (const circuit of keyed ?? []) {
    const rank = WORSE_AND_WORSE.indexOf(nameOf(circuit.stateAt(now), now))
    if (rank > 0) keysNotClosed++
    worst = Math.max(worst, rank)
  }
  return { keys: keyed?.length ?? 0, keysNotClosed, worstState: WORSE_AND_WORSE[worst]! }
}

/** Nobody may ask one circuit of many again, and it turns nobody away: where the next call is a probe, it is half-open. */
const nameOf = (state: Machine.State, now: number): Name =>
  state._tag === "Open" && now >= state.until ? "HalfOpen" : state._tag
