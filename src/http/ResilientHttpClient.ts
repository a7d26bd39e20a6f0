/**
 * The policies of a service around a whole `HttpClient`.
 *
 * **When to use**
 *
 * Use `protect` for a client of your own, and `layer` for code that takes the `HttpClient` of its context: generated API
 * clients, providers of language models, exporters.
 *
 * **Details**
 *
 * A client returns a response whatever its status. Here, the statuses 408, 425, 429, 500, 502, 503, 504 and 529 are failures
 * to circuit breaker and retry. In the end the caller gets what the client would have given: the last response, unchanged, or
 * the last error. With `filterStatusOk` inside, that is its error. The body of a response that a retry replaces is read to
 * its end or cut off, so that its connection is free during the wait.
 *
 * A wait is at least what `Retry-After` asks for, in seconds or as a date.
 *
 * GET, HEAD, OPTIONS, TRACE, PUT, DELETE and QUERY may be repeated. POST and PATCH are repeated only with proof that it does
 * no harm: the server was not reached, a policy on our own side refused, the server answered 429, or the request has an
 * `Idempotency-Key`. A body that can be read only once, such as a stream, is never sent again.
 *
 * The server learns how many milliseconds the attempt has (`x-request-timeout-ms`; `RequestDeadline` reads it), and from the
 * second on which attempt it is (`x-retry-attempt`).
 *
 * **Gotchas**
 *
 * A response is there as soon as its headers are; its body is read later, outside of all policies. Where a server may hang or
 * die in the middle of a body, let `buffer` read it within the attempt, or put the policies around the whole operation:
 * {@link callOptions}.
 *
 * Retries multiply. A retry around this client, by `Resilience.protect` of another service for example, makes up to 3 × 3
 * requests. Let one of them retry: the inner one knows the request, so set `retry: { maxAttempts: 1 }` for the outer one.
 *
 * Effect's own `HttpClient.retryTransient` multiplies by itself. It repeats failing responses inside of a retry of errors, and
 * each has its own count: with `times: 3`, a server that answers 503 and breaks every fourth connection gets 16 requests
 * instead of 4. Without `times` it never ends, without `schedule` it does not wait, and it repeats POST. Use one or the other.
 *
 * What `mapRequest` and its kin add to a request is computed once for all attempts, outside of the policies. Put `withScope`
 * inside.
 *
 * **Example** (A server that is busy at first)
 *
 * ```ts import.meta.vitest
 * import { Effect, Fiber } from "effect"
 * import { TestClock } from "effect/testing"
 * import { HttpClient, HttpClientResponse } from "effect/http"
 * import { Resilience } from "effect-resilience"
 * import { ResilientHttpClient } from "effect-resilience/http"
 *
 * let requests = 0
 * const server = HttpClient.make((request) =>
 *   Effect.sync(() => {
 *     requests++
 *     const headers = { "retry-after": "2" }
 *     const response = requests === 1 ? new Response("busy", { status: 503, headers }) : new Response("an answer")
 *     return HttpClientResponse.fromWeb(request, response)
 *   })
 * )
 *
 * const client = ResilientHttpClient.protect(server)
 *
 * const program = Effect.gen(function* () {
 *   const fiber = yield* client.get("https://api.example.com/answer").pipe(
 *     Effect.flatMap((response) => response.text),
 *     Effect.forkChild
 *   )
 *   yield* TestClock.adjust("3 seconds")
 *   return yield* Fiber.join(fiber)
 * })
 *
 * await Effect.runPromise(program.pipe(Effect.provide([Resilience.layer(), TestClock.layer()]))) // => "an answer"
 * ```
 */
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientError from "effect/http/HttpClientError"
import type * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Layer from "effect/Layer"
import type * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Classifier from "../policy/Classifier.ts"
import { withTraitsOf } from "../policy/internal/wrappedRejection.ts"
import * as Policy from "../policy/Policy.ts"
import { isResilienceError, type ResilienceError } from "../policy/ResilienceError.ts"
import type * as Retry from "../policy/Retry.ts"
import type * as Resilience from "../resilience/Resilience.ts"
import * as Call from "./internal/call.ts"
import * as Outcomes from "./internal/outcomes.ts"
import * as Replay from "./internal/replay.ts"
import { settingsOf } from "./internal/settings.ts"

type Request = HttpClientRequest.HttpClientRequest
type Response = HttpClientResponse.HttpClientResponse

/** The service whose policies guard a request; each key has a state of its own among its calls. */
export interface Target {
  readonly service: string
  readonly key?: string | undefined
}

/** How a client is protected. */
export interface Options {
  /**
   * The service of a request. By default all requests belong to the service "http", with a key for each host: the number of
   * keys is bounded, so hosts may come from users.
   *
   * **Gotchas**
   *
   * Every name of a service stays for ever, so a function must choose among a few. What users can choose belongs in the key.
   */
  readonly service?: string | ((request: Request) => string | Target) | undefined
  /** Whether a response is a failure of the server; by default {@link isFailure}. */
  readonly isFailure?: ((response: Response) => boolean) | undefined
  /** Whether a request may be sent again after it may have had an effect; by default {@link isIdempotent}. */
  readonly isRepeatable?: ((request: Request) => boolean) | undefined
  /** Whether the body is read within the attempt, into memory, so that time limit and retry cover it; by default not. */
  readonly buffer?: boolean | ((response: Response) => boolean) | undefined
  /** The header with the milliseconds that the attempt has; `false`: none. */
  readonly timeoutHeader?: string | false | undefined
  /** The header with the number of the attempt, from 2 on; `false`: none. */
  readonly attemptHeader?: string | false | undefined
}

/** The status of a response says that another attempt may succeed. */
export const isFailure: (response: Response) => boolean = Outcomes.isFailure

/** By its method or an `Idempotency-Key`, a request may be sent twice. */
export const isIdempotent: (request: Request) => boolean = Replay.isIdempotent

/** A client with policies around it, and what can still fail about it. */
export type Protected<E, R> = HttpClient.HttpClient.With<
  E | HttpClientError.HttpClientError | Resilience.Rejections,
  R | Policy.ResilienceRegistry
>

/** Guards every request of a client with the policies of its service. */
export const protect: {
  (options?: undefined): <E, R>(self: HttpClient.HttpClient.With<E, R>) => Protected<E, R>
  <E, R>(self: HttpClient.HttpClient.With<E, R>, options?: Options): Protected<E, R>
  // last, because the messages of TypeScript are about the last form
  (options: Options | undefined): <E, R>(self: HttpClient.HttpClient.With<E, R>) => Protected<E, R>
} = dual(
  (args) => HttpClient.isHttpClient(args[0]),
  <E, R>(self: HttpClient.HttpClient.With<E, R>, options?: Options): Protected<E, R> => {
    const settings = settingsOf(options)
    const postprocess: Protected<E, R>["postprocess"] = Effect.flatMap((request) =>
      Call.execute(self, settings, request)
    )
    return HttpClient.makeWith(postprocess, self.preprocess)
  }
)

/**
 * Guards every request of the context's `HttpClient`.
 *
 * **Details**
 *
 * That client can fail with an `HttpClientError` only. The rejection of a policy becomes one whose reason is a
 * `TransportError`; its `cause` is the rejection, and it has the traits of it.
 */
export const layer = (
  options?: Options
): Layer.Layer<HttpClient.HttpClient, never, HttpClient.HttpClient | Policy.ResilienceRegistry> =>
  Layer.effect(
    HttpClient.HttpClient,
    Effect.gen(function* () {
      const self = yield* HttpClient.HttpClient
      const registry = yield* Policy.ResilienceRegistry
      const settings = settingsOf(options)
      const postprocess: HttpClient.HttpClient["postprocess"] = Effect.flatMap((request) =>
        Call.execute(self, settings, request).pipe(
          Effect.mapError((error) => (isResilienceError(error) ? transportError(request, error) : error)),
          Effect.provideService(Policy.ResilienceRegistry, registry)
        )
      )
      return HttpClient.makeWith(postprocess, self.preprocess)
    })
  )

/**
 * For `Resilience.protect` around a whole operation that sends a request and reads the answer: repeats it only where the
 * request allows it, and knows what an error of the client says about the server.
 *
 * **Gotchas**
 *
 * The client is then not protected itself: two policies of one service, one in the other, count and limit each call twice.
 *
 * **Example** (The body within the attempt)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
 * import { Resilience } from "effect-resilience"
 * import { ResilientHttpClient } from "effect-resilience/http"
 *
 * const client = HttpClient.make((request) =>
 *   Effect.succeed(HttpClientResponse.fromWeb(request, new Response("an answer")))
 * )
 *
 * const request = HttpClientRequest.get("https://api.example.com/answer")
 *
 * const program = client.execute(request).pipe(
 *   Effect.flatMap(HttpClientResponse.filterStatusOk),
 *   Effect.flatMap((response) => response.text),
 *   Resilience.protect("http", ResilientHttpClient.callOptions(request))
 * )
 *
 * await Effect.runPromise(program.pipe(Effect.provide(Resilience.layer()))) // => "an answer"
 * ```
 */
export const callOptions = (
  request: Request,
  { isRepeatable = Replay.isIdempotent }: Pick<Options, "isRepeatable"> = {}
): { readonly retry: Retry.Functions; readonly circuitBreaker: CircuitBreaker.Functions } => ({
  retry: {
    while: Replay.mayRepeat(request, isRepeatable),
    classify: (error) => (Replay.isBrokenOff(error) ? Classifier.retryable : undefined)
  },
  circuitBreaker: { classify: Outcomes.judge }
})

const transportError = (request: Request, cause: ResilienceError): HttpClientError.HttpClientError => {
  const reason = new HttpClientError.TransportError({ request, cause, description: cause.message })
  return withTraitsOf(cause, new HttpClientError.HttpClientError({ reason }))
}
