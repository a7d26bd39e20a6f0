import { expect, it } from "@effect/vitest"
import { Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Pipeline, Policy } from "../../../src/index.ts"

// All breakers of this file watch for slow calls, because one that does has waits noted for all.
it.effect.each([["is not slow", 0, 0] as const, ["is slow if it takes its time then", 200, 1] as const])(
  "a call that waited for its turn %s",
  ([, takesMillis, slowCalls]) =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        circuitBreaker: { tripPolicy: "time-window", slowCallDuration: "100 millis" },
        bulkhead: { maxConcurrent: 1 }
      })
      const [breaker, bulkhead] = pipeline.parts
      yield* TestClock.adjust("1 minute")
      const holder = yield* Effect.forkChild(Effect.sleep("1 second").pipe(bulkhead.execute), {
        startImmediately: true
      })
      const waiting = yield* Effect.forkChild(Effect.sleep(takesMillis).pipe(pipeline.execute), {
        startImmediately: true
      })
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.awaitAll([holder, waiting])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ successes: 1, slowCalls })
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ successes: 2 })
    })
)
