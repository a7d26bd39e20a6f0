import { describe, expect, it } from "@effect/vitest"
import { Cause, Data, Duration, Effect, Layer, Schema, Stream, Tracer } from "effect"
import { FetchHttpClient, HttpRouter, HttpServerResponse } from "effect/http"
import {
  HttpApi,
  HttpApiBuilder,
  HttpApiClient,
  HttpApiEndpoint,
  HttpApiError,
  HttpApiGroup,
  OpenApi
} from "effect/http-api"
import { connect } from "node:net"
import { ErrorResponse } from "../../src/http/index.ts"
import { CircuitBreaker, Classifier, ErrorTraits, ServiceError } from "../../src/index.ts"
import { errorOf, get, makeLog, type Routes, serve } from "./support/server.ts"

const SECRET = "hunter2"

const service = "llm"
const retryAfter = Duration.millis(1500)

class Leaky extends Schema.TaggedError<Leaky>()("Leaky", {
  password: Schema.String,
  cause: ErrorTraits.Internal(Schema.Unknown)
}).pipe(ErrorTraits.annotate({ errorCode: "leaky.failed", httpStatus: 503, userMessage: "It leaks." })) {
  override get message(): string {
    return `password ${this.password}`
  }
}

class Unknown extends Data.TaggedError(`Unknown ${SECRET}`)<{ readonly password: string; readonly cause?: unknown }> {
  override readonly message = `password ${this.password}`
}

const route = <E>(path: `/${string}`, handler: Effect.Effect<HttpServerResponse.HttpServerResponse, E>) =>
  HttpRouter.add("GET", path, handler)

const serveRoutes = (...routes: ReadonlyArray<Routes>) => {
  const log = makeLog()
  const app = Layer.mergeAll(ErrorResponse.layer, ...routes)
  return Effect.map(serve(app, log.layer), (url) => ({ url, lines: log.lines }))
}

const failing = (error: unknown) => serveRoutes(route("/", Effect.fail(error)))

describe("a router", () => {
  it.live("answers an error with traits by them", () =>
    Effect.gen(function* () {
      const { lines, url } = yield* failing(new ServiceError.NotFound({ resource: "model", id: "gpt" }))
      const got = yield* get(`${url}/?key=${SECRET}`)
      expect(got.status).toBe(404)
      expect(got.headers.get("content-type")).toBe("application/json")
      expect(errorOf(got)).toEqual({
        code: "resource.not_found",
        message: "The model was not found.",
        trace_id: expect.stringMatching(/^[0-9a-f]{32}$/)
      })
      expect(lines.map(({ level, text }) => `${level} ${text}`)).toEqual([
        "Debug Request failed",
        "Info Sent HTTP response"
      ])
      expect(lines[0]?.cause).toContain('no model "gpt"')
      expect(lines[0]?.annotations).toEqual({
        "http.method": "GET",
        "http.url": "/",
        "http.status": 404,
        trace_id: errorOf(got)["trace_id"]
      })
    })
  )

  it.live.each([
    [new ServiceError.RateLimited({ service, retryAfter }), 429, "2", 2],
    [new ServiceError.QuotaExceeded({ service, retryAfter }), 429, "2", 2],
    [new ServiceError.Unavailable({ service, retryAfter }), 503, "2", 2],
    [new ServiceError.Overloaded({ service, retryAfter }), 529, "2", 2],
    [new CircuitBreaker.CircuitBreakerOpenError({ service, state: "Open", retryAfter }), 503, "2", 2],
    [new ServiceError.Overloaded({ service, retryAfter: Duration.millis(1) }), 529, "1", 1],
    [new ServiceError.Overloaded({ service, retryAfter: Duration.seconds(3) }), 529, "3", 3],
    [new ServiceError.TimedOut({ service, retryAfter }), 504, null, undefined],
    [new ServiceError.Unavailable({ service }), 503, null, undefined],
    [new ServiceError.Unavailable({ service, retryAfter: Duration.zero }), 503, null, undefined],
    [new ServiceError.Unavailable({ service, retryAfter: Duration.seconds(-1) }), 503, null, undefined],
    [new ServiceError.Unavailable({ service, retryAfter: Duration.infinity }), 503, null, undefined]
  ] as const)("tells when to come back, where it knows: %o", ([error, status, header, seconds]) =>
    Effect.gen(function* () {
      const { url } = yield* failing(error)
      const got = yield* get(url)
      expect(got.status).toBe(status)
      expect(got.headers.get("retry-after")).toBe(header)
      expect(errorOf(got)["retry_after"]).toBe(seconds)
    })
  )

  const withSecrets = () => Object.assign(new Error(`it is ${SECRET}`, { cause: new Error(SECRET) }), { key: SECRET })

  it.live.each([
    ["an error", Effect.fail(withSecrets())],
    ["a tagged error", Effect.fail(new Unknown({ password: SECRET, cause: SECRET }))],
    ["a text", Effect.fail(SECRET)],
    ["a defect", Effect.die(withSecrets())],
    ["something thrown", Effect.sync(() => expect.fail(SECRET))],
    ["a promise that is rejected", Effect.promise(() => Promise.reject(withSecrets()))],
    ["a failure with a defect", Effect.ensuring(Effect.fail(withSecrets()), Effect.die(SECRET))],
    ["an interruption by something else", Effect.andThen(Effect.interrupt, Effect.fail(SECRET))],
    ["an error with traits", Effect.fail(new Leaky({ password: SECRET, cause: withSecrets() }))],
    ["a defect with traits", Effect.die(new Leaky({ password: SECRET, cause: withSecrets() }))],
    ["an invalid input", Schema.decodeUnknownEffect(Schema.Literal("a"))(SECRET)],
    ["wrong traits", Effect.fail({ errorCode: SECRET, httpStatus: 200, retryPolicy: "never", userMessage: SECRET })]
  ] as const)("never shows what is inside of %s", ([, effect]) =>
    Effect.gen(function* () {
      const { url } = yield* serveRoutes(route("/", effect as Effect.Effect<never>))
      const got = yield* get(url)
      expect(got.status).toBeGreaterThanOrEqual(400)
      expect(`${got.text} ${JSON.stringify([...got.headers])}`).not.toMatch(/hunter2|Leaky|Unknown|Error|stack|\.ts/)
    })
  )

  it.live("answers what it does not know with 500, and logs it once, as an error with its cause", () =>
    Effect.gen(function* () {
      const { lines, url } = yield* failing(withSecrets())
      const got = yield* get(url)
      expect(got.status).toBe(500)
      expect(errorOf(got)).toEqual({
        code: "internal_error",
        message: "Something went wrong on our side. Please try again later.",
        trace_id: expect.any(String)
      })
      expect(lines.map(({ level, text }) => `${level} ${text}`)).toEqual(["Error Request failed"])
      expect(lines[0]?.cause).toContain(`it is ${SECRET}`)
      expect(lines[0]?.annotations).toMatchObject({ "http.status": 500, trace_id: errorOf(got)["trace_id"] })
    })
  )

  it.live("gives a body to the answers that have none", () =>
    Effect.gen(function* () {
      const { url } = yield* serveRoutes(
        route("/known", Effect.fail(new HttpApiError.Conflict({}))),
        route("/input", Schema.decodeUnknownEffect(Schema.Literal("a"))("b") as Effect.Effect<never>)
      )
      const [absent, known, input] = [
        yield* get(`${url}/absent`),
        yield* get(`${url}/known`),
        yield* get(`${url}/input`)
      ]
      expect([absent.status, errorOf(absent)["code"]]).toEqual([404, "not_found"])
      expect([known.status, errorOf(known)["code"]]).toEqual([409, "conflict"])
      expect([input.status, errorOf(input)["code"]]).toEqual([400, "bad_request"])
    })
  )

  it.live("leaves answers alone that a handler has chosen", () =>
    Effect.gen(function* () {
      const teapot = HttpServerResponse.text("short and stout", { status: 418 })
      const { lines, url } = yield* serveRoutes(
        route("/answer", Effect.succeed(teapot)),
        route("/defect", Effect.die(teapot)),
        route("/failure", Effect.fail(teapot)),
        route("/redirect", Effect.fail(HttpServerResponse.redirect("/answer")))
      )
      for (const path of ["answer", "defect", "failure", "redirect"]) {
        const got = yield* get(`${url}/${path}`)
        expect([got.status, got.text]).toEqual([418, "short and stout"])
      }
      const failed = lines.filter(({ text }) => text === "Request failed")
      expect(failed.map(({ annotations, level }) => [level, annotations["http.url"]])).toEqual([["Debug", "/failure"]])
    })
  )

  it.live("answers HEAD without a body, but with the same header", () =>
    Effect.gen(function* () {
      const { url } = yield* failing(new ServiceError.Overloaded({ service, retryAfter }))
      const got = yield* get(url, { method: "HEAD" })
      expect([got.status, got.text, got.headers.get("retry-after")]).toEqual([529, "", "2"])
    })
  )

  it.live("cannot take back the status of a response that fails while it is sent, and adds nothing to it", () =>
    Effect.gen(function* () {
      const broken = Stream.concat(Stream.make("begin "), Stream.fail(withSecrets())).pipe(Stream.encodeText)
      const { url } = yield* serveRoutes(route("/", Effect.succeed(HttpServerResponse.stream(broken))))
      const raw = yield* Effect.callback<string>((resume) => {
        let text = ""
        const socket = connect(Number(new URL(url).port), "127.0.0.1", () =>
          socket.write("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        )
        socket.on("data", (data) => (text += String(data)))
        socket.on("error", () => {})
        socket.on("close", () => resume(Effect.succeed(text)))
      })
      expect(raw).not.toMatch(/hunter2|internal_error/)
      // A body that ends well would end with a chunk of length zero.
      expect(raw).not.toMatch(/\r\n0\r\n\r\n$/)
    })
  )

  it.live("keeps concurrent errors apart", () =>
    Effect.gen(function* () {
      const byNumber = HttpRouter.add("GET", "/:n", ({ url }) =>
        Effect.delay(Effect.fail(new ServiceError.NotFound({ resource: url.slice(1) })), (url.length * 7) % 20)
      )
      const { url } = yield* serveRoutes(byNumber)
      const all = yield* Effect.forEach(
        Array.from({ length: 40 }, (_, n) => n),
        (n) => get(`${url}/n${n}`),
        { concurrency: "unbounded" }
      )
      expect(all.map((got) => errorOf(got)["message"])).toEqual(all.map((_, n) => `The n${n} was not found.`))
      expect(new Set(all.map((got) => errorOf(got)["trace_id"])).size).toBe(40)
    })
  )

  it.live("leaves it to Effect when the client goes away", () =>
    Effect.gen(function* () {
      const { lines, url } = yield* serveRoutes(route("/", Effect.never))
      const gone = new AbortController()
      yield* Effect.promise(async () => {
        const asked = fetch(url, { signal: gone.signal }).catch(() => {})
        await new Promise((resolve) => setTimeout(resolve, 50))
        gone.abort()
        await asked
      })
      yield* Effect.sleep(100)
      expect(lines.map(({ level, text }) => `${level} ${text}`)).toEqual(["Info Sent HTTP response"])
      expect(lines[0]?.annotations).toMatchObject({ "http.status": 499 })
    })
  )

  it.live("answers only for the routes that it is given to, and once where it is given twice", () =>
    Effect.gen(function* () {
      const bug = Effect.die(new Error(SECRET))
      const log = makeLog()
      const url = yield* serve(
        Layer.mergeAll(route("/with", bug).pipe(Layer.provide(ErrorResponse.layerRoutes)), route("/without", bug)),
        log.layer
      )
      const [within, without] = [yield* get(`${url}/with`), yield* get(`${url}/without`)]
      expect([within.status, errorOf(within)["code"]]).toEqual([500, "internal_error"])
      expect([without.status, without.text]).toEqual([500, ""])

      const twice = yield* serveRoutes(route("/", bug).pipe(Layer.provide(ErrorResponse.layerRoutes)))
      const got = yield* get(twice.url)
      expect(errorOf(got)["code"]).toBe("internal_error")
      expect(twice.lines.length).toBe(1)
    })
  )

  it.live("lets the span and the scope of the request see the failure", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.NativeSpan> = []
      const exits: Array<string> = []
      const tracer = Layer.succeed(
        Tracer.Tracer,
        Tracer.make({
          span: (options) => {
            const span = new Tracer.NativeSpan(options)
            spans.push(span)
            return span
          }
        })
      )
      const handler = Effect.andThen(
        Effect.addFinalizer((exit) => Effect.sync(() => exits.push(exit._tag))),
        Effect.die(new Error("a bug"))
      )
      const url = yield* serve(
        Layer.merge(ErrorResponse.layer, HttpRouter.add("GET", "/", handler)),
        Layer.merge(makeLog().layer, tracer)
      )
      const got = yield* get(url)
      expect(errorOf(got)["trace_id"]).toBe(spans[0]?.traceId)
      expect(exits).toEqual(["Failure"])
      const status = spans[0]?.status
      expect(status?._tag === "Ended" && status.exit._tag === "Failure" && Cause.pretty(status.exit.cause)).toContain(
        "a bug"
      )
    })
  )
})

describe("an HttpApi", () => {
  class ModelNotFound extends Schema.TaggedError<ModelNotFound>()("ModelNotFound", {
    model: Schema.String,
    cause: ErrorTraits.Internal(Schema.Unknown)
  }).pipe(
    ErrorTraits.annotate({
      errorCode: "llm.model_not_found",
      httpStatus: 404,
      userMessage: ({ model }) => `There is no model called ${model}.`
    })
  ) {}

  const answer = HttpApiEndpoint.get("answer", "/answer", {
    query: { length: Schema.optional(Schema.FiniteFromString) },
    success: Schema.String,
    error: [ErrorResponse.schema(ModelNotFound), ErrorResponse.schema(ServiceError.Overloaded)]
  })
  const plain = HttpApiEndpoint.get("plain", "/plain", { success: Schema.String, error: ServiceError.Overloaded })
  class Unspeakable extends Schema.TaggedError<Unspeakable>()("Unspeakable", {}).pipe(
    ErrorTraits.annotate({
      errorCode: "llm.unspeakable",
      httpStatus: 409,
      userMessage: () => {
        throw new Error(SECRET)
      }
    })
  ) {}

  const question = HttpApiEndpoint.post("question", "/question", {
    payload: Schema.Struct({ text: Schema.String }),
    success: Schema.String,
    error: ErrorResponse.schema(Unspeakable)
  })
  const Api = HttpApi.make("api")
    .add(HttpApiGroup.make("answers").add(answer).add(plain).add(question))
    .middleware(ErrorResponse.RequestErrors)

  const serveApi = (effect: Effect.Effect<string, ModelNotFound | ServiceError.Overloaded>) => {
    const group = HttpApiBuilder.group(Api, "answers", (handlers) =>
      handlers
        .handle("answer", () => effect)
        .handle("question", () => Effect.fail(new Unspeakable()))
        .handle("plain", () => Effect.catchTag(effect, "ModelNotFound", Effect.die))
    )
    const api = HttpApiBuilder.layer(Api).pipe(Layer.provide(group), Layer.provide(ErrorResponse.layerRequestErrors))
    return serve(Layer.merge(api, ErrorResponse.layer))
  }

  const clientOf = (baseUrl: string) => HttpApiClient.make(Api, { baseUrl }).pipe(Effect.provide(FetchHttpClient.layer))

  it.live("answers a declared error in the same way, with its public fields as details", () =>
    Effect.gen(function* () {
      const url = yield* serveApi(Effect.fail(new ModelNotFound({ model: "gpt", cause: new Error(SECRET) })))
      const got = yield* get(`${url}/answer`)
      expect(got.status).toBe(404)
      expect(errorOf(got)).toEqual({
        code: "llm.model_not_found",
        message: "There is no model called gpt.",
        trace_id: expect.any(String),
        details: { _tag: "ModelNotFound", model: "gpt" }
      })
    })
  )

  it.live("gives the error back to its client as what it was", () =>
    Effect.gen(function* () {
      const url = yield* serveApi(
        Effect.fail(new ServiceError.Overloaded({ service, retryAfter, detail: SECRET, cause: SECRET }))
      )
      const got = yield* get(`${url}/answer`)
      expect([got.status, got.headers.get("retry-after")]).toEqual([529, "2"])
      expect(got.text).not.toContain(SECRET)
      const client = yield* clientOf(url)
      const error = yield* Effect.flip(client.answers.answer({ query: {} }))
      expect(error).toBeInstanceOf(ServiceError.Overloaded)
      expect(Classifier.classify(error, 0)).toEqual({ kind: "overloaded", retryAfter })
    })
  )

  it.live("answers an undeclared error by its traits, when it is a defect", () =>
    Effect.gen(function* () {
      const open = new CircuitBreaker.CircuitBreakerOpenError({ service, state: "Open", retryAfter })
      const got = yield* get(`${yield* serveApi(Effect.die(open))}/answer`)
      expect([got.status, errorOf(got)["code"], got.headers.get("retry-after")]).toEqual([
        503,
        "resilience.circuit_breaker_open",
        "2"
      ])
    })
  )

  it.live("says nothing about a defect", () =>
    Effect.gen(function* () {
      const got = yield* get(`${yield* serveApi(Effect.die(new Error(SECRET)))}/answer`)
      expect([got.status, errorOf(got)["code"]]).toEqual([500, "internal_error"])
      expect(got.text).not.toContain(SECRET)
    })
  )

  it.live("does not take an answer that it cannot encode for a mistake of the client", () =>
    Effect.gen(function* () {
      const got = yield* get(`${yield* serveApi(Effect.succeed(5 as never))}/answer`)
      expect([got.status, errorOf(got)["code"]]).toEqual([500, "internal_error"])
    })
  )

  it.live("names the field of a request that it cannot decode, and its client knows the error", () =>
    Effect.gen(function* () {
      const url = yield* serveApi(Effect.succeed("because"))
      const got = yield* get(`${url}/answer?length=${SECRET}`)
      expect(got.status).toBe(400)
      expect(errorOf(got)).toMatchObject({ code: "input.invalid", message: 'The value of "length" is not valid.' })
      expect(got.text).not.toContain(SECRET)
    })
  )

  const post = (body: string): RequestInit => ({
    method: "POST",
    headers: { "content-type": "application/json" },
    body
  })

  it.live("names no field where the whole body is something else", () =>
    Effect.gen(function* () {
      const url = yield* serveApi(Effect.succeed("because"))
      const got = yield* get(`${url}/question`, post(JSON.stringify("why?")))
      expect(got.status).toBe(400)
      expect(errorOf(got)).toMatchObject({ code: "input.invalid", details: { _tag: "InvalidInput" } })
      expect(errorOf(got)["message"]).not.toContain('""')
    })
  )

  it.live("answers an error whose own text cannot be made, without that text", () =>
    Effect.gen(function* () {
      const url = yield* serveApi(Effect.succeed("because"))
      const got = yield* get(`${url}/question`, post(JSON.stringify({ text: "why?" })))
      expect(got.status).toBe(409)
      expect(errorOf(got)).toMatchObject({ code: "llm.unspeakable", details: { _tag: "Unspeakable" } })
      expect(got.text).not.toContain(SECRET)
    })
  )

  it.live("encodes an error that is declared as it is with its own status, and without what is internal", () =>
    Effect.gen(function* () {
      const url = yield* serveApi(Effect.fail(new ServiceError.Overloaded({ service, retryAfter, detail: SECRET })))
      const got = yield* get(`${url}/plain`)
      expect(got.status).toBe(529)
      expect(JSON.parse(got.text)).toEqual({ _tag: "Overloaded", service, retryAfter: 1500 })
    })
  )

  it("is described by OpenAPI", () => {
    const responses = OpenApi.fromApi(Api).paths["/answer"]?.get?.responses ?? {}
    expect(Object.keys(responses)).toEqual(["200", "400", "404", "529"])
    expect(JSON.stringify(responses["529"])).toContain('"retry-after"')
    expect(JSON.stringify(OpenApi.fromApi(Api))).toContain('"enum":["llm.model_not_found"]')
  })
})
