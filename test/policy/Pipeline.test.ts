import { describe, expect, it } from "@effect/vitest"
import { Cause, Context, Data, Duration, Effect, Exit, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import {
  Bulkhead,
  CircuitBreaker,
  Classifier,
  Deadline,
  Fallback,
  Outcome,
  Pipeline,
  Policy,
  Retry,
  Timeout
} from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"
import { tracing } from "../support/tracing.ts"

class Down extends Data.TaggedError("Down")<{ readonly at: number }> {}

/** Retries at once and without end. */
const atOnce = { maxAttempts: 5, baseDelay: 0, jitter: "none" } as const

const five = {
  fallback: () => Effect.succeed("instead"),
  deadline: "30 seconds",
  retry: atOnce,
  circuitBreaker: { consecutiveFailures: 5 },
  bulkhead: {},
  timeout: "5 seconds"
} as const

const { fallback: _, ...unanswered } = { ...five, circuitBreaker: { consecutiveFailures: 100 } }

describe("a part of a pipeline", () => {
  it.effect("that is a breaker switched off counts nothing and turns nobody away", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        circuitBreaker: { mode: "disabled", consecutiveFailures: 1 },
        timeout: "5 seconds"
      })
      for (const call of [Effect.fail("down"), Effect.fail("down"), Effect.succeed("up")])
        yield* Effect.exit(pipeline.execute(call))
      expect(yield* Policy.snapshot(pipeline.parts[0])).toMatchObject({ successes: 0, failures: 0, rejections: 0 })
      expect(yield* Policy.snapshot(pipeline.parts[1])).toMatchObject({ successes: 1, failures: 2 })
    })
  )

  it.effect("that is a retry lets every call add to its budget", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        retry: { ...atOnce, budget: { ratio: 0.2, minimumPerSecond: 0 } },
        timeout: "5 seconds"
      })
      const available = Effect.map(Policy.snapshot(pipeline.parts[0]), ({ budget }) => Option.getOrUndefined(budget))
      yield* Effect.replicateEffect(pipeline.execute(Effect.void), 10)
      expect(yield* available).toBe(2)
      yield* Effect.exit(pipeline.execute(Effect.fail("down")))
      expect(yield* available).toBe(0)
      expect(yield* Policy.snapshot(pipeline.parts[0])).toMatchObject({ successes: 10, exhausted: 0 })
    })
  )
})

describe("the order of the parts", () => {
  it.effect("is that of the list, the first outermost", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const pipeline = Pipeline.inOrder([tracing("a", log), tracing("b", log), tracing("c", log)])
      yield* Effect.sync(() => log.push("call")).pipe(pipeline.execute)
      expect(log).toEqual(["a in", "b in", "c in", "call", "c success", "b success", "a success"])
      expect(pipeline.parts.map(({ kind }) => kind)).toEqual(["a", "b", "c"])
    })
  )

  it.effect("decides what repeats what", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const retry = yield* Retry.make({ ...atOnce, maxAttempts: 2 })
      const down = Effect.fail("down")
      yield* down.pipe(
        Pipeline.inOrder([tracing("outside", log), retry, tracing("inside", log)]).execute,
        Effect.ignore
      )
      expect(log).toEqual([
        "outside in",
        "inside in",
        "inside failure",
        "inside in",
        "inside failure",
        "outside failure"
      ])
    })
  )

  it.effect("is the same for executeWith", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const pipeline = Pipeline.inOrder([tracing("a", log), tracing("b", log)])
      yield* Effect.void.pipe(pipeline.executeWith({ key: "k" }))
      expect(log).toEqual(["a in with k", "b in with k", "b success", "a success"])
    })
  )

  it.effect("can be told in one line", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make(five)
      expect(pipeline.describe()).toBe("fallback > deadline > retry > circuit-breaker > bulkhead > timeout")
    })
  )
})

describe("inOrder", () => {
  it.effect("takes a retry that wraps, and the type knows it", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ ...atOnce, maxAttempts: 3, onExhausted: "wrap" })
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      const pipeline = Pipeline.inOrder([breaker, retry])
      const guarded: Effect.Effect<
        number,
        Down | Retry.RetryExhaustedError<Down> | CircuitBreaker.CircuitBreakerOpenError
      > = Effect.fail(new Down({ at: 1 })).pipe(pipeline.execute)
      const error = yield* Effect.flip(guarded)
      expect(error).toBeInstanceOf(Retry.RetryExhaustedError)
      if (error._tag === "RetryExhaustedError") expect(error.attempts).toBe(3)
      expect((yield* Policy.snapshot(breaker)).failures).toBe(1)
    })
  )

  it.effect("wraps the errors of the parts inside the retry only", () =>
    Effect.gen(function* () {
      const retry = yield* Retry.make({ ...atOnce, maxAttempts: 2, onExhausted: "wrap" })
      const full = yield* Bulkhead.make({ maxConcurrent: 1, maxQueue: 0 })
      yield* full.resize(0)
      const rejected = Effect.void.pipe(Pipeline.inOrder([full, retry]).execute)
      expect((yield* Effect.flip(rejected))._tag).toBe("BulkheadRejectedError")
      const wrapping: Effect.Effect<
        void,
        Bulkhead.BulkheadRejectedError | Retry.RetryExhaustedError<Bulkhead.BulkheadRejectedError>
      > = Effect.void.pipe(Pipeline.inOrder([retry, full]).execute)
      expect((yield* Effect.flip(wrapping))._tag).toBe("BulkheadRejectedError")
    })
  )

  it.effect("takes a fallback anywhere, which removes the errors of what is inside it", () =>
    Effect.gen(function* () {
      const fallback = yield* Fallback.make((error) => Effect.succeed(`instead of ${String(error)}`))
      const breaker = yield* CircuitBreaker.make()
      const inside: Effect.Effect<number | string, CircuitBreaker.CircuitBreakerOpenError> = (
        Effect.fail("down") as Effect.Effect<number, string>
      ).pipe(Pipeline.inOrder([breaker, fallback]).execute)
      expect(yield* inside).toBe("instead of down")
      yield* breaker.trip
      expect((yield* Effect.flip(inside))._tag).toBe("CircuitBreakerOpenError")
    })
  )

  it.effect("takes a part that a user wrote", () =>
    Effect.gen(function* () {
      const log: Array<string> = []
      const pipeline = Pipeline.inOrder([tracing("mine", log), yield* Timeout.make()], { service: "llm" })
      expect(pipeline.describe()).toBe("mine > timeout")
      expect(yield* Effect.succeed(1).pipe(pipeline.execute)).toBe(1)
    })
  )

  it.effect("of no parts at all counts and passes through", () =>
    Effect.gen(function* () {
      const pipeline = Pipeline.inOrder([])
      const exit = yield* Effect.fail("down").pipe(pipeline.execute, Effect.exit)
      expect(exit).toEqual(Exit.fail("down"))
      expect(pipeline.describe()).toBe("")
      expect(yield* Policy.snapshot(pipeline)).toEqual({
        kind: "pipeline",
        service: "default",
        successes: 0,
        failures: 1,
        interrupted: 0
      })
    })
  )
})

describe("execute", () => {
  it.effect("gives back the value, the error or the defect as it was", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make(unanswered)
      const value = { answer: 42 }
      const error = new Down({ at: 7 })
      const defect = new Error("bug")
      expect(yield* Effect.succeed(value).pipe(pipeline.execute)).toBe(value)
      expect(yield* Effect.fail(error).pipe(pipeline.execute, Effect.flip)).toBe(error)
      const exit = yield* Effect.die(defect).pipe(pipeline.execute, Effect.exit)
      expect(Exit.isFailure(exit) && Cause.squash(exit.cause) === defect).toBe(true)
    })
  )

  it.effect("makes an effect that can run again, each time as a call of its own", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("down"), "up"])
      const pipeline = yield* Pipeline.make({ circuitBreaker: {} })
      const guarded = service.call.pipe(pipeline.execute)
      expect(yield* Effect.flip(guarded)).toBe("down")
      expect(yield* guarded).toBe("up")
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 1, failures: 1 })
    })
  )

  it.effect("does nothing before the guarded effect runs", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: {}, bulkhead: {} })
      const service = ScriptedService.make(["up"])
      service.call.pipe(pipeline.execute)
      expect([service.calls(), pipeline.snapshot(0).successes]).toEqual([0, 0])
    })
  )

  it("needs no asynchronous runtime for a call that does not wait", () => {
    const pipeline = Pipeline.makeUnsafe(five)
    expect(Effect.runSync(Effect.succeed("up").pipe(pipeline.execute))).toBe("up")
    expect(Effect.runSync(Effect.fail("down").pipe(pipeline.execute))).toBe("instead")
  })

  it.effect("asks for the services that the fallback needs, and for those of the call", () =>
    Effect.gen(function* () {
      class Greeting extends Context.Service<Greeting, string>()("test/Greeting") {}
      class Name extends Context.Service<Name, string>()("test/Name") {}
      const pipeline = yield* Pipeline.make({ fallback: () => Greeting.useSync((greeting) => greeting) })
      const guarded: Effect.Effect<string, never, Greeting | Name> = Effect.flatMap(Name, (name) =>
        Effect.fail(name)
      ).pipe(pipeline.execute)
      const answer = guarded.pipe(Effect.provideService(Name, "Ada"), Effect.provideService(Greeting, "hello"))
      expect(yield* answer).toBe("hello")
    })
  )

  it.effect("shows the call the time that is left of the deadline", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ deadline: "3 seconds", retry: {}, timeout: "1 second" })
      const left = yield* Deadline.remaining.pipe(pipeline.execute)
      expect(Option.map(left, Duration.toMillis)).toEqual(Option.some(3_000))
    })
  )
})

describe("the live clock", () => {
  it.live("cuts off attempts, waits between them, and gives everything back (live)", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        deadline: "10 seconds",
        retry: { maxAttempts: 3, baseDelay: 1 },
        circuitBreaker: { consecutiveFailures: 10 },
        bulkhead: { maxConcurrent: 1, queueTimeout: "5 seconds" },
        timeout: 3
      })
      const hang = Effect.never.pipe(pipeline.execute, Effect.flip)
      const errors = yield* Effect.all([hang, hang], { concurrency: "unbounded" })
      expect(errors.map(({ _tag }) => _tag)).toEqual(["TimeoutExceededError", "TimeoutExceededError"])
      const [, retry, breaker, bulkhead, timeout] = pipeline.parts
      expect(yield* Policy.snapshot(timeout)).toMatchObject({ exceeded: 6 })
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 6 })
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 0, queued: 0, failures: 6 })
      expect(yield* Policy.snapshot(retry)).toMatchObject({ exhausted: 2, retries: 4 })
    })
  )
})

describe("executeWith", () => {
  it.effect("without a choice is execute", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make(five)
      expect(yield* Effect.succeed(7).pipe(pipeline.executeWith({}))).toBe(7)
      expect(yield* Effect.fail("down").pipe(pipeline.executeWith({}))).toBe("instead")
      const [, , retry, breaker] = pipeline.parts
      expect((yield* Policy.snapshot(retry)).exhausted).toBe(1)
      expect((yield* Policy.snapshot(breaker)).state).toBe("Open")
    })
  )

  it.effect("gives a key a circuit, permits and a budget of its own", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({
        retry: { ...atOnce, budget: { ratio: 0, minimumPerSecond: 1, window: "2 seconds" } },
        circuitBreaker: { consecutiveFailures: 3 },
        bulkhead: { maxConcurrent: 1 }
      })
      const [retry, breaker, bulkhead] = pipeline.parts
      yield* Effect.fail("down").pipe(pipeline.executeWith({ key: "tenant" }), Effect.ignore)
      expect(breaker.snapshot(0, "tenant").state).toBe("Open")
      expect(breaker.snapshot(0, "other").state).toBe("Closed")
      expect(breaker.snapshot(0).state).toBe("Closed")
      expect(retry.snapshot(0, "tenant").budget).toEqual(Option.some(0))
      expect(retry.snapshot(0).budget).toEqual(Option.some(2))
      const fiber = yield* Effect.never.pipe(pipeline.executeWith({ key: "busy" }), Effect.forkChild)
      yield* Effect.yieldNow
      expect(bulkhead.snapshot(0, "busy").active).toBe(1)
      expect(bulkhead.snapshot(0, "other").active).toBe(0)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("an undefined key is no key", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: { consecutiveFailures: 1 } })
      yield* Effect.fail("down").pipe(pipeline.executeWith({ key: undefined }), Effect.ignore)
      expect(pipeline.parts[0].snapshot(0).state).toBe("Open")
    })
  )

  it.effect("gives the retry its functions", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("down")])
      const pipeline = yield* Pipeline.make({ retry: { ...atOnce, maxAttempts: 3 } })
      yield* service.call.pipe(pipeline.executeWith({ retry: { while: () => false } }), Effect.ignore)
      expect(service.calls()).toBe(1)
      const classify = () => Classifier.notRetryable
      yield* service.call.pipe(pipeline.executeWith({ retry: { classify } }), Effect.ignore)
      expect(service.calls()).toBe(2)
      yield* service.call.pipe(pipeline.executeWith({ retry: {} }), Effect.ignore)
      expect(service.calls()).toBe(5)
    })
  )

  it.effect("gives the circuit breaker its classifier", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: { consecutiveFailures: 1 } })
      const call = pipeline.executeWith({ circuitBreaker: { classify: () => Outcome.success } })
      yield* Effect.fail("wrong password").pipe(call, Effect.ignore)
      expect(pipeline.parts[0].snapshot(0)).toMatchObject({ state: "Closed", successes: 1 })
    })
  )

  it.effect("keeps two functions of the same name apart", () =>
    Effect.gen(function* () {
      const seen: Array<string> = []
      const pipeline = yield* Pipeline.make({ retry: { ...atOnce, maxAttempts: 2 }, circuitBreaker: {} })
      yield* Effect.fail("down").pipe(
        pipeline.executeWith({
          retry: {
            classify: (error) => {
              seen.push(`retry sees ${String(error)}`)
              return undefined
            }
          },
          circuitBreaker: {
            classify: (exit) => {
              seen.push(`breaker sees ${exit._tag}`)
              return Outcome.classify(exit)
            }
          }
        }),
        Effect.ignore
      )
      expect(seen).toEqual(["breaker sees Failure", "retry sees down", "breaker sees Failure", "retry sees down"])
    })
  )

  it.effect("keeps the functions of an instance where the call brings none", () =>
    Effect.gen(function* () {
      const circuitBreaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 }, { classify: () => Outcome.ignored })
      const retry = yield* Retry.make({ ...atOnce, maxAttempts: 3 }, { while: (error) => error !== "final" })
      const service = ScriptedService.make([ScriptedService.fail("final")])
      const pipeline = yield* Pipeline.make({ retry, circuitBreaker })
      const call = pipeline.executeWith({
        key: "k",
        retry: { while: undefined, classify: undefined },
        circuitBreaker: { classify: undefined }
      })
      yield* service.call.pipe(call, Effect.ignore)
      expect(service.calls()).toBe(1)
      expect(circuitBreaker.snapshot(0)).toMatchObject({ ignored: 1, failures: 0 })
    })
  )

  it.effect("passes by a fallback, which takes no choices", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ fallback: () => Effect.succeed("instead"), circuitBreaker: {} })
      const answer = Effect.fail("down").pipe(
        pipeline.executeWith({ key: "k", circuitBreaker: { classify: () => Outcome.ignored } })
      )
      expect(yield* answer).toBe("instead")
      expect(pipeline.parts[1].snapshot(0)).toMatchObject({ ignored: 1, failures: 0 })
    })
  )
})

describe("counts", () => {
  it.effect("every call is counted once, by how it ended after all parts", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make(unanswered)
      yield* Effect.void.pipe(pipeline.execute)
      yield* Effect.fail("down").pipe(pipeline.execute, Effect.ignore)
      yield* Effect.die("bug").pipe(pipeline.execute, Effect.exit)
      const fiber = yield* Effect.never.pipe(pipeline.execute, Effect.forkChild)
      yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 1, failures: 2, interrupted: 1 })
    })
  )

  it.effect("a call that was retried, or answered by a fallback, is one success", () =>
    Effect.gen(function* () {
      const flaky = ScriptedService.make([ScriptedService.fail("down"), ScriptedService.fail("down"), "up"])
      const pipeline = yield* Pipeline.make({ fallback: () => Effect.succeed("instead"), retry: atOnce })
      expect(yield* flaky.call.pipe(pipeline.execute)).toBe("up")
      expect(yield* Effect.fail("down").pipe(pipeline.execute)).toBe("instead")
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 2, failures: 0, interrupted: 0 })
    })
  )

  it.effect("rejections and exceeded time are failures", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ circuitBreaker: { consecutiveFailures: 1 }, timeout: "1 second" })
      const fiber = yield* Effect.never.pipe(pipeline.execute, Effect.exit, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      yield* Effect.void.pipe(pipeline.execute, Effect.ignore)
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ successes: 0, failures: 2, interrupted: 0 })
    })
  )

  it.effect("those of execute and executeWith are together", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({})
      yield* Effect.void.pipe(pipeline.execute)
      yield* Effect.void.pipe(pipeline.executeWith({ key: "a" }))
      yield* Effect.void.pipe(pipeline.executeWith({ key: "b" }))
      expect((yield* Policy.snapshot(pipeline)).successes).toBe(3)
    })
  )

  it.effect("a snapshot does not change afterwards", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({})
      const before = yield* Policy.snapshot(pipeline)
      yield* Effect.void.pipe(pipeline.execute)
      expect(before.successes).toBe(0)
    })
  )

  it.effect("an interruption that also fails is a failure", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({})
      const cause = Cause.combine(Cause.interrupt(1), Cause.fail("down"))
      yield* Effect.failCause(cause).pipe(pipeline.execute, Effect.exit)
      expect(yield* Policy.snapshot(pipeline)).toMatchObject({ failures: 1, interrupted: 0 })
    })
  )
})

describe("Kind", () => {
  it("makes a pipeline of the siblings that there are", () => {
    const retry = Retry.makeUnsafe()
    const timeout = Timeout.makeUnsafe()
    const sibling: Policy.Sibling = (kind) => [retry, timeout].find((one) => one.kind === kind.id) as never
    const pipeline = Pipeline.Kind.make("llm", {}, { sibling, observe: () => {} })
    const parts: ReadonlyArray<unknown> = pipeline.parts
    expect(parts[0] === retry && parts[1] === timeout).toBe(true)
    expect([pipeline.service, pipeline.describe()]).toEqual(["llm", "retry > timeout"])
  })

  it("makes one that passes through when everything is switched off", () => {
    const pipeline = Pipeline.Kind.make("llm", {})
    expect(pipeline.parts).toEqual([])
    expect(Effect.runSync(Effect.succeed(1).pipe(pipeline.execute, Effect.orDie))).toBe(1)
  })

  it("names the outcomes, success by its agreed name", () => {
    const pipeline = Pipeline.Kind.make("llm", {})
    Effect.runSync(Effect.succeed(1).pipe(pipeline.execute, Effect.orDie))
    Effect.runSync(Effect.succeed(1).pipe(pipeline.execute, Effect.orDie))
    Effect.runSync(Effect.fail("down").pipe(pipeline.execute, Effect.ignore))
    expect(Pipeline.Kind.outcomes(pipeline, 0)).toEqual({ success: 2, failure: 1, interrupted: 0 })
  })

  it("lists the patterns in the recommended order, each under its name", () => {
    expect(Object.entries(Pipeline.order).map(([slot, kind]) => [slot, kind.id])).toEqual([
      ["deadline", "deadline"],
      ["retry", "retry"],
      ["circuitBreaker", "circuit-breaker"],
      ["bulkhead", "bulkhead"],
      ["timeout", "timeout"]
    ])
  })

  it("has no options of its own and no commands", () => {
    expect([Pipeline.Kind.id, Object.keys(Pipeline.Options.fields), Pipeline.Kind.commands]).toEqual([
      "pipeline",
      [],
      []
    ])
    expect(Pipeline.Kind.ineffective).toEqual([])
  })
})
