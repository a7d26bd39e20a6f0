import { Effect } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  Fallback,
  type Outcome,
  Pipeline,
  Policy,
  Retry,
  Timeout
} from "../../src/index.ts"
import { type Busy, call, type Database, type User, type Wrong } from "./support/call.ts"

type Registry = Policy.ResilienceRegistry

describe("policies", () => {
  it("are functions of effects, whatever their pattern", () => {
    expectTypeOf(Bulkhead.makeUnsafe().execute).toExtend<Policy.Policy<Bulkhead.BulkheadRejectedError>>()
    expectTypeOf(CircuitBreaker.makeUnsafe().execute).toExtend<Policy.Policy<CircuitBreaker.CircuitBreakerOpenError>>()
    expectTypeOf(Timeout.makeUnsafe().execute).toExtend<Policy.Policy<Timeout.TimeoutExceededError>>()
    expectTypeOf(Deadline.makeUnsafe().execute).toExtend<Policy.Policy<Timeout.TimeoutExceededError>>()
    expectTypeOf(Retry.makeUnsafe().execute).toExtend<Policy.Policy>()
    expectTypeOf(Timeout.withTimeout("llm")).toExtend<Policy.Policy<Timeout.TimeoutExceededError, Registry>>()
    expectTypeOf(Timeout.withTimeout("1 second")).toExtend<Policy.Policy<Timeout.TimeoutExceededError>>()
    expectTypeOf(Retry.withRetry("llm")).toExtend<Policy.Policy<never, Registry>>()
  })

  it("one after the other have the errors of all and need what all need", () => {
    const guarded = call.pipe(
      Timeout.withTimeout("1 second"),
      Bulkhead.withBulkhead("llm"),
      CircuitBreaker.withCircuitBreaker(CircuitBreaker.makeUnsafe()),
      Retry.withRetry("llm", { onExhausted: "wrap", while: (error) => error._tag === "Busy" }),
      Fallback.orElseSucceed((error) => error.lastError._tag, { when: "RetryExhaustedError" })
    )
    type Attempt =
      | Busy
      | Wrong
      | Timeout.TimeoutExceededError
      | Bulkhead.BulkheadRejectedError
      | CircuitBreaker.CircuitBreakerOpenError
    expectTypeOf(guarded).toEqualTypeOf<Effect.Effect<User | Attempt["_tag"], Attempt, Database | Registry>>()
  })

  it("are found in the registry by their kind", () => {
    expectTypeOf(Policy.instanceOf(Bulkhead.Kind, "llm")).toEqualTypeOf<
      Effect.Effect<Bulkhead.Bulkhead | undefined, never, Registry>
    >()
    expectTypeOf(Policy.instanceOf(Pipeline.Kind, "llm")).toEqualTypeOf<
      Effect.Effect<Pipeline.Pipeline<Pipeline.AllParts> | undefined, never, Registry>
    >()
  })

  it("have snapshots of their own", () => {
    expectTypeOf(Policy.snapshot(Bulkhead.makeUnsafe())).toEqualTypeOf<Effect.Effect<Bulkhead.Snapshot>>()
    expectTypeOf(Policy.snapshot(Fallback.makeUnsafe(() => Effect.void))).toEqualTypeOf<
      Effect.Effect<Fallback.Snapshot>
    >()
    expectTypeOf(Policy.snapshot(Retry.makeUnsafe())).toEqualTypeOf<Effect.Effect<Retry.Snapshot>>()
  })
})

describe("outcomes", () => {
  it("are three", () => {
    expectTypeOf<Outcome.Outcome["_tag"]>().toEqualTypeOf<"Success" | "Failure" | "Ignored">()
  })
})
