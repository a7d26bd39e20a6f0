/**
 * What a failed command says: whether it may be sent again, and how the server is.
 */
import type * as Exit from "effect/Exit"
import type { RedisError } from "effect/persistence/Redis"
import * as Classifier from "../../policy/Classifier.ts"
import * as Outcome from "../../policy/Outcome.ts"
import { labelOf } from "../../policy/ResilienceError.ts"
import { TimeoutExceededError } from "../../policy/Timeout.ts"

/** Replies of a server that cannot run a command now, and has not. */
const REFUSALS = new Set(["BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "NOREPLICAS", "READONLY", "TRYAGAIN"])
/** Replies of a server that cannot run a command until somebody helps it. */
const DISTRESS = new Set(["MISCONF", "OOM"])

/** The command has not left: there was no connection, and none could be made. */
const UNSENT = new Set(["ConnectionTimeoutError", "ClientOfflineError"])
const UNSENT_CODES = new Set(["ECONNREFUSED", "EAI_AGAIN", "EHOSTUNREACH", "ENETUNREACH", "ENOTFOUND"])
/** The client will not connect again. */
const GIVEN_UP = new Set(["ClientClosedError", "ReconnectStrategyError"])

/** What the pool of connections says when none of them is given back in time. */
const POOL_TIMEOUT = "TimeoutError"

/** The protocol puts a code in front of the text of an error, in capitals: "WRONGTYPE Operation against a key ...". */
const REPLY = /^([A-Z]+) /

/** Classifies the failure of an attempt, for a command that may or may not be sent twice. */
export const classify =
  (isRepeatable: boolean) =>
  (error: unknown): Classifier.Classification | undefined => {
    if (error instanceof TimeoutExceededError) return isRepeatable ? undefined : Classifier.notRetryable
    if (!isRedisError(error)) return undefined
    const code = replyOf(error)
    if (code !== undefined) return REFUSALS.has(code) ? Classifier.retryable : Classifier.notRetryable
    const name = labelOf(error.cause)
    if (GIVEN_UP.has(name)) return Classifier.notRetryable
    return isRepeatable || UNSENT.has(name) || UNSENT_CODES.has(nodeCodeOf(error) ?? "")
      ? Classifier.retryable
      : Classifier.notRetryable
  }

/** A server that answers is well, even if the answer is that the command was wrong. */
export const judge = (exit: Exit.Exit<unknown, unknown>): Outcome.Outcome => {
  const error = exit._tag === "Failure" ? Outcome.firstError(exit.cause) : undefined
  const code = isRedisError(error) ? replyOf(error) : undefined
  return code === undefined || REFUSALS.has(code) || DISTRESS.has(code) ? Outcome.classify(exit) : Outcome.success
}

/**
 * That no connection could be reserved in time may be because this program holds all of them, for commands that block. If it
 * is the server, the other commands find out.
 */
export const judgeReservation = (exit: Exit.Exit<unknown, unknown>): Outcome.Outcome => {
  const error = exit._tag === "Failure" ? Outcome.firstError(exit.cause) : undefined
  const isLate = error instanceof TimeoutExceededError || (isRedisError(error) && labelOf(error.cause) === POOL_TIMEOUT)
  return isLate ? Outcome.ignored : judge(exit)
}

/** Whether an error is one of the Redis service. */
export const isRedisError = (error: unknown): error is RedisError => labelOf(error) === "RedisError"

const replyOf = ({ cause }: RedisError): string | undefined =>
  cause instanceof Error ? REPLY.exec(cause.message)?.[1] : undefined

const nodeCodeOf = ({ cause }: RedisError): string | undefined =>
  cause instanceof Error && "code" in cause && typeof cause.code === "string" ? cause.code : undefined
