import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Fiber } from "effect"
import type { Scope } from "effect"
import { TestClock } from "effect/testing"
import { layer, protect } from "../../examples/demo/protection.ts"
import * as Stopwatch from "../../examples/demo/stopwatch.ts"
import * as Watch from "../../examples/demo/watch.ts"
import type { Policy } from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"

const unavailable = ScriptedService.fail({ status: 503 })
const overloaded = ScriptedService.fail({ status: 529, retryAfter: Duration.seconds(1) })

/** A provider, a way to ask it that takes as long as it takes, and a watch over it. */
const setUp = <A extends string, E>(script: Parameters<typeof ScriptedService.make<A, E>>[0]) =>
  Effect.gen(function* () {
    const provider = ScriptedService.make(script)
    const stopwatch = yield* Stopwatch.start
    const watch = yield* Watch.start(stopwatch)
    const askFor = Effect.fnUntraced(function* (millis: number) {
      const fiber = yield* Effect.forkChild(protect("Why?", provider.call), { startImmediately: true })
      yield* TestClock.adjust(millis)
      return yield* Fiber.join(fiber)
    })
    return { provider, watch, askFor }
  })

/** Each test has circuits and permits of its own. */
const test = <A, E>(name: string, effect: Effect.Effect<A, E, Policy.ResilienceRegistry | Scope.Scope>) =>
  it.effect(name, () => Effect.provide(effect, layer, { local: true }))

describe("the protected call", () => {
  test(
    "gives the answer of the provider",
    Effect.gen(function* () {
      const { askFor } = yield* setUp(["Because."])
      expect(yield* askFor(0)).toEqual({ text: "Because.", answeredBy: "provider" })
    })
  )

  test(
    "rides out two failures",
    Effect.gen(function* () {
      const { askFor, provider, watch } = yield* setUp([unavailable, unavailable, "Because."])
      expect(yield* askFor(180)).toMatchObject({ answeredBy: "provider" })
      expect(provider.calls()).toBe(3)
      expect(yield* watch.vitals).toMatchObject({ retries: 2, rejections: 0, openings: 0 })
    })
  )

  test(
    "is answered politely when the provider fails again and again",
    Effect.gen(function* () {
      const { askFor, provider } = yield* setUp([unavailable])
      const given = yield* askFor(180)
      expect(given.answeredBy).toBe("fallback")
      expect(given.text).toContain('I cannot answer "Why?" right now')
      expect(provider.calls()).toBe(3)
    })
  )

  test(
    "has an answer in 700 ms although the provider hangs",
    Effect.gen(function* () {
      const { askFor, provider } = yield* setUp([ScriptedService.hang])
      expect(yield* askFor(700)).toMatchObject({ answeredBy: "fallback" })
      expect(provider.active()).toBe(0)
    })
  )
})

describe("the watch over the patterns", () => {
  test(
    "sees a circuit that opens, turns calls away at once, and closes",
    Effect.gen(function* () {
      const { askFor, provider, watch } = yield* setUp([
        unavailable,
        unavailable,
        unavailable,
        unavailable,
        unavailable,
        "Because."
      ])
      yield* askFor(180)
      yield* askFor(180)
      expect(provider.calls()).toBe(5)
      expect((yield* watch.vitals).breaker.state).toBe("Open")
      expect(yield* askFor(0)).toMatchObject({ answeredBy: "fallback" })
      expect(provider.calls()).toBe(5)
      yield* TestClock.adjust(200)
      yield* askFor(0)
      yield* askFor(0)
      expect((yield* watch.vitals).breaker).toEqual({ state: "Closed", retryAfterMillis: 0 })
      expect(watch.transitions.map(({ to }) => to)).toEqual(["Open", "HalfOpen", "Closed"])
      expect(yield* watch.vitals).toMatchObject({ openings: 1, retries: 4, rejections: 2 })
    })
  )

  test(
    "sees that an overloaded provider is left alone for as long as it asks",
    Effect.gen(function* () {
      const { askFor, provider, watch } = yield* setUp([overloaded])
      for (let n = 0; n < 5; n++) yield* askFor(0)
      expect(provider.calls()).toBe(5)
      expect((yield* watch.vitals).breaker).toEqual({ state: "Open", retryAfterMillis: 1000 })
      yield* TestClock.adjust(999)
      yield* askFor(0)
      expect(provider.calls()).toBe(5)
      yield* TestClock.adjust(1)
      yield* askFor(0)
      expect(provider.calls()).toBe(6)
    })
  )

  test(
    "counts what the bulkhead turns away as well",
    Effect.gen(function* () {
      const { provider, watch } = yield* setUp([ScriptedService.hang])
      const calls = yield* Effect.forkChild(
        Effect.replicateEffect(protect("Why?", provider.call), 70, { concurrency: "unbounded" }),
        { startImmediately: true }
      )
      yield* TestClock.adjust(1)
      expect(yield* watch.vitals).toMatchObject({
        bulkhead: { active: 32, limit: 32, queued: 32 },
        rejections: 6
      })
      yield* TestClock.adjust(1000)
      const given = yield* Fiber.join(calls)
      expect(new Set(given.map(({ answeredBy }) => answeredBy))).toEqual(new Set(["fallback"]))
      expect((yield* watch.vitals).bulkhead).toEqual({ active: 0, limit: 32, queued: 0 })
    })
  )
})
