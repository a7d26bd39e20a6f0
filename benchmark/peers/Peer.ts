/**
 * What a library is compared by. One that lacks a pattern leaves it out.
 */
import type { Keyed, Pattern } from "../guards.ts"
import type { Limits } from "./settings.ts"

/** Patterns that keep a state for each key. */
export type KeyedPattern = "consecutiveBreaker" | "countBreaker" | "timeBreaker" | "bulkhead"

export interface Peer {
  readonly name: string
  /** Opens after some failures in a row. */
  readonly consecutiveBreaker?: Pattern | undefined
  /** Opens at a rate of failures among so many calls. */
  readonly countBreaker?: ((windowSize: number) => Pattern) | undefined
  /** Opens at a rate of failures within some time. */
  readonly timeBreaker?: Pattern | undefined
  /** Counts failures and stays closed. */
  readonly patientBreaker?: Pattern | undefined
  /** Its circuit is open. */
  readonly openBreaker?: Pattern | undefined
  readonly retry?: Pattern | undefined
  /** A retry for which no failure is worth another attempt. */
  readonly reluctantRetry?: Pattern | undefined
  /** A retry that waits a millisecond after each failure. */
  readonly hastyRetry?: Pattern | undefined
  readonly timeout?: Pattern | undefined
  /** A timeout of a millisecond. */
  readonly shortTimeout?: Pattern | undefined
  readonly bulkhead?: ((limits: Limits) => Pattern) | undefined
  /** One call runs in it for ever, and nobody may wait. */
  readonly fullBulkhead?: Pattern | undefined
  readonly fallback?: Pattern | undefined
  /** Fallback, retry, breaker, bulkhead and timeout, from the outside to the inside. */
  readonly stack?: ((limits: Limits) => Pattern) | undefined
  /** Instances by key, at least so many. */
  readonly keyed?: Readonly<Partial<Record<KeyedPattern, (keys: number) => Keyed>>> | undefined
}
