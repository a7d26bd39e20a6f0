/**
 * This library.
 */
import { Effect } from "effect"
import { Bulkhead, CircuitBreaker, Fallback, Pipeline, Retry, Timeout } from "effect-resilience"
import * as Effects from "../effects.ts"
import type { Keyed } from "../guards.ts"
import type { Peer } from "./Peer.ts"
import { type Limits, settings } from "./settings.ts"

interface Policy {
  readonly execute: Effects.Execute
  readonly executeWith?: (call: { readonly key: string }) => Effects.Execute
}

const of = (instance: () => Policy) => Effects.pattern(instance, (policy) => policy.execute)

const keyed =
  (instance: (keys: number) => Required<Policy>) =>
  (keys: number): Keyed => {
    const policy = instance(keys)
    return Effects.keyed((key) => policy.executeWith({ key }))
  }

const limits = ({ running, waiting }: Limits) => ({ maxConcurrent: running, maxQueue: waiting })

const breaker =
  (options: CircuitBreaker.OptionsInput) =>
  (maxKeys = 1): CircuitBreaker.CircuitBreaker =>
    CircuitBreaker.makeUnsafe({ openDuration: settings.openMillis, maxKeys, ...options })

const consecutive = (consecutiveFailures: number) => breaker({ consecutiveFailures })

const rate = { failureRate: settings.failureRate }

const count = (windowSize: number) =>
  breaker({ ...rate, tripPolicy: "count-window", windowSize, minimumCalls: windowSize })

const time = breaker({
  ...rate,
  tripPolicy: "time-window",
  windowDuration: settings.windowMillis,
  windowBuckets: settings.windowBuckets
})

const retry = { maxAttempts: settings.attempts }

/** All five as one value. */
export const pipeline = (bulkhead: Limits) =>
  Pipeline.makeUnsafe({
    fallback: () => Effect.succeed(0),
    retry,
    circuitBreaker: { consecutiveFailures: settings.consecutiveFailures, openDuration: settings.openMillis },
    bulkhead: limits(bulkhead),
    timeout: settings.timeoutMillis
  })

const openBreaker = consecutive(settings.consecutiveFailures)()
Effect.runSync(openBreaker.trip)

const full = Bulkhead.makeUnsafe({ maxConcurrent: 1, maxQueue: 0 })
Effect.runFork(full.execute(Effect.never))

export const ours: Peer = {
  name: "ours",
  consecutiveBreaker: of(consecutive(settings.consecutiveFailures)),
  countBreaker: (size) => of(count(size)),
  timeBreaker: of(time),
  patientBreaker: of(consecutive(settings.never)),
  openBreaker: of(() => openBreaker),
  retry: of(() => Retry.makeUnsafe(retry)),
  reluctantRetry: of(() => Retry.makeUnsafe(retry, { while: () => false })),
  hastyRetry: of(() =>
    Retry.makeUnsafe({ ...retry, strategy: "fixed", baseDelay: settings.shortMillis, jitter: "none" })
  ),
  timeout: of(() => Timeout.makeUnsafe({ duration: settings.timeoutMillis })),
  shortTimeout: of(() => Timeout.makeUnsafe({ duration: settings.shortMillis })),
  bulkhead: (bulkhead) => of(() => Bulkhead.makeUnsafe(limits(bulkhead))),
  fullBulkhead: of(() => full),
  fallback: of(() => Fallback.makeUnsafe(() => Effect.succeed(0))),
  stack: (bulkhead) => of(() => pipeline(bulkhead)),
  keyed: {
    consecutiveBreaker: keyed(consecutive(settings.consecutiveFailures)),
    countBreaker: keyed(count(settings.windowSize)),
    timeBreaker: keyed(time),
    bulkhead: keyed((maxKeys) => Bulkhead.makeUnsafe({ maxKeys, maxQueue: 100 }))
  }
}
