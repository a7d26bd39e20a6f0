import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { ScriptedService } from "../../src/testing/index.ts"
import { sweep } from "../support/sweep.ts"

describe("a scripted service", () => {
  it.effect("does at each call what its script says", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make<string, string>(["a", ScriptedService.fail("down"), Effect.succeed("b")])
      const exits = [
        yield* Effect.exit(service.call),
        yield* Effect.exit(service.call),
        yield* Effect.exit(service.call)
      ]
      expect(exits).toEqual([Exit.succeed("a"), Exit.fail("down"), Exit.succeed("b")])
    })
  )

  it.effect("does its last step again and again", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make(["a", "b"])
      const values = yield* Effect.replicateEffect(service.call, 4)
      expect(values).toEqual(["a", "b", "b", "b"])
      expect(service.calls()).toBe(4)
    })
  )

  it.effect.each([null, undefined, false, 0, "", Number.NaN, []])("answers with %o, which is a value", (value) =>
    Effect.gen(function* () {
      expect(yield* ScriptedService.make<unknown>([value]).call).toBe(value)
    })
  )

  it.effect("can die", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([Effect.die("bug")])
      expect(yield* Effect.exit(service.call)).toEqual(Exit.die("bug"))
    })
  )

  it.effect("can hang", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const fiber = yield* service.call.pipe(Effect.timeoutOption("1 day"), Effect.forkChild)
      yield* TestClock.adjust("1 day")
      expect(yield* Fiber.join(fiber)).toEqual(Option.none())
    })
  )

  it.effect("can take its time, and then answer or fail", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make<string, string>([
        ScriptedService.after("2 seconds", "late"),
        ScriptedService.after("1 second", ScriptedService.fail("down"))
      ])
      const fiber = yield* Effect.all([Effect.exit(service.call), Effect.exit(service.call)], {
        concurrency: "unbounded"
      }).pipe(Effect.forkChild)
      yield* TestClock.adjust("999 millis")
      expect(service.active()).toBe(2)
      yield* TestClock.adjust("1 millis")
      expect(service.active()).toBe(1)
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toEqual([Exit.succeed("late"), Exit.fail("down")])
    })
  )

  it.effect("gives concurrent calls their steps in the order in which they start", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([
        ScriptedService.after("2 seconds", "a"),
        ScriptedService.after("1 second", "b"),
        "c"
      ])
      const fiber = yield* Effect.all([service.call, service.call, service.call], { concurrency: "unbounded" }).pipe(
        Effect.forkChild
      )
      yield* TestClock.adjust("2 seconds")
      expect(yield* Fiber.join(fiber)).toEqual(["a", "b", "c"])
    })
  )

  it.effect("is on its own, even if another has the same script", () =>
    Effect.gen(function* () {
      const script = ["a", "b"] as const
      const [one, other] = [ScriptedService.make<string>(script), ScriptedService.make<string>(script)]
      yield* one.call
      expect([yield* one.call, yield* other.call]).toEqual(["b", "a"])
    })
  )
})

describe("the number of calls", () => {
  it.effect("is zero until a call is run", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make(["a"])
      const call = Effect.map(service.call, (value) => value)
      expect(service.calls()).toBe(0)
      yield* call
      yield* call
      expect(service.calls()).toBe(2)
    })
  )

  it.effect("counts a call when it begins, however it ends", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make<string, string>([
        ScriptedService.fail("down"),
        Effect.die("bug"),
        Effect.interrupt,
        ScriptedService.hang
      ])
      for (let call = 1; call <= 3; call++) yield* Effect.exit(service.call)
      expect(service.calls()).toBe(3)
      const fiber = yield* Effect.forkChild(service.call, { startImmediately: true })
      expect(service.calls()).toBe(4)
      yield* Fiber.interrupt(fiber)
      expect(service.calls()).toBe(4)
    })
  )
})

describe("the number of active calls", () => {
  it.effect("tells how many run now", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const start = Effect.forkChild(service.call, { startImmediately: true })
      const fibers = [yield* start, yield* start]
      expect(service.active()).toBe(2)
      yield* Fiber.interrupt(fibers[0]!)
      expect(service.active()).toBe(1)
      yield* Fiber.interruptAll(fibers)
      expect(service.active()).toBe(0)
    })
  )

  it.effect("includes the call from whose step it is read", () =>
    Effect.gen(function* () {
      const service: ScriptedService.ScriptedService<number, never> = ScriptedService.make([
        Effect.sync(() => service.active())
      ])
      expect(yield* service.call).toBe(1)
    })
  )

  it.effect("is zero again when calls have ended, in whatever way", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make<string, string>([
        "a",
        ScriptedService.fail("down"),
        Effect.die("bug"),
        Effect.interrupt
      ])
      for (let call = 1; call <= 4; call++) yield* Effect.exit(service.call)
      expect(service.active()).toBe(0)
    })
  )

  it.effect("is zero again when a call was interrupted at any moment", () =>
    Effect.gen(function* () {
      for (const maxOperationsBeforeYield of [3, 5, 2_048]) {
        const swept = yield* sweep(
          () => {
            const service = ScriptedService.make([
              Effect.andThen(Effect.yieldNow, Effect.yieldNow),
              ScriptedService.hang
            ])
            return {
              call: service.call,
              afterwards: () => Effect.sync(() => expect(service.active()).toBe(0))
            }
          },
          { maxOperationsBeforeYield }
        )
        expect(swept.interrupted).toBeGreaterThan(3)
      }
    })
  )
})
