/**
 * Who keeps the circuits of a breaker open. Several operators may, each for reasons of their own: the circuits are isolated
 * until the last of them is done.
 */
import * as Machine from "../../core/CircuitBreaker.ts"

/** One operator's isolation. */
export interface Isolation {
  readonly by: string
  readonly reason: string | undefined
  readonly until: number
}

/** All isolations, by operator. */
export interface Isolations {
  readonly set: (isolation: Isolation) => void
  readonly delete: (by: string) => void
  readonly clear: () => void
  /** Those that have not ended. */
  readonly at: (now: number) => ReadonlyArray<Isolation>
}

/** Nobody isolates. */
export const make = (): Isolations => {
  const all = new Map<string, Isolation>()
  return {
    set: (isolation) => void all.set(isolation.by, isolation),
    delete: (by) => void all.delete(by),
    clear: () => all.clear(),
    at: (now) => [...all.values()].filter(({ until }) => now < until)
  }
}

/** What the isolations that have not ended make of a circuit. */
export const changeBy = (isolations: ReadonlyArray<Isolation>) => {
  if (isolations.length === 0) return Machine.reset
  const until = Math.max(...isolations.map((isolation) => isolation.until))
  return (state: Machine.State): Machine.State => Machine.isolate(state, until)
}
