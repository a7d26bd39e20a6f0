import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Timeout } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"
import { sweep } from "../support/sweep.ts"
import { ended } from "./support/ended.ts"
import { withHastyClock } from "./support/hastyClock.ts"

const start = <A, E>(self: Effect.Effect<A, E>) => Effect.forkChild(self, { startImmediately: true })
const reasonsOf = (exit: Exit.Exit<unknown, unknown>) =>
  Exit.isFailure(exit) ? exit.cause.reasons.map(({ _tag }) => _tag) : []
const errorOf = (exit: Exit.Exit<unknown, unknown>) => (Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined)

describe("work that exceeds the limit", () => {
  it.effect("is interrupted", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      yield* ended(Effect.exit(service.call.pipe(Timeout.withTimeout(50))))
      expect([service.calls(), service.active()]).toEqual([1, 0])
    })
  )

  it.effect("is told that it was interrupted, and the caller is told that it took too long", () =>
    Effect.gen(function* () {
      const told: Array<string> = []
      const work = Effect.never.pipe(
        Effect.onInterrupt(() => Effect.sync(() => void told.push("interrupted"))),
        Effect.onError((cause) => Effect.sync(() => void told.push(...cause.reasons.map(({ _tag }) => _tag))))
      )
      const { exit } = yield* ended(work.pipe(Timeout.withTimeout(50)))
      expect(told).toEqual(["interrupted", "Interrupt"])
      expect(reasonsOf(exit)).toEqual(["Fail"])
    })
  )

  it.effect("names the caller as its interruptor", () =>
    Effect.gen(function* () {
      let interruptors: ReadonlySet<number> = new Set()
      const work = Effect.onError(Effect.never, (cause) =>
        Effect.sync(() => {
          interruptors = Cause.interruptors(cause)
        })
      )
      const caller = yield* start(Effect.exit(work.pipe(Timeout.withTimeout(50))))
      yield* TestClock.adjust(50)
      expect([...interruptors]).toEqual([caller.id])
    })
  )

  it.effect("runs its finalizers, innermost first, and the caller waits for them", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const step = (name: string, millis: number) =>
        Effect.andThen(
          Effect.sleep(millis),
          Effect.sync(() => void order.push(name))
        )
      const work = Effect.never.pipe(Effect.ensuring(step("inner", 30)), Effect.ensuring(step("outer", 20)))
      const call = work.pipe(
        Timeout.withTimeout(100),
        Effect.catchTag("TimeoutExceededError", () => step("caller", 0))
      )
      expect((yield* ended(call)).at).toBe(150)
      expect(order).toEqual(["inner", "outer", "caller"])
    })
  )

  it.effect("gives back what it had acquired", () =>
    Effect.gen(function* () {
      let open = 0
      const work = Effect.acquireUseRelease(
        Effect.sync(() => void open++),
        () => Effect.never,
        () =>
          Effect.delay(
            Effect.sync(() => void open--),
            10
          )
      )
      expect((yield* ended(Effect.exit(work.pipe(Timeout.withTimeout(50))))).at).toBe(60)
      expect(open).toBe(0)
    })
  )

  it.effect("closes its own scopes", () =>
    Effect.gen(function* () {
      const closed: Array<string> = []
      const work = Effect.gen(function* () {
        yield* Effect.addFinalizer((exit) => Effect.sync(() => void closed.push(exit._tag)))
        return yield* Effect.never
      })
      yield* ended(Effect.exit(Effect.scoped(work).pipe(Timeout.withTimeout(50))))
      expect(closed).toEqual(["Failure"])
    })
  )

  it.effect("takes its children with it", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const work = Effect.andThen(Effect.forkChild(service.call, { startImmediately: true }), Effect.never)
      yield* ended(Effect.exit(work.pipe(Timeout.withTimeout(50))))
      expect([service.calls(), service.active()]).toEqual([1, 0])
    })
  )

  it.effect("takes concurrent parts with it", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const work = Effect.all([service.call, service.call, service.call], { concurrency: "unbounded" })
      yield* ended(Effect.exit(work.pipe(Timeout.withTimeout(50))))
      expect([service.calls(), service.active()]).toEqual([3, 0])
    })
  )

  it.effect("aborts the signal of a promise", () =>
    Effect.gen(function* () {
      let aborted = false
      const work = Effect.promise<never>(
        (signal) => new Promise(() => signal.addEventListener("abort", () => (aborted = true)))
      )
      expect((yield* ended(Effect.exit(work.pipe(Timeout.withTimeout(50))))).at).toBe(50)
      expect(aborted).toBe(true)
    })
  )

  it.effect("does not lose a defect of a finalizer, nor the error of the limit", () =>
    Effect.gen(function* () {
      const defect = new Error("in the finalizer")
      const { exit } = yield* ended(Effect.ensuring(Effect.never, Effect.die(defect)).pipe(Timeout.withTimeout(50)))
      expect(reasonsOf(exit)).toEqual(["Die", "Fail"])
      expect(errorOf(exit)).toMatchObject({ _tag: "TimeoutExceededError" })
      expect(Exit.isFailure(exit) && Cause.findDefect(exit.cause)).toMatchObject({ success: defect })
    })
  )

  it.effect("does not lose several defects of finalizers", () =>
    Effect.gen(function* () {
      const work = Effect.never.pipe(Effect.ensuring(Effect.die("first")), Effect.ensuring(Effect.die("second")))
      const { exit } = yield* ended(work.pipe(Timeout.withTimeout(50)))
      const defects = Exit.isFailure(exit) ? exit.cause.reasons.filter(Cause.isDieReason) : []
      expect(defects.map(({ defect }) => defect)).toEqual(["first", "second"])
      expect(reasonsOf(exit)).toEqual(["Die", "Die", "Fail"])
    })
  )

  it.effect("is counted once, even with a defect", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: 50 })
      yield* ended(Effect.exit(timeout.execute(Effect.ensuring(Effect.never, Effect.die("bug")))))
      expect(timeout.snapshot(0)).toMatchObject({ successes: 0, failures: 0, exceeded: 1, interrupted: 0 })
    })
  )
})

describe("work that cannot be interrupted", () => {
  it.effect("is waited for, and its late value is dropped", () =>
    Effect.gen(function* () {
      const late = Effect.uninterruptible(Effect.delay(Effect.succeed("late"), 800))
      const { at, exit } = yield* ended(late.pipe(Timeout.withTimeout(500)))
      expect(at).toBe(800)
      expect(errorOf(exit)).toMatchObject({ _tag: "TimeoutExceededError" })
    })
  )

  it.effect("has its late failure dropped", () =>
    Effect.gen(function* () {
      const late = Effect.uninterruptible(Effect.delay(Effect.fail("late"), 800))
      const { exit } = yield* ended(late.pipe(Timeout.withTimeout(500)))
      expect(reasonsOf(exit)).toEqual(["Fail"])
      expect(errorOf(exit)).toMatchObject({ _tag: "TimeoutExceededError" })
    })
  )

  it.effect("does not have its late defect dropped", () =>
    Effect.gen(function* () {
      const late = Effect.uninterruptible(Effect.delay(Effect.die("late"), 800))
      const { exit } = yield* ended(late.pipe(Timeout.withTimeout(500)))
      expect(reasonsOf(exit)).toEqual(["Die", "Fail"])
    })
  )

  it.effect("is interrupted as soon as it can be", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const work = Effect.andThen(Effect.uninterruptible(Effect.sleep(80)), service.call)
      expect((yield* ended(Effect.exit(work.pipe(Timeout.withTimeout(50))))).at).toBe(80)
      expect(service.calls()).toBe(0)
    })
  )

  it.effect("passes its value if it is over in time", () =>
    Effect.gen(function* () {
      const work = Effect.uninterruptible(Effect.delay(Effect.succeed("in time"), 400))
      expect((yield* ended(work.pipe(Timeout.withTimeout(500)))).exit).toEqual(Exit.succeed("in time"))
    })
  )

  it.effect("may be the caller: the limit ends the work all the same", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const call = Effect.uninterruptible(service.call.pipe(Timeout.withTimeout(50)))
      const { at, exit } = yield* ended(call)
      expect([at, service.active()]).toEqual([50, 0])
      expect(errorOf(exit)).toMatchObject({ _tag: "TimeoutExceededError" })
    })
  )
})

describe("a caller that is interrupted from outside", () => {
  it.effect("interrupts the work and waits for its finalizers", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([Effect.ensuring(Effect.never, Effect.sleep(30))])
      const fiber = yield* start(service.call.pipe(Timeout.withTimeout(1_000)))
      yield* TestClock.adjust(10)
      fiber.interruptUnsafe()
      yield* TestClock.adjust(29)
      expect([fiber.pollUnsafe(), service.active()]).toEqual([undefined, 1])
      yield* TestClock.adjust(1)
      expect([reasonsOf(fiber.pollUnsafe()!), service.active()]).toEqual([["Interrupt"], 0])
    })
  )

  it.effect("is not told about the limit, which is not counted as exceeded either", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const timeout = yield* Timeout.make({ duration: 50 })
      const fiber = yield* start(Effect.never.pipe(timeout.execute, recorded.record))
      yield* TestClock.adjust(49)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust(100)
      expect(reasonsOf(yield* Fiber.await(fiber))).toEqual(["Interrupt"])
      expect(timeout.snapshot(0)).toMatchObject({ exceeded: 0, interrupted: 1 })
      expect(recorded.events()).toEqual([])
    })
  )

  it.effect("is not told about the limit while it waits for the work's finalizers either", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const timeout = yield* Timeout.make({ duration: 50 })
      const work = Effect.ensuring(Effect.never, Effect.sleep(100))
      const fiber = yield* start(work.pipe(timeout.execute, recorded.record))
      yield* TestClock.adjust(40)
      yield* ended(Fiber.interrupt(fiber))
      expect(reasonsOf(yield* Fiber.await(fiber))).toEqual(["Interrupt"])
      expect(timeout.snapshot(0)).toMatchObject({ exceeded: 0, interrupted: 1 })
      expect(recorded.events()).toEqual([])
    })
  )

  it.effect("while the limit is already ending the work stays interrupted, and both are waited for", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: 50 })
      const service = ScriptedService.make([Effect.ensuring(Effect.never, Effect.sleep(100))])
      const fiber = yield* start(timeout.execute(service.call))
      yield* TestClock.adjust(60)
      fiber.interruptUnsafe()
      yield* TestClock.adjust(89)
      expect([fiber.pollUnsafe(), service.active()]).toEqual([undefined, 1])
      yield* TestClock.adjust(1)
      expect([reasonsOf(fiber.pollUnsafe()!), service.active()]).toEqual([["Interrupt"], 0])
      expect(timeout.snapshot(0)).toMatchObject({ exceeded: 1, interrupted: 0 })
    })
  )

  it.effect("waits for work that cannot be interrupted", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: 500 })
      const fiber = yield* start(timeout.execute(Effect.uninterruptible(Effect.sleep(80))))
      yield* TestClock.adjust(10)
      fiber.interruptUnsafe()
      yield* TestClock.adjust(69)
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(reasonsOf(fiber.pollUnsafe()!)).toEqual(["Interrupt"])
      expect(timeout.snapshot(0)).toMatchObject({ successes: 0, exceeded: 0, interrupted: 1 })
    })
  )

  it.effect("but cannot be interrupted itself lets the work go on until the limit", () =>
    Effect.gen(function* () {
      const fiber = yield* start(Effect.uninterruptible(Effect.exit(Effect.never.pipe(Timeout.withTimeout(50)))))
      yield* TestClock.adjust(10)
      fiber.interruptUnsafe()
      yield* TestClock.adjust(39)
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(fiber.pollUnsafe()).toBeDefined()
    })
  )

  it.effect("passes on a defect of the work's finalizers", () =>
    Effect.gen(function* () {
      const fiber = yield* start(Effect.ensuring(Effect.never, Effect.die("bug")).pipe(Timeout.withTimeout(50)))
      yield* Fiber.interrupt(fiber)
      expect(reasonsOf(yield* Fiber.await(fiber))).toContain("Interrupt")
    })
  )

  it.effect("by the work itself is interrupted", () =>
    Effect.gen(function* () {
      let caller: Fiber.Fiber<unknown, unknown> | undefined
      const service = ScriptedService.make([
        Effect.andThen(
          Effect.sync(() => caller?.interruptUnsafe()),
          Effect.never
        )
      ])
      const call = Effect.withFiber((fiber) => {
        caller = fiber
        return service.call.pipe(Timeout.withTimeout(50))
      })
      const fiber = yield* start(call)
      expect(reasonsOf(yield* Fiber.await(fiber))).toEqual(["Interrupt"])
      expect(service.active()).toBe(0)
    })
  )

  it.effect("frees the work of all nested limits", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const call = service.call.pipe(Timeout.withTimeout(50), Timeout.withTimeout(60), Timeout.withTimeout(70))
      const fiber = yield* start(call)
      yield* TestClock.adjust(10)
      yield* Fiber.interrupt(fiber)
      expect(service.active()).toBe(0)
    })
  )
})

const yields = (times: number): Effect.Effect<void> =>
  Effect.forEach(Array.from({ length: times }), () => Effect.yieldNow, { discard: true })

const scripts = {
  "never waits": Effect.succeed("value"),
  "yields and succeeds": Effect.as(yields(3), "value"),
  "yields and fails": Effect.andThen(yields(3), Effect.fail("error")),
  "has finalizers that wait": Effect.ensuring(yields(2), yields(2)),
  "cannot be interrupted": Effect.uninterruptible(yields(3)),
  "waits for a timer": Effect.sleep(1)
}

describe("an interruption at whatever operation", () => {
  for (const maxOperationsBeforeYield of [3, 5, undefined]) {
    for (const [what, script] of Object.entries(scripts)) {
      it.live(
        `leaves nothing running of work that ${what} (yielding every ${maxOperationsBeforeYield ?? 2_048}, live)`,
        () =>
          Effect.gen(function* () {
            const swept = yield* sweep(
              () => {
                const timeout = Timeout.makeUnsafe({ duration: "1 minute" })
                const service = ScriptedService.make([script])
                return {
                  call: service.call.pipe(timeout.execute),
                  afterwards: () =>
                    Effect.sync(() => {
                      expect(service.active()).toBe(0)
                      const { exceeded, failures, interrupted, successes } = timeout.snapshot(0)
                      expect(exceeded).toBe(0)
                      expect(successes + failures + interrupted).toBe(timeout.elapsedSeconds.count)
                      expect(timeout.elapsedSeconds.count).toBeLessThanOrEqual(1)
                      expect(service.calls()).toBeLessThanOrEqual(timeout.elapsedSeconds.count)
                    })
                }
              },
              maxOperationsBeforeYield === undefined ? {} : { maxOperationsBeforeYield }
            )
            expect(swept.interrupted).toBeGreaterThan(2)
          })
      )
    }
  }

  for (const maxOperationsBeforeYield of [3, 5, 2_048]) {
    it.live(`leaves nothing running of nested limits (yielding every ${maxOperationsBeforeYield}, live)`, () =>
      Effect.gen(function* () {
        let exceeded = 0
        const swept = yield* sweep(
          () => {
            const timeout = Timeout.makeUnsafe({ duration: 5 })
            const service = ScriptedService.make([Effect.ensuring(Effect.never, Effect.yieldNow)])
            const call = service.call.pipe(
              Timeout.withTimeout("1 minute"),
              timeout.execute,
              Timeout.withTimeout("2 minutes")
            )
            return {
              call: withHastyClock(call),
              afterwards: () =>
                Effect.sync(() => {
                  expect(service.active()).toBe(0)
                  exceeded += timeout.snapshot(0).exceeded
                })
            }
          },
          { maxOperationsBeforeYield }
        )
        expect(swept.interrupted).toBeGreaterThan(30)
        expect(exceeded).toBeGreaterThan(1)
      })
    )
  }
})
