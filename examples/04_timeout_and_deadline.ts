/**
 * A time limit for each attempt, and a deadline for all of them together.
 */
import { Console, Duration, Effect, Option } from "effect"
import { Deadline, Retry, Timeout } from "effect-resilience"

const program = Effect.gen(function* () {
  const retry = yield* Retry.make({ service: "search", maxAttempts: 10, baseDelay: "20 millis" })

  const hanging = Effect.gen(function* () {
    const left = yield* Deadline.remaining
    yield* Console.log(`attempt, ${Option.isSome(left) ? "with a deadline" : "without a deadline"}`)
    return yield* Effect.never
  })

  const [time, error] = yield* hanging.pipe(
    Timeout.withTimeout("50 millis"),
    Retry.withRetry(retry),
    Deadline.withDeadline("200 millis"),
    Effect.flip,
    Effect.timed
  )

  yield* Console.log(error.message)
  yield* Console.log(`within the deadline: ${Duration.toMillis(time) < 300}`)
})

await Effect.runPromise(program)
