import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Cause, Duration, Effect, Exit, Fiber, Option, Schedule, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Deadline, ResilienceError, Timeout } from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"
import { ended } from "./support/ended.ts"

const after = <A>(duration: Duration.Input, value: A): Effect.Effect<A> => Effect.delay(Effect.succeed(value), duration)

const exceeded = (exit: Exit.Exit<unknown, unknown>): Deadline.TimeoutExceededError => {
  if (Exit.isFailure(exit)) {
    const error = Cause.findErrorOption(exit.cause)
    if (error._tag === "Some" && error.value instanceof Deadline.TimeoutExceededError) return error.value
  }
  throw new Error(`not a deadline: ${JSON.stringify(exit)}`)
}

const millisLeft = Effect.map(Deadline.remaining, (left) => Option.getOrUndefined(Option.map(left, Duration.toMillis)))

describe("a deadline", () => {
  it.effect("counts calls when it has no limit, too", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make()
      yield* deadline.execute(Effect.void)
      yield* Effect.ignore(deadline.execute(Effect.fail("down")))
      expect(deadline.snapshot(0)).toMatchObject({ successes: 1, failures: 1 })
      expect(deadline.elapsedSeconds.count).toBe(2)
    })
  )

  it.effect("lets through what ends before it or at its very instant", () =>
    Effect.gen(function* () {
      for (const millis of [1, 499, 500]) {
        const { at, exit } = yield* ended(after(millis, "value").pipe(Deadline.withDeadline(500)))
        expect([at, exit]).toEqual([millis, Exit.succeed("value")])
      }
    })
  )

  it.effect("interrupts the call at exactly its instant", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const fiber = yield* service.call.pipe(Deadline.withDeadline(500), Effect.flip, Effect.forkChild)
      yield* TestClock.adjust("499999 micros")
      expect([fiber.pollUnsafe(), service.active()]).toEqual([undefined, 1])
      yield* TestClock.adjust("1 micro")
      expect([fiber.pollUnsafe()?._tag, service.active()]).toEqual(["Success", 0])
    })
  )

  it.effect("is the total of everything in the call", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.after(40, "value")])
      const { at, exit } = yield* ended(Effect.forever(service.call).pipe(Deadline.withDeadline(100)))
      expect([at, service.calls()]).toEqual([100, 3])
      expect(exceeded(exit).scope).toBe("total")
    })
  )

  it.effect("starts with each call", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ duration: 500 })
      const call = Effect.never.pipe(deadline.execute, Effect.ignore)
      yield* TestClock.adjust(300)
      expect((yield* ended(Effect.andThen(call, call))).at).toBe(1_000)
    })
  )

  it.effect("fails with an error that tells whose it was and how long", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ service: "llm", duration: "2 seconds" })
      const error = exceeded((yield* ended(deadline.execute(Effect.never))).exit)
      expect(error).toMatchObject({ service: "llm", scope: "total", isStarted: true, isOwnSide: false })
      expect(Duration.toMillis(error.duration)).toBe(2_000)
      expect(error.message).toBe('the call of "llm" exceeded its deadline of 2s')
      expect(ResilienceError.isResilienceError(error)).toBe(true)
    })
  )

  const inner = new Timeout.TimeoutExceededError({ service: "inner", scope: "total", duration: Duration.millis(1) })
  for (const [what, error] of [
    ["an ordinary error", { reason: "down" }],
    ["a timeout of Effect", new Cause.TimeoutError("from inside")],
    ["a timeout of a socket", Object.assign(new Error("connect"), { code: "ETIMEDOUT" })],
    ["the deadline of another call", inner]
  ] as const) {
    it.effect(`passes ${what} from inside as it is`, () =>
      Effect.gen(function* () {
        const deadline = yield* Deadline.make({ duration: 100 })
        const call = Effect.andThen(Effect.sleep(5), Effect.fail(error)).pipe(deadline.execute, Effect.flip)
        const { exit } = yield* ended(call)
        expect(Exit.isSuccess(exit) && exit.value === error).toBe(true)
        expect(deadline.snapshot(0)).toMatchObject({ failures: 1, exceeded: 0 })
      })
    )
  }

  it.effect("passes defects and interruptions from inside as they are", () =>
    Effect.gen(function* () {
      const died = yield* ended(Effect.die("bug").pipe(Deadline.withDeadline(100)))
      expect(died.exit).toEqual(Exit.die("bug"))
      const { exit } = yield* ended(Effect.interrupt.pipe(Deadline.withDeadline(100)))
      expect(Exit.isFailure(exit) && Cause.hasInterruptsOnly(exit.cause)).toBe(true)
    })
  )
})

describe("the remaining time", () => {
  it.effect("is none without a deadline, and none again after the call", () =>
    Effect.gen(function* () {
      expect(yield* Deadline.remaining).toEqual(Option.none())
      expect(yield* millisLeft.pipe(Deadline.withDeadline(500))).toBe(500)
      expect(yield* Deadline.remaining).toEqual(Option.none())
    })
  )

  it.effect("goes down as time passes", () =>
    Effect.gen(function* () {
      const steps = Effect.all([millisLeft, after(200, 0), millisLeft, after("299999 micros", 0), millisLeft])
      const { exit } = yield* ended(steps.pipe(Deadline.withDeadline(500)))
      expect(exit).toEqual(Exit.succeed([500, 0, 300, 0, 0.001]))
    })
  )

  it.effect("is never negative", () =>
    Effect.gen(function* () {
      const left: Array<number | undefined> = []
      const look = Effect.map(millisLeft, (millis) => void left.push(millis))
      const late = Effect.uninterruptible(Effect.all([Effect.sleep(500), look, Effect.sleep(1), look]))
      yield* ended(Effect.exit(late.pipe(Deadline.withDeadline(500))))
      expect(left).toEqual([0, 0])
    })
  )

  it.effect("is none under an infinite deadline", () =>
    Effect.gen(function* () {
      expect(yield* Deadline.remaining.pipe(Deadline.withDeadline(Infinity))).toEqual(Option.none())
      const raw = { at: Infinity, service: "raw", duration: Duration.infinity }
      const left = Deadline.remaining.pipe(Effect.provideService(Deadline.CurrentDeadline, raw))
      expect(yield* left).toEqual(Option.none())
    })
  )

  it.effect("is seen by children, detached fibers and concurrent parts", () =>
    Effect.gen(function* () {
      const later = Effect.delay(millisLeft, 100)
      const call = Effect.gen(function* () {
        const child = yield* Effect.forkChild(later)
        const detached = yield* Effect.forkDetach(later)
        const parts = yield* Effect.all([later, later], { concurrency: "unbounded" })
        return [yield* Fiber.join(child), yield* Fiber.join(detached), ...parts]
      })
      const { exit } = yield* ended(call.pipe(Deadline.withDeadline(500)))
      expect(exit).toEqual(Exit.succeed([400, 400, 400, 400]))
    })
  )

  it.effect("limits a detached fiber that outlives the call at the same instant", () =>
    Effect.gen(function* () {
      const call = Effect.forkDetach(Effect.exit(Effect.never.pipe(Timeout.withTimeout("1 hour"))))
      const fiber = yield* call.pipe(Deadline.withDeadline({ milliseconds: 500 }))
      yield* TestClock.adjust(499)
      expect(fiber.pollUnsafe()).toBeUndefined()
      yield* TestClock.adjust(1)
      expect(exceeded(yield* Fiber.join(fiber))).toMatchObject({ scope: "total", isStarted: true })
    })
  )
})

describe("nested deadlines", () => {
  const make = (service: string, duration: Duration.Input) => Deadline.make({ service, duration })

  it.effect("end at the earlier one when that is the outer", () =>
    Effect.gen(function* () {
      const outer = yield* make("outer", 1_000)
      const inner = yield* make("inner", 900)
      const { at, exit } = yield* ended(Effect.never.pipe(inner.execute, Effect.delay(300), outer.execute))
      expect(at).toBe(1_000)
      expect(exceeded(exit)).toMatchObject({ service: "outer", scope: "total", duration: Duration.seconds(1) })
    })
  )

  it.effect("end at the earlier one when that is the inner, and leave the rest to the outer", () =>
    Effect.gen(function* () {
      const outer = yield* make("outer", 1_000)
      const inner = yield* make("inner", 200)
      const both = Effect.all([
        Effect.flip(inner.execute(Effect.never)),
        Effect.flip(inner.execute(Effect.never)),
        millisLeft
      ])
      const { at, exit } = yield* ended(outer.execute(both))
      expect(at).toBe(400)
      expect(exit).toMatchObject({ value: [{ service: "inner" }, { service: "inner" }, 600] })
    })
  )

  it.effect("show the earlier one as the remaining time", () =>
    Effect.gen(function* () {
      const inside = (duration: Duration.Input) => millisLeft.pipe(Deadline.withDeadline(duration))
      const all = Effect.all([inside(2_000), inside(1_000), inside(700), millisLeft])
      expect(yield* all.pipe(Deadline.withDeadline(1_000))).toEqual([1_000, 1_000, 700, 1_000])
    })
  )

  it.effect("of the same end are the outer one's", () =>
    Effect.gen(function* () {
      const outer = yield* make("outer", 500)
      const inner = yield* make("inner", 500)
      const { at, exit } = yield* ended(Effect.never.pipe(inner.execute, outer.execute))
      expect([at, exceeded(exit).service]).toEqual([500, "outer"])
    })
  )

  it.effect("do not start a call after the outer one has passed", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make(["value"])
      const errors: Array<unknown> = []
      const inside = service.call.pipe(
        Deadline.withDeadline(1_000),
        Effect.catch((error) => Effect.sync(() => void errors.push(error)))
      )
      const outer = yield* make("outer", 100)
      yield* ended(Effect.exit(outer.execute(Effect.uninterruptible(Effect.delay(inside, 100)))))
      expect(service.calls()).toBe(0)
      expect(errors).toMatchObject([
        { service: "outer", scope: "total", duration: Duration.millis(100), isStarted: false, isOwnSide: true }
      ])
    })
  )

  const duration = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 40 }))
  it.effect.prop(
    "end at the earliest of their ends, wherever in the call they start",
    [
      Arbitrary.array(Arbitrary.schema(Schema.Struct({ start: duration, length: duration })), {
        minLength: 1,
        maxLength: 5
      })
    ],
    ([levels]) =>
      Effect.gen(function* () {
        let call: Effect.Effect<never, Deadline.TimeoutExceededError> = Effect.never
        for (const { length, start } of levels) call = Effect.delay(Deadline.withDeadline(call, length), start)
        let [now, end] = [0, Infinity]
        for (const { length, start } of levels.toReversed()) {
          if (now + start > end) break
          now += start
          end = Math.min(end, now + length)
        }
        const { at, exit } = yield* ended(call)
        expect(at).toBe(end)
        expect(exceeded(exit).scope).toBe("total")
      }),
    { arbitrary: { runs: 200, seed: 5 } }
  )
})

describe("a timeout under a deadline", () => {
  /** The limit that is set last rings last: here the deadline's, there the timeout's. */
  const orders = [
    ["the timeout notices first", Effect.void],
    ["the deadline notices first", Effect.yieldNow]
  ] as const
  for (const [order, before] of orders) {
    it.effect(`fails with the deadline's error when ${order}`, () =>
      Effect.gen(function* () {
        const service = ScriptedService.make([ScriptedService.hang])
        const deadline = yield* Deadline.make({ service: "total", duration: 300 })
        const timeout = yield* Timeout.make({ service: "attempt", duration: 500 })
        const call = Effect.andThen(before, timeout.execute(service.call))
        const { at, exit } = yield* ended(deadline.execute(call))
        expect(at).toBe(300)
        const error = exceeded(exit)
        expect(error).toMatchObject({ service: "total", scope: "total", isStarted: true })
        expect(error.duration).toEqual(Duration.millis(300))
        expect(Exit.isFailure(exit) && exit.cause.reasons.length).toBe(1)
        expect(service.active()).toBe(0)
      })
    )
  }

  it.effect("fails with its own error when it is shorter, and the call goes on", () =>
    Effect.gen(function* () {
      const call = Effect.all([Effect.flip(Effect.never.pipe(Timeout.withTimeout(50))), millisLeft])
      const { exit } = yield* ended(call.pipe(Deadline.withDeadline(300)))
      expect(exit).toMatchObject({ value: [{ scope: "attempt" }, 250] })
    })
  )

  it.effect("is the deadline's when both end at the same instant", () =>
    Effect.gen(function* () {
      const { exit } = yield* ended(Effect.never.pipe(Timeout.withTimeout(300), Deadline.withDeadline(300)))
      expect(exceeded(exit).scope).toBe("total")
    })
  )

  it.effect("that has no limit of its own ends with the deadline", () =>
    Effect.gen(function* () {
      for (const duration of [Infinity, 0, -5]) {
        const { at } = yield* ended(
          Effect.exit(Effect.never.pipe(Timeout.withTimeout(duration), Deadline.withDeadline(300)))
        )
        expect(at).toBe(300)
      }
    })
  )

  it.effect("around it can be shorter and is then no deadline", () =>
    Effect.gen(function* () {
      const call = Effect.never.pipe(Deadline.withDeadline(300), Timeout.withTimeout(100))
      const { at, exit } = yield* ended(call)
      expect([at, exceeded(exit).scope]).toEqual([100, "attempt"])
    })
  )

  it.effect.prop(
    "ends at the shorter of the two",
    [
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 })),
      Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 50 })),
      Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 50 }))
    ],
    ([total, attempt, start]) =>
      Effect.gen(function* () {
        const call = Effect.delay(Effect.never.pipe(Timeout.withTimeout(attempt)), start)
        const { at, exit } = yield* ended(call.pipe(Deadline.withDeadline(total)))
        expect(at).toBe(Math.min(total, start + attempt))
        expect(exceeded(exit).scope).toBe(start + attempt < total ? "attempt" : "total")
      }),
    { arbitrary: { runs: 150, seed: 9 } }
  )
})

describe("without a deadline", () => {
  const calls = (service: ScriptedService.ScriptedService<string, never>) =>
    service.call.pipe(Timeout.withTimeout("5 seconds"), Effect.exit, Effect.repeat(Schedule.spaced("1 second")))

  it.effect("work in the background goes on calling when the call that started it is long over", () =>
    Effect.gen(function* () {
      const [free, bound] = [ScriptedService.make(["value"]), ScriptedService.make(["value"])]
      const start = { startImmediately: true }
      yield* Effect.andThen(
        Effect.forkDetach(Deadline.withoutDeadline(calls(free)), start),
        Effect.forkDetach(calls(bound), start)
      ).pipe(Deadline.withDeadline(1_500))
      yield* TestClock.adjust("10 seconds")
      expect([free.calls(), bound.calls()]).toEqual([11, 2])
    })
  )

  it.effect("an effect sees no remaining time, and may set a deadline of its own", () =>
    Effect.gen(function* () {
      const inner = Effect.all([Deadline.remaining, Deadline.withDeadline(Deadline.remaining, "1 minute")])
      expect(yield* inner.pipe(Deadline.withoutDeadline, Deadline.withDeadline("1 second"))).toEqual([
        Option.none(),
        Option.some(Duration.minutes(1))
      ])
    })
  )

  it.effect("an effect still ends with the call that waits for it", () =>
    Effect.gen(function* () {
      const call = Effect.never.pipe(Deadline.withoutDeadline, Deadline.withDeadline(100))
      expect((yield* ended(Effect.flip(call))).at).toBe(100)
    })
  )
})
