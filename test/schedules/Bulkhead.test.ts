/**
 * All small programs on one bulkhead, in every order in which their fibers can take their turns.
 */
import { describe } from "@effect/vitest"
import { vi } from "vitest"
import { Bulkhead } from "../../src/index.ts"
import * as Turns from "../../src/policy/internal/Turns.ts"
import type { Program, Tools } from "../support/schedules.ts"
import * as Situation from "../sweeps/operations/situations.ts"
import { BulkheadTwin, type Limits } from "./BulkheadTwin.ts"
import { exploreAll } from "./explorations.ts"
import * as Programs from "./programs.ts"

// Whose turn comes with the next task is seen nowhere from outside, and the future depends on it.
vi.mock("../../src/policy/internal/Turns.ts", { spy: true })

const turnsOf = <A>(make: () => A): [A, Turns.Turns] => {
  vi.clearAllMocks()
  const made = make()
  return [made, vi.mocked(Turns.make).mock.results[0]!.value as Turns.Turns]
}

const programs = ({ maxConcurrent, maxQueue, queueMillis }: Limits) => {
  const make = Situation.maker(Bulkhead.Kind, { maxConcurrent, maxQueue, queueTimeout: queueMillis })
  return (size: Programs.Size) =>
    (tools: Tools): Program => {
      const [bulkhead, turns] = turnsOf(make)
      const twin = new BulkheadTwin(tools, bulkhead, { maxConcurrent, maxQueue, queueMillis }, turns)
      return Programs.all(tools, twin, size)
    }
}

for (const maxQueue of [1, 2]) {
  const name = `a bulkhead in which one call runs and ${maxQueue} may wait`
  describe(`${name} loses no permit and gives none twice`, { timeout: 3_600_000 }, () => {
    exploreAll(name, programs({ maxConcurrent: 1, maxQueue, queueMillis: Programs.MILLIS }), { fibers: 3, steps: 3 })
  })
}
