/**
 * All five patterns together, and what surrounds them in an application.
 */
import { Effect, Layer, Scope } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Fallback,
  Pipeline,
  type Policy,
  Resilience,
  Retry,
  Timeout
} from "effect-resilience"
import { Logs, Spans } from "effect-resilience/telemetry"
import type { Case, Targets } from "../case.ts"
import { type Execute, guarding } from "../effects.ts"
import type { Guard } from "../guards.ts"
import type { Enclosing } from "../loops.ts"
import type { Ending } from "../operations.ts"
import { pipeline } from "../peers/ours.ts"
import type { Peer } from "../peers/Peer.ts"
import { plenty, settings } from "../peers/settings.ts"
import { compare } from "./compare.ts"
import { timed } from "./timed.ts"

/** An application that has metrics, a log and traces. */
const observed = Effect.runSync(
  Layer.buildWithScope(
    Layer.mergeAll(Logs.layer(), Spans.layer).pipe(
      Layer.provideMerge(Resilience.layer({ services: { bench: { timeout: "5 seconds" } } }))
    ),
    Scope.makeUnsafe()
  )
)

const inApplication: Enclosing<Policy.ResilienceRegistry> = Effect.provideContext(observed)

const inSpan: Enclosing<never> = Effect.withSpan("request")

const alone: Enclosing<never> = (loop) => loop

const byInstance: Execute = Effect.runSyncWith(observed)(Resilience.pipeline("bench"))!.execute

const byName: Execute<Policy.ResilienceRegistry> = (self) => Resilience.protect(self, "bench")

/** What is configured for a service by default, without an application around it. */
const unobserved: Execute = Pipeline.makeUnsafe({
  retry: { budget: {} },
  circuitBreaker: {},
  bulkhead: {},
  timeout: settings.timeoutMillis
}).execute

const five: Execute = pipeline(plenty).execute

const timeout = Timeout.makeUnsafe({ duration: settings.timeoutMillis })
const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: plenty.running })
const breaker = CircuitBreaker.makeUnsafe()
const retry = Retry.makeUnsafe()

const piped: Execute = (self) =>
  self.pipe(
    timeout.execute,
    bulkhead.execute,
    breaker.execute,
    retry.execute,
    Fallback.orElseSucceed(() => 0)
  )

const all = (peer: Peer) => peer.stack?.(plenty)

/** The same calls in two circumstances, the second of which is what the first is measured by. */
const against = (
  name: string,
  targets: Targets,
  ending: Ending,
  variants: () => Readonly<Record<string, Guard>>
): Case =>
  timed(`${name}, ${ending}`, targets, () =>
    Object.fromEntries(Object.entries(variants()).map(([variant, guard]) => [variant, guard.around(ending)]))
  )

const circumstances = (ending: Ending): ReadonlyArray<Case> => [
  against("metrics, log and traces on, against off", { off: 1.1 }, ending, () => ({
    ours: guarding(byInstance, inApplication),
    off: guarding(unobserved, alone)
  })),
  against("by name, against by instance", { instance: 1.3 }, ending, () => ({
    ours: guarding(byName, inApplication),
    instance: guarding(byInstance, inApplication)
  })),
  against("in a span, against outside", {}, ending, () => ({
    ours: guarding(five, inSpan),
    outside: guarding(five, alone)
  })),
  against("piped, against as one pipeline", {}, ending, () => ({
    ours: guarding(piped, alone),
    pipeline: guarding(five, alone)
  }))
]

export const stack: ReadonlyArray<Case> = [
  compare("five patterns, immediate", "immediate", all),
  compare("five patterns, asynchronous", "asynchronous", all, { cockatiel: 0.3, effect: 0.2 }),
  ...circumstances("immediate"),
  ...circumstances("asynchronous")
]
