/**
 * What can be attacked, and how.
 */
import type { Effect, Scope } from "effect"
import type { Policy, ResilienceConfig } from "effect-resilience"

/** One way to break a dependency. */
export interface Fault {
  readonly begin: Effect.Effect<unknown>
  /** The dependency can be used again when the effect succeeds. */
  readonly end: Effect.Effect<unknown>
  /** Proof that it is broken in the way it should be; asked in the middle of it. */
  readonly isReal?: () => boolean
}

/** A dependency in a process of its own, and a client of it. */
export interface Target {
  readonly service: string
  /** Connects; the result is one protected call. */
  readonly connect: Effect.Effect<
    Effect.Effect<unknown, unknown, Policy.ResilienceRegistry>,
    never,
    Scope.Scope | Policy.ResilienceRegistry
  >
  /** Requests that the dependency is still busy with, and connections that it sees; 0 if it cannot tell. */
  readonly requests: Effect.Effect<number>
  readonly connections: Effect.Effect<number>
  readonly faults: ReadonlyArray<string>
  readonly fault: (name: string) => Fault
}

/** All patterns, with short times: a fault lasts less than a second. */
export const patterns = {
  deadline: 700,
  retry: { maxAttempts: 3, baseDelay: 20 },
  circuitBreaker: { consecutiveFailures: 5, openDuration: 300 },
  bulkhead: { maxConcurrent: 32, maxQueue: 64 },
  timeout: 200
} satisfies NonNullable<ResilienceConfig.ConfigInput["services"]>[string]
