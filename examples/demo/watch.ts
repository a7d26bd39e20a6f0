/**
 * What the library says about the protected side. Nothing is counted here: the numbers are those of its snapshots, and the
 * moves of the circuit are those that it announces.
 */
import { Duration, Effect, Option } from "effect"
import type { Scope } from "effect"
import { Bulkhead, CircuitBreaker, Policy, Retry } from "effect-resilience"
import { service } from "./protection.ts"
import type { Transition } from "./statistics.ts"
import type { Stopwatch } from "./stopwatch.ts"

/** The patterns at one moment. */
export interface Vitals {
  readonly breaker: { readonly state: string; readonly retryAfterMillis: number }
  readonly bulkhead: { readonly active: number; readonly limit: number; readonly queued: number }
  readonly retries: number
  /** Calls that the circuit breaker or the bulkhead turned away. */
  readonly rejections: number
  readonly openings: number
}

export interface Watch {
  readonly vitals: Effect.Effect<Vitals>
  /** The moves of the circuit so far. */
  readonly transitions: ReadonlyArray<Transition>
}

const running = <I extends Policy.Instance, Options>(kind: Policy.Kind<I, Options>) =>
  Policy.instanceOf(kind, service).pipe(Effect.flatMap(Effect.fromNullishOr), Effect.orDie)

export const start = (stopwatch: Stopwatch): Effect.Effect<Watch, never, Policy.ResilienceRegistry | Scope.Scope> =>
  Effect.gen(function* () {
    const breaker = yield* running(CircuitBreaker.Kind)
    const bulkhead = yield* running(Bulkhead.Kind)
    const retry = yield* running(Retry.Kind)

    const transitions: Array<Transition> = []
    const leave = breaker.onTransition(({ to }) => transitions.push({ to, atMillis: stopwatch.elapsedMillis() }))
    yield* Effect.addFinalizer(() => Effect.sync(leave))

    const vitals = Effect.gen(function* () {
      const { rejections, retryAfter, state } = yield* Policy.snapshot(breaker)
      const { active, limit, queued, rejected } = yield* Policy.snapshot(bulkhead)
      const { retries } = yield* Policy.snapshot(retry)
      return {
        breaker: { state, retryAfterMillis: Option.match(retryAfter, { onNone: () => 0, onSome: Duration.toMillis }) },
        bulkhead: { active, limit, queued },
        retries,
        rejections: rejections + rejected,
        openings: transitions.filter(({ to }) => to === "Open").length
      }
    })

    return { vitals, transitions }
  })
