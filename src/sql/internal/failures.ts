/**
 * What a failed statement says: whether it may be run again, and how the server is.
 */
import type * as Exit from "effect/Exit"
import { isSqlError, type SqlError } from "effect/sql/SqlError"
import * as Classifier from "../../policy/Classifier.ts"
import * as Outcome from "../../policy/Outcome.ts"
import { TimeoutExceededError } from "../../policy/Timeout.ts"

/**
 * - `refused`: it was not run, because the server has no room or no time for it now.
 * - `undone`: the server has undone it, because of others that run at the same time.
 * - `late`: the server has undone it, because it took too long.
 * - `lost`: nobody knows whether it was run.
 * - `wrong`: the server has undone it, because of what it says.
 * - `other`: nothing is known.
 */
type Fate = "refused" | "undone" | "late" | "lost" | "wrong" | "other"

const TAGS: Readonly<Record<SqlError["reason"]["_tag"], Fate | undefined>> = {
  ConnectionError: "lost",
  DeadlockError: "undone",
  SerializationError: "undone",
  LockTimeoutError: "undone",
  StatementTimeoutError: "late",
  AuthenticationError: "wrong",
  AuthorizationError: "wrong",
  SqlSyntaxError: "wrong",
  UniqueViolation: "wrong",
  ConstraintError: "wrong",
  UnknownError: undefined
}

/** SQLSTATE, or its class. Insufficient resources; starting up or shutting down; a standby that is asked to write. */
const REFUSALS = new Set(["53", "57P03", "25006"])
/** The server ended the session: by an operator, by a crash, by a time limit. What it was about to say is lost. */
const LOSSES = new Set(["57P01", "57P02", "57P05", "25P03", "40003"])
/** What clients call the making of a connection. */
const CONNECTING = new Set(["connect", "acquireConnection", "acquire"])

const fateOf = ({ reason }: SqlError): Fate => {
  if (reason._tag === "ConnectionError" && CONNECTING.has(reason.operation ?? "")) return "refused"
  const state = sqlStateOf(reason.cause)
  if (state === undefined) return TAGS[reason._tag] ?? "other"
  if (REFUSALS.has(state) || REFUSALS.has(state.slice(0, 2))) return "refused"
  return LOSSES.has(state) ? "lost" : (TAGS[reason._tag] ?? "wrong")
}

const sqlStateOf = (cause: unknown): string | undefined =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" && /^[\dA-Z]{5}$/.test(cause.code)
    ? cause.code
    : undefined

const RETRYABLE: ReadonlySet<Fate> = new Set(["refused", "undone", "late"])

/** Classifies the failure of an attempt at something that may or may not be done twice. */
export const classify = (isRepeatable: boolean, error: unknown): Classifier.Classification | undefined => {
  if (error instanceof TimeoutExceededError) return isRepeatable ? undefined : Classifier.notRetryable
  if (!isSqlError(error)) return undefined
  const fate = fateOf(error)
  return RETRYABLE.has(fate) || (isRepeatable && fate === "lost") ? Classifier.retryable : Classifier.notRetryable
}

/** A server that answers is well, even if the answer is that the statement was wrong or came in the way of others. */
export const judge = (exit: Exit.Exit<unknown, unknown>): Outcome.Outcome => {
  const error = exit._tag === "Failure" ? Outcome.subjectOf(exit.cause) : undefined
  if (!isSqlError(error)) return Outcome.classify(exit)
  const fate = fateOf(error)
  if (fate === "other") return Outcome.ignored
  return fate === "undone" || fate === "wrong" ? Outcome.success : Outcome.classify(exit)
}
