/**
 * The outcomes of recent calls, over the last `n` calls or over the last stretch of time.
 *
 * **Details**
 *
 * Recording is O(1) for every window size, because the totals run along. A window is data that can be written as JSON and
 * read back; `record` changes it in place, everything else only reads.
 *
 * A count window is a ring of one bit for each call, and of a second one from the first slow call on. There may be one for
 * each of many keys, so it is one array of small integers, which an engine stores without a box. A time window is a ring of
 * buckets; a bucket leaves the window as a whole, and all buckets that went stale while nothing was recorded leave together,
 * so an idle window forgets everything.
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

/**
 * A ring of the last calls: its size, the place of the next call, the numbers of calls and of failures, and a bit for each
 * failure. Then, if there was a slow call, their number and a bit for each of them.
 */
export type CountWindow = Array<number>

/** A ring of buckets of `bucketMillis` each, three numbers for every bucket: calls, failures, slow calls. */
export interface TimeWindow {
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

const SIZE = 0
const CURSOR = 1
const CALLS = 2
const FAILURES = 3
const BITS = 4
/** A word of so many bits is still a small integer. */
const BITS_PER_WORD = 30
const FIELDS_PER_BUCKET = 3

/** An empty window. */
export const make = (settings: Settings): SlidingWindow =>
  settings.kind === "count"
    ? countWindow(settings.size)
    : {
        buckets: settings.buckets,
        bucketMillis: settings.durationMillis / settings.buckets,
        ring: zeros(settings.buckets * FIELDS_PER_BUCKET),
        head: 0,
        calls: 0,
        failures: 0,
        slowCalls: 0
      }

/** Adds one call to the window, in place. */
export const record = (window: SlidingWindow, now: number, failed: boolean, slow: boolean): void =>
  Array.isArray(window) ? recordCount(window, failed, slow) : recordTime(window, now, failed, slow)

/** What the window holds at `now`, without moving it. */
export const counts = (window: SlidingWindow, now: number): Counts => {
  if (Array.isArray(window)) {
    return { calls: window[CALLS]!, failures: window[FAILURES]!, slowCalls: window[slowPart(window)] ?? 0 }
  }
  let { calls, failures, slowCalls } = window
  const stale = Math.min(staleBuckets(window, now), window.buckets)
  for (let i = 1; i <= stale; i++) {
    const at = slotOf(window, window.head + i)
    calls -= window.ring[at]!
    failures -= window.ring[at + 1]!
    slowCalls -= window.ring[at + 2]!
  }
  return { calls, failures, slowCalls }
}

const zeros = (length: number): Array<number> => Array.from({ length }, () => 0)

const countWindow = (size: number): CountWindow => {
  const window = zeros(BITS + wordsFor(size))
  window[SIZE] = size
  return window
}

const wordsFor = (size: number): number => Math.ceil(size / BITS_PER_WORD)

/** Where the number of slow calls is, and after it their bits. */
const slowPart = (window: CountWindow): number => BITS + wordsFor(window[SIZE]!)

const recordCount = (window: CountWindow, failed: boolean, slow: boolean): void => {
  const size = window[SIZE]!
  const cursor = window[CURSOR]!
  if (window[CALLS]! < size) window[CALLS]!++
  window[FAILURES]! += setBit(window, BITS, cursor, failed)
  const slowAt = slowPart(window)
  if (slow && window.length === slowAt) window.push(...zeros(1 + wordsFor(size)))
  if (window.length > slowAt) window[slowAt]! += setBit(window, slowAt + 1, cursor, slow)
  window[CURSOR] = cursor + 1 === size ? 0 : cursor + 1
}

/** Sets or clears the nth bit of a part of a window; returns by how much the number of bits that are set has changed. */
const setBit = (window: CountWindow, part: number, n: number, isSet: boolean): number => {
  const word = part + Math.floor(n / BITS_PER_WORD)
  const bit = 1 << (n % BITS_PER_WORD)
  const before = window[word]!
  const wasSet = (before & bit) !== 0
  window[word] = isSet ? before | bit : before & ~bit
  return Number(isSet) - Number(wasSet)
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
