/**
 * A policy that is not as its model is found, with its seed and the shortest way there.
 */
import { Effect } from "effect"
import { describe, expect, it } from "vitest"
import { Timeout } from "../../src/index.ts"
import { bulkhead } from "./BulkheadModel.ts"
import { check } from "./support/Model.ts"
import { timeout } from "./TimeoutModel.ts"

const problem = (run: () => void): string => {
  try {
    run()
  } catch (error) {
    return (error as Error).message
  }
  throw new Error("no difference was found")
}

/** Timeouts that are one millisecond too long. */
const late: typeof timeout = {
  ...timeout,
  real: (plan) => {
    const real = timeout.real(plan)
    const policy = Timeout.makeUnsafe({ service: "prices", duration: plan.duration + 1 })
    return { ...real, parts: [policy] }
  }
}

describe("a policy that is not as its model", () => {
  it("is told with its seed, its options and how to see it again", () => {
    const message = problem(() => check(late, { runs: 1_000, seed: 1 }))
    const [seed] = /(?<=with seed )\d+/.exec(message)!
    expect(message).toMatch(/^timeout is not as its model with seed \d+: /)
    expect(message).toContain('with {"duration":')
    expect(message).toContain(`again: npm run models -- --policy timeout --seed ${seed} --runs 1`)
    expect(problem(() => check(late, { runs: 1, seed: Number(seed) }))).toBe(message)
  })

  it("is told with the shortest sequence", () => {
    const lines = problem(() => check(late, { runs: 1_000, seed: 1 })).split("\n")
    const commands = lines.slice(lines.indexOf("after") + 1, -1)
    expect(commands.map((command) => /(?<="_tag":")\w+/.exec(command)?.[0])).toEqual(["call", "wait"])
  })

  it("is found when only an order shows it", () => {
    const deaf: typeof bulkhead = {
      ...bulkhead,
      real: (plan) => {
        const real = bulkhead.real(plan)
        return { ...real, obey: (order) => (order._tag === "resize" ? Effect.void : real.obey(order)) }
      }
    }
    const lines = problem(() => check(deaf, { runs: 1_000, seed: 1 })).split("\n")
    expect(lines.slice(lines.indexOf("after") + 1, -1).join()).toContain('"_tag":"resize"')
  })

  it("is not found where there is none", () => {
    check(timeout, { runs: 100, seed: 1 })
  })
})
