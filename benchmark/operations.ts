/**
 * What is guarded: operations that do nothing, so that only the guards cost.
 */
import { Effect } from "effect"

/** What an operation does: it ends at once, after a promise, after a turn of the event loop, after a millisecond, ... */
type Operation = "immediate" | "asynchronous" | "turn" | "pause" | "endless" | "failing"

/** How a call ends: as its operation does; turned away by the guard; cut off by it. */
export type Ending = "immediate" | "asynchronous" | "turn" | "failing" | "rejected" | "late"

interface Roles {
  readonly guarded: Operation
  /** What comes nearest without a guard. */
  readonly bare: Operation
  readonly isFailure: boolean
}

/** What is called, with a guard and without. */
export const roles: Readonly<Record<Ending, Roles>> = {
  immediate: { guarded: "immediate", bare: "immediate", isFailure: false },
  asynchronous: { guarded: "asynchronous", bare: "asynchronous", isFailure: false },
  turn: { guarded: "turn", bare: "turn", isFailure: false },
  failing: { guarded: "failing", bare: "failing", isFailure: true },
  rejected: { guarded: "immediate", bare: "failing", isFailure: true },
  late: { guarded: "endless", bare: "pause", isFailure: true }
}

const turn = (): Promise<number> => new Promise((resolve) => setImmediate(resolve, 1))

const PAUSE_MILLIS = 1

export const effects: Readonly<Record<Operation, Effect.Effect<number, string>>> = {
  immediate: Effect.sync(() => 1),
  asynchronous: Effect.promise(async () => 1),
  turn: Effect.promise(turn),
  pause: Effect.as(Effect.sleep(PAUSE_MILLIS), 1),
  endless: Effect.never,
  failing: Effect.fail("down")
}

const resolved = async (): Promise<number> => 1

/** A promise is never there at once. */
export const promises: Readonly<Record<Operation, () => Promise<number>>> = {
  immediate: resolved,
  asynchronous: resolved,
  turn,
  pause: () => new Promise((resolve) => setTimeout(resolve, PAUSE_MILLIS, 1)),
  endless: () => new Promise(() => {}),
  failing: async () => {
    throw new Error("down")
  }
}
