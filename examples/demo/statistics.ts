/**
 * What happened to the callers: one ledger per side, and the arithmetic on it.
 *
 * Every call is entered when it is sent and settled exactly once, so that calls = succeeded + failed can be checked at
 * the end instead of being hoped for. Times are milliseconds since the day began.
 */

export type Side = "unprotected" | "protected"

export type BySide<A> = Readonly<Record<Side, A>>

export const bySide = <A>(f: (side: Side) => A): BySide<A> => {
  return { unprotected: f("unprotected"), protected: f("protected") }
}

/** Calls that reached the provider. */
export interface UpstreamCalls {
  readonly total: number
  /** Refused or left hanging. */
  readonly inVain: number
}

/** How a call ended for the caller. A fallback is an answer, and counted apart. `cut off`: the demo stopped first. */
export type Ending = "answered" | "fallback" | "failed" | "cut off"

/** A stretch of the day: what became of the calls that were sent in it. */
export type Slot = Record<Ending, number>

export interface Ledger {
  calls: number
  /** How late the latest of the calls was sent. */
  lateMillis: number
  readonly endings: Slot
  /** In the order of completion. */
  readonly completions: Array<{ readonly atMillis: number; readonly waitedMillis: number }>
  /** The day in equal parts. */
  readonly slots: ReadonlyArray<Slot>
  readonly slotMillis: number
}

const emptySlot = (): Slot => ({ answered: 0, fallback: 0, failed: 0, "cut off": 0 })

export const makeLedger = (dayMillis: number, slots: number): Ledger => ({
  calls: 0,
  lateMillis: 0,
  endings: emptySlot(),
  completions: [],
  slots: Array.from({ length: slots }, emptySlot),
  slotMillis: dayMillis / slots
})

export const send = (ledger: Ledger, dueMillis: number, atMillis: number): void => {
  ledger.calls += 1
  ledger.lateMillis = Math.max(ledger.lateMillis, atMillis - dueMillis)
}

export const settle = (ledger: Ledger, ending: Ending, dueMillis: number, atMillis: number): void => {
  ledger.endings[ending] += 1
  ledger.completions.push({ atMillis, waitedMillis: Math.max(0, atMillis - dueMillis) })
  const index = Math.floor(dueMillis / ledger.slotMillis)
  ledger.slots[Math.min(ledger.slots.length - 1, Math.max(0, index))]![ending] += 1
}

export const succeeded = (endings: Slot): number => endings.answered + endings.fallback

export const failed = (endings: Slot): number => endings.failed + endings["cut off"]

/** Nearest rank: the smallest waiting time that at least `share` of the calls did not exceed. 0 without calls. */
export const percentile = (waits: ReadonlyArray<number>, share: number): number => {
  if (waits.length === 0) return 0
  const sorted = waits.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!
}

export interface Waits {
  readonly p50Millis: number
  readonly p99Millis: number
}

/** The waiting times of the calls that ended at or after `sinceMillis`. */
export const waits = (ledger: Ledger, sinceMillis = 0): Waits => {
  const { completions } = ledger
  let first = completions.length
  while (first > 0 && completions[first - 1]!.atMillis >= sinceMillis) first -= 1
  const recent = completions.slice(first).map((completion) => completion.waitedMillis)
  return { p50Millis: percentile(recent, 0.5), p99Millis: percentile(recent, 0.99) }
}

/** A move of the circuit breaker. */
export interface Transition {
  readonly to: string
  readonly atMillis: number
}

/**
 * From the moment the provider was back to the circuit closed; 0 when it was closed already, `null` when the provider did
 * not come back or the circuit did not close.
 */
export const recovery = (
  transitions: ReadonlyArray<Transition>,
  recoveredAtMillis: number | undefined
): number | null => {
  if (recoveredAtMillis === undefined) return null
  const before = transitions.findLast((transition) => transition.atMillis < recoveredAtMillis)
  if (before === undefined || before.to === "Closed") return 0
  const closed = transitions.find(({ atMillis, to }) => to === "Closed" && atMillis >= recoveredAtMillis)
  return closed === undefined ? null : closed.atMillis - recoveredAtMillis
}
