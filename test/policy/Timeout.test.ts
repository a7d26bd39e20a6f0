import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Cause, Duration, Effect, Exit, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { ResilienceError, Timeout } from "../../src/index.ts"
import { ended } from "./support/ended.ts"

const after = <A>(duration: Duration.Input, value: A): Effect.Effect<A> => Effect.delay(Effect.succeed(value), duration)

const exceeded = (exit: Exit.Exit<unknown, unknown>): Timeout.TimeoutExceededError => {
  if (Exit.isFailure(exit)) {
    const error = Cause.findErrorOption(exit.cause)
    if (error._tag === "Some" && error.value instanceof Timeout.TimeoutExceededError) return error.value
  }
  throw new Error(`not a timeout: ${JSON.stringify(exit)}`)
}

describe("the limit", () => {
  it.effect("lets through what ends before it, as soon as that ends", () =>
    Effect.gen(function* () {
      const { at, exit } = yield* ended(after(499, "value").pipe(Timeout.withTimeout(500)))
      expect(at).toBe(499)
      expect(exit).toEqual(Exit.succeed("value"))
    })
  )

  it.effect("fails at exactly its instant and not a moment before", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.never.pipe(Timeout.withTimeout(500), Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("499999 micros")
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 micro")
      expect(fiber.pollUnsafe()?._tag).toBe("Success")
    })
  )

  it.effect("starts when the effect runs, not when it is made", () =>
    Effect.gen(function* () {
      const call = Effect.never.pipe(Timeout.withTimeout(500))
      yield* TestClock.adjust(300)
      expect((yield* ended(call)).at).toBe(500)
    })
  )

  it.effect("starts anew with every run of the effect", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: 500 })
      const call = Effect.never.pipe(Timeout.withTimeout(timeout), Effect.ignore)
      expect((yield* ended(Effect.andThen(call, call))).at).toBe(1_000)
    })
  )

  it.effect("is every caller's own", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: 500 })
      const call = (start: number) => Effect.never.pipe(timeout.execute, Effect.ignore, ended, Effect.delay(start))
      const fiber = yield* Effect.forEach([0, 100, 250], (start) => Effect.forkChild(call(start)))
      yield* TestClock.adjust("1 second")
      const ends = yield* Effect.forEach(fiber, Fiber.join)
      expect(ends.map(({ at }) => at)).toEqual([500, 500, 500])
    })
  )

  it.effect("does not start before the caller's own waiting is over", () =>
    Effect.gen(function* () {
      const call = Effect.never.pipe(Timeout.withTimeout(500), Effect.delay(200))
      expect((yield* ended(call)).at).toBe(700)
    })
  )

  it.effect("may be a fraction of a millisecond", () =>
    Effect.gen(function* () {
      const fiber = yield* Effect.never.pipe(Timeout.withTimeout("250 micros"), Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("249 micros")
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust("1 micro")
      expect((yield* Fiber.join(fiber)).duration).toEqual(Duration.micros(250n))
    })
  )

  it.effect("can be years long", () =>
    Effect.gen(function* () {
      const call = Effect.never.pipe(Timeout.withTimeout("520 weeks"))
      expect((yield* ended(call, "521 weeks")).at).toBe(Duration.toMillis("520 weeks"))
    })
  )

  it.effect.prop(
    "decides by which of work and limit takes longer, and ends at the shorter of the two",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 60 }))
    ],
    ([work, limit]) =>
      Effect.gen(function* () {
        const { at, exit } = yield* ended(after(work, "value").pipe(Timeout.withTimeout(limit)))
        expect(at).toBe(Math.min(work, limit))
        expect(Exit.isSuccess(exit)).toBe(work <= limit)
      }),
    { arbitrary: { runs: 150, seed: 7 } }
  )
})

describe("the error", () => {
  it.effect("tells whose limit it was and how long", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ service: "llm", duration: "2 seconds", operationType: "chat" })
      const error = exceeded((yield* ended(Effect.never.pipe(timeout.execute))).exit)
      expect(error).toMatchObject({ _tag: "TimeoutExceededError", service: "llm", scope: "attempt", isStarted: true })
      expect(Duration.toMillis(error.duration)).toBe(2_000)
      expect(error.message).toBe('the call of "llm" exceeded its time limit of 2s')
    })
  )

  it.effect("blames the dependency, which had its chance, and asks for another attempt", () =>
    Effect.gen(function* () {
      const error = exceeded((yield* ended(Effect.never.pipe(Timeout.withTimeout(1)))).exit)
      expect(ResilienceError.isResilienceError(error)).toBe(true)
      expect(error).toMatchObject({
        errorCode: "resilience.timeout",
        httpStatus: 504,
        category: "external_error",
        retryPolicy: "always",
        retryAfter: undefined,
        isOwnSide: false
      })
      expect(error.userMessage).not.toContain("default")
    })
  )

  it.effect("is a typed error that catchTag finds", () =>
    Effect.gen(function* () {
      const call = Effect.never.pipe(
        Timeout.withTimeout(5),
        Effect.catchTag("TimeoutExceededError", ({ scope }) => Effect.succeed(scope))
      )
      expect((yield* ended(call)).exit).toEqual(Exit.succeed("attempt"))
    })
  )

  it("says that the call was not made when it was not", () => {
    const error = new Timeout.TimeoutExceededError({
      service: "llm",
      scope: "total",
      duration: Duration.seconds(3),
      isStarted: false
    })
    expect(error.message).toBe('the call of "llm" was not made: its deadline of 3s had passed')
    expect(error.isOwnSide).toBe(true)
  })

  it("is an Error that shows everything in JSON", () => {
    const duration = Duration.millis(20)
    const error = new Timeout.TimeoutExceededError({ service: "db", scope: "attempt", duration })
    expect(error).toBeInstanceOf(Error)
    expect(error.name).toBe("TimeoutExceededError")
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ service: "db", scope: "attempt", isStarted: true })
  })
})

class Foreign extends Error {
  readonly _tag = "TimeoutExceededError"
}

describe("what ends by itself", () => {
  const inner = new Timeout.TimeoutExceededError({ service: "inner", scope: "attempt", duration: Duration.millis(1) })
  const errors: ReadonlyArray<readonly [string, unknown]> = [
    ["an ordinary error", { reason: "down" }],
    ["no error at all", undefined],
    ["a timeout of Effect", new Cause.TimeoutError("from inside")],
    ["a timeout of a socket", Object.assign(new Error("connect"), { code: "ETIMEDOUT" })],
    ["an aborted fetch", new DOMException("The operation was aborted due to timeout", "TimeoutError")],
    ["a timeout of the same name", new Foreign("theirs")],
    ["a timeout of another policy", inner]
  ]
  const delays: ReadonlyArray<readonly [string, Effect.Effect<void>]> = [
    ["at once", Effect.void],
    ["later", Effect.sleep(5)]
  ]
  for (const [when, delay] of delays) {
    for (const value of [0, "", null, undefined, false]) {
      it.effect(`passes the value ${String(value)} that comes ${when}`, () =>
        Effect.gen(function* () {
          const { exit } = yield* ended(Effect.as(delay, value).pipe(Timeout.withTimeout(10)))
          expect(exit).toEqual(Exit.succeed(value))
        })
      )
    }

    for (const [what, error] of errors) {
      it.effect(`passes ${what} that comes ${when}, as it is`, () =>
        Effect.gen(function* () {
          const timeout = yield* Timeout.make({ duration: 10 })
          const call = Effect.andThen(delay, Effect.fail(error)).pipe(timeout.execute, Effect.flip)
          const { exit } = yield* ended(call)
          expect(Exit.isSuccess(exit) && Object.is(exit.value, error)).toBe(true)
          expect(timeout.snapshot(0)).toMatchObject({ failures: 1, exceeded: 0 })
        })
      )
    }

    it.effect(`passes a defect that comes ${when}, as it is`, () =>
      Effect.gen(function* () {
        const defect = new Error("bug")
        const { exit } = yield* ended(Effect.andThen(delay, Effect.die(defect)).pipe(Timeout.withTimeout(10)))
        expect(exit).toEqual(Exit.die(defect))
      })
    )

    it.effect(`passes what the effect throws ${when}`, () =>
      Effect.gen(function* () {
        const defect = new Error("thrown")
        const call = Effect.andThen(
          delay,
          Effect.suspend((): Effect.Effect<never> => {
            throw defect
          })
        )
        expect((yield* ended(call.pipe(Timeout.withTimeout(10)))).exit).toEqual(Exit.die(defect))
      })
    )

    it.effect(`passes an interruption from inside that comes ${when}`, () =>
      Effect.gen(function* () {
        const { at, exit } = yield* ended(Effect.andThen(delay, Effect.interrupt).pipe(Timeout.withTimeout(10)))
        expect(at).toBeLessThan(10)
        expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
      })
    )

    it.effect(`passes all reasons of a cause that comes ${when}`, () =>
      Effect.gen(function* () {
        const cause = Cause.combine(Cause.fail("error"), Cause.die("defect"))
        const { exit } = yield* ended(Effect.andThen(delay, Effect.failCause(cause)).pipe(Timeout.withTimeout(10)))
        expect(exit).toEqual(Exit.failCause(cause))
      })
    )
  }
})

describe("what ends at the very instant of the limit", () => {
  const late = <A, E>(self: Effect.Effect<A, E>) => Effect.andThen(Effect.yieldNow, self)

  it.effect("passes if its own timer was there first", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: 100 })
      const value = yield* ended(after(100, "value").pipe(timeout.execute))
      expect(value).toEqual({ at: 100, exit: Exit.succeed("value") })
      const failure = yield* ended(Effect.andThen(Effect.sleep(100), Effect.fail("error")).pipe(timeout.execute))
      expect(failure).toEqual({ at: 100, exit: Exit.fail("error") })
      expect(timeout.snapshot(0)).toMatchObject({ successes: 1, failures: 1, exceeded: 0 })
    })
  )

  it.effect("is cut off if the limit's timer was there first", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: 100 })
      const { at, exit } = yield* ended(late(after(100, "value")).pipe(timeout.execute))
      expect(at).toBe(100)
      expect(exceeded(exit).scope).toBe("attempt")
      expect(timeout.snapshot(0)).toMatchObject({ successes: 0, exceeded: 1 })
    })
  )

  it.effect("is one of the two in either order, never both and never neither", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const work = (name: string) => Effect.sync(() => void seen.push(name)).pipe(Effect.delay(100))
      yield* ended(Effect.exit(work("first").pipe(Timeout.withTimeout(100))))
      yield* ended(Effect.exit(late(work("second")).pipe(Timeout.withTimeout(100))))
      expect(seen).toEqual(["first"])
    })
  )
})

describe("nested limits", () => {
  it.effect.prop(
    "act like the shortest of them, whose error it is",
    [
      Arbitrary.array(Arbitrary.schema(Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 30 }))), {
        minLength: 1,
        maxLength: 5
      })
    ],
    ([limits]) =>
      Effect.gen(function* () {
        let call: Effect.Effect<never, Timeout.TimeoutExceededError> = Effect.never
        for (const limit of limits) {
          const timeout = yield* Timeout.make({ service: String(limit), duration: limit })
          call = timeout.execute(call)
        }
        const { at, exit } = yield* ended(call)
        expect(at).toBe(Math.min(...limits))
        expect(exceeded(exit).service).toBe(String(Math.min(...limits)))
      }),
    { arbitrary: { runs: 100, seed: 11 } }
  )

  it.effect("count the inner limit as exceeded and the outer call as failed", () =>
    Effect.gen(function* () {
      const inner = yield* Timeout.make({ service: "inner", duration: 10 })
      const outer = yield* Timeout.make({ service: "outer", duration: 20 })
      yield* ended(Effect.exit(Effect.never.pipe(inner.execute, outer.execute)))
      expect(inner.snapshot(0)).toMatchObject({ exceeded: 1, failures: 0 })
      expect(outer.snapshot(0)).toMatchObject({ exceeded: 0, failures: 1 })
    })
  )

  it.effect("count the outer limit as exceeded and the inner call as interrupted", () =>
    Effect.gen(function* () {
      const inner = yield* Timeout.make({ service: "inner", duration: 20 })
      const outer = yield* Timeout.make({ service: "outer", duration: 10 })
      const { exit } = yield* ended(Effect.never.pipe(inner.execute, outer.execute))
      expect(exceeded(exit).service).toBe("outer")
      expect(inner.snapshot(0)).toMatchObject({ exceeded: 0, interrupted: 1 })
      expect(outer.snapshot(0)).toMatchObject({ exceeded: 1, failures: 0 })
    })
  )

  it.effect("give the inner one the say when both end at the same instant", () =>
    Effect.gen(function* () {
      const inner = yield* Timeout.make({ service: "inner", duration: 10 })
      const outer = yield* Timeout.make({ service: "outer", duration: 10 })
      const { at, exit } = yield* ended(Effect.never.pipe(inner.execute, outer.execute))
      expect(at).toBe(10)
      expect(exceeded(exit).service).toBe("inner")
      expect(outer.snapshot(0)).toMatchObject({ exceeded: 0, failures: 1 })
    })
  )

  it.effect("can be many", () =>
    Effect.gen(function* () {
      let call: Effect.Effect<string, Timeout.TimeoutExceededError> = after(5, "value")
      for (let level = 0; level < 100; level++) call = Timeout.withTimeout(call, 1_000 - level)
      expect((yield* ended(call)).exit).toEqual(Exit.succeed("value"))
    })
  )
})
