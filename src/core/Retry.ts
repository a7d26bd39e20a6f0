/**
 * Whether a failed call is tried again, and after which wait: one decision per failure.
 *
 * **Details**
 *
 * Each class of failure has a back-off of its own that counts the failures of its class only; the attempts count together.
 * A hint of the dependency is a lower bound: jitter is added after it. The order of the checks is class, attempts,
 * deadline; a budget, if there is one, is asked last.
 */
import * as Backoff from "./Backoff.ts"

/** What kind of failure it was. */
export type FailureKind = "retryable" | "not-retryable" | "overloaded" | "rate-limited"

/** How to go on after failures of one class. */
export interface Profile {
  readonly maxAttempts: number
  readonly backoff: Backoff.Settings
}

/** The profiles of the three classes that can be tried again; `hintMaxMillis` bounds a hint. */
export interface Settings {
  readonly retryable: Profile
  readonly overloaded: Profile
  readonly "rate-limited": Profile
  readonly hintMaxMillis: number
}

/** How far the back-off of one class has come. */
export interface Progress {
  readonly retries: number
  readonly delayMillis: number
}

/** One call with all its attempts. */
export interface State {
  readonly attempts: number
  readonly progress: Readonly<Partial<Record<FailureKind, Progress>>>
}

/**
 * A failed attempt. `hintMillis` is how long the dependency asked to be left alone, 0 if it did not; with `needsHint`, an
 * attempt without a hint that fits the deadline would be in vain.
 */
export interface Failure {
  readonly kind: FailureKind
  readonly hintMillis: number
  readonly needsHint: boolean
}

/** What to do. */
export type Decision =
  | { readonly _tag: "Retry"; readonly state: State; readonly waitMillis: number }
  | { readonly _tag: "GiveUp"; readonly reason: "not-retryable" | "attempts" | "deadline" }

/** The first attempt is under way. */
export const initial: State = { attempts: 1, progress: {} }

const NO_PROGRESS: Progress = { retries: 0, delayMillis: 0 }
const HINT_JITTER = 0.1

/** Decides after a failed attempt. `remainingMillis` is the time to the deadline, `random` is in [0, 1). */
export const decide = (
  state: State,
  settings: Settings,
  failure: Failure,
  remainingMillis: number,
  random: number
): Decision => {
  if (failure.kind === "not-retryable" || !isPossible(settings, failure, remainingMillis))
    return giveUp("not-retryable")
  const profile = settings[failure.kind]
  if (state.attempts >= profile.maxAttempts) return giveUp("attempts")
  const before = state.progress[failure.kind] ?? NO_PROGRESS
  const retries = before.retries + 1
  const delayMillis = Backoff.delayMillis(profile.backoff, retries, before.delayMillis, random)
  const waitMillis = Math.max(delayMillis, hinted(settings, profile, failure, random))
  if (waitMillis >= remainingMillis) return giveUp("deadline")
  const progress = { ...state.progress, [failure.kind]: { retries, delayMillis } }
  return { _tag: "Retry", state: { attempts: state.attempts + 1, progress }, waitMillis }
}

/** The most attempts and the most waiting that one call can cause, hints aside. */
export const worstCase = (settings: Settings): { readonly attempts: number; readonly waitMillis: number } => {
  const profiles = [settings.retryable, settings.overloaded, settings["rate-limited"]]
  profiles.sort((one, other) => one.maxAttempts - other.maxAttempts)
  return { attempts: profiles.at(-1)!.maxAttempts, waitMillis: longestWaits(profiles, 1) }
}

/**
 * The most waiting after so many attempts. Delays only grow, so in the worst case a class that occurs at all occurs until
 * its attempts run out, and then one that allows more takes over.
 */
const longestWaits = (byAttempts: ReadonlyArray<Profile>, attempts: number): number =>
  byAttempts.reduce((longest, { backoff, maxAttempts }, index) => {
    const own = longestDelays(backoff, maxAttempts - attempts)
    return Math.max(longest, own + longestWaits(byAttempts.slice(index + 1), maxAttempts))
  }, 0)

const longestDelays = (backoff: Backoff.Settings, retries: number): number => {
  let [total, before] = [0, 0]
  for (let retry = 1; retry <= retries; retry++) {
    const delay = Backoff.delayMillis(backoff, retry, before, 1)
    if (delay === before) return total + delay * (retries - retry + 1)
    total += delay
    before = delay
  }
  return total
}

const isPossible = (settings: Settings, { hintMillis, needsHint }: Failure, remainingMillis: number): boolean =>
  !needsHint || (hintMillis > 0 && hintMillis <= settings.hintMaxMillis && remainingMillis < Infinity)

const hinted = (settings: Settings, profile: Profile, { hintMillis }: Failure, random: number): number => {
  const bounded = Math.min(hintMillis, settings.hintMaxMillis)
  return profile.backoff.jitter === "none" ? bounded : bounded * (1 + HINT_JITTER * random)
}

const giveUp = (reason: "not-retryable" | "attempts" | "deadline"): Decision => ({ _tag: "GiveUp", reason })
