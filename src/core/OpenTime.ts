/**
 * How long a circuit stays open: longer each time, up to a maximum, and not as long as all others.
 */

/** The size of the time, in milliseconds. */
export interface Settings {
  readonly openMillis: number
  readonly openFactor: number
  readonly openMaxMillis: number
  /** Share by which the open time is spread: 0.2 means plus or minus 20 %. */
  readonly openJitter: number
}

/** The time for the nth opening in a row. Jitter is drawn below the maximum, so that it still spreads at the maximum. */
export const millis = (
  { openFactor, openJitter, openMaxMillis, openMillis }: Settings,
  openings: number,
  random: number
): number => {
  const grown = Math.min(openMillis * openFactor ** (openings - 1), openMaxMillis)
  const most = Math.min(grown * (1 + openJitter), openMaxMillis)
  const least = grown * (1 - openJitter)
  return least + random * (most - least)
}
