/**
 * What the admin API offers, as a description: the server, the OpenAPI document and the typed client are all made of it.
 *
 * **Details**
 *
 * Every refusal is a JSON object with a `_tag` and a `problem`, a sentence that says what is wrong and what would be right.
 * The paths begin with "/resilience".
 */
import type * as Effect from "effect/Effect"
import * as HttpClient from "effect/http/HttpClient"
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import * as HttpApi from "effect/http-api/HttpApi"
import * as HttpApiClient from "effect/http-api/HttpApiClient"
import * as HttpApiEndpoint from "effect/http-api/HttpApiEndpoint"
import * as HttpApiGroup from "effect/http-api/HttpApiGroup"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as OpenApi from "effect/http-api/OpenApi"
import type * as Redacted from "effect/Redacted"
import * as Schema from "effect/Schema"
import { LONGEST_OPERATOR } from "./internal/limits.ts"

/** One instance: what it does, and what is true of it now. */
export const Status = Schema.Struct({
  service: Schema.String,
  pattern: Schema.String.annotate({ description: 'For example "circuit-breaker".' }),
  description: Schema.String.annotate({ description: "One line for people." }),
  snapshot: Schema.Record(Schema.String, Schema.Json).annotate({
    description:
      "What is true now. Durations are milliseconds; what is not known is null. Of a circuit breaker, `state` is that of the " +
      "circuit without a key, and `worstState` the worst of all; `keys` have a circuit of their own, of which `keysNotClosed` " +
      "are not closed. The keys themselves are never told."
  })
}).annotate({ identifier: "Status" })

/** One instance: what it does, and what is true of it now. */
export type Status = typeof Status.Type

/** What concerns all services. */
export const Switches = Schema.Struct({
  enabled: Schema.Boolean.annotate({ description: "false: everything is switched off, and no service has a status." })
}).annotate({ identifier: "Switches" })

/** What concerns all services. */
export type Switches = typeof Switches.Type

/** What operators can do to the instances of a pattern. */
export const Command = Schema.Struct({
  pattern: Schema.String,
  name: Schema.String.annotate({ description: 'For example "isolate".' }),
  description: Schema.String,
  parameters: Schema.Record(Schema.String, Schema.Json).annotate({ description: "A JSON Schema." })
}).annotate({ identifier: "Command" })

/** What operators can do to the instances of a pattern. */
export type Command = typeof Command.Type

/** A command for the policy of a service. */
export const Request = Schema.Struct({
  service: Schema.String,
  pattern: Schema.String,
  command: Schema.String,
  parameters: Schema.optional(Schema.Record(Schema.String, Schema.Json)).annotate({
    description: 'A duration is a text, such as "5 seconds": a number would have no unit, so it is refused.'
  }),
  by: Schema.optional(Schema.String.check(Schema.isMaxLength(LONGEST_OPERATOR))).annotate({
    description: "Who gives it; the event that tells of it says so."
  })
}).annotate({ identifier: "Request" })

/** A command for the policy of a service. */
export type Request = typeof Request.Type

/** Something rare that happened. The error that it may be about is not told: it can hold secrets. */
export const Event = Schema.Struct({
  tag: Schema.String.annotate({ description: 'For example "CircuitBreakerTransition".' }),
  pattern: Schema.String,
  service: Schema.String,
  severity: Schema.Literals(["Debug", "Info", "Warn", "Error"]),
  at: Schema.Finite.annotate({ description: "Milliseconds since 1970." }),
  attributes: Schema.Record(Schema.String, Schema.Union([Schema.String, Schema.Finite]))
}).annotate({ identifier: "Event" })

/** Something rare that happened. */
export type Event = typeof Event.Type

/** How the patterns around a service are ordered, and what is wrong with that. */
export const Explanation = Schema.Struct({
  text: Schema.String,
  findings: Schema.Array(
    Schema.Struct({
      rule: Schema.String,
      severity: Schema.Literals(["error", "warning"]),
      problem: Schema.String
    })
  )
}).annotate({ identifier: "Explanation" })

/** How the patterns around a service are ordered, and what is wrong with that. */
export type Explanation = typeof Explanation.Type

const problem = { problem: Schema.String }

/** Nothing has that name: the problem tells what was asked and what is known. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", problem, { httpApiStatus: 404 }) {}

/** The command is known, but not with these parameters. */
export class BadCommand extends Schema.TaggedError<BadCommand>()(
  "BadCommand",
  { reason: Schema.Literal("wrong-parameters"), ...problem },
  { httpApiStatus: 400 }
) {}

/** The request cannot be understood. */
export class BadRequest extends Schema.TaggedError<BadRequest>()("BadRequest", problem, { httpApiStatus: 400 }) {}

/** The token is missing or wrong. */
export class Unauthorized extends Schema.TaggedError<Unauthorized>()("Unauthorized", problem, { httpApiStatus: 401 }) {}

/** The server has no token, so nobody can give commands. */
export class ReadOnly extends Schema.TaggedError<ReadOnly>()("ReadOnly", problem, { httpApiStatus: 403 }) {}

/** The request comes from another site, or from another machine, or names another host. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", problem, { httpApiStatus: 403 }) {}

/** The path is known, but not with this method. */
export class MethodNotAllowed extends Schema.TaggedError<MethodNotAllowed>()("MethodNotAllowed", problem, {
  httpApiStatus: 405
}) {}

/** The body is too large. */
export class TooLarge extends Schema.TaggedError<TooLarge>()("TooLarge", problem, { httpApiStatus: 413 }) {}

/** The body is not JSON, or does not say so. */
export class UnsupportedMediaType extends Schema.TaggedError<UnsupportedMediaType>()("UnsupportedMediaType", problem, {
  httpApiStatus: 415
}) {}

/** As many read events as may. */
export class TooManyReaders extends Schema.TaggedError<TooManyReaders>()("TooManyReaders", problem, {
  httpApiStatus: 503
}) {}

/** Says precisely what is wrong with a request that cannot be understood. */
export class Requests extends HttpApiMiddleware.Service<Requests>()("effect-resilience/admin/Requests", {
  error: BadRequest
}) {}

/** Lets only those give commands who know the token. */
export class Operators extends HttpApiMiddleware.Service<Operators>()("effect-resilience/admin/Operators", {
  security: { token: HttpApiSecurity.bearer },
  error: [Unauthorized, ReadOnly, TooLarge, UnsupportedMediaType]
}) {}

const everywhere = [Forbidden, Unauthorized] as const

const describe = (description: string) => OpenApi.annotations({ description })

const group = HttpApiGroup.make("resilience", { topLevel: true }).add(
  HttpApiEndpoint.get("status", "/status", { success: Schema.Array(Status), error: everywhere }).annotateMerge(
    describe("Every instance of every pattern, service by service.")
  ),
  HttpApiEndpoint.get("statusOf", "/status/:service", {
    params: { service: Schema.String },
    success: Schema.Array(Status),
    error: [...everywhere, NotFound]
  }).annotateMerge(describe("Every instance of one service.")),
  HttpApiEndpoint.get("switches", "/switches", { success: Switches, error: everywhere }).annotateMerge(
    describe("Whether policies guard anything at all.")
  ),
  HttpApiEndpoint.get("explain", "/explain/:service", {
    params: { service: Schema.String },
    success: Explanation,
    error: [...everywhere, NotFound]
  }).annotateMerge(describe("The order of the patterns around a service, and what is wrong with it.")),
  HttpApiEndpoint.get("events", "/events", {
    query: { replay: Schema.optional(Schema.Boolean) },
    success: HttpApiSchema.StreamSse({ data: Event }),
    error: [...everywhere, TooManyReaders]
  }).annotateMerge(
    describe(
      "Everything rare that happens: the last events, unless replay is false, and then each as it happens. " +
        "A reader that is too far behind loses the oldest."
    )
  ),
  HttpApiEndpoint.get("commands", "/commands", { success: Schema.Array(Command), error: everywhere }).annotateMerge(
    describe("What operators can do.")
  ),
  HttpApiEndpoint.post("command", "/commands", {
    payload: Request,
    error: [...everywhere, BadCommand, NotFound]
  })
    .annotateMerge(describe("Runs a command. An event tells of it, with the operator and the parameters."))
    .annotate(HttpApi.PayloadParseOptions, { errors: "all", onExcessProperty: "error" })
    .middleware(Operators)
)

/** The admin API. */
export class Api extends HttpApi.make("effect-resilience")
  .add(group.middleware(Requests))
  .prefix("/resilience")
  .annotateMerge(
    OpenApi.annotations({
      title: "effect-resilience",
      version: "1",
      description: "Status, events and commands of circuit breakers, retries, timeouts, bulkheads and fallbacks."
    })
  ) {}

/** Where the API is, and who calls it. */
export interface ClientOptions {
  /** For example "http://127.0.0.1:9090". */
  readonly baseUrl: string | URL
  /** Needed for commands, and for everything where the server protects reads. */
  readonly token?: Redacted.Redacted | undefined
}

/** A typed client. */
export type Client = HttpApiClient.ForApi<typeof Api>

/** Makes a typed client. */
export const client = ({ baseUrl, token }: ClientOptions): Effect.Effect<Client, never, HttpClient.HttpClient> =>
  HttpApiClient.make(Api, {
    baseUrl,
    transformClient:
      token === undefined
        ? undefined
        : HttpClient.mapRequest((request) => HttpClientRequest.bearerToken(request, token))
  })
