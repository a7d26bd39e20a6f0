/**
 * Cases of times.
 */
import type { Case, Targets } from "../case.ts"
import type { Pattern } from "../guards.ts"
import type { Loops } from "../loops.ts"
import { bursts, type Crowd } from "../measures/burst.ts"
import { type Settings, time, warm } from "../measures/rounds.ts"
import type { Ending } from "../operations.ts"

type Variants = Readonly<Record<string, Loops>>

/** A case of loops. They are made when they are needed; those that are too large to keep are not warmed up. */
export const timed = (
  name: string,
  targets: Targets,
  variantsOf: () => Variants | Promise<Variants>,
  options: { readonly isSlow?: boolean; readonly isLarge?: boolean } = {}
): Case => {
  let variants: Variants | undefined
  const warmed = async () => warm((variants = await variantsOf()))
  return {
    name,
    unit: "addedNanos",
    targets,
    isSlow: options.isSlow,
    warm: options.isLarge === true ? undefined : warmed,
    measure: async (settings) => time(variants ?? (await variantsOf()), settings)
  }
}

/** So many calls at once. */
export const crowdOf = (pattern: Pattern | undefined, ending: Ending, size: number): Crowd | undefined =>
  pattern === undefined ? undefined : { burst: pattern.guard().burst(ending), size }

/** A burst takes much longer than a batch. */
export const burstRounds = ({ rounds }: Settings): number => Math.ceil(rounds / 4)

/** A case of calls that are started together. */
export const crowded = (name: string, targets: Targets, crowdsOf: () => Readonly<Record<string, Crowd>>): Case => ({
  name,
  unit: "addedNanos",
  targets,
  measure: async (settings) => (await bursts(crowdsOf(), burstRounds(settings))).addedNanos
})
