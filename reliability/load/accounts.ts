/**
 * Whether what the callers saw is what the pipeline counted.
 */
import { type Endings, total } from "../support/endings.ts"
import { type Check, figure, same } from "../support/verdict.ts"
import { GAVE_UP } from "./callers.ts"
import type { Totals } from "./gateway.ts"

/** How a request may end; anything else is a loss. */
const explained: ReadonlySet<string> = new Set([
  "success",
  "BulkheadRejectedError",
  "CircuitBreakerOpenError",
  "TimeoutExceededError",
  GAVE_UP
])

/** Every request ended, in a way that is known. */
export const nothingLost = (name: string, sent: number, endings: Endings): ReadonlyArray<Check> => {
  const strange = [...endings].filter(([ending]) => !explained.has(ending))
  return [
    same(`${name}: requests that ended, of those sent`, total(endings), sent),
    {
      claim: `${name}: requests that ended without an explanation`,
      holds: strange.length === 0,
      measured: strange.length === 0 ? "0" : strange.map(([ending, count]) => `${ending} ${count}`).join(", ")
    }
  ]
}

/** The books of one gateway since it began. */
export interface Books {
  /** What the callers of the protected route saw. */
  readonly endings: Endings
  readonly totals: Totals
  /** Requests of the protected route that reached the upstream. */
  readonly received: number
}

const sumOf = (totals: Totals, kind: string, ...counts: ReadonlyArray<string>): number =>
  counts.reduce((sum, count) => sum + (totals[kind]?.[count] ?? Number.NaN), 0)

const inside = (totals: Totals): number =>
  sumOf(totals, "bulkhead", "active", "queued") + sumOf(totals, "circuit-breaker", "probing")

/** Nobody is in the pipeline. */
export const isSettled = (totals: Totals): boolean => inside(totals) === 0

/**
 * The counts of the pipeline are those of its callers. A caller who goes away at the very end may have left an answer behind
 * that the pipeline has counted, so each of them may be the difference.
 */
export const balance = (name: string, { endings, received, totals }: Books): ReadonlyArray<Check> => {
  const of = (kind: string, ...counts: ReadonlyArray<string>) => sumOf(totals, kind, ...counts)
  const gone = endings.get(GAVE_UP) ?? 0
  const successes = endings.get("success") ?? 0
  const failures = total(endings) - successes - gone
  const attempts = of("timeout", "successes", "failures", "exceeded", "interrupted")
  const unheard = of("timeout", "exceeded", "interrupted")
  const agree = (what: string, counted: number, seen: number, slack: number): Check => ({
    claim: `${name}: ${what}`,
    holds: counted >= seen && counted <= seen + slack,
    measured: `${figure(counted)} and ${figure(seen)}${slack === 0 ? "" : `, ${figure(slack)} unsettled`}`
  })
  return [
    agree("successes, by the pipeline and by its callers", of("pipeline", "successes"), successes, gone),
    agree("failures, by the pipeline and by its callers", of("pipeline", "failures"), failures, gone),
    agree(
      "rejections, by the bulkhead and by its callers",
      of("bulkhead", "rejected"),
      endings.get("BulkheadRejectedError") ?? 0,
      gone
    ),
    agree("attempts, by the time limit and by the upstream", attempts, received, unheard),
    same(`${name}: permits taken, callers queued and probes under way in the end`, inside(totals), 0)
  ]
}
