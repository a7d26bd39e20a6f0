/**
 * Asks a classifier.
 */
import type * as Exit from "effect/Exit"
import * as Formatter from "effect/Formatter"
import type * as Outcome from "../Outcome.ts"

/** What it says. If that is no outcome, it has forgotten a case, and is told so. */
export const judge = (classify: Outcome.Classify, exit: Exit.Exit<unknown, unknown>): Outcome.Outcome => {
  const outcome: Partial<Outcome.Outcome> | undefined = classify(exit)
  if (isOutcome(outcome)) return outcome
  throw new TypeError(`classify: expected an Outcome, got ${Formatter.format(outcome)}`)
}

const isOutcome = (outcome: Partial<Outcome.Outcome> | undefined): outcome is Outcome.Outcome =>
  outcome?._tag === "Success" || outcome?._tag === "Failure" || outcome?._tag === "Ignored"
