/**
 * What is compared with what, and how much it may cost.
 */
import { Effect } from "effect"
import { awaiting, inFiber, inFiberWith } from "./loops.ts"
import { asynchronous, bare, call, failing, failingCall, immediate } from "./operations.ts"
import * as cockatiel from "./peers/cockatiel.ts"
import * as effect from "./peers/effect.ts"
import * as ours from "./peers/ours.ts"
import type { Variant } from "./runner.ts"

export type Peer = "effect" | "cockatiel" | "reference"

export interface Case {
  readonly name: string
  readonly variants: Readonly<{ ours: Variant } & Partial<Record<Peer, Variant>>>
  /** The added cost, at most, as a multiple of that of a peer. */
  readonly targets: Readonly<Partial<Record<Peer, number>>>
}

type Guard = (self: Effect.Effect<number, string>) => Effect.Effect<unknown, unknown>

const immediately = (guard: Guard): Variant => ({ bare: bare.immediate, guarded: inFiber(() => guard(immediate)) })

const asynchronously = (guard: Guard): Variant => ({
  bare: bare.asynchronous,
  guarded: inFiber(() => guard(asynchronous))
})

const rejecting = (guard: Guard): Variant => ({
  bare: bare.failing,
  guarded: inFiber(() => Effect.ignore(guard(immediate)))
})

const promise = (guarded: () => Promise<unknown>): Variant => ({ bare: bare.call, guarded: awaiting(guarded) })

/** The cheapest way to look at every result of an effect. */
const looking: Guard = (self) =>
  Effect.matchCauseEffect(self, {
    onFailure: (cause) => Effect.failCause(cause),
    onSuccess: (value) => Effect.succeed(value)
  })

const [small, large] = [ours.windowOf(10), ours.windowOf(100_000)]

export const cases: ReadonlyArray<Case> = [
  {
    name: "closed breaker, consecutive failures",
    variants: {
      ours: immediately(ours.breaker.execute),
      reference: immediately(looking),
      effect: immediately(effect.withBreaker),
      cockatiel: promise(() => cockatiel.breaker.execute(call))
    },
    targets: { reference: 3, effect: 1 / 15 }
  },
  {
    name: "closed breaker, count window",
    variants: {
      ours: immediately(ours.countBreaker.execute),
      reference: immediately(looking),
      effect: immediately(effect.withBreaker)
    },
    targets: { reference: 3, effect: 1 / 15 }
  },
  {
    name: "closed breaker, time window",
    variants: {
      ours: immediately(ours.timeBreaker.execute),
      reference: immediately(looking),
      effect: immediately(effect.withBreaker)
    },
    targets: { reference: 5, effect: 1 / 10 }
  },
  {
    name: "closed breaker, window of 100,000 against 10",
    variants: { ours: immediately(large.execute), reference: immediately(small.execute) },
    targets: { reference: 1.2 }
  },
  {
    name: "closed breaker, one of many keys",
    variants: {
      ours: immediately(ours.breaker.executeWith({ key: "tenant" })),
      effect: immediately(effect.withBreaker)
    },
    targets: { effect: 1 / 10 }
  },
  {
    name: "rejection by an open circuit",
    variants: {
      ours: rejecting(ours.openBreaker.execute),
      effect: rejecting(effect.withOpenBreaker),
      cockatiel: {
        bare: bare.failingCall,
        guarded: awaiting(() => cockatiel.openBreaker.execute(call).catch(() => 0))
      }
    },
    targets: { effect: 1 / 5 }
  },
  {
    name: "counted failure",
    variants: {
      ours: { bare: bare.failing, guarded: inFiber(() => Effect.ignore(ours.failingBreaker.execute(failing))) },
      cockatiel: {
        bare: bare.failingCall,
        guarded: awaiting(() => cockatiel.failingBreaker.execute(failingCall).catch(() => 0))
      }
    },
    targets: {}
  },
  {
    name: "retry that succeeds at once",
    variants: {
      ours: immediately(ours.retry.execute),
      effect: immediately(effect.withRetry),
      cockatiel: promise(() => cockatiel.retrying.execute(call))
    },
    targets: { effect: 1 / 3 }
  },
  {
    name: "timeout that is not reached, asynchronous",
    variants: {
      ours: asynchronously(ours.timeout.execute),
      effect: asynchronously(effect.withTimeout),
      cockatiel: promise(() => cockatiel.limited.execute(call))
    },
    targets: { effect: 0.6 }
  },
  {
    name: "bulkhead that is not full",
    variants: {
      ours: immediately(ours.bulkhead.execute),
      effect: immediately(effect.withBulkhead),
      cockatiel: promise(() => cockatiel.guarded.execute(call))
    },
    targets: { effect: 2 }
  },
  {
    name: "fallback that is not needed",
    variants: {
      ours: immediately(ours.withFallback),
      effect: immediately(effect.withFallback),
      cockatiel: promise(() => cockatiel.answering.execute(call))
    },
    targets: {}
  },
  {
    name: "all five, immediate",
    variants: {
      ours: immediately(ours.pipeline.execute),
      effect: immediately(effect.withAll),
      cockatiel: promise(() => cockatiel.all.execute(call))
    },
    targets: { effect: 1 / 3 }
  },
  {
    name: "all five, asynchronous",
    variants: {
      ours: asynchronously(ours.pipeline.execute),
      effect: asynchronously(effect.withAll),
      cockatiel: promise(() => cockatiel.all.execute(call))
    },
    targets: { effect: 1 / 3 }
  },
  {
    name: "all five piped, asynchronous",
    variants: { ours: asynchronously(ours.withAll), effect: asynchronously(effect.withAll) },
    targets: { effect: 1 / 3 }
  },
  {
    name: "protect with metrics, log and traces on, against off, immediate",
    variants: {
      ours: { bare: bare.immediate, guarded: inFiberWith(ours.observed, () => ours.withObserved(immediate)) },
      reference: immediately(ours.unobserved.execute)
    },
    targets: { reference: 1.1 }
  },
  {
    name: "protect with metrics, log and traces on, against off, asynchronous",
    variants: {
      ours: { bare: bare.asynchronous, guarded: inFiberWith(ours.observed, () => ours.withObserved(asynchronous)) },
      reference: asynchronously(ours.unobserved.execute)
    },
    targets: { reference: 1.1 }
  },
  {
    name: "protect by name, against by instance",
    variants: {
      ours: { bare: bare.asynchronous, guarded: inFiberWith(ours.observed, () => ours.withName(asynchronous)) },
      reference: {
        bare: bare.asynchronous,
        guarded: inFiberWith(ours.observed, () => ours.withObserved(asynchronous))
      }
    },
    targets: { reference: 1.3 }
  }
]
