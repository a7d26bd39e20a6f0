/**
 * Calls through a bulkhead that run until the test ends them.
 */
import { expect } from "@effect/vitest"
import { Deferred, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Policy } from "../../../src/index.ts"

export type CallFiber = Fiber.Fiber<string, string | Bulkhead.BulkheadRejectedError>

export interface Calls {
  readonly bulkhead: Bulkhead.Bulkhead
  /** The names of the calls that got in, in this order. */
  readonly started: ReadonlyArray<string>
  /** The names of the calls that are in. */
  readonly running: () => ReadonlyArray<string>
  /** What a call does once it is in: nothing, until it is ended. */
  readonly work: (name: string) => Effect.Effect<string, string>
  /** A call that comes now. */
  readonly arrive: (name: string, call?: Policy.CallOptions) => Effect.Effect<CallFiber>
  /** Calls that come one after the other. */
  readonly arriveAll: (...names: ReadonlyArray<string>) => Effect.Effect<ReadonlyArray<CallFiber>>
  /** Ends a call, by default with its name; nobody who gets in by it has started yet. */
  readonly endNow: (name: string, exit?: Exit.Exit<string, string>) => Effect.Effect<void>
  /** Ends calls with their names, one after the other, and lets start who gets in by it. */
  readonly end: (...names: ReadonlyArray<string>) => Effect.Effect<void>
}

export const callsOf = (bulkhead: Bulkhead.Bulkhead): Calls => {
  const started: Array<string> = []
  const running = new Map<string, Deferred.Deferred<string, string>>()
  const work: Calls["work"] = (name) =>
    Effect.suspend(() => {
      const deferred = Deferred.makeUnsafe<string, string>()
      started.push(name)
      running.set(name, deferred)
      return Effect.ensuring(
        Deferred.await(deferred),
        Effect.sync(() => running.delete(name))
      )
    })
  const arrive: Calls["arrive"] = (name, call) =>
    Effect.forkChild(Bulkhead.withBulkhead(work(name), bulkhead, call), { startImmediately: true })
  const endNow: Calls["endNow"] = (name, exit) =>
    Effect.sync(() => {
      const deferred = running.get(name)
      if (deferred === undefined) throw new Error(`"${name}" does not run`)
      Deferred.doneUnsafe(deferred, exit ?? Effect.succeed(name))
    })
  return {
    bulkhead,
    started,
    running: () => [...running.keys()],
    work,
    arrive,
    arriveAll: (...names) => Effect.forEach(names, (name) => arrive(name)),
    endNow,
    end: (...names) => Effect.forEach(names, (name) => Effect.andThen(endNow(name), settle), { discard: true })
  }
}

export const makeCalls = (options: Bulkhead.MakeOptions): Effect.Effect<Calls> =>
  Effect.map(Bulkhead.make(options), callsOf)

/** How a call ended: why it was turned away, the error, "success", "Interrupt" or "Die"; nothing while it goes on. */
export const endingOf = (fiber: CallFiber): string | undefined => {
  const exit = fiber.pollUnsafe()
  if (exit === undefined) return undefined
  if (Exit.isSuccess(exit)) return "success"
  const [reason] = exit.cause.reasons
  if (reason?._tag !== "Fail") return reason?._tag
  return typeof reason.error === "string" ? reason.error : reason.error.reason
}

/** Lets everything happen that can happen now. */
export const settle: Effect.Effect<void> = TestClock.adjust(0)

/** Who runs and who waits, at this moment. */
export const occupancy = (bulkhead: Bulkhead.Bulkhead, key?: string): Effect.Effect<readonly [number, number]> =>
  Effect.withFiber((fiber) => {
    const { active, queued } = bulkhead.snapshot(Policy.monotonicMillis(fiber), key)
    return Effect.succeed([active, queued] as const)
  })

/** The counts, at this moment. */
export const counts = (bulkhead: Bulkhead.Bulkhead) =>
  Effect.map(
    Policy.snapshot(bulkhead),
    ({ failures, interrupted, rejectedFull, rejectedQueueTimeout, successes }) =>
      ({ successes, failures, interrupted, rejectedFull, rejectedQueueTimeout }) as const
  )

/** Counts that are zero but for some. */
export const countsOf = (some: Partial<Effect.Success<ReturnType<typeof counts>>>) => ({
  successes: 0,
  failures: 0,
  interrupted: 0,
  rejectedFull: 0,
  rejectedQueueTimeout: 0,
  ...some
})

/** Nobody is in and nobody waits, and exactly as many calls as the limit get in. */
export const expectFullCapacity = (bulkhead: Bulkhead.Bulkhead, key?: string): Effect.Effect<void> =>
  Effect.gen(function* () {
    const { limit } = yield* Policy.snapshot(bulkhead)
    expect(yield* occupancy(bulkhead, key)).toEqual([0, 0])
    let inside = 0
    const call = Effect.suspend(() => {
      inside++
      return Effect.never
    }).pipe(Bulkhead.withBulkhead(bulkhead, { key }))
    const run = Effect.runForkWith(yield* Effect.context<never>())
    const fibers = Array.from({ length: limit + 1 }, () => run(call))
    expect(inside).toBe(limit)
    yield* Fiber.interruptAll(fibers.toReversed())
    expect(inside).toBe(limit)
    expect(yield* occupancy(bulkhead, key)).toEqual([0, 0])
  })
