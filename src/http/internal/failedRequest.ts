/**
 * Why a request failed: what decides about the response, and the line in the log.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as ErrorBody from "./errorBody.ts"

/** The last failure or defect. */
export const errorOf = (cause: Cause.Cause<unknown>): unknown => {
  const reason = cause.reasons.findLast((reason) => !Cause.isInterruptReason(reason))
  if (reason === undefined || Cause.isInterruptReason(reason)) return undefined
  return Cause.isFailReason(reason) ? reason.error : reason.defect
}

/** Whether a response is decided already, by a handler or by this middleware further inside. */
export const isAnswered = (cause: Cause.Cause<unknown>): boolean =>
  cause.reasons.some((reason) => Cause.isDieReason(reason) && isResponse(reason.defect))

const isResponse = (defect: unknown): boolean => {
  try {
    return HttpServerResponse.isHttpServerResponse(defect)
  } catch {
    return false
  }
}

/** Writes the line, with what the line of `HttpMiddleware.logger` would tell. */
export const log = (
  write: typeof Effect.logError,
  cause: Cause.Cause<unknown>,
  response: HttpServerResponse.HttpServerResponse
): Effect.Effect<void, never, HttpServerRequest.HttpServerRequest> =>
  Effect.flatMap(HttpServerRequest.HttpServerRequest, (request) =>
    Effect.withFiber((fiber) =>
      Effect.annotateLogs(write("Request failed", cause), {
        "http.method": request.method,
        "http.url": request.url.replace(/[?#].*/s, ""),
        "http.status": response.status,
        ...ErrorBody.withTraceId(ErrorBody.traceIdOf(fiber))
      })
    )
  )
