/**
 * Test a resilient program in virtual time: an hour of outage takes milliseconds.
 *
 * With `@effect/vitest` the program would be the body of `it.effect`, which brings the `TestClock`.
 */
import { Console, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Resilience } from "effect-resilience"
import { RecordedEvents, ScriptedService } from "effect-resilience/testing"
import assert from "node:assert/strict"

const test = Effect.gen(function* () {
  const recorded = RecordedEvents.make()
  const service = ScriptedService.make([ScriptedService.fail("down"), ScriptedService.hang, "an answer"])

  const fiber = yield* service.call.pipe(Resilience.protect("llm"), recorded.record, Effect.forkChild)
  yield* TestClock.adjust("1 hour")

  assert.equal(yield* Fiber.join(fiber), "an answer")
  assert.equal(service.calls(), 3)
  assert.deepEqual(recorded.tags(), [
    "CircuitBreakerFailure",
    "RetryScheduled",
    "TimeoutExceeded",
    "CircuitBreakerFailure",
    "RetryScheduled"
  ])
  yield* Console.log(`passed: ${recorded.tags().join(", ")}`)
})

const ResilienceTest = Resilience.layer({ services: { llm: { timeout: "5 seconds" } } })

await Effect.runPromise(test.pipe(Effect.provide(ResilienceTest), Effect.provide(TestClock.layer())))
