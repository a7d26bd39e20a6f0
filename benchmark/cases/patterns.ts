/**
 * Each pattern alone, on success, failure and rejection.
 */
import type { Case } from "../case.ts"
import type { Pattern } from "../guards.ts"
import type { Ending } from "../operations.ts"
import type { Peer } from "../peers/Peer.ts"
import { effect } from "../peers/effect.ts"
import { plenty, settings } from "../peers/settings.ts"
import { compare, having, libraries } from "./compare.ts"
import { crowded, crowdOf } from "./timed.ts"

const TOGETHER = 1_000

const closed = { cockatiel: 1.5, effect: 1 / 15 }

const countBreaker = (peer: Peer) => peer.countBreaker?.(settings.windowSize)

const bulkhead = (peer: Peer) => peer.bulkhead?.(plenty)

/** Calls that wait for some time do it together, or a round would never be over. */
const together = (name: string, ending: Ending, pick: (peer: Peer) => Pattern | undefined): Case =>
  crowded(name, {}, () => having(libraries, (peer) => crowdOf(pick(peer), ending, TOGETHER)))

export const patterns: ReadonlyArray<Case> = [
  compare("closed breaker, consecutive failures", "immediate", (peer) => peer.consecutiveBreaker, closed),
  compare("closed breaker, count window", "immediate", countBreaker, closed),
  // Effect has no time window: its count window is the nearest.
  compare(
    "closed breaker, time window",
    "immediate",
    (peer) => (peer === effect ? countBreaker(peer) : peer.timeBreaker),
    closed
  ),
  compare("counted failure", "failing", (peer) => peer.patientBreaker, { cockatiel: 1 }),
  compare("rejection by an open circuit", "rejected", (peer) => peer.openBreaker, { cockatiel: 1 / 5, effect: 1 / 20 }),
  compare("retry that succeeds at once", "immediate", (peer) => peer.retry, { cockatiel: 1, effect: 1 / 10 }),
  compare("retry of a failure that is not worth it", "failing", (peer) => peer.reluctantRetry),
  together("retry that gives up", "failing", (peer) => peer.hastyRetry),
  compare("timeout that is not reached, immediate", "immediate", (peer) => peer.timeout),
  compare("timeout that is not reached, asynchronous", "asynchronous", (peer) => peer.timeout, { effect: 0.4 }),
  compare("timeout around a failure", "failing", (peer) => peer.timeout),
  together("timeout that is reached", "late", (peer) => peer.shortTimeout),
  compare("bulkhead that is not full", "immediate", bulkhead, { effect: 1.1 }),
  compare("bulkhead around a failure", "failing", bulkhead),
  compare("rejection by a full bulkhead", "rejected", (peer) => peer.fullBulkhead),
  compare("fallback that is not needed", "immediate", (peer) => peer.fallback),
  compare("fallback that answers", "failing", (peer) => peer.fallback)
]
