/**
 * Small programs on one bulkhead, in every order in which their fibers can take their turns.
 */
import { afterAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { Bulkhead } from "../../src/index.ts"
import { explore, type Options } from "../support/schedules.ts"
import { same } from "../support/sweep.ts"
import * as Situation from "../sweeps/operations/situations.ts"
import { combinations, pairs, title, triples } from "./programs.ts"

/** A call that ends in a way; a pause; the interruption of the next fiber, wherever it is; a limit of 0, and of 1 again. */
const STEPS = ["up", "down", "pause", "interrupt", "close", "open"] as const
type Step = (typeof STEPS)[number]

const makeBulkhead = Situation.maker(Bulkhead.Kind, { maxConcurrent: 1 })

let explored = 0
afterAll(() => void process.stdout.write(`bulkhead: ${explored} schedules\n`))

const exploreAll = (programs: ReadonlyArray<ReadonlyArray<ReadonlyArray<Step>>>, options?: Options): void => {
  for (const program of programs) explored += exploreOne(program, options)
}

const exploreOne = (program: ReadonlyArray<ReadonlyArray<Step>>, options: Options = {}): number => {
  try {
    return explore((world, fiberAt) => {
      const bulkhead = makeBulkhead()
      let attempted = 0
      let running = 0
      const call = (step: "up" | "down") =>
        Effect.suspend(() => {
          attempted++
          const work = Effect.suspend(() => {
            running++
            return Effect.ensuring(
              Effect.andThen(Effect.yieldNow, step === "up" ? Effect.void : Effect.fail(step)),
              Effect.sync(() => running--)
            )
          })
          return Effect.exit(bulkhead.execute(work))
        })
      const perform = (step: Step, fiber: number): Effect.Effect<unknown> => {
        if (step === "up" || step === "down") return call(step)
        if (step === "pause") return Effect.yieldNow
        if (step === "interrupt") return Effect.sync(() => fiberAt((fiber + 1) % program.length)?.interruptUnsafe())
        return bulkhead.resize(step === "close" ? 0 : 1)
      }
      const limitIsKept = () => {
        same("no more calls run than may", running <= 1 && bulkhead.snapshot(0).active <= 1, true)
      }
      return {
        fibers: program.map((steps, fiber) => Effect.forEach(steps, (step) => perform(step, fiber), { discard: true })),
        always: limitIsKept,
        beforeEnd: bulkhead.resize(1),
        finally: () => {
          const counted = Situation.countedBy(bulkhead)
          if (options.operationsInTurn !== undefined)
            same("no more calls are counted than were made", counted <= attempted, true)
          else same("calls that are counted", counted, attempted)
          Situation.hasFullCapacity(world, bulkhead)
        }
      }
    }, options)
  } catch (error) {
    throw new Error(`${title(program)}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

describe("a bulkhead loses no permit and gives none twice", { timeout: 120_000 }, () => {
  it("in any program of three fibers with one step each", () => exploreAll(triples(combinations(STEPS, 1))))

  it("in any program of two fibers with two steps each", () => exploreAll(pairs(combinations(STEPS, 2))))

  it("in any program of two fibers with three calls or interruptions each", () =>
    exploreAll(pairs(combinations(["up", "down", "interrupt"] as const, 3))))

  it("in programs of three fibers with three steps each", () =>
    exploreAll([
      [
        ["up", "down", "up"],
        ["up", "up", "down"],
        ["pause", "interrupt", "up"]
      ],
      [
        ["up", "interrupt", "up"],
        ["down", "interrupt", "up"],
        ["up", "interrupt", "down"]
      ],
      [
        ["close", "up", "open"],
        ["up", "interrupt", "open"],
        ["up", "pause", "interrupt"]
      ]
    ]))

  it.each([6, 7, 8, 9])(
    "in programs of two fibers that give way after %d operations of the runtime",
    (operationsInTurn) => exploreAll(pairs(combinations(STEPS, 1)), { operationsInTurn })
  )
})
