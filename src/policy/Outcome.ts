/**
 * What a finished call says about the health of a dependency.
 */
import * as Cause from "effect/Cause"
import type * as Duration from "effect/Duration"
import type * as Exit from "effect/Exit"
import { type ErrorTraits, hasTraits } from "./ErrorTraits.ts"
import { readable } from "./internal/readable.ts"
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

/** Judges a finished call. What it throws is a defect of the call, and counts as failure; so does an answer that is no outcome. */
export type Classify<in A = unknown, in E = unknown> = (exit: Exit.Exit<A, E>) => Outcome

/** The dependency answered. */
export const success: Outcome = { _tag: "Success" }
/** The call says nothing about the dependency. */
export const ignored: Outcome = { _tag: "Ignored" }
const plainFailure: Outcome = { _tag: "Failure" }
/** Another request like this one may have another answer: the dependency was too slow, not ready, or has had enough. */
const FAILURES: ReadonlySet<number> = new Set([408, 425, 429])

/** The dependency failed. */
export const failure = (options?: { readonly retryAfter?: Duration.Duration | undefined }): Outcome =>
  options?.retryAfter === undefined ? plainFailure : { _tag: "Failure", retryAfter: options.retryAfter }

/**
 * The default: a success is a success. An interruption alone and a refusal on our own side (another policy's rejection, our
 * own deadline before the call started) are ignored, also where another error wraps the refusal as its cause. An error whose
 * traits put the fault on the caller is an answer, hence a success: the category is `client_error` or `auth_error`, and the
 * status is 4xx, but not 408, 425 or 429. Every other failure is a failure, defects included. Of several, a failure counts
 * first, then a success.
 */
export const classify: Classify = (exit) => (exit._tag === "Success" ? success : ofCause(exit.cause))

/** The default for a failed call. */
export const ofCause = ({ reasons }: Cause.Cause<unknown>): Outcome => {
  if (reasons.length === 0) return plainFailure
  let outcome: Outcome = ignored
  for (const reason of reasons) {
    const one = ofReason(reason)
    if (one === plainFailure) return plainFailure
    if (one === success) outcome = success
  }
  return outcome
}

const ofReason = (reason: Cause.Reason<unknown>): Outcome => {
  if (reason._tag === "Interrupt") return ignored
  if (reason._tag === "Die") return plainFailure
  if (isOwnSide(reason.error)) return ignored
  return isAnswer(reason.error) ? success : plainFailure
}

/** Nothing proves that an error is an answer when it cannot be read, because a getter throws. */
const isAnswer = (error: unknown): boolean => readable(() => hasTraits(error) && isFaultOfCaller(error), false)

/** As a response with this status would be judged, unless the category says that somebody else is at fault. */
const isFaultOfCaller = ({ category, httpStatus }: ErrorTraits): boolean =>
  (category === "client_error" || category === "auth_error") &&
  httpStatus >= 400 &&
  httpStatus < 500 &&
  !FAILURES.has(httpStatus)

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
