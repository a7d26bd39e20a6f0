/**
 * The arithmetic of measurements.
 */

/** Nearest rank: the smallest value that at least `share` of all did not exceed; `NaN` of nothing. */
export const percentile = (values: ReadonlyArray<number>, share: number): number => {
  const sorted = Float64Array.from(values).toSorted()
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN
}

/** The value in the middle. */
export const median = (values: ReadonlyArray<number>): number => percentile(values, 0.5)

/** How far values lie apart. */
export const spread = (values: ReadonlyArray<number>): number =>
  values.length === 0 ? 0 : Math.max(...values) - Math.min(...values)

/** By how much values rise, from any of them to any later one: what falls is no leak. */
export const rise = (values: ReadonlyArray<number>): number => {
  let least = Infinity
  let most = 0
  for (const value of values) {
    least = Math.min(least, value)
    most = Math.max(most, value - least)
  }
  return most
}

/** A point of a line. */
export interface Point {
  readonly x: number
  readonly y: number
}

/** The slope of the straight line that fits points best (least squares); 0 where there is no such line. */
export const slope = (points: ReadonlyArray<Point>): number => {
  const mean = (of: (point: Point) => number) => points.reduce((sum, point) => sum + of(point), 0) / points.length
  const meanX = mean(({ x }) => x)
  const meanY = mean(({ y }) => y)
  const variance = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  const covariance = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0)
  return variance === 0 || points.length === 0 ? 0 : covariance / variance
}
