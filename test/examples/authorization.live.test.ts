import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Fiber, Layer, Logger, Metric, Redacted } from "effect"
import { HttpClient } from "effect/http"
import { Bulkhead, CircuitBreaker, Policy, Resilience, type ResilienceConfig } from "../../src/index.ts"
import { Logs } from "../../src/telemetry/index.ts"
import { Keycloak } from "../../examples/authorization/keycloak.ts"
import { OpenFga } from "../../examples/authorization/openfga.ts"
import * as Servers from "../../examples/authorization/servers.ts"
import { seriesOf } from "../resilience/support/scrape.ts"

const question = { user: "user:anne", relation: "reader", object: "document:budget" }

interface World {
  readonly services?: ResilienceConfig.ConfigInput["services"]
  readonly secret?: string
  readonly http?: Layer.Layer<HttpClient.HttpClient>
}

/** Runs with both servers; the log is what was warned of. */
const inWorld = <A, E>(
  use: (
    servers: Servers.Servers,
    log: ReadonlyArray<string>
  ) => Effect.Effect<A, E, OpenFga | Keycloak | Policy.ResilienceRegistry>,
  { http = NodeHttpClient.layerUndici, secret = "secret", services = {} }: World = {}
) =>
  Effect.gen(function* () {
    const servers = yield* Servers.start
    const log: Array<string> = []
    const keycloak = Keycloak.layer({
      url: servers.url,
      realm: Servers.realm,
      clientId: "app",
      clientSecret: Redacted.make(secret)
    })
    const layer = OpenFga.layer({ url: servers.url, store: Servers.store }).pipe(
      Layer.provideMerge(keycloak),
      Layer.provide(http),
      Layer.provideMerge(Logs.layer()),
      Layer.provideMerge(
        Resilience.layer({
          services: {
            openfga: { retry: { maxAttempts: 2, baseDelay: "1 millis" }, timeout: "10 seconds" },
            ...services
          }
        })
      ),
      Layer.provideMerge(Logger.layer([Logger.make(({ message }) => void log.push(String(message)))]))
    )
    return yield* use(servers, log).pipe(Effect.provide(layer))
  }).pipe(Effect.scoped, Effect.provideService(Metric.MetricRegistry, new Map()))

const check = (critical: boolean) => OpenFga.use((openFga) => openFga.check(question, { critical }))

/** What makes OpenFGA unreachable, each in its own way. */
const outages: ReadonlyArray<{
  readonly name: string
  readonly services?: ResilienceConfig.ConfigInput["services"]
  readonly begin: (servers: Servers.Servers) => Effect.Effect<unknown, unknown, Policy.ResilienceRegistry>
  readonly error: string
}> = [
  {
    name: "its attempts ran out",
    begin: (servers) => Effect.sync(() => (servers.mood = "failing")),
    error: "HttpClientError"
  },
  {
    name: "it does not answer in time",
    services: { openfga: { retry: { maxAttempts: 2, baseDelay: "1 millis" }, timeout: "200 millis" } },
    begin: (servers) => Effect.sync(() => (servers.mood = "hanging")),
    error: "TimeoutExceededError"
  },
  {
    name: "it is asked too often",
    services: { openfga: { retry: { maxAttempts: 1 } } },
    begin: (servers) => Effect.sync(() => (servers.mood = "overloaded")),
    error: "HttpClientError"
  },
  {
    name: "its circuit is open",
    begin: () => Effect.flatMap(Policy.instanceOf(CircuitBreaker.Kind, "openfga"), (breaker) => breaker!.isolate),
    error: "CircuitBreakerOpenError"
  },
  {
    name: "its queue is full",
    services: { openfga: { bulkhead: { maxConcurrent: 1, maxQueue: 0 } } },
    begin: () => Effect.forkDetach(Effect.never.pipe(Bulkhead.withBulkhead("openfga")), { startImmediately: true }),
    error: "BulkheadRejectedError"
  }
]

describe("a check (live)", () => {
  it.live("is what OpenFGA says", () =>
    inWorld(() =>
      Effect.gen(function* () {
        const openFga = yield* OpenFga
        expect(yield* openFga.check(question)).toBe(true)
        expect(yield* openFga.check({ ...question, user: "user:bob" }, { critical: false })).toBe(false)
      })
    )
  )

  for (const { begin, error, name, services = {} } of outages) {
    it.live(`is denied if it is critical, else allowed, when ${name}; counted and logged`, () =>
      inWorld(
        (servers, log) =>
          Effect.gen(function* () {
            expect(yield* check(true)).toBe(true)
            yield* begin(servers)
            expect([yield* check(true), yield* check(false)]).toEqual([false, true])
            expect(yield* seriesOf("fallback.used")).toEqual([
              { function: "openfga", exception_type: error, fallback_type: "fail_closed", value: 1 },
              { function: "openfga", exception_type: error, fallback_type: "fail_open", value: 1 }
            ])
            expect(log.filter((line) => line.includes("without an answer"))).toEqual([
              `openfga: denied without an answer, after ${error}`,
              `openfga: allowed without an answer, after ${error}`
            ])
          }),
        { services }
      )
    )
  }

  it.live("that is wrong opens no door", () =>
    inWorld(() =>
      Effect.gen(function* () {
        const openFga = yield* OpenFga
        const error = yield* Effect.flip(openFga.check({ ...question, relation: "owner" }, { critical: false }))
        expect(error).toMatchObject({ _tag: "HttpClientError" })
      })
    )
  )

  it.live("that meets a defect opens no door", () =>
    inWorld(
      () =>
        Effect.gen(function* () {
          const exit = yield* Effect.exit(check(false))
          expect(exit._tag === "Failure" && Cause.hasDies(exit.cause)).toBe(true)
        }),
      {
        http: Layer.succeed(
          HttpClient.HttpClient,
          HttpClient.make(() => Effect.die("broken"))
        )
      }
    )
  )
})

describe("a token (live)", () => {
  const checks = Effect.all(
    Array.from({ length: 20 }, () => check(true)),
    { concurrency: "unbounded" }
  )

  it.live("is fetched once for many calls", () =>
    inWorld(({ counts }) =>
      Effect.gen(function* () {
        expect((yield* checks).every(Boolean)).toBe(true)
        expect(counts).toEqual({ checks: 20, logins: 1 })
      })
    )
  )

  it.live("that is refused is replaced once for all, and each call is made once more", () =>
    inWorld((servers) =>
      Effect.gen(function* () {
        yield* check(true)
        servers.forgetTokens()
        expect((yield* checks).every(Boolean)).toBe(true)
        expect(servers.counts).toEqual({ checks: 41, logins: 2 })
      })
    )
  )

  it.live("that no login gives is not asked for again, and decides nothing", () =>
    inWorld(
      ({ counts }) =>
        Effect.gen(function* () {
          const error = yield* Effect.flip(check(false))
          expect(error).toMatchObject({ _tag: "HttpClientError" })
          expect(counts).toEqual({ checks: 0, logins: 1 })
        }),
      { secret: "wrong" }
    )
  )

  it.live("that stays refused is not replaced for ever", () =>
    inWorld((servers) =>
      Effect.gen(function* () {
        const keycloak = yield* Keycloak
        let calls = 0
        const refused = { status: 401 }
        const error = yield* Effect.flip(
          keycloak.withToken(() => Effect.suspend(() => (calls++, Effect.fail(refused))))
        )
        expect([error, calls, servers.counts.logins]).toEqual([refused, 2, 2])
      })
    )
  )

  it.live("that somebody waits for is not lost when that one is interrupted", () =>
    inWorld(() =>
      Effect.gen(function* () {
        const first = yield* Effect.forkChild(check(true), { startImmediately: true })
        const second = yield* Effect.forkChild(check(true), { startImmediately: true })
        yield* Fiber.interrupt(first)
        expect(yield* Fiber.join(second)).toBe(true)
      })
    )
  )
})
