/**
 * What is guarded: operations that do nothing, so that only the guards cost.
 */
import { Effect } from "effect"
import { awaiting, inFiber } from "./loops.ts"

/** Ends at once. */
export const immediate = Effect.sync(() => 1)

/** Waits for a promise, as every real call does. */
export const asynchronous = Effect.promise(async () => 1)

/** Fails at once. */
export const failing = Effect.fail("down")

export const call = async (): Promise<number> => 1

export const failingCall = async (): Promise<number> => {
  throw new Error("down")
}

/** The bare loops that guarded ones are compared with. */
export const bare = {
  immediate: inFiber(() => immediate),
  asynchronous: inFiber(() => asynchronous),
  failing: inFiber(() => Effect.ignore(failing)),
  call: awaiting(call),
  failingCall: awaiting(() => failingCall().catch(() => 0))
}
