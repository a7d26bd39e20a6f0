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

/** What a closed circuit remembers: failures in a row or the recent calls, whichever its policy is about. */
export type Tally = number | SlidingWindow.SlidingWindow

/** The shares of a tally; `undefined` while there are fewer than the minimum of calls. */
export interface Rates {
  readonly failureRate: number | undefined
  readonly slowCallRate: number | undefined
}

/** An empty tally. */
export const initial = (policy: TripPolicy): Tally =>
  policy.kind === "consecutive" ? 0 : SlidingWindow.make(policy.window)

/** Counts one finished call. Returns `undefined` when the circuit must open, and the same tally when nothing changed. */
export const record = (
  tally: Tally,
  policy: TripPolicy,
  now: number,
  failed: boolean,
  slow: boolean
): Tally | undefined => {
  if (policy.kind === "consecutive") {
    const failuresInRow = failed ? (tally as number) + 1 : 0
    return failuresInRow >= policy.failures ? undefined : failuresInRow
  }
  SlidingWindow.record(tally as SlidingWindow.SlidingWindow, now, failed, slow)
  if (!(failed || slow)) return tally
  const { failureRate = 0, slowCallRate = 0 } = rates(tally, policy, now)
  return failureRate >= policy.failureRate || slowCallRate >= policy.slowCallRate ? undefined : tally
}

/** Whether a result counts differently at another time. */
export const dependsOnTime = (policy: TripPolicy): boolean => policy.kind === "rate" && policy.window.kind === "time"

/** The rates at `now`, without moving the window. */
export const rates = (tally: Tally, policy: TripPolicy, now: number): Rates => {
  if (policy.kind === "consecutive") return NO_RATES
  const { calls, failures, slowCalls } = SlidingWindow.counts(tally as SlidingWindow.SlidingWindow, now)
  return calls === 0 || calls < policy.minimumCalls
    ? NO_RATES
    : { failureRate: failures / calls, slowCallRate: slowCalls / calls }
}

const NO_RATES: Rates = { failureRate: undefined, slowCallRate: undefined }
