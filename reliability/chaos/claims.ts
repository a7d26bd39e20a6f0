/**
 * What must hold, whatever breaks.
 */
import { total } from "../support/endings.ts"
import { atLeast, atMost, type Check, same } from "../support/verdict.ts"
import type { Report } from "./attack.ts"
import { patterns } from "./target.ts"

/** What timers, and the last steps of a call, may take on top. */
const MARGIN_MILLIS = 150

/** The claims about one attack. */
export const of = ({
  endings,
  felt,
  left,
  longestMillis,
  recoveryMillis,
  sent,
  stallMillis,
  stateInTheEnd,
  totals,
  unhandled
}: Report): ReadonlyArray<Check> => {
  const margin = MARGIN_MILLIS + stallMillis
  const { failures, interrupted, successes } = totals.pipeline
  const all = successes + failures + interrupted
  // a probe that began during the fault may end late, and its failure opens the circuit once more
  const longestRecovery = patterns.timeout + patterns.circuitBreaker.openDuration
  return [
    { claim: "the fault is real", holds: felt.isReal, measured: String(felt.isReal) },
    atLeast("calls that felt it", felt.failures, 1),
    atLeast("openings of the circuit, the first and that after a probe", felt.openings, 2),
    atLeast("calls that succeeded", endings.get("success") ?? 0, 1),
    atMost("the longest call, the deadline and a margin", longestMillis, patterns.deadline + margin, " ms"),
    atMost(
      "recovery, the open time, one probe and a margin",
      recoveryMillis,
      // on a busy machine the server, too, waits for the processor
      longestRecovery + margin + stallMillis,
      " ms"
    ),
    { claim: "the circuit in the end", holds: stateInTheEnd === "Closed", measured: stateInTheEnd },
    { claim: "unhandled rejections", holds: unhandled.length === 0, measured: unhandled.join(", ") || "0" },
    same("calls that ended, of those sent", total(endings), sent),
    same("successes in the pipeline's totals", successes, endings.get("success") ?? 0),
    same("interruptions in the pipeline's totals", interrupted, endings.get("interruption") ?? 0),
    same("calls in the pipeline's totals", all, sent),
    same("calls in the deadline's totals", totals.deadline, sent),
    same("calls out of the breaker and out of the bulkhead", totals.bulkhead, totals.breaker),
    same("failures told as events", totals.failuresTold, failures),
    ...Object.entries(left).map(([what, count]) => same(`${what} left over`, count, 0))
  ]
}
