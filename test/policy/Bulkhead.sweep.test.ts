import { describe, expect, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Deadline, Policy } from "../../src/index.ts"
import { type Scenario, type Swept, sweep } from "../support/sweep.ts"
import { expectFullCapacity, occupancy } from "./support/calls.ts"

const steps = Effect.forEach([1, 2, 3], () => Effect.yieldNow, { discard: true })

const sweepAll = (make: () => Scenario): Effect.Effect<ReadonlyArray<Swept>> =>
  Effect.forEach([3, 5, 7, 16, 2_048], (maxOperationsBeforeYield) => sweep(make, { maxOperationsBeforeYield }))

const detached = <A, E>(effect: Effect.Effect<A, E>) => Effect.forkDetach(effect, { startImmediately: true })

/** Waits for what a run left behind, which ends by itself and soon. */
const untilIdle = (bulkhead: Bulkhead.Bulkhead): Effect.Effect<void> =>
  Effect.gen(function* () {
    for (let turn = 0; turn < 100; turn++) {
      const [active, queued] = yield* occupancy(bulkhead)
      if (active === 0 && queued === 0) return
      yield* Effect.yieldNow
    }
  })

const expectAllBack = (bulkhead: Bulkhead.Bulkhead, key?: string): Effect.Effect<void> =>
  Effect.andThen(untilIdle(bulkhead), expectFullCapacity(bulkhead, key))

/** How many calls were counted, whatever became of them. */
const counted = (bulkhead: Bulkhead.Bulkhead): number => {
  const { failures, interrupted, rejected, successes } = bulkhead.snapshot(0)
  return successes + failures + interrupted + rejected
}

/** Work that takes a few turns, and the number of calls that began it. */
const makeWork = () => {
  let begun = 0
  const work = Effect.suspend(() => {
    begun++
    return steps
  })
  return { work, begun: () => begun }
}

describe("wherever it is interrupted, no permit is lost by a call that", { timeout: 60_000 }, () => {
  const endings: ReadonlyArray<readonly [string, Effect.Effect<void, string>]> = [
    ["succeeds", Effect.void],
    ["fails", Effect.fail("down")],
    ["dies", Effect.die("bug")],
    ["interrupts itself", Effect.interrupt]
  ]
  for (const [name, ending] of endings) {
    it.effect(`gets in at once and ${name}`, () =>
      Effect.gen(function* () {
        const swept = yield* sweepAll(() => {
          const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 2, maxQueue: 0 })
          const { begun, work } = makeWork()
          return {
            call: bulkhead.execute(Effect.andThen(work, ending)),
            afterwards: () =>
              Effect.gen(function* () {
                expect([begun(), 1]).toContain(counted(bulkhead))
                yield* expectFullCapacity(bulkhead)
              })
          }
        })
        for (const { runs } of swept) expect(runs).toBeGreaterThan(10)
      })
    )
  }

  it.effect("gets in at once with a key", () =>
    sweepAll(() => {
      const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1, maxQueue: 0 })
      const { work } = makeWork()
      return {
        call: work.pipe(Bulkhead.withBulkhead(bulkhead, { key: "a" })),
        afterwards: () => expectAllBack(bulkhead, "a")
      }
    })
  )

  it.effect("is inside another call of the same bulkhead", () =>
    sweepAll(() => {
      const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 2, maxQueue: 0 })
      const { work } = makeWork()
      return {
        call: bulkhead.execute(bulkhead.execute(work)),
        afterwards: () => expectAllBack(bulkhead)
      }
    })
  )

  it.effect("waits, while the call before it goes on", () =>
    Effect.gen(function* () {
      const swept = yield* sweepAll(() => {
        const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1, maxQueue: 1, queueTimeout: "1 hour" })
        const holder = Effect.runFork(bulkhead.execute(Effect.never))
        const { begun, work } = makeWork()
        return {
          call: Effect.raceFirst(bulkhead.execute(work), Effect.as(steps, "gave up")),
          afterwards: () =>
            Effect.gen(function* () {
              expect([begun(), yield* occupancy(bulkhead)]).toEqual([0, [1, 0]])
              yield* Fiber.interrupt(holder)
              yield* expectFullCapacity(bulkhead)
            })
        }
      })
      for (const { interrupted } of swept) expect(interrupted).toBeGreaterThan(10)
    })
  )

  it.effect("gets its permit from another call, with others behind it", () =>
    Effect.gen(function* () {
      const swept = yield* sweepAll(() => {
        const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1, queueTimeout: "1 hour" })
        const holding = makeWork()
        const main = makeWork()
        const behind = makeWork()
        return {
          call: Effect.gen(function* () {
            yield* detached(bulkhead.execute(holding.work))
            yield* detached(Effect.andThen(Effect.yieldNow, bulkhead.execute(behind.work)))
            return yield* bulkhead.execute(main.work)
          }),
          afterwards: (exit) =>
            Effect.gen(function* () {
              yield* steps
              yield* untilIdle(bulkhead)
              if (Exit.isSuccess(exit)) expect(main.begun()).toBe(1)
              const begun = holding.begun() + main.begun() + behind.begun()
              expect([begun, begun + 1]).toContain(counted(bulkhead))
              yield* expectFullCapacity(bulkhead)
            })
        }
      })
      for (const { interrupted } of swept) expect(interrupted).toBeGreaterThan(20)
    })
  )

  it.effect("hands its permit on, and the one that waits for it gets in and ends", () =>
    Effect.gen(function* () {
      const swept = yield* sweepAll(() => {
        const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1 })
        let waiter: Fiber.Fiber<string, Bulkhead.BulkheadRejectedError> | undefined
        const next = Effect.sync(() => {
          waiter = Effect.runFork(bulkhead.execute(Effect.succeed("in")))
        })
        return {
          call: bulkhead.execute(Effect.andThen(next, steps)),
          afterwards: () =>
            Effect.gen(function* () {
              yield* expectAllBack(bulkhead)
              if (waiter !== undefined) expect(waiter.pollUnsafe()).toEqual(Exit.succeed("in"))
            })
        }
      })
      for (const { interrupted } of swept) expect(interrupted).toBeGreaterThan(10)
    })
  )

  it.effect("gets its permit from a higher limit", () =>
    sweepAll(() => {
      const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1 })
      Effect.runSync(bulkhead.resize(0))
      const { work } = makeWork()
      const behind = makeWork()
      return {
        call: Effect.gen(function* () {
          yield* detached(Effect.andThen(steps, bulkhead.resize(1)))
          yield* detached(Effect.andThen(Effect.yieldNow, bulkhead.execute(behind.work)))
          return yield* bulkhead.execute(work)
        }),
        afterwards: () =>
          Effect.gen(function* () {
            yield* bulkhead.resize(1)
            yield* steps
            yield* expectAllBack(bulkhead)
          })
      }
    })
  )

  it.effect("is turned away by a full queue", () =>
    Effect.gen(function* () {
      const swept = yield* sweepAll(() => {
        const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1, maxQueue: 0 })
        const holder = Effect.runFork(bulkhead.execute(Effect.never))
        return {
          call: Effect.flip(bulkhead.execute(Effect.die("got in"))),
          afterwards: (exit) =>
            Effect.gen(function* () {
              if (Exit.isSuccess(exit)) expect(exit.value).toMatchObject({ reason: "full" })
              expect(bulkhead.snapshot(0)).toMatchObject({ active: 1, queued: 0, interrupted: 0, failures: 0 })
              yield* Fiber.interrupt(holder)
              yield* expectFullCapacity(bulkhead)
            })
        }
      })
      for (const { interrupted } of swept) expect(interrupted).toBeGreaterThan(1)
    })
  )

  it.effect("is turned away by a deadline that has passed", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const deadline = { at: -1, service: "total", duration: Duration.seconds(1) }
      const swept = yield* sweepAll(() => {
        const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1, maxQueue: 1 })
        const holder = Effect.runFork(bulkhead.execute(Effect.never))
        return {
          call: Effect.flip(bulkhead.execute(Effect.die("got in"))).pipe(
            Effect.provideService(Deadline.CurrentDeadline, deadline),
            Effect.provideService(Clock.Clock, clock)
          ),
          afterwards: (exit) =>
            Effect.gen(function* () {
              if (Exit.isSuccess(exit)) expect(exit.value).toMatchObject({ reason: "queue-timeout" })
              expect(bulkhead.snapshot(0)).toMatchObject({ active: 1, queued: 0, failures: 0 })
              expect(counted(bulkhead)).toBeLessThanOrEqual(1)
              yield* Fiber.interrupt(holder)
              yield* expectFullCapacity(bulkhead)
            })
        }
      })
      for (const { interrupted } of swept) expect(interrupted).toBeGreaterThan(3)
    })
  )

  it.effect("waits when its queue timeout comes, at about the time at which a permit comes back", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const reasons = new Set<string>()
      for (const turns of [0, 8, 16]) {
        yield* sweepAll(() => {
          const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1, queueTimeout: 5 })
          const { work } = makeWork()
          const pause = Effect.forEach(Array.from({ length: turns }), () => Effect.yieldNow, { discard: true })
          let time: Fiber.Fiber<void> | undefined
          return {
            call: Effect.gen(function* () {
              yield* detached(bulkhead.execute(pause))
              time = yield* detached(Effect.andThen(steps, TestClock.adjust(5)))
              return yield* bulkhead.execute(work)
            }).pipe(Effect.provideService(Clock.Clock, clock)),
            afterwards: (exit) =>
              Effect.gen(function* () {
                const failure = Exit.findErrorOption(exit)
                reasons.add(failure._tag === "Some" ? "rejected" : exit._tag)
                if (time !== undefined) yield* Fiber.await(time)
                yield* untilIdle(bulkhead)
                expect([0, 1, 2]).toContain(counted(bulkhead))
                yield* expectFullCapacity(bulkhead)
              })
          }
        })
      }
      expect([...reasons].toSorted()).toEqual(["Failure", "Success", "rejected"])
    })
  )
})

describe("a call that cannot be interrupted", { timeout: 60_000 }, () => {
  it.effect("runs to its end, wherever it is interrupted while another one hands it its permit", () =>
    sweepAll(() => {
      const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1 })
      const { begun, work } = makeWork()
      return {
        call: Effect.uninterruptible(
          Effect.gen(function* () {
            yield* detached(bulkhead.execute(steps))
            return yield* bulkhead.execute(work)
          })
        ),
        afterwards: () =>
          Effect.gen(function* () {
            const isStarted = counted(bulkhead) > 0
            expect(begun()).toBe(isStarted ? 1 : 0)
            const { interrupted, successes } = yield* Policy.snapshot(bulkhead)
            expect([successes, interrupted]).toEqual(isStarted ? [2, 0] : [0, 0])
            yield* expectFullCapacity(bulkhead)
          })
      }
    })
  )
})
