/**
 * What many keys and large windows cost.
 */
import type { Case } from "../case.ts"
import { type Keyed, type Pattern, randomWalk } from "../guards.ts"
import type { Loops } from "../loops.ts"
import { ours } from "../peers/ours.ts"
import { having, libraries } from "./compare.ts"
import { timed } from "./timed.ts"

const counts = [1, 100, 10_000, 100_000]

const windowSizes = [10, 100, 1_000, 10_000, 100_000]

const written = (count: number): string => count.toLocaleString("en")

const keysOf = (count: number): ReadonlyArray<string> => Array.from({ length: count }, (_, i) => `tenant-${i}`)

const keyed = (name: string, count: number, instancesOf: () => Readonly<Record<string, Keyed>>): Case =>
  timed(
    `${name}, ${written(count)} ${count === 1 ? "key" : "keys"}`,
    {},
    () => {
      const next = randomWalk(keysOf(count))
      const walks = Object.entries(instancesOf()).map(([variant, keyed]) => [variant, keyed.around(next, "immediate")])
      return Object.fromEntries(walks)
    },
    { isSlow: count > 10_000, isLarge: true }
  )

const keys = counts.flatMap((count) => [
  keyed("count window", count, () => having(libraries, (peer) => peer.keyed?.countBreaker?.(count))),
  keyed("bulkhead", count, () => having(libraries, (peer) => peer.keyed?.bulkhead?.(count)))
])

/** A guard that has seen a failure: without one, there may be no window to speak of. */
const used = async (pattern: Pattern): Promise<Loops> => {
  const guard = pattern.guard()
  await guard.around("failing").guarded(1)
  return guard.around("immediate")
}

const window = (size: number): Case =>
  timed(`window of ${written(size)} calls`, {}, () => settle(having(libraries, (peer) => peer.countBreaker?.(size))), {
    isSlow: size > 10 && size < 100_000
  })

const settle = async (patterns: Readonly<Record<string, Pattern>>): Promise<Readonly<Record<string, Loops>>> => {
  const loops = Object.entries(patterns).map(async ([name, pattern]) => [name, await used(pattern)] as const)
  return Object.fromEntries(await Promise.all(loops))
}

const largeAgainstSmall = timed("window of 100,000 calls, against one of 10", { "window of 10": 1.2 }, () => {
  const { countBreaker } = ours
  return settle({ ours: countBreaker!(100_000), "window of 10": countBreaker!(10) })
})

export const growth: ReadonlyArray<Case> = [...keys, ...windowSizes.map(window), largeAgainstSmall]
