/**
 * Try again when it makes sense: as soon as the dependency allows, and not without end.
 */
import { Console, Data, Duration, Effect, Ref, Schedule } from "effect"
import { Retry } from "effect-resilience"

class Busy extends Data.TaggedError("Busy")<{ readonly retryAfter: Duration.Duration }> {}
class BadRequest extends Data.TaggedError("BadRequest")<{ readonly status: 400 }> {}

const program = Effect.gen(function* () {
  const retry = yield* Retry.make({ service: "api", maxAttempts: 4, baseDelay: "10 millis" })
  const calls = yield* Ref.make(0)

  // An error may say when to come back. That is never undercut.
  const busyTwice = Effect.gen(function* () {
    const call = yield* Ref.updateAndGet(calls, (n) => n + 1)
    if (call <= 2) return yield* new Busy({ retryAfter: Duration.millis(30) })
    return call
  })
  const [time, call] = yield* Effect.timed(busyTwice.pipe(Retry.withRetry(retry)))
  yield* Console.log(`call ${call} succeeded; waited at least 60 ms: ${Duration.toMillis(time) >= 60}`)

  // A status of 400 will be 400 again, so it is not retried, and the error is the one that was raised.
  const error = yield* Effect.fail(new BadRequest({ status: 400 })).pipe(Retry.withRetry(retry), Effect.flip)
  yield* Console.log(`${error._tag} after 1 call`)

  // With "wrap", the causes of all attempts are kept.
  const exhausted = yield* Effect.fail("timeout" as const).pipe(
    Retry.withRetry(retry, { onExhausted: "wrap" }),
    Effect.catchTag("RetryExhaustedError", (error) => Effect.succeed(error.attempts))
  )
  yield* Console.log(`gave up after ${exhausted} attempts`)

  // The delays alone are a Schedule, for everything that takes one.
  const delay = yield* Effect.repeat(
    Effect.succeed("tick"),
    Retry.schedule({ strategy: "linear", baseDelay: "5 millis", jitter: "none", maxAttempts: 3 }).pipe(
      Schedule.tap(({ attempt }) => Console.log(`tick ${attempt}`))
    )
  )
  yield* Console.log(`last delay: ${Duration.format(delay)}`)
})

await Effect.runPromise(program)
