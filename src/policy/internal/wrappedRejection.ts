/**
 * Rejections of policies in errors of other kinds: an interface that knows its own errors only gets one of these.
 */
import type { ErrorTraits } from "../ErrorTraits.ts"
import { isResilienceError, type ResilienceError } from "../ResilienceError.ts"
import { isObject, readable } from "./readable.ts"

const MOST_CAUSES = 8

/** An error of another kind with the traits of the rejection that it wraps, so that it is classified and answered alike. */
export const withTraitsOf = <E extends object>(
  { category, errorCode, httpStatus, retryAfter, retryPolicy, userMessage }: ResilienceError,
  error: E
): E => {
  const traits: ErrorTraits = { category, errorCode, httpStatus, retryAfter, retryPolicy, userMessage }
  return Object.assign(error, traits)
}

/**
 * Whether we refused on our own side, also where the rejection is the cause of another error, or that of its reason. Of an
 * error that cannot be read, because a getter throws, nobody knows.
 */
export const isOwnSide = (error: unknown): boolean => readable(() => isRefusalBehind(error), false)

const isRefusalBehind = (error: unknown): boolean => {
  let at = error
  for (let depth = 0; isObject(at) && depth < MOST_CAUSES; depth++) {
    if (isResilienceError(at) && at.isOwnSide) return true
    at = causeOf(at)
  }
  return false
}

const causeOf = ({ cause, reason }: { readonly cause?: unknown; readonly reason?: unknown }): unknown =>
  cause ?? (reason as { readonly cause?: unknown } | null | undefined)?.cause
