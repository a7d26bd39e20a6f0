/**
 * The settings that all libraries get.
 */
export const settings = {
  consecutiveFailures: 5,
  windowSize: 100,
  failureRate: 0.5,
  windowMillis: 30_000,
  windowBuckets: 10,
  /** The first call included. */
  attempts: 3,
  timeoutMillis: 5_000,
  /** A delay, or a limit, that is over soon. */
  shortMillis: 1,
  /** Open circuits stay open. */
  openMillis: 86_400_000,
  /** More failures than a benchmark makes. */
  never: 1_000_000_000
} as const

/** Of a bulkhead. */
export interface Limits {
  readonly running: number
  readonly waiting: number
}

/** Nobody waits. */
export const plenty: Limits = { running: 100_000, waiting: 0 }
