import { describe, expect, it } from "@effect/vitest"
import { Cause, Context, Deferred, Duration, Effect, Exit, Fiber, Option, type Scope, Stream } from "effect"
import { HttpClient, HttpClientResponse } from "effect/http"
import * as EffectCircuitBreaker from "effect/persistence/CircuitBreaker"
import { TestClock } from "effect/testing"
import { down, fails, key, ours, rejection, up } from "./support/calls.ts"

/** Two failures in a row open for ten seconds. */
const theirs = EffectCircuitBreaker.make({
  tripPolicy: EffectCircuitBreaker.consecutive(2),
  openDuration: "10 seconds"
}).pipe(Effect.provide(EffectCircuitBreaker.layerStoreMemory()))

/** A breaker whose next call is a probe. */
const probing = (make: Effect.Effect<EffectCircuitBreaker.CircuitBreaker, never, Scope.Scope>) =>
  Effect.gen(function* () {
    const breaker = yield* make
    yield* fails(breaker, 2)
    yield* TestClock.adjust("10 seconds")
    return breaker
  })

/** What holds for Effect's breaker must hold for ours. */
const breakers: ReadonlyArray<
  readonly [string, Effect.Effect<EffectCircuitBreaker.CircuitBreaker, never, Scope.Scope>]
> = [
  ["Effect's own breaker", theirs],
  ["ours as Effect's", ours]
]

describe.each(breakers)("%s", (_, make) => {
  it.effect("passes on values, errors and defects unchanged", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const defect = new Error("bug")
      const cause = Cause.combine(Cause.fail("down"), Cause.interrupt(7))
      expect(yield* up.pipe(breaker.execute({ key: "a" }))).toBe("up")
      expect(yield* breaker.execute(down, { key: "b" }).pipe(Effect.exit)).toEqual(Exit.fail("down"))
      expect(yield* Effect.die(defect).pipe(breaker.execute({ key: "c" }), Effect.exit)).toEqual(Exit.die(defect))
      expect(yield* Effect.failCause(cause).pipe(breaker.execute({ key: "d" }), Effect.exit)).toEqual(
        Exit.failCause(cause)
      )
    })
  )

  it.effect("takes the effect first or last", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      yield* Effect.ignore(breaker.execute(down, { key }))
      yield* Effect.ignore(down.pipe(breaker.execute({ key })))
      expect((yield* breaker.state(key))._tag).toBe("Open")
    })
  )

  it.effect("turns calls away from an open circuit with its key and the time that remains", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      yield* fails(breaker, 2)
      yield* TestClock.adjust("4 seconds")
      const error = yield* Effect.flip(up.pipe(breaker.execute({ key })))
      expect(error).toBeInstanceOf(EffectCircuitBreaker.CircuitBreakerError)
      expect(error).toEqual(
        new EffectCircuitBreaker.CircuitBreakerError({
          reason: new EffectCircuitBreaker.CircuitOpen({ key, retryAfter: Duration.seconds(6) })
        })
      )
      const caught = up.pipe(
        breaker.execute({ key }),
        Effect.catchReason("CircuitBreakerError", "CircuitOpen", (reason) => Effect.succeed(reason.key))
      )
      expect(yield* caught).toBe(key)
    })
  )

  it.effect("turns calls away from a half-open circuit with its key", () =>
    Effect.gen(function* () {
      const breaker = yield* probing(make)
      yield* Effect.forkChild(Effect.never.pipe(breaker.execute({ key })), { startImmediately: true })
      expect(yield* rejection(breaker)).toEqual(new EffectCircuitBreaker.CircuitHalfOpen({ key }))
    })
  )

  it.effect("does not run a call that it turns away, nor ask its classifier", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      yield* fails(breaker, 2)
      let touched = 0
      const touch = Effect.sync(() => void touched++)
      yield* touch.pipe(
        breaker.execute({ key, classify: () => Effect.as(touch, EffectCircuitBreaker.success) }),
        Effect.ignore
      )
      expect(touched).toBe(0)
    })
  )

  it.effect("closes after a good probe and reopens after a bad one", () =>
    Effect.gen(function* () {
      const breaker = yield* probing(make)
      yield* fails(breaker, 1)
      expect(yield* breaker.state(key)).toMatchObject({ _tag: "Open", retryAfter: Duration.seconds(10) })
      yield* TestClock.adjust("10 seconds")
      yield* up.pipe(breaker.execute({ key }))
      expect(yield* breaker.state(key)).toEqual({ _tag: "Closed", key })
    })
  )

  it.effect("has a circuit for each key", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      yield* fails(breaker, 2, "a")
      expect(yield* up.pipe(breaker.execute({ key: "b" }))).toBe("up")
      expect(yield* up.pipe(breaker.execute({ key: "" }))).toBe("up")
      expect((yield* rejection(breaker, "a"))._tag).toBe("CircuitOpen")
    })
  )

  it.effect("takes a defect for a failure", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      yield* Effect.replicateEffect(Effect.exit(Effect.die("bug").pipe(breaker.execute({ key }))), 2)
      expect((yield* breaker.state(key))._tag).toBe("Open")
    })
  )

  it.effect("ignores an interruption, and frees the slot of an interrupted probe", () =>
    Effect.gen(function* () {
      const breaker = yield* probing(make)
      const fiber = yield* Effect.forkChild(Effect.never.pipe(breaker.execute({ key })), { startImmediately: true })
      expect(yield* breaker.state(key)).toEqual({ _tag: "HalfOpen", key, probing: true, consecutiveOpenings: 1 })
      yield* Fiber.interrupt(fiber)
      expect(yield* breaker.state(key)).toEqual({ _tag: "HalfOpen", key, probing: false, consecutiveOpenings: 1 })
      expect(yield* up.pipe(breaker.execute({ key }))).toBe("up")
    })
  )

  it.effect("never asks a classifier about a mere interruption, not even one from inside", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      let asked = 0
      const classify = () => {
        asked++
        return EffectCircuitBreaker.failure()
      }
      const exit = yield* Effect.exit(Effect.interrupt.pipe(breaker.execute({ key, classify })))
      yield* Effect.exit(Effect.interrupt.pipe(breaker.execute({ key, classify })))
      expect(Exit.hasInterrupts(exit)).toBe(true)
      expect((yield* breaker.state(key))._tag).toBe("Closed")
      expect(asked).toBe(0)
    })
  )

  it.effect("judges by a classifier that answers at once", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const classify = (exit: Exit.Exit<number, string>) =>
        Exit.isSuccess(exit) && exit.value < 500 ? EffectCircuitBreaker.success : EffectCircuitBreaker.failure()
      const status = (code: number) => Effect.succeed(code).pipe(breaker.execute({ key, classify }))
      expect([yield* status(200), yield* status(503), yield* status(404), yield* status(503)]).toEqual([
        200, 503, 404, 503
      ])
      expect((yield* breaker.state(key))._tag).toBe("Closed")
      yield* status(503)
      expect((yield* breaker.state(key))._tag).toBe("Open")
    })
  )

  it.effect("judges by a classifier that is an effect with requirements of its own", () =>
    Effect.gen(function* () {
      class Limit extends Context.Service<Limit, number>()("test/Limit") {}
      const breaker = yield* make
      const call = (code: number) =>
        Effect.succeed(code).pipe(
          breaker.execute({
            key,
            classify: (exit: Exit.Exit<number>) =>
              Effect.gen(function* () {
                yield* Effect.yieldNow
                return Exit.isSuccess(exit) && exit.value < (yield* Limit)
                  ? EffectCircuitBreaker.success
                  : EffectCircuitBreaker.failure()
              })
          }),
          Effect.provideService(Limit, 500)
        )
      yield* call(499)
      yield* call(500)
      expect((yield* breaker.state(key))._tag).toBe("Closed")
      yield* call(500)
      expect((yield* breaker.state(key))._tag).toBe("Open")
    })
  )

  it.effect("can take errors and defects for successes, and ignore them", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const as = (outcome: EffectCircuitBreaker.Outcome, effect: Effect.Effect<never, string> = down) =>
        Effect.exit(effect.pipe(breaker.execute({ key, classify: () => outcome })))
      yield* fails(breaker, 1)
      yield* as(EffectCircuitBreaker.ignored)
      yield* as(EffectCircuitBreaker.ignored, Effect.die("bug"))
      expect(yield* as(EffectCircuitBreaker.success)).toEqual(Exit.fail("down"))
      yield* fails(breaker, 1)
      expect((yield* breaker.state(key))._tag).toBe("Closed")
      yield* fails(breaker, 1)
      expect((yield* breaker.state(key))._tag).toBe("Open")
    })
  )

  const boom = new Error("bug in the classifier")
  const bad: ReadonlyArray<readonly [string, () => EffectCircuitBreaker.Outcome | Effect.Effect<never>]> = [
    [
      "throws",
      () => {
        throw boom
      }
    ],
    ["dies", () => Effect.die(boom)]
  ]
  for (const [how, classify] of bad) {
    it.effect(`ignores a call whose classifier ${how}, and lets the call die of it`, () =>
      Effect.gen(function* () {
        const breaker = yield* make
        const good = yield* Effect.exit(up.pipe(breaker.execute({ key, classify })))
        const failed = yield* Effect.exit(down.pipe(breaker.execute({ key, classify })))
        expect(good).toEqual(Exit.die(boom))
        expect(failed).toEqual(Exit.failCause(Cause.combine(Cause.fail("down"), Cause.die(boom))))
        yield* fails(breaker, 1)
        expect((yield* breaker.state(key))._tag).toBe("Closed")
      })
    )

    it.effect(`frees the slot of a probe whose classifier ${how}`, () =>
      Effect.gen(function* () {
        const breaker = yield* probing(make)
        yield* Effect.exit(up.pipe(breaker.execute({ key, classify })))
        expect(yield* breaker.state(key)).toMatchObject({ _tag: "HalfOpen", probing: false })
      })
    )
  }

  it.effect("ignores a call that is interrupted while it is judged, and frees its slot", () =>
    Effect.gen(function* () {
      const breaker = yield* probing(make)
      const fiber = yield* Effect.forkChild(up.pipe(breaker.execute({ key, classify: () => Effect.never })), {
        startImmediately: true
      })
      expect(yield* breaker.state(key)).toMatchObject({ _tag: "HalfOpen", probing: true })
      yield* Fiber.interrupt(fiber)
      expect(yield* breaker.state(key)).toMatchObject({ _tag: "HalfOpen", probing: false })
    })
  )

  it.effect("holds the slot of a probe until it is judged", () =>
    Effect.gen(function* () {
      const breaker = yield* probing(make)
      const verdict = yield* Deferred.make<EffectCircuitBreaker.Outcome>()
      const fiber = yield* Effect.forkChild(
        up.pipe(breaker.execute({ key, classify: () => Deferred.await(verdict) })),
        { startImmediately: true }
      )
      expect((yield* rejection(breaker))._tag).toBe("CircuitHalfOpen")
      yield* Deferred.succeed(verdict, EffectCircuitBreaker.success)
      expect(yield* Fiber.join(fiber)).toBe("up")
      expect((yield* breaker.state(key))._tag).toBe("Closed")
    })
  )

  it.effect("stays open as long as the classifier was told", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const classify = () => EffectCircuitBreaker.failure({ retryAfter: "5 minutes" })
      yield* Effect.replicateEffect(Effect.ignore(down.pipe(breaker.execute({ key, classify }))), 2)
      expect(yield* rejection(breaker)).toMatchObject({ retryAfter: Duration.minutes(5) })
    })
  )

  it.effect("tells the state of a circuit without changing it", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      expect(yield* breaker.state(key)).toEqual({ _tag: "Closed", key })
      yield* fails(breaker, 2)
      yield* TestClock.adjust("3 seconds")
      const open = { _tag: "Open", key, consecutiveOpenings: 1 }
      expect(yield* breaker.state(key)).toEqual({ ...open, retryAfter: Duration.seconds(7) })
      yield* TestClock.adjust("1 minute")
      expect(yield* breaker.state(key)).toEqual({ ...open, retryAfter: Duration.zero })
      expect(yield* breaker.state("other")).toEqual({ _tag: "Closed", key: "other" })
    })
  )

  it.effect("emits its transitions from the subscription on", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      yield* fails(breaker, 2, "early")
      const seen: Array<EffectCircuitBreaker.Transition> = []
      yield* breaker.transitions.pipe(
        Stream.runForEach((transition) => Effect.sync(() => void seen.push(transition))),
        Effect.forkScoped({ startImmediately: true })
      )
      yield* fails(breaker, 2)
      yield* TestClock.adjust("10 seconds")
      yield* fails(breaker, 1)
      yield* TestClock.adjust("10 seconds")
      yield* up.pipe(breaker.execute({ key }))
      yield* Effect.yieldNow
      const open = { key, to: "Open", retryAfter: Duration.seconds(10) }
      expect(seen).toEqual([
        { ...open, from: "Closed", consecutiveOpenings: 1 },
        { key, from: "Open", to: "HalfOpen" },
        { ...open, from: "HalfOpen", consecutiveOpenings: 2 },
        { key, from: "Open", to: "HalfOpen" },
        { key, from: "HalfOpen", to: "Closed" }
      ])
    })
  )

  it.effect("emits to each of several subscribers", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const first = breaker.transitions.pipe(Stream.runHead, Effect.forkChild({ startImmediately: true }))
      const [one, other] = [yield* first, yield* first]
      yield* fails(breaker, 2)
      expect(yield* Fiber.join(one)).toEqual(yield* Fiber.join(other))
      expect(Option.getOrThrow(yield* Fiber.join(one))).toMatchObject({ from: "Closed", to: "Open" })
    })
  )

  it.effect("gives a call inside a call the rejection of the inner one, as it is", () =>
    Effect.gen(function* () {
      const [outer, inner] = [yield* make, yield* make]
      yield* fails(inner, 2, "inner")
      const error = yield* up.pipe(inner.execute({ key: "inner" }), outer.execute({ key: "outer" }), Effect.flip)
      expect(error).toMatchObject({ _tag: "CircuitBreakerError", reason: { _tag: "CircuitOpen", key: "inner" } })
    })
  )
})

describe.each(breakers)("an HTTP client guarded by %s", (_, make) => {
  const client = (breaker: EffectCircuitBreaker.CircuitBreaker, respond: (url: string) => Response) => {
    let requests = 0
    const fake = HttpClient.make((request) =>
      Effect.sync(() => {
        requests++
        return HttpClientResponse.fromWeb(request, respond(request.url))
      })
    )
    return { client: HttpClient.withCircuitBreaker(fake, { breaker }), requests: () => requests }
  }

  it.effect("opens for the origin that fails, and sends it no more requests", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const { client: guarded, requests } = client(
        breaker,
        (url) => new Response(null, { status: url.includes("bad") ? 503 : 200 })
      )
      expect((yield* guarded.get("https://bad.test/a")).status).toBe(503)
      expect((yield* guarded.get("https://bad.test/b")).status).toBe(503)
      const error = yield* Effect.flip(guarded.get("https://bad.test/c"))
      expect(error).toMatchObject({
        _tag: "CircuitBreakerError",
        reason: { _tag: "CircuitOpen", key: "https://bad.test", retryAfter: Duration.seconds(10) }
      })
      expect(requests()).toBe(2)
      expect((yield* guarded.get("https://good.test/")).status).toBe(200)
      yield* TestClock.adjust("10 seconds")
      expect((yield* guarded.get("https://bad.test/d")).status).toBe(503)
      expect(requests()).toBe(4)
    })
  )

  it.effect("takes answers that blame the caller for successes and ignores 429", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const statuses = [503, 404, 503, 429, 503]
      const { client: guarded } = client(breaker, () => new Response(null, { status: statuses.shift() ?? 200 }))
      const seen: Array<string> = []
      for (let n = 0; n < 5; n++) {
        yield* guarded.get("https://api.test/")
        seen.push((yield* breaker.state("https://api.test"))._tag)
      }
      expect(seen).toEqual(["Closed", "Closed", "Closed", "Closed", "Open"])
    })
  )

  it.effect("stays open as long as the Retry-After header asks for", () =>
    Effect.gen(function* () {
      const breaker = yield* make
      const headers = { "retry-after": "120" }
      const { client: guarded } = client(breaker, () => new Response(null, { status: 503, headers }))
      yield* Effect.replicateEffect(guarded.get("https://api.test/"), 2)
      expect(yield* breaker.state("https://api.test")).toMatchObject({ retryAfter: Duration.minutes(2) })
    })
  )
})
