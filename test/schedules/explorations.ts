/**
 * How far the programs of a policy are explored.
 */
import { it } from "@effect/vitest"
import { explore, type Program, type Tools } from "../support/schedules.ts"
import type { Size } from "./programs.ts"

/** SCHEDULES=all for what CI has no time for. */
const hasTime = process.env["SCHEDULES"] === "all"

const LARGER: ReadonlyArray<Size> = [
  { fibers: 3, steps: 3 },
  { fibers: 2, steps: 6 },
  { fibers: 3, steps: 4 },
  { fibers: 4, steps: 2 },
  { fibers: 4, steps: 3 }
]

/** Each schedule of the smallest, and of the others as many as needed to come to every state that often. */
const SAMPLES: ReadonlyArray<Size & { readonly visits: number }> = [
  { fibers: 2, steps: 1, visits: Infinity },
  { fibers: 3, steps: 2, visits: 2 }
]
const LARGER_SAMPLES: typeof SAMPLES = [
  { fibers: 3, steps: 1, visits: Infinity },
  { fibers: 2, steps: 2, visits: Infinity },
  { fibers: 3, steps: 3, visits: 3 }
]

/** Explores the programs of one policy. `largest` are those for which CI has time. */
export const exploreAll = (policy: string, make: (size: Size) => (tools: Tools) => Program, largest: Size): void => {
  const sizes = hasTime ? LARGER : [largest]
  it.each(sizes)("in every program of $fibers fibers with at most $steps steps each", (size) => {
    const { runs, schedules, states } = explore(make(size))
    process.stdout.write(
      `${policy}, ${size.fibers} × ${size.steps}: ${Number(schedules).toPrecision(3)} schedules, ` +
        `by ${runs.toLocaleString("en")} runs through ${states.toLocaleString("en")} states\n`
    )
  })

  it.each(hasTime ? [...SAMPLES, ...LARGER_SAMPLES] : SAMPLES)(
    "in a way that follows from its state: $fibers fibers, $steps steps, $visits visits",
    ({ visits, ...size }) => void explore(make(size), { visits })
  )
}
