/**
 * When a closed circuit trips: too many failures in a row, or too large a share of the recent calls.
 *
 * **Details**
 *
 * A rate equal to its threshold trips. Below `minimumCalls` a rate is undefined and cannot trip. Only a failure or a slow
 * call trips, never a good call that completes the sample. A slow failure and a slow success both count as slow.
 */
import * as SlidingWindow from "./SlidingWindow.ts"

/** The rule. Rates are shares of 1; a rate above 1 can never be reached. */
export type TripPolicy =
  | { readonly kind: "consecutive"; readonly failures: number }
  | {
      readonly kind: "rate"
      readonly window: SlidingWindow.Settings
      readonly minimumCalls: number
      readonly failureRate: number
      readonly slowCallRate: number
    }

/** What a closed circuit remembers. */
export interface Tally {
  readonly failuresInRow: number
  readonly window: SlidingWindow.SlidingWindow | undefined
}

/** The shares of a tally; `undefined` while there are fewer than the minimum of calls. */
export interface Rates {
  readonly failureRate: number | undefined
  readonly slowCallRate: number | undefined
}

const NOTHING: Tally = { failuresInRow: 0, window: undefined }

/** An empty tally. */
export const initial = (policy: TripPolicy): Tally =>
  policy.kind === "consecutive" ? NOTHING : { failuresInRow: 0, window: SlidingWindow.make(policy.window) }

/** Counts one finished call. Returns `undefined` when the circuit must open, and the same tally when nothing changed. */
export const record = (
  tally: Tally,
  policy: TripPolicy,
  now: number,
  failed: boolean,
  slow: boolean
): Tally | undefined => {
  if (policy.kind === "consecutive") {
    const failuresInRow = failed ? tally.failuresInRow + 1 : 0
    if (failuresInRow >= policy.failures) return undefined
    return failuresInRow === tally.failuresInRow ? tally : { failuresInRow, window: undefined }
  }
  const window = tally.window!
  SlidingWindow.record(window, now, failed, slow)
  if (!(failed || slow) || window.calls < policy.minimumCalls) return tally
  const exceeded =
    window.failures / window.calls >= policy.failureRate || window.slowCalls / window.calls >= policy.slowCallRate
  return exceeded ? undefined : tally
}

/** Whether a result counts differently at another time. */
export const dependsOnTime = (policy: TripPolicy): boolean => policy.kind === "rate" && policy.window.kind === "time"

/** The rates at `now`, without moving the window. */
export const rates = (tally: Tally, policy: TripPolicy, now: number): Rates => {
  if (policy.kind === "consecutive") return { failureRate: undefined, slowCallRate: undefined }
  const { calls, failures, slowCalls } = SlidingWindow.counts(tally.window!, now)
  return calls === 0 || calls < policy.minimumCalls
    ? { failureRate: undefined, slowCallRate: undefined }
    : { failureRate: failures / calls, slowCallRate: slowCalls / calls }
}
