/**
 * A small random number generator with a seed (mulberry32), for sequences that are the same in every run.
 */
export interface Seeded {
  /** At least 0 and below 1. */
  readonly next: () => number
  /** A whole number from `least` to `most`, both included. */
  readonly integer: (least: number, most: number) => number
  readonly pick: <A>(from: ReadonlyArray<A>) => A
}

/** The generator of a seed. */
export const seeded = (seed: number): Seeded => {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
  const integer = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1))
  return { next, integer, pick: (from) => from[integer(0, from.length - 1)]! }
}
