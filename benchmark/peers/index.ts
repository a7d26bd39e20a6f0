/**
 * The libraries that ours is compared with: another one is a file beside this one, and a line here.
 */
import { cockatiel } from "./cockatiel.ts"
import { effect } from "./effect.ts"
import { opossum } from "./opossum.ts"
import type { Peer } from "./Peer.ts"

export const peers: ReadonlyArray<Peer> = [cockatiel, opossum, effect]
