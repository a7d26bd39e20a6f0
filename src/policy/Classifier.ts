/**
 * One answer for every error: does another attempt make sense, on which schedule, and not before when?
 *
 * **Details**
 *
 * In this order: the traits of `ErrorTraits`; Effect's own errors and every error with `isRetryable`; the
 * HTTP status; Node's error codes. The text of a message is never read. An error about which nothing is known is retryable:
 * it is in the typed channel because the program expects it, and `while` narrows. So is one that cannot be read, because a
 * getter throws.
 */
import * as Duration from "effect/Duration"
import * as RetryAfter from "../core/RetryAfter.ts"
import { hasTraits, type RetryPolicy } from "./ErrorTraits.ts"
import { isObject, readable } from "./internal/readable.ts"
import { labelOf } from "./ResilienceError.ts"

/** What kind of failure it is, with the delay that the dependency asked for. */
export interface Classification {
  readonly kind: "retryable" | "not-retryable" | "overloaded" | "rate-limited"
  /** Wait at least this long. */
  readonly retryAfter?: Duration.Duration
  /** Retry only when the hint is known and fits the deadline: waiting blindly would be in vain. */
  readonly needsHint?: boolean
}

/** Another attempt makes sense. */
export const retryable: Classification = { kind: "retryable" }
/** Another attempt would end the same way. */
export const notRetryable: Classification = { kind: "not-retryable" }
/** The dependency has more work than it can do: wait longer, try more often. */
export const overloaded: Classification = { kind: "overloaded" }
/** We have used up our share: wait. */
export const rateLimited: Classification = { kind: "rate-limited" }
/** Another attempt makes sense at the time that the error names, and only then. */
const conditional: Classification = { kind: "retryable", needsHint: true }

const RETRYABLE_STATUS = new Set([408, 425, 500, 502, 503, 504])
const RETRYABLE_CODES = new Set([
  "ECONNREFUSED",
  "ECONNRESET",
  "ECONNABORTED",
  "ETIMEDOUT",
  "EPIPE",
  "EAI_AGAIN",
  "ENETUNREACH",
  "EHOSTUNREACH",
  "UND_ERR_SOCKET",
  "UND_ERR_CONNECT_TIMEOUT",
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT"
])
const NODE_CODE = /^(E[A-Z_]+|UND_ERR_\w+)$/
const MOST_CAUSES = 8
/** Effect's errors about our own input or program: the same call fails the same way. */
const PERMANENT_TAGS: ReadonlySet<unknown> = new Set([
  "SchemaError",
  "ConfigError",
  "NoSuchElementError",
  "IllegalArgumentError"
])
const PERMANENT_REASONS: ReadonlySet<unknown> = new Set([
  "EncodeError",
  "DecodeError",
  "InvalidUrlError",
  "EmptyBodyError",
  "BadArgument"
])
/** Effect's errors about a limit of the dependency or of its own policies. */
const REJECTIONS: ReadonlyMap<unknown, Classification> = new Map([
  ["RateLimitError", rateLimited],
  ["RateLimitExceeded", rateLimited],
  ["CircuitOpen", conditional],
  ["CircuitHalfOpen", conditional]
])

/**
 * Classifies an error of the typed channel. `now` is the wall-clock time in milliseconds, for hints that are dates.
 */
export const classify = (error: unknown, now: number): Classification => {
  const kind = readable(() => kindOf(error), retryable)
  const hint = kind.kind === "not-retryable" ? undefined : retryAfter(error, now)
  return hint === undefined ? kind : { ...kind, retryAfter: hint }
}

/**
 * The delay that an error asks for: its `retryAfter`, or the `Retry-After` header of itself or of its response. `undefined`
 * when it asks for none or for one that has passed.
 */
export const retryAfter = (error: unknown, now: number): Duration.Duration | undefined =>
  readable(() => hintOf(error, now), undefined)

const hintOf = (error: unknown, now: number): Duration.Duration | undefined => {
  if (!isObject(error)) return undefined
  const own = said(error, "retryAfter")
  const millis = Duration.isDuration(own)
    ? Duration.toMillis(own)
    : (headerMillis(error, now) ?? headerMillis(responseOf(error), now))
  return millis !== undefined && millis > 0 ? Duration.millis(millis) : undefined
}

/** The HTTP status that an error carries, its own or that of its response. */
export const statusOf = (error: unknown): number | undefined =>
  readable(() => {
    if (!isObject(error)) return undefined
    return [error["httpStatus"], error["status"], error["statusCode"], responseOf(error)?.["status"]].find(isNumber)
  }, undefined)

/** What the traits of an error say, or what they would say if it had any: as labels of metrics. */
export const traitLabels = (error: unknown, now: number): Readonly<Record<string, string>> => {
  const traits = readable(() => labelsOf(error), undefined)
  if (traits !== undefined) return traits
  const { kind } = classify(error, now)
  return {
    error_code: labelOf(error),
    category: kind === "rate-limited" ? "rate_limit" : "external_error",
    status_code: String(statusOf(error) ?? 500),
    retry_policy: RETRY_POLICIES[kind]
  }
}

const labelsOf = (error: unknown): Readonly<Record<string, string>> | undefined => {
  if (!hasTraits(error)) return undefined
  const { category, errorCode, httpStatus, retryPolicy } = error
  return { error_code: errorCode, category, status_code: String(httpStatus), retry_policy: retryPolicy }
}

const RETRY_POLICIES: Record<Classification["kind"], RetryPolicy> = {
  retryable: "always",
  overloaded: "always",
  "rate-limited": "conditional",
  "not-retryable": "never"
}

const kindOf = (error: unknown): Classification => {
  if (!isObject(error)) return retryable
  if (hasTraits(error)) {
    if (error.retryPolicy === "never") return notRetryable
    const byStatus = kindOfStatus(error.httpStatus)
    if (error.retryPolicy === "always") return atLeastRetryable(byStatus)
    if (byStatus.kind !== "rate-limited") return conditional
    return error.needsHint === true ? { ...byStatus, needsHint: true } : byStatus
  }
  const reason = isObject(error["reason"]) ? error["reason"] : undefined
  if (PERMANENT_TAGS.has(error["_tag"]) || PERMANENT_REASONS.has(reason?.["_tag"])) return notRetryable
  const isRetryable = said(error, "isRetryable")
  if (isRetryable === false) return notRetryable
  const status = statusOf(error)
  if (status !== undefined && status >= 400) {
    return isRetryable === true ? atLeastRetryable(kindOfStatus(status)) : kindOfStatus(status)
  }
  const rejection = REJECTIONS.get(error["_tag"]) ?? REJECTIONS.get(reason?.["_tag"])
  return rejection ?? (isRetryable === true ? retryable : kindOfCode(error))
}

/** An error that calls itself retryable is, but its status may tell what kind of failure it is. */
const atLeastRetryable = (byStatus: Classification): Classification =>
  byStatus.kind === "not-retryable" ? retryable : byStatus

const kindOfStatus = (status: number): Classification => {
  if (status === 429) return rateLimited
  if (status === 529) return overloaded
  return RETRYABLE_STATUS.has(status) ? retryable : notRetryable
}

const kindOfCode = (error: Record<string, unknown>): Classification => {
  const code = codeOf(error)
  return code === undefined || RETRYABLE_CODES.has(code) ? retryable : notRetryable
}

/** Node's code for an error, or for what caused it: clients wrap the errors of sockets. */
const codeOf = (error: Record<string, unknown>): string | undefined => {
  let at: unknown = error
  for (let depth = 0; isObject(at) && depth < MOST_CAUSES; depth++) {
    const code = at["code"]
    if (typeof code === "string" && NODE_CODE.test(code)) return code
    at = at["cause"]
  }
  return undefined
}

const responseOf = (error: Record<string, unknown>): Record<string, unknown> | undefined => {
  const http = said(error, "http")
  const response = said(error, "response") ?? (isObject(http) ? http["response"] : undefined)
  return isObject(response) ? response : undefined
}

/** What an error says itself or, as Effect's errors do, its reason. */
const said = (error: Record<string, unknown>, name: string): unknown =>
  error[name] ?? (isObject(error["reason"]) ? error["reason"][name] : undefined)

const headerMillis = (message: Record<string, unknown> | undefined, now: number): number | undefined => {
  const headers = message?.["headers"]
  if (!isObject(headers)) return undefined
  const header = typeof headers["get"] === "function" ? headers["get"]("retry-after") : headers["retry-after"]
  return typeof header === "string" ? RetryAfter.parse(header, now) : undefined
}

const isNumber = (value: unknown): value is number => typeof value === "number"
