/**
 * Stop calling what keeps failing, and notice when it is well again.
 */
import { Console, Effect, Ref } from "effect"
import { CircuitBreaker, Policy } from "effect-resilience"

const program = Effect.gen(function* () {
  const isUp = yield* Ref.make(false)
  const prices = Effect.flatMap(Ref.get(isUp), (up) => (up ? Effect.succeed(42) : Effect.fail("down" as const)))

  const breaker = yield* CircuitBreaker.make({
    service: "prices",
    consecutiveFailures: 3,
    openDuration: "100 millis"
  })
  const price = prices.pipe(
    CircuitBreaker.withCircuitBreaker(breaker),
    Effect.catchTag("CircuitBreakerOpenError", (error) => Effect.succeed(`not asked: ${error.message}`)),
    Effect.orElseSucceed(() => "asked, and failed")
  )

  for (let call = 1; call <= 4; call++) yield* Console.log(`call ${call}: ${yield* price}`)

  yield* Ref.set(isUp, true)
  yield* Effect.sleep("120 millis")
  yield* Console.log(`after the open time: ${yield* price}`)

  const { rejections, state, transitions } = yield* Policy.snapshot(breaker)
  yield* Console.log(`${state} after ${transitions} transitions and ${rejections} rejection`)
})

await Effect.runPromise(program)
