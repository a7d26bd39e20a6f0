/**
 * Every policy beside its model. `MODEL_SEED=7 MODEL_RUNS=1` repeats one run, `npm run models` has more of them.
 */
import { describe, expect, it } from "vitest"
import { models } from "./all.ts"

const seed = Number(process.env["MODEL_SEED"] ?? 1)
const runs = Number(process.env["MODEL_RUNS"] ?? 10_000)

describe("any sequence of calls, interruptions, waits and orders", { timeout: 300_000 }, () => {
  for (const { check, policy } of models) {
    it(`goes for the ${policy} as in its model`, () => {
      expect(() => check({ runs, seed })).not.toThrow()
    })
  }
})
