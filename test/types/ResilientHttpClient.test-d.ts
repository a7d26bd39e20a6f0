import { type Effect, Layer } from "effect"
import {
  FetchHttpClient,
  type HttpClient,
  type HttpClientError,
  type HttpClientRequest,
  type HttpClientResponse,
  type HttpServerRequest,
  type HttpServerResponse
} from "effect/http"
import { describe, expectTypeOf, it } from "vitest"
import { RequestDeadline, ResilientHttpClient } from "../../src/http/index.ts"
import { type Deadline, type Policy, Resilience } from "../../src/index.ts"

interface Busy {
  readonly _tag: "Busy"
}
interface Tokens {
  readonly Tokens: unique symbol
}

declare const plain: HttpClient.HttpClient
declare const own: HttpClient.HttpClient.With<Busy | HttpClientError.HttpClientError, Tokens>
declare const request: HttpClientRequest.HttpClientRequest

type Registry = Policy.ResilienceRegistry
type Failed = HttpClientError.HttpClientError | Resilience.Rejections

describe("protect", () => {
  it("adds what can still fail, and needs the registry", () => {
    expectTypeOf(plain.pipe(ResilientHttpClient.protect())).toEqualTypeOf<
      HttpClient.HttpClient.With<Failed, Registry>
    >()
    expectTypeOf(ResilientHttpClient.protect(plain)).toEqualTypeOf<HttpClient.HttpClient.With<Failed, Registry>>()
    expectTypeOf(ResilientHttpClient.protect(own, { buffer: true })).toEqualTypeOf<
      HttpClient.HttpClient.With<Busy | Failed, Tokens | Registry>
    >()
  })

  it("keeps the helpers", () => {
    expectTypeOf(own.pipe(ResilientHttpClient.protect({ service: "billing" })).get("/")).toEqualTypeOf<
      Effect.Effect<HttpClientResponse.HttpClientResponse, Busy | Failed, Tokens | Registry>
    >()
  })

  it("knows no other options", () => {
    // @ts-expect-error -- there is no such option
    ResilientHttpClient.protect(plain, { retries: 3 })
    plain.pipe(
      ResilientHttpClient.protect({
        // @ts-expect-error -- no such option
        retries: 3
      })
    )
    // @ts-expect-error -- a service has a name
    ResilientHttpClient.protect(plain, { service: () => ({ key: "tenant" }) })
  })
})

describe("layer", () => {
  it("decorates the client of the context", () => {
    expectTypeOf(ResilientHttpClient.layer()).toEqualTypeOf<
      Layer.Layer<HttpClient.HttpClient, never, HttpClient.HttpClient | Registry>
    >()
    expectTypeOf(
      ResilientHttpClient.layer().pipe(Layer.provide([FetchHttpClient.layer, Resilience.layer()]))
    ).toEqualTypeOf<Layer.Layer<HttpClient.HttpClient>>()
  })
})

describe("callOptions", () => {
  it("fit every operation", () => {
    expectTypeOf(
      own.execute(request).pipe(Resilience.protect("http", ResilientHttpClient.callOptions(request)))
    ).toEqualTypeOf<Effect.Effect<HttpClientResponse.HttpClientResponse, Busy | Failed, Tokens | Registry>>()
  })
})

describe("RequestDeadline.middleware", () => {
  it("adds the error of the deadline", () => {
    const handler = null as unknown as Effect.Effect<HttpServerResponse.HttpServerResponse, Busy, Tokens>
    expectTypeOf(handler.pipe(RequestDeadline.middleware())).toEqualTypeOf<
      Effect.Effect<
        HttpServerResponse.HttpServerResponse,
        Busy | Deadline.TimeoutExceededError,
        Tokens | HttpServerRequest.HttpServerRequest
      >
    >()
  })
})
