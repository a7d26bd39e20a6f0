import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Layer, Stream } from "effect"
import { LanguageModel, Model } from "effect/ai"
import { HttpClient, HttpClientRequest } from "effect/http"
import { Redis } from "effect/persistence"
import { SqlClient } from "effect/sql"
import { TestClock } from "effect/testing"
import { ResilientLanguageModel } from "../../src/ai/index.ts"
import { ErrorResponse, ResilientHttpClient } from "../../src/http/index.ts"
import { CircuitBreaker, Policy, ProtectedStream, Resilience, Retry } from "../../src/index.ts"
import { ResilientRedis } from "../../src/redis/index.ts"
import { ResilientSql } from "../../src/sql/index.ts"
import * as Scripted from "../http/support/scripted.ts"
import * as FakeSql from "../sql/support/fakeClient.ts"

/** Nothing answers: a call ends only when a policy turns it away. */
const HttpLive = Layer.succeed(HttpClient.HttpClient, Scripted.make(Scripted.hang).client)
const ModelLive = Model.make(
  "inner",
  "model",
  Layer.effect(
    LanguageModel.LanguageModel,
    LanguageModel.make({ generateText: () => Effect.never, streamText: () => Stream.never })
  )
)
const RedisLive = Layer.succeed(
  Redis.Redis,
  Redis.Redis.of({
    send: () => Effect.never,
    eval: () => () => Effect.never,
    reserve: Effect.never,
    subscribe: () => Effect.die("not used")
  })
)
const SqlLive = Layer.effect(
  SqlClient.SqlClient,
  Effect.map(
    FakeSql.make(() => Effect.never),
    ({ client }) => client
  )
)

const Live = Layer.mergeAll(
  ResilientHttpClient.layer({ service: "inner" }).pipe(Layer.provide(HttpLive)),
  ResilientLanguageModel.layerModels([ModelLive]),
  ResilientRedis.layer("inner").pipe(Layer.provide(RedisLive)),
  ResilientSql.layer("inner").pipe(Layer.provide(SqlLive))
).pipe(
  Layer.provideMerge(
    Resilience.layer({
      services: { inner: { retry: false, bulkhead: { maxConcurrent: 1, maxQueue: 0 } }, outer: {} }
    })
  )
)

type Services = Layer.Success<typeof Live>
type Call = Effect.Effect<unknown, unknown, Services>

const request = HttpClientRequest.get("https://a.example.com/answer")
const protectedStream = Effect.flatMap(Resilience.pipeline("inner"), (pipeline) =>
  Stream.runDrain(ProtectedStream.protect(Stream.never, pipeline!))
)

const calls: ReadonlyArray<readonly [string, Call, Resilience.ProtectOptions?]> = [
  ["an effect", Effect.never.pipe(Resilience.protect("inner"))],
  ["a stream", protectedStream],
  ["a request", HttpClient.execute(request)],
  [
    "a request, where the outer service knows of it",
    HttpClient.execute(request),
    ResilientHttpClient.callOptions(request)
  ],
  ["a language model", LanguageModel.generateText({ prompt: "Hi" })],
  ["a language model that streams", Stream.runDrain(LanguageModel.streamText({ prompt: "Hi" }))],
  ["a command of Redis", Redis.Redis.use((redis) => redis.send("GET", "key"))],
  ["a statement", SqlClient.SqlClient.use((sql) => sql`SELECT 1`)],
  ["a transaction", SqlClient.SqlClient.use((sql) => sql.withTransaction(sql`SELECT 1`))]
]

const trip = Effect.flatMap(Policy.instanceOf(CircuitBreaker.Kind, "inner"), (breaker) => breaker!.trip)

describe("a rejection within the call of another service", () => {
  const within = (call: Call, options: Resilience.ProtectOptions = {}) =>
    Effect.gen(function* () {
      const fiber = yield* call.pipe(Resilience.protect("outer", options), Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("30 seconds")
      const error = yield* Fiber.join(fiber)
      const breaker = yield* Policy.instanceOf(CircuitBreaker.Kind, "outer")
      const retry = yield* Policy.instanceOf(Retry.Kind, "outer")
      const { failures, ignored } = yield* Policy.snapshot(breaker!)
      const { retries } = yield* Policy.snapshot(retry!)
      const { headers, status } = yield* ErrorResponse.fromError(error)
      return { failures, ignored, retries, status, retryAfter: headers["retry-after"] }
    })

  it.effect.each(calls)(
    "by the circuit is no failure, not repeated, and a 503 with Retry-After: %s",
    ([, call, options]) =>
      Effect.gen(function* () {
        yield* trip
        expect(yield* within(call, options)).toEqual({
          failures: 0,
          ignored: 1,
          retries: 0,
          status: 503,
          retryAfter: "60"
        })
      }).pipe(Effect.provide(Live))
  )

  it.effect.each(calls)("by the bulkhead is no failure, not repeated, and a 503: %s", ([, call, options]) =>
    Effect.gen(function* () {
      const first = yield* Effect.forkChild(call, { startImmediately: true })
      expect(yield* within(call, options)).toMatchObject({ failures: 0, ignored: 1, retries: 0, status: 503 })
      yield* Fiber.interrupt(first)
    }).pipe(Effect.provide(Live))
  )
})
