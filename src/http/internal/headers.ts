/**
 * The headers that tell the server about the policies of its client.
 */
import type * as Fiber from "effect/Fiber"
import * as Duration from "effect/Duration"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as Deadline from "../../policy/Deadline.ts"
import * as Policy from "../../policy/Policy.ts"
import * as Timeout from "../../policy/Timeout.ts"

/** How long the client will wait, in milliseconds. */
export const TIMEOUT = "x-request-timeout-ms"
/** Which attempt this is, from 2 on. */
export const ATTEMPT = "x-retry-attempt"

/** What the headers are called; `false`: not sent. */
export interface Names {
  readonly timeoutHeader: string | false
  readonly attemptHeader: string | false
}

/** Tells the server the number of the attempt, if it is not the first, and the time for it, if that is limited. */
export const tell = (
  request: HttpClientRequest.HttpClientRequest,
  { attemptHeader, timeoutHeader }: Names,
  fiber: Fiber.Fiber<unknown, unknown>,
  service: string,
  attempt: number
): HttpClientRequest.HttpClientRequest => {
  const headers: Record<string, string> = {}
  const millis = timeoutHeader === false ? Infinity : remainingMillis(fiber, service)
  if (timeoutHeader !== false && millis < Infinity) headers[timeoutHeader] = String(Math.max(0, Math.floor(millis)))
  if (attemptHeader !== false && attempt > 1) headers[attemptHeader] = String(attempt)
  return HttpClientRequest.setHeaders(request, headers)
}

/** The attempt ends at its own time limit or at the deadline of all attempts, whichever comes first. */
const remainingMillis = (fiber: Fiber.Fiber<unknown, unknown>, service: string): number => {
  const deadline = fiber.getRef(Deadline.CurrentDeadline)
  const total = deadline === undefined ? Infinity : deadline.at - Policy.monotonicMillis(fiber)
  const timeout = Policy.registryOf(fiber)?.get(Timeout.Kind, service)
  return timeout === undefined ? total : Math.min(total, Duration.toMillis(timeout.snapshot(0).duration))
}
