/**
 * Small programs on one circuit, in every order in which their fibers can take their turns.
 */
import { afterAll, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import { CircuitBreaker } from "../../src/index.ts"
import { explore, type Options } from "../support/schedules.ts"
import { same } from "../support/sweep.ts"
import * as Situation from "../sweeps/operations/situations.ts"
import { combinations, pairs, title, triples } from "./programs.ts"

/** A call that ends in a way; the interruption of the next fiber, wherever it is; time that opens the next round. */
const STEPS = ["up", "down", "interrupt", "trip", "reset", "wait"] as const
type Step = (typeof STEPS)[number]
type State = "Closed" | "HalfOpen"

const PROBES = 2
const makeBreaker = Situation.maker(CircuitBreaker.Kind, {
  consecutiveFailures: 2,
  openDuration: Situation.OPEN_MILLIS,
  probeTimeout: "1 hour",
  probes: PROBES,
  successesToClose: PROBES
})

let explored = 0
afterAll(() => void process.stdout.write(`circuit breaker: ${explored} schedules\n`))

const exploreAll = (
  programs: ReadonlyArray<ReadonlyArray<ReadonlyArray<Step>>>,
  states: ReadonlyArray<State> = ["Closed", "HalfOpen"],
  options: Options = {}
): void => {
  for (const program of programs) for (const state of states) explored += exploreOne(program, state, options)
}

const exploreOne = (program: ReadonlyArray<ReadonlyArray<Step>>, state: State, options: Options): number => {
  try {
    return explore((world, fiberAt) => {
      const breaker = makeBreaker()
      if (state === "HalfOpen") Situation.openThenWait(world, breaker)
      const snapshot = () => breaker.snapshot(world.now)
      const countedNow = () => {
        const { failures, ignored, rejections, successes } = snapshot()
        return failures + ignored + rejections + successes
      }
      const before = countedNow()
      /** How often the circuit has changed its state, by which a call knows whether it is of an earlier round. */
      let round = 0
      breaker.onTransition(() => round++)
      const probing = new Map<number, number>()
      let attempted = 0
      const count = (round: number, change: number) => probing.set(round, (probing.get(round) ?? 0) + change)
      const essence = () => {
        const { failuresInRow, openings, probing, state, transitions } = snapshot()
        return [failuresInRow, openings, probing, state, transitions]
      }
      const call = (step: "up" | "down") =>
        Effect.suspend(() => {
          attempted++
          let own: number | undefined
          let atEnd: ReadonlyArray<unknown> = []
          let isProbe = false
          const work = Effect.onExitPrimitive(
            Effect.suspend(() => {
              own = round
              isProbe = snapshot().state === "HalfOpen"
              if (isProbe) count(round, 1)
              return Effect.andThen(Effect.yieldNow, step === "up" ? Effect.void : Effect.fail(step))
            }),
            () => {
              if (isProbe && own !== undefined) count(own, -1)
              atEnd = [round, ...essence()]
              return undefined
            }
          )
          return Effect.onExitPrimitive(Effect.exit(breaker.execute(work)), () => {
            const isOld = own !== undefined && atEnd[0] !== own
            if (isOld) same("what the call of an earlier round changes", [round, ...essence()], atEnd)
            return undefined
          })
        })
      const perform = (step: Step, fiber: number): Effect.Effect<unknown> => {
        if (step === "up" || step === "down") return call(step)
        if (step === "interrupt") return Effect.sync(() => fiberAt((fiber + 1) % program.length)?.interruptUnsafe())
        if (step === "wait") return Effect.sync(() => (world.now += Situation.OPEN_MILLIS))
        return Effect.andThen(Effect.yieldNow, breaker[step])
      }
      return {
        fibers: program.map((steps, fiber) => Effect.forEach(steps, (step) => perform(step, fiber), { discard: true })),
        always: () => {
          same("no more probes than a round has", (probing.get(round) ?? 0) <= PROBES, true)
          same("no more probes are known than a round has", snapshot().probing <= PROBES, true)
        },
        finally: () => {
          const counted = countedNow() - before
          if (options.operationsInTurn === undefined) same("calls that are counted", counted, attempted)
          else same("no more calls are counted than were made", counted <= attempted, true)
          Situation.decides(world, breaker)
        }
      }
    }, options)
  } catch (error) {
    throw new Error(`${title(program)}, ${state}: ${error instanceof Error ? error.message : error}`, { cause: error })
  }
}

describe("a circuit counts every call once, and keeps its rounds apart", { timeout: 120_000 }, () => {
  it("in any program of three fibers with one step each", () => exploreAll(triples(combinations(STEPS, 1))))

  it("in any program of two fibers with two steps each", () => exploreAll(pairs(combinations(STEPS, 2))))

  it("in any program of two fibers with three calls or interruptions each", () =>
    exploreAll(pairs(combinations(["up", "down", "interrupt"] as const, 3))))

  it("in programs of three fibers with three steps each", () =>
    exploreAll([
      [
        ["up", "up", "down"],
        ["down", "up", "up"],
        ["up", "interrupt", "up"]
      ],
      [
        ["down", "down", "up"],
        ["down", "wait", "up"],
        ["up", "wait", "down"]
      ],
      [
        ["up", "trip", "wait"],
        ["down", "interrupt", "up"],
        ["up", "up", "interrupt"]
      ]
    ]))

  it.each([6, 7, 8, 9])(
    "in programs of two fibers that give way after %d operations of the runtime",
    (operationsInTurn) => exploreAll(pairs(combinations(STEPS, 1)), undefined, { operationsInTurn })
  )
})
