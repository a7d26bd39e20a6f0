import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Director from "../../examples/demo/director.ts"
import { planDay } from "../../examples/demo/script-of-the-day.ts"
import * as Stopwatch from "../../examples/demo/stopwatch.ts"
import { type Upstream, UpstreamError } from "../../examples/demo/upstream-process.ts"

const plan = planDay(10_000)

const rehearse = (behave: Effect.Effect<void, UpstreamError> = Effect.void) =>
  Effect.gen(function* () {
    const stopwatch = yield* Stopwatch.start
    const log: Array<string> = []
    const note = (text: string) => Effect.sync(() => void log.push(`${stopwatch.elapsedMillis()} ${text}`))
    const upstream: Upstream = {
      url: "",
      callsOf: () => ({ total: 0, inVain: 0 }),
      countFromZero: () => undefined,
      behave: (behaviour) => Effect.andThen(note(plan.find((phase) => phase.behaviour === behaviour)!.name), behave),
      kill: note("kill"),
      supervise: Effect.never
    }
    const director = Director.make(plan, upstream, stopwatch)
    const fiber = yield* Effect.forkChild(director.play)
    return { director, fiber, log }
  })

describe("the director", () => {
  it.effect("plays every phase when it is due", () =>
    Effect.gen(function* () {
      const { fiber, log } = yield* rehearse()
      yield* TestClock.adjust(10_000)
      yield* Fiber.join(fiber)
      expect(log).toEqual([
        "0 healthy",
        "1500 slow",
        "2700 503s",
        "4100 529s",
        "5300 hanging",
        "7000 kill",
        "8000 healthy"
      ])
    })
  )

  it.effect("remembers when the provider was back, not before", () =>
    Effect.gen(function* () {
      const { director } = yield* rehearse()
      yield* TestClock.adjust(7999)
      expect(director.recoveredAtMillis()).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(director.recoveredAtMillis()).toBe(8000)
    })
  )

  it.effect("counts a provider as back when it listens, however long that takes", () =>
    Effect.gen(function* () {
      const { director } = yield* rehearse(Effect.sleep(200))
      yield* TestClock.adjust(10_000)
      expect(director.recoveredAtMillis()).toBe(8200)
    })
  )

  it.effect("stops when the provider does not obey", () =>
    Effect.gen(function* () {
      const { fiber } = yield* rehearse(Effect.fail(new UpstreamError({ reason: "is deaf" })))
      yield* TestClock.adjust(10_000)
      expect(yield* Effect.flip(Fiber.join(fiber))).toMatchObject({ message: "The provider's process is deaf." })
    })
  )
})
