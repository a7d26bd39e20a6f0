/**
 * Calls through a circuit breaker, and what became of them.
 */
import { Deferred, Effect, type Exit, Fiber } from "effect"
import { CircuitBreaker, Policy } from "../../../src/index.ts"

export const up: Effect.Effect<string> = Effect.succeed("up")
export const down: Effect.Effect<never, string> = Effect.fail("down")

/** One call, by default a good one: its value, its error, or the state that turned it away. */
export const call = (
  breaker: CircuitBreaker.CircuitBreaker,
  effect: Effect.Effect<string, string> = up,
  options?: CircuitBreaker.CallOptions
): Effect.Effect<string> =>
  effect.pipe(
    CircuitBreaker.withCircuitBreaker(breaker, options),
    Effect.catch((error) => Effect.succeed(typeof error === "string" ? error : error.state))
  )

/** Several calls, one after the other. */
export const calls = (
  breaker: CircuitBreaker.CircuitBreaker,
  ...effects: ReadonlyArray<Effect.Effect<string, string>>
): Effect.Effect<ReadonlyArray<string>> => Effect.forEach(effects, (effect) => call(breaker, effect))

/** Several failing calls. */
export const fail = (
  breaker: CircuitBreaker.CircuitBreaker,
  times = 1,
  options?: CircuitBreaker.CallOptions
): Effect.Effect<void> => Effect.replicateEffect(call(breaker, down, options), times, { discard: true })

/** The error of a call that is turned away. */
export const rejection = (
  breaker: CircuitBreaker.CircuitBreaker,
  options?: CircuitBreaker.CallOptions
): Effect.Effect<CircuitBreaker.CircuitBreakerOpenError> =>
  Effect.die("not turned away").pipe(CircuitBreaker.withCircuitBreaker(breaker, options), Effect.flip)

export interface Running {
  readonly fiber: Fiber.Fiber<string, string | CircuitBreaker.CircuitBreakerOpenError>
  /** Ends the call and waits until the breaker knows. */
  readonly end: (exit: Effect.Effect<string, string>) => Effect.Effect<void>
  readonly interrupt: Effect.Effect<void>
  readonly exit: Effect.Effect<Exit.Exit<string, string | CircuitBreaker.CircuitBreakerOpenError>>
}

/** A call that runs until it is ended. */
export const start = (
  breaker: CircuitBreaker.CircuitBreaker,
  options?: CircuitBreaker.CallOptions
): Effect.Effect<Running> =>
  Effect.gen(function* () {
    const answer = yield* Deferred.make<string, string>()
    const fiber = yield* Deferred.await(answer).pipe(
      CircuitBreaker.withCircuitBreaker(breaker, options),
      Effect.forkDetach({ startImmediately: true })
    )
    return {
      fiber,
      end: (exit) => Effect.andThen(Deferred.complete(answer, exit), Fiber.await(fiber)).pipe(Effect.asVoid),
      interrupt: Fiber.interrupt(fiber),
      exit: Fiber.await(fiber)
    }
  })

export const snapshot = (
  breaker: CircuitBreaker.CircuitBreaker,
  key?: string
): Effect.Effect<CircuitBreaker.Snapshot> => Policy.snapshot({ snapshot: (now) => breaker.snapshot(now, key) })

export const stateOf = (
  breaker: CircuitBreaker.CircuitBreaker,
  key?: string
): Effect.Effect<CircuitBreaker.Snapshot["state"]> => Effect.map(snapshot(breaker, key), ({ state }) => state)
