/**
 * Many hours under the test clock: every call has a key of its own, and all of them go through the whole pipeline.
 */
import { Clock, Duration, Effect, type Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Policy, Resilience } from "effect-resilience"
import { add, endingOf, type Endings } from "../support/endings.ts"
import * as Fibers from "../support/fibers.ts"
import * as Heap from "../support/heap.ts"
import { activeResources } from "../support/resources.ts"
import * as Dependency from "./dependency.ts"

/** How long, and how many. */
export interface Options {
  readonly hours: number
  readonly calls: number
}

/** The heap at one moment, after garbage collection. */
export interface Checkpoint {
  readonly calls: number
  readonly hours: number
  readonly heapBytes: number
}

/** What is true in the end. */
export interface Result {
  /** What became of the calls with a key, and what had to become of them. */
  readonly endings: Endings
  readonly expected: Endings
  readonly checkpoints: ReadonlyArray<Checkpoint>
  /** The calls without a key, whose dependency is away for ten minutes of every hour. */
  readonly shared: { readonly calls: number; readonly recoveries: number; readonly state: string }
  readonly totals: { readonly successes: number; readonly failures: number; readonly interrupted: number }
  /** Events of calls that failed. */
  readonly failuresTold: number
  readonly instances: { readonly before: number; readonly after: number }
  /** Keys whose circuit has opened: how many of the latest and of the older ones are still known. */
  readonly latestKeys: { readonly all: number; readonly known: number }
  readonly olderKeys: { readonly all: number; readonly known: number }
  readonly left: Readonly<Record<"running calls" | "queued calls" | "fibers" | "timers", number>>
}

/** How many keys a policy may know. */
export const maxKeys = 10_000
/** How often the heap is looked at. */
export const checkpoints = 20

const service = "llm"
const SETS_PER_DAY = 4_000
const HOUR = Duration.toMillis("1 hour")
const OUTAGE = Duration.toMillis("10 minutes")
/** Every so many keys are used twice at once: the second call waits for the first. */
const TWINS = 50

const layer = Resilience.layer({
  services: {
    [service]: {
      deadline: "30 seconds",
      retry: { maxAttempts: 3, baseDelay: "100 millis", maxKeys },
      circuitBreaker: { consecutiveFailures: 3, openDuration: "2 minutes", maxKeys },
      bulkhead: { maxConcurrent: 1, maxQueue: 10, maxKeys },
      timeout: "5 seconds"
    }
  }
})

const keyOf = (n: number): string => `user-${n}`

/** Runs all of it; `onCheckpoint` hears how far it is. */
export const run = (
  { calls, hours }: Options,
  onCheckpoint: (checkpoint: Checkpoint) => void
): Effect.Effect<Result, Error> =>
  Effect.gen(function* () {
    const registry = yield* Policy.ResilienceRegistry
    const breaker = registry.get(CircuitBreaker.Kind, service)
    const bulkhead = registry.get(Bulkhead.Kind, service)
    const pipeline = yield* Resilience.pipeline(service)
    if (breaker === undefined || bulkhead === undefined || pipeline === undefined) {
      return yield* Effect.fail(new Error("a part of the pipeline is switched off"))
    }
    const [endings, expected]: [Endings, Endings] = [new Map(), new Map()]
    const seen: Array<Checkpoint> = []
    const fibers = Fibers.make()
    let failuresTold = 0
    let recoveries = 0
    yield* Policy.subscribe(({ _tag, attributes }) => {
      if (_tag === "CallFailed") failuresTold++
      if (_tag === "CircuitBreakerTransition" && attributes["to"] === "Closed") recoveries++
    })

    const start = <E, R>(call: Effect.Effect<void, E, R>) => Effect.forkChild(call, { startImmediately: true })
    const startWithKey = <E>(call: Effect.Effect<void, E>, key: string) =>
      call.pipe(
        Resilience.protect(service, { key }),
        Effect.onExit((exit) => Effect.sync(() => add(endings, endingOf(exit)))),
        start
      )

    const sets = Math.max(checkpoints, Math.round((SETS_PER_DAY * hours) / 24))
    const setMillis = (hours * HOUR) / sets
    const callsUntil = (set: number): number => Math.round((set * calls) / sets)

    /** The calls of a few seconds, and then time for all of them to end. */
    const oneSet = Effect.fnUntraced(function* (from: number, to: number) {
      const leaving: Array<Fiber.Fiber<void, unknown>> = []
      for (let n = from; n < to; n++) {
        const fiber = yield* startWithKey(Dependency.call(n), keyOf(n))
        add(expected, Dependency.endingOf(n))
        if (Dependency.isGivenUp(n)) leaving.push(fiber)
        if (n % TWINS !== 0) continue
        yield* startWithKey(Effect.void, keyOf(n))
        add(expected, "success")
      }
      const isOutage = (yield* Clock.currentTimeMillis) % HOUR < OUTAGE
      yield* start(Resilience.protect(isOutage ? Effect.fail("down") : Effect.void, service))
      yield* TestClock.adjust("1 second")
      for (const fiber of leaving) fiber.interruptUnsafe()
      yield* TestClock.adjust(setMillis - 1_000)
    })

    const instancesBefore = registry.instances().length
    const timersBefore = activeResources("Timeout")
    const whole = Effect.gen(function* () {
      for (let set = 1; set <= sets; set++) {
        yield* oneSet(callsUntil(set - 1), callsUntil(set))
        if (set % Math.ceil(sets / checkpoints) !== 0) continue
        const checkpoint = { calls: callsUntil(set), hours: (set * setMillis) / HOUR, heapBytes: Heap.usedBytes() }
        seen.push(checkpoint)
        onCheckpoint(checkpoint)
      }
      yield* TestClock.adjust("1 minute")
    })
    yield* fibers.count(whole)

    const now = Policy.monotonicMillisOf(yield* Clock.Clock)
    const openedAmong = (from: number, to: number) => {
      const count = { all: 0, known: 0 }
      for (let n = Math.max(0, from); n < to; n++) {
        if (!Dependency.isDown(n)) continue
        count.all++
        if (breaker.snapshot(now, keyOf(n)).openings > 0) count.known++
      }
      return count
    }
    const perHalfHour = Math.floor(calls / hours / 2)
    const { active, queued } = bulkhead.snapshot(now)
    const { failures, interrupted, successes } = pipeline.snapshot(now)
    return {
      endings,
      expected,
      checkpoints: seen,
      shared: { calls: sets, recoveries, state: breaker.snapshot(now).state },
      totals: { successes, failures, interrupted },
      failuresTold,
      instances: { before: instancesBefore, after: registry.instances().length },
      latestKeys: openedAmong(calls - Math.min(maxKeys, perHalfHour), calls),
      olderKeys: openedAmong(0, calls - maxKeys),
      left: {
        "running calls": active,
        "queued calls": queued,
        fibers: fibers.active(),
        timers: activeResources("Timeout") - timersBefore
      }
    }
  }).pipe(Effect.scoped, Effect.provide(Layer.merge(layer, TestClock.layer())))
