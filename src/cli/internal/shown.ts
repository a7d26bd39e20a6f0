/**
 * The events that have been shown: a new connection tells the last of them again, so many of each kind.
 */
import type { Api } from "../../admin/index.ts"

/** More of a kind than are told again. */
const MOST = 1_000

/** More than there are kinds, unless a server makes them up. */
const MOST_KINDS = 1_000

type Keys = ReadonlyMap<string, ReadonlySet<string>>

/** Makes, for each connection, what tells the events that earlier connections did not tell. */
export const make = (): (() => (event: Api.Event) => boolean) => {
  const all = new Map<string, Set<string>>()
  return () => {
    const earlier: Keys = new Map([...all].map(([tag, keys]) => [tag, new Set(keys)]))
    return (event) => {
      const key = JSON.stringify(event)
      if (earlier.get(event.tag)?.has(key)) return false
      const same = all.get(event.tag) ?? new Set()
      all.set(event.tag, same.add(key))
      forgetOldest(same, MOST)
      forgetOldest(all, MOST_KINDS)
      return true
    }
  }
}

const forgetOldest = (all: Map<string, unknown> | Set<string>, most: number): void => {
  for (const oldest of all.keys()) {
    if (all.size <= most) break
    all.delete(oldest)
  }
}
