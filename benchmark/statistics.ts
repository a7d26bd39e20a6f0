/**
 * Figures of many rounds as one: medians, spread, and whether a target is missed by more than the noise.
 */

/** One figure for each round, in order. */
export type Rounds = ReadonlyArray<number>

/** The value below which a share of the values lies. */
export const quantile = (values: Rounds, share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  const position = (sorted.length - 1) * share
  const below = Math.floor(position)
  const [low = Number.NaN, high = low] = [sorted[below], sorted[below + 1]]
  return low + (high - low) * (position - below)
}

export const median = (values: Rounds): number => quantile(values, 0.5)

/** Between which values the middle half lies. */
export const quartiles = (values: Rounds): readonly [low: number, high: number] => [
  quantile(values, 0.25),
  quantile(values, 0.75)
]

/** One cost as a multiple of another, in each round: a machine is slower one minute and faster the next. */
export const ratios = (ours: Rounds, theirs: Rounds): Rounds => ours.map((cost, round) => cost / theirs[round]!)

/**
 * Whether a cost is at most so much, the measured noise allowed for: the noise is the distance from the median down to the
 * lower quartile, so a target is missed if three quarters of the rounds are above it.
 */
export const meets = (values: Rounds, most: number): boolean => quantile(values, 0.25) <= most
