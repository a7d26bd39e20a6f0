/**
 * Errors that hold a secret, in every place where errors hold things.
 */
import { Cause, Data, Redacted, Schema } from "effect"
import { HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import { Redis } from "effect/persistence"
import { SqlError } from "effect/sql"
import { ServiceError } from "../../src/index.ts"
import { SECRET } from "../support/texts.ts"

export { SECRET } from "../support/texts.ts"

class Coded extends Data.TaggedError("Coded")<{ readonly detail: string; readonly cause?: unknown }> {}

class Described extends Schema.TaggedError<Described>()("Described", {
  apiKey: Schema.String,
  token: Schema.Redacted(Schema.String)
}) {
  override get message(): string {
    return `the key ${this.apiKey} was refused`
  }
}

export const request = HttpClientRequest.post(`https://joe:${SECRET}@api.example.com/${SECRET}?key=${SECRET}`).pipe(
  HttpClientRequest.bearerToken(SECRET),
  HttpClientRequest.setHeader("x-api-key", SECRET),
  HttpClientRequest.bodyText(SECRET)
)

export const response = (status: number) =>
  HttpClientResponse.fromWeb(
    request,
    new Response(`${SECRET} is wrong`, { status, statusText: SECRET, headers: { "set-cookie": `session=${SECRET}` } })
  )

const http = (reason: HttpClientError.HttpClientErrorReason) => new HttpClientError.HttpClientError({ reason })

const socket = Object.assign(new Error(`connect ECONNREFUSED https://joe:${SECRET}@host`), { code: "ECONNREFUSED" })

/** By a word for each. */
export const errors: Readonly<Record<string, () => unknown>> = {
  "a text": () => SECRET,
  "a message": () => new Error(`key ${SECRET} is wrong`),
  "a cause of a cause": () => new Error("outer", { cause: new Error("inner", { cause: new Error(SECRET) }) }),
  "several errors": () => new AggregateError([new Error(SECRET)], SECRET),
  "a field": () => new Coded({ detail: SECRET, cause: socket }),
  "a schema": () => new Described({ apiKey: SECRET, token: Redacted.make(SECRET) }),
  "an object": () => ({ status: 503, body: SECRET, headers: { authorization: SECRET, "retry-after": SECRET } }),
  "a redacted value": () => Redacted.make(SECRET),
  "a URL": () => new URL(`https://joe:${SECRET}@api.example.com/?key=${SECRET}`),
  "a detail": () => new ServiceError.Overloaded({ service: "llm", detail: SECRET, cause: socket }),
  "an input": () => new ServiceError.InvalidInput({ detail: SECRET, cause: SECRET }),
  "a cause of Effect": () => new Coded({ detail: "x", cause: Cause.fail(SECRET) }),
  "a status": () =>
    http(new HttpClientError.StatusCodeError({ request, response: response(503), description: SECRET })),
  "a connection": () => http(new HttpClientError.TransportError({ request, cause: socket, description: SECRET })),
  "a database": () =>
    new SqlError.SqlError({
      reason: new SqlError.ConnectionError({
        cause: Object.assign(new Error(`password ${SECRET}`), { code: "08006" }),
        operation: "query"
      })
    }),
  "a cache": () => new Redis.RedisError({ cause: new Error(`WRONGPASS ${SECRET}`) }),
  "a stack": () => Object.assign(new Error("x"), { stack: `Error: ${SECRET}\n    at ${SECRET}` }),
  "a name": () => Object.assign(new Error("x"), { name: SECRET }),
  "a function": () => Object.assign(() => SECRET, { toString: () => SECRET })
}
