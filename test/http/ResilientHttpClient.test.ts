import { describe, expect, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber, Inspectable, Layer, Option, Schedule, Stream, Tracer } from "effect"
import { HttpBody, HttpClient, HttpClientError, HttpClientRequest, HttpClientResponse } from "effect/http"
import { TestClock } from "effect/testing"
import { inspect } from "node:util"
import { ResilientHttpClient } from "../../src/http/index.ts"
import {
  CircuitBreaker,
  Classifier,
  Deadline,
  Outcome,
  Policy,
  Resilience,
  type ResilienceConfig
} from "../../src/index.ts"
import * as TraitDefaults from "../../src/policy/internal/traitDefaults.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import * as Scripted from "./support/scripted.ts"

const { breakWith, hang, respond } = Scripted
const URL_A = "https://a.example.com/answer"

type Service = NonNullable<ResilienceConfig.ConfigInput["services"]>[string]

const registry = (http: Service = {}) =>
  Resilience.layer({ services: { http: { retry: { jitter: "none" }, ...http } } })

/** Runs an effect to its end, however long that takes. */
const finish = <A, E, R>(self: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(self)
    yield* TestClock.adjust("1 hour")
    return yield* Fiber.join(fiber)
  })

const status = Effect.map((response: HttpClientResponse.HttpClientResponse) => response.status)

describe("responses", () => {
  it.effect.each([408, 425, 429, 500, 502, 503, 504, 529])("%d is a failure: tried again", (code) =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(code), respond(200))
      const client = ResilientHttpClient.protect(server.client)
      expect(yield* finish(status(client.get(URL_A)))).toBe(200)
      expect(server.requests.length).toBe(2)
    }).pipe(Effect.provide(registry()))
  )

  it.effect.each([200, 204, 304, 400, 401, 403, 404, 409, 422, 501])("%d is an answer", (code) =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(code, null))
      const client = ResilientHttpClient.protect(server.client)
      expect(yield* finish(status(client.get(URL_A)))).toBe(code)
      expect(server.requests.length).toBe(1)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("the last one comes back unchanged", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(503, "not now", { "x-reason": "maintenance" }))
      const client = ResilientHttpClient.protect(server.client)
      const response = yield* finish(client.get(URL_A))
      expect([response.status, response.headers["x-reason"], yield* response.text]).toEqual([
        503,
        "maintenance",
        "not now"
      ])
      expect(server.requests.length).toBe(3)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("filterStatusOk inside fails as it does without us", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(503, "not now"))
      const client = ResilientHttpClient.protect(HttpClient.filterStatusOk(server.client))
      const error = yield* Effect.flip(finish(client.get(URL_A)))
      expect(error).toMatchObject({ _tag: "HttpClientError", reason: { _tag: "StatusCodeError" } })
      expect(HttpClientError.isHttpClientError(error) && error.response?.status).toBe(503)
      expect(server.requests.length).toBe(3)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("isFailure decides, and its failures are tried again", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(520), respond(503))
      const client = ResilientHttpClient.protect(server.client, { isFailure: ({ status }) => status === 520 })
      expect(yield* finish(status(client.get(URL_A)))).toBe(503)
      expect(server.requests.length).toBe(2)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("with everything switched off, the client is as it was", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(503))
      const client = ResilientHttpClient.protect(server.client)
      expect(yield* finish(status(client.get(URL_A)))).toBe(503)
      expect(server.requests.length).toBe(1)
    }).pipe(Effect.provide(Resilience.layer({ enabled: false })))
  )

  it.effect("all helpers of the client go through the policies", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(200))
      const { del, get, head, options, patch, post, put, query } = bound(
        server.client.pipe(
          HttpClient.mapRequest(HttpClientRequest.prependUrl("https://a.example.com")),
          ResilientHttpClient.protect(),
          HttpClient.mapRequest(HttpClientRequest.setHeader("x-late", "yes"))
        )
      )
      for (const send of [del, get, head, options, patch, post, put, query]) yield* send("/answer")
      expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual(
        ["DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "QUERY"].map((method) => `${method} ${URL_A}`)
      )
      expect(new Set(server.headers("x-late"))).toEqual(new Set(["yes"]))
      expect(yield* successes("http")).toBe(8)
    }).pipe(Effect.provide(registry()))
  )
})

/** The helpers of a client as functions. */
const bound = <E, R>(client: HttpClient.HttpClient.With<E, R>) => {
  const helper = (name: "del" | "get" | "head" | "options" | "patch" | "post" | "put" | "query") => (url: string) =>
    client[name](url)
  return {
    del: helper("del"),
    get: helper("get"),
    head: helper("head"),
    options: helper("options"),
    patch: helper("patch"),
    post: helper("post"),
    put: helper("put"),
    query: helper("query")
  }
}

const successes = (service: string) =>
  Effect.map(Resilience.pipeline(service), (pipeline) => pipeline?.snapshot(0).successes)

describe("the bodies of discarded responses", () => {
  it.effect("are let go before the wait", () =>
    Effect.gen(function* () {
      const { state, stream } = Scripted.endlessBody()
      const server = Scripted.make(respond(503, stream), respond(200))
      const client = ResilientHttpClient.protect(server.client)
      const fiber = yield* client.get(URL_A).pipe(Effect.forkChild)
      yield* TestClock.adjust("100 millis")
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      expect([state.cancelled, server.requests.length]).toEqual([true, 1])
      expect(state.chunks).toBeLessThan(100)
      yield* TestClock.adjust("1 minute")
      expect((yield* Fiber.join(fiber)).status).toBe(200)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("are let go within a second when they hang", () =>
    Effect.gen(function* () {
      let isCancelled = false
      const stream = new ReadableStream<Uint8Array>({ cancel: () => void (isCancelled = true) })
      const server = Scripted.make(respond(503, stream), respond(200))
      const client = ResilientHttpClient.protect(server.client)
      const fiber = yield* client.get(URL_A).pipe(Effect.forkChild)
      yield* TestClock.adjust("999 millis")
      expect(isCancelled).toBe(false)
      yield* TestClock.adjust("1 millis")
      expect(isCancelled).toBe(true)
      yield* Fiber.interrupt(fiber)
    }).pipe(Effect.provide(registry({ retry: { jitter: "none", baseDelay: "5 seconds" } })))
  )

  it.effect("also when an error of filterStatusOk carries them", () =>
    Effect.gen(function* () {
      const { state, stream } = Scripted.endlessBody()
      const server = Scripted.make(respond(503, stream), respond(200))
      const client = ResilientHttpClient.protect(HttpClient.filterStatusOk(server.client))
      expect(yield* finish(status(client.get(URL_A)))).toBe(200)
      yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
      expect(state.cancelled).toBe(true)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("the last one is for the caller", () =>
    Effect.gen(function* () {
      const { state, stream } = Scripted.endlessBody()
      const server = Scripted.make(respond(503, "short"), respond(503, stream))
      const client = ResilientHttpClient.protect(server.client)
      yield* finish(client.get(URL_A))
      expect(state.cancelled).toBe(false)
    }).pipe(Effect.provide(registry({ retry: { jitter: "none", maxAttempts: 2 } })))
  )
})

describe("idempotency", () => {
  const count = (
    method: "GET" | "HEAD" | "OPTIONS" | "TRACE" | "PUT" | "DELETE" | "QUERY" | "POST" | "PATCH",
    step: Scripted.Step,
    change: (request: HttpClientRequest.HttpClientRequest) => HttpClientRequest.HttpClientRequest = (same) => same,
    options?: ResilientHttpClient.Options
  ) =>
    Effect.gen(function* () {
      const server = Scripted.make(step)
      const client = ResilientHttpClient.protect(server.client, options)
      yield* finish(Effect.exit(client.execute(change(HttpClientRequest.make(method)(URL_A)))))
      return server.requests.length
    }).pipe(Effect.provide(registry()))

  it.effect.each(["GET", "HEAD", "OPTIONS", "TRACE", "PUT", "DELETE", "QUERY"] as const)("%s is repeated", (method) =>
    Effect.gen(function* () {
      expect(yield* count(method, respond(503, null))).toBe(3)
      expect(yield* count(method, breakWith("ECONNRESET"))).toBe(3)
    })
  )

  it.effect.each(["POST", "PATCH"] as const)("%s is repeated with proof only", (method) =>
    Effect.gen(function* () {
      expect(yield* count(method, respond(503))).toBe(1)
      expect(yield* count(method, breakWith("ECONNRESET"))).toBe(1)
      expect(yield* count(method, breakWith("UND_ERR_SOCKET"))).toBe(1)
      expect(yield* count(method, breakWith("ETIMEDOUT", "read"))).toBe(1)
      expect(yield* count(method, hang)).toBe(1)
      expect(yield* count(method, breakWith("ECONNREFUSED"))).toBe(3)
      expect(yield* count(method, breakWith("EAI_AGAIN", "getaddrinfo"))).toBe(3)
      expect(yield* count(method, breakWith("UND_ERR_CONNECT_TIMEOUT"))).toBe(3)
      expect(yield* count(method, breakWith("ETIMEDOUT", "connect"))).toBe(3)
      expect(yield* count(method, respond(429))).toBeGreaterThan(1)
      expect(yield* count(method, respond(503), HttpClientRequest.setHeader("Idempotency-Key", "7"))).toBe(3)
      expect(yield* count(method, respond(503), (same) => same, { isRepeatable: () => true })).toBe(3)
    })
  )

  it.effect("isRepeatable may also forbid", () =>
    Effect.gen(function* () {
      const options = { isRepeatable: () => false }
      expect(yield* count("GET", respond(503), (same) => same, options)).toBe(1)
      expect(yield* count("GET", breakWith("ECONNREFUSED"), (same) => same, options)).toBe(3)
    })
  )

  it.effect("a name that does not exist is not looked up again", () =>
    Effect.gen(function* () {
      expect(yield* count("GET", breakWith("ENOTFOUND", "getaddrinfo"))).toBe(1)
    })
  )

  it.effect("a body that can be read only once is never sent again", () =>
    Effect.gen(function* () {
      const bytes = new TextEncoder().encode("a question")
      const stream = HttpClientRequest.bodyStream(Stream.make(bytes))
      const raw = (body: unknown) => HttpClientRequest.setBody(HttpBody.raw(body))
      expect(yield* count("PUT", breakWith("ECONNREFUSED"), stream)).toBe(1)
      expect(yield* count("PUT", respond(429), raw(new ReadableStream()))).toBe(1)
      expect(yield* count("PUT", respond(503), raw(new Blob(["a question"])))).toBe(3)
      expect(yield* count("PUT", respond(503), raw("a question"))).toBe(3)
      expect(yield* count("PUT", respond(503), HttpClientRequest.bodyJsonUnsafe({ question: 1 }))).toBe(3)
      expect(yield* count("PUT", respond(503), HttpClientRequest.bodyFormDataRecord({ question: "1" }))).toBe(3)
    })
  )

  it.effect("a circuit that is open proves that nothing was sent", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(503), respond(200))
      const client = ResilientHttpClient.protect(server.client)
      expect(yield* status(client.post(URL_A))).toBe(503)
      expect(yield* finish(status(client.post(URL_A)))).toBe(200)
      expect(server.requests.length).toBe(2)
    }).pipe(
      Effect.provide(
        registry({ deadline: "1 hour", circuitBreaker: { consecutiveFailures: 1, openDuration: "9 seconds" } })
      )
    )
  )
})

describe("Retry-After", () => {
  it.effect("in seconds, and as a date", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2030, 0, 1, 12, 0, 0))
      const times: Array<number> = []
      const at =
        (step: Scripted.Step): Scripted.Step =>
        (request) =>
          Effect.flatMap(
            Effect.clockWith((clock) => Effect.sync(() => times.push(clock.currentTimeMillisUnsafe()))),
            () => step(request)
          )
      const server = Scripted.make(
        at(respond(503, "", { "retry-after": "7" })),
        at(respond(503, "", { "retry-after": "Tue, 01 Jan 2030 12:00:30 GMT" })),
        at(respond(200))
      )
      const client = ResilientHttpClient.protect(server.client)
      yield* finish(client.post(URL_A, { headers: { "idempotency-key": "7" } }))
      expect(times.map((time) => Math.round((time - Date.UTC(2030, 0, 1, 12)) / 1000))).toEqual([0, 7, 30])
    }).pipe(Effect.provide(registry()))
  )

  it.effect("lengthens the time that the circuit is open", () =>
    Effect.gen(function* () {
      yield* TestClock.setTime(Date.UTC(2030, 0, 1, 12, 0, 0))
      const server = Scripted.make(respond(503, "", { "retry-after": "Tue, 01 Jan 2030 12:01:30 GMT" }))
      const client = ResilientHttpClient.protect(server.client, { service: "http" })
      yield* client.get(URL_A)
      const error = yield* Effect.flip(client.get(URL_A))
      expect(error).toMatchObject({ _tag: "CircuitBreakerOpenError" })
      yield* TestClock.adjust("89 seconds")
      expect(yield* Effect.flip(client.get(URL_A))).toMatchObject({ _tag: "CircuitBreakerOpenError" })
      yield* TestClock.adjust("1 seconds")
      expect((yield* client.get(URL_A)).status).toBe(503)
    }).pipe(
      Effect.provide(
        registry({ retry: { maxAttempts: 1 }, circuitBreaker: { consecutiveFailures: 1, openDuration: "1 second" } })
      )
    )
  )
})

describe("the circuit breaker", () => {
  const counts = (step: Scripted.Step, filter = false) =>
    Effect.gen(function* () {
      const { client } = Scripted.make(step)
      const inner = filter ? HttpClient.filterStatusOk(client) : client
      yield* finish(Effect.exit(ResilientHttpClient.protect(inner, { service: "http" }).get(URL_A)))
      const breaker = yield* Policy.instanceOf(CircuitBreaker.Kind, "http")
      const { failures, ignored, successes } = breaker!.snapshot(0)
      return { failures, ignored, successes }
    }).pipe(Effect.provide(registry({ retry: { maxAttempts: 1 } })))

  it.effect("counts what the server did wrong", () =>
    Effect.gen(function* () {
      const failed = { failures: 1, ignored: 0, successes: 0 }
      const answered = { failures: 0, ignored: 0, successes: 1 }
      const ignored = { failures: 0, ignored: 1, successes: 0 }
      const invalid: Scripted.Step = (request) =>
        Effect.fail(new HttpClientError.HttpClientError({ reason: new HttpClientError.InvalidUrlError({ request }) }))
      expect(yield* counts(respond(503))).toEqual(failed)
      expect(yield* counts(respond(429))).toEqual(failed)
      expect(yield* counts(breakWith("ECONNRESET"))).toEqual(failed)
      expect(yield* counts(hang)).toEqual(failed)
      expect(yield* counts(respond(503), true)).toEqual(failed)
      expect(yield* counts(respond(404))).toEqual(answered)
      expect(yield* counts(respond(404), true)).toEqual(answered)
      expect(yield* counts(() => Effect.die("a bug"))).toEqual(failed)
      expect(yield* counts(invalid)).toEqual(ignored)
    })
  )

  it("judges a response as it does an error with traits and the same status, if that is one of the client", () => {
    const statuses = Array.from({ length: 100 }, (_, number) => 400 + number)
    for (const httpStatus of statuses) {
      const category = TraitDefaults.categoryOf(httpStatus)
      const error = { errorCode: "test", httpStatus, category, retryPolicy: "never", userMessage: "Sorry." }
      const response = HttpClientResponse.fromWeb(
        HttpClientRequest.get(URL_A),
        new Response(null, { status: httpStatus })
      )
      const isFailure = Outcome.classify(Exit.fail(error))._tag === "Failure"
      expect(isFailure, String(httpStatus)).toBe(ResilientHttpClient.isFailure(response))
    }
  })

  it.effect("by default there is one for each host", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(503), respond(200))
      const client = ResilientHttpClient.protect(server.client)
      yield* client.get(URL_A)
      expect(yield* Effect.flip(client.get(URL_A))).toMatchObject({ _tag: "CircuitBreakerOpenError", service: "http" })
      expect(yield* status(client.get("https://b.example.com/"))).toBe(200)
      expect(yield* Effect.flip(client.get("https://a.example.com/other"))).toMatchObject({ service: "http" })
      expect(yield* status(client.get("https://a.example.com:8443/"))).toBe(200)
    }).pipe(Effect.provide(registry({ retry: { maxAttempts: 1 }, circuitBreaker: { consecutiveFailures: 1 } })))
  )

  it.effect("a thousand hosts are one service", () =>
    Effect.gen(function* () {
      const client = ResilientHttpClient.protect(Scripted.make(respond(200)).client)
      yield* Effect.forEach(Array.from({ length: 1000 }), (_, n) => client.get(`https://host-${n}.example.com/`))
      const snapshots = yield* Resilience.snapshots
      expect(new Set(snapshots.map(({ service }) => service))).toEqual(new Set(["http"]))
      expect(snapshots.length).toBeLessThan(10)
    }).pipe(Effect.provide(registry()))
  )
})

describe("the service", () => {
  it.effect("a name", () =>
    Effect.gen(function* () {
      const client = ResilientHttpClient.protect(Scripted.make(respond(200)).client, { service: "billing" })
      yield* client.get(URL_A)
      expect([yield* successes("billing"), yield* successes("http")]).toEqual([1, 0])
    }).pipe(Effect.provide(registry()))
  )

  it.effect("a function of the request: a name, or a name and a key", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(503))
      const client = ResilientHttpClient.protect(server.client, {
        service: ({ headers, url }) =>
          url.endsWith("/search") ? "search" : { service: "http", key: headers["x-tenant"] }
      })
      yield* client.get("https://a.example.com/search")
      yield* client.get(URL_A, { headers: { "x-tenant": "one" } })
      const one = yield* Effect.exit(client.get(URL_A, { headers: { "x-tenant": "one" } }))
      const two = yield* Effect.exit(client.get(URL_A, { headers: { "x-tenant": "two" } }))
      expect([Exit.isFailure(one), Exit.isSuccess(two)]).toEqual([true, true])
    }).pipe(
      Effect.provide(
        Resilience.layer({
          services: {
            http: { retry: { maxAttempts: 1 }, circuitBreaker: { consecutiveFailures: 1 } },
            search: { retry: { maxAttempts: 1 } }
          }
        })
      )
    )
  )
})

describe("what the server is told", () => {
  const told = (http: Service, options?: ResilientHttpClient.Options) =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(503))
      yield* finish(ResilientHttpClient.protect(server.client, options).get(URL_A))
      return server
    }).pipe(Effect.provide(registry(http)))

  it.effect("the time of the attempt, and of all attempts when less is left", () =>
    Effect.gen(function* () {
      const server = yield* told({ timeout: "4 seconds", deadline: "6 seconds" })
      expect(server.headers("x-request-timeout-ms")).toEqual(["4000", "4000", "3000"])
    })
  )

  it.effect("the deadline of the caller", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(200))
      const client = ResilientHttpClient.protect(server.client)
      yield* client.get(URL_A).pipe(Deadline.withDeadline("1500 millis"))
      expect(server.headers("x-request-timeout-ms")).toEqual(["1500"])
    }).pipe(Effect.provide(registry()))
  )

  it.effect("nothing about a time without limit", () =>
    Effect.gen(function* () {
      const server = yield* told({ timeout: "Infinity", deadline: "Infinity" })
      expect(server.headers("x-request-timeout-ms")).toEqual([undefined, undefined, undefined])
    })
  )

  it.effect("the number of the attempt, from the second on", () =>
    Effect.gen(function* () {
      const server = yield* told({})
      expect(server.headers("x-retry-attempt")).toEqual([undefined, "2", "3"])
    })
  )

  it.effect("in headers of other names, or not at all", () =>
    Effect.gen(function* () {
      const other = yield* told({}, { timeoutHeader: "X-Envoy-Expected-Rq-Timeout-Ms", attemptHeader: "X-Attempt" })
      expect(other.headers("x-envoy-expected-rq-timeout-ms")).toEqual(["15000", "15000", "15000"])
      expect(other.headers("x-attempt")).toEqual([undefined, "2", "3"])
      const silent = yield* told({}, { timeoutHeader: false, attemptHeader: false })
      const names = silent.requests.flatMap(({ headers }) => Object.keys(headers))
      expect(names.filter((name) => name.startsWith("x-"))).toEqual([])
    })
  )
})

describe("buffer", () => {
  /** Sends its headers and a part of its body, then nothing or an error. */
  const broken = (
    then: (controller: ReadableStreamDefaultController<Uint8Array>) => void | Promise<void>
  ): Scripted.Step =>
    respond(200, () => {
      const start = (controller: ReadableStreamDefaultController<Uint8Array>) => controller.enqueue(new Uint8Array(3))
      return new ReadableStream({ start, pull: then })
    })
  const reset = Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" })
  const cut = broken((controller) => controller.error(new TypeError("terminated", { cause: reset })))

  it.effect("brings a body that hangs under the time limit", () =>
    Effect.gen(function* () {
      const server = Scripted.make(
        broken(() => new Promise(() => {})),
        respond(200, "an answer")
      )
      const client = ResilientHttpClient.protect(server.client, { buffer: true })
      const response = yield* finish(client.get(URL_A))
      expect([yield* response.text, server.requests.length]).toEqual(["an answer", 2])
    }).pipe(Effect.provide(registry({ timeout: "1 second" })))
  )

  it.effect("brings a body that breaks off under the retry", () =>
    Effect.gen(function* () {
      const server = Scripted.make(cut, respond(200, "an answer"))
      const client = ResilientHttpClient.protect(server.client, { buffer: true })
      const response = yield* finish(client.get(URL_A))
      expect([yield* response.text, server.requests.length]).toEqual(["an answer", 2])
      const broken = ResilientHttpClient.protect(Scripted.make(cut).client, { buffer: true })
      expect(yield* Effect.flip(finish(broken.get(URL_A)))).toMatchObject({ reason: { _tag: "TransportError" } })
    }).pipe(Effect.provide(registry()))
  )

  it.effect("without it, they are for the caller", () =>
    Effect.gen(function* () {
      const server = Scripted.make(cut)
      const client = ResilientHttpClient.protect(server.client)
      const response = yield* client.get(URL_A)
      expect(yield* Effect.flip(response.text)).toMatchObject({ reason: { _tag: "DecodeError" } })
      expect(server.requests.length).toBe(1)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("the response can be read in every way", () =>
    Effect.gen(function* () {
      const headers = { "content-type": "application/x-www-form-urlencoded", "set-cookie": "session=7" }
      const server = Scripted.make(respond(201, "a=1", headers))
      const client = ResilientHttpClient.protect(server.client, { buffer: true })
      const response = yield* client.get(URL_A)
      expect(response.status).toBe(201)
      expect(response.url).toBe(URL_A)
      expect(response.request.url).toBe(URL_A)
      expect(response.headers["content-type"]).toBe("application/x-www-form-urlencoded")
      expect(response.cookies.cookies).toHaveProperty("session")
      expect(yield* response.text).toBe("a=1")
      expect(yield* response.urlParamsBody).toMatchObject({ params: [["a", "1"]] })
      const again = yield* client.get(URL_A)
      const chunks = yield* Stream.runCollect(again.stream)
      expect(new TextDecoder().decode(chunks[0])).toBe("a=1")
      const form = yield* Effect.flatMap(client.get(URL_A), (response) => response.formData)
      expect(form.get("a")).toBe("1")
      expect(HttpClientResponse.filterStatusOk(response)).toBeDefined()
    }).pipe(Effect.provide(registry()))
  )

  it.effect.each([204, 205, 304])("a response without a body, %d", (code) =>
    Effect.gen(function* () {
      const client = ResilientHttpClient.protect(Scripted.make(respond(code, null)).client, { buffer: true })
      const response = yield* client.get(URL_A)
      expect([response.status, yield* response.text]).toEqual([code, ""])
    }).pipe(Effect.provide(registry()))
  )

  it.effect("a response with a status that only servers know, 999", () =>
    Effect.gen(function* () {
      const unusual: Scripted.Step = (request) => {
        const response = Object.defineProperty(new Response("denied"), "status", { value: 999 })
        return Effect.succeed(HttpClientResponse.fromWeb(request, response))
      }
      const client = ResilientHttpClient.protect(Scripted.make(unusual).client, { buffer: true })
      const response = yield* client.get(URL_A)
      expect([response.status, yield* response.text]).toEqual([999, "denied"])
      const web = Option.getOrThrow(HttpClientResponse.toWeb(response))
      expect([web.status, web.ok]).toEqual([999, false])
    }).pipe(Effect.provide(registry()))
  )

  it.effect("a response that is the beginning of another protocol is left alone", () =>
    Effect.gen(function* () {
      const upgraded: Scripted.Step = (request) => {
        const response = Object.defineProperty(new Response(endless.stream), "status", { value: 101 })
        return Effect.succeed(HttpClientResponse.fromWeb(request, response))
      }
      const endless = Scripted.endlessBody()
      const client = ResilientHttpClient.protect(Scripted.make(upgraded).client, { buffer: true })
      expect((yield* client.get(URL_A)).status).toBe(101)
      expect(endless.state.cancelled).toBe(false)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("only where a predicate says so", () =>
    Effect.gen(function* () {
      const server = Scripted.make(cut)
      const isJson = ({ headers }: HttpClientResponse.HttpClientResponse) => headers["content-type"] === "text/json"
      const client = ResilientHttpClient.protect(server.client, { buffer: isJson })
      expect((yield* client.get(URL_A)).status).toBe(200)
    }).pipe(Effect.provide(registry()))
  )
})

describe("callOptions", () => {
  const read = (step: ReadonlyArray<Scripted.Step>, request: HttpClientRequest.HttpClientRequest) => {
    const server = Scripted.make(...step)
    const operation = server.client.execute(request).pipe(
      Effect.flatMap(HttpClientResponse.filterStatusOk),
      Effect.flatMap((response) => response.text),
      Resilience.protect("http", ResilientHttpClient.callOptions(request))
    )
    return Effect.map(finish(Effect.exit(operation)), (exit) => ({ exit, requests: server.requests.length }))
  }
  const reset = Object.assign(new Error("other side closed"), { code: "UND_ERR_SOCKET" })
  const cut = respond(200, () => new ReadableStream({ pull: (controller) => controller.error(reset) }))

  it.effect("repeat what may be repeated, the reading of the body included", () =>
    Effect.gen(function* () {
      const get = HttpClientRequest.get(URL_A)
      const post = HttpClientRequest.post(URL_A)
      expect(yield* read([cut, respond(200, "ok")], get)).toEqual({ exit: Exit.succeed("ok"), requests: 2 })
      expect((yield* read([cut], post)).requests).toBe(1)
      expect((yield* read([respond(503)], get)).requests).toBe(3)
      expect((yield* read([respond(503)], post)).requests).toBe(1)
      expect((yield* read([respond(404)], get)).requests).toBe(1)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("do not blame the server for a 404", () =>
    Effect.gen(function* () {
      for (let n = 0; n < 10; n++) yield* read([respond(404)], HttpClientRequest.get(URL_A))
      const breaker = yield* Policy.instanceOf(CircuitBreaker.Kind, "http")
      expect(breaker!.snapshot(0)).toMatchObject({ failures: 0, successes: 10 })
    }).pipe(Effect.provide(registry()))
  )
})

describe("layer", () => {
  const clientLayer = (server: { readonly client: HttpClient.HttpClient }, http?: Service) =>
    ResilientHttpClient.layer({ service: "http" }).pipe(
      Layer.provide(Layer.succeed(HttpClient.HttpClient, server.client)),
      Layer.provide(registry(http))
    )

  it.effect("guards the client of the context, for code that knows nothing about us", () => {
    const server = Scripted.make(respond(503), respond(200, "an answer"))
    const stranger = Effect.flatMap(HttpClient.get(URL_A), (response) => response.text)
    return finish(stranger).pipe(
      Effect.map((text) => expect(text).toBe("an answer")),
      Effect.provide(clientLayer(server))
    )
  })

  it.effect("an error of the client stays what it is", () => {
    const server = Scripted.make(breakWith("ECONNREFUSED"))
    return Effect.gen(function* () {
      const error = yield* Effect.flip(finish(HttpClient.get(URL_A)))
      expect(error).toMatchObject({ reason: { _tag: "TransportError" }, cause: { message: "fetch failed" } })
    }).pipe(Effect.provide(clientLayer(server)))
  })

  it.effect("a rejection is an error of the client", () => {
    const server = Scripted.make(respond(503))
    return Effect.gen(function* () {
      yield* HttpClient.get(URL_A)
      const error = yield* Effect.flip(HttpClient.get(URL_A))
      expect(error).toMatchObject({ _tag: "HttpClientError", reason: { _tag: "TransportError" } })
      expect(error.cause).toMatchObject({ _tag: "CircuitBreakerOpenError", service: "http" })
      expect(error.message).toContain("circuit")
      expect(error).toMatchObject({ errorCode: "resilience.circuit_breaker_open", httpStatus: 503 })
      expect(Classifier.classify(error, 0)).toMatchObject({ needsHint: true, retryAfter: Duration.minutes(1) })
    }).pipe(
      Effect.provide(clientLayer(server, { retry: { maxAttempts: 1 }, circuitBreaker: { consecutiveFailures: 1 } }))
    )
  })
})

describe("Effect's retryTransient", () => {
  /** Answers 503 three times, then breaks the connection, and so on. */
  const mixed = () =>
    Scripted.make(...Array.from({ length: 64 }, (_, n) => (n % 4 === 3 ? breakWith("ECONNRESET") : respond(503))))

  it.effect("makes 16 requests of 4 attempts when failures are mixed; we make 4", () =>
    Effect.gen(function* () {
      const theirs = mixed()
      yield* finish(Effect.exit(HttpClient.retryTransient(theirs.client, { times: 3 }).get(URL_A)))
      expect(theirs.requests.length).toBe(16)

      const ours = mixed()
      yield* finish(Effect.exit(ResilientHttpClient.protect(ours.client).get(URL_A)))
      expect(ours.requests.length).toBe(4)
    }).pipe(Effect.provide(registry({ retry: { jitter: "none", maxAttempts: 4 } })))
  )

  it.effect("repeats POST; we do not", () =>
    Effect.gen(function* () {
      const theirs = Scripted.make(respond(503))
      yield* finish(HttpClient.retryTransient(theirs.client, { times: 3 }).post(URL_A))
      expect(theirs.requests.length).toBe(4)
      const ours = Scripted.make(respond(503))
      yield* finish(ResilientHttpClient.protect(ours.client).post(URL_A))
      expect(ours.requests.length).toBe(1)
    }).pipe(Effect.provide(registry()))
  )

  it.effect.each(["errors-only", "response-only"] as const)("counts right when it looks at one kind: %s", (retryOn) =>
    Effect.gen(function* () {
      const server = Scripted.make(retryOn === "errors-only" ? breakWith("ECONNRESET") : respond(503))
      const client = HttpClient.retryTransient(server.client, { times: 3, retryOn })
      yield* finish(Effect.exit(client.get(URL_A)))
      expect(server.requests.length).toBe(4)
    })
  )
})

describe("a retry around", () => {
  const outside = (outer: Service) =>
    Effect.gen(function* () {
      const server = Scripted.make(breakWith("ECONNRESET"))
      const client = ResilientHttpClient.protect(server.client)
      const recorded = RecordedEvents.make()
      yield* client.get(URL_A).pipe(Resilience.protect("report"), Effect.exit, finish, recorded.record)
      const retries = recorded.events().filter(({ _tag }) => _tag === "RetryScheduled")
      return { requests: server.requests.length, services: retries.map(({ service }) => service) }
    }).pipe(
      Effect.provide(
        Resilience.layer({
          services: {
            http: { retry: { jitter: "none" }, circuitBreaker: { consecutiveFailures: 100 } },
            report: { deadline: "1 hour", ...outer }
          }
        })
      )
    )

  it.effect("multiplies, and every retry is told", () =>
    Effect.gen(function* () {
      const { requests, services } = yield* outside({ retry: { jitter: "none" }, timeout: "10 minutes" })
      expect(requests).toBe(9)
      expect(services).toEqual(["http", "http", "report", "http", "http", "report", "http", "http"])
    })
  )

  it.effect("does not when one of them makes one attempt", () =>
    Effect.gen(function* () {
      const { requests } = yield* outside({ retry: { maxAttempts: 1 }, timeout: "10 minutes" })
      expect(requests).toBe(3)
    })
  )

  it.effect("of responses does not multiply: the last one is a success", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(503))
      const client = ResilientHttpClient.protect(server.client)
      yield* client.get(URL_A).pipe(Resilience.protect("report"), finish)
      expect(server.requests.length).toBe(3)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("by a schedule does not number our attempts", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(200))
      const client = ResilientHttpClient.protect(server.client)
      yield* client.get(URL_A).pipe(Effect.repeat(Schedule.recurs(2)))
      expect(server.headers("x-retry-attempt")).toEqual([undefined, undefined, undefined])
    }).pipe(Effect.provide(registry()))
  )
})

describe("telemetry", () => {
  const SECRET = "s3cr3t"

  it.effect("errors and events show no secret", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(503, SECRET), breakWith("ECONNRESET"))
      const client = ResilientHttpClient.protect(server.client, { service: "http" })
      const recorded = RecordedEvents.make()
      const request = HttpClientRequest.get(`https://user:${SECRET}@a.example.com/answer`).pipe(
        HttpClientRequest.bearerToken(SECRET),
        HttpClientRequest.setHeader("cookie", SECRET)
      )
      const exit = yield* client.execute(request).pipe(Effect.exit, finish, recorded.record)
      const events = recorded.events()
      expect(events.map(({ _tag }) => _tag)).toContain("RetryScheduled")
      const shown = [
        ...events.map(({ attributes }) => JSON.stringify(attributes)),
        ...events.flatMap(({ error }) => [String(error), JSON.stringify(error), Inspectable.toStringUnknown(error)]),
        inspect(events.map(({ attributes }) => attributes)),
        Exit.isFailure(exit) ? Cause.pretty(exit.cause) : ""
      ]
      expect(shown.join("\n")).toContain("503")
      expect(shown.join("\n")).not.toContain(SECRET)
    }).pipe(Effect.provide(registry()))
  )

  it.effect("events name the service and the status, never the host", () =>
    Effect.gen(function* () {
      const server = Scripted.make(respond(503))
      const recorded = RecordedEvents.make()
      yield* ResilientHttpClient.protect(server.client).get(URL_A).pipe(finish, recorded.record)
      const failed = recorded.events().find(({ _tag }) => _tag === "CallFailed")
      expect(failed).toMatchObject({
        service: "http",
        attributes: { status_code: "503", error_code: "HttpClientError" }
      })
      expect(JSON.stringify(recorded.events().map(({ attributes }) => attributes))).not.toContain("example.com")
    }).pipe(Effect.provide(registry()))
  )

  it.effect("the caller's span knows how often the request was sent again", () =>
    Effect.gen(function* () {
      const spans: Array<Tracer.NativeSpan> = []
      const tracer = Tracer.make({
        span: (options) => {
          const span = new Tracer.NativeSpan(options)
          spans.push(span)
          return span
        }
      })
      const server = Scripted.make(respond(503), respond(503), respond(200))
      const client = ResilientHttpClient.protect(server.client)
      yield* finish(client.get(URL_A)).pipe(Effect.withSpan("caller"), Effect.provideService(Tracer.Tracer, tracer))
      const caller = spans.find(({ name }) => name === "caller")
      expect(caller?.attributes.get("http.request.resend_count")).toBe(2)
    }).pipe(Effect.provide(registry()))
  )
})
