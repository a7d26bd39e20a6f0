import { type Duration, Effect, type Schedule } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import { type Classifier, type Policy, Retry } from "../../src/index.ts"
import { type Busy, call, type Database, safe, type User, type Wrong } from "./support/call.ts"

declare const last: Retry.Retry
declare const wrapping: Retry.Retry<"wrap">
declare const either: Retry.Retry<Retry.OnExhausted>
declare const isAnything: (error: unknown) => boolean

type Registry = Policy.ResilienceRegistry
type Wrapped = Busy | Wrong | Retry.RetryExhaustedError<Busy | Wrong>

describe("withRetry", () => {
  it("by service adds no error, and needs the registry", () => {
    type Guarded = Effect.Effect<User, Busy | Wrong, Database | Registry>
    expectTypeOf(call.pipe(Retry.withRetry("llm"))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Retry.withRetry("llm", { key: "tenant" }))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Retry.withRetry("llm", { key: undefined }))).toEqualTypeOf<Guarded>()
    expectTypeOf(Retry.withRetry(call, "llm")).toEqualTypeOf<Guarded>()
    expectTypeOf(Retry.withRetry(call, "llm", { key: "tenant" })).toEqualTypeOf<Guarded>()
    expectTypeOf(safe.pipe(Retry.withRetry("llm"))).toEqualTypeOf<Effect.Effect<User, never, Registry>>()
  })

  it("by instance adds no error and needs nothing", () => {
    expectTypeOf(call.pipe(Retry.withRetry(last))).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(Retry.withRetry(last, { key: "tenant" }))).toEqualTypeOf<typeof call>()
    expectTypeOf(Retry.withRetry(call, last)).toEqualTypeOf<typeof call>()
    expectTypeOf(Retry.withRetry(call, last, { key: "tenant" })).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(last.execute)).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(last.executeWith({ key: "tenant" }))).toEqualTypeOf<typeof call>()
    expectTypeOf(safe.pipe(Retry.withRetry(last))).toEqualTypeOf<typeof safe>()
  })

  it("adds the wrapper, with the errors that it wraps, to an instance that wraps", () => {
    type Guarded = Effect.Effect<User, Wrapped, Database>
    expectTypeOf(call.pipe(Retry.withRetry(wrapping))).toEqualTypeOf<Guarded>()
    expectTypeOf(Retry.withRetry(call, wrapping)).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Retry.withRetry(wrapping, { key: "tenant" }))).toEqualTypeOf<Guarded>()
    expectTypeOf(Retry.withRetry(call, wrapping, { key: "tenant" })).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(wrapping.execute)).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(wrapping.executeWith({ key: "tenant" }))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Retry.withRetry(either))).toEqualTypeOf<Guarded>()
  })

  it("lets a single call choose", () => {
    type Guarded = Effect.Effect<User, Wrapped, Database>
    type Named = Effect.Effect<User, Wrapped, Database | Registry>
    expectTypeOf(call.pipe(Retry.withRetry(last, { onExhausted: "wrap" }))).toEqualTypeOf<Guarded>()
    expectTypeOf(Retry.withRetry(call, last, { onExhausted: "wrap" })).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(last.executeWith({ onExhausted: "wrap" }))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Retry.withRetry(wrapping, { onExhausted: "last" }))).toEqualTypeOf<typeof call>()
    expectTypeOf(Retry.withRetry(call, wrapping, { onExhausted: "last" })).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(wrapping.executeWith({ onExhausted: "last" }))).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(Retry.withRetry("llm", { onExhausted: "wrap" }))).toEqualTypeOf<Named>()
    expectTypeOf(Retry.withRetry(call, "llm", { onExhausted: "wrap" })).toEqualTypeOf<Named>()
    const chosen = {} as Retry.OnExhausted
    expectTypeOf(call.pipe(Retry.withRetry("llm", { onExhausted: chosen }))).toEqualTypeOf<Named>()
    expectTypeOf(call.pipe(Retry.withRetry(wrapping, { onExhausted: undefined }))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Retry.withRetry("llm", { onExhausted: "wrap", while: isAnything }))).toEqualTypeOf<Named>()
  })

  it("gives functions the errors of the effect", () => {
    const classify = (error: Busy | Wrong, now: number): Classifier.Classification | undefined =>
      error._tag === "Busy" ? { kind: "overloaded" } : now > 0 ? undefined : { kind: "not-retryable" }
    const guarded = call.pipe(
      Retry.withRetry("llm", {
        classify: (error, now) => {
          expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
          expectTypeOf(now).toEqualTypeOf<number>()
          return undefined
        },
        while: (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
          return true
        }
      })
    )
    expectTypeOf(guarded).toEqualTypeOf<Effect.Effect<User, Busy | Wrong, Database | Registry>>()
    const byInstance = call.pipe(
      Retry.withRetry(last, {
        while: (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
          return true
        }
      })
    )
    expectTypeOf(byInstance).toEqualTypeOf<typeof call>()
    Retry.withRetry(call, "llm", {
      while: (error) => {
        expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
        return true
      }
    })
    Retry.withRetry(call, last, {
      while: (error) => {
        expectTypeOf(error).toEqualTypeOf<Busy | Wrong>()
        return true
      }
    })
    expectTypeOf(call.pipe(Retry.withRetry(last, { classify }))).toEqualTypeOf<typeof call>()
    expectTypeOf(Retry.withRetry(call, last, { classify })).toEqualTypeOf<typeof call>()
  })

  it("takes functions of more errors, and keeps those of the effect", () => {
    expectTypeOf(call.pipe(Retry.withRetry(last, { while: isAnything }))).toEqualTypeOf<typeof call>()
    expectTypeOf(Retry.withRetry(call, last, { while: isAnything })).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(Retry.withRetry("llm", { while: isAnything }))).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong, Database | Registry>
    >()
    const isTagged = (error: { readonly _tag: string }): boolean => error._tag === "Busy"
    expectTypeOf(call.pipe(Retry.withRetry("llm", { while: isTagged }))).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong, Database | Registry>
    >()
  })

  it("takes options that may be missing", () => {
    const options = {} as Retry.CallOptions<unknown, "last"> | undefined
    expectTypeOf(call.pipe(Retry.withRetry(last, options))).toEqualTypeOf<typeof call>()
    expectTypeOf(Retry.withRetry(call, last, options)).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(Retry.withRetry("llm", options))).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong, Database | Registry>
    >()
  })

  it("can be made before there is an effect", () => {
    const byService = Retry.withRetry("llm")
    const byKey = Retry.withRetry("llm", { key: "tenant" })
    const byInstance = Retry.withRetry(last, { key: "tenant" })
    const wrapped = Retry.withRetry("llm", { onExhausted: "wrap" })
    expectTypeOf(call.pipe(byService)).toEqualTypeOf<Effect.Effect<User, Busy | Wrong, Database | Registry>>()
    expectTypeOf(call.pipe(byKey)).toEqualTypeOf<Effect.Effect<User, Busy | Wrong, Database | Registry>>()
    expectTypeOf(call.pipe(byInstance)).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(wrapped)).toEqualTypeOf<Effect.Effect<User, Wrapped, Database | Registry>>()
  })

  it("keeps the types of a generic effect", () => {
    const guarded = <A, E, R>(self: Effect.Effect<A, E, R>) => self.pipe(Retry.withRetry("llm", { key: "tenant" }))
    expectTypeOf(guarded(call)).toEqualTypeOf<Effect.Effect<User, Busy | Wrong, Database | Registry>>()
    const wrapped = <A, E, R>(self: Effect.Effect<A, E, R>) => self.pipe(Retry.withRetry(wrapping))
    expectTypeOf(wrapped(call)).toEqualTypeOf<Effect.Effect<User, Wrapped, Database>>()
  })

  it("rejects options, other instances, and functions of other errors", () => {
    call.pipe(
      Retry.withRetry({
        // @ts-expect-error -- options would make a fresh retry for each call
        maxAttempts: 3
      })
    )
    // @ts-expect-error -- options would make a fresh retry for each call
    Retry.withRetry(call, { maxAttempts: 3 })
    call.pipe(
      Retry.withRetry("llm", {
        // @ts-expect-error -- options would make a fresh retry for each call
        maxAttempts: 3
      })
    )
    Retry.withRetry(call, "llm", {
      // @ts-expect-error -- options would make a fresh retry for each call
      maxAttempts: 3
    })
    call.pipe(
      Retry.withRetry("llm", {
        // @ts-expect-error -- not one of the two
        onExhausted: "throw"
      })
    )
    call.pipe(
      Retry.withRetry(last, {
        // @ts-expect-error -- the effect does not fail with strings
        while: (error: string) => error === "down"
      })
    )
    // @ts-expect-error -- the effect does not fail with strings
    Retry.withRetry(call, last, { while: (error: string) => error === "down" })
    // @ts-expect-error -- no policy at all
    call.pipe(Retry.withRetry())
    // @ts-expect-error -- a time is no retry
    call.pipe(Retry.withRetry(3))
  })
})

describe("make", () => {
  it("knows from the options what happens when attempts run out", () => {
    expectTypeOf(Retry.make()).toEqualTypeOf<Effect.Effect<Retry.Retry>>()
    expectTypeOf(Retry.make({ maxAttempts: 3 })).toEqualTypeOf<Effect.Effect<Retry.Retry>>()
    expectTypeOf(Retry.make({ onExhausted: "last" })).toEqualTypeOf<Effect.Effect<Retry.Retry>>()
    expectTypeOf(Retry.make({ onExhausted: "wrap" })).toEqualTypeOf<Effect.Effect<Retry.Retry<"wrap">>>()
    expectTypeOf(Retry.makeUnsafe({ onExhausted: "wrap" })).toEqualTypeOf<Retry.Retry<"wrap">>()
    expectTypeOf(Retry.make({} as Retry.MakeOptions)).toEqualTypeOf<Effect.Effect<Retry.Retry<Retry.OnExhausted>>>()
  })

  it("takes functions of whatever error, as an instance serves any effect", () => {
    Retry.make(
      {},
      {
        while: (error) => {
          expectTypeOf(error).toEqualTypeOf<unknown>()
          return true
        }
      }
    )
    // @ts-expect-error -- an instance guards effects with other errors, too
    Retry.make({}, { while: (error: Busy) => error.queue > 1 })
  })

  it("rejects unknown and wrong options", () => {
    // @ts-expect-error -- no such option
    Retry.make({ attempts: 3 })
    // @ts-expect-error -- no such strategy
    Retry.make({ strategy: "fibonacci" })
    // @ts-expect-error -- not one of the two
    Retry.make({ onExhausted: "throw" })
    // @ts-expect-error -- no duration
    Retry.make({ baseDelay: "soon" })
  })
})

describe("RetryExhaustedError", () => {
  it("knows the errors of the attempts", () => {
    call.pipe(
      Retry.withRetry(wrapping),
      Effect.catchTag("RetryExhaustedError", (error) => {
        expectTypeOf(error.lastError).toEqualTypeOf<Busy | Wrong>()
        expectTypeOf(error.retryAfter).toEqualTypeOf<Duration.Duration | undefined>()
        return Effect.void
      })
    )
  })
})

describe("schedule", () => {
  it("is one that cannot fail and needs nothing", () => {
    expectTypeOf(Retry.schedule({ maxAttempts: 3 })).toExtend<Schedule.Schedule<Duration.Duration>>()
    // @ts-expect-error -- a budget is no part of a schedule
    Retry.schedule({ budget: {} })
  })
})
