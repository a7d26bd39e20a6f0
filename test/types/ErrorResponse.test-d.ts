import { type Cause, Effect, Layer, Schema } from "effect"
import { HttpRouter, type HttpServerRequest, HttpServerResponse } from "effect/http"
import { HttpApi, HttpApiClient, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { describe, expectTypeOf, it } from "vitest"
import { ErrorResponse } from "../../src/http/index.ts"
import { ServiceError } from "../../src/index.ts"

describe("a response to an error", () => {
  it("never fails", () => {
    expectTypeOf(ErrorResponse.fromCause({} as Cause.Cause<string>)).toEqualTypeOf<
      Effect.Effect<HttpServerResponse.HttpServerResponse>
    >()
    expectTypeOf(ErrorResponse.fromError("x")).toEqualTypeOf<Effect.Effect<HttpServerResponse.HttpServerResponse>>()
  })

  it("leaves the failure in the effect", () => {
    const failing = Effect.fail("x").pipe(Effect.as(HttpServerResponse.empty()), ErrorResponse.middleware)
    expectTypeOf(failing).toEqualTypeOf<
      Effect.Effect<HttpServerResponse.HttpServerResponse, string, HttpServerRequest.HttpServerRequest>
    >()
  })

  it("is a layer beside routes or below them", () => {
    const route = HttpRouter.add("GET", "/", HttpServerResponse.empty())
    expectTypeOf(Layer.merge(route, ErrorResponse.layer)).toEqualTypeOf<
      Layer.Layer<never, never, HttpRouter.HttpRouter>
    >()
    expectTypeOf(route.pipe(Layer.provide(ErrorResponse.layerRoutes))).toEqualTypeOf<
      Layer.Layer<never, never, HttpRouter.HttpRouter>
    >()
  })
})

describe("the schema of an error", () => {
  it("has the type of the error, and so has the client of an API that declares it", () => {
    const schema = ErrorResponse.schema(ServiceError.NotFound)
    expectTypeOf<typeof schema.Type>().toEqualTypeOf<ServiceError.NotFound>()
    const endpoint = HttpApiEndpoint.get("get", "/", { success: Schema.String, error: schema })
    const api = HttpApi.make("api").add(HttpApiGroup.make("group").add(endpoint))
    const found = Effect.flatMap(HttpApiClient.make(api), (client) => client.group.get())
    expectTypeOf<ServiceError.NotFound>().toExtend<Effect.Error<typeof found>>()
  })

  it("is for errors with traits", () => {
    class Plain extends Schema.TaggedError<Plain>()("Plain", {}) {}
    // @ts-expect-error -- no traits
    ErrorResponse.schema(Plain)
  })
})
