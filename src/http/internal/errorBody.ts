/**
 * What a response says about an error: nothing but what the error itself calls safe.
 */
import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import * as Schema from "effect/Schema"
import * as Classifier from "../../policy/Classifier.ts"
import { hasTraits } from "../../policy/ErrorTraits.ts"
import * as TraitDefaults from "../../policy/internal/traitDefaults.ts"

/** The members of the body that every error has. */
export const fields = {
  code: Schema.String,
  message: Schema.String,
  /** The trace in which it happened: what a user can name to support. */
  trace_id: Schema.optionalKey(Schema.String),
  /** Whole seconds, as in the header `Retry-After`. */
  retry_after: Schema.optionalKey(Schema.Int)
}

/** An error as a response tells it. */
export interface Told {
  readonly status: number
  readonly error: {
    readonly code: string
    readonly message: string
    readonly trace_id?: string
    readonly retry_after?: number
  }
}

/** The statuses with which a server asks to come back later. */
const RETRY_AFTER_STATUS: ReadonlySet<number> = new Set([429, 503, 529])

const CODE = new Map([
  [400, "bad_request"],
  [401, "unauthenticated"],
  [403, "forbidden"],
  [404, "not_found"],
  [405, "method_not_allowed"],
  [406, "not_acceptable"],
  [408, "request_timeout"],
  [409, "conflict"],
  [410, "gone"],
  [413, "payload_too_large"],
  [415, "unsupported_media_type"],
  [422, "unprocessable_entity"],
  [500, "internal_error"],
  [501, "not_implemented"],
  [503, "service_unavailable"]
])

/** What the traits of an error tell; nothing when it has none, or none that make sense. Never throws. */
export const ofError = (error: unknown, now: number, traceId: string | undefined): Told | undefined => {
  try {
    if (!hasTraits(error) || !TraitDefaults.isStatus(error.httpStatus)) return undefined
    const { errorCode, httpStatus, userMessage } = error
    const message = typeof userMessage === "string" && userMessage !== "" ? userMessage : messageOf(httpStatus)
    const hint = Classifier.retryAfter(error, now)
    return {
      status: httpStatus,
      error: { code: errorCode, message, ...withTraceId(traceId), ...withRetryAfter(httpStatus, hint) }
    }
  } catch {
    return undefined
  }
}

/** What a status alone tells. */
export const ofStatus = (status: number, traceId: string | undefined): Told => ({
  status,
  error: { code: CODE.get(status) ?? `http_${status}`, message: messageOf(status), ...withTraceId(traceId) }
})

/** The trace of a fiber, if it has one. */
export const traceIdOf = (fiber: Fiber.Fiber<unknown, unknown> | undefined): string | undefined => {
  const traceId = fiber?.cache.span?.traceId
  return traceId !== undefined && /^(?!0+$)[0-9a-f]{32}$/.test(traceId) ? traceId : undefined
}

const messageOf = (httpStatus: number): string =>
  TraitDefaults.messageOf({ httpStatus, category: TraitDefaults.categoryOf(httpStatus) })

/** The member for a trace, if there is one. */
export const withTraceId = (traceId: string | undefined): { readonly trace_id?: string } =>
  traceId === undefined ? {} : { trace_id: traceId }

const withRetryAfter = (status: number, hint: Duration.Duration | undefined) => {
  const seconds = hint === undefined ? Infinity : Math.ceil(Duration.toSeconds(hint))
  return RETRY_AFTER_STATUS.has(status) && Number.isSafeInteger(seconds) ? { retry_after: seconds } : {}
}
