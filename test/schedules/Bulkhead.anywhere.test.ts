/**
 * Two fibers on one bulkhead that give way anywhere, in the middle of the library's own work too.
 */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Bulkhead } from "../../src/index.ts"
import { explore } from "../support/schedules.ts"
import { same } from "../support/sweep.ts"
import * as Situation from "../sweeps/operations/situations.ts"

const STEPS = ["succeed", "fail", "interrupt", "resize to 0", "resize to 1"] as const
type Step = (typeof STEPS)[number]

const makeBulkhead = Situation.maker(Bulkhead.Kind, { maxConcurrent: 1 })

const exploreWith = (operationsInTurn: number): void => {
  explore(
    ({ choose, fiberAt, note, world }) => {
      const bulkhead = makeBulkhead()
      let attempted = 0
      let running = 0
      const call = (end: Effect.Effect<void, string>) =>
        Effect.suspend(() => {
          attempted++
          const work = Effect.suspend(() => {
            running++
            return Effect.ensuring(
              Effect.andThen(Effect.yieldNow, end),
              Effect.sync(() => running--)
            )
          })
          return Effect.exit(bulkhead.execute(work))
        })
      const perform = (step: Step, fiber: number): Effect.Effect<unknown> => {
        if (step === "succeed") return call(Effect.void)
        if (step === "fail") return call(Effect.fail("down"))
        if (step === "interrupt") return Effect.sync(() => fiberAt(1 - fiber)?.interruptUnsafe())
        return bulkhead.resize(Number(step.at(-1)))
      }
      return {
        fibers: [0, 1].map((fiber) =>
          Effect.suspend(() => {
            const step = STEPS[choose(STEPS.length)]!
            note(`${fiber}: ${step}`)
            return perform(step, fiber)
          })
        ),
        always: () => same("no more calls run than may", running <= 1 && bulkhead.snapshot(0).active <= 1, true),
        atRest: bulkhead.resize(1),
        finally: () => {
          same("no more calls are counted than were made", Situation.countedBy(bulkhead) <= attempted, true)
          world.run(bulkhead.resize(1))
          Situation.hasFullCapacity(world, bulkhead)
        }
      }
    },
    { operationsInTurn }
  )
}

describe("a bulkhead loses no permit and gives none twice", () => {
  it.each([6, 7, 8, 9])("for fibers that give way after %d operations", exploreWith)
})
