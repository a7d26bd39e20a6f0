/**
 * One round of probes in a half-open circuit: a fixed number of slots, and a verdict as soon as it cannot change.
 *
 * **Details**
 *
 * A round has `probes` slots. Enough successes close the circuit, and the round is lost as soon as these can no longer be
 * reached. A probe that says nothing gives its slot back, at most ten times in a row. A running probe holds a lease, and one
 * whose lease has lapsed counts as failed at that moment, so that every round ends.
 */

/** The size of a round; `probeMillis` is the length of a lease. */
export interface Settings {
  readonly probes: number
  readonly successesToClose: number
  readonly probeMillis: number
}

/** One admitted probe; its lease ends at `expiresAt`. */
export interface Probe {
  readonly id: number
  readonly expiresAt: number
}

/** The state of a round. */
export interface ProbeRound {
  readonly running: ReadonlyArray<Probe>
  readonly nextId: number
  readonly successes: number
  readonly failures: number
  readonly ignoredInRow: number
}

/** Where a round stands after a result. */
export type Verdict =
  | { readonly _tag: "Undecided"; readonly round: ProbeRound }
  | { readonly _tag: "Close" }
  | { readonly _tag: "Reopen" }

/** The answer to a caller: a probe, or the time after which it makes sense to ask again. */
export type Admission =
  | { readonly _tag: "Admitted"; readonly round: ProbeRound; readonly probe: number }
  | { readonly _tag: "Rejected"; readonly waitMillis: number }

const IGNORED_IN_ROW = 10
/** A probe answers as soon as any call, long before its lease ends: who is turned away meanwhile may come back soon. */
const LONGEST_WAIT_MILLIS = 1_000
const CLOSE: Verdict = { _tag: "Close" }
const REOPEN: Verdict = { _tag: "Reopen" }

/** A round in which nothing has happened. */
export const initial: ProbeRound = { running: [], nextId: 1, successes: 0, failures: 0, ignoredInRow: 0 }

/** Decides about one call. */
export const admit = (round: ProbeRound, settings: Settings, now: number): Admission => {
  if (round.successes + round.failures + round.running.length >= settings.probes) {
    const leases = round.running.map(({ expiresAt }) => expiresAt - now)
    return { _tag: "Rejected", waitMillis: Math.min(LONGEST_WAIT_MILLIS, ...leases) }
  }
  const probe: Probe = { id: round.nextId, expiresAt: now + settings.probeMillis }
  return {
    _tag: "Admitted",
    round: { ...round, running: [...round.running, probe], nextId: probe.id + 1 },
    probe: probe.id
  }
}

/** The probe whose lease has ended first, or `undefined`. A renewed lease may end after one that began later. */
export const lapsed = (round: ProbeRound, now: number): Probe | undefined =>
  round.running.filter((probe) => probe.expiresAt <= now).toSorted((a, b) => a.expiresAt - b.expiresAt)[0]

/** Whether the probe still holds its slot. */
export const isRunning = (round: ProbeRound, id: number): boolean => round.running.some((probe) => probe.id === id)

/** Begins the lease of a running probe anew: it is longer than a lease, but alive. */
export const renew = (round: ProbeRound, { probeMillis }: Settings, id: number, now: number): ProbeRound => ({
  ...round,
  running: round.running.map((probe) => (probe.id === id ? { id, expiresAt: now + probeMillis } : probe))
})

/** Takes the result of a running probe into account. */
export const record = (
  round: ProbeRound,
  settings: Settings,
  id: number,
  outcome: "Success" | "Failure" | "Ignored"
): Verdict => {
  const running = round.running.filter((probe) => probe.id !== id)
  switch (outcome) {
    case "Success":
      return decide({ ...round, running, successes: round.successes + 1, ignoredInRow: 0 }, settings)
    case "Failure":
      return decide({ ...round, running, failures: round.failures + 1, ignoredInRow: 0 }, settings)
    case "Ignored": {
      const ignoredInRow = round.ignoredInRow + 1
      return ignoredInRow >= IGNORED_IN_ROW ? REOPEN : { _tag: "Undecided", round: { ...round, running, ignoredInRow } }
    }
  }
}

/** Where a round stands. Without a result it can only have been decided by other settings. */
export const decide = (round: ProbeRound, { probes, successesToClose }: Settings): Verdict => {
  if (round.successes >= successesToClose) return CLOSE
  return probes - round.failures < successesToClose ? REOPEN : { _tag: "Undecided", round }
}
