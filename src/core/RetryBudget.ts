/**
 * The retry budget of one dependency: retries are at most a share of the recent calls, plus a floor.
 *
 * **Details**
 *
 * The floor lets a quiet service retry at all; the share bounds what retries add to a busy one. The same shape, with the
 * same numbers, is used by Finagle, Linkerd and tower. The recent past is a sliding window of ten buckets. A retry is
 * reserved before its delay and spent when it starts, so that a caller who leaves while it waits gives it back.
 */
import * as SlidingWindow from "./SlidingWindow.ts"

/** `ratio` is a share of 1, the floor is per second. */
export interface Settings {
  readonly ratio: number
  readonly minimumPerSecond: number
  readonly windowMillis: number
}

/** The recent calls and retries of one dependency. */
export interface State {
  readonly window: SlidingWindow.SlidingWindow
  /** Retries that wait for their delay. */
  reserved: number
}

const BUCKETS = 10

/** Nothing has been called. */
export const initial = (settings: Settings): State => ({
  window: SlidingWindow.make({ kind: "time", durationMillis: settings.windowMillis, buckets: BUCKETS }),
  reserved: 0
})

/** Counts a call (its first attempt). */
export const deposit = (state: State, now: number): void => SlidingWindow.record(state.window, now, false, false)

/** Sets one retry aside; `false` when the budget is empty. */
export const reserve = (state: State, settings: Settings, now: number): boolean => {
  if (available(state, settings, now) < 1) return false
  state.reserved++
  return true
}

/** Spends a reserved retry: it starts now. */
export const spend = (state: State, now: number): void => {
  state.reserved--
  SlidingWindow.record(state.window, now, true, false)
}

/** Gives a reserved retry back. */
export const cancel = (state: State): void => {
  state.reserved--
}

/** How many retries are left at `now`; never negative. */
export const available = (state: State, settings: Settings, now: number): number => {
  const { calls: entries, failures: retries } = SlidingWindow.counts(state.window, now)
  const floor = (settings.minimumPerSecond * settings.windowMillis) / 1000
  return Math.max(0, Math.floor((entries - retries) * settings.ratio + floor) - retries - state.reserved)
}
