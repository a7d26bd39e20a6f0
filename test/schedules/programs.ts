/**
 * All programs of a few fibers at once: each fiber chooses its next step when it comes to it, so that programs that begin
 * alike share their beginning. How a call ends is chosen when it ends, for the same reason: nobody knew before.
 */
import { Effect } from "effect"
import type { Program, Tools } from "../support/schedules.ts"

/** A policy, and beside it what must become of its calls. */
export interface Twin {
  /** The call of a fiber, which takes a turn once it is let in. */
  readonly call: (fiber: number, end: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown>
  /** What operators can do, by name. */
  readonly commands: Readonly<Record<string, Effect.Effect<void>>>
  /** Throws unless both are of one mind. */
  readonly agrees: () => void
  /** All that decides how the policy goes on, but for the calls. */
  readonly state: () => string
  /** All that the policy knows of a fiber's call; no fiber is named in it. */
  readonly stateOf: (fiber: number) => string
  /** Ends a wait in which a program has come to rest. */
  readonly atRest: Effect.Effect<void>
  /** Throws unless the policy is as good as new when all have ended. */
  readonly afterwards: () => void
}

/** The programs of so many fibers with at most so many steps each. */
export interface Size {
  readonly fibers: number
  readonly steps: number
}

/** What can happen at a time, and how much of it passes. */
export const MILLIS = 1_000

/** Each fiber gives way before each of its steps. An interruption ends a fiber, wherever it is. */
export const all = ({ choose, fiberAt, note, world }: Tools, twin: Twin, { fibers, steps }: Size): Program => {
  const pick = <A>(fiber: number, choices: Readonly<Record<string, A>>): A => {
    const entries = Object.entries(choices)
    const [name, chosen] = entries[choose(entries.length)]!
    note(`${fiber}: ${name}`)
    return chosen
  }
  const wait = Effect.sync(() => world.pass(MILLIS))
  const ends = { succeed: Effect.void, fail: Effect.fail("down"), cancel: Effect.interrupt, "be slow": wait }
  const interrupt = (fiber: number) => Effect.sync(() => fiberAt(fiber % fibers)?.interruptUnsafe())
  const left = Array.from({ length: fibers }, () => steps)

  const program = (fiber: number): Effect.Effect<unknown> => {
    const call = twin.call(
      fiber,
      Effect.suspend(() => pick<Effect.Effect<unknown, unknown>>(fiber, ends))
    )
    const others = Array.from({ length: fibers - 1 }, (_, index) => index + 1)
    const choices: Record<string, Effect.Effect<unknown> | undefined> = {
      call,
      wait,
      ...twin.commands,
      ...Object.fromEntries(others.map((distance) => [`interrupt +${distance}`, interrupt(fiber + distance)])),
      end: undefined
    }
    const goOn: Effect.Effect<unknown> = Effect.suspend(() => {
      const step = pick(fiber, choices)
      if (step === undefined) return Effect.void
      const isLast = --left[fiber]! === 0
      return isLast ? step : Effect.andThen(step, Effect.andThen(Effect.yieldNow, goOn))
    })
    return goOn
  }

  const placeOf = (fiber: number) =>
    fiberAt(fiber)?.pollUnsafe() === undefined ? `${left[fiber]} left${twin.stateOf(fiber)}` : "ended"
  const numbers = left.map((_, fiber) => fiber)
  return {
    fibers: numbers.map(program),
    always: twin.agrees,
    atRest: twin.atRest,
    finally: () => {
      twin.agrees()
      twin.afterwards()
    },
    // Fibers differ in nothing but their number, so their order does not matter.
    state: () => [twin.state(), `${world.pending} turns`, ...numbers.map(placeOf).toSorted()].join("; ")
  }
}
