/**
 * Runs a program in every order in which its fibers can take their turns.
 */
import { Cause, type Effect } from "effect"
import { type AnyFiber, World } from "./World.ts"

/** A program: its fibers, what must hold after each turn, and what must hold when all have ended. */
export interface Program {
  readonly fibers: ReadonlyArray<Effect.Effect<unknown, unknown>>
  readonly always: () => void
  /** What ends the waits in which a program may come to rest. */
  readonly beforeEnd?: Effect.Effect<void>
  readonly finally: () => void
}

export interface Options {
  /** After how many operations of the runtime a fiber gives way; by default, only where the program says so. */
  readonly operationsInTurn?: number
}

interface Choice {
  readonly of: number
  taken: number
}

const MOST_SCHEDULES = 1_000_000

/**
 * Explores all schedules, depth first: a run repeats the choices of the one before it, but for the last that can still be
 * another one. Returns their number. A failure names the choices.
 */
export const explore = (
  make: (world: World, fiberAt: (index: number) => AnyFiber | undefined) => Program,
  { operationsInTurn = Infinity }: Options = {}
): number => {
  const choices: Array<Choice> = []
  for (let schedules = 1; schedules <= MOST_SCHEDULES; schedules++) {
    runOnce(make, choices, operationsInTurn)
    while (choices.length > 0) {
      const last = choices.at(-1)!
      if (++last.taken < last.of) break
      choices.pop()
    }
    if (choices.length === 0) return schedules
  }
  throw new Error(`more than ${MOST_SCHEDULES} schedules`)
}

const runOnce = (make: Parameters<typeof explore>[0], choices: Array<Choice>, operationsInTurn: number): void => {
  const world = new World()
  const fibers: Array<AnyFiber> = []
  let depth = 0
  try {
    const program = make(world, (index) => fibers[index])
    for (const [index, effect] of program.fibers.entries()) {
      world.schedule(() => {
        fibers[index] = world.fork(effect)
      })
    }
    world.onOperation = (fiber) => fiber.currentOpCount >= operationsInTurn
    world.choose = (turns) => {
      program.always()
      if (turns === 1) return 0
      const choice = (choices[depth] ??= { of: turns, taken: 0 })
      depth++
      if (choice.of !== turns) throw new Error("the program is not the same each time")
      return choice.taken
    }
    world.settle()
    world.choose = () => 0
    world.onOperation = () => false
    program.always()
    if (program.beforeEnd !== undefined) world.run(program.beforeEnd)
    for (const fiber of fibers) {
      const exit = world.end(fiber)
      if (exit._tag === "Failure" && Cause.hasDies(exit.cause)) throw Cause.squash(exit.cause)
    }
    program.finally()
  } catch (error) {
    const schedule = choices.slice(0, depth).map(({ taken }) => taken)
    throw new Error(`schedule ${schedule.join(" ")}: ${error instanceof Error ? error.message : error}`, {
      cause: error
    })
  }
}
