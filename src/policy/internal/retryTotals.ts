/**
 * What a retry counts.
 */
import * as Effect from "effect/Effect"

/**
 * The counts of a retry since it was made. `failures` are calls that failed in another way than by running out, and
 * `interrupted` those whose attempt was interrupted; a caller who is interrupted leaves without being counted.
 */
export interface Totals {
  successes: number
  successesAfterRetry: number
  failures: number
  exhausted: number
  interrupted: number
  retries: number
  /** Retries that were not made, because the budget was empty. */
  outOfBudget: number
  /** Retries that were not made, because they would have begun after the deadline. */
  outOfTime: number
}

/** Totals of a retry that has done nothing. */
export const noTotals = (): Totals => ({
  successes: 0,
  successesAfterRetry: 0,
  failures: 0,
  exhausted: 0,
  interrupted: 0,
  retries: 0,
  outOfBudget: 0,
  outOfTime: 0
})

/** What becomes of a success at the first attempt. */
export type Succeed = <A>(value: A) => Effect.Effect<A>

/** Counts successes in these totals. It is made once, so that a call has one handler less to make. */
export const succeedIn =
  (totals: Totals): Succeed =>
  (value) => {
    totals.successes++
    return Effect.succeed(value)
  }
