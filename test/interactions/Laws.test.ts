/**
 * The laws for every policy, and for pipelines of whatever parts in whatever order. `LAWS_SEED=7 LAWS_RUNS=1` repeats one run,
 * and a great `LAWS_RUNS` looks further.
 */
import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Laws } from "../../src/testing/index.ts"
import { seeded } from "../../src/testing/internal/Seeded.ts"
import { policies, randomPipeline } from "../support/randomPipeline.ts"

const FIRST_SEED = Number(process.env["LAWS_SEED"] ?? 1)
const RUNS = Number(process.env["LAWS_RUNS"] ?? 1_000)
const KEYS = ["a", "b"]

/** One run for each seed, which makes the subject as well. */
const checkAll = (make: (seed: number) => Laws.Subject, runs: number) =>
  Effect.gen(function* () {
    const seen = new Set<string>()
    for (let seed = FIRST_SEED; seed < FIRST_SEED + runs; seed++) {
      const options = { seed, runs: 1, ...(seed % 3 === 0 ? { keys: KEYS } : {}) }
      const { events } = yield* Laws.check(
        Effect.sync(() => make(seed)),
        options
      )
      for (const tag of Object.keys(events)) seen.add(tag)
    }
    return [...seen].toSorted()
  })

describe("the laws hold", { timeout: 120_000 }, () => {
  it.effect("for every pipeline", () =>
    Effect.gen(function* () {
      const seen = yield* checkAll((seed) => randomPipeline(seeded(seed)), RUNS)
      if (RUNS < 100) return
      expect(seen).toEqual([
        "BulkheadRejection",
        "CallFailed",
        "CircuitBreakerFailure",
        "CircuitBreakerRejection",
        "CircuitBreakerTransition",
        "FallbackUsed",
        "RetryAbandoned",
        "RetryExhausted",
        "RetryScheduled",
        "TimeoutExceeded"
      ])
    })
  )

  for (const [policy, make] of Object.entries(policies)) {
    it.effect(`for a ${policy} alone`, () => checkAll((seed) => make(seeded(seed)), Math.ceil(RUNS / 4)))
  }
})
