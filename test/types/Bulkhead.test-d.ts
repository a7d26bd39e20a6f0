import { Effect } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import { Bulkhead, type CircuitBreaker, type Policy } from "../../src/index.ts"
import { type Busy, call, type Database, safe, type User, type Wrong } from "./support/call.ts"

declare const bulkhead: Bulkhead.Bulkhead
declare const breaker: CircuitBreaker.CircuitBreaker

type Guarded = Effect.Effect<User, Busy | Wrong | Bulkhead.BulkheadRejectedError, Database>
type Named = Effect.Effect<User, Busy | Wrong | Bulkhead.BulkheadRejectedError, Database | Policy.ResilienceRegistry>

describe("withBulkhead", () => {
  it("by instance adds its error and needs nothing", () => {
    expectTypeOf(call.pipe(Bulkhead.withBulkhead(bulkhead))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(Bulkhead.withBulkhead(bulkhead, { key: "tenant" }))).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(bulkhead.execute)).toEqualTypeOf<Guarded>()
    expectTypeOf(call.pipe(bulkhead.executeWith({ key: "tenant" }))).toEqualTypeOf<Guarded>()
    expectTypeOf(Bulkhead.withBulkhead(call, bulkhead)).toEqualTypeOf<Guarded>()
    expectTypeOf(Bulkhead.withBulkhead(call, bulkhead, { key: "tenant" })).toEqualTypeOf<Guarded>()
  })

  it("by service adds its error and needs the registry", () => {
    expectTypeOf(call.pipe(Bulkhead.withBulkhead("llm"))).toEqualTypeOf<Named>()
    expectTypeOf(call.pipe(Bulkhead.withBulkhead("llm", { key: "tenant" }))).toEqualTypeOf<Named>()
    expectTypeOf(Bulkhead.withBulkhead(call, "llm")).toEqualTypeOf<Named>()
    expectTypeOf(Bulkhead.withBulkhead(call, "llm", { key: undefined })).toEqualTypeOf<Named>()
    expectTypeOf(safe.pipe(Bulkhead.withBulkhead("llm"))).toEqualTypeOf<
      Effect.Effect<User, Bulkhead.BulkheadRejectedError, Policy.ResilienceRegistry>
    >()
  })

  it("keeps the types of a generic effect", () => {
    const guarded = <A, E, R>(self: Effect.Effect<A, E, R>) => Bulkhead.withBulkhead(self, "llm", { key: "tenant" })
    expectTypeOf(guarded(call)).toEqualTypeOf<Named>()
  })

  it("leaves an error that can be caught by its tag and tells its reason", () => {
    const caught = call.pipe(
      Bulkhead.withBulkhead(bulkhead),
      Effect.catchTag("BulkheadRejectedError", ({ limit, reason }) => Effect.succeed({ limit, reason }))
    )
    expectTypeOf(caught).toEqualTypeOf<
      Effect.Effect<User | { limit: number; reason: "full" | "queue-timeout" }, Busy | Wrong, Database>
    >()
  })

  it("rejects options, numbers and instances of other patterns", () => {
    call.pipe(
      Bulkhead.withBulkhead({
        // @ts-expect-error -- options would make a fresh bulkhead for each call
        maxConcurrent: 3
      })
    )
    // @ts-expect-error -- options would make a fresh bulkhead for each call
    Bulkhead.withBulkhead(call, { maxConcurrent: 3 })
    call.pipe(
      Bulkhead.withBulkhead("llm", {
        // @ts-expect-error -- options would make a fresh bulkhead for each call
        maxConcurrent: 3
      })
    )
    call.pipe(
      Bulkhead.withBulkhead(bulkhead, {
        // @ts-expect-error -- options would make a fresh bulkhead for each call
        maxConcurrent: 3
      })
    )
    // @ts-expect-error -- a number would make a fresh bulkhead for each call
    call.pipe(Bulkhead.withBulkhead(3))
    // @ts-expect-error -- a circuit breaker is no bulkhead
    call.pipe(Bulkhead.withBulkhead(breaker))
    // @ts-expect-error -- no such option
    Bulkhead.make({ limit: 3 })
  })
})
