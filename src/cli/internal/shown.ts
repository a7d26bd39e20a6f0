/**
 * The events that have been shown: a new connection tells the last of them again.
 */
import type { Api } from "../../admin/index.ts"

/** More than are told again: at most 100 of each kind. */
const MOST = 10_000

/** Makes, for each connection, what tells the events that earlier connections did not tell. */
export const make = (): (() => (event: Api.Event) => boolean) => {
  const all = new Set<string>()
  return () => {
    const earlier = new Set(all)
    return (event) => {
      const key = JSON.stringify(event)
      if (earlier.has(key)) return false
      all.add(key)
      for (const oldest of all) {
        if (all.size <= MOST) break
        all.delete(oldest)
      }
      return true
    }
  }
}
