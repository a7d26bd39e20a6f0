/**
 * Attempts at a transaction.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type { SqlClient } from "effect/sql/SqlClient"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Classifier from "../../policy/Classifier.ts"
import * as Outcome from "../../policy/Outcome.ts"
import { TimeoutExceededError } from "../../policy/Timeout.ts"
import { abandonable } from "./abandon.ts"
import * as Failures from "./failures.ts"

/** One attempt: how far it came, and how its body failed. */
export class Attempt {
  private stage: "begin" | "body" | "commit" = "begin"
  private failure: Cause.Cause<unknown> | undefined
  private statements = 0
  /** Whether it was given up while the database had nothing to do for it. */
  private isOwnDelay = false

  /** Runs it. */
  run<A, E, R>(client: SqlClient, body: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> {
    const watched = Effect.suspend(() => {
      this.stage = "body"
      return Effect.matchCauseEffect(Effect.provideService(body, CurrentAttempt, this), {
        onFailure: (cause) => {
          this.failure = cause
          return Effect.failCause(cause)
        },
        onSuccess: (value) => {
          this.stage = "commit"
          return Effect.succeed(value)
        }
      })
    })
    // Where the connection is lost, the rollback dies. What it was lost with is the error that matters.
    const transaction = Effect.catchCause(client.withTransaction(watched), (cause) =>
      Effect.failCause(this.failure !== undefined && Cause.hasDies(cause) ? (this.failure as Cause.Cause<E>) : cause)
    )
    return abandonable(transaction, () => {
      this.isOwnDelay = this.stage === "body" && this.statements === 0
    })
  }

  /** Runs a statement of the body. */
  runStatement<A>(self: Effect.Effect<A, SqlError>): Effect.Effect<A, SqlError> {
    return Effect.suspend(() => {
      this.statements++
      return Effect.ensuring(
        self,
        Effect.sync(() => this.statements--)
      )
    })
  }

  /** Without a commit nothing was done. With one that nobody has confirmed, only the server's word proves it. */
  classify(isRepeatable: boolean, error: unknown): Classifier.Classification | undefined {
    if (this.isForeign(error) || (this.stage !== "begin" && !isRepeatable)) return Classifier.notRetryable
    return Failures.classify(this.stage !== "commit", error)
  }

  judge(exit: Exit.Exit<unknown, unknown>): Outcome.Outcome {
    const error = exit._tag === "Failure" ? Outcome.subjectOf(exit.cause) : undefined
    if (this.isOwnDelay && error instanceof TimeoutExceededError) return Outcome.ignored
    return this.isForeign(error) ? Outcome.ignored : Failures.judge(exit)
  }

  /** Whether it is an error or a defect of the body that says nothing about the database. */
  isForeign(error: unknown): boolean {
    const failure = this.failure === undefined ? undefined : Outcome.subjectOf(this.failure)
    return error !== undefined && error === failure && !isSqlError(error)
  }
}

/** The attempt that the statements of a fiber belong to. */
export const CurrentAttempt = Context.Reference<Attempt | undefined>("effect-resilience/sql/CurrentAttempt", {
  defaultValue: () => undefined
})
