/**
 * The policies of this library, with the same settings as the peers.
 */
import { Effect, Layer, Scope } from "effect"
import { Bulkhead, CircuitBreaker, Fallback, Pipeline, Resilience, Retry, Timeout } from "effect-resilience"
import { Logs, Spans } from "effect-resilience/telemetry"

const duration = "1 day"

export const breaker = CircuitBreaker.makeUnsafe({ openDuration: duration })
export const countBreaker = CircuitBreaker.makeUnsafe({ tripPolicy: "count-window", openDuration: duration })
export const timeBreaker = CircuitBreaker.makeUnsafe({ tripPolicy: "time-window", openDuration: duration })
export const failingBreaker = CircuitBreaker.makeUnsafe({ consecutiveFailures: 1_000_000_000 })
export const openBreaker = CircuitBreaker.makeUnsafe({ openDuration: duration })
Effect.runSync(openBreaker.trip)

/** A breaker whose window has so many calls and does not trip. */
export const windowOf = (windowSize: number): CircuitBreaker.CircuitBreaker =>
  CircuitBreaker.makeUnsafe({ tripPolicy: "count-window", windowSize, failureRate: 1 })

export const retry = Retry.makeUnsafe()
export const timeout = Timeout.makeUnsafe({ duration: "5 seconds" })
export const bulkhead = Bulkhead.makeUnsafe()

export const withFallback = <A, E>(self: Effect.Effect<A, E>) => Fallback.orElseSucceed(self, () => 0)

/** All five as one value. */
export const pipeline = Pipeline.makeUnsafe({
  fallback: () => Effect.succeed(0),
  retry: {},
  circuitBreaker: {},
  bulkhead: {},
  timeout: "5 seconds"
})

/** What is configured for a service by default, by itself. */
export const unobserved = Pipeline.makeUnsafe({ retry: {}, circuitBreaker: {}, bulkhead: {}, timeout: "5 seconds" })

/** The same in an application that has metrics, a log and traces. */
export const observed = Effect.runSync(
  Layer.buildWithScope(
    Layer.mergeAll(Logs.layer(), Spans.layer).pipe(
      Layer.provideMerge(Resilience.layer({ services: { bench: { timeout: "5 seconds" } } }))
    ),
    Scope.makeUnsafe()
  )
)

const observedPipeline = Effect.runSyncWith(observed)(Resilience.pipeline("bench"))!

export const withObserved = <A, E>(self: Effect.Effect<A, E>) => observedPipeline.execute(self)

export const withName = <A, E>(self: Effect.Effect<A, E>) => Resilience.protect(self, "bench")

/** All five, one around the other. */
export const withAll = <A, E>(self: Effect.Effect<A, E>) =>
  self.pipe(timeout.execute, bulkhead.execute, breaker.execute, retry.execute, withFallback)
