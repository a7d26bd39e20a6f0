/**
 * Many calls at once.
 */
import { limits } from "../limits.ts"
import type { Case, Targets, Unit } from "../case.ts"
import type { Pattern } from "../guards.ts"
import { type Bursts, bursts, type Crowd } from "../measures/burst.ts"
import type { Settings } from "../measures/rounds.ts"
import type { Peer } from "../peers/Peer.ts"
import { opossum } from "../peers/opossum.ts"
import { ours } from "../peers/ours.ts"
import { plenty } from "../peers/settings.ts"
import { having, libraries } from "./compare.ts"
import { burstRounds, crowded, crowdOf } from "./timed.ts"

const CALLS = 10_000

/** Cases that look at different sides of one measurement, which is made once. */
const sides = (
  measure: (settings: Settings) => Promise<Bursts>,
  cases: ReadonlyArray<{ name: string; unit: Unit; targets: Targets; side: keyof Bursts }>
): ReadonlyArray<Case> => {
  let measured: Promise<Bursts> | undefined
  return cases.map(({ side, ...others }) => ({
    ...others,
    measure: async (settings) => (await (measured ??= measure(settings)))[side]
  }))
}

const stacks = (name: string, among: ReadonlyArray<Peer>, pick: (peer: Peer) => Pattern | undefined) =>
  sides(
    (settings) =>
      bursts(
        having(among, (peer) => crowdOf(pick(peer), "turn", CALLS)),
        burstRounds(settings)
      ),
    [
      // A seventh of the time that cockatiel takes is seven times its throughput.
      {
        name: `${name}: throughput`,
        unit: "perSecond",
        targets: { cockatiel: 1 / 7, effect: 1 / 5 },
        side: "perSecond"
      },
      { name: `${name}: added p50`, unit: "addedMillis", targets: {}, side: "addedP50Millis" },
      { name: `${name}: added p99`, unit: "addedMillis", targets: {}, side: "addedP99Millis" }
    ]
  )

/** A bulkhead through which ten get at a time, and as many others wait as there are. */
const queue = (peer: Peer, size: number): Crowd | undefined =>
  peer === opossum ? undefined : crowdOf(peer.bulkhead?.({ running: 10, waiting: size }), "asynchronous", size)

export const concurrency: ReadonlyArray<Case> = [
  ...stacks("10,000 at once", [...libraries, limits], (peer) => peer.stack?.(plenty)),
  ...stacks(
    "10,000 at once, 100 of them running",
    // opossum turns away who would have to wait.
    [...libraries, limits].filter((peer) => peer !== opossum),
    (peer) => peer.stack?.({ running: 100, waiting: CALLS })
  ),
  crowded("a call's turn in a queue of 100", {}, () => having(libraries, (peer) => queue(peer, 100))),
  crowded("a call's turn in a queue of 10,000", {}, () => having(libraries, (peer) => queue(peer, 10_000))),
  crowded("a call's turn in a queue of 10,000, against one of 100", { "queue of 100": 2 }, () => ({
    ours: queue(ours, 10_000)!,
    "queue of 100": queue(ours, 100)!
  }))
]
