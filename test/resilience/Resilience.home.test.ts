import { describe, expect, it } from "@effect/vitest"
import { Data, Effect, Fiber, Layer, Metric, Scope } from "effect"
import * as EffectCircuitBreaker from "effect/persistence/CircuitBreaker"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Policy, Resilience, Retry } from "../../src/index.ts"
import * as Persistence from "../../src/persistence/index.ts"
import { seriesOf } from "./support/scrape.ts"

class Down extends Data.TaggedError("Down") {}

const down: Effect.Effect<string, Down> = Effect.fail(new Down())
const total = (name: string) => Effect.map(seriesOf(name), (all) => all.reduce((sum, { value }) => sum + value, 0))
const withOwnMetrics = Effect.provideServiceEffect(
  Metric.MetricRegistry,
  Effect.sync(() => new Map())
)
const config = { retry: { maxAttempts: 2, baseDelay: "1 second", jitter: "none" } } as const

/** Uses the instances of a registry in fibers that do not have it. */
const outside = <A, E>(use: (context: Policy.ResilienceRegistry["Service"]) => Effect.Effect<A, E>) =>
  Effect.gen(function* () {
    const scope = yield* Scope.make()
    const context = yield* Layer.buildWithScope(Resilience.layer(config), scope)
    const registry = yield* Effect.provideContext(Policy.ResilienceRegistry, context)
    return yield* use(registry)
  }).pipe(withOwnMetrics)

const finish = <R>(call: Effect.Effect<unknown, unknown, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.exit(call))
    yield* TestClock.adjust("1 minute")
    yield* Fiber.join(fiber)
  })

describe("an instance of a registry that is used in a fiber without it", () => {
  it.effect("counts its events all the same", () =>
    outside((registry) =>
      Effect.gen(function* () {
        const pipeline = yield* Resilience.pipeline("llm").pipe(
          Effect.provideService(Policy.ResilienceRegistry, registry)
        )
        yield* finish(pipeline!.execute(down))
        expect(yield* seriesOf("circuit_breaker.failures")).toEqual([
          { service: "llm", exception_type: "Down", value: 2 }
        ])
        expect(yield* total("retry.attempts")).toBe(1)
        expect(yield* total("retry.exhausted")).toBe(1)
        expect(yield* total("error.total")).toBe(1)
      })
    )
  )

  it.effect("tells those who subscribed to the registry", () =>
    outside((registry) =>
      Effect.gen(function* () {
        const heard: Array<string> = []
        const unsubscribe = registry.subscribe(({ _tag }) => heard.push(_tag))
        const retry = registry.get(Retry.Kind, "llm")!
        yield* finish(retry.execute(down))
        unsubscribe()
        yield* finish(retry.execute(down))
        expect(heard).toEqual(["RetryScheduled", "RetryExhausted"])
      })
    )
  )

  it.effect("is counted behind Effect's own circuit breaker", () =>
    Effect.gen(function* () {
      const breaker = yield* EffectCircuitBreaker.CircuitBreaker
      yield* Effect.exit(breaker.execute(down, { key: "a" }))
      expect(yield* total("circuit_breaker.failures")).toBe(1)
    }).pipe(Effect.provide(Persistence.layer("api").pipe(Layer.provide(Resilience.layer(config)))), withOwnMetrics)
  )
})

describe("an instance that belongs to no registry", () => {
  it.effect("is heard by those who subscribed, but has no metrics, for it would have only half of them", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const breaker = CircuitBreaker.makeUnsafe({ service: "prices" })
      yield* Effect.gen(function* () {
        yield* Policy.subscribe(({ _tag, service }) => heard.push(`${_tag} ${service}`))
        yield* Effect.exit(breaker.execute(down))
      }).pipe(Effect.scoped)
      yield* Effect.exit(breaker.execute(down))
      expect(heard).toEqual(["CircuitBreakerFailure prices"])
      expect(yield* total("circuit_breaker.failures")).toBe(0)
    }).pipe(Effect.provide(Resilience.layer()), withOwnMetrics)
  )
})

describe("subscribers", () => {
  it.effect("hear an event and its fiber, all of them, also after one that throws", () =>
    Effect.gen(function* () {
      const fibers: Array<unknown> = []
      const id = yield* Effect.gen(function* () {
        yield* Policy.subscribe(() => {
          throw new Error("deaf")
        })
        const observer: Policy.Observer = (_, fiber) => fibers.push(fiber.id)
        yield* Policy.subscribe(observer)
        yield* Policy.subscribe(observer)
        yield* Effect.exit(down.pipe(CircuitBreaker.withCircuitBreaker("llm")))
        return yield* Effect.withFiber((fiber) => Effect.succeed(fiber.id))
      }).pipe(Effect.scoped)
      expect(fibers).toEqual([id, id])
    }).pipe(Effect.provide(Resilience.layer()), withOwnMetrics)
  )

  it.effect("that come while an event is told hear the next one", () =>
    Effect.gen(function* () {
      const registry = yield* Policy.ResilienceRegistry
      const heard: Array<string> = []
      registry.subscribe(({ _tag }) => {
        registry.subscribe(() => heard.push(_tag))
      })
      const fail = Effect.exit(down.pipe(CircuitBreaker.withCircuitBreaker("llm")))
      yield* fail
      expect(heard).toEqual([])
      yield* fail
      expect(heard).toEqual(["CircuitBreakerFailure"])
    }).pipe(Effect.provide(Resilience.layer()), withOwnMetrics)
  )
})

describe("a call of protect that its fallback answers", () => {
  it.effect("has not failed", () =>
    Effect.gen(function* () {
      const answer = down.pipe(Resilience.protect("llm", { fallback: () => Effect.succeed("sorry") }))
      expect(yield* answer).toBe("sorry")
      expect(yield* total("error.total")).toBe(0)
      expect(yield* seriesOf("fallback.used")).toMatchObject([{ function: "llm", value: 1 }])
      const effectiveness = yield* seriesOf("resilience.pattern_effectiveness")
      expect(effectiveness).toContainEqual({ pattern: "pipeline", value: 1 })
    }).pipe(Effect.provide(Resilience.layer({ retry: false })), withOwnMetrics)
  )
})

describe("a call of protect inside another one", () => {
  const config = { retry: { maxAttempts: 2, baseDelay: "1 second", jitter: "none" }, circuitBreaker: false } as const
  const nested = down.pipe(Resilience.protect("llm"), Resilience.protect("api"))

  it.effect("is one failed call, however often the inner one was made", () =>
    Effect.gen(function* () {
      yield* finish(nested)
      expect(yield* total("error.total")).toBe(1)
    }).pipe(Effect.provide(Resilience.layer(config)), withOwnMetrics)
  )

  it.effect("has not failed if the outer one answers", () =>
    Effect.gen(function* () {
      yield* finish(
        down.pipe(Resilience.protect("llm"), Resilience.protect("api", { fallback: () => Effect.succeed("sorry") }))
      )
      expect(yield* total("error.total")).toBe(0)
    }).pipe(Effect.provide(Resilience.layer(config)), withOwnMetrics)
  )

  it.effect("counts again when it outlives the outer one, and so does the next call", () =>
    Effect.gen(function* () {
      const late = Effect.delay(down.pipe(Resilience.protect("llm")), "1 minute")
      yield* Effect.forkDetach(Effect.exit(late), { startImmediately: true }).pipe(Resilience.protect("api"))
      yield* TestClock.adjust("2 minutes")
      expect(yield* total("error.total")).toBe(1)
      yield* finish(down.pipe(Resilience.protect("llm")))
      expect(yield* total("error.total")).toBe(2)
    }).pipe(Effect.provide(Resilience.layer(config)), withOwnMetrics)
  )
})

describe("layers of one process with the same service", () => {
  const layer = () => Resilience.layer({ services: { svc: {} }, circuitBreaker: { consecutiveFailures: 2 } })
  const fail = Effect.exit(down.pipe(CircuitBreaker.withCircuitBreaker("svc")))
  const state = Effect.map(seriesOf("circuit_breaker.state"), (all) => all.map(({ value }) => value))

  it.effect("are counted together; gauges show the newest, and nothing is gone when that closes", () =>
    Effect.gen(function* () {
      yield* fail
      yield* Effect.gen(function* () {
        yield* fail
        yield* fail
        expect(yield* total("circuit_breaker.failures")).toBe(3)
        expect(yield* state).toEqual([1])
      }).pipe(Effect.provide(layer()))
      expect(yield* total("circuit_breaker.failures")).toBe(1)
      expect(yield* state).toEqual([0])
    }).pipe(Effect.provide(layer()), withOwnMetrics)
  )

  it.effect("take their series with them when the last one closes", () =>
    Effect.gen(function* () {
      yield* fail.pipe(Effect.provide(layer()))
      expect(yield* seriesOf("circuit_breaker.state")).toEqual([])
      expect(yield* seriesOf("resilience.pattern_invocations")).toEqual([])
    }).pipe(withOwnMetrics)
  )
})
