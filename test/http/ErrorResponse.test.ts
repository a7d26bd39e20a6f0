import { describe, expect, it } from "@effect/vitest"
import { Cause, Data, Duration, Effect, Layer, Schema, Tracer } from "effect"
import { HttpBody, HttpRouter, HttpServerRespondable, HttpServerResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { ErrorResponse } from "../../src/http/index.ts"
import { type ErrorTraits, ServiceError } from "../../src/index.ts"
import { makeLog } from "./support/server.ts"

const MESSAGE_500 = "Something went wrong on our side. Please try again later."

const read = (response: HttpServerResponse.HttpServerResponse) => ({
  status: response.status,
  headers: response.headers,
  body: response.body instanceof HttpBody.Uint8Array ? JSON.parse(new TextDecoder().decode(response.body.body)) : null
})

const answerTo = (error: unknown) => Effect.map(ErrorResponse.fromError(error), read)

const traits: ErrorTraits.ErrorTraits = {
  errorCode: "test.failure",
  httpStatus: 503,
  category: "external_error",
  retryPolicy: "always",
  userMessage: "Sorry."
}

const throwing = (): never => {
  throw new Error("hostile")
}
const hostile = new Proxy(
  {},
  { get: throwing, has: throwing, getPrototypeOf: throwing, ownKeys: throwing, getOwnPropertyDescriptor: throwing }
)

describe("the response to an error", () => {
  it.effect("tells what its traits call safe", () =>
    Effect.gen(function* () {
      const { body, headers, status } = yield* answerTo({ ...traits, secret: 1, message: "secret" })
      expect(status).toBe(503)
      expect(headers["content-type"]).toBe("application/json")
      expect(body).toEqual({ error: { code: "test.failure", message: "Sorry." } })
      expect(Schema.is(ErrorResponse.Body)(body)).toBe(true)
    })
  )

  it.effect.each([
    [{ ...traits, httpStatus: 200 }],
    [{ ...traits, httpStatus: 600 }],
    [{ ...traits, httpStatus: 503.5 }],
    [{ ...traits, httpStatus: Number.NaN }],
    [{ ...traits, httpStatus: "503" }]
  ])("is 500 where the traits make no sense: %o", ([error]) =>
    Effect.gen(function* () {
      expect(yield* answerTo(error)).toMatchObject({
        status: 500,
        body: { error: { code: "internal_error", message: MESSAGE_500 } }
      })
    })
  )

  it.effect.each([
    [{ ...traits, userMessage: "" }],
    [{ ...traits, userMessage: undefined }],
    [{ ...traits, userMessage: { text: "secret" } }]
  ])("has a message of its status where the error has none: %o", ([error]) =>
    Effect.gen(function* () {
      const { body } = yield* answerTo(error)
      expect(body).toEqual({ error: { code: "test.failure", message: MESSAGE_500 } })
    })
  )

  it.effect("turns a hint that is a date into seconds from now", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.parse("2026-10-18T07:00:00Z"))
      const response = { headers: { "retry-after": "Sun, 18 Oct 2026 07:00:30 GMT" } }
      const { body, headers } = yield* answerTo({ ...traits, response })
      expect(headers["retry-after"]).toBe("30")
      expect(body.error.retry_after).toBe(30)
    })
  )

  it.effect("knows errors of another copy of this library by their shape", () =>
    Effect.gen(function* () {
      class Foreign extends Error implements ErrorTraits.ErrorTraits {
        readonly errorCode = "foreign"
        readonly httpStatus = 429
        readonly category = "rate_limit"
        readonly retryPolicy = "conditional"
        readonly retryAfter = Duration.seconds(4)
        get userMessage() {
          return "Later."
        }
      }
      const { body, headers, status } = yield* answerTo(new Foreign("secret"))
      expect([status, headers["retry-after"]]).toEqual([429, "4"])
      expect(body).toEqual({ error: { code: "foreign", message: "Later.", retry_after: 4 } })
    })
  )

  it.effect("is decided by the last failure or defect, as Effect decides", () =>
    Effect.gen(function* () {
      const known = Cause.fail(new ServiceError.Forbidden())
      const bug = Cause.die(new Error("a bug"))
      const statusOf = (cause: Cause.Cause<unknown>) =>
        Effect.map(ErrorResponse.fromCause(cause), ({ status }) => status)
      expect(yield* statusOf(Cause.combine(known, bug))).toBe(500)
      expect(yield* statusOf(Cause.combine(bug, known))).toBe(403)
      expect(yield* statusOf(Cause.combine(known, Cause.interrupt(1)))).toBe(403)
      expect(yield* statusOf(Cause.empty)).toBe(500)
    })
  )

  it.effect("is the one of an error that answers for itself, with a body if it has none", () =>
    Effect.gen(function* () {
      class Own extends Data.Error<{ readonly response: HttpServerResponse.HttpServerResponse }> {
        [HttpServerRespondable.symbol]() {
          return Effect.succeed(this.response)
        }
      }
      const bare = HttpServerResponse.empty({ status: 410, headers: { "x-own": "kept" } })
      const full = HttpServerResponse.jsonUnsafe({ own: true }, { status: 410 })
      const gone = yield* answerTo(new Own({ response: bare }))
      expect(gone).toMatchObject({ status: 410, body: { error: { code: "gone" } }, headers: { "x-own": "kept" } })
      expect(yield* answerTo(new Own({ response: full }))).toMatchObject({ status: 410, body: { own: true } })
      const strange = yield* answerTo(new Own({ response: HttpServerResponse.empty({ status: 418 }) }))
      expect(strange.body.error.code).toBe("http_418")
      const created = yield* answerTo(new Own({ response: HttpServerResponse.empty({ status: 201 }) }))
      expect(created).toMatchObject({ status: 201, body: null })
    })
  )

  it.effect("names the trace, if that is one", () =>
    Effect.gen(function* () {
      const within = (traceId: string) =>
        Effect.map(answerTo("x"), ({ body }) => body.error.trace_id).pipe(
          Effect.withParentSpan(Tracer.externalSpan({ spanId: "1".repeat(16), traceId }))
        )
      expect(yield* within("4bf92f3577b34da6a3ce929d0e0e4736")).toBe("4bf92f3577b34da6a3ce929d0e0e4736")
      for (const invalid of ["0".repeat(32), "", "none", "4BF9", "<script>"]) {
        expect(yield* within(invalid)).toBeUndefined()
      }
      expect((yield* answerTo("x")).body.error).not.toHaveProperty("trace_id")
    })
  )
})

describe("whatever is thrown", () => {
  const cyclic: { self?: unknown } = {}
  cyclic.self = cyclic

  const difficult: ReadonlyArray<unknown> = [
    cyclic,
    hostile,
    undefined,
    5n,
    Symbol("x"),
    throwing,
    Object.create(null),
    Object.assign(new Error("x"), { cause: hostile }),
    { ...traits, userMessage: hostile },
    Object.defineProperty({ ...traits }, "userMessage", { get: throwing }),
    { [HttpServerRespondable.symbol]: throwing },
    { [HttpServerRespondable.symbol]: () => Effect.die(cyclic) }
  ]

  const handle = (effect: Effect.Effect<never, unknown>) => {
    const log = makeLog()
    const app = Layer.mergeAll(HttpRouter.add("GET", "/", effect), ErrorResponse.layer).pipe(
      Layer.provideMerge(log.layer)
    )
    const { dispose, handler } = HttpRouter.toWebHandler(app)
    return Effect.promise(async () => {
      const response = await handler(new Request("http://localhost/"))
      const body: unknown = await response.json()
      await dispose()
      return { status: response.status, body, lines: log.lines }
    })
  }

  const check = (effect: Effect.Effect<never, unknown>) =>
    Effect.gen(function* () {
      const { body, lines, status } = yield* handle(effect)
      expect([500, 503]).toContain(status)
      expect(Schema.is(ErrorResponse.Body)(body)).toBe(true)
      expect(lines.filter(({ level }) => level === "Error").length).toBe(1)
    })

  it.effect.each(Array.from(difficult.keys()))("is answered with JSON, and logged: difficult value %d", (index) =>
    Effect.gen(function* () {
      yield* check(Effect.fail(difficult[index]))
      yield* check(Effect.die(difficult[index]))
    })
  )

  it.effect.prop(
    "is answered with JSON, and logged",
    { value: Schema.Unknown, isDefect: Schema.Boolean },
    ({ isDefect, value }) => check(isDefect ? Effect.die(value) : Effect.fail(value)),
    { arbitrary: { runs: 100, seed: 7 } }
  )

  it.effect("is answered and logged even when nobody can look at it", () =>
    Effect.gen(function* () {
      const { body, lines, status } = yield* handle(Effect.fail(hostile))
      expect(status).toBe(500)
      expect(body).toMatchObject({ error: { code: "internal_error" } })
      expect(lines.filter(({ level }) => level === "Error").map(({ text }) => text)).toEqual([
        "Request failed: its error throws"
      ])
    })
  )
})
