/**
 * Not too many at once: two run, two wait, the others are turned away at once.
 */
import { Console, Effect, Fiber } from "effect"
import { Bulkhead, Policy } from "effect-resilience"

const program = Effect.gen(function* () {
  const bulkhead = yield* Bulkhead.make({ service: "reports", maxConcurrent: 2, maxQueue: 2, queueTimeout: "1 second" })

  const report = (name: string) =>
    Effect.sleep("30 millis").pipe(
      Bulkhead.withBulkhead(bulkhead),
      Effect.as(`${name}: done`),
      Effect.catchTag("BulkheadRejectedError", (error) => Effect.succeed(`${name}: rejected, ${error.reason}`))
    )

  const all = yield* Effect.forkChild(Effect.forEach(["a", "b", "c", "d", "e"], report, { concurrency: "unbounded" }), {
    startImmediately: true
  })
  const { active, queued } = yield* Policy.snapshot(bulkhead)
  yield* Console.log(`${active} run, ${queued} wait`)

  // An operator raises the limit: those who wait start at once.
  yield* bulkhead.resize(4)
  yield* Console.log(`after the resize ${(yield* Policy.snapshot(bulkhead)).active} run`)

  for (const line of yield* Fiber.join(all)) yield* Console.log(line)
})

await Effect.runPromise(program)
