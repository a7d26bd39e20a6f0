import { Effect, type Exit } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import { type Bulkhead, CircuitBreaker, Outcome, type Policy } from "../../src/index.ts"
import { type Busy, call, type Database, safe, type User, type Wrong } from "./support/call.ts"

declare const breaker: CircuitBreaker.CircuitBreaker
declare const bulkhead: Bulkhead.Bulkhead
declare const classifyStrings: (exit: Exit.Exit<unknown, string>) => Outcome.Outcome
declare const classifyAnything: (exit: Exit.Exit<unknown, unknown>) => Outcome.Outcome

type Guarded = Effect.Effect<User, Busy | Wrong | CircuitBreaker.CircuitBreakerOpenError, Database>
type Named = Effect.Effect<
  User,
  Busy | Wrong | CircuitBreaker.CircuitBreakerOpenError,
  Database | Policy.ResilienceRegistry
>

describe("withCircuitBreaker", () => {
  it("by instance adds its error and needs nothing", () => {
    expectTypeOf(call.pipe(CircuitBreaker.withCircuitBreaker(breaker))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(CircuitBreaker.withCircuitBreaker(breaker, { key: "tenant" }))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(breaker.execute)).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(breaker.executeWith({ key: "tenant" }))).toEqualTypeOf<Guarded>()
    expectTypeOf(CircuitBreaker.withCircuitBreaker(call, breaker)).toEqualTypeOf<Guarded>()
    expectTypeOf(CircuitBreaker.withCircuitBreaker(call, breaker, { key: "tenant" })).toEqualTypeOf<Guarded>()
  })

  it("by service adds its error and needs the registry", () => {
    expectTypeOf(call.pipe(CircuitBreaker.withCircuitBreaker("llm"))).toEqualTypeOf<Named>()
    expectTypeOf(call.pipe(CircuitBreaker.withCircuitBreaker("llm", { key: "tenant" }))).toEqualTypeOf<Named>()
    expectTypeOf(CircuitBreaker.withCircuitBreaker(call, "llm")).toEqualTypeOf<Named>()
    expectTypeOf(CircuitBreaker.withCircuitBreaker(call, "llm", { key: "tenant" })).toEqualTypeOf<Named>()
    expectTypeOf(safe.pipe(CircuitBreaker.withCircuitBreaker("llm"))).toEqualTypeOf<
      Effect.Effect<User, CircuitBreaker.CircuitBreakerOpenError, Policy.ResilienceRegistry>
    >()
  })

  it("gives a classifier the exits of the effect", () => {
    type Own = Exit.Exit<User, Busy | Wrong>
    const named = call.pipe(
      CircuitBreaker.withCircuitBreaker("llm", {
        classify: (exit) => {
          expectTypeOf(exit).toEqualTypeOf<Own>()
          return Outcome.success
        }
      })
    )
    expectTypeOf(named).toEqualTypeOf<Named>()
    const guarded = call.pipe(
      CircuitBreaker.withCircuitBreaker(breaker, {
        key: "tenant",
        classify: (exit) => {
          expectTypeOf(exit).toEqualTypeOf<Own>()
          return Outcome.ignored
        }
      })
    )
    expectTypeOf(guarded).toEqualTypeOf<Guarded>()
    CircuitBreaker.withCircuitBreaker(call, "llm", {
      classify: (exit) => {
        expectTypeOf(exit).toEqualTypeOf<Own>()
        return Outcome.success
      }
    })
    CircuitBreaker.withCircuitBreaker(call, breaker, {
      classify: (exit) => {
        expectTypeOf(exit).toEqualTypeOf<Own>()
        return Outcome.success
      }
    })
  })

  it("takes a classifier of more exits, and keeps the types of the effect", () => {
    expectTypeOf(
      call.pipe(CircuitBreaker.withCircuitBreaker(breaker, { classify: classifyAnything }))
    ).toEqualTypeOf<Guarded>()
    expectTypeOf(
      call.pipe(CircuitBreaker.withCircuitBreaker("llm", { classify: Outcome.classify }))
    ).toEqualTypeOf<Named>()
    expectTypeOf(CircuitBreaker.withCircuitBreaker(call, "llm", { classify: classifyAnything })).toEqualTypeOf<Named>()
  })

  it("takes options that may be missing", () => {
    const options = {} as CircuitBreaker.CallOptions | undefined
    expectTypeOf(call.pipe(CircuitBreaker.withCircuitBreaker(breaker, options))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(CircuitBreaker.withCircuitBreaker("llm", options))).toEqualTypeOf<Named>()
    expectTypeOf(CircuitBreaker.withCircuitBreaker(call, "llm", options)).toEqualTypeOf<Named>()
  })

  it("can be made before there is an effect", () => {
    const byKey = CircuitBreaker.withCircuitBreaker("llm", { key: "tenant" })
    expectTypeOf(call.pipe(byKey)).toEqualTypeOf<Named>()
  })

  it("keeps the types of a generic effect", () => {
    const guarded = <A, E, R>(self: Effect.Effect<A, E, R>) =>
      self.pipe(CircuitBreaker.withCircuitBreaker("llm", { key: "tenant" }))
    expectTypeOf(guarded(call)).toEqualTypeOf<Named>()
  })

  it("leaves an error that can be caught by its tag", () => {
    const caught = call.pipe(
      CircuitBreaker.withCircuitBreaker(breaker),
      Effect.catchTag("CircuitBreakerOpenError", ({ state }) => Effect.succeed(state))
    )
    expectTypeOf(caught).toEqualTypeOf<Effect.Effect<User | "Open" | "HalfOpen" | "Isolated", Busy | Wrong, Database>>()
  })

  it("rejects options, other instances and classifiers of other exits", () => {
    call.pipe(
      CircuitBreaker.withCircuitBreaker({
        // @ts-expect-error -- options would make a fresh breaker for each call
        consecutiveFailures: 3
      })
    )
    // @ts-expect-error -- options would make a fresh breaker for each call
    CircuitBreaker.withCircuitBreaker(call, { consecutiveFailures: 3 })
    call.pipe(
      CircuitBreaker.withCircuitBreaker("llm", {
        // @ts-expect-error -- options would make a fresh breaker for each call
        consecutiveFailures: 3
      })
    )
    // @ts-expect-error -- a bulkhead is no circuit breaker
    call.pipe(CircuitBreaker.withCircuitBreaker(bulkhead))
    call.pipe(
      CircuitBreaker.withCircuitBreaker("llm", {
        // @ts-expect-error -- the effect does not fail with strings
        classify: classifyStrings
      })
    )
    call.pipe(
      CircuitBreaker.withCircuitBreaker(breaker, {
        // @ts-expect-error -- a verdict is one of three
        classify: () => true
      })
    )
    // @ts-expect-error -- no such option
    CircuitBreaker.make({ failMax: 3 })
    // @ts-expect-error -- an instance guards effects with other errors, too
    CircuitBreaker.make({}, { classify: classifyStrings })
  })
})
