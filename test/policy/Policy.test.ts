import { describe, expect, it } from "@effect/vitest"
import { Clock, Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
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
import { RecordedEvents } from "../../src/testing/index.ts"

const event = { _tag: "Sneezed", kind: "nose", service: "llm", severity: "Info", attributes: {} } as const

const emit = (part: Partial<Policy.Event> = {}): Effect.Effect<void> =>
  Effect.withFiber((fiber) => Effect.sync(() => Policy.emit(fiber, undefined, { ...event, ...part })))

const isObserved: Effect.Effect<boolean> = Effect.withFiber((fiber) =>
  Effect.succeed(Policy.isObserved(fiber, undefined))
)

const observing = (observers: ReadonlyArray<Policy.Observer>) => Effect.provide(Policy.layerObservers(observers))

const throwing: Policy.Observer = () => {
  throw new Error("the observer is broken")
}

/** A registry that only listens. */
const listening = (observe: Policy.Observer): Policy.ResilienceRegistry["Service"] => ({
  get: () => undefined,
  instances: () => [],
  observe,
  subscribe: () => () => {},
  recent: () => []
})

describe("observers", () => {
  it.effect("are none until somebody installs them", () =>
    Effect.gen(function* () {
      expect(yield* Policy.Observers).toEqual([])
      expect(yield* isObserved).toBe(false)
    })
  )

  it.effect("hear an event, completed with the time of day", () =>
    Effect.gen(function* () {
      const heard: Array<Policy.Event> = []
      yield* TestClock.adjust("1 minute")
      yield* emit({ error: "flu" }).pipe(observing([(event) => heard.push(event)]))
      expect(heard).toEqual([{ ...event, error: "flu", at: 60_000 }])
    })
  )

  it.effect("hear the wall clock, not the monotonic one", () =>
    Effect.gen(function* () {
      const heard: Array<number> = []
      const now = yield* Clock.Clock
      const later: Clock.Clock = { ...now, currentTimeMillisUnsafe: () => 1_700_000_000_000 }
      yield* emit().pipe(observing([({ at }) => heard.push(at)]), Effect.provideService(Clock.Clock, later))
      expect(heard).toEqual([1_700_000_000_000])
    })
  )

  it.effect("hear in the order of their list, and the same event", () =>
    Effect.gen(function* () {
      const heard: Array<readonly [number, Policy.Event]> = []
      const observers = [1, 2, 3].map(
        (number): Policy.Observer =>
          (event) =>
            heard.push([number, event])
      )
      yield* emit().pipe(observing(observers))
      expect(heard.map(([number]) => number)).toEqual([1, 2, 3])
      expect(new Set(heard.map(([, event]) => event)).size).toBe(1)
    })
  )

  it.effect("that throw neither fail the call nor silence the others", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const listen: Policy.Observer = ({ _tag }) => heard.push(_tag)
      const exit = yield* emit().pipe(observing([throwing, listen, throwing, listen]), Effect.exit)
      expect(exit).toEqual(Exit.void)
      expect(heard).toEqual(["Sneezed", "Sneezed"])
    })
  )

  it.effect("that throw change nothing about any pattern", () =>
    Effect.gen(function* () {
      const run = (observers: ReadonlyArray<Policy.Observer>) =>
        Effect.gen(function* () {
          const pipeline = yield* Pipeline.make({
            deadline: "1 minute",
            retry: { maxAttempts: 3, baseDelay: 0, jitter: "none" },
            circuitBreaker: { consecutiveFailures: 2 },
            bulkhead: { maxConcurrent: 1, maxQueue: 0 },
            timeout: "1 second"
          })
          const failed = yield* Effect.fail("down").pipe(pipeline.execute, Effect.exit)
          yield* pipeline.parts[2].reset
          const hanging = yield* Effect.never.pipe(pipeline.execute, Effect.exit, Effect.forkChild)
          yield* Effect.yieldNow
          const full = yield* Effect.void.pipe(pipeline.execute, Effect.exit)
          yield* TestClock.adjust("1 minute")
          const exits = [failed, full, yield* Fiber.join(hanging)].map((exit) => JSON.stringify(exit))
          return [exits, pipeline.parts.map((part) => part.snapshot(0)), pipeline.snapshot(0)]
        }).pipe(observing(observers), Effect.provide(TestClock.layer()))
      expect(yield* run([throwing])).toEqual(yield* run([]))
    })
  )

  it.effect("are none by default, so nothing listens", () =>
    Effect.gen(function* () {
      expect(yield* isObserved).toBe(false)
      yield* emit()
    })
  )

  it.effect("can be an empty list, which is as good as none", () =>
    Effect.gen(function* () {
      expect(yield* isObserved.pipe(observing([]))).toBe(false)
    })
  )

  it.effect("listen in child fibers too, those of a time limit included", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const inside = yield* isObserved.pipe(
        Timeout.withTimeout("1 second"),
        Effect.forkChild,
        Effect.flatMap(Fiber.join),
        recorded.record
      )
      expect(inside).toBe(true)
    })
  )

  it.effect("of an inner layer replace those of an outer one", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      yield* emit().pipe(observing([() => heard.push("inner")]), observing([() => heard.push("outer")]))
      expect(heard).toEqual(["inner"])
    })
  )

  it.effect("of two merged layers replace each other, so one layer installs a list", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const one = Policy.layerObservers([() => heard.push("one")])
      const other = Policy.layerObservers([() => heard.push("other")])
      yield* emit().pipe(Effect.provide(Layer.merge(one, other)))
      expect(heard).toHaveLength(1)
    })
  )

  it.effect("can be added to those that are there", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const recorded = RecordedEvents.make()
      yield* emit().pipe(recorded.record, observing([({ _tag }) => heard.push(_tag)]))
      expect([heard, recorded.tags()]).toEqual([["Sneezed"], ["Sneezed"]])
    })
  )
})

describe("a registry", () => {
  it.effect("hears what observers hear, and before them", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      yield* emit().pipe(
        observing([() => heard.push("observer")]),
        Effect.provideService(
          Policy.ResilienceRegistry,
          listening(() => heard.push("registry"))
        )
      )
      expect(heard).toEqual(["registry", "observer"])
    })
  )

  it.effect("listens even where there are no observers", () =>
    Effect.gen(function* () {
      expect(
        yield* isObserved.pipe(
          Effect.provideService(
            Policy.ResilienceRegistry,
            listening(() => {})
          )
        )
      ).toBe(true)
    })
  )

  it.effect("that throws does not silence the observers", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const exit = yield* emit().pipe(
        observing([({ _tag }) => heard.push(_tag)]),
        Effect.provideService(Policy.ResilienceRegistry, listening(throwing)),
        Effect.exit
      )
      expect([exit, heard]).toEqual([Exit.void, ["Sneezed"]])
    })
  )

  it.effect("of Resilience listens beside the observers of the application", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      yield* Effect.fail("down").pipe(
        Resilience.protect("llm"),
        Effect.ignore,
        observing([({ _tag, service }) => heard.push(`${_tag} of ${service}`)]),
        Effect.provide(Resilience.layer({ retry: { maxAttempts: 1 } }))
      )
      expect(heard).toEqual(["CircuitBreakerFailure of llm", "RetryExhausted of llm", "CallFailed of llm"])
    })
  )

  it.effect("and observers can be merged side by side", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const layer = Layer.merge(
        Policy.layerObservers([({ _tag }) => heard.push(_tag)]),
        Resilience.layer({ retry: { maxAttempts: 1 }, circuitBreaker: false })
      )
      yield* Effect.fail("down").pipe(Resilience.protect("llm"), Effect.ignore, Effect.provide(layer))
      expect(heard).toEqual(["RetryExhausted", "CallFailed"])
    })
  )
})

describe("snapshot", () => {
  it.effect("reads the monotonic clock", () =>
    Effect.gen(function* () {
      const times: Array<number> = []
      const instance = {
        snapshot: (now: number) => {
          times.push(now)
          return { kind: "nose", service: "llm" }
        }
      }
      yield* TestClock.adjust("1500 millis")
      expect(yield* Policy.snapshot(instance)).toEqual({ kind: "nose", service: "llm" })
      expect(times).toEqual([1_500])
    })
  )

  it.effect("is a preview at that time, and moves nothing", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ openDuration: "10 seconds" })
      yield* breaker.trip
      const before = JSON.stringify(breaker.snapshot(0))
      yield* TestClock.adjust("1 hour")
      yield* Policy.snapshot(breaker).pipe(recorded.record)
      expect(JSON.stringify(breaker.snapshot(0))).toBe(before)
      expect(recorded.tags()).toEqual([])
    })
  )

  it.effect("tells the kind and the service of every pattern", () =>
    Effect.gen(function* () {
      const instances: ReadonlyArray<Policy.Instance> = [
        yield* Bulkhead.make({ service: "llm" }),
        yield* CircuitBreaker.make({ service: "llm" }),
        yield* Deadline.make({ service: "llm" }),
        yield* Fallback.make(() => Effect.void, { service: "llm" }),
        yield* Pipeline.make({ service: "llm" }),
        yield* Retry.make({ service: "llm" }),
        yield* Timeout.make({ service: "llm" })
      ]
      for (const instance of instances) {
        const { kind, service } = yield* Policy.snapshot(instance)
        expect([kind, service]).toEqual([instance.kind, "llm"])
      }
    })
  )
})

describe("isInstance", () => {
  it("tells instances of all patterns from names, times and options", () => {
    const guards = [
      Bulkhead.makeUnsafe(),
      CircuitBreaker.makeUnsafe(),
      Deadline.makeUnsafe(),
      Retry.makeUnsafe(),
      Timeout.makeUnsafe(),
      Pipeline.makeUnsafe({})
    ]
    for (const guard of guards) expect(Policy.isInstance(guard)).toBe(true)
    const others = ["llm", 5, undefined, null, {}, { kind: "retry" }, { execute: () => {} }, { seconds: 5 }, () => {}]
    for (const other of others) expect(Policy.isInstance(other)).toBe(false)
  })
})

describe("withInstance", () => {
  const registry = (instance: Policy.Instance | undefined) =>
    Effect.provideService(Policy.ResilienceRegistry, {
      get: (kind, service) => {
        expect([kind.id, service]).toEqual(["circuit-breaker", "llm"])
        return instance as never
      },
      instances: () => [],
      observe: () => {},
      subscribe: () => () => {},
      recent: () => []
    })

  it.effect("applies what the registry has for the service", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      yield* breaker.trip
      const guarded = Policy.withInstance(CircuitBreaker.Kind, "llm", Effect.succeed(1), (one) =>
        one.execute(Effect.succeed(2))
      )
      expect(yield* guarded.pipe(registry(breaker), Effect.flip)).toMatchObject({ _tag: "CircuitBreakerOpenError" })
      yield* breaker.reset
      expect(yield* guarded.pipe(registry(breaker))).toBe(2)
    })
  )

  it.effect("lets the effect through where the pattern is switched off", () =>
    Effect.gen(function* () {
      const guarded = Policy.withInstance(CircuitBreaker.Kind, "llm", Effect.succeed(1), () => Effect.succeed(2))
      expect(yield* guarded.pipe(registry(undefined))).toBe(1)
      expect(yield* Policy.instanceOf(CircuitBreaker.Kind, "llm").pipe(registry(undefined))).toBeUndefined()
    })
  )

  it.effect("says what it got when that is no name", () =>
    Effect.gen(function* () {
      const guarded = Retry.withRetry(Effect.void, { maxAttempts: 3 } as never)
      const defect = yield* guarded.pipe(registry(undefined), Effect.catchDefect(Effect.succeed))
      expect(defect).toMatchObject({
        message: 'retry: expected an instance or the name of a service, got {"maxAttempts":3}'
      })
    })
  )

  it.effect("looks the instance up at each run", () =>
    Effect.gen(function* () {
      const guarded = Policy.withInstance(CircuitBreaker.Kind, "llm", Effect.succeed(1), () => Effect.succeed(2))
      const breaker = yield* CircuitBreaker.make()
      expect(yield* guarded.pipe(registry(breaker))).toBe(2)
      expect(yield* guarded.pipe(registry(undefined))).toBe(1)
    })
  )

  it.effect("instanceOf gives the instance itself", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make()
      expect(yield* Policy.instanceOf(CircuitBreaker.Kind, "llm").pipe(registry(breaker))).toBe(breaker)
    })
  )
})

describe("registryOf", () => {
  it.effect("is undefined where there is none", () =>
    Effect.gen(function* () {
      const registry = Effect.withFiber((fiber) => Effect.succeed(Policy.registryOf(fiber)))
      const mine = listening(() => {})
      expect(yield* registry).toBeUndefined()
      expect(yield* registry.pipe(Effect.provideService(Policy.ResilienceRegistry, mine))).toBe(mine)
    })
  )
})

describe("apply", () => {
  it.effect("takes the plain way without options, the other one with them", () =>
    Effect.gen(function* () {
      const ways: Array<string> = []
      const way =
        (name: string): Policy.Policy =>
        (self) => {
          ways.push(name)
          return self
        }
      const guard: Policy.Guard = {
        ...CircuitBreaker.makeUnsafe(),
        execute: way("execute"),
        executeWith: ({ key }) => way(`executeWith ${String(key)}`)
      }
      yield* Policy.apply(guard, Effect.void, undefined)
      yield* Policy.apply(guard, Effect.void, { key: "k" })
      yield* Policy.apply(guard, Effect.void, {})
      expect(ways).toEqual(["execute", "executeWith k", "executeWith undefined"])
    })
  )
})

describe("the clocks of a fiber", () => {
  it.effect("one is for durations, with fractions of milliseconds, the other for dates", () =>
    Effect.gen(function* () {
      const clock = yield* Clock.Clock
      const mixed: Clock.Clock = {
        ...clock,
        monotonicTimeNanosUnsafe: () => 1_234_567n,
        currentTimeMillisUnsafe: () => 1_700_000_000_000
      }
      const both = Effect.withFiber((fiber) =>
        Effect.succeed([Policy.monotonicMillis(fiber), Policy.wallMillis(fiber)])
      )
      expect(yield* both.pipe(Effect.provideService(Clock.Clock, mixed))).toEqual([1.234567, 1_700_000_000_000])
      expect(Policy.monotonicMillisOf(mixed)).toBe(1.234567)
    })
  )
})
