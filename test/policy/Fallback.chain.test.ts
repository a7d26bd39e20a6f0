import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Fallback } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"

/** Effects that write down that they were run. */
const makeLog = () => {
  const ran: Array<string> = []
  const note = (name: string) => Effect.sync(() => void ran.push(name))
  return {
    ran,
    succeed: (name: string) => Effect.as(note(name), name),
    fail: (name: string) => Effect.andThen(note(name), Effect.fail(name)),
    die: (name: string) => Effect.andThen(note(name), Effect.die(name))
  }
}

describe("chain", () => {
  it.effect("answers with the first effect that succeeds", () =>
    Effect.gen(function* () {
      const { fail, ran, succeed } = makeLog()
      const call = fail("first").pipe(Fallback.chain([fail("second"), succeed("third"), succeed("fourth")]))
      expect(yield* call).toBe("third")
      expect(ran).toEqual(["first", "second", "third"])
    })
  )

  it.effect("runs nothing when the call succeeds", () =>
    Effect.gen(function* () {
      const { ran, succeed } = makeLog()
      expect(yield* succeed("first").pipe(Fallback.chain([succeed("second")]))).toBe("first")
      expect(ran).toEqual(["first"])
    })
  )

  it.effect("fails with the error of the last when none succeeds", () =>
    Effect.gen(function* () {
      const { fail, ran } = makeLog()
      const exit = yield* fail("first").pipe(Fallback.chain([fail("second"), fail("third")]), Effect.exit)
      expect(exit).toEqual(Exit.fail("third"))
      expect(ran).toEqual(["first", "second", "third"])
    })
  )

  it.effect("of one is like orElse", () =>
    Effect.gen(function* () {
      const { fail, succeed } = makeLog()
      expect(yield* fail("first").pipe(Fallback.chain([succeed("second")]))).toBe("second")
      expect(yield* fail("first").pipe(Fallback.chain([fail("second")]), Effect.flip)).toBe("second")
    })
  )

  it.effect("without effects, which the types forbid, keeps the original error with its cause", () =>
    Effect.gen(function* () {
      const cause = Cause.combine(Cause.fail("down"), Cause.fail("down too"))
      const exit = yield* Effect.failCause(cause).pipe(Fallback.chain([] as never), Effect.exit)
      expect(Exit.isFailure(exit) && exit.cause).toBe(cause)
    })
  )

  it.effect("is not begun for a defect or an interruption", () =>
    Effect.gen(function* () {
      const { die, ran, succeed } = makeLog()
      expect(yield* die("first").pipe(Fallback.chain([succeed("second")]), Effect.exit)).toEqual(Exit.die("first"))
      const interrupted = yield* Effect.interrupt.pipe(Fallback.chain([succeed("second")]), Effect.exit)
      expect(Exit.isFailure(interrupted) && Cause.hasInterruptsOnly(interrupted.cause)).toBe(true)
      expect(ran).toEqual(["first"])
    })
  )

  it.effect("ends with the first defect", () =>
    Effect.gen(function* () {
      const { die, fail, ran, succeed } = makeLog()
      const exit = yield* fail("first").pipe(Fallback.chain([die("second"), succeed("third")]), Effect.exit)
      expect(exit).toEqual(Exit.die("second"))
      expect(ran).toEqual(["first", "second"])
    })
  )

  it.effect("ends when it is interrupted, with whatever effect runs", () =>
    Effect.gen(function* () {
      const { fail, ran, succeed } = makeLog()
      const fiber = yield* fail("first").pipe(
        Fallback.chain([Effect.never, succeed("third")]),
        Effect.forkChild({ startImmediately: true })
      )
      yield* Fiber.interrupt(fiber)
      expect(Exit.isFailure(yield* Fiber.await(fiber))).toBe(true)
      expect(ran).toEqual(["first"])
    })
  )

  it.effect("begins anew with each call", () =>
    Effect.gen(function* () {
      const first = ScriptedService.make<string, string>([
        ScriptedService.fail("down"),
        "up",
        ScriptedService.fail("down")
      ])
      const second = ScriptedService.make(["a", "b"])
      const call = first.call.pipe(Fallback.chain([second.call]))
      expect([yield* call, yield* call, yield* call]).toEqual(["a", "up", "b"])
    })
  )

  it.effect("lets one effect end before it begins the next", () =>
    Effect.gen(function* () {
      const slow = ScriptedService.make([ScriptedService.after("1 second", ScriptedService.fail("late"))])
      const last = ScriptedService.make(["last"])
      const fiber = yield* slow.call.pipe(Fallback.chain([slow.call, last.call]), Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect([slow.calls(), last.calls()]).toEqual([2, 0])
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toBe("last")
    })
  )

  it.effect("takes the effect as its first argument, too", () =>
    Effect.gen(function* () {
      const { fail, succeed } = makeLog()
      expect(yield* Fallback.chain(fail("first"), [fail("second"), succeed("third")])).toBe("third")
      expect(yield* Fallback.chain(fail("first"), [succeed("second")], { service: "a" })).toBe("second")
    })
  )

  it.effect("tells of each effect that it tries, and of the error that it stands in for", () =>
    Effect.gen(function* () {
      const { fail, succeed } = makeLog()
      const recorded = RecordedEvents.make()
      yield* fail("first").pipe(
        Fallback.chain([fail("second"), succeed("third"), succeed("fourth")], { service: "prices" }),
        recorded.record
      )
      expect(
        recorded.events().map(({ attributes, error, service }) => [service, attributes["fallback_type"], error])
      ).toEqual([
        ["prices", "chain", "first"],
        ["prices", "chain", "second"]
      ])
    })
  )

  it.effect("of very many effects does not overflow the stack", () =>
    Effect.gen(function* () {
      const others = Array.from({ length: 20_000 }, (_, at) => Effect.fail(at))
      const exit = yield* Effect.fail(-1).pipe(Fallback.chain(others as [Effect.Effect<never, number>]), Effect.exit)
      expect(exit).toEqual(Exit.fail(19_999))
    })
  )
})
