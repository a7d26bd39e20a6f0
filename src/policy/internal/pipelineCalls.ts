/**
 * How the calls of a pipeline end.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Classifier from "../Classifier.ts"
import * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"

/** The counts of a pipeline since it was made. */
export interface Totals {
  successes: number
  failures: number
  interrupted: number
}

/** One call of a pipeline. */
export interface Call {
  isOver: boolean
}

/** The call of the outermost pipeline around. What it forked, and what outlives it, inherits it. */
export const Enclosing = Context.Reference<Call | undefined>("effect-resilience/EnclosingCall", {
  defaultValue: () => undefined
})

/** Counts a call, and tells about it if it failed; enclosed in another one, its failure has not reached the caller yet. */
export const settle = (
  service: string,
  totals: Totals,
  fiber: Fiber.Fiber<unknown, unknown>,
  exit: Exit.Exit<unknown, unknown>,
  home: Policy.Observer | undefined,
  isEnclosed: boolean
): void => {
  if (exit._tag === "Success") {
    totals.successes++
    return
  }
  if (Cause.hasInterruptsOnly(exit.cause)) {
    totals.interrupted++
    return
  }
  totals.failures++
  if (!Policy.isObserved(fiber, home)) return
  const error = Outcome.subjectOf(exit.cause)
  const traits = Cause.hasDies(exit.cause) ? DEFECT : Classifier.traitLabels(error, Policy.wallMillis(fiber))
  const attributes = isEnclosed ? { ...traits, enclosed: "true" } : traits
  Policy.emit(fiber, home, { _tag: "CallFailed", kind: "pipeline", service, severity: "Debug", attributes, error })
}

const DEFECT = { error_code: "defect", category: "server_error", status_code: "500", retry_policy: "never" }
