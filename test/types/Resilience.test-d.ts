import { type Config, Effect, type Exit, type Layer } from "effect"
import { describe, expectTypeOf, it } from "vitest"
import {
  type Bulkhead,
  type CircuitBreaker,
  Outcome,
  type Pipeline,
  type Policy,
  Resilience,
  type Timeout
} from "../../src/index.ts"
import type { Misplaced, NumbersBelongInConfigurationOrPipelineMake } from "../../src/resilience/internal/misplaced.ts"
import { type Busy, Cache, call, type Database, safe, type User, type Wrong } from "./support/call.ts"

const plan: Effect.Effect<"plan B", "no plan", Cache> = Effect.as(Cache, "plan B")

type Registry = Policy.ResilienceRegistry
type Named = Effect.Effect<User, Busy | Wrong | Resilience.Rejections, Database | Registry>
type Answered = Effect.Effect<User | "plan B", "no plan", Database | Cache | Registry>
type InCircuit = Busy | Wrong | Bulkhead.BulkheadRejectedError | Timeout.TimeoutExceededError
type InRetry = InCircuit | CircuitBreaker.CircuitBreakerOpenError

describe("Rejections", () => {
  it("are the errors of all patterns that can reject", () => {
    expectTypeOf<Resilience.Rejections>().toEqualTypeOf<
      CircuitBreaker.CircuitBreakerOpenError | Bulkhead.BulkheadRejectedError | Timeout.TimeoutExceededError
    >()
  })
})

describe("protect", () => {
  it("adds the rejections, and needs the registry", () => {
    expectTypeOf(call.pipe(Resilience.protect("llm"))).toEqualTypeOf<Named>()
    expectTypeOf(call.pipe(Resilience.protect("llm", {}))).toEqualTypeOf<Named>()
    expectTypeOf(call.pipe(Resilience.protect("llm", { key: "tenant" }))).toEqualTypeOf<Named>()
    expectTypeOf(call.pipe(Resilience.protect("llm", { key: "tenant", retry: {} }))).toEqualTypeOf<Named>()
    expectTypeOf(Resilience.protect(call, "llm")).toEqualTypeOf<Named>()
    expectTypeOf(Resilience.protect(call, "llm", { key: "tenant" })).toEqualTypeOf<Named>()
    expectTypeOf(safe.pipe(Resilience.protect("llm"))).toEqualTypeOf<
      Effect.Effect<User, Resilience.Rejections, Registry>
    >()
  })

  it("with a fallback leaves only the errors of that, and needs what that needs", () => {
    expectTypeOf(call.pipe(Resilience.protect("llm", { fallback: () => plan }))).toEqualTypeOf<Answered>()
    expectTypeOf(Resilience.protect(call, "llm", { fallback: () => plan })).toEqualTypeOf<Answered>()
    expectTypeOf(
      call.pipe(Resilience.protect("llm", { key: "tenant", fallback: () => plan }))
    ).toEqualTypeOf<Answered>()
    expectTypeOf(safe.pipe(Resilience.protect("llm", { fallback: () => Effect.succeed(null) }))).toEqualTypeOf<
      Effect.Effect<User | null, never, Registry>
    >()
    const ofAnything = (error: unknown) => Effect.succeed(error instanceof Error)
    expectTypeOf(call.pipe(Resilience.protect("llm", { fallback: ofAnything }))).toEqualTypeOf<
      Effect.Effect<User | boolean, never, Database | Registry>
    >()
  })

  it("gives functions the errors that reach them", () => {
    const answered = call.pipe(
      Resilience.protect("llm", {
        retry: {
          while: (error) => {
            expectTypeOf(error).toEqualTypeOf<InRetry>()
            return true
          },
          classify: (error) => {
            expectTypeOf(error).toEqualTypeOf<InRetry>()
            return undefined
          }
        },
        circuitBreaker: {
          classify: (exit) => {
            expectTypeOf(exit).toEqualTypeOf<Exit.Exit<User, InCircuit>>()
            return Outcome.success
          }
        },
        fallback: (error) => {
          expectTypeOf(error).toEqualTypeOf<Busy | Wrong | Resilience.Rejections>()
          return plan
        }
      })
    )
    expectTypeOf(answered).toEqualTypeOf<Answered>()
    const named = call.pipe(
      Resilience.protect("llm", {
        retry: {
          while: (error) => {
            expectTypeOf(error).toEqualTypeOf<InRetry>()
            return true
          }
        }
      })
    )
    expectTypeOf(named).toEqualTypeOf<Named>()
    const dataFirst = Resilience.protect(call, "llm", {
      retry: {
        while: (error) => {
          expectTypeOf(error).toEqualTypeOf<InRetry>()
          return true
        }
      },
      circuitBreaker: {
        classify: (exit) => {
          expectTypeOf(exit).toEqualTypeOf<Exit.Exit<User, InCircuit>>()
          return Outcome.success
        }
      }
    })
    expectTypeOf(dataFirst).toEqualTypeOf<Named>()
    Resilience.protect(call, "llm", {
      fallback: (error) => {
        expectTypeOf(error).toEqualTypeOf<Busy | Wrong | Resilience.Rejections>()
        return plan
      }
    })
  })

  it("takes functions of more errors, and keeps those of the effect", () => {
    const isAnything = (error: unknown): boolean => error instanceof Error
    expectTypeOf(call.pipe(Resilience.protect("llm", { retry: { while: isAnything } }))).toEqualTypeOf<Named>()
    expectTypeOf(
      call.pipe(Resilience.protect("llm", { circuitBreaker: { classify: Outcome.classify } }))
    ).toEqualTypeOf<Named>()
  })

  it("takes options that may be missing", () => {
    const plain = {} as Policy.CallOptions | undefined
    const options = {} as Resilience.ProtectOptions | undefined
    expectTypeOf(call.pipe(Resilience.protect("llm", plain))).toEqualTypeOf<Named>()
    expectTypeOf(call.pipe(Resilience.protect("llm", options))).toEqualTypeOf<Named>()
    expectTypeOf(Resilience.protect(call, "llm", options)).toEqualTypeOf<Named>()
    const answering = { ...options, fallback: () => plan }
    expectTypeOf(call.pipe(Resilience.protect("llm", answering))).toEqualTypeOf<Answered>()
    expectTypeOf(Resilience.protect(call, "llm", answering)).toEqualTypeOf<Answered>()
  })

  it("can be made before there is an effect", () => {
    const guard = Resilience.protect("llm", { key: "tenant" })
    const answering = Resilience.protect("llm", { fallback: () => plan })
    expectTypeOf(call.pipe(guard)).toEqualTypeOf<Named>()
    expectTypeOf(call.pipe(answering)).toEqualTypeOf<Answered>()
  })

  it("keeps the types of a generic effect", () => {
    const guarded = <A, E, R>(self: Effect.Effect<A, E, R>) => self.pipe(Resilience.protect("llm"))
    expectTypeOf(guarded(call)).toEqualTypeOf<Named>()
    const answered = <A, E, R>(self: Effect.Effect<A, E, R>) =>
      self.pipe(Resilience.protect("llm", { fallback: () => plan }))
    expectTypeOf(answered(call)).toEqualTypeOf<Answered>()
  })

  it("tells where it is written that a number belongs elsewhere", () => {
    call.pipe(
      Resilience.protect("llm", {
        // @ts-expect-error -- numbers live in the configuration
        timeout: "1 second"
      })
    )
    call.pipe(
      Resilience.protect("llm", {
        key: "tenant",
        // @ts-expect-error -- numbers live in the configuration
        deadline: "1 second"
      })
    )
    call.pipe(
      Resilience.protect("llm", {
        bulkhead: {
          // @ts-expect-error -- numbers live in the configuration
          maxConcurrent: 3
        }
      })
    )
    call.pipe(
      Resilience.protect("llm", {
        retry: {
          while: () => true,
          // @ts-expect-error -- numbers live in the configuration
          maxAttempts: 3
        }
      })
    )
    call.pipe(
      Resilience.protect("llm", {
        circuitBreaker: {
          // @ts-expect-error -- numbers live in the configuration
          consecutiveFailures: 3
        },
        fallback: () => plan
      })
    )
    Resilience.protect(call, "llm", {
      // @ts-expect-error -- numbers live in the configuration
      timeout: "1 second"
    })
    expectTypeOf<NonNullable<Misplaced["timeout"]>>().toEqualTypeOf<NumbersBelongInConfigurationOrPipelineMake>()
  })

  it("tells where it is written what is wrong about a slot", () => {
    Resilience.protect(call, "llm", {
      // @ts-expect-error -- no such slot
      retries: {}
    })
    call.pipe(
      Resilience.protect("llm", {
        // @ts-expect-error -- no such slot
        keys: "tenant"
      })
    )
    call.pipe(
      Resilience.protect("llm", {
        // @ts-expect-error -- the fallback is a function
        fallback: "plan B"
      })
    )
    call.pipe(
      Resilience.protect("llm", {
        // @ts-expect-error -- the fallback is a function
        fallback: plan
      })
    )
    call.pipe(
      Resilience.protect("llm", {
        // @ts-expect-error -- the fallback does not take the rejections
        fallback: (error: Busy | Wrong) => Effect.succeed(error._tag)
      })
    )
    call.pipe(
      Resilience.protect("llm", {
        retry: {
          // @ts-expect-error -- the effect does not fail with strings
          while: (error: string) => error === "down"
        }
      })
    )
    // @ts-expect-error -- a service has a name
    call.pipe(Resilience.protect(3))
  })
})

describe("layers", () => {
  it("provide the registry", () => {
    expectTypeOf(Resilience.layer()).toEqualTypeOf<Layer.Layer<Registry>>()
    expectTypeOf(Resilience.layerEnv).toEqualTypeOf<Layer.Layer<Registry, Config.ConfigError>>()
    expectTypeOf(Resilience.layerEnvWith({})).toEqualTypeOf<Layer.Layer<Registry, Config.ConfigError>>()
    const provided = call.pipe(Resilience.protect("llm"), Effect.provide(Resilience.layer()))
    expectTypeOf(provided).toEqualTypeOf<Effect.Effect<User, Busy | Wrong | Resilience.Rejections, Database>>()
  })

  it("reject what cannot be configured", () => {
    Resilience.layer({ retry: false, timeout: "1 second", services: { llm: { bulkhead: { maxConcurrent: 3 } } } })
    // @ts-expect-error -- no such pattern
    Resilience.layer({ retries: { maxAttempts: 3 } })
    // @ts-expect-error -- no such option
    Resilience.layer({ retry: { attempts: 3 } })
    // @ts-expect-error -- no such option
    Resilience.layer({ services: { llm: { retry: { maxAttempts: 3, jiter: "none" } } } })
    // @ts-expect-error -- no duration
    Resilience.layer({ timeout: "soon" })
    // @ts-expect-error -- what answers is code
    Resilience.layer({ services: { llm: { fallback: () => Effect.void } } })
  })
})

describe("what is read from the registry", () => {
  it("needs the registry", () => {
    expectTypeOf(Resilience.pipeline("llm")).toEqualTypeOf<
      Effect.Effect<Pipeline.Pipeline<Pipeline.AllParts> | undefined, never, Registry>
    >()
    expectTypeOf(Resilience.explain("llm")).toEqualTypeOf<Effect.Effect<string, never, Registry>>()
    expectTypeOf(Resilience.snapshots).toEqualTypeOf<Effect.Effect<ReadonlyArray<Policy.Snapshot>, never, Registry>>()
  })
})
