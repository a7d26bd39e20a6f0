/**
 * One fault under load: what the callers went through, and what was left behind.
 */
import { Clock, type Duration, Effect, Exit, FiberSet, Schedule, Scope } from "effect"
import { Bulkhead, CircuitBreaker, Deadline, Policy, Resilience } from "effect-resilience"
import { monitorEventLoopDelay } from "node:perf_hooks"
import { add, endingOf, type Endings, total } from "../support/endings.ts"
import * as Fibers from "../support/fibers.ts"
import { activeResources } from "../support/resources.ts"
import { type Fault, patterns, type Target } from "./target.ts"

/** How much load, and how long the fault lasts. */
export interface Settings {
  readonly ratePerSecond: number
  readonly healthyMillis: number
  readonly faultMillis: number
}

/** What was seen. */
export interface Report {
  readonly sent: number
  readonly endings: Endings
  /** Calls that did not succeed while the fault lasted, and openings of the circuit. */
  readonly felt: { readonly isReal: boolean; readonly failures: number; readonly openings: number }
  readonly longestMillis: number
  /** From the end of the fault to the first answer to a call that began after it; `Infinity` if there was none. */
  readonly recoveryMillis: number
  readonly stateInTheEnd: string
  /** How long this process stood still at most: other programs had the processor. */
  readonly stallMillis: number
  readonly unhandled: ReadonlyArray<string>
  readonly totals: {
    readonly pipeline: { readonly successes: number; readonly failures: number; readonly interrupted: number }
    readonly deadline: number
    readonly breaker: number
    readonly bulkhead: number
    readonly failuresTold: number
  }
  readonly left: Readonly<Record<string, number>>
}

const PATIENCE_MILLIS = 30
/** Every so many callers go away early. */
const IMPATIENT = 10
const SETTLING = "3 seconds"
/** Clients and test runners have a few timers of their own; forgotten ones would be as many as there were calls. */
const OTHER_TIMERS = 4

const sum = (...counts: ReadonlyArray<number>): number => counts.reduce((total, count) => total + count, 0)

/** Waits until nothing is left of something, for a while; what is left then is a leak. */
const remaining = (count: Effect.Effect<number>, within: Duration.Input = SETTLING): Effect.Effect<number> =>
  count.pipe(
    Effect.repeat({ until: (count) => count <= 0, schedule: Schedule.spaced("5 millis") }),
    Effect.timeoutOrElse({ duration: within, orElse: () => count }),
    Effect.map((count) => Math.max(0, count))
  )

const listenForUnhandled = Effect.acquireRelease(
  Effect.sync(() => {
    const seen: Array<string> = []
    const hear = (error: unknown) => void seen.push(String(error))
    process.on("unhandledRejection", hear)
    process.on("uncaughtExceptionMonitor", hear)
    return { seen, hear }
  }),
  ({ hear }) =>
    Effect.sync(() => {
      process.off("unhandledRejection", hear)
      process.off("uncaughtExceptionMonitor", hear)
    })
)

/** Waits for something, for a while; whether it came is for the claims to say. */
const waitFor = (isThere: () => boolean): Effect.Effect<unknown> =>
  Effect.sync(isThere).pipe(
    Effect.repeat({ until: (is) => is, schedule: Schedule.spaced("5 millis") }),
    Effect.timeoutOption(SETTLING)
  )

/** Breaks the target while it is used, repairs it, and waits until it works again. */
export const run = (target: Target, name: string, settings: Settings): Effect.Effect<Report> =>
  Effect.gen(function* () {
    const fault = target.fault(name)
    const { seen: unhandled } = yield* listenForUnhandled
    const before = { timers: activeResources("Timeout"), sockets: activeResources("TCP") }
    const stall = monitorEventLoopDelay({ resolution: 5 })
    const client = yield* Scope.make()
    const used = yield* underLoad(target, fault, settings, stall).pipe(
      Scope.provide(client),
      Effect.provide(Resilience.layer({ services: { [target.service]: patterns } }))
    )
    yield* Scope.close(client, Exit.void)
    const left = {
      ...used.left,
      "connections at the server": yield* remaining(target.connections),
      sockets: yield* remaining(Effect.sync(() => activeResources("TCP") - before.sockets)),
      timers: yield* remaining(Effect.sync(() => activeResources("Timeout") - before.timers - OTHER_TIMERS))
    }
    return { ...used, unhandled, left }
  }).pipe(Effect.scoped)

const underLoad = Effect.fnUntraced(function* (
  target: Target,
  fault: Fault,
  settings: Settings,
  stall: ReturnType<typeof monitorEventLoopDelay>
) {
  const registry = yield* Policy.ResilienceRegistry
  const timersBefore = activeResources("Timeout")
  const call = yield* target.connect
  const clock = yield* Clock.Clock
  const now = () => Policy.monotonicMillisOf(clock)
  const snapshot = <I extends Policy.Instance, O>(kind: Policy.Kind<I, O>) =>
    registry.get(kind, target.service)!.snapshot(now()) as ReturnType<I["snapshot"]>
  const breaker = () => snapshot(CircuitBreaker.Kind)

  const endings: Endings = new Map()
  const fibers = Fibers.make()
  let sent = 0
  let longestMillis = 0
  let failuresTold = 0
  let failures = 0
  let openings = 0
  let phase: "before" | "during" | "after" = "before"
  let repairedAt = Infinity
  let recoveredAt = Infinity
  yield* Policy.subscribe(({ _tag, attributes }) => {
    if (_tag === "CallFailed") failuresTold++
    if (_tag === "CircuitBreakerTransition" && attributes["to"] === "Open") openings++
  })

  const settle = (startedAt: number, exit: Exit.Exit<unknown, unknown>): void => {
    const at = now()
    add(endings, endingOf(exit))
    longestMillis = Math.max(longestMillis, at - startedAt)
    if (phase === "during" && Exit.isFailure(exit)) failures++
    if (Exit.isSuccess(exit) && startedAt >= repairedAt && breaker().state === "Closed") {
      recoveredAt = Math.min(recoveredAt, at)
    }
  }
  const patient = Effect.suspend(() => {
    const startedAt = now()
    sent++
    return Effect.onExit(call, (exit) => Effect.sync(() => settle(startedAt, exit)))
  })
  const one = Effect.suspend(() => (sent % IMPATIENT === 0 ? Effect.timeoutOption(patient, PATIENCE_MILLIS) : patient))

  const calls = yield* FiberSet.make<unknown, unknown>()
  const load = Effect.gen(function* () {
    const beganAt = now()
    for (let due = 0; ; due += 1000 / settings.ratePerSecond) {
      const wait = beganAt + due - now()
      if (wait > 0) yield* Effect.sleep(wait)
      yield* FiberSet.run(calls, fibers.count(one), { startImmediately: true })
    }
  })

  stall.enable()
  const script = Effect.gen(function* () {
    yield* Effect.sleep(settings.healthyMillis)
    phase = "during"
    yield* fault.begin
    yield* Effect.sleep(settings.faultMillis)
    yield* waitFor(() => openings >= 2)
    const isReal = fault.isReal?.() ?? true
    yield* fault.end
    phase = "after"
    repairedAt = now()
    yield* waitFor(() => recoveredAt < Infinity)
    yield* Effect.sleep(settings.healthyMillis)
    return isReal
  })
  const isReal = yield* Effect.raceFirst(script, load)
  yield* Effect.timeoutOption(FiberSet.awaitEmpty(calls), SETTLING)
  stall.disable()
  // On a busy machine the circuit may have opened once more; what it must not do is to stay so.
  yield* fibers
    .count(patient)
    .pipe(Effect.retry({ schedule: Schedule.spaced("20 millis") }), Effect.timeoutOption(SETTLING), Effect.exit)
  // A forgotten timer of a time limit would be gone by itself in the end, so it must be looked for at once.
  const timers = yield* remaining(
    Effect.sync(() => activeResources("Timeout") - timersBefore - OTHER_TIMERS),
    patterns.timeout / 4
  )

  const bulkhead = snapshot(Bulkhead.Kind)
  const circuit = breaker()
  const deadline = snapshot(Deadline.Kind)
  const pipeline = (yield* Resilience.pipeline(target.service))!.snapshot(now())
  return {
    sent,
    endings,
    felt: { isReal, failures, openings },
    longestMillis,
    recoveryMillis: recoveredAt - repairedAt,
    stateInTheEnd: circuit.state,
    stallMillis: stall.max / 1e6,
    totals: {
      pipeline,
      deadline: sum(deadline.successes, deadline.failures, deadline.exceeded, deadline.interrupted),
      breaker: sum(circuit.successes, circuit.failures, circuit.ignored),
      bulkhead: sum(bulkhead.successes, bulkhead.failures, bulkhead.interrupted, bulkhead.rejected),
      failuresTold
    },
    left: {
      "calls without an end": sent - total(endings),
      "running calls": bulkhead.active,
      "queued calls": bulkhead.queued,
      probes: circuit.probing,
      fibers: yield* remaining(Effect.sync(fibers.active)),
      "timers of calls": timers,
      "requests at the server": yield* remaining(target.requests)
    }
  }
})
