import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Deadline, Timeout } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"
import { sweep } from "../support/sweep.ts"
import { ended } from "./support/ended.ts"
import { withHastyClock } from "./support/hastyClock.ts"

const start = <A, E>(self: Effect.Effect<A, E>) => Effect.forkChild(self, { startImmediately: true })
const reasonsOf = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isFailure(exit) ? exit.cause.reasons.map(({ _tag }) => _tag) : []

describe("a call that the deadline cuts off", () => {
  it.effect("runs its finalizers, and the caller waits for them and sees the error", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([Effect.ensuring(Effect.never, Effect.sleep(30))])
      const { at, exit } = yield* ended(service.call.pipe(Deadline.withDeadline(100)))
      expect([at, service.active(), reasonsOf(exit)]).toEqual([130, 0, ["Fail"]])
    })
  )

  it.effect("does not lose a defect of a finalizer, nor the error of the deadline", () =>
    Effect.gen(function* () {
      const { exit } = yield* ended(Effect.ensuring(Effect.never, Effect.die("bug")).pipe(Deadline.withDeadline(100)))
      expect(reasonsOf(exit)).toEqual(["Die", "Fail"])
    })
  )

  it.effect("does not lose a defect when a timeout inside notices first", () =>
    Effect.gen(function* () {
      const work = Effect.ensuring(Effect.never, Effect.die("bug"))
      const { exit } = yield* ended(work.pipe(Timeout.withTimeout(500), Deadline.withDeadline(100)))
      expect(reasonsOf(exit)).toEqual(["Die", "Fail"])
    })
  )

  it.effect("is waited for when it cannot be interrupted, and its late value is dropped", () =>
    Effect.gen(function* () {
      const late = Effect.uninterruptible(Effect.delay(Effect.succeed("late"), 800))
      const { at, exit } = yield* ended(late.pipe(Deadline.withDeadline(500)))
      expect([at, reasonsOf(exit)]).toEqual([800, ["Fail"]])
    })
  )

  it.effect("is cut off for a caller that cannot be interrupted too", () =>
    Effect.gen(function* () {
      const { at } = yield* ended(Effect.exit(Effect.uninterruptible(Effect.never.pipe(Deadline.withDeadline(100)))))
      expect(at).toBe(100)
    })
  )

  it.effect("gives back what policies inside hold", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1 })
      const call = Effect.never.pipe(bulkhead.execute, Deadline.withDeadline(100), Effect.exit)
      yield* ended(Effect.all([call, call, call], { concurrency: "unbounded" }))
      expect(bulkhead.snapshot(0)).toMatchObject({ active: 0, queued: 0 })
    })
  )
})

describe("a caller that is interrupted from outside", () => {
  it.effect("interrupts the work, waits for its finalizers, and is not told about the deadline", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const deadline = yield* Deadline.make({ duration: 100 })
      const service = ScriptedService.make([Effect.ensuring(Effect.never, Effect.sleep(200))])
      const fiber = yield* start(service.call.pipe(deadline.execute, recorded.record))
      yield* TestClock.adjust(50)
      fiber.interruptUnsafe()
      yield* TestClock.adjust(199)
      expect([fiber.pollUnsafe(), service.active()]).toEqual([undefined, 1])
      yield* TestClock.adjust(1)
      const exit = yield* Fiber.await(fiber)
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
      expect(service.active()).toBe(0)
      expect(deadline.snapshot(0)).toMatchObject({ exceeded: 0, failures: 0, interrupted: 1 })
      expect(recorded.events()).toEqual([])
    })
  )
})

const yields = (times: number): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: times }), () => Effect.yieldNow, { discard: true })

const scripts = {
  "never waits": Effect.succeed("value"),
  "yields and fails": Effect.andThen(yields(3), Effect.fail("error")),
  "has finalizers that wait": Effect.ensuring(yields(2), yields(2)),
  "cannot be interrupted": Effect.uninterruptible(yields(3))
}

describe("an interruption at whatever operation", () => {
  for (const maxOperationsBeforeYield of [3, 5, undefined]) {
    const options = maxOperationsBeforeYield === undefined ? {} : { maxOperationsBeforeYield }
    for (const [what, script] of Object.entries(scripts)) {
      it.live(
        `leaves nothing running of work that ${what} (yielding every ${maxOperationsBeforeYield ?? 2_048}, live)`,
        () =>
          Effect.gen(function* () {
            const swept = yield* sweep(() => {
              const deadline = Deadline.makeUnsafe({ duration: "1 minute" })
              const timeout = Timeout.makeUnsafe({ duration: "2 minutes" })
              const service = ScriptedService.make([script])
              return {
                call: service.call.pipe(timeout.execute, deadline.execute),
                afterwards: () =>
                  Effect.sync(() => {
                    expect(service.active()).toBe(0)
                    for (const { elapsedSeconds, snapshot } of [deadline, timeout]) {
                      const { exceeded, failures, interrupted, successes } = snapshot(0)
                      expect(exceeded).toBe(0)
                      expect(successes + failures + interrupted).toBe(elapsedSeconds.count)
                    }
                    expect(timeout.elapsedSeconds.count).toBeGreaterThanOrEqual(service.calls())
                    expect(deadline.elapsedSeconds.count).toBeGreaterThanOrEqual(timeout.elapsedSeconds.count)
                  })
              }
            }, options)
            expect(swept.interrupted).toBeGreaterThan(2)
          })
      )
    }

    it.live(
      `leaves nothing running of a call that the deadline cuts off (yielding every ${maxOperationsBeforeYield ?? 2_048}, live)`,
      () =>
        Effect.gen(function* () {
          let exceeded = 0
          const swept = yield* sweep(() => {
            const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1 })
            const deadline = Deadline.makeUnsafe({ duration: 5 })
            const service = ScriptedService.make([Effect.ensuring(Effect.never, Effect.yieldNow)])
            const call = service.call.pipe(Timeout.withTimeout("1 minute"), bulkhead.execute, deadline.execute)
            return {
              call: withHastyClock(call),
              afterwards: () =>
                Effect.sync(() => {
                  expect(service.active()).toBe(0)
                  expect(bulkhead.snapshot(0)).toMatchObject({ active: 0, queued: 0 })
                  exceeded += deadline.snapshot(0).exceeded
                })
            }
          }, options)
          expect(swept.interrupted).toBeGreaterThan(30)
          expect(exceeded).toBeGreaterThan(1)
        })
    )
  }
})

describe("the live clock", () => {
  it.live("has one timer for each limit, and none after an interruption (live)", () =>
    Effect.gen(function* () {
      const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
      const call = Effect.never.pipe(Timeout.withTimeout("1 minute"), Deadline.withDeadline("2 minutes"))
      const idle = timers()
      const fiber = yield* start(call)
      expect(timers()).toBe(idle + 2)
      fiber.interruptUnsafe()
      expect([timers(), fiber.pollUnsafe()?._tag]).toEqual([idle, "Failure"])
    })
  )

  it.live("never ends a call before its deadline (live)", () =>
    Effect.gen(function* () {
      const early: Array<number> = []
      const call = (limit: number) =>
        Effect.gen(function* () {
          const startedAt = process.hrtime.bigint()
          const nested = Effect.never.pipe(Timeout.withTimeout("1 minute"), Deadline.withDeadline("2 minutes"))
          yield* Effect.ignore(nested.pipe(Deadline.withDeadline(limit)))
          const took = Number(process.hrtime.bigint() - startedAt) / 1e6
          if (took < limit) early.push(took - limit)
        })
      yield* Effect.forEach([0.5, 1, 1.5, 2.25, 3, 4.75, 5], call, { concurrency: "unbounded" })
      expect(early).toEqual([])
    })
  )

  it.live("fails with the deadline's error, whoever notices first (live)", () =>
    Effect.gen(function* () {
      const works = [Effect.never, Effect.andThen(Effect.sleep(1), Effect.never)]
      for (const work of works) {
        const call = work.pipe(Timeout.withTimeout("1 minute"), Deadline.withDeadline(3))
        expect(yield* Effect.flip(call)).toMatchObject({ scope: "total", service: "default" })
      }
    })
  )
})
