/**
 * Several policies as one value, in an order that somebody has thought about.
 */
import { Console, Effect } from "effect"
import { Bulkhead, CircuitBreaker, Fallback, Pipeline, Retry, Timeout } from "effect-resilience"

const program = Effect.gen(function* () {
  // The recommended order, whatever the order of the keys.
  const pipeline = yield* Pipeline.make({
    service: "search",
    fallback: () => Effect.succeed<ReadonlyArray<string>>([]),
    deadline: "10 seconds",
    retry: { maxAttempts: 3, baseDelay: "200 millis", maxDelay: "1 second" },
    circuitBreaker: { tripPolicy: "time-window", failureRate: 0.5, openDuration: "5 seconds" },
    bulkhead: { maxConcurrent: 20, maxQueue: 100 },
    timeout: "2 seconds"
  })
  const hits: ReadonlyArray<string> = yield* Effect.succeed(["a", "b"]).pipe(pipeline.execute)
  yield* Console.log(`${hits.length} hits`)
  yield* Console.log(Pipeline.explain(pipeline))

  // Any other order is possible, and lint tells what is wrong with it.
  const strange = Pipeline.inOrder(
    [
      yield* Retry.make(),
      yield* Fallback.make(() => Effect.succeed([])),
      yield* Timeout.make({ duration: "1 second" }),
      yield* Bulkhead.make(),
      yield* CircuitBreaker.make()
    ],
    { service: "strange" }
  )
  for (const { message, rule, severity } of Pipeline.lint(strange)) {
    yield* Console.log(`${severity} ${rule}: ${message}`)
  }
})

await Effect.runPromise(program)
