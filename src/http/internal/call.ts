/**
 * One call of a protected client, with all its attempts.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as HttpClient from "effect/http/HttpClient"
import { type HttpClientError, isHttpClientError } from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Policy from "../../policy/Policy.ts"
import * as Resilience from "../../resilience/Resilience.ts"
import * as Body from "./body.ts"
import * as Headers from "./headers.ts"
import { FailingResponse, judge } from "./outcomes.ts"
import { mayRepeat } from "./replay.ts"
import type { Settings } from "./settings.ts"

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/** Sends a request through the policies of its service. */
export const execute = <E, R>(
  client: HttpClient.HttpClient.With<E, R>,
  settings: Settings,
  request: Request
): Effect.Effect<Response, E | HttpClientError | Resilience.Rejections, R | Policy.ResilienceRegistry> =>
  Effect.suspend(() => {
    const { key, service } = settings.target(request)
    let attempts = 0
    const attempt = Effect.withFiber((fiber) => {
      attempts++
      const told = Headers.tell(request, settings, fiber, service, attempts)
      const { span } = fiber.cache
      if (attempts > 1 && span?._tag === "Span") span.attribute("http.request.resend_count", attempts - 1)
      return Effect.flatMap(client.postprocess(Effect.succeed(told)), (response) => receive(response, settings))
    })
    return attempt.pipe(
      Resilience.protect(service, {
        key,
        retry: { while: mayRepeat(request, settings.isRepeatable) },
        circuitBreaker: { classify: judge }
      }),
      Effect.updateService(Policy.Observers, (others) => [...others, discardRetried]),
      Effect.catchIf(isFailing, ({ answer }) => Effect.succeed(answer))
    )
  })

const receive = (response: Response, settings: Settings): Effect.Effect<Response, HttpClientError> => {
  const read = settings.isBuffered(response) ? Body.buffer(response) : Effect.succeed(response)
  return settings.isFailure(response) ? Effect.flatMap(read, (read) => Effect.fail(new FailingResponse(read))) : read
}

const isFailing = (error: unknown): error is FailingResponse => error instanceof FailingResponse

/** Once another attempt is certain, nobody will read the response of the last one, and the wait may be long. */
const discardRetried: Policy.Observer = ({ _tag, error }, fiber: Fiber.Fiber<unknown, unknown>) => {
  if (_tag !== "RetryScheduled" || !isHttpClientError(error) || error.response === undefined) return
  Effect.runForkWith(fiber.context)(Body.discard(error.response))
}
