/**
 * The errors of a whole application, each with what retries, dashboards and HTTP responses need to know, and a server that
 * answers with them.
 *
 * It is the hierarchy of an earlier project. What is general in it comes with the library (`ServiceError`, and the errors of
 * the patterns). Parents are gone: what errors have in common is their category, and `catchTag` takes several tags. These
 * mistakes are, too:
 *
 * - 403 asked the user to sign in, who was signed in; that helps with 401 only.
 * - 404 and violations of rules (403) counted as `server_error`: now that is an error where the class is defined.
 * - A resource that does not exist was an `auth_error`.
 * - The rate limit of a provider was `external_error`, in no dashboard of rate limits.
 * - Rejected credentials of Keycloak were to be retried "always".
 * - An expired token was to be retried "conditionally", but named no condition: the client has to get a new one first.
 * - An unknown model was retried all the same, because it was the provider who said so.
 * - A quota was retried like a rate limit: now only at the time it names.
 * - `Retry-After` came with 429 only; now also with 503 and the provider's 529.
 * - Unexpected errors sent their text to the client.
 */
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Console, Duration, Effect, Layer, Logger, Schema } from "effect"
import { HttpClient, HttpRouter } from "effect/http"
import { CircuitBreaker, ErrorTraits, ServiceError } from "effect-resilience"
import { ErrorResponse } from "effect-resilience/http"

const { TaggedError } = Schema
const { annotate } = ErrorTraits

/** Where a dependency tells when to come back, and what developers want to know. */
const hints = { retryAfter: Schema.optional(Schema.DurationFromMillis), detail: ErrorTraits.Internal(Schema.String) }
/** A dependency of ours, and not ourselves. */
const external = { httpStatus: 503, category: "external_error" } as const
const rule = {
  httpStatus: 403,
  category: "client_error",
  userMessage: "Rules on data protection forbid this."
} as const

// Configuration: 500, never retried. The user reads that something is wrong on our side.
class ConfigMissing extends TaggedError<ConfigMissing>()("ConfigMissing", { variable: Schema.String }).pipe(
  annotate({ errorCode: "config.missing" })
) {}
class ConfigInvalid extends TaggedError<ConfigInvalid>()("ConfigInvalid", { variable: Schema.String }).pipe(
  annotate({ errorCode: "config.invalid" })
) {}
class SecretNotFound extends TaggedError<SecretNotFound>()("SecretNotFound", { secret: Schema.String }).pipe(
  annotate({ errorCode: "config.secret_not_found" })
) {}

// Who asks: 401, never retried.
class InvalidCredentials extends TaggedError<InvalidCredentials>()("InvalidCredentials", {}).pipe(
  annotate({ errorCode: "auth.invalid_credentials", httpStatus: 401, userMessage: "Wrong user name or password." })
) {}
class TokenExpired extends TaggedError<TokenExpired>()("TokenExpired", {}).pipe(
  annotate({ errorCode: "auth.token_expired", httpStatus: 401, userMessage: "Your session has expired." })
) {}
class TokenInvalid extends TaggedError<TokenInvalid>()("TokenInvalid", {}).pipe(
  annotate({ errorCode: "auth.token_invalid", httpStatus: 401 })
) {}
class MfaRequired extends TaggedError<MfaRequired>()("MfaRequired", {}).pipe(
  annotate({ errorCode: "auth.mfa_required", httpStatus: 403, userMessage: "Please confirm with your second factor." })
) {}

// What one may: 403, never retried.
class PermissionDenied extends TaggedError<PermissionDenied>()("PermissionDenied", { action: Schema.String }).pipe(
  annotate({ errorCode: "authz.permission_denied", httpStatus: 403 })
) {}
class InsufficientPermissions extends TaggedError<InsufficientPermissions>()("InsufficientPermissions", {}).pipe(
  annotate({
    errorCode: "authz.insufficient_permissions",
    httpStatus: 403,
    userMessage: "Your plan does not cover this."
  })
) {}

// The request: 400, never retried.
class SchemaInvalid extends TaggedError<SchemaInvalid>()("SchemaInvalid", {}).pipe(
  annotate({ errorCode: "validation.schema", httpStatus: 400 })
) {}
class ConstraintViolated extends TaggedError<ConstraintViolated>()("ConstraintViolated", { field: Schema.String }).pipe(
  annotate({
    errorCode: "validation.constraint",
    httpStatus: 400,
    userMessage: ({ field }) => `The value of "${field}" is not allowed.`
  })
) {}

// The language model: retried, each in its own way.
class LlmFailed extends TaggedError<LlmFailed>()("LlmFailed", hints).pipe(
  annotate({ ...external, errorCode: "external.llm.error" })
) {}
class LlmRateLimited extends TaggedError<LlmRateLimited>()("LlmRateLimited", hints).pipe(
  annotate({ errorCode: "external.llm.rate_limit", httpStatus: 429 })
) {}
class LlmTimedOut extends TaggedError<LlmTimedOut>()("LlmTimedOut", hints).pipe(
  annotate({ errorCode: "external.llm.timeout", httpStatus: 504 })
) {}
class LlmOverloaded extends TaggedError<LlmOverloaded>()("LlmOverloaded", hints).pipe(
  annotate({ errorCode: "external.llm.overloaded", httpStatus: 529 })
) {}
class LlmModelNotFound extends TaggedError<LlmModelNotFound>()("LlmModelNotFound", { model: Schema.String }).pipe(
  annotate({
    errorCode: "external.llm.model_not_found",
    httpStatus: 404,
    userMessage: ({ model }) => `There is no model called ${model}.`
  })
) {}

// Other dependencies: 503 and 504, retried.
class OpenFgaFailed extends TaggedError<OpenFgaFailed>()("OpenFgaFailed", hints).pipe(
  annotate({ ...external, errorCode: "external.openfga.error" })
) {}
class OpenFgaTimedOut extends TaggedError<OpenFgaTimedOut>()("OpenFgaTimedOut", hints).pipe(
  annotate({ errorCode: "external.openfga.timeout", httpStatus: 504 })
) {}
class OpenFgaUnavailable extends TaggedError<OpenFgaUnavailable>()("OpenFgaUnavailable", hints).pipe(
  annotate({ ...external, errorCode: "external.openfga.unavailable" })
) {}
class RedisFailed extends TaggedError<RedisFailed>()("RedisFailed", hints).pipe(
  annotate({ ...external, errorCode: "external.redis.error" })
) {}
class RedisConnectionLost extends TaggedError<RedisConnectionLost>()("RedisConnectionLost", hints).pipe(
  annotate({ ...external, errorCode: "external.redis.connection" })
) {}
class RedisTimedOut extends TaggedError<RedisTimedOut>()("RedisTimedOut", hints).pipe(
  annotate({ errorCode: "external.redis.timeout", httpStatus: 504 })
) {}
class KeycloakFailed extends TaggedError<KeycloakFailed>()("KeycloakFailed", hints).pipe(
  annotate({ ...external, errorCode: "external.keycloak.error" })
) {}
class KeycloakRejected extends TaggedError<KeycloakRejected>()("KeycloakRejected", hints).pipe(
  annotate({ errorCode: "external.keycloak.auth", httpStatus: 401 })
) {}
class KeycloakUnavailable extends TaggedError<KeycloakUnavailable>()("KeycloakUnavailable", hints).pipe(
  annotate({ ...external, errorCode: "external.keycloak.unavailable" })
) {}

// Storage, rules, and what is not there yet.
class StorageFailed extends TaggedError<StorageFailed>()("StorageFailed", hints).pipe(
  annotate({ errorCode: "storage.backend" })
) {}
class DataNotFound extends TaggedError<DataNotFound>()("DataNotFound", {}).pipe(
  annotate({ errorCode: "storage.not_found", httpStatus: 404 })
) {}
class DataCorrupt extends TaggedError<DataCorrupt>()("DataCorrupt", {}).pipe(
  annotate({ errorCode: "storage.integrity" })
) {}
class GdprViolated extends TaggedError<GdprViolated>()("GdprViolated", {}).pipe(
  annotate({ ...rule, errorCode: "compliance.gdpr" })
) {}
class HipaaViolated extends TaggedError<HipaaViolated>()("HipaaViolated", {}).pipe(
  annotate({ ...rule, errorCode: "compliance.hipaa" })
) {}
class Soc2Violated extends TaggedError<Soc2Violated>()("Soc2Violated", {}).pipe(
  annotate({ ...rule, errorCode: "compliance.soc2" })
) {}
class NotImplemented extends TaggedError<NotImplemented>()("NotImplemented", {}).pipe(
  annotate({ errorCode: "server.not_implemented", httpStatus: 501 })
) {}

const SECRET = "postgres://admin:hunter2@10.0.0.7"
const retryAfter = Duration.millis(1500)
const hint = { retryAfter, detail: SECRET }
const llm = { service: "llm", ...hint }

const failures: ReadonlyArray<Error> = [
  [new ConfigMissing({ variable: SECRET }), new ConfigInvalid({ variable: SECRET })],
  [new SecretNotFound({ secret: SECRET }), new ServiceError.Unauthenticated(hint), new InvalidCredentials()],
  [new TokenExpired(), new TokenInvalid(), new MfaRequired(), new ServiceError.Forbidden(hint)],
  [new PermissionDenied({ action: SECRET }), new InsufficientPermissions()],
  [new ServiceError.NotFound({ resource: "file", id: SECRET }), new ServiceError.RateLimited(llm)],
  [new ServiceError.QuotaExceeded(llm), new ServiceError.InvalidInput({ field: "age", detail: SECRET })],
  [new SchemaInvalid(), new ConstraintViolated({ field: "age" }), new LlmFailed(hint), new LlmRateLimited(hint)],
  [new LlmTimedOut(hint), new LlmOverloaded(hint), new LlmModelNotFound({ model: "gtp-5" })],
  [new OpenFgaFailed(hint), new OpenFgaTimedOut(hint), new OpenFgaUnavailable(hint), new RedisFailed(hint)],
  [new RedisConnectionLost(hint), new RedisTimedOut(hint), new KeycloakFailed(hint), new KeycloakRejected(hint)],
  [new KeycloakUnavailable(hint), new StorageFailed(hint), new DataNotFound(), new DataCorrupt()],
  [new GdprViolated(), new HipaaViolated(), new Soc2Violated(), new NotImplemented()],
  [new CircuitBreaker.CircuitBreakerOpenError({ service: "openfga", state: "Open", retryAfter })],
  [new Error(`cannot connect to ${SECRET}`)]
].flat()

const App = HttpRouter.add("GET", "/:index", ({ url }) => Effect.fail(failures[Number(url.slice(1))])).pipe(
  Layer.provideMerge(ErrorResponse.layer)
)

const program = Effect.gen(function* () {
  const client = yield* HttpClient.HttpClient
  for (const index of failures.keys()) {
    const response = yield* client.get(`/${index}`)
    const text = yield* response.text
    const { error } = yield* Schema.decodeEffect(Schema.fromJsonString(ErrorResponse.Body))(text)
    const wait = response.headers["retry-after"]
    const end = wait === undefined ? "" : ` (Retry-After: ${wait})`
    yield* Console.log(`${response.status} ${error.code.padEnd(34)} ${error.message}${end}`)
    if (text.includes("hunter2")) return yield* Effect.die(`${error.code} told a secret`)
  }
})

const ServerLive = HttpRouter.serve(App, { disableListenLog: true }).pipe(Layer.provideMerge(NodeHttpServer.layerTest))

await Effect.runPromise(program.pipe(Effect.provide(ServerLive), Effect.provide(Logger.layer([]))))
