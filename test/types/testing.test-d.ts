import { Effect } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import type { Policy } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"
import { Busy, call, user, type User, Wrong } from "./support/call.ts"

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
