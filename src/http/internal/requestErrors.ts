/**
 * Requests that an `HttpApi` cannot decode, as an error that it declares.
 */
import * as Effect from "effect/Effect"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import type * as Layer from "effect/Layer"
import * as SchemaIssue from "effect/SchemaIssue"
import * as ServiceError from "../../policy/ServiceError.ts"
import { errorSchema } from "./errorSchema.ts"

/**
 * Middleware of an `HttpApi` that declares `ServiceError.InvalidInput` for requests that cannot be decoded, so that OpenAPI
 * and clients know of it: `api.middleware(ErrorResponse.RequestErrors)`, provided by {@link layerRequestErrors}.
 */
export class RequestErrors extends HttpApiMiddleware.Service<RequestErrors>()("effect-resilience/http/RequestErrors", {
  error: errorSchema(ServiceError.InvalidInput)
}) {}

/** Names the first field that is wrong to the user, and the rest to developers. */
export const layerRequestErrors: Layer.Layer<RequestErrors> = HttpApiMiddleware.layerSchemaErrorTransform(
  RequestErrors,
  (error) => {
    // An answer that cannot be encoded is our mistake: it is answered like any other defect.
    if (error.kind === "Body" || error.kind === "ResponseHeaders") return Effect.fail(error)
    const [issue] = format(error.cause.issue).issues
    const path = issue?.path?.map((segment) => String(typeof segment === "object" ? segment.key : segment)) ?? []
    const field = path.length === 0 ? undefined : path.join(".")
    return Effect.fail(new ServiceError.InvalidInput({ field, detail: issue?.message, cause: error.cause }))
  }
)

const format = SchemaIssue.makeFormatterStandardSchemaV1()
