import { Effect } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import { Fallback, Pipeline, type Policy, Retry, Timeout } from "../../src/index.ts"
import { Laws, RecordedEvents, ScriptedService, Structure } from "../../src/testing/index.ts"
import { Busy, call, type Database, safe, user, type User, Wrong } from "./support/call.ts"

describe("ScriptedService", () => {
  it("has the values and errors of its steps", () => {
    expectTypeOf(ScriptedService.make(["a", "b"]).call).toEqualTypeOf<Effect.Effect<string>>()
    expectTypeOf(ScriptedService.make([user]).call).toEqualTypeOf<Effect.Effect<User>>()
    const failing = ScriptedService.make([ScriptedService.fail(new Busy({ queue: 1 })), user])
    expectTypeOf(failing.call).toEqualTypeOf<Effect.Effect<User, Busy>>()
    const down = ScriptedService.make([ScriptedService.fail("busy"), ScriptedService.fail("busy"), "pong"])
    expectTypeOf(down.call).toEqualTypeOf<Effect.Effect<string, string>>()
    const mixed = ScriptedService.make<User, Busy | Wrong>([
      ScriptedService.fail(new Busy({ queue: 1 })),
      ScriptedService.after("1 second", ScriptedService.fail(new Wrong({ field: "name" }))),
      ScriptedService.hang,
      user
    ])
    expectTypeOf(mixed.call).toEqualTypeOf<Effect.Effect<User, Busy | Wrong>>()
  })

  it("has steps with their own types", () => {
    expectTypeOf(ScriptedService.fail(new Busy({ queue: 1 }))).toEqualTypeOf<Effect.Effect<never, Busy>>()
    expectTypeOf(ScriptedService.hang).toEqualTypeOf<Effect.Effect<never>>()
    expectTypeOf(ScriptedService.after("1 second", user)).toEqualTypeOf<Effect.Effect<User>>()
    const late: Effect.Effect<User, Busy> = Effect.succeed(user)
    expectTypeOf(ScriptedService.after(1, late)).toEqualTypeOf<Effect.Effect<User, Busy>>()
  })

  it("rejects an empty script, and steps that need something", () => {
    // @ts-expect-error -- a service does something
    ScriptedService.make([])
    // @ts-expect-error -- a script has to be complete
    ScriptedService.make<User, Busy | Wrong>([call])
  })
})

describe("RecordedEvents", () => {
  it("changes no type of the effect that it records", () => {
    const recorded = RecordedEvents.make()
    expectTypeOf(call.pipe(recorded.record)).toEqualTypeOf<typeof call>()
    expectTypeOf(recorded.record(call)).toEqualTypeOf<typeof call>()
    expectTypeOf(recorded.events()).toEqualTypeOf<ReadonlyArray<Policy.Event>>()
    expectTypeOf(recorded.tags()).toEqualTypeOf<ReadonlyArray<string>>()
  })
})

describe("Laws", () => {
  it("checks pipelines and single policies, and fails with what their maker fails with, too", () => {
    const whole = Pipeline.make({ fallback: () => safe, retry: {}, circuitBreaker: {}, timeout: 5 })
    expectTypeOf(Laws.check(whole)).toEqualTypeOf<Effect.Effect<Laws.Report, Laws.LawBrokenError>>()
    expectTypeOf(Laws.check(Retry.make({ onExhausted: "wrap" }))).toEqualTypeOf<
      Effect.Effect<Laws.Report, Laws.LawBrokenError>
    >()
    const failing = Effect.andThen(call, Timeout.make())
    expectTypeOf(Laws.check(failing)).toEqualTypeOf<
      Effect.Effect<Laws.Report, Laws.LawBrokenError | Busy | Wrong, Database>
    >()
    expectTypeOf(Laws.check(Fallback.make(() => safe))).toEqualTypeOf<Effect.Effect<Laws.Report, Laws.LawBrokenError>>()
  })

  it("rejects what guards nothing", () => {
    // @ts-expect-error -- a number is no policy
    Laws.check(Effect.succeed(1))
  })
})

describe("Structure", () => {
  it("finds a part by its pattern, with its type", () => {
    const pipeline = Pipeline.makeUnsafe({ retry: {}, timeout: 5 })
    expectTypeOf(Structure.get(pipeline, Retry.Kind)).toEqualTypeOf<Retry.Retry>()
    expectTypeOf(Structure.get(pipeline, Fallback.Kind)).toEqualTypeOf<Fallback.Fallback<unknown, unknown, unknown>>()
  })

  it("knows the options of a pattern", () => {
    const pipeline = Pipeline.makeUnsafe({ timeout: 5 })
    Structure.expectOptions(pipeline, Timeout.Kind, { duration: "5 millis" })
    // @ts-expect-error -- a timeout has no attempts
    Structure.expectOptions(pipeline, Timeout.Kind, { maxAttempts: 5 })
  })
})
