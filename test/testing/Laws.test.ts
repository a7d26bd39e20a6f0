import { describe, expect, it } from "@effect/vitest"
import { Context, Duration, Effect, type Exit, Option } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  Fallback,
  Pipeline,
  Policy,
  Resilience,
  Retry,
  Timeout
} from "../../src/index.ts"
import { Laws } from "../../src/testing/index.ts"

const prices = Pipeline.make({
  service: "prices",
  fallback: () => Effect.succeed("no price today"),
  deadline: "5 seconds",
  retry: { maxAttempts: 3, budget: { minimumPerSecond: 1 } },
  circuitBreaker: { consecutiveFailures: 2, openDuration: "10 seconds" },
  bulkhead: { maxConcurrent: 1, maxQueue: 1 },
  timeout: "2 seconds"
})

/** A policy that is a little different from a good one. */
const spoilt = <P extends Policy.Instance>(policy: P, change: Partial<P>): P =>
  Object.create(policy, Object.getOwnPropertyDescriptors(change)) as P

const brokenLaw = (make: () => Laws.Subject, options?: Laws.Options) =>
  Effect.map(Effect.flip(Laws.check(Effect.sync(make), options)), ({ law }) => law)

describe("a pipeline that keeps the laws", () => {
  it.effect("passes, and the report tells what was tried", () =>
    Effect.gen(function* () {
      const { calls, events, runs } = yield* Laws.check(prices, { runs: 100, keys: ["a", "b"] })
      expect(runs).toBe(100)
      expect(calls).toBeGreaterThan(500)
      expect(Object.keys(events).toSorted()).toEqual([
        "BulkheadRejection",
        "CallFailed",
        "CircuitBreakerFailure",
        "CircuitBreakerRejection",
        "CircuitBreakerTransition",
        "FallbackUsed",
        "RetryAbandoned",
        "RetryExhausted",
        "RetryScheduled",
        "TimeoutExceeded"
      ])
    })
  )

  it.effect("is the same in each run of a seed, and another one in that of another", () =>
    Effect.gen(function* () {
      const one = yield* Laws.check(prices, { runs: 20, seed: 7 })
      expect(yield* Laws.check(prices, { runs: 20, seed: 7 })).toEqual(one)
      expect(yield* Laws.check(prices, { runs: 20, seed: 1_000 })).not.toEqual(one)
    })
  )

  it.effect("is that of a service, from a registry", () =>
    Effect.gen(function* () {
      const layer = Resilience.layer({ services: { llm: { timeout: "5 seconds" } } })
      const llm = Effect.map(Policy.instanceOf(Pipeline.Kind, "llm"), (pipeline) => pipeline!)
      const check = Laws.check(llm.pipe(Effect.provide(layer)), { runs: 20 })
      expect((yield* check).runs).toBe(20)
      // The program has the same layer, and an instance that was used before.
      const used = Effect.void.pipe(Resilience.protect("llm"))
      expect((yield* Effect.andThen(used, check).pipe(Effect.provide(layer))).runs).toBe(20)
    })
  )

  it.effect("has a fallback that finds what it needs", () =>
    Effect.gen(function* () {
      class Default extends Context.Service<Default, { readonly price: string }>()("test/Default") {}
      const asked: Array<string> = []
      const answer = Default.useSync(({ price }) => {
        asked.push(price)
        return price
      })
      const make = Pipeline.make({ fallback: () => answer })
      yield* Laws.check(make, { runs: 20 }).pipe(Effect.provideService(Default, { price: "none" }))
      expect(new Set(asked)).toEqual(new Set(["none"]))
    })
  )

  it.effect("is tried without operators and with other errors, if that is what is asked for", () =>
    Effect.gen(function* () {
      const breaker = CircuitBreaker.make({ consecutiveFailures: 1_000 })
      const quiet = yield* Laws.check(breaker, { runs: 20, orders: false })
      const busy = yield* Laws.check(breaker, { runs: 20 })
      // The last check of each run trips the circuit, and so do operators.
      expect(busy.events["CircuitBreakerTransition"]).toBeGreaterThan(quiet.events["CircuitBreakerTransition"]!)
      const retry = Retry.make({ maxAttempts: 2 })
      const { events } = yield* Laws.check(retry, { runs: 20, errors: [{ status: 404 }] })
      expect(events).toEqual({})
    })
  )

  it.effect("cannot be made: the error is that of its maker", () =>
    Effect.gen(function* () {
      expect(yield* Effect.flip(Laws.check(Effect.fail("no licence")))).toBe("no licence")
    })
  )
})

describe("parts of which little is known", () => {
  it.effect("pass, and so does a pipeline in which one part stands twice", () =>
    Effect.gen(function* () {
      const timeout = Timeout.makeUnsafe({ duration: "1 second" })
      const stranger = {
        kind: "stranger",
        service: "default",
        describe: () => "does nothing",
        snapshot: () => ({ kind: "stranger", service: "default" }),
        execute: <A, E, R>(self: Effect.Effect<A, E, R>) => self,
        executeWith: () => (self) => self
      } satisfies Pipeline.Part
      const make = Effect.sync(() => Pipeline.inOrder([timeout, stranger, timeout]))
      expect((yield* Laws.check(make, { runs: 50 })).runs).toBe(50)
    })
  )
})

/** What the report of a broken law says about it. */
const reasonOf = (make: () => Laws.Subject, options?: Laws.Options) =>
  Effect.map(Effect.flip(Laws.check(Effect.sync(make), options)), ({ law, reason }) => [law, reason])

/** A policy whose snapshot tells something else. */
const telling = <P extends Policy.Instance>(
  policy: P,
  change: (snapshot: ReturnType<P["snapshot"]>, key: string | undefined) => Partial<ReturnType<P["snapshot"]>>
): P => {
  const snapshot = (now: number, key?: string) => {
    const told = (policy.snapshot as (now: number, key?: string) => ReturnType<P["snapshot"]>)(now, key)
    return { ...told, ...change(told, key) }
  }
  return spoilt(policy, { snapshot } as unknown as Partial<P>)
}

describe("the report says in numbers", () => {
  const quiet = { orders: false } as const
  const bulkhead = () => Bulkhead.makeUnsafe({ maxConcurrent: 2, maxQueue: 1 })

  it.effect.each([
    ["less than no call", { active: -1 }, undefined, "has -1 active and 0 queued calls"],
    ["more calls than may run", { active: 9 }, undefined, "has 9 active calls, and at most 2 may run"],
    ["no call of a key", { active: 0 }, "a", 'has 0 active calls with the key "a", 1 run, 2 may']
  ] as const)("that a bulkhead knows of %s", ([, change, only, expected]) =>
    Effect.gen(function* () {
      const make = () => telling(bulkhead(), (_, key) => (key === only ? change : {}))
      const [law, reason] = yield* reasonOf(make, { ...quiet, keys: ["a"] })
      expect(law).toBe("no permit is given twice")
      expect(reason).toContain(expected)
    })
  )

  it.effect("that a bulkhead takes somebody for running when nobody is", () =>
    Effect.gen(function* () {
      const all = () => telling(bulkhead(), ({ active }) => ({ active: Math.max(1, active) }))
      expect(yield* reasonOf(all, quiet)).toEqual([
        "no permit is lost",
        'the bulkhead of "default" has 1 active and 0 queued calls when nothing runs'
      ])
      const ofKey = () =>
        telling(bulkhead(), ({ active }, key) => (key === undefined ? {} : { active: Math.max(1, active) }))
      expect(yield* reasonOf(ofKey, { ...quiet, keys: ["a"] })).toEqual([
        "no permit is lost",
        'the bulkhead of "default" with the key "a" has 1 active and 0 queued calls when nothing runs'
      ])
    })
  )

  it.effect("that a bulkhead has fewer permits than its limit", () =>
    Effect.gen(function* () {
      const make = () => {
        const inner = bulkhead()
        const shrink = (exit: Exit.Exit<unknown, unknown>) => (exit._tag === "Failure" ? inner.resize(1) : Effect.void)
        const executeWith = () => (self: Effect.Effect<unknown, unknown>) => Effect.onExit(inner.execute(self), shrink)
        const outer = spoilt(inner, { resize: () => Effect.void, executeWith, execute: executeWith() } as never)
        return telling(outer, () => ({ limit: 2 }))
      }
      expect(yield* reasonOf(make, quiet)).toEqual([
        "no permit is lost",
        'the bulkhead of "default" lets 1 calls run, its limit is 2'
      ])
    })
  )

  it.effect("that a budget cannot be", () =>
    Effect.gen(function* () {
      const make = () =>
        telling(Retry.makeUnsafe({ budget: { minimumPerSecond: 1 } }), () => ({ budget: Option.some(-0.5) }))
      expect(yield* reasonOf(make)).toEqual(["a budget is never negative", 'the budget of "default" is -0.5'])
    })
  )

  it.effect("that a call goes on after its deadline, or an operation after its call", () =>
    Effect.gen(function* () {
      const late = () => {
        const deadline = Deadline.makeUnsafe({ duration: "1 second" })
        const execute = ((self: Effect.Effect<unknown, unknown>) =>
          Effect.onExit(deadline.execute(self), () => Effect.sleep("5 seconds"))) as never
        return spoilt(deadline, { execute })
      }
      const [law, reason] = yield* reasonOf(late)
      expect(law).toBe("a deadline never grows")
      expect(reason).toMatch(/^call \d+ ended at \d+, its deadline was at \d+$/)
      const detached = () => {
        const execute = ((self: Effect.Effect<unknown, unknown>) => Effect.asVoid(Effect.forkDetach(self))) as never
        return spoilt(Timeout.makeUnsafe({ duration: "1 minute" }), { kind: "stranger" as "timeout", execute })
      }
      const [broken, goesOn] = yield* reasonOf(detached)
      expect(broken).toBe("every call ends")
      expect(goesOn).toMatch(/^an operation of call \d+ goes on after the call$/)
    })
  )

  it.effect("that a circuit stays half-open, or never says when it will be", () =>
    Effect.gen(function* () {
      const breaker = () => CircuitBreaker.makeUnsafe({ openDuration: "1 second" })
      const halfOpen = () =>
        telling(breaker(), ({ state }) => ({ state: state === "Closed" ? state : ("HalfOpen" as const) }))
      expect(yield* reasonOf(halfOpen, quiet)).toEqual([
        "a half-open circuit decides",
        'the circuit of "default" is half-open after all probes have ended'
      ])
      const never = () => telling(breaker(), () => ({ retryAfter: Option.none() }))
      expect(yield* reasonOf(never, quiet)).toEqual([
        "a half-open circuit decides",
        'the circuit of "default" is Open after good probes'
      ])
    })
  )

  it.effect("how many calls were counted, and as what", () =>
    Effect.gen(function* () {
      const timeout = () => Timeout.makeUnsafe({ duration: "1 minute" })
      const unlucky = () =>
        telling(timeout(), ({ failures, successes }) => ({ successes: 0, failures: failures + successes }))
      const [law, reason] = yield* reasonOf(unlucky)
      expect(law).toBe("every call is counted once")
      expect(reason).toMatch(/^timeout of "\w+" counted 0 successes, and there were \d+$/)
      const lucky = () => {
        const inner = timeout()
        const execute = ((self: Effect.Effect<unknown, unknown>) => inner.execute(Effect.ignore(self))) as never
        return spoilt(inner, { execute })
      }
      expect(yield* reasonOf(lucky)).toEqual(["every call is counted once", "0 operations succeeded, and 1 calls did"])
      const again = () => {
        const inner = timeout()
        const execute = ((self: Effect.Effect<unknown, unknown>) =>
          Effect.tap(inner.execute(self), inner.execute(Effect.void))) as never
        return spoilt(inner, { execute })
      }
      expect(yield* reasonOf(again)).toEqual([
        "every call is counted once",
        'timeout of "default" counted 2 calls, and there were 1'
      ])
    })
  )
})

describe("a law is broken", () => {
  it.effect("by a policy that forgets its permit, and the report is as short as can be", () =>
    Effect.gen(function* () {
      const make = Effect.sync(() => {
        const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 2 })
        const isGone = (exit: Exit.Exit<unknown, unknown>) => exit._tag === "Failure"
        const leak: Policy.Policy = (self) =>
          Effect.onExit(self, (exit) => (isGone(exit) ? Effect.asVoid(Effect.never) : Effect.void))
        return spoilt(bulkhead, { execute: (self) => bulkhead.execute(leak(self)) })
      })
      const error = yield* Effect.flip(Laws.check(make))
      expect(error.commands.length).toBe(1)
      const again = yield* Effect.flip(Laws.check(make, { seed: error.seed, runs: 1 }))
      expect(again.message).toBe(error.message)
      expect(error.message).toBe(
        [`broken with seed ${error.seed}: ${error.law}`, error.reason, "after", `  ${error.commands[0]}`].join("\n")
      )
    })
  )

  it.effect("by a bulkhead that lets one more in", () =>
    Effect.gen(function* () {
      const make = () => {
        const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1, maxQueue: 0 })
        const open = (self: Effect.Effect<unknown>) => Effect.catch(bulkhead.execute(self), () => self)
        return spoilt(bulkhead, { execute: open as never })
      }
      expect(yield* brokenLaw(make)).toBe("no permit is given twice")
    })
  )

  it.effect("by a circuit that hides its probes", () =>
    Effect.gen(function* () {
      const make = () => {
        const breaker = CircuitBreaker.makeUnsafe()
        const snapshot: typeof breaker.snapshot = (now, key) => ({ ...breaker.snapshot(now, key), probing: 1 })
        return spoilt(breaker, { snapshot })
      }
      expect(yield* brokenLaw(make)).toBe("no probe is lost")
    })
  )

  it.effect("by a circuit that never decides", () =>
    Effect.gen(function* () {
      const make = () => {
        const breaker = CircuitBreaker.makeUnsafe({ openDuration: "1 second", probes: 2, successesToClose: 2 })
        let isTripped = false
        const trip = Effect.andThen(breaker.trip, Effect.sync(() => (isTripped = true)).pipe(Effect.asVoid))
        const execute: typeof breaker.execute = (self) =>
          Effect.suspend(
            () => (isTripped ? self : breaker.execute(self)) as ReturnType<typeof breaker.execute>
          ) as never
        return spoilt(breaker, { trip, execute })
      }
      expect(yield* brokenLaw(make, { orders: false })).toBe("a half-open circuit decides")
    })
  )

  it.effect("by a retry beyond its budget, and by one that loses what it has", () =>
    Effect.gen(function* () {
      const retry = () =>
        Retry.makeUnsafe({ baseDelay: 0, budget: { ratio: 0, minimumPerSecond: 1, window: "1 second" } })
      const generous = () => {
        const inner = Retry.makeUnsafe({ baseDelay: 0 })
        const outer = retry()
        const snapshot: typeof outer.snapshot = (now, key) => ({
          ...inner.snapshot(now),
          budget: outer.snapshot(now, key).budget
        })
        return spoilt(outer, { execute: inner.execute, snapshot })
      }
      expect(yield* brokenLaw(generous)).toBe("a budget is never negative")
      const losing = () => {
        const outer = retry()
        const snapshot: typeof outer.snapshot = (now, key) => ({
          ...outer.snapshot(now - 2_000_000, key),
          budget: outer.snapshot(0).budget
        })
        return spoilt(outer, {
          snapshot,
          options: { ...outer.options, budget: { ...outer.options.budget!, minimumPerSecond: 2 } }
        })
      }
      expect(yield* brokenLaw(losing)).toBe("a budget loses nothing")
    })
  )

  it.effect("by a deadline that frees what is inside, and a timeout that does not limit", () =>
    Effect.gen(function* () {
      const freeing = () => {
        const deadline = Deadline.makeUnsafe({ duration: "1 second" })
        return spoilt(deadline, { execute: Deadline.withDeadline("2 seconds") as typeof deadline.execute })
      }
      expect(yield* brokenLaw(freeing)).toBe("a deadline never grows")
      const waiting = () => {
        const timeout = Timeout.makeUnsafe({ duration: "1 hour" })
        const snapshot: typeof timeout.snapshot = (now) => ({ ...timeout.snapshot(now), duration: Duration.seconds(1) })
        return spoilt(timeout, { snapshot })
      }
      expect(yield* brokenLaw(waiting)).toBe("a limit ends what it limits")
    })
  )

  it.effect("by a call that never ends, is counted twice, or is not told", () =>
    Effect.gen(function* () {
      const endless = () => {
        const pipeline = Pipeline.inOrder([])
        return spoilt(pipeline, {
          execute: ((self: Effect.Effect<unknown>) =>
            Effect.andThen(Effect.uninterruptible(Effect.never), self)) as never
        })
      }
      expect(yield* brokenLaw(endless)).toBe("every call ends")
      const twice = () => {
        const pipeline = Pipeline.inOrder([])
        return spoilt(pipeline, {
          execute: ((self: Effect.Effect<unknown>) => pipeline.execute(pipeline.execute(self))) as never
        })
      }
      expect(yield* brokenLaw(twice)).toBe("every call is counted once")
      const silent = () => {
        const fallback = Fallback.makeUnsafe(() => Effect.succeed("instead"))
        return spoilt(fallback, {
          execute: ((self: Effect.Effect<unknown>) =>
            Effect.provideService(fallback.execute(self), Policy.Observers, [])) as never
        })
      }
      expect(yield* brokenLaw(silent)).toBe("events and totals agree")
    })
  )
})
