/**
 * Answers requests that fail: with the status, the code and the safe message of the error's traits, and nothing else.
 *
 * **When to use**
 *
 * At the edge of a server built on Effect's `HttpRouter` or `HttpApi`: `layer` beside the routes is all it takes.
 *
 * **Details**
 *
 * The body is `{ "error": { "code", "message", "trace_id"?, "retry_after"? } }`, and 429, 503 and 529 come with the header
 * `Retry-After` when the error names a time. What decides is the last failure or defect of the cause:
 *
 * - An error with traits (see `ErrorTraits`) is answered by them, also when it is a defect: `Effect.orDie` is the way of an
 *   error that an `HttpApi` does not declare.
 * - An error that answers for itself (`HttpServerRespondable`, such as the 404 of a route that does not exist) does; when its
 *   answer is empty, it gets a body. So does what Effect answers by itself: 400 for a `SchemaError`, 404 for a
 *   `NoSuchElementError`.
 * - Everything else is `500 internal_error`. No message, stack, cause or name of a class leaves the server.
 *
 * An interruption stays what Effect makes of it. The error itself is logged once: from 500 on as an error with its cause, in
 * place of the line of `HttpMiddleware.logger`, otherwise at the level Debug. Spans, error reporters and the scope of the
 * request still see that it failed.
 *
 * **Gotchas**
 *
 * A response that fails while it is being sent has already told its status: the connection is cut, and nothing is added.
 *
 * **Example** (A server that says no more than it should)
 *
 * ```ts import.meta.vitest
 * import { Duration, Effect, Layer } from "effect"
 * import { HttpRouter } from "effect/http"
 * import { ServiceError } from "effect-resilience"
 * import { ErrorResponse } from "effect-resilience/http"
 *
 * const busy = new ServiceError.Overloaded({ service: "llm", retryAfter: Duration.millis(1500), detail: "node 7 is hot" })
 * const Routes = Layer.mergeAll(
 *   HttpRouter.add("GET", "/answer", Effect.fail(busy)),
 *   HttpRouter.add("GET", "/bug", Effect.die(new Error("the password is 1234")))
 * )
 * const { dispose, handler } = HttpRouter.toWebHandler(Layer.merge(Routes, ErrorResponse.layer), { disableLogger: true })
 *
 * const answer = await handler(new Request("http://localhost/answer"))
 * const told = [answer.status, answer.headers.get("retry-after")] // => [529, "2"]
 * const bug = await handler(new Request("http://localhost/bug"))
 * const text = await bug.text()
 * text // => '{"error":{"code":"internal_error","message":"Something went wrong on our side. Please try again later."}}'
 * await dispose()
 * ```
 */
import * as Cause from "effect/Cause"
import * as Clock from "effect/Clock"
import * as Effect from "effect/Effect"
import { identity } from "effect/Function"
import * as HttpBody from "effect/http/HttpBody"
import * as HttpMiddleware from "effect/http/HttpMiddleware"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerError from "effect/http/HttpServerError"
import type * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import type * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import type { unhandled } from "effect/Types"
import type { ErrorTraits } from "../policy/ErrorTraits.ts"
import * as ErrorBody from "./internal/errorBody.ts"
import { errorSchema, type ErrorSchema } from "./internal/errorSchema.ts"
import * as FailedRequest from "./internal/failedRequest.ts"

export { layerRequestErrors, RequestErrors } from "./internal/requestErrors.ts"

/** The body of every answer to a request that failed. */
export const Body = Schema.Struct({ error: Schema.Struct(ErrorBody.fields) })
/** The body of every answer to a request that failed. */
export type Body = typeof Body.Type

/** The response to a cause. It never fails, whatever was thrown. */
export const fromCause = (cause: Cause.Cause<unknown>): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  Effect.withFiber((fiber) => {
    const traceId = ErrorBody.traceIdOf(fiber)
    const told = ErrorBody.ofError(
      FailedRequest.errorOf(cause),
      fiber.getRef(Clock.Clock).currentTimeMillisUnsafe(),
      traceId
    )
    if (told !== undefined) return Effect.succeed(write(HttpServerResponse.empty({ status: told.status }), told))
    return Effect.suspend(() => HttpServerError.causeResponse(cause)).pipe(
      Effect.map(([response]) => response),
      Effect.catchCause(() => Effect.succeed(HttpServerResponse.empty({ status: 500 }))),
      Effect.map((response) => {
        const isBare = response.status >= 400 && response.body._tag === "Empty"
        return isBare ? write(response, ErrorBody.ofStatus(response.status, traceId)) : response
      })
    )
  })

/** The response to an error. */
export const fromError = (error: unknown): Effect.Effect<HttpServerResponse.HttpServerResponse> =>
  fromCause(Cause.fail(error))

/** Answers for an effect that fails, for servers without a router. The failure stays in it, with the response beside. */
export const middleware = <E, R>(
  self: Effect.Effect<HttpServerResponse.HttpServerResponse, E, R>
): Effect.Effect<HttpServerResponse.HttpServerResponse, E, R | HttpServerRequest.HttpServerRequest> =>
  Effect.catchCause(self, (cause) =>
    Cause.hasInterruptsOnly(cause) || FailedRequest.isAnswered(cause)
      ? Effect.failCause(cause)
      : Effect.flatMap(fromCause(cause), (response) => answer(cause, response))
  )

/** Answers for all routes of the router, the API that is on it, and requests that no route matches. */
export const layer: Layer.Layer<never, never, HttpRouter.HttpRouter> = HttpRouter.middleware(
  (self: Effect.Effect<HttpServerResponse.HttpServerResponse, unhandled>) => middleware(self),
  { global: true }
)

/** Answers for the routes that it is provided to. */
export const layerRoutes: Layer.Layer<never> = HttpRouter.middleware(
  (self: Effect.Effect<HttpServerResponse.HttpServerResponse, unhandled>) => middleware(self)
).layer

/**
 * Declares an error in an `HttpApi`, so that its answers have the same body and the same header, OpenAPI describes them, and
 * clients get the error back as what it was.
 *
 * **Details**
 *
 * What an API declares is its contract: `details` holds the encoding of the error, without the fields that are
 * `ErrorTraits.Internal`. Errors that are not declared are answered by {@link layer}, without details.
 *
 * **Example** (An endpoint that can fail)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { HttpApi, HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
 * import { ServiceError } from "effect-resilience"
 * import { ErrorResponse } from "effect-resilience/http"
 *
 * const answer = HttpApiEndpoint.get("answer", "/answer", {
 *   success: Schema.String,
 *   error: [ErrorResponse.schema(ServiceError.NotFound), ErrorResponse.schema(ServiceError.Overloaded)]
 * })
 * const Api = HttpApi.make("api").add(HttpApiGroup.make("answers").add(answer))
 *
 * const responses = OpenApi.fromApi(Api).paths["/answer"]?.get?.responses ?? {}
 * Object.keys(responses) // => ["200", "404", "529"]
 * ```
 */
export const schema = <Self, S extends Schema.Constraint & { readonly fields: Schema.Struct.Fields }, Parent>(
  error: Schema.Class<Self, S, Parent & ErrorTraits>
): ErrorSchema<Self, S> => errorSchema(error)

const write = (response: HttpServerResponse.HttpServerResponse, { error }: ErrorBody.Told) =>
  response.pipe(
    HttpServerResponse.setBody(HttpBody.jsonUnsafe({ error })),
    error.retry_after === undefined ? identity : HttpServerResponse.setHeader("retry-after", `${error.retry_after}`)
  )

/** Effect takes a response among the defects for the answer; the failures beside it are for scopes, spans and reporters. */
const answer = <E>(cause: Cause.Cause<E>, response: HttpServerResponse.HttpServerResponse) => {
  if (response.status < 400) return Effect.die(response)
  if (response.status < 500)
    return Effect.andThen(FailedRequest.log(Effect.logDebug, cause, response), Effect.die(response))
  const answered = Cause.fromReasons([...cause.reasons, Cause.makeDieReason(response)])
  return Effect.suspend(() => HttpServerError.causeResponse(answered)).pipe(
    Effect.andThen(FailedRequest.log(Effect.logError, cause, response)),
    HttpMiddleware.withLoggerDisabled,
    Effect.matchCauseEffect({
      onSuccess: () => Effect.failCause(answered),
      // An error that throws when it is looked at would do that to everybody else too.
      onFailure: () => Effect.andThen(Effect.logError("Request failed: its error throws"), Effect.die(response))
    })
  )
}
