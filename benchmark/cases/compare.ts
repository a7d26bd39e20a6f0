/**
 * Cases in which all libraries do the same.
 */
import type { Case, Targets } from "../case.ts"
import type { Pattern } from "../guards.ts"
import { limits } from "../limits.ts"
import type { Ending } from "../operations.ts"
import { ours } from "../peers/ours.ts"
import { peers } from "../peers/index.ts"
import type { Peer } from "../peers/Peer.ts"
import { timed } from "./timed.ts"

/** What each of the libraries has of a kind, by its name. */
export const having = <A>(
  among: ReadonlyArray<Peer>,
  pick: (peer: Peer) => A | undefined
): Readonly<Record<string, A>> =>
  Object.fromEntries(
    among.flatMap((peer): ReadonlyArray<[string, A]> => {
      const picked = pick(peer)
      return picked === undefined ? [] : [[peer.name, picked]]
    })
  )

/** Ours and all others. */
export const libraries: ReadonlyArray<Peer> = [ours, ...peers]

/** A pattern of all libraries around calls that end in some way, and the least it can cost where that is known. */
export const compare = (
  name: string,
  ending: Ending,
  pick: (peer: Peer) => Pattern | undefined,
  targets: Targets = {}
): Case => timed(name, targets, () => having([...libraries, limits], (peer) => pick(peer)?.guard().around(ending)))
