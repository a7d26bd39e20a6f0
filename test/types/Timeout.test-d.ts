import { Duration, type Effect } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import { Deadline, type Policy, Timeout } from "../../src/index.ts"
import { type Busy, call, type Database, safe, type User, type Wrong } from "./support/call.ts"

declare const timeout: Timeout.Timeout
declare const deadline: Deadline.Deadline

type Guarded = Effect.Effect<User, Busy | Wrong | Timeout.TimeoutExceededError, Database>
type Named = Effect.Effect<User, Busy | Wrong | Timeout.TimeoutExceededError, Database | Policy.ResilienceRegistry>

describe("withTimeout", () => {
  it("by duration or instance adds its error and needs nothing", () => {
    expectTypeOf(call.pipe(Timeout.withTimeout("500 millis"))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Timeout.withTimeout(500))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Timeout.withTimeout(Duration.seconds(1)))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Timeout.withTimeout("Infinity"))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Timeout.withTimeout({ seconds: 1 }))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Timeout.withTimeout(timeout))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(timeout.execute)).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(timeout.executeWith({}))).toEqualTypeOf<Guarded>()
    expectTypeOf(Timeout.withTimeout(call, "500 millis")).toEqualTypeOf<Guarded>()
    expectTypeOf(Timeout.withTimeout(call, timeout)).toEqualTypeOf<Guarded>()
  })

  it("by what may be any of them needs the registry, too", () => {
    expectTypeOf(call.pipe(Timeout.withTimeout({} as Timeout.Timeout | string))).toEqualTypeOf<Named>()
    expectTypeOf(call.pipe(Deadline.withDeadline({} as Deadline.Deadline | string))).toEqualTypeOf<Named>()
  })

  it("by service adds its error and needs the registry", () => {
    expectTypeOf(call.pipe(Timeout.withTimeout("llm"))).toEqualTypeOf<Named>()
    expectTypeOf(Timeout.withTimeout(call, "llm")).toEqualTypeOf<Named>()
    expectTypeOf(safe.pipe(Timeout.withTimeout("llm"))).toEqualTypeOf<
      Effect.Effect<User, Timeout.TimeoutExceededError, Policy.ResilienceRegistry>
    >()
  })

  it("keeps the types of a generic effect", () => {
    const limited = <A, E, R>(self: Effect.Effect<A, E, R>) => self.pipe(Timeout.withTimeout("1 second"))
    expectTypeOf(limited(call)).toEqualTypeOf<Guarded>()
    const named = <A, E, R>(self: Effect.Effect<A, E, R>) => self.pipe(Timeout.withTimeout("llm"))
    expectTypeOf(named(call)).toEqualTypeOf<Named>()
  })

  it("rejects options, and instances of other patterns", () => {
    call.pipe(
      Timeout.withTimeout({
        // @ts-expect-error -- options would make a fresh timeout for each call
        duration: "1 second"
      })
    )
    // @ts-expect-error -- options would make a fresh timeout for each call
    Timeout.withTimeout(call, { duration: "1 second" })
    // @ts-expect-error -- a deadline is no timeout
    call.pipe(Timeout.withTimeout(deadline))
    // @ts-expect-error -- a timeout has no keys
    call.pipe(Timeout.withTimeout("llm", { key: "tenant" }))
    // @ts-expect-error -- no such option
    Timeout.make({ timeout: "1 second" })
    // @ts-expect-error -- no duration
    Timeout.make({ duration: "soon" })
  })
})

describe("withDeadline", () => {
  it("by duration or instance adds its error and needs nothing", () => {
    expectTypeOf(call.pipe(Deadline.withDeadline("2 seconds"))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Deadline.withDeadline(deadline))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(deadline.execute)).toEqualTypeOf<Guarded>()
    expectTypeOf(Deadline.withDeadline(call, 2_000)).toEqualTypeOf<Guarded>()
    expectTypeOf(Deadline.withDeadline(call, deadline)).toEqualTypeOf<Guarded>()
  })

  it("by service adds its error and needs the registry", () => {
    expectTypeOf(call.pipe(Deadline.withDeadline("llm"))).toEqualTypeOf<Named>()
    expectTypeOf(Deadline.withDeadline(call, "llm")).toEqualTypeOf<Named>()
  })

  it("can be left without a change of types", () => {
    expectTypeOf(call.pipe(Deadline.withoutDeadline)).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(Deadline.withDeadline(1), Deadline.withoutDeadline)).toEqualTypeOf<Guarded>()
  })

  it("has the error of a timeout", () => {
    expectTypeOf<Deadline.TimeoutExceededError>().toEqualTypeOf<Timeout.TimeoutExceededError>()
    expectTypeOf(call.pipe(Timeout.withTimeout(1), Deadline.withDeadline(2))).toEqualTypeOf<Guarded>()
  })

  it("rejects options, and instances of other patterns", () => {
    call.pipe(
      Deadline.withDeadline({
        // @ts-expect-error -- options would make a fresh deadline for each call
        duration: "1 second"
      })
    )
    // @ts-expect-error -- a timeout is no deadline
    call.pipe(Deadline.withDeadline(timeout))
    // @ts-expect-error -- no such option
    Deadline.make({ deadline: "1 second" })
  })
})
