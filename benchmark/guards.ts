/**
 * Guards of all libraries look alike to the measurements, whether they guard effects or promises.
 */
import type { Burst } from "./measures/burst.ts"
import type { Loops } from "./loops.ts"
import type { Ending } from "./operations.ts"

/** One guard, around calls that end in any way. */
export interface Guard {
  /** One call after the other. */
  readonly around: (ending: Ending) => Loops
  /** Many calls at once. */
  readonly burst: (ending: Ending) => Burst
}

/** A pattern of a library. */
export interface Pattern {
  /** What an application keeps of it. */
  readonly instance: () => unknown
  /** A guard with an instance of its own. */
  readonly guard: () => Guard
}

/** A pattern that has an instance for each key: calls with one key after the other. */
export interface Keyed {
  readonly around: (next: () => string, ending: Ending) => Loops
}

/** A walk through keys that no cache can foresee. */
export const randomWalk = (keys: ReadonlyArray<string>): (() => string) => {
  let state = 1
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return keys[Math.floor((state / 2 ** 32) * keys.length)]!
  }
}
