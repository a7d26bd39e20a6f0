import { Duration, Effect } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import {
  type Bulkhead,
  type CircuitBreaker,
  type Deadline,
  Fallback,
  Pipeline,
  type Policy,
  type Retry,
  type Timeout
} from "../../src/index.ts"
import { type Busy, Cache, call, type Database, safe, type User, type Wrong } from "./support/call.ts"

declare const retry: Retry.Retry
declare const wrapping: Retry.Retry<"wrap">
declare const breaker: CircuitBreaker.CircuitBreaker
declare const bulkhead: Bulkhead.Bulkhead
declare const timeout: Timeout.Timeout
declare const deadline: Deadline.Deadline

interface Gone {
  readonly _tag: "Gone"
}
declare const own: Policy.Guard<Gone>

const plan: Effect.Effect<"plan B", "no plan", Cache> = Effect.as(Cache, "plan B")
const fallback = Fallback.makeUnsafe(() => plan)

type Open = CircuitBreaker.CircuitBreakerOpenError
type Full = Bulkhead.BulkheadRejectedError
type Late = Timeout.TimeoutExceededError

/** What comes of the call behind a pipeline. */
const behind = <Parts extends ReadonlyArray<Pipeline.Part>>(pipeline: Pipeline.Pipeline<Parts>) =>
  call.pipe(pipeline.execute)

describe("make", () => {
  it("without parts changes nothing", () => {
    expectTypeOf(call.pipe(Pipeline.makeUnsafe({}).execute)).toEqualTypeOf<typeof call>()
    expectTypeOf(call.pipe(Pipeline.makeUnsafe({ service: "llm" }).execute)).toEqualTypeOf<typeof call>()
  })

  it("adds the errors of exactly the parts that it has", () => {
    const timed = Pipeline.makeUnsafe({ timeout: "1 second" })
    expectTypeOf(call.pipe(timed.execute)).toEqualTypeOf<Effect.Effect<User, Busy | Wrong | Late, Database>>()
    const retried = Pipeline.makeUnsafe({ retry: { maxAttempts: 3 } })
    expectTypeOf(call.pipe(retried.execute)).toEqualTypeOf<typeof call>()
    const some = Pipeline.makeUnsafe({ circuitBreaker: {}, bulkhead: { maxConcurrent: 3 } })
    expectTypeOf(call.pipe(some.execute)).toEqualTypeOf<Effect.Effect<User, Busy | Wrong | Open | Full, Database>>()
    const all = Pipeline.makeUnsafe({
      service: "llm",
      deadline: Duration.seconds(5),
      retry: {},
      circuitBreaker: {},
      bulkhead: {},
      timeout: { duration: "1 second", operationType: "llm" }
    })
    expectTypeOf(call.pipe(all.execute)).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong | Open | Full | Late, Database>
    >()
    expectTypeOf(call.pipe(all.executeWith({ key: "tenant" }))).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong | Open | Full | Late, Database>
    >()
    expectTypeOf(safe.pipe(all.execute)).toEqualTypeOf<Effect.Effect<User, Open | Full | Late>>()
  })

  it("with a fallback leaves only the errors of that, and needs what that needs", () => {
    const pipeline = Pipeline.makeUnsafe({
      fallback: (error) => {
        expectTypeOf(error).toEqualTypeOf<unknown>()
        return plan
      },
      circuitBreaker: {},
      timeout: "1 second"
    })
    expectTypeOf(call.pipe(pipeline.execute)).toEqualTypeOf<
      Effect.Effect<User | "plan B", "no plan", Database | Cache>
    >()
  })

  it("knows its parts, in their order", () => {
    const pipeline = Pipeline.make({ timeout: "1 second", retry: {}, fallback: () => plan })
    expectTypeOf(pipeline).toEqualTypeOf<
      Effect.Effect<
        Pipeline.Pipeline<readonly [Fallback.Fallback<"plan B", "no plan", Cache>, Retry.Retry, Timeout.Timeout]>
      >
    >()
    const all = Pipeline.makeUnsafe({ deadline: 5, retry: {}, circuitBreaker: {}, bulkhead: {}, timeout: 1 })
    expectTypeOf(all).toEqualTypeOf<Pipeline.Pipeline<Pipeline.AllParts>>()
  })

  it("takes instances", () => {
    const pipeline = Pipeline.makeUnsafe({ deadline, retry, circuitBreaker: breaker, bulkhead, timeout })
    expectTypeOf(pipeline).toEqualTypeOf<Pipeline.Pipeline<Pipeline.AllParts>>()
    const wrapped = Pipeline.makeUnsafe({ retry: wrapping, timeout: "1 second" })
    expectTypeOf(call.pipe(wrapped.execute)).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong | Late | Retry.RetryExhaustedError<Busy | Wrong | Late>, Database>
    >()
  })

  it("takes undefined for a part that is not there", () => {
    const pipeline = Pipeline.makeUnsafe({ timeout: undefined, fallback: undefined, retry: {} })
    expectTypeOf(call.pipe(pipeline.execute)).toEqualTypeOf<typeof call>()
  })

  it("has the errors of parts that may be there", () => {
    const maybe = Pipeline.makeUnsafe({} as { readonly timeout?: "1 second"; readonly bulkhead: {} | undefined })
    expectTypeOf(call.pipe(maybe.execute)).toEqualTypeOf<Effect.Effect<User, Busy | Wrong | Late | Full, Database>>()
    const unknown = Pipeline.makeUnsafe({} as Pipeline.MakeOptions)
    expectTypeOf(call.pipe(unknown.execute)).toEqualTypeOf<Effect.Effect<unknown, unknown, unknown>>()
    const withoutRetry = Pipeline.makeUnsafe({} as Omit<Pipeline.MakeOptions, "fallback" | "retry">)
    expectTypeOf(call.pipe(withoutRetry.execute)).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong | Open | Full | Late, Database>
    >()
  })

  it("keeps the types of a generic effect", () => {
    const pipeline = Pipeline.makeUnsafe({ circuitBreaker: {}, timeout: "1 second" })
    const guarded = <A, E, R>(self: Effect.Effect<A, E, R>) => self.pipe(pipeline.execute)
    expectTypeOf(guarded(call)).toEqualTypeOf<Effect.Effect<User, Busy | Wrong | Open | Late, Database>>()
  })

  it("rejects unknown slots, unknown options, and wrong values", () => {
    // @ts-expect-error -- no such slot
    Pipeline.make({ retries: {} })
    // @ts-expect-error -- no such option
    Pipeline.make({ retry: { attempts: 3 } })
    // @ts-expect-error -- no such option, beside one that there is
    Pipeline.make({ retry: { maxAttempts: 3, jiter: "none" } })
    // @ts-expect-error -- no such option, deeper down
    Pipeline.make({ retry: { overload: { maxAttempts: 3, jiter: "none" } } })
    // @ts-expect-error -- no such option
    Pipeline.makeUnsafe({ timeout: { duration: "1 second", after: 3 } })
    // @ts-expect-error -- no duration
    Pipeline.make({ timeout: "soon" })
    // @ts-expect-error -- a timeout is no deadline
    Pipeline.make({ deadline: timeout })
    // @ts-expect-error -- a fallback is a function of the error
    Pipeline.make({ fallback: plan })
    // @ts-expect-error -- not every error is busy
    Pipeline.make({ fallback: (error: Busy) => Effect.succeed(error.queue) })
  })
})

describe("inOrder", () => {
  it("adds the errors of its parts", () => {
    expectTypeOf(behind(Pipeline.inOrder([]))).toEqualTypeOf<typeof call>()
    expectTypeOf(behind(Pipeline.inOrder([timeout, breaker]))).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong | Late | Open, Database>
    >()
    expectTypeOf(Pipeline.inOrder([retry, breaker], { service: "llm" })).toEqualTypeOf<
      Pipeline.Pipeline<readonly [Retry.Retry, CircuitBreaker.CircuitBreaker]>
    >()
  })

  it("lets a fallback answer what is inside of it, and nothing else", () => {
    expectTypeOf(behind(Pipeline.inOrder([breaker, fallback, timeout]))).toEqualTypeOf<
      Effect.Effect<User | "plan B", "no plan" | Open, Database | Cache>
    >()
    expectTypeOf(behind(Pipeline.inOrder([fallback, breaker]))).toEqualTypeOf<
      Effect.Effect<User | "plan B", "no plan", Database | Cache>
    >()
    expectTypeOf(behind(Pipeline.inOrder([breaker, fallback]))).toEqualTypeOf<
      Effect.Effect<User | "plan B", "no plan" | Open, Database | Cache>
    >()
  })

  it("lets a retry wrap what is inside of it", () => {
    expectTypeOf(behind(Pipeline.inOrder([bulkhead, wrapping, timeout]))).toEqualTypeOf<
      Effect.Effect<User, Full | Busy | Wrong | Late | Retry.RetryExhaustedError<Busy | Wrong | Late>, Database>
    >()
  })

  it("takes guards of one's own", () => {
    expectTypeOf(behind(Pipeline.inOrder([own, retry]))).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong | Gone, Database>
    >()
  })

  it("of parts in an unknown number has the errors of all of them", () => {
    const parts: ReadonlyArray<Bulkhead.Bulkhead | Timeout.Timeout | Retry.Retry> = [bulkhead, timeout, retry]
    expectTypeOf(behind(Pipeline.inOrder(parts))).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong | Full | Late, Database>
    >()
    const wrapped: ReadonlyArray<Bulkhead.Bulkhead | Retry.Retry<"wrap">> = [bulkhead, wrapping]
    expectTypeOf(behind(Pipeline.inOrder(wrapped))).toEqualTypeOf<
      Effect.Effect<User, Busy | Wrong | Full | Retry.RetryExhaustedError<Busy | Wrong | Full>, Database>
    >()
    expectTypeOf(behind({} as Pipeline.Pipeline)).toEqualTypeOf<Effect.Effect<unknown, unknown, unknown>>()
  })

  it("rejects what is no part", () => {
    // @ts-expect-error -- options are no part
    Pipeline.inOrder([{ maxAttempts: 3 }])
    // @ts-expect-error -- a time is no part
    Pipeline.inOrder(["1 second"])
    // @ts-expect-error -- no such option
    Pipeline.inOrder([retry], { name: "llm" })
  })
})

describe("executeWith", () => {
  it("takes functions for the patterns that have some, and a key", () => {
    const pipeline = Pipeline.makeUnsafe({ retry: {}, circuitBreaker: {} })
    pipeline.executeWith({
      key: "tenant",
      retry: {
        while: (error) => {
          expectTypeOf(error).toEqualTypeOf<unknown>()
          return true
        }
      }
    })
    // @ts-expect-error -- numbers are given when the pipeline is made
    pipeline.executeWith({ retry: { maxAttempts: 3 } })
    // @ts-expect-error -- a fallback is given when the pipeline is made
    pipeline.executeWith({ fallback: () => plan })
  })
})
