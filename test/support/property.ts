/**
 * Properties: what must hold for whatever a seed makes. A failure tells the seed, and how to have it again.
 *
 * `FUZZ_SEED=17` runs that seed alone, `FUZZ_RUNS=10000` runs so many of each property, from other seeds.
 */
import { it } from "vitest"
import { seeded, type Seeded } from "../../src/testing/internal/Seeded.ts"

/** Makes values of a seed. */
export interface Dice extends Seeded {
  /** True in so many of all cases. */
  readonly isLucky: (share: number) => boolean
  readonly many: <A>(most: number, make: () => A) => Array<A>
  /** One of several things, made only if it is the one. */
  readonly oneOf: <A>(...makes: ReadonlyArray<() => A>) => A
}

export const diceOf = (seed: number): Dice => {
  const dice = seeded(seed)
  return {
    ...dice,
    isLucky: (share) => dice.next() < share,
    many: (most, make) => Array.from({ length: dice.integer(0, most) }, make),
    oneOf: (...makes) => dice.pick(makes)()
  }
}

interface Environment {
  readonly FUZZ_SEED?: string | undefined
  readonly FUZZ_RUNS?: string | undefined
}

/** The seeds of a run: one, the usual ones, or many that are not the usual ones. */
export const seedsOf = (runs: number, { FUZZ_RUNS, FUZZ_SEED }: Environment): ReadonlyArray<number> => {
  if (FUZZ_SEED !== undefined) return [Number(FUZZ_SEED)]
  const [first, length] = FUZZ_RUNS === undefined ? [1, runs] : [1_000_000, Number(FUZZ_RUNS)]
  return Array.from({ length }, (_, index) => first + index)
}

/** A value for messages, not all of it if it is long. */
const shown = (value: unknown): string => {
  try {
    return (JSON.stringify(value) ?? String(value)).slice(0, 2_000)
  } catch {
    return String(value)
  }
}

/** Checks a property for the value of each seed. */
export const check = async <A>(
  name: string,
  seeds: ReadonlyArray<number>,
  make: (dice: Dice) => A,
  holds: (value: A) => unknown
): Promise<void> => {
  for (const seed of seeds) {
    const value = make(diceOf(seed))
    try {
      // oxlint-disable-next-line no-await-in-loop -- the first seed that fails is the one to tell
      await holds(value)
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause)
      throw new Error(`"${name}" fails for seed ${seed} (again: FUZZ_SEED=${seed}): ${shown(value)}\n${reason}`, {
        cause
      })
    }
  }
}

/** A test of a property. */
export const property = <A>(
  name: string,
  make: (dice: Dice) => A,
  holds: (value: A) => unknown,
  { runs = 300 }: { readonly runs?: number } = {}
): void => {
  it(name, { timeout: 600_000 }, () => check(name, seedsOf(runs, process.env), make, holds))
}
