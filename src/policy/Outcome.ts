/**
 * What a finished call says about the health of a dependency.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import type * as Exit from "effect/Exit"
import { isOwnSide } from "./internal/wrappedRejection.ts"

/** The dependency answered. */
export interface Success {
  readonly _tag: "Success"
}

/** The dependency failed; it may have said how long to leave it alone. */
export interface Failure {
  readonly _tag: "Failure"
  readonly retryAfter?: Duration.Duration | undefined
}

/** The call says nothing about the dependency. */
export interface Ignored {
  readonly _tag: "Ignored"
}

/** One of three; there is no fourth. */
export type Outcome = Success | Failure | Ignored

/** Judges a finished call. What it throws is a defect of the call, and counts as failure. */
export type Classify<in A = unknown, in E = unknown> = (exit: Exit.Exit<A, E>) => Outcome

/** The dependency answered. */
export const success: Outcome = { _tag: "Success" }
/** The call says nothing about the dependency. */
export const ignored: Outcome = { _tag: "Ignored" }
const plainFailure: Outcome = { _tag: "Failure" }

/** The dependency failed. */
export const failure = (options?: { readonly retryAfter?: Duration.Duration | undefined }): Outcome =>
  options?.retryAfter === undefined ? plainFailure : { _tag: "Failure", retryAfter: options.retryAfter }

/**
 * The default: a success is a success; an interruption alone and a refusal on our own side (another policy's rejection, our
 * own deadline before the call started) are ignored, also where another error wraps the refusal as its cause; every other
 * failure is a failure, defects included.
 */
export const classify: Classify = (exit) => (exit._tag === "Success" ? success : ofCause(exit.cause))

/** The default for a failed call. */
export const ofCause = (cause: Cause.Cause<unknown>): Outcome =>
  cause.reasons.length > 0 && cause.reasons.every(isNeutral) ? ignored : plainFailure

const isNeutral = (reason: Cause.Reason<unknown>): boolean =>
  reason._tag === "Interrupt" || (reason._tag === "Fail" && isOwnSide(reason.error))

/** Whether a cause holds a typed error and no defect: what may be retried, or answered by a fallback. */
export const isRecoverable = (cause: Cause.Cause<unknown>): boolean => Cause.hasFails(cause) && !Cause.hasDies(cause)

/** The first typed error of a cause, or `undefined`. */
export const firstError = <E>(cause: Cause.Cause<E>): E | undefined => {
  for (const reason of cause.reasons) if (reason._tag === "Fail") return reason.error
  return undefined
}

/** What a failed call is about: its typed error, else its defect. */
export const subjectOf = (cause: Cause.Cause<unknown>): unknown => {
  for (const reason of cause.reasons) if (reason._tag === "Fail") return reason.error
  for (const reason of cause.reasons) if (reason._tag === "Die") return reason.defect
  return undefined
}
