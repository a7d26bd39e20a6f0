/**
 * How long to wait before the next attempt.
 *
 * **Details**
 *
 * Jitter is drawn below the cap, not cut off at it: delays that have grown to the cap still spread, and none exceeds it.
 * "full" and "decorrelated" follow Marc Brooker, "Exponential Backoff And Jitter" (AWS Architecture Blog, 2015); the floor
 * of "decorrelated" is constant here, so that it cannot drift upwards.
 */

/** How delays grow. */
export type Strategy = "exponential" | "linear" | "fixed" | "random"

/** How delays are spread: not at all, by a fifth to either side, over everything below, or by a random walk. */
export type Jitter = "none" | "equal" | "full" | "decorrelated"

/** Durations in milliseconds. */
export interface Settings {
  readonly strategy: Strategy
  readonly baseMillis: number
  readonly factor: number
  readonly maxMillis: number
  readonly jitter: Jitter
}

const EQUAL_JITTER = 0.2
const DECORRELATED_GROWTH = 3

/**
 * The delay before retry number `retry` (the first is 1). `previousMillis` is the delay before the one before (0 for none);
 * only "decorrelated" looks at it. `random` is in [0, 1).
 */
export const delayMillis = (settings: Settings, retry: number, previousMillis: number, random: number): number => {
  if (settings.strategy === "random") return random * grown(settings, settings.factor ** (retry - 1))
  const delay = grown(settings, growth(settings, retry))
  switch (settings.jitter) {
    case "none":
      return delay
    case "equal":
      return between(delay * (1 - EQUAL_JITTER), Math.min(delay * (1 + EQUAL_JITTER), settings.maxMillis), random)
    case "full":
      return random * delay
    case "decorrelated": {
      const most = Math.max(previousMillis, settings.baseMillis) * DECORRELATED_GROWTH
      return between(Math.min(settings.baseMillis, settings.maxMillis), Math.min(most, settings.maxMillis), random)
    }
  }
}

const growth = (settings: Settings, retry: number): number => {
  if (settings.strategy === "exponential") return settings.factor ** (retry - 1)
  return settings.strategy === "linear" ? retry : 1
}

const grown = (settings: Settings, by: number): number =>
  settings.baseMillis === 0 ? 0 : Math.min(settings.baseMillis * by, settings.maxMillis)

const between = (least: number, most: number, random: number): number => least + random * (most - least)
