/**
 * Test a resilient program in virtual time: an hour of outage takes milliseconds.
 *
 * With `@effect/vitest` the program would be the body of `it.effect`, which brings the `TestClock`.
 */
import { Console, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Pipeline, Policy, Resilience, Retry, Timeout } from "effect-resilience"
import { Laws, RecordedEvents, ScriptedService, Structure } from "effect-resilience/testing"
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

/** What must be true of the pipeline whatever happens, and what it is made of. */
const properties = Effect.gen(function* () {
  const pipeline = yield* llm
  Structure.expectAround(pipeline, Retry.Kind, Timeout.Kind)
  Structure.expectOptions(pipeline, Timeout.Kind, { duration: "5 seconds" })

  const { calls, runs } = yield* Laws.check(llm.pipe(Effect.provide(ResilienceTest)), { runs: 50 })
  yield* Console.log(`passed: ${runs} random runs with ${calls} calls`)
})

const llm = Effect.map(Policy.instanceOf(Pipeline.Kind, "llm"), (pipeline) => pipeline!)
const ResilienceTest = Resilience.layer({ services: { llm: { timeout: "5 seconds" } } })

const tests = Effect.andThen(test, properties)
await Effect.runPromise(tests.pipe(Effect.provide(ResilienceTest), Effect.provide(TestClock.layer())))
