/**
 * What is guarded: operations that do nothing, so that only the guards cost.
 */
import { Effect } from "effect"

/** How an operation ends: at once, after a promise, after a turn of the event loop, with a failure. */
export type Operation = "immediate" | "asynchronous" | "turn" | "failing"

const turn = (): Promise<number> => new Promise((resolve) => setImmediate(resolve, 1))

export const effects: Readonly<Record<Operation, Effect.Effect<number, string>>> = {
  immediate: Effect.sync(() => 1),
  asynchronous: Effect.promise(async () => 1),
  turn: Effect.promise(turn),
  failing: Effect.fail("down")
}

const resolved = async (): Promise<number> => 1

/** A promise is never there at once. */
export const promises: Readonly<Record<Operation, () => Promise<number>>> = {
  immediate: resolved,
  asynchronous: resolved,
  turn,
  failing: async () => {
    throw new Error("down")
  }
}
