/**
 * Our circuit breaker as Effect's own, for everything that takes one, such as `HttpClient.withCircuitBreaker`.
 *
 * **Details**
 *
 * Effect's interface is experimental, and so is this module: it has a subpath of its own.
 *
 * **Example** (Behind an HTTP client)
 *
 * ```ts no-run
 * import { Effect } from "effect"
 * import { HttpClient } from "effect/http"
 * import { CircuitBreaker } from "effect-resilience"
 * import * as EffectCircuitBreaker from "effect-resilience/persistence"
 *
 * export const program = Effect.gen(function* () {
 *   const breaker = EffectCircuitBreaker.fromCircuitBreaker(yield* CircuitBreaker.make({ service: "api" }))
 *   const client = (yield* HttpClient.HttpClient).pipe(HttpClient.withCircuitBreaker({ breaker }))
 *   return yield* client.get("https://example.com")
 * })
 * ```
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import { dual } from "effect/Function"
import * as Latch from "effect/Latch"
import * as Layer from "effect/Layer"
import * as EffectCircuitBreaker from "effect/persistence/CircuitBreaker"
import * as Queue from "effect/Queue"
import * as Stream from "effect/Stream"
import * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Outcome from "../policy/Outcome.ts"
import * as Policy from "../policy/Policy.ts"
import * as Judgement from "./internal/judgement.ts"
import { rejectionOf, stateOf, transitionOf } from "./internal/translation.ts"

/**
 * A breaker with Effect's interface. Each key has a circuit of its own.
 *
 * **Details**
 *
 * An isolated circuit is shown as open, for ever. The classifiers of calls follow Effect's rules: they may be effects, and a
 * call whose classifier dies is ignored. Without one, the call is judged as by our own breaker; a rejection by another of
 * Effect's breakers is ignored as well.
 */
export const fromCircuitBreaker = (breaker: CircuitBreaker.CircuitBreaker): EffectCircuitBreaker.CircuitBreaker =>
  adapt(breaker, Effect.never)

/** Effect's breaker, backed by the breaker of a service. Its transitions end with the layer. */
export const layer = (
  service: string
): Layer.Layer<EffectCircuitBreaker.CircuitBreaker, never, Policy.ResilienceRegistry> =>
  Layer.effect(
    EffectCircuitBreaker.CircuitBreaker,
    Effect.gen(function* () {
      const breaker = yield* Policy.instanceOf(CircuitBreaker.Kind, service)
      const closed = yield* Latch.make()
      yield* Effect.addFinalizer(() => closed.open)
      return adapt(breaker ?? CircuitBreaker.makeUnsafe({ service, mode: "disabled" }), closed.await)
    })
  )

/** `end` succeeds when there will be no more transitions. */
const adapt = (
  breaker: CircuitBreaker.CircuitBreaker,
  end: Effect.Effect<void>
): EffectCircuitBreaker.CircuitBreaker => {
  const execute = (
    self: Effect.Effect<unknown, unknown, unknown>,
    { classify, key }: { readonly key: string; readonly classify?: Judgement.Classify | undefined }
  ): Effect.Effect<unknown, unknown, unknown> =>
    Effect.suspend(() => {
      let isAdmitted = false
      let outcome: Outcome.Outcome = Outcome.ignored
      const admitted = Effect.suspend(() => {
        isAdmitted = true
        return Effect.exit(self)
      })
      const judged = Effect.flatMap(admitted, (exit) =>
        Judgement.isInterruption(exit)
          ? exit
          : Effect.matchCauseEffect(Judgement.judge(exit, classify), {
              onFailure: (cause) => Effect.failCause(Exit.isFailure(exit) ? Cause.combine(exit.cause, cause) : cause),
              onSuccess: (judgement) => {
                outcome = judgement
                return exit
              }
            })
      )
      return judged.pipe(
        breaker.executeWith({ key, classify: () => outcome }),
        Effect.mapError((error) =>
          !isAdmitted && error instanceof CircuitBreaker.CircuitBreakerOpenError ? rejectionOf(key, error) : error
        )
      )
    })
  return EffectCircuitBreaker.CircuitBreaker.of({
    [EffectCircuitBreaker.TypeId]: EffectCircuitBreaker.TypeId,
    execute: dual(2, execute),
    state: (key) =>
      Effect.withFiber((fiber) => Effect.succeed(stateOf(breaker.snapshot(Policy.monotonicMillis(fiber), key), key))),
    transitions: Stream.callback<EffectCircuitBreaker.Transition>(
      (queue) => {
        const listen = Effect.sync(() =>
          breaker.onTransition((transition) => {
            const known = transitionOf(transition)
            if (known !== undefined) Queue.offerUnsafe(queue, known)
          })
        )
        return Effect.acquireRelease(listen, (stop) => Effect.sync(stop)).pipe(
          Effect.andThen(end),
          Effect.andThen(Queue.end(queue))
        )
      },
      { bufferSize: 128, strategy: "sliding" }
    )
  })
}
