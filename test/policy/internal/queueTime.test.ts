import { expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Pipeline, Policy } from "../../../src/index.ts"

// The only breaker of this file, because any one that watches for slow calls has waits noted for all.
it.effect("a breaker that watches for slow calls does not hold the time in a queue against the dependency", () =>
  Effect.gen(function* () {
    const pipeline = yield* Pipeline.make({
      circuitBreaker: { tripPolicy: "time-window", slowCallDuration: "100 millis" },
      bulkhead: { maxConcurrent: 1 }
    })
    const [breaker, bulkhead] = pipeline.parts
    const holder = yield* Effect.forkChild(Effect.sleep("1 second").pipe(bulkhead.execute), { startImmediately: true })
    const waiting = yield* Effect.forkChild(Effect.void.pipe(pipeline.execute), { startImmediately: true })
    yield* TestClock.adjust("1 second")
    yield* Fiber.awaitAll([holder, waiting])
    expect(yield* Policy.snapshot(breaker)).toMatchObject({ successes: 1, slowCalls: 0 })
    expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ successes: 2 })
  })
)
