/**
 * Runs a program in every order in which its fibers can take their turns.
 */
import { Cause, type Effect } from "effect"
import { type AnyFiber, World } from "./World.ts"

/** A program: its fibers, what must hold after each turn, and what must hold when all have ended. */
export interface Program {
  readonly fibers: ReadonlyArray<Effect.Effect<unknown, unknown>>
  readonly always: () => void
  /** Ends a wait in which the program has come to rest. */
  readonly atRest?: Effect.Effect<void>
  readonly finally: () => void
  /** Everything on which the future depends. What follows on a state is explored once, however it is reached. */
  readonly state?: () => string
}

/** What a program is made with. */
export interface Tools {
  readonly world: World
  readonly fiberAt: (index: number) => AnyFiber | undefined
  /** One of so many possibilities, each of which is explored. */
  readonly choose: (possibilities: number) => number
  /** What a failure tells of the way to it. */
  readonly note: (happened: string) => void
}

export interface Options {
  /** After how many operations of the runtime a fiber gives way; by default, only where the program says so. */
  readonly operationsInTurn?: number
  /** How often what follows on a state is explored; it must be the same each time. By default once. */
  readonly visits?: number
}

export interface Explored {
  /** All of them: those that were run, and those that would have gone on from a state that was known. */
  readonly schedules: bigint
  readonly runs: number
  readonly states: number
}

/** Explores all schedules of a program. A failure names the choices; the variable SCHEDULE runs these alone. */
export const explore = (make: (tools: Tools) => Program, options: Options = {}): Explored => {
  const exploration = new Exploration(make, options)
  const replayed = process.env["SCHEDULE"]
  return replayed === undefined ? exploration.all() : exploration.one(replayed.split(" ").map(Number))
}

/** A place where there is a choice, and what was found behind the choices that were taken so far. */
interface Choice {
  readonly of: number
  taken: number
  readonly state: string | undefined
  schedules: bigint
  readonly next: Set<string>
}

/** What follows on a state. */
interface Visited {
  readonly schedules: bigint
  readonly next: string
  visits: number
}

const MOST_RUNS = 100_000_000

class Exploration {
  private readonly make: (tools: Tools) => Program
  private readonly options: Options
  /** The choices of the present run, and how many of them it has made so far. */
  private readonly path: Array<Choice> = []
  private depth = 0
  private readonly known = new Map<string, Visited>()

  constructor(make: (tools: Tools) => Program, options: Options) {
    this.make = make
    this.options = options
  }

  /** Depth first: a run repeats the choices of the one before it, but for the last that can still be another one. */
  all(): Explored {
    for (let runs = 1; runs <= MOST_RUNS; runs++) {
      const schedules = this.goBack(this.run())
      if (this.path.length === 0) return { schedules, runs, states: this.known.size }
    }
    throw new Error(`more than ${MOST_RUNS} runs`)
  }

  one(choices: ReadonlyArray<number>): Explored {
    for (const taken of choices)
      this.path.push({ of: Infinity, taken, state: undefined, schedules: 0n, next: new Set() })
    this.run()
    return { schedules: 1n, runs: 1, states: 0 }
  }

  /** Goes back to the last place where there is another choice. Returns how many schedules there are behind it. */
  private goBack({ schedules, state }: End): bigint {
    let behind = schedules
    let next: Iterable<string> = state === undefined ? [] : [state]
    for (let last = this.path.at(-1); last !== undefined; last = this.path.at(-1)) {
      last.schedules += behind
      if (this.visits > 1) for (const one of next) last.next.add(one)
      if (++last.taken < last.of) break
      this.path.pop()
      behind = last.schedules
      next = last.state === undefined ? last.next : [last.state]
      if (last.state !== undefined) this.learn(last.state, behind, last.next)
    }
    return behind
  }

  private get visits(): number {
    return this.options.visits ?? 1
  }

  private learn(state: string, schedules: bigint, states: ReadonlySet<string>): void {
    const next = [...states].toSorted().join("\n")
    const before = this.known.get(state)
    if (before === undefined) this.known.set(state, { schedules, next, visits: 1 })
    else if (before.next === next && before.schedules === schedules) before.visits++
    else throw new Error(`what follows depends on more than this: ${state}\nonce\n${before.next}\nonce\n${next}`)
  }

  /** Chooses; a choice that the run before this one has made is made again. */
  private choose(of: number, state?: string): number {
    const choice = this.path[this.depth] ?? { of, taken: 0, state, schedules: 0n, next: new Set() }
    this.path[this.depth++] = choice
    if (choice.of !== of && choice.of !== Infinity) throw new Error("the program is not the same each time")
    return choice.taken
  }

  private run(): End {
    const world = new World()
    const fibers: Array<AnyFiber> = []
    const notes: Array<string> = []
    this.depth = 0
    /** Looks at a place where no run has been before. Returns the state there, unless it is known. */
    const arrive = (program: Program): string | undefined => {
      program.always()
      const state = program.state?.()
      const known = state === undefined ? undefined : this.known.get(state)
      if (known !== undefined && known.visits >= this.visits) throw new Known(known.schedules, state)
      return state
    }
    try {
      const program = this.make({
        world,
        fiberAt: (index) => fibers[index],
        choose: (possibilities) => this.choose(possibilities),
        note: (happened) => void notes.push(happened)
      })
      for (const [index, effect] of program.fibers.entries()) {
        world.schedule(() => {
          fibers[index] = world.fork(effect)
        })
      }
      const { operationsInTurn = Infinity } = this.options
      world.onOperation = (fiber) => fiber.currentOpCount >= operationsInTurn
      world.choose = (turns) => this.choose(turns, this.depth < this.path.length ? undefined : arrive(program))
      for (;;) {
        world.settle()
        this.choose(1, this.depth < this.path.length ? undefined : arrive(program))
        if (fibers.every((fiber) => fiber.pollUnsafe() !== undefined)) break
        if (program.atRest !== undefined) world.run(program.atRest)
        if (world.pending === 0) throw new Error("a fiber waits for ever")
      }
      world.choose = () => 0
      world.onOperation = () => false
      for (const fiber of fibers) {
        const exit = world.end(fiber)
        if (exit._tag === "Failure" && Cause.hasDies(exit.cause)) throw Cause.squash(exit.cause)
      }
      program.finally()
      return { schedules: 1n, state: undefined }
    } catch (error) {
      if (error instanceof Known) return error
      const schedule = this.path.slice(0, this.depth).map(({ taken }) => taken)
      const what = error instanceof Error ? error.message : error
      throw new Error(`${what}\n${notes.join(", ")}\nSCHEDULE="${schedule.join(" ")}"`, { cause: error })
    }
  }
}

/** How a run has ended. */
interface End {
  readonly schedules: bigint
  readonly state: string | undefined
}

/** A run has come to a state from which it need not go on. */
class Known implements End {
  readonly schedules: bigint
  readonly state: string | undefined
  constructor(schedules: bigint, state: string | undefined) {
    this.schedules = schedules
    this.state = state
  }
}
