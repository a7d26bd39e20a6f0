/**
 * A part of a pipeline that does nothing but write down when a call comes by, and how it goes.
 */
import { Cause, Effect, Exit } from "effect"
import type { Policy } from "../../src/index.ts"

/** How a call ended, in one word. */
export const endOf = (exit: Exit.Exit<unknown, unknown>): "success" | "failure" | "defect" | "interruption" => {
  if (Exit.isSuccess(exit)) return "success"
  if (Cause.hasInterruptsOnly(exit.cause)) return "interruption"
  return Cause.hasDies(exit.cause) ? "defect" : "failure"
}

/** A part that writes into a log that others write into too. */
export const tracing = (name: string, log: Array<string>): Policy.Guard => {
  const executeWith =
    (call: Policy.CallOptions): Policy.Policy =>
    (self) =>
      Effect.suspend(() => {
        log.push(call.key === undefined ? `${name} in` : `${name} in with ${call.key}`)
        return Effect.onExit(self, (exit) => Effect.sync(() => log.push(`${name} ${endOf(exit)}`)))
      })
  return {
    kind: name,
    service: name,
    execute: executeWith({}),
    executeWith,
    describe: () => name,
    snapshot: () => ({ kind: name, service: name })
  }
}
