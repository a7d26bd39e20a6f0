import { describe, expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import * as Director from "../../examples/demo/director.ts"
import { planDay } from "../../examples/demo/script-of-the-day.ts"
import * as Stopwatch from "../../examples/demo/stopwatch.ts"
import { type Upstream, UpstreamError } from "../../examples/demo/upstream-process.ts"

const plan = planDay(10_000)

const rehearse = (start: Effect.Effect<void, UpstreamError> = Effect.void) =>
  Effect.gen(function* () {
    const stopwatch = yield* Stopwatch.start
    const log: Array<string> = []
    const note = (text: string) => Effect.sync(() => void log.push(`${stopwatch.elapsedMillis()} ${text}`))
    const upstream: Upstream = {
      url: "",
      callsOf: () => ({ total: 0, inVain: 0 }),
      countFromZero: () => undefined,
      behave: (behaviour) => note(plan.find((phase) => phase.behaviour === behaviour)!.name),
      kill: note("kill"),
      start: Effect.andThen(note("start"), start),
      supervise: Effect.never
    }
    const director = Director.make(plan, upstream, stopwatch)
    const fiber = yield* Effect.forkChild(director.play)
    return { director, fiber, log }
  })

describe("the director", () => {
  it.effect("plays every phase when it is due, and restarts the provider in good time", () =>
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
        "7000 start",
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

  it.effect("waits for a provider that takes long to start", () =>
    Effect.gen(function* () {
      const { director } = yield* rehearse(Effect.sleep(1200))
      yield* TestClock.adjust(10_000)
      expect(director.recoveredAtMillis()).toBe(8200)
    })
  )

  it.effect("stops when the provider cannot be started", () =>
    Effect.gen(function* () {
      const { fiber } = yield* rehearse(Effect.fail(new UpstreamError({ reason: "is gone" })))
      yield* TestClock.adjust(10_000)
      expect(yield* Effect.flip(Fiber.join(fiber))).toMatchObject({ message: "The provider's process is gone." })
    })
  )
})
