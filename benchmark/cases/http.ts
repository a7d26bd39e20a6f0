/**
 * What the stack adds to an HTTP call that takes a millisecond.
 */
import type { Case } from "../case.ts"
import { limits } from "../limits.ts"
import { overhead } from "../measures/http.ts"
import { plenty } from "../peers/settings.ts"
import { having, libraries } from "./compare.ts"

export const http: ReadonlyArray<Case> = [
  {
    name: "five patterns around an HTTP call of 1 ms",
    unit: "addedPercent",
    targets: { ours: 1 },
    measure: ({ rounds }) => {
      const loops = having([...libraries, limits], (peer) => peer.stack?.(plenty).guard().around("asynchronous"))
      for (const { open } of Object.values(loops)) open?.()
      return overhead(loops, rounds)
    }
  }
]
