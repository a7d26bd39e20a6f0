/**
 * How the command line ends when it does not end well: with a number for scripts, and a line for people.
 */
import * as Runtime from "effect/Runtime"
import * as Schema from "effect/Schema"

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

/** It does not end well. Without a problem, everything has been said already. */
export class Failure extends Schema.TaggedError<Failure>()("Failure", {
  reason: Schema.Literals(["finding", "usage", "unreachable", "refused"]),
  problem: Schema.optional(Schema.String),
  /** Whether the same question may be answered in a while: nobody is there, or who is there has trouble. */
  mayPass: Schema.optional(Schema.Boolean)
}) {
  override readonly [Runtime.errorExitCode] = exitCodes[this.reason]
  override readonly [Runtime.errorReported] = false

  override get message(): string {
    return this.problem ?? this.reason
  }
}

/** What was found has been shown. */
export const found = new Failure({ reason: "finding" })
