/**
 * What a circuit breaker counts.
 */

/** The counts of a breaker since it was made; those of its keys are included. */
export interface Totals {
  successes: number
  failures: number
  ignored: number
  slowCalls: number
  late: number
  rejections: number
  wouldReject: number
  transitions: number
}

/** Totals of a breaker that has done nothing. */
export const noTotals = (): Totals => ({
  successes: 0,
  failures: 0,
  ignored: 0,
  slowCalls: 0,
  late: 0,
  rejections: 0,
  wouldReject: 0,
  transitions: 0
})
