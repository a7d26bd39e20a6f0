import { describe, expect, it } from "@effect/vitest"
import { Cause, Data, Deferred, Effect, Exit, Fiber } from "effect"
import { Fallback } from "../../src/index.ts"

class Busy extends Data.TaggedError("Busy")<{ readonly queue: number }> {}
class Wrong extends Data.TaggedError("Wrong") {}
class Slow extends Data.TaggedError("Slow") {}
type Failure = Busy | Wrong | Slow

const busy = new Busy({ queue: 7 })
const wrong = new Wrong()
const failing = (error: Failure): Effect.Effect<string, Failure> => Effect.fail(error)
const unexpected = new Error("this must not be called")
const unused = (): Effect.Effect<never> => {
  throw unexpected
}

describe("orElse", () => {
  it.effect("answers with another effect", () =>
    Effect.gen(function* () {
      expect(yield* Effect.fail("down").pipe(Fallback.orElse(() => Effect.succeed("plan B")))).toBe("plan B")
    })
  )

  it.effect("hands over the very error", () =>
    Effect.gen(function* () {
      expect(yield* failing(busy).pipe(Fallback.orElse(Effect.succeed))).toBe(busy)
    })
  )

  it.effect("lets a success pass without asking for an answer", () =>
    Effect.gen(function* () {
      expect(yield* Effect.succeed("fine").pipe(Fallback.orElse(unused))).toBe("fine")
    })
  )

  it.effect("lets undefined pass: a success without a value is a success", () =>
    Effect.gen(function* () {
      expect(yield* Effect.void.pipe(Fallback.orElse(unused))).toBeUndefined()
    })
  )

  it.effect("answers an error that is undefined", () =>
    Effect.gen(function* () {
      const answer = Fallback.orElse((error) => Effect.succeed([error]))
      expect(yield* Effect.fail(undefined).pipe(answer)).toEqual([undefined])
    })
  )

  it.effect("fails as its answer fails", () =>
    Effect.gen(function* () {
      const exit = yield* failing(busy).pipe(
        Fallback.orElse(() => Effect.fail("also down")),
        Effect.exit
      )
      expect(exit).toEqual(Exit.fail("also down"))
    })
  )

  it.effect("dies as its answer dies", () =>
    Effect.gen(function* () {
      const exit = yield* failing(busy).pipe(
        Fallback.orElse(() => Effect.die("bug")),
        Effect.exit
      )
      expect(exit).toEqual(Exit.die("bug"))
    })
  )

  it.effect("takes what the function throws for a defect", () =>
    Effect.gen(function* () {
      const bug = new Error("bug")
      const exit = yield* failing(busy).pipe(
        Fallback.orElse((): Effect.Effect<string> => {
          throw bug
        }),
        Effect.exit
      )
      expect(exit).toEqual(Exit.die(bug))
    })
  )

  it.effect("asks for an answer once for each failed call", () =>
    Effect.gen(function* () {
      let asked = 0
      const call = Effect.fail("down").pipe(Fallback.orElse(() => Effect.sync(() => ++asked)))
      expect([yield* call, yield* call]).toEqual([1, 2])
    })
  )

  it.effect("can be interrupted while it answers", () =>
    Effect.gen(function* () {
      let isCleanedUp = false
      const cleanUp = Effect.sync(() => {
        isCleanedUp = true
      })
      const answering = yield* Deferred.make<void>()
      const answer = Deferred.succeed(answering, undefined).pipe(
        Effect.andThen(Effect.never),
        Effect.onInterrupt(() => cleanUp)
      )
      const fiber = yield* Effect.fail("down").pipe(
        Fallback.orElse(() => answer),
        Effect.forkChild
      )
      yield* Deferred.await(answering)
      yield* Fiber.interrupt(fiber)
      expect(isCleanedUp).toBe(true)
    })
  )

  it.effect("takes the effect as its first argument, too", () =>
    Effect.gen(function* () {
      expect(yield* Fallback.orElse(failing(busy), (error) => Effect.succeed(error._tag))).toBe("Busy")
      const answer = (error: Busy) => Effect.succeed(error.queue)
      expect(yield* Fallback.orElse(Effect.fail(busy), answer, { when: "Busy" })).toBe(7)
    })
  )
})

describe("orElseSucceed", () => {
  it.effect.each([null, undefined, false, 0, "", Number.NaN])("answers with %s, which is a value", (value) =>
    Effect.gen(function* () {
      expect(yield* Effect.fail("down").pipe(Fallback.orElseSucceed(() => value))).toBe(value)
    })
  )

  it.effect("gets the error", () =>
    Effect.gen(function* () {
      expect(yield* failing(busy).pipe(Fallback.orElseSucceed((error) => error))).toBe(busy)
    })
  )

  it.effect("computes the value once for each failed call, and never for a success", () =>
    Effect.gen(function* () {
      let computed = 0
      const value = () => ++computed
      const failed = Effect.fail("down").pipe(Fallback.orElseSucceed(value))
      expect(yield* Effect.succeed("fine").pipe(Fallback.orElseSucceed(value))).toBe("fine")
      expect([yield* failed, yield* failed]).toEqual([1, 2])
    })
  )

  it.effect("takes what the function throws for a defect", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Fallback.orElseSucceed(Effect.fail("down"), unused))
      expect(exit).toEqual(Exit.die(unexpected))
    })
  )

  it.effect("takes an effect for a value like any other", () =>
    Effect.gen(function* () {
      const effect = Effect.succeed(1)
      expect(yield* Effect.fail("down").pipe(Fallback.orElseSucceed(() => effect))).toBe(effect)
    })
  )
})

describe("when", () => {
  const answerWhen =
    (when: Exclude<Fallback.When<Failure>, (error: Failure) => boolean>) =>
    (self: Effect.Effect<string, Failure>): Effect.Effect<string, Failure> =>
      self.pipe(Fallback.orElse((error) => Effect.succeed(error._tag), { when }))

  it.effect("with a tag answers the errors of that tag only", () =>
    Effect.gen(function* () {
      expect(yield* failing(busy).pipe(answerWhen("Busy"))).toBe("Busy")
      expect(yield* failing(wrong).pipe(answerWhen("Busy"), Effect.flip)).toBe(wrong)
    })
  )

  it.effect("with several tags answers the errors of each of them", () =>
    Effect.gen(function* () {
      const answer = answerWhen(["Busy", "Slow"])
      expect(yield* failing(busy).pipe(answer)).toBe("Busy")
      expect(yield* failing(new Slow()).pipe(answer)).toBe("Slow")
      expect(yield* failing(wrong).pipe(answer, Effect.flip)).toBe(wrong)
    })
  )

  it.effect("with no tags answers nothing", () =>
    Effect.gen(function* () {
      expect(yield* failing(busy).pipe(answerWhen([]), Effect.flip)).toBe(busy)
    })
  )

  it.effect("with a tag does not answer errors that have no tag, or are no objects", () =>
    Effect.gen(function* () {
      const untagged = [null, undefined, "Busy", 7, {}, { _tag: 7 }, { tag: "Busy" }, ["Busy"]]
      for (const error of untagged) {
        const call = failing(error as never)
        expect(yield* call.pipe(answerWhen("Busy"), Effect.flip)).toBe(error)
        expect(yield* call.pipe(answerWhen(["Busy"]), Effect.flip)).toBe(error)
      }
    })
  )

  it.effect("with a refinement answers what it accepts", () =>
    Effect.gen(function* () {
      const isBusy = (error: Failure): error is Busy => error._tag === "Busy"
      const queueOf = (error: Failure) =>
        failing(error).pipe(Fallback.orElse((busy) => Effect.succeed(`${busy.queue}`), { when: isBusy }))
      expect(yield* queueOf(busy)).toBe("7")
      expect(yield* queueOf(wrong).pipe(Effect.flip)).toBe(wrong)
    })
  )

  it.effect("with a predicate answers what it holds for", () =>
    Effect.gen(function* () {
      const isLong = (error: Failure): boolean => error._tag === "Busy" && error.queue > 5
      const laterIfLong = (error: Failure) =>
        failing(error).pipe(Fallback.orElseSucceed(() => "later", { when: isLong }))
      const short = new Busy({ queue: 5 })
      expect(yield* laterIfLong(busy)).toBe("later")
      expect(yield* laterIfLong(short).pipe(Effect.flip)).toBe(short)
    })
  )

  it.effect("asks a predicate once for each failed call, and never about a success or a defect", () =>
    Effect.gen(function* () {
      const asked: Array<unknown> = []
      const when = (error: unknown): boolean => asked.push(error) > 0
      const answer = Fallback.orElseSucceed(() => "answered", { when })
      yield* Effect.succeed("fine").pipe(answer)
      yield* Effect.die("bug").pipe(answer, Effect.exit)
      expect(asked).toEqual([])
      yield* Effect.fail("down").pipe(answer)
      expect(asked).toEqual(["down"])
    })
  )

  it.effect("fails with both the error and the defect when a predicate throws", () =>
    Effect.gen(function* () {
      const bug = new Error("bug")
      const when = (): boolean => {
        throw bug
      }
      const exit = yield* failing(busy).pipe(Fallback.orElse(unused, { when }), Effect.exit)
      expect(exit).toEqual(Exit.failCause(Cause.combine(Cause.fail(busy), Cause.die(bug))))
    })
  )

  it.effect("leaves the cause of an error that it does not accept as it was", () =>
    Effect.gen(function* () {
      const cause: Cause.Cause<Failure> = Cause.combine(Cause.fail(wrong), Cause.fail(busy))
      const exit = yield* Effect.failCause(cause).pipe(answerWhen("Busy"), Effect.exit)
      expect(Exit.isFailure(exit) && exit.cause).toBe(cause)
    })
  )
})

describe("what is never answered", () => {
  const answered = Fallback.orElse(unused)

  it.effect("is a defect", () =>
    Effect.gen(function* () {
      const cause = Cause.die("bug")
      const exit = yield* Effect.failCause(cause).pipe(answered, Effect.exit)
      expect(Exit.isFailure(exit) && exit.cause).toBe(cause)
    })
  )

  it.effect("is an error that comes together with a defect", () =>
    Effect.gen(function* () {
      for (const cause of [
        Cause.combine(Cause.fail("down"), Cause.die("bug")),
        Cause.combine(Cause.die("bug"), Cause.fail("down"))
      ]) {
        const exit = yield* Effect.failCause(cause).pipe(answered, Effect.exit)
        expect(Exit.isFailure(exit) && exit.cause).toBe(cause)
      }
    })
  )

  it.effect("is an interruption from inside", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.interrupt.pipe(answered, Effect.exit)
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
    })
  )

  it.effect("is an interruption from outside", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.never.pipe(answered, Effect.forkChild({ startImmediately: true }))
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
    })
  )

  it.effect("is an interruption that could not act at once", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.never.pipe(
        Effect.interruptible,
        answered,
        Effect.uninterruptible,
        Effect.forkChild({ startImmediately: true })
      )
      yield* Fiber.interrupt(fiber)
      const exit = yield* Fiber.await(fiber)
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
    })
  )

  it.effect("is a failure without a reason", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.failCause(Cause.empty).pipe(answered, Effect.exit)
      expect(exit).toEqual(Exit.failCause(Cause.empty))
    })
  )
})

describe("what is answered", () => {
  it.effect("is an error that comes together with an interruption, as in Effect.catch", () =>
    Effect.gen(function* () {
      const cause = Cause.combine(Cause.fail("down"), Cause.interrupt(1))
      const call: Effect.Effect<string, string> = Effect.failCause(cause)
      const byEffect = yield* call.pipe(Effect.catch((error) => Effect.succeed(error)))
      expect(yield* call.pipe(Fallback.orElse((error) => Effect.succeed(error)))).toBe(byEffect)
    })
  )

  it.effect("is the first of several errors", () =>
    Effect.gen(function* () {
      const cause = Cause.combine(Cause.fail("first"), Cause.fail("second"))
      expect(yield* Effect.failCause(cause).pipe(Fallback.orElseSucceed((error) => error))).toBe("first")
    })
  )

  it.effect("is everything that Effect.catch answers, and nothing else", () =>
    Effect.gen(function* () {
      const reasons = [Cause.makeFailReason("down"), Cause.makeDieReason("bug"), Cause.makeInterruptReason(1)]
      for (let mask = 0; mask < 2 ** reasons.length; mask++) {
        const cause = Cause.fromReasons<string>(reasons.filter((_, at) => (mask & (1 << at)) !== 0))
        const call: Effect.Effect<string, string> = Effect.failCause(cause)
        const byEffect = yield* call.pipe(
          Effect.catch(() => Effect.succeed("answered")),
          Effect.exit
        )
        const exit = yield* call.pipe(
          Fallback.orElse(() => Effect.succeed("answered")),
          Effect.exit
        )
        expect(Exit.isSuccess(exit)).toBe(Exit.isSuccess(byEffect))
      }
    })
  )
})
