/**
 * Whether a request may be sent again after an error.
 */
import type * as HttpBody from "effect/http/HttpBody"
import { isHttpClientError } from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Classifier from "../../policy/Classifier.ts"
import { isResilienceError } from "../../policy/ResilienceError.ts"

/** Sending one of these twice has the effect of sending it once (RFC 9110, section 9.2.2). */
const IDEMPOTENT: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"])
/** Failures to reach the server. */
const CONNECT_CODES: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "UND_ERR_CONNECT_TIMEOUT"
])
/** What Node was doing when it failed, if that was before there was a connection. */
const CONNECT_CALLS: ReadonlySet<unknown> = new Set(["connect", "getaddrinfo"])
const MOST_CAUSES = 8

/** Whether the request itself allows it, whatever happened to it. */
export const isIdempotent = ({ headers, method }: HttpClientRequest.HttpClientRequest): boolean =>
  IDEMPOTENT.has(method) || headers["idempotency-key"] !== undefined

/** Whether the body is still there to be sent again. */
const isReplayable = ({ body }: HttpClientRequest.HttpClientRequest): boolean =>
  body._tag !== "Stream" && !(body._tag === "Raw" && isOneShot(body))

const isOneShot = ({ body }: HttpBody.Raw): boolean =>
  typeof body === "object" &&
  body !== null &&
  (Symbol.asyncIterator in body || "getReader" in body || "pipe" in body || "next" in body)

/** Whether an error proves that the server did nothing: it never got the request, or refused to look at it. */
const isUntouched = (error: unknown): boolean =>
  (isResilienceError(error) && error.isOwnSide) || Classifier.statusOf(error) === 429 || isUnsent(error)

/** For which errors a request is sent again; `isRepeatable` tells whether it may be sent twice. */
export const mayRepeat = (
  request: HttpClientRequest.HttpClientRequest,
  isRepeatable: (request: HttpClientRequest.HttpClientRequest) => boolean
): ((error: unknown) => boolean) => {
  if (!isReplayable(request)) return () => false
  const isHarmless = isRepeatable(request)
  return (error) => isHarmless || isUntouched(error)
}

const isUnsent = (error: unknown): boolean =>
  hasCause(error, ({ code, syscall }) => CONNECT_CODES.has(code) || CONNECT_CALLS.has(syscall))

/** Whether the connection broke while the body of the response was read: the client reports that as a decoding error. */
export const isBrokenOff = (error: unknown): boolean =>
  isHttpClientError(error) && error.reason._tag === "DecodeError" && hasCause(error, ({ code }) => isNodeCode(code))

const isNodeCode = (code: unknown): boolean => typeof code === "string" && /^(E[A-Z_]+|UND_ERR_\w+)$/.test(code)

/** Clients wrap the errors of sockets. */
const hasCause = (error: unknown, is: (error: Readonly<Record<string, unknown>>) => boolean): boolean => {
  let at = error
  for (let depth = 0; typeof at === "object" && at !== null && depth < MOST_CAUSES; depth++) {
    if (is(at as Readonly<Record<string, unknown>>)) return true
    at = (at as Readonly<Record<string, unknown>>)["cause"]
  }
  return false
}
