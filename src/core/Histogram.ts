/**
 * Counts of durations between fixed bounds, as Prometheus and OpenTelemetry histograms want them.
 */

/** `counts[i]` are the values up to and including `bounds[i]`; the last count is for what lies above all bounds. */
export interface Histogram {
  readonly bounds: ReadonlyArray<number>
  readonly counts: Array<number>
  count: number
  sum: number
  min: number
  max: number
}

/** An empty histogram. */
export const make = (bounds: ReadonlyArray<number>): Histogram => ({
  bounds,
  counts: Array.from({ length: bounds.length + 1 }, () => 0),
  count: 0,
  sum: 0,
  min: Infinity,
  max: -Infinity
})

/** Adds one value, in place. */
export const record = (histogram: Histogram, value: number): void => {
  let i = 0
  while (value > (histogram.bounds[i] ?? Infinity)) i++
  histogram.counts[i]!++
  histogram.count++
  histogram.sum += value
  histogram.min = Math.min(histogram.min, value)
  histogram.max = Math.max(histogram.max, value)
}

/** How many values lie at or below each bound, as pairs of bound and count; the last bound is `Infinity`. */
export const cumulative = (histogram: Histogram): ReadonlyArray<readonly [bound: number, count: number]> => {
  let total = 0
  return histogram.counts.map((count, i) => [histogram.bounds[i] ?? Infinity, (total += count)] as const)
}
