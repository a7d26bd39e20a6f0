/**
 * Two fibers on one circuit that give way anywhere, in the middle of the library's own work too.
 */
import { describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CircuitBreaker } from "../../src/index.ts"
import { explore } from "../support/schedules.ts"
import { same } from "../support/sweep.ts"
import * as Situation from "../sweeps/operations/situations.ts"

const STEPS = ["succeed", "fail", "interrupt", "trip", "reset", "wait"] as const
type Step = (typeof STEPS)[number]

const PROBES = 2
const makeBreaker = Situation.maker(CircuitBreaker.Kind, {
  consecutiveFailures: 2,
  openDuration: Situation.OPEN_MILLIS,
  probeTimeout: "1 hour",
  probes: PROBES,
  successesToClose: PROBES
})

const exploreFrom = (state: "Closed" | "HalfOpen", operationsInTurn: number): void => {
  explore(
    ({ choose, fiberAt, note, world }) => {
      const breaker = makeBreaker()
      if (state === "HalfOpen") Situation.openThenWait(world, breaker)
      const snapshot = () => breaker.snapshot(world.now)
      const countedNow = () => {
        const { failures, ignored, rejections, successes } = snapshot()
        return failures + ignored + rejections + successes
      }
      const before = countedNow()
      let attempted = 0
      /** How often the circuit has changed its state, by which a call knows whether it is of an earlier round. */
      let round = 0
      breaker.onTransition(() => round++)
      const essence = () => {
        const { failuresInRow, openings, probing, state, transitions } = snapshot()
        return [round, failuresInRow, openings, probing, state, transitions]
      }
      const call = (end: Effect.Effect<void, string>) =>
        Effect.suspend(() => {
          attempted++
          let own: number | undefined
          let atEnd: ReadonlyArray<unknown> = []
          const work = Effect.onExitPrimitive(
            Effect.suspend(() => {
              own = round
              return Effect.andThen(Effect.yieldNow, end)
            }),
            () => {
              atEnd = essence()
              return undefined
            }
          )
          return Effect.onExitPrimitive(Effect.exit(breaker.execute(work)), () => {
            if (own !== undefined && own !== atEnd[0]) same("what a call of an earlier round changes", essence(), atEnd)
            return undefined
          })
        })
      const perform = (step: Step, fiber: number): Effect.Effect<unknown> => {
        if (step === "succeed") return call(Effect.void)
        if (step === "fail") return call(Effect.fail("down"))
        if (step === "interrupt") return Effect.sync(() => fiberAt(1 - fiber)?.interruptUnsafe())
        if (step === "wait") return Effect.sync(() => world.pass(Situation.OPEN_MILLIS))
        return Effect.andThen(Effect.yieldNow, breaker[step])
      }
      return {
        fibers: [0, 1].map((fiber) =>
          Effect.suspend(() => {
            const step = STEPS[choose(STEPS.length)]!
            note(`${fiber}: ${step}`)
            return perform(step, fiber)
          })
        ),
        always: () => same("no more probes than a round has", snapshot().probing <= PROBES, true),
        finally: () => {
          same("no more calls are counted than were made", countedNow() - before <= attempted, true)
          Situation.decides(world, breaker)
        }
      }
    },
    { operationsInTurn }
  )
}

describe.each([6, 7, 8, 9])("a circuit keeps its rounds apart for fibers that give way after %d operations", (most) => {
  it.each(["Closed", "HalfOpen"] as const)("%s", (state) => exploreFrom(state, most))
})
