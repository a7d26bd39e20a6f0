/**
 * The outcomes of recent calls, over the last `n` calls or over the last stretch of time.
 *
 * **Details**
 *
 * Recording is O(1) for every window size, because the totals run along. A window is data that can be written as JSON and
 * read back; `record` changes it in place, everything else only reads.
 *
 * A count window is a ring of two bits for each call. A time window is a ring of buckets; a bucket leaves the window as a
 * whole, and all buckets that went stale while nothing was recorded leave together, so an idle window forgets everything.
 */

/** The size of a window: a number of calls, or a stretch of time cut into buckets. */
export type Settings =
  | { readonly kind: "count"; readonly size: number }
  | { readonly kind: "time"; readonly durationMillis: number; readonly buckets: number }

/** What a window holds now. */
export interface Counts {
  readonly calls: number
  readonly failures: number
  readonly slowCalls: number
}

/** A ring of the last `size` calls. */
export interface CountWindow {
  readonly kind: "count"
  readonly size: number
  readonly words: Array<number>
  cursor: number
  calls: number
  failures: number
  slowCalls: number
}

/** A ring of buckets of `bucketMillis` each, three numbers for every bucket: calls, failures, slow calls. */
export interface TimeWindow {
  readonly kind: "time"
  readonly buckets: number
  readonly bucketMillis: number
  readonly ring: Array<number>
  head: number
  calls: number
  failures: number
  slowCalls: number
}

/** A window of either kind. */
export type SlidingWindow = CountWindow | TimeWindow

const FAILED = 1
const SLOW = 2
const BITS_PER_CALL = 2
/** 15 calls of two bits: a word stays a small integer, which engines store without a box. */
const CALLS_PER_WORD = 15
const FIELDS_PER_BUCKET = 3

/** An empty window. */
export const make = (settings: Settings): SlidingWindow =>
  settings.kind === "count"
    ? {
        kind: "count",
        size: settings.size,
        words: Array.from({ length: Math.ceil(settings.size / CALLS_PER_WORD) }, () => 0),
        cursor: 0,
        calls: 0,
        failures: 0,
        slowCalls: 0
      }
    : {
        kind: "time",
        buckets: settings.buckets,
        bucketMillis: settings.durationMillis / settings.buckets,
        ring: Array.from({ length: settings.buckets * FIELDS_PER_BUCKET }, () => 0),
        head: 0,
        calls: 0,
        failures: 0,
        slowCalls: 0
      }

/** Adds one call to the window, in place. */
export const record = (window: SlidingWindow, now: number, failed: boolean, slow: boolean): void =>
  window.kind === "count" ? recordCount(window, failed, slow) : recordTime(window, now, failed, slow)

/** What the window holds at `now`, without moving it. */
export const counts = (window: SlidingWindow, now: number): Counts => {
  let { calls, failures, slowCalls } = window
  if (window.kind === "time") {
    const stale = Math.min(staleBuckets(window, now), window.buckets)
    for (let i = 1; i <= stale; i++) {
      const at = slotOf(window, window.head + i)
      calls -= window.ring[at]!
      failures -= window.ring[at + 1]!
      slowCalls -= window.ring[at + 2]!
    }
  }
  return { calls, failures, slowCalls }
}

const recordCount = (window: CountWindow, failed: boolean, slow: boolean): void => {
  const word = Math.floor(window.cursor / CALLS_PER_WORD)
  const shift = (window.cursor % CALLS_PER_WORD) * BITS_PER_CALL
  const bits = window.words[word]!
  const oldest = bits >> shift
  if (window.calls === window.size) {
    window.failures -= oldest & FAILED
    window.slowCalls -= (oldest & SLOW) >> 1
  } else {
    window.calls++
  }
  const newest = (failed ? FAILED : 0) | (slow ? SLOW : 0)
  window.words[word] = (bits & ~((FAILED | SLOW) << shift)) | (newest << shift)
  window.cursor = window.cursor + 1 === window.size ? 0 : window.cursor + 1
  if (failed) window.failures++
  if (slow) window.slowCalls++
}

const recordTime = (window: TimeWindow, now: number, failed: boolean, slow: boolean): void => {
  const stale = staleBuckets(window, now)
  if (stale > 0) advance(window, stale)
  const at = slotOf(window, window.head)
  window.ring[at]!++
  window.calls++
  if (failed) {
    window.ring[at + 1]!++
    window.failures++
  }
  if (slow) {
    window.ring[at + 2]!++
    window.slowCalls++
  }
}

const advance = (window: TimeWindow, stale: number): void => {
  const cleared = Math.min(stale, window.buckets)
  for (let i = 1; i <= cleared; i++) {
    const at = slotOf(window, window.head + i)
    window.calls -= window.ring[at]!
    window.failures -= window.ring[at + 1]!
    window.slowCalls -= window.ring[at + 2]!
    window.ring[at] = 0
    window.ring[at + 1] = 0
    window.ring[at + 2] = 0
  }
  window.head += stale
}

const staleBuckets = (window: TimeWindow, now: number): number => Math.floor(now / window.bucketMillis) - window.head

const slotOf = (window: TimeWindow, bucket: number): number => (bucket % window.buckets) * FIELDS_PER_BUCKET
