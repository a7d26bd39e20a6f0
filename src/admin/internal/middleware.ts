/**
 * What stands before the handlers: who may give commands, how large these may be, and what is said of those that make no
 * sense.
 */
import * as ByteSize from "effect/ByteSize"
import * as Effect from "effect/Effect"
import * as HttpIncomingMessage from "effect/http/HttpIncomingMessage"
import * as HttpServerError from "effect/http/HttpServerError"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpApiMiddleware from "effect/http-api/HttpApiMiddleware"
import * as Layer from "effect/Layer"
import * as SchemaIssue from "effect/SchemaIssue"
import { BadRequest, Operators, ReadOnly, Requests, TooLarge, Unauthorized, UnsupportedMediaType } from "../Api.ts"
import { isToken } from "./Guard.ts"
import type { Settings } from "./Settings.ts"

/** Says of every part of a request that is wrong where it is, and what was expected. */
export const requests: Layer.Layer<Requests> = HttpApiMiddleware.layerSchemaErrorTransform(Requests, (error) =>
  error.kind === "Body" || error.kind === "ResponseHeaders"
    ? Effect.fail(error)
    : Effect.fail(new BadRequest({ problem: problemOf(parts[error.kind], error.cause.issue) }))
)

const parts = { Params: "path", Query: "query", Headers: "headers", Payload: "body" } as const

/** Lets commands pass that have the token, are JSON, and are not too large. */
export const operators = ({ maxBodyBytes, token }: Settings): Layer.Layer<Operators> => {
  const tooLarge = Effect.fail(new TooLarge({ problem: `the body is larger than ${maxBodyBytes} bytes` }))
  return Layer.succeed(Operators, {
    token: (httpEffect, { credential }) =>
      Effect.gen(function* () {
        if (token === undefined) return yield* new ReadOnly({ problem: READ_ONLY })
        if (!isToken(credential, token)) {
          return yield* new Unauthorized({ problem: "the token is missing or wrong" })
        }
        const { headers } = yield* HttpServerRequest.HttpServerRequest
        const type = headers["content-type"] ?? ""
        if (!/^application\/json\s*(;|$)/i.test(type)) {
          return yield* new UnsupportedMediaType({ problem: `the body must be application/json, got "${type}"` })
        }
        return yield* httpEffect.pipe(
          Effect.provideService(HttpIncomingMessage.MaxBodySize, ByteSize.bytes(maxBodyBytes)),
          Effect.catchDefect((defect) => (isTooLarge(defect) ? tooLarge : Effect.die(defect)))
        )
      })
  })
}

const READ_ONLY = "this API is read-only: to allow commands, start it with a token (Admin.routes({ token }))"

const isTooLarge = (defect: unknown): boolean =>
  HttpServerError.isHttpServerError(defect) &&
  defect.reason._tag === "RequestParseError" &&
  defect.reason.reason === "BodyTooLarge"

const toStandardIssues = SchemaIssue.makeFormatterStandardSchemaV1()

const problemOf = (part: string, issue: SchemaIssue.Issue): string =>
  toStandardIssues(issue)
    .issues.map(({ message, path = [] }) => {
      const keys = path.map((segment) => String(typeof segment === "object" ? segment.key : segment))
      return `${[part, ...keys].join(".")}: ${message.charAt(0).toLowerCase()}${message.slice(1)}`
    })
    .join("; ")
