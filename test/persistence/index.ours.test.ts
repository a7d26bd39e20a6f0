import { describe, expect, it } from "@effect/vitest"
import { Cause, Context, Deferred, Duration, Effect, Exit, Fiber, Layer, Option, Scope, Stream } from "effect"
import * as EffectCircuitBreaker from "effect/persistence/CircuitBreaker"
import { CircuitBreaker, Policy, Resilience } from "../../src/index.ts"
import * as Adapter from "../../src/persistence/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import * as StandingClock from "../support/standingClock.ts"
import { type Scenario, sweep } from "../support/sweep.ts"
import { fails, key, options, ours, rejection, up } from "./support/calls.ts"

describe("ours as Effect's", () => {
  const make = CircuitBreaker.make(options)

  it.effect("is the same breaker: its state, totals and commands are those of the one it is made of", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const adapted = Adapter.fromCircuitBreaker(breaker)
      yield* fails(adapted, 3)
      expect(breaker.snapshot(0, key)).toMatchObject({ state: "Open", failures: 2, rejections: 1 })
      expect(yield* Effect.flip(up.pipe(CircuitBreaker.withCircuitBreaker(breaker, { key })))).toMatchObject({
        _tag: "CircuitBreakerOpenError"
      })
      yield* breaker.reset
      expect(yield* up.pipe(adapted.execute({ key }))).toBe("up")
    })
  )

  it.effect("shows an isolated circuit as open for ever", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const adapted = Adapter.fromCircuitBreaker(breaker)
      yield* breaker.isolate
      expect(yield* adapted.state(key)).toEqual({
        _tag: "Open",
        key,
        retryAfter: Duration.infinity,
        consecutiveOpenings: 0
      })
      expect(yield* rejection(adapted)).toMatchObject({ _tag: "CircuitOpen", retryAfter: Duration.infinity })
    })
  )

  it.effect("shows an open time without an end as one", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: Infinity })
      const adapted = Adapter.fromCircuitBreaker(breaker)
      yield* fails(adapted, 1)
      expect(yield* adapted.state(key)).toMatchObject({ _tag: "Open", retryAfter: Duration.infinity })
      expect(yield* rejection(adapted)).toMatchObject({ _tag: "CircuitOpen", retryAfter: Duration.infinity })
    })
  )

  it.effect("emits an isolation as an opening, and leaves out what Effect has no word for", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const adapted = Adapter.fromCircuitBreaker(breaker)
      const seen: Array<EffectCircuitBreaker.Transition> = []
      yield* adapted.transitions.pipe(
        Stream.runForEach((transition) => Effect.sync(() => void seen.push(transition))),
        Effect.forkScoped({ startImmediately: true })
      )
      const call = Effect.ignore(up.pipe(adapted.execute({ key })))
      yield* breaker.isolate
      yield* call
      yield* breaker.reset
      yield* call
      yield* fails(adapted, 2)
      yield* breaker.isolate
      yield* call
      yield* Effect.yieldNow
      expect(seen).toEqual([
        { key, from: "Closed", to: "Open", retryAfter: Duration.infinity, consecutiveOpenings: 0 },
        { key, from: "Closed", to: "Open", retryAfter: Duration.seconds(10), consecutiveOpenings: 1 }
      ])
    })
  )

  it.effect("emits nothing about the circuit without a key, through which none of its calls goes", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const adapted = Adapter.fromCircuitBreaker(breaker)
      const first = yield* Effect.forkChild(Stream.runHead(adapted.transitions), { startImmediately: true })
      yield* breaker.trip
      yield* fails(adapted, 2)
      expect(Option.getOrThrow(yield* Fiber.join(first)).key).toBe(key)
    })
  )

  it.effect("stops listening when a subscription ends", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const onTransition: CircuitBreaker.CircuitBreaker["onTransition"] = (listener) => {
        const stop = breaker.onTransition(listener)
        listening++
        return () => {
          listening--
          stop()
        }
      }
      const adapted = Adapter.fromCircuitBreaker(Object.create(breaker, { onTransition: { value: onTransition } }))
      let listening = 0
      const interrupted = yield* Effect.forkChild(Stream.runDrain(adapted.transitions), { startImmediately: true })
      const ending = yield* Effect.forkChild(Stream.runHead(adapted.transitions), { startImmediately: true })
      expect(listening).toBe(2)
      yield* fails(adapted, 2)
      yield* Fiber.join(ending)
      expect(listening).toBe(1)
      yield* Fiber.interrupt(interrupted)
      expect(listening).toBe(0)
    })
  )

  it.effect("keeps the latest transitions for a subscriber that does not keep up", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const adapted = Adapter.fromCircuitBreaker(breaker)
      const gate = yield* Deferred.make<void>()
      const seen: Array<string> = []
      yield* adapted.transitions.pipe(
        Stream.runForEach((transition) =>
          Effect.andThen(
            Deferred.await(gate),
            Effect.sync(() => void seen.push(transition.key))
          )
        ),
        Effect.forkScoped({ startImmediately: true })
      )
      for (let n = 0; n < 1_000; n++) yield* fails(adapted, 1, `${n}`)
      yield* Deferred.succeed(gate, undefined)
      yield* Effect.replicateEffect(Effect.yieldNow, 10)
      expect(seen.at(-1)).toBe("999")
      expect(seen.length).toBeLessThan(300)
    })
  )

  it.effect("ignores refusals on our own side by default, in our form and in Effect's", () =>
    Effect.gen(function* () {
      const outer = yield* ours
      const inner = yield* make
      yield* inner.trip
      yield* inner.isolate
      const byUs = up.pipe(inner.execute, outer.execute({ key: "outer" }))
      const byEffect = up.pipe(
        Adapter.fromCircuitBreaker(inner).execute({ key: "inner" }),
        outer.execute({ key: "outer" })
      )
      expect((yield* Effect.flip(byUs))._tag).toBe("CircuitBreakerOpenError")
      yield* Effect.ignore(byUs)
      expect((yield* Effect.flip(byEffect))._tag).toBe("CircuitBreakerError")
      yield* Effect.ignore(byEffect)
      expect(yield* outer.state("outer")).toEqual({ _tag: "Closed", key: "outer" })
    })
  )

  it.effect("takes a refusal for a failure when something died besides", () =>
    Effect.gen(function* () {
      const breaker = yield* ours
      const refusal = new EffectCircuitBreaker.CircuitBreakerError({
        reason: new EffectCircuitBreaker.CircuitHalfOpen({ key: "inner" })
      })
      const call = Effect.failCause(Cause.combine(Cause.fail(refusal), Cause.die("bug"))).pipe(breaker.execute({ key }))
      yield* Effect.replicateEffect(Effect.exit(call), 2)
      expect((yield* breaker.state(key))._tag).toBe("Open")
    })
  )

  it.effect("takes an error of a store for a failure", () =>
    Effect.gen(function* () {
      const breaker = yield* ours
      const error = new EffectCircuitBreaker.CircuitBreakerError({
        reason: new EffectCircuitBreaker.CircuitBreakerStoreError({ message: "away" })
      })
      yield* Effect.replicateEffect(Effect.ignore(Effect.fail(error).pipe(breaker.execute({ key }))), 2)
      expect((yield* breaker.state(key))._tag).toBe("Open")
    })
  )

  it.effect("reads the hint of an error, and names the error in its events", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const adapted = Adapter.fromCircuitBreaker(breaker)
      const error = { _tag: "Busy", retryAfter: Duration.minutes(3) }
      yield* recorded.record(Effect.ignore(Effect.fail(error).pipe(adapted.execute({ key }))))
      expect(recorded.events()[0]).toMatchObject({ attributes: { exception_type: "Busy" }, error })
      expect(yield* adapted.state(key)).toMatchObject({ retryAfter: Duration.minutes(3) })
    })
  )

  it.effect("lets calls pass in the mode observe, and judges them", () =>
    Effect.gen(function* () {
      const adapted = Adapter.fromCircuitBreaker(yield* CircuitBreaker.make({ ...options, mode: "observe" }))
      yield* fails(adapted, 2)
      expect(yield* up.pipe(adapted.execute({ key }))).toBe("up")
      expect((yield* adapted.state(key))._tag).toBe("Open")
    })
  )

  it.effect.each([3, 5, 2_048])("frees the slot of a probe wherever it is interrupted, with a yield after %i", (most) =>
    Effect.gen(function* () {
      const scenario = (): Scenario => {
        const clock = StandingClock.make()
        const breaker = CircuitBreaker.makeUnsafe(options)
        const adapted = Adapter.fromCircuitBreaker(breaker)
        Effect.runSync(clock.provide(fails(adapted, 2)))
        clock.set(10_000)
        const classify = () => Effect.as(Effect.yieldNow, EffectCircuitBreaker.success)
        return {
          call: Effect.yieldNow.pipe(Effect.andThen(up), adapted.execute({ key, classify }), clock.provide),
          afterwards: (exit) =>
            Effect.gen(function* () {
              expect(breaker.snapshot(10_000, key).probing).toBe(0)
              if (exit._tag === "Success") expect(breaker.snapshot(10_000, key).state).toBe("Closed")
              expect(yield* up.pipe(adapted.execute({ key }), clock.provide)).toBe("up")
            }).pipe(Effect.orDie)
        }
      }
      expect((yield* sweep(scenario, { maxOperationsBeforeYield: most })).interrupted).toBeGreaterThan(10)
    })
  )
})

describe("layer", () => {
  it.effect("ends the transitions when its scope closes", () =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(
        Layer.provide(Adapter.layer("api"), Resilience.layer({ circuitBreaker: { consecutiveFailures: 2 } })),
        scope
      )
      const breaker = Context.get(context, EffectCircuitBreaker.CircuitBreaker)
      const fiber = yield* Effect.forkChild(Stream.runCollect(breaker.transitions), { startImmediately: true })
      yield* fails(breaker, 2)
      yield* Effect.yieldNow
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* Scope.close(scope, Exit.void)
      expect(yield* Fiber.join(fiber)).toMatchObject([{ key, from: "Closed", to: "Open" }])
      expect(yield* Stream.runCollect(breaker.transitions)).toEqual([])
    })
  )

  const guarded = Effect.gen(function* () {
    const breaker = yield* EffectCircuitBreaker.CircuitBreaker
    yield* fails(breaker, 10)
    return (yield* breaker.state(key))._tag
  })

  it.effect("provides the breaker of a service as Effect's", () =>
    Effect.gen(function* () {
      expect(yield* guarded).toBe("Open")
      const breaker = yield* Policy.instanceOf(CircuitBreaker.Kind, "api")
      expect(breaker?.snapshot(0, key)).toMatchObject({ service: "api", state: "Open" })
    }).pipe(
      Effect.provide(
        Layer.provideMerge(
          Adapter.layer("api"),
          Resilience.layer({ services: { api: { circuitBreaker: { consecutiveFailures: 2 } } } })
        )
      )
    )
  )

  it.effect("provides one that lets everything pass where the breaker is switched off", () =>
    Effect.gen(function* () {
      expect(yield* guarded).toBe("Closed")
    }).pipe(
      Effect.provide(
        Layer.provide(Adapter.layer("api"), Resilience.layer({ services: { api: { circuitBreaker: false } } }))
      )
    )
  )
})
