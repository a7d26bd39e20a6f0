import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber, Scheduler, Stream } from "effect"
import { CircuitBreaker, Resilience } from "../../src/index.ts"

const down = Effect.exit(Effect.fail("down").pipe(CircuitBreaker.withCircuitBreaker("llm")))
const isolate = (service: string) =>
  Effect.flatMap(CircuitBreaker.make({ service }), (breaker) => Effect.andThen(breaker.isolate, breaker.reset))

const provide = Effect.provide(Resilience.layer())

const tags = (self: Iterable<{ readonly _tag: string }>) => Array.from(self, ({ _tag }) => _tag)

describe("the stream of events", () => {
  it.effect("begins with what has happened, and goes on with what happens", () =>
    Effect.gen(function* () {
      yield* isolate("llm")
      const reader = yield* Effect.forkChild(Stream.runCollect(Stream.take(Resilience.events, 4)), {
        startImmediately: true
      })
      yield* isolate("api")
      expect((yield* Fiber.join(reader)).map(({ attributes, service }) => [service, attributes["to"]])).toEqual([
        ["llm", "Isolated"],
        ["llm", "Closed"],
        ["api", "Isolated"],
        ["api", "Closed"]
      ])
    }).pipe(provide)
  )

  it.effect("has no gap, and nothing twice, between what has happened and what happens", () =>
    Effect.gen(function* () {
      for (let operations = 3; operations < 40; operations++) {
        const seen: Array<string> = []
        yield* Effect.gen(function* () {
          const stream = Resilience.events.pipe(Stream.takeUntil(({ service }) => service === "service-20"))
          const reader = yield* Stream.runForEach(stream, ({ service }) => Effect.sync(() => seen.push(service))).pipe(
            Effect.provideService(Scheduler.MaxOpsBeforeYield, operations),
            Effect.forkChild
          )
          for (let n = 0; n <= 20; n++) {
            const breaker = yield* CircuitBreaker.make({ service: `service-${n}` })
            yield* breaker.isolate
            yield* Effect.yieldNow
          }
          yield* Fiber.join(reader)
        }).pipe(provide)
        expect(seen).toEqual(Array.from({ length: 21 }, (_, n) => `service-${n}`))
      }
    })
  )

  it.effect("can leave out what has happened", () =>
    Effect.gen(function* () {
      yield* isolate("llm")
      const stream = Resilience.eventsWith({ replay: false })
      const reader = yield* Effect.forkChild(Stream.runCollect(Stream.take(stream, 1)), { startImmediately: true })
      yield* down
      expect(tags(yield* Fiber.join(reader))).toEqual(["CircuitBreakerFailure"])
    }).pipe(provide)
  )

  it.effect("remembers rare events through a storm of others, and not more than 100 of a kind, in their order", () =>
    Effect.gen(function* () {
      yield* isolate("llm")
      yield* Effect.repeat(down, { times: 999 })
      const all = yield* Stream.runCollect(Stream.take(Resilience.events, 108))
      expect(tags(all).slice(0, 8)).toEqual([
        "CircuitBreakerTransition",
        "CircuitBreakerTransition",
        ...Array.from({ length: 5 }, () => "CircuitBreakerFailure"),
        "CircuitBreakerTransition"
      ])
      expect(tags(all).slice(8)).toEqual(Array.from({ length: 100 }, () => "CircuitBreakerRejection"))
    }).pipe(provide)
  )

  it.effect("loses its oldest events for a reader that is too slow, and holds nobody up", () =>
    Effect.gen(function* () {
      const stream = Resilience.eventsWith({ capacity: 3 })
      const read = yield* Stream.toPull(stream)
      for (let n = 0; n < 5; n++) yield* isolate(`service-${n}`)
      expect((yield* read).map(({ service }) => service)).toEqual(["service-3", "service-4", "service-4"])
    }).pipe(Effect.scoped, provide)
  )

  it.effect("leaves nothing behind when it is interrupted", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const reader = yield* Effect.forkChild(
        Stream.runForEach(Resilience.events, ({ service }) => Effect.sync(() => seen.push(service))),
        { startImmediately: true }
      )
      yield* isolate("llm")
      yield* Effect.yieldNow
      yield* Fiber.interrupt(reader)
      const before = seen.length
      yield* isolate("api")
      expect([before > 0, seen.length]).toEqual([true, before])
    }).pipe(provide)
  )
})
