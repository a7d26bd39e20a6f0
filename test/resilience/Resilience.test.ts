import { describe, expect, it } from "@effect/vitest"
import { Cause, Clock, Context, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import {
  Bulkhead,
  CircuitBreaker,
  Classifier,
  Fallback,
  Outcome,
  Policy,
  Resilience,
  type ResilienceConfig,
  Retry
} from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"
import { type Scenario, sweep } from "../support/sweep.ts"
import { inWorld } from "./support/world.ts"

/** What a call came to, after enough time for all that can happen. */
const settled = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(call)
    yield* TestClock.adjust("1 day")
    return yield* Fiber.await(fiber)
  })

const failureOf = <A, E, R>(call: Effect.Effect<A, E, R>) =>
  Effect.map(settled(call), (exit) => {
    if (Exit.isSuccess(exit)) throw new Error(`succeeded with ${String(exit.value)}`)
    return Cause.squash(exit.cause)
  })

const snapshotOf = <I extends Policy.Instance, O>(kind: Policy.Kind<I, O>) =>
  Effect.map(Policy.instanceOf(kind, "svc"), (instance) => (instance as I).snapshot(0) as ReturnType<I["snapshot"]>)

describe("a protected call", () => {
  it.effect("that succeeds is made once and gives its value", () =>
    inWorld(
      Effect.gen(function* () {
        const service = ScriptedService.make(["pong"])
        expect(yield* service.call.pipe(Resilience.protect("svc"))).toBe("pong")
        expect(service.calls()).toBe(1)
      })
    )
  )

  it.effect("is retried until it succeeds", () =>
    inWorld(
      Effect.gen(function* () {
        const service = ScriptedService.make([ScriptedService.fail("busy"), ScriptedService.fail("busy"), "pong"])
        expect(yield* settled(service.call.pipe(Resilience.protect("svc")))).toEqual(Exit.succeed("pong"))
        expect(service.calls()).toBe(3)
      })
    )
  )

  it.effect("that goes on failing gives its last error", () =>
    inWorld(
      Effect.gen(function* () {
        const service = ScriptedService.make(
          [1, 2, 3].map((n) => Effect.fail(`busy ${n}`)) as [Effect.Effect<never, string>]
        )
        expect(yield* failureOf(service.call.pipe(Resilience.protect("svc")))).toBe("busy 3")
      })
    )
  )

  it.effect("has a time limit for each attempt, inside the retry", () =>
    inWorld(
      Effect.gen(function* () {
        const times: Array<number> = []
        const call = Effect.andThen(
          Effect.map(Clock.currentTimeMillis, (now) => void times.push(now / 1000)),
          Effect.never
        )
        const error = yield* failureOf(call.pipe(Resilience.protect("svc")))
        expect(error).toMatchObject({ _tag: "TimeoutExceededError", service: "svc", scope: "attempt" })
        expect(times).toEqual([0, 31, 63])
      }),
      { env: { RETRY_JITTER: "off" } }
    )
  )

  it.effect("has a deadline around everything", () =>
    inWorld(
      Effect.gen(function* () {
        const error = yield* failureOf(Effect.never.pipe(Resilience.protect("svc")))
        expect(error).toMatchObject({ _tag: "TimeoutExceededError", service: "svc", scope: "total" })
      }),
      { env: { DEADLINE_SVC: "20" } }
    )
  )

  it.effect("is seen by the circuit breaker attempt by attempt, and its opening ends the retry", () =>
    inWorld(
      Effect.gen(function* () {
        const service = ScriptedService.make([ScriptedService.fail("down")])
        const error = yield* failureOf(service.call.pipe(Resilience.protect("svc")))
        expect(error).toMatchObject({ _tag: "CircuitBreakerOpenError" })
        expect(service.calls()).toBe(2)
        expect((yield* snapshotOf(CircuitBreaker.Kind)).failures).toBe(2)
      }),
      { config: { circuitBreaker: { consecutiveFailures: 2 }, retry: { maxAttempts: 5 } } }
    )
  )

  it.effect("starts its time limit after it is admitted", () =>
    inWorld(
      Effect.gen(function* () {
        const call = Effect.sleep("10 seconds").pipe(Resilience.protect("svc"))
        const fibers = yield* Effect.forEach([1, 2, 3], () => Effect.forkChild(call))
        yield* TestClock.adjust("1 minute")
        for (const fiber of fibers) expect(Exit.isSuccess(yield* Fiber.await(fiber))).toBe(true)
      }),
      { env: { BULKHEAD_SVC_LIMIT: "1", TIMEOUT_SVC: "11" } }
    )
  )

  it.effect("that is turned away says so", () =>
    inWorld(
      Effect.gen(function* () {
        yield* Effect.forkChild(Effect.never.pipe(Resilience.protect("svc")), { startImmediately: true })
        const error = yield* Effect.flip(Effect.void.pipe(Resilience.protect("svc")))
        expect(error).toMatchObject({ _tag: "BulkheadRejectedError", reason: "full", limit: 1 })
      }),
      { config: { bulkhead: { maxConcurrent: 1, maxQueue: 0 }, retry: false } }
    )
  )

  it.effect("may be written either way", () =>
    inWorld(
      Effect.gen(function* () {
        const call = Effect.fail("down")
        const fallback = () => Effect.succeed("answered")
        expect(yield* settled(Resilience.protect(Effect.succeed(1), "svc"))).toEqual(Exit.succeed(1))
        expect(yield* settled(Resilience.protect(Effect.succeed(1), "svc", { key: "a" }))).toEqual(Exit.succeed(1))
        expect(yield* settled(Effect.succeed(1).pipe(Resilience.protect("svc", { key: "a" })))).toEqual(Exit.succeed(1))
        expect(yield* settled(Resilience.protect(call, "svc", { fallback }))).toEqual(Exit.succeed("answered"))
        expect(yield* settled(call.pipe(Resilience.protect("svc", { fallback })))).toEqual(Exit.succeed("answered"))
      })
    )
  )
})

describe("the options of a protected call", () => {
  const noRetry: ResilienceConfig.ConfigInput = { retry: false }

  it.effect("key: it has a circuit and permits of its own", () =>
    inWorld(
      Effect.gen(function* () {
        const down = (key?: string) => Effect.flip(Effect.fail("down").pipe(Resilience.protect("svc", { key })))
        expect(yield* down("a")).toBe("down")
        expect(yield* down("a")).toMatchObject({ _tag: "CircuitBreakerOpenError" })
        expect(yield* down("b")).toBe("down")
        expect(yield* down()).toBe("down")
        const hang = (key: string) =>
          Effect.forkChild(Effect.never.pipe(Resilience.protect("svc", { key })), { startImmediately: true })
        yield* hang("c")
        yield* hang("d")
        expect(yield* Effect.flip(Effect.void.pipe(Resilience.protect("svc", { key: "c" })))).toMatchObject({
          _tag: "BulkheadRejectedError"
        })
        const breaker = yield* Policy.instanceOf(CircuitBreaker.Kind, "svc")
        expect(["a", "c"].map((key) => breaker?.snapshot(0, key).state)).toEqual(["Open", "Closed"])
      }),
      {
        config: {
          ...noRetry,
          timeout: false,
          circuitBreaker: { consecutiveFailures: 1 },
          bulkhead: { maxConcurrent: 1, maxQueue: 0 }
        }
      }
    )
  )

  it.effect("key: its retries have a budget of their own", () =>
    inWorld(
      Effect.gen(function* () {
        const attempts = (key: string) =>
          Effect.gen(function* () {
            const service = ScriptedService.make([ScriptedService.fail("busy")])
            yield* failureOf(service.call.pipe(Resilience.protect("svc", { key })))
            return service.calls()
          })
        expect([yield* attempts("a"), yield* attempts("a"), yield* attempts("b")]).toEqual([2, 1, 2])
      }),
      {
        config: {
          retry: {
            maxAttempts: 2,
            keyIdleTime: "1000 days",
            budget: { ratio: 0, minimumPerSecond: 1e-7, window: "120 days" }
          }
        }
      }
    )
  )

  it.effect("retry.while: only errors that it wants are retried", () =>
    inWorld(
      Effect.gen(function* () {
        const calls = (error: string) =>
          Effect.gen(function* () {
            const service = ScriptedService.make([ScriptedService.fail(error)])
            const wants = (error: unknown) => error === "busy"
            expect(yield* failureOf(service.call.pipe(Resilience.protect("svc", { retry: { while: wants } })))).toBe(
              error
            )
            return service.calls()
          })
        expect([yield* calls("busy"), yield* calls("wrong")]).toEqual([3, 1])
      })
    )
  )

  it.effect("retry.classify: it decides about another attempt", () =>
    inWorld(
      Effect.gen(function* () {
        const seen: Array<unknown> = []
        const classify = (error: unknown) => {
          seen.push(error)
          return error === "wrong" ? Classifier.notRetryable : undefined
        }
        const service = ScriptedService.make([ScriptedService.fail("busy"), ScriptedService.fail("wrong"), "pong"])
        expect(yield* failureOf(service.call.pipe(Resilience.protect("svc", { retry: { classify } })))).toBe("wrong")
        expect(seen).toEqual(["busy", "wrong"])
        expect(service.calls()).toBe(2)
      })
    )
  )

  it.effect("circuitBreaker.classify: it decides what is a failure", () =>
    inWorld(
      Effect.gen(function* () {
        const classify: Outcome.Classify = (exit) =>
          Exit.isFailure(exit) && Cause.squash(exit.cause) === "not found" ? Outcome.success : Outcome.classify(exit)
        const call = (error: string) =>
          failureOf(Effect.fail(error).pipe(Resilience.protect("svc", { circuitBreaker: { classify } })))
        yield* call("not found")
        yield* call("not found")
        expect(yield* snapshotOf(CircuitBreaker.Kind)).toMatchObject({ state: "Closed", failures: 0, successes: 2 })
        yield* call("down")
        expect(yield* snapshotOf(CircuitBreaker.Kind)).toMatchObject({ state: "Open", failures: 1 })
      }),
      { config: { ...noRetry, circuitBreaker: { consecutiveFailures: 1 } } }
    )
  )

  it.effect("the functions of one pattern are not asked by another", () =>
    inWorld(
      Effect.gen(function* () {
        const asked: Array<string> = []
        const options = {
          retry: {
            while: () => {
              asked.push("retry")
              return false
            }
          },
          circuitBreaker: {
            classify: (exit: Exit.Exit<unknown, unknown>) => {
              asked.push("breaker")
              return Outcome.classify(exit)
            }
          }
        }
        yield* failureOf(Effect.fail("down").pipe(Resilience.protect("svc", options)))
        expect(asked).toEqual(["breaker", "retry"])
      })
    )
  )

  it.effect("fallback: it gets the last error, once, after everything else", () =>
    inWorld(
      Effect.gen(function* () {
        const errors: Array<unknown> = []
        const service = ScriptedService.make([ScriptedService.fail("busy")])
        const fallback = (error: unknown) => {
          errors.push(error)
          return Effect.succeed("answered")
        }
        expect(yield* settled(service.call.pipe(Resilience.protect("svc", { fallback })))).toEqual(
          Exit.succeed("answered")
        )
        expect([service.calls(), errors]).toEqual([3, ["busy"]])
      })
    )
  )

  it.effect("fallback: it gets rejections and exceeded times too", () =>
    inWorld(
      Effect.gen(function* () {
        const tagOf = (error: unknown) =>
          Effect.succeed(error instanceof Object && "_tag" in error ? error._tag : error)
        const call = Effect.never.pipe(Resilience.protect("svc", { fallback: tagOf }))
        expect(yield* settled(call)).toEqual(Exit.succeed("TimeoutExceededError"))
        expect(yield* settled(call)).toEqual(Exit.succeed("CircuitBreakerOpenError"))
      }),
      { config: { ...noRetry, circuitBreaker: { consecutiveFailures: 1, openDuration: "30 days" } } }
    )
  )

  it.effect("fallback: its own error is that of the call", () =>
    inWorld(
      Effect.gen(function* () {
        const fallback = () => Effect.fail("no answer either")
        expect(yield* failureOf(Effect.fail("down").pipe(Resilience.protect("svc", { fallback })))).toBe(
          "no answer either"
        )
      })
    )
  )

  it.effect("fallback: it is not asked about success, defects or interruption", () =>
    inWorld(
      Effect.gen(function* () {
        let asked = 0
        const fallback = () => {
          asked++
          return Effect.succeed("answered")
        }
        const guard = Resilience.protect("svc", { fallback })
        expect(yield* settled(guard(Effect.succeed("pong")))).toEqual(Exit.succeed("pong"))
        expect(yield* failureOf(guard(Effect.die("broken")))).toBe("broken")
        const fiber = yield* Effect.forkChild(guard(Effect.never), { startImmediately: true })
        yield* Fiber.interrupt(fiber)
        expect(asked).toBe(0)
      })
    )
  )

  it.effect("fallback: it is counted for the service", () =>
    inWorld(
      Effect.gen(function* () {
        const fallback = () => Effect.succeed("answered")
        yield* settled(Effect.fail("down").pipe(Resilience.protect("svc", { fallback })))
        yield* settled(Effect.void.pipe(Resilience.protect("svc", { fallback })))
        expect(yield* snapshotOf(Fallback.Kind)).toMatchObject({ answered: 1, successes: 1, failures: 0 })
      })
    )
  )
})

describe("a fiber that leaves", () => {
  it.effect("gives back what it held", () =>
    inWorld(
      Effect.gen(function* () {
        const hang = Effect.never.pipe(Resilience.protect("svc"))
        const fibers = yield* Effect.forEach([1, 2], () => Effect.forkChild(hang, { startImmediately: true }))
        yield* Fiber.interruptAll(fibers)
        expect(yield* Effect.succeed("hello").pipe(Resilience.protect("svc"))).toBe("hello")
        expect(yield* snapshotOf(Retry.Kind)).toMatchObject({ failures: 0, exhausted: 0 })
      }),
      { config: { bulkhead: { maxConcurrent: 1 } } }
    )
  )

  const layer = Resilience.layer({
    deadline: "1 hour",
    bulkhead: { maxConcurrent: 1 },
    retry: { baseDelay: 0 },
    services: { svc: {} }
  })

  /** A call that is retried once, in a world of its own. */
  const scenario = (): Scenario => {
    const context = Effect.runSync(Effect.scoped(Layer.build(layer)))
    const registry = Context.get(context, Policy.ResilienceRegistry)
    const service = ScriptedService.make([ScriptedService.fail("busy"), Effect.as(Effect.yieldNow, "pong")])
    return {
      call: service.call.pipe(Resilience.protect("svc"), Effect.provideContext(context)),
      afterwards: () =>
        Effect.sync(() => {
          expect(registry.get(Bulkhead.Kind, "svc")?.snapshot(0)).toMatchObject({ active: 0, queued: 0 })
          expect(registry.get(CircuitBreaker.Kind, "svc")?.snapshot(0)).toMatchObject({ probing: 0 })
          expect(service.active()).toBe(0)
        })
    }
  }

  it.live.each([3, 5, 2_048])(
    "gives it back wherever it is interrupted, live (yields after %d operations)",
    (most) =>
      Effect.gen(function* () {
        const { interrupted } = yield* sweep(scenario, { maxOperationsBeforeYield: most })
        expect(interrupted).toBeGreaterThan(10)
      }),
    60_000
  )
})
