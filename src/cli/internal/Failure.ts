/**
 * How the command line ends when it does not end well: with a number for scripts, and a line for people.
 */
import * as Data from "effect/Data"
import * as Runtime from "effect/Runtime"

/** The numbers with which the process ends. */
export const exitCodes = {
  /** Something was found that should not be: a mistake, a harmful order, a circuit that is not closed. */
  finding: 1,
  /** The command was not understood. */
  usage: 2,
  /** Nothing answers at the address of the application. */
  unreachable: 3,
  /** The application answers, and refuses. */
  refused: 4
} as const

/** Why it does not end well. */
export type Reason = keyof typeof exitCodes

/** It does not end well. Without a problem, everything has been said already. */
export class Failure extends Data.TaggedError("Failure")<{
  readonly reason: Reason
  readonly problem?: string | undefined
}> {
  override readonly [Runtime.errorExitCode] = exitCodes[this.reason]
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return this.problem ?? this.reason
  }
}

/** What was found has been shown. */
export const found = new Failure({ reason: "finding" })
