import { Effect, type Stream } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import {
  type Bulkhead,
  type CircuitBreaker,
  Fallback,
  Pipeline,
  type Policy,
  ProtectedStream,
  type Resilience,
  type Retry,
  type Timeout
} from "../../src/index.ts"
import type { Busy, Database, User, Wrong } from "./support/call.ts"

declare const users: Stream.Stream<User, Busy | Wrong, Database>
declare const bulkhead: Bulkhead.Bulkhead
declare const breaker: CircuitBreaker.CircuitBreaker
declare const retry: Retry.Retry
declare const wrapping: Retry.Retry<"wrap">

type Named = Stream.Stream<User, Busy | Wrong | Resilience.Rejections, Database | Policy.ResilienceRegistry>

describe("protect", () => {
  it("by service adds its errors and needs the registry", () => {
    expectTypeOf(users.pipe(ProtectedStream.protect("llm"))).toEqualTypeOf<Named>()
    expectTypeOf(users.pipe(ProtectedStream.protect("llm", { key: "tenant" }))).toEqualTypeOf<Named>()
    expectTypeOf(ProtectedStream.protect(users, "llm")).toEqualTypeOf<Named>()
  })

  it("by instance adds the errors of that and needs nothing", () => {
    expectTypeOf(users.pipe(ProtectedStream.protect(bulkhead))).toEqualTypeOf<
      Stream.Stream<User, Busy | Wrong | Bulkhead.BulkheadRejectedError, Database>
    >()
    expectTypeOf(ProtectedStream.protect(users, breaker)).toEqualTypeOf<
      Stream.Stream<User, Busy | Wrong | CircuitBreaker.CircuitBreakerOpenError, Database>
    >()
    expectTypeOf(users.pipe(ProtectedStream.protect(retry))).toEqualTypeOf<
      Stream.Stream<User, Busy | Wrong, Database>
    >()
    expectTypeOf(users.pipe(ProtectedStream.protect(wrapping))).toEqualTypeOf<
      Stream.Stream<User, Busy | Wrong | Retry.RetryExhaustedError<Busy | Wrong>, Database>
    >()
  })

  it("by a pipeline adds what its parts add; a fallback takes no error away, since it may come too late", () => {
    const pipeline = Pipeline.makeUnsafe({ fallback: () => Effect.succeed("nobody"), timeout: "1 second" })
    expectTypeOf(users.pipe(ProtectedStream.protect(pipeline))).toEqualTypeOf<
      Stream.Stream<User | string, Busy | Wrong | Timeout.TimeoutExceededError, Database>
    >()
    const fallback = Fallback.makeUnsafe(() => Effect.fail("nobody" as const))
    expectTypeOf(ProtectedStream.protect(users, Pipeline.inOrder([bulkhead, fallback]))).toEqualTypeOf<
      Stream.Stream<User, Busy | Wrong | "nobody" | Bulkhead.BulkheadRejectedError, Database>
    >()
  })

  it("knows the errors where it looks at them", () => {
    const retryBusy = { retry: { while: (error: Busy | Wrong) => error._tag === "Busy" } }
    expectTypeOf(
      users.pipe(ProtectedStream.protect("llm", { retry: { while: ({ _tag }) => _tag === "Busy" } }))
    ).toEqualTypeOf<Named>()
    expectTypeOf(users.pipe(ProtectedStream.protect("llm", retryBusy))).toEqualTypeOf<Named>()
    expectTypeOf(ProtectedStream.protect(users, "llm", retryBusy)).toEqualTypeOf<Named>()
    const pipeline = Pipeline.makeUnsafe({ retry: {}, timeout: "1 second" })
    type Timed = Stream.Stream<User, Busy | Wrong | Timeout.TimeoutExceededError, Database>
    expectTypeOf(
      users.pipe(ProtectedStream.protect(pipeline, { key: "a", retry: { while: ({ _tag }) => _tag === "Busy" } }))
    ).toEqualTypeOf<Timed>()
    expectTypeOf(ProtectedStream.protect(users, pipeline, retryBusy)).toEqualTypeOf<Timed>()
    users.pipe(
      ProtectedStream.protect("llm", {
        preamble: ({ name }) => name === "",
        // @ts-expect-error -- no such error
        retry: { while: ({ _tag }) => _tag === "Late" }
      })
    )
  })

  it("knows the elements where it looks at them", () => {
    ProtectedStream.protect(users, "llm", { preamble: ({ name }) => name === "" })
    users.pipe(ProtectedStream.protect("llm", { preamble: ({ name }: User) => name === "" }))
    // @ts-expect-error -- these are no numbers
    users.pipe(ProtectedStream.protect("llm", { preamble: (element: number) => element === 0 }))
  })

  it("rejects options of patterns", () => {
    users.pipe(
      ProtectedStream.protect({
        // @ts-expect-error -- options would make fresh policies for each stream
        timeout: "1 second"
      })
    )
    users.pipe(
      ProtectedStream.protect("llm", {
        // @ts-expect-error -- no such option
        timeout: "1 second"
      })
    )
  })
})

describe("withTimeouts", () => {
  it("adds its error", () => {
    type Limited = Stream.Stream<User, Busy | Wrong | Timeout.TimeoutExceededError, Database>
    expectTypeOf(users.pipe(ProtectedStream.withTimeouts({ idle: "1 second" }))).toEqualTypeOf<Limited>()
    expectTypeOf(ProtectedStream.withTimeouts(users, { firstElement: 100, total: "1 minute" })).toEqualTypeOf<Limited>()
    // @ts-expect-error -- no duration
    ProtectedStream.withTimeouts(users, { idle: "soon" })
  })
})

describe("orElse", () => {
  it("adds what the other stream is and needs", () => {
    const other = (error: Busy | Wrong) => ({}) as Stream.Stream<string, typeof error._tag, "other">
    type Either = Stream.Stream<User | string, Busy | Wrong | "Busy" | "Wrong", Database | "other">
    expectTypeOf(ProtectedStream.orElse(users, other)).toEqualTypeOf<Either>()
    expectTypeOf(users.pipe(ProtectedStream.orElse(other))).toEqualTypeOf<Either>()
    ProtectedStream.orElse(users, other, { when: (error) => error._tag === "Busy" })
    expectTypeOf(users.pipe(ProtectedStream.orElse(other, { service: "llm" }))).toEqualTypeOf<Either>()
    users.pipe(
      ProtectedStream.orElse(other, {
        // @ts-expect-error -- no such option
        servise: "llm"
      })
    )
  })
})
