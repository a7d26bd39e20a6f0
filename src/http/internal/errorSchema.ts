/**
 * The encoding of a declared error: the same body as that of any other, and the error itself in its `details`.
 */
import * as Fiber from "effect/Fiber"
import * as HttpApiSchema from "effect/http-api/HttpApiSchema"
import * as Schema from "effect/Schema"
import type { ErrorTraits } from "../../policy/ErrorTraits.ts"
import * as ErrorBody from "./errorBody.ts"

/** The encoded side of a declared error. */
export interface Encoded<Details> {
  readonly body: {
    readonly error: {
      readonly code: string
      readonly message: string
      readonly trace_id?: string
      readonly retry_after?: number
      readonly details: Details
    }
  }
  readonly headers: { readonly "retry-after"?: number }
}

/** The schema of a declared error: the error on one side, body and headers of its response on the other. */
export type ErrorSchema<Self, S extends Schema.Constraint> = Schema.Codec<
  Self,
  Encoded<S["Encoded"]>,
  S["DecodingServices"],
  S["EncodingServices"]
>

/** Wraps the schema of an error with traits. */
export const errorSchema = <Self, S extends Schema.Constraint & { readonly fields: Schema.Struct.Fields }>(
  self: Schema.Class<Self, S, ErrorTraits>
): ErrorSchema<Self, S> => wrap(self as unknown as Annotated) as unknown as ErrorSchema<Self, S>

interface Annotated extends Schema.Codec<ErrorTraits> {
  readonly prototype: ErrorTraits
}

const wrap = (self: Annotated) => {
  const { errorCode, httpStatus } = self.prototype
  const error = Schema.Struct({ ...ErrorBody.fields, code: Schema.Literal(errorCode), details: self })
  const body = Schema.Struct({ error }).pipe(HttpApiSchema.status(httpStatus))
  const headers = { "retry-after": Schema.optionalKey(Schema.Int) }
  return HttpApiSchema.encodeToWithHeaders<Annotated, typeof body, typeof headers>(
    { body, headers },
    {
      decode: ({ body }) => body.error.details,
      encode: (details) => {
        const traceId = ErrorBody.traceIdOf(Fiber.getCurrent())
        const { error } = ErrorBody.ofError(details, 0, traceId) ?? ErrorBody.ofStatus(httpStatus, traceId)
        return {
          body: { error: { ...error, code: errorCode, details } },
          headers: error.retry_after === undefined ? {} : { "retry-after": error.retry_after }
        }
      }
    }
  )(self)
}
