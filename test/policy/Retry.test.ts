import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { Cause, Clock, Context, Data, Effect, Exit, Fiber, Layer, Option, Schedule } from "effect"
import { TestClock } from "effect/testing"
import { Policy, Resilience, Retry } from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"
import { failWith, runAttempts } from "./support/attempts.ts"

class Busy extends Data.TaggedError("Busy")<{ readonly attempt?: number }> {}
class Gone extends Data.TaggedError("Gone") {}

const instant = { baseDelay: 0, jitter: "none" } as const
const down = { status: 400 }

describe("the attempts", () => {
  it.effect.each([1, 2, 3, 7])("count calls, the first included: %d", (maxAttempts) =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ ...instant, maxAttempts })
      const { exit, instants } = yield* failWith(["busy"], retry.execute)
      expect(instants).toHaveLength(maxAttempts)
      expect(exit).toEqual(Exit.fail("busy"))
    })
  )

  it.effect("are three by default", () =>
    Effect.gen(function* () {
      const { instants } = yield* failWith(["busy"], Retry.makeUnsafe().execute)
      expect(instants).toHaveLength(3)
    })
  )

  it.effect("end with the first that succeeds", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("busy"), ScriptedService.fail("busy"), "pong", "late"])
      const retry = yield* Retry.make({ ...instant, maxAttempts: 9 })
      expect(yield* service.call.pipe(retry.execute)).toBe("pong")
      expect(service.calls()).toBe(3)
    })
  )

  it.effect("end with the first that another attempt would not change", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ ...instant, maxAttempts: 9 })
      const { exit, instants } = yield* failWith(["busy", "busy", down], retry.execute)
      expect(instants).toHaveLength(3)
      expect(exit).toEqual(Exit.fail(down))
    })
  )

  it.effect("run the whole effect again, with what it does before it fails", () =>
    Effect.gen(function* () {
      const done: Array<string> = []
      const step = (name: string) => Effect.sync(() => done.push(name))
      const call = step("reserve").pipe(Effect.andThen(step("pay")), Effect.andThen(Effect.fail("busy")))
      yield* call.pipe(Retry.makeUnsafe({ ...instant, maxAttempts: 2 }).execute, Effect.exit)
      expect(done).toEqual(["reserve", "pay", "reserve", "pay"])
    })
  )

  it.effect("of calls that run at the same time are counted for each", () =>
    Effect.gen(function* () {
      const services = Array.from({ length: 5 }, () => ScriptedService.make([ScriptedService.fail("busy")]))
      const retry = yield* Retry.make({ maxAttempts: 3, jitter: "none" })
      const all = Effect.forEach(services, ({ call }) => Effect.exit(retry.execute(call)), { concurrency: "unbounded" })
      const fiber = yield* Effect.forkChild(all)
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(fiber)
      expect(services.map(({ calls }) => calls())).toEqual([3, 3, 3, 3, 3])
    })
  )

  it.effect("start anew when a guarded effect runs again", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("busy")])
      const guarded = service.call.pipe(Retry.makeUnsafe({ ...instant, maxAttempts: 3 }).execute)
      yield* Effect.exit(guarded)
      yield* Effect.exit(guarded)
      expect(service.calls()).toBe(6)
    })
  )

  it.effect("can be many thousands", () =>
    Effect.gen(function* () {
      let calls = 0
      const call = Effect.suspend(() => (++calls < 30_000 ? Effect.fail("busy") : Effect.succeed(calls)))
      expect(yield* call.pipe(Retry.makeUnsafe({ ...instant, maxAttempts: 50_000 }).execute)).toBe(30_000)
    })
  )

  it.effect.each([
    ["a string", "busy"],
    ["a number", 42],
    ["null", null],
    ["undefined", undefined],
    ["a symbol", Symbol("busy")],
    ["a function", () => "busy"],
    ["an error without a tag", new Error("busy")],
    ["a record without a prototype", Object.create(null)],
    ["a frozen record", Object.freeze({ reason: null })]
  ] as ReadonlyArray<readonly [string, unknown]>)("are made again whatever the error is: %s", ([, error]) =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ ...instant, maxAttempts: 3 })
      const { exit, instants } = yield* failWith([error], retry.execute)
      expect(instants).toHaveLength(3)
      expect(Exit.isFailure(exit) && exit.cause.reasons).toEqual([Cause.makeFailReason(error)])
    })
  )
})

describe("a call that succeeds at once", () => {
  it.effect("reads no clock, draws no random number and makes no schedule", () =>
    Effect.gen(function* () {
      const nothing = new Proxy({} as Clock.Clock, {
        get: (_, name) => {
          throw new Error(`the clock was asked for ${String(name)}`)
        }
      })
      const guarded = Effect.succeed("pong").pipe(Retry.makeUnsafe().execute)
      expect(yield* guarded.pipe(Effect.provideService(Clock.Clock, nothing))).toBe("pong")
      const failing = Effect.fail("busy").pipe(Retry.makeUnsafe().execute, Effect.provideService(Clock.Clock, nothing))
      expect(Cause.hasDies(yield* Effect.flip(Effect.sandbox(failing)))).toBe(true)
    })
  )

  it.effect("is the same value", () =>
    Effect.gen(function* () {
      const value = { answer: 42 }
      expect(yield* Effect.succeed(value).pipe(Retry.makeUnsafe().execute)).toBe(value)
    })
  )
})

describe("a delay of zero", () => {
  it.effect("does not sleep", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const sleepless: Clock.Clock = Object.assign(Object.create(clock), {
        sleep: () => Effect.die("slept")
      })
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 3 })
      const exit = yield* Effect.fail("busy").pipe(
        retry.execute,
        Effect.provideService(Clock.Clock, sleepless),
        Effect.exit
      )
      expect(exit).toEqual(Exit.fail("busy"))
      const sleeping = Effect.fail("busy").pipe(Retry.makeUnsafe().execute)
      const died = yield* sleeping.pipe(Effect.provideService(Clock.Clock, sleepless), Effect.exit)
      expect(died).toEqual(Exit.die("slept"))
    })
  )
})

describe("a defect", () => {
  it.effect("is not retried and comes through unchanged", () =>
    Effect.gen(function* () {
      const defect = new Error("bug")
      const { exit, instants } = yield* runAttempts(() => Effect.die(defect), Retry.makeUnsafe(instant).execute)
      expect(instants).toHaveLength(1)
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause)).toBe(defect)
    })
  )

  it.effect("beside an error forbids a retry, and both come through", () =>
    Effect.gen(function* () {
      const cause = Cause.combine(Cause.fail("busy"), Cause.die("bug"))
      const { exit, instants } = yield* runAttempts(() => Effect.failCause(cause), Retry.makeUnsafe(instant).execute)
      expect(instants).toHaveLength(1)
      expect(exit).toEqual(Exit.failCause(cause))
    })
  )

  it.effect("of a later attempt ends the call", () =>
    Effect.gen(function* () {
      const attempt = (number: number) => (number === 1 ? Effect.fail("busy") : Effect.die("bug"))
      const { exit, instants } = yield* runAttempts(attempt, Retry.makeUnsafe(instant).execute)
      expect(instants).toHaveLength(2)
      expect(exit).toEqual(Exit.die("bug"))
    })
  )
})

describe("an interruption", () => {
  it.effect("from inside is not retried", () =>
    Effect.gen(function* () {
      const { exit, instants } = yield* runAttempts(() => Effect.interrupt, Retry.makeUnsafe(instant).execute)
      expect(instants).toHaveLength(1)
      expect(Exit.hasInterrupts(exit)).toBe(true)
    })
  )

  it.effect("beside an error is retried, as under Effect.retry", () =>
    Effect.gen(function* () {
      const cause = Cause.combine(Cause.fail("busy"), Cause.interrupt(7))
      const run = <A, E>(policy: (self: Effect.Effect<never, string>) => Effect.Effect<A, E>) =>
        runAttempts(() => Effect.failCause(cause), policy)
      const ours = yield* run(Retry.makeUnsafe({ ...instant, maxAttempts: 3 }).execute)
      const effects = yield* run(Effect.retry({ times: 2 }))
      expect(ours.instants).toHaveLength(3)
      expect(effects.instants).toHaveLength(3)
      expect(ours.exit).toEqual(Exit.failCause(cause))
    })
  )
})

describe("when attempts run out", () => {
  it.effect("the last error comes through, the same object, and catchTag works", () =>
    Effect.gen(function* () {
      const errors = [new Busy({ attempt: 1 }), new Busy({ attempt: 2 }), new Busy({ attempt: 3 })] as const
      const retry = Retry.makeUnsafe(instant)
      const guarded = (self: Effect.Effect<never, Busy>) =>
        retry.execute(self).pipe(Effect.catchTag("Busy", Effect.succeed))
      const { exit } = yield* failWith<Busy, Busy, never>(errors, guarded)
      expect(Exit.isSuccess(exit) && exit.value === errors[2]).toBe(true)
    })
  )

  it.effect("the annotations of the last cause remain", () =>
    Effect.gen(function* () {
      class Note extends Context.Service<Note, string>()("test/Note") {}
      const cause = Cause.annotate(Cause.fail("busy"), Context.make(Note, "kept"))
      const { exit } = yield* runAttempts(() => Effect.failCause(cause), Retry.makeUnsafe(instant).execute)
      expect(Exit.isFailure(exit) && Context.getOption(Cause.annotations(exit.cause), Note)).toEqual(
        Option.some("kept")
      )
    })
  )

  it.effect("the causes of all attempts can be had in a wrapper", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 3, service: "llm", onExhausted: "wrap" })
      const errors = [new Busy({ attempt: 1 }), new Busy({ attempt: 2 }), new Busy({ attempt: 3 })] as const
      const { exit } = yield* failWith<Busy, never, Busy | Retry.RetryExhaustedError<Busy>>(errors, retry.execute)
      const error = Option.getOrThrow(Exit.findErrorOption(exit)) as Retry.RetryExhaustedError<Busy>
      expect(error).toBeInstanceOf(Retry.RetryExhaustedError)
      expect(error).toMatchObject({ _tag: "RetryExhaustedError", service: "llm", attempts: 3, retryAfter: undefined })
      expect(error.lastError).toBe(errors[2])
      expect(error.cause).toBe(errors[2])
      expect(error.causes).toEqual(errors.map((one) => Cause.fail(one)))
      expect(error.message).toBe('the call of "llm" failed 3 times, last with Busy')
    })
  )

  it.effect("the wrapper tells when the dependency wants to be called again", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 1, onExhausted: "wrap" })
      const limited = { status: 429, response: { headers: { "retry-after": "300" } } }
      const error = yield* Effect.flip(retry.execute(Effect.fail(limited)))
      expect(error).toMatchObject({
        _tag: "RetryExhaustedError",
        attempts: 1,
        retryAfter: { value: { millis: 300_000 } }
      })
    })
  )

  it.effect("the wrapper is caught by its tag and is not retried by a retry around it", () =>
    Effect.gen(function* () {
      const inner = Retry.makeUnsafe({ ...instant, maxAttempts: 2, onExhausted: "wrap" })
      const outer = Retry.makeUnsafe({ ...instant, maxAttempts: 5 })
      const { exit, instants } = yield* failWith([new Busy({})], (self) =>
        self.pipe(
          inner.execute,
          outer.execute,
          Effect.catchTag("RetryExhaustedError", ({ attempts }) => Effect.succeed(attempts))
        )
      )
      expect(instants).toHaveLength(2)
      expect(exit).toEqual(Exit.succeed(2))
    })
  )

  it.effect("only then is there a wrapper: an error that is not retried stays as it is", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...instant, maxAttempts: 5, onExhausted: "wrap" })
      const { exit } = yield* failWith<unknown, never, unknown>(["busy", down], retry.execute)
      expect(exit).toEqual(Exit.fail(down))
    })
  )

  it.effect("each call can choose, whatever the retry was made for", () =>
    Effect.gen(function* () {
      const wrapping = Retry.makeUnsafe({ ...instant, onExhausted: "wrap" })
      const plain = Retry.makeUnsafe(instant)
      const failing: Effect.Effect<never, string> = Effect.fail("busy")
      const tagOf = (error: unknown) => (error instanceof Retry.RetryExhaustedError ? error._tag : error)
      const last = yield* Effect.flip(failing.pipe(Retry.withRetry(wrapping, { onExhausted: "last" })))
      const wrapped = yield* Effect.flip(failing.pipe(Retry.withRetry(plain, { onExhausted: "wrap" })))
      expect([tagOf(last), tagOf(wrapped)]).toEqual(["busy", "RetryExhaustedError"])
      const kept = yield* Effect.flip(failing.pipe(Retry.withRetry(wrapping, { key: "a" })))
      expect(tagOf(kept)).toBe("RetryExhaustedError")
      expectTypeOf(last).toEqualTypeOf<string>()
      expectTypeOf(wrapped).toEqualTypeOf<string | Retry.RetryExhaustedError<string>>()
      expectTypeOf(kept).toEqualTypeOf<string | Retry.RetryExhaustedError<string>>()
    })
  )
})

describe("the errors of a retried effect", () => {
  it("are those of the effect", () => {
    const self: Effect.Effect<number, Busy | Gone> = Effect.succeed(1)
    const retry = Retry.makeUnsafe()
    expectTypeOf(self.pipe(Retry.withRetry(retry))).toEqualTypeOf<Effect.Effect<number, Busy | Gone>>()
    expectTypeOf(Retry.withRetry(self, retry)).toEqualTypeOf<Effect.Effect<number, Busy | Gone>>()
    expectTypeOf(self.pipe(Retry.withRetry("llm"))).toEqualTypeOf<
      Effect.Effect<number, Busy | Gone, Policy.ResilienceRegistry>
    >()
    const narrowed = self.pipe(Retry.withRetry(retry, { while: (error: Busy | Gone) => error._tag === "Busy" }))
    expectTypeOf(narrowed).toEqualTypeOf<Effect.Effect<number, Busy | Gone>>()
  })
})

describe("the metadata of the schedule", () => {
  const attemptsSeen = (policy: (self: Effect.Effect<never, string>) => Effect.Effect<never, string>) =>
    Effect.gen(function* () {
      const seen: Array<Schedule.Metadata> = []
      yield* runAttempts(
        () =>
          Effect.flatMap(Schedule.CurrentMetadata, (metadata) => {
            seen.push(metadata)
            return Effect.delay(Effect.fail("busy"), "100 millis")
          }),
        policy
      )
      return seen
    })

  it.effect("tells an attempt which one it is and what happened before", () =>
    Effect.gen(function* () {
      const seen = yield* attemptsSeen(Retry.makeUnsafe({ jitter: "none" }).execute)
      expect(seen.map(({ attempt }) => attempt)).toEqual([0, 1, 2])
      expect(seen.map(({ input }) => input)).toEqual([undefined, "busy", "busy"])
      expect(seen.map(({ duration }) => String(duration))).toEqual(["0 millis", "1000 millis", "2000 millis"])
    })
  )

  it.effect("is the same as under Effect.retry", () =>
    Effect.gen(function* () {
      const options = { maxAttempts: 4, jitter: "none" } as const
      const effects = yield* attemptsSeen(Effect.retry(Retry.schedule(options)))
      const start = yield* Clock.currentTimeMillis
      const ours = yield* attemptsSeen(Retry.makeUnsafe(options).execute)
      const onward = ({ attempt, now, start: from, ...metadata }: Schedule.Metadata) =>
        attempt === 0
          ? { attempt, now, start: from, ...metadata }
          : { attempt, now: now + start, start: from + start, ...metadata }
      expect(ours).toEqual(effects.map(onward))
      expect(ours.map(({ elapsedSincePrevious }) => elapsedSincePrevious)).toEqual([0, 0, 1_100, 2_100])
    })
  )

  it.effect("of a schedule outside is not taken for that of the first attempt", () =>
    Effect.gen(function* () {
      const inner = Retry.makeUnsafe({ ...instant, maxAttempts: 2 })
      const seen = yield* attemptsSeen((self) => self.pipe(inner.execute, Effect.retry({ times: 1 })))
      expect(seen.map(({ attempt, input }) => [attempt, input])).toEqual([
        [0, undefined],
        [1, "busy"],
        [0, undefined],
        [1, "busy"]
      ])
    })
  )
})

describe("the retry of a service", () => {
  const registry = (get: Policy.ResilienceRegistry["Service"]["get"]): Layer.Layer<Policy.ResilienceRegistry> =>
    Layer.succeed(Policy.ResilienceRegistry, {
      get,
      instances: () => [],
      observe: () => {},
      subscribe: () => () => {},
      recent: () => []
    })

  it.effect("is found by its name when the call is made", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("busy")])
      const layer = Resilience.layer({ services: { llm: { retry: { maxAttempts: 5, baseDelay: 0 } } } })
      const call = service.call.pipe(Retry.withRetry("llm"), Effect.exit, Effect.provide(layer))
      expect(yield* call).toEqual(Exit.fail("busy"))
      expect(service.calls()).toBe(5)
    })
  )

  it.effect("takes the options of the call, data-first and data-last", () =>
    Effect.gen(function* () {
      const layer = Resilience.layer({ services: { llm: { retry: { maxAttempts: 2, baseDelay: 0 } } } })
      const failing: Effect.Effect<never, string> = Effect.fail("busy")
      const last = failing.pipe(Retry.withRetry("llm", { onExhausted: "wrap" }))
      const first = Retry.withRetry(failing, "llm", { onExhausted: "wrap" })
      for (const call of [last, first]) {
        expect(yield* Effect.flip(call).pipe(Effect.provide(layer))).toMatchObject({ attempts: 2, service: "llm" })
      }
    })
  )

  it.effect("lets the effect pass where retries are switched off", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("busy")])
      const call = service.call.pipe(Retry.withRetry("llm"), Effect.exit)
      expect(
        yield* Effect.provide(
          call,
          registry(() => undefined)
        )
      ).toEqual(Exit.fail("busy"))
      expect(service.calls()).toBe(1)
    })
  )
})

describe("an instance", () => {
  it("says in one line what it does", () => {
    expect(Retry.makeUnsafe().describe()).toBe(
      "3 attempts (6 when overloaded), exponential delays from 1s to 10s, jitter equal, no budget"
    )
    const linear = Retry.makeUnsafe({ maxAttempts: 5, strategy: "linear", jitter: "none", budget: {} })
    expect(linear.describe()).toBe(
      "5 attempts (6 when overloaded), linear delays from 1s to 10s, jitter none, a budget of 20 %"
    )
    const attempts = (options: Retry.OptionsInput) => Retry.makeUnsafe(options).describe().split(", exp")[0]
    expect(attempts({ maxAttempts: 7 })).toBe("7 attempts")
    expect(attempts({ maxAttempts: 1 })).toBe("1 attempt")
    expect(attempts({ maxAttempts: 7, rateLimit: { maxAttempts: 2 } })).toBe("7 attempts (2 beyond a rate limit)")
    expect(attempts({ rateLimit: { maxAttempts: 2 } })).toBe("3 attempts (6 when overloaded, 2 beyond a rate limit)")
    expect(Retry.makeUnsafe({ budget: { enabled: false } }).describe()).toContain("no budget")
    expect(Retry.makeUnsafe({ budget: { ratio: 0.07 } }).describe()).toContain("a budget of 7 %")
    expect(Retry.makeUnsafe({ budget: { ratio: 0.125 } }).describe()).toContain("a budget of 12.5 %")
  })

  it("tells the worst that one call can cause", () => {
    expect(Retry.makeUnsafe({ maxAttempts: 1 }).worstCase).toEqual({ attempts: 1, waitMillis: 0 })
    expect(
      Retry.makeUnsafe({ jitter: "none", overload: { maxAttempts: 1 }, rateLimit: { maxAttempts: 1 } }).worstCase
    ).toEqual({ attempts: 3, waitMillis: 3_000 })
    expect(Retry.makeUnsafe().worstCase.attempts).toBe(6)
  })

  it("has the name of its service, by default a default one", () => {
    expect(Retry.makeUnsafe()).toMatchObject({ kind: "retry", service: "default" })
    expect(Retry.makeUnsafe({ service: "llm" }).service).toBe("llm")
  })
})
