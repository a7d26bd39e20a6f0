import { describe, expect, it } from "@effect/vitest"
import { Duration, Effect, Exit, Fiber, Layer, ManagedRuntime, Result, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, Policy, Resilience } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { counts, countsOf, endingOf, expectFullCapacity, makeCalls, occupancy, settle } from "./support/calls.ts"

describe("the options", () => {
  it("have defaults", () => {
    expect(Bulkhead.makeUnsafe().options).toEqual({
      maxConcurrent: 10,
      maxQueue: 1_000,
      maxKeys: 10_000,
      keyIdleTime: Duration.hours(1)
    })
    expect(Bulkhead.makeUnsafe()).toMatchObject({ kind: "bulkhead", service: "default" })
  })

  it("take durations as people write them", () => {
    for (const queueTimeout of ["2 seconds", 2_000, Duration.seconds(2), { seconds: 2 }] as const) {
      expect(Bulkhead.makeUnsafe({ queueTimeout }).options.queueTimeout).toEqual(Duration.seconds(2))
    }
  })

  const wrong: ReadonlyArray<readonly [string, Bulkhead.MakeOptions, string]> = [
    ["a limit of 0", { maxConcurrent: 0 }, "maxConcurrent: expected a whole number of at least 1, got 0"],
    ["a negative limit", { maxConcurrent: -3 }, "maxConcurrent: expected a whole number of at least 1, got -3"],
    ["a broken limit", { maxConcurrent: 1.5 }, "maxConcurrent: expected a whole number of at least 1, got 1.5"],
    ["a limit of NaN", { maxConcurrent: Number.NaN }, "maxConcurrent: expected a whole number of at least 1, got NaN"],
    [
      "a limit of Infinity",
      { maxConcurrent: Infinity },
      "maxConcurrent: expected a whole number of at least 1, got Infinity"
    ],
    ["a negative queue", { maxQueue: -1 }, "maxQueue: expected a whole number of at least 0, got -1"],
    ["a broken queue", { maxQueue: 0.5 }, "maxQueue: expected a whole number of at least 0, got 0.5"],
    ["a queue timeout of 0", { queueTimeout: 0 }, "queueTimeout: expected a duration greater than zero, got 0"],
    ["no key at all", { maxKeys: 0 }, "maxKeys: expected a whole number of at least 1, got 0"],
    ["keys without a life", { keyIdleTime: 0 }, "keyIdleTime: expected a duration greater than zero, got 0"],
    ["a text for a number", { maxConcurrent: "3" as never }, 'maxConcurrent: expected number, got "3"'],
    [
      "a misspelt name",
      { maxConcurent: 3 } as never,
      'maxConcurent: expected no such option (did you mean "maxConcurrent"?), got 3'
    ]
  ]
  for (const [name, options, problem] of wrong) {
    it(`report ${name}`, () => {
      expect(() => Bulkhead.makeUnsafe(options)).toThrow(new Error(`Bulkhead.make: invalid options\n  ${problem}`))
    })
  }

  it("report everything that is wrong at once", () => {
    const options = { maxConcurrent: 0, maxQueue: -1, queueTimeout: -5 }
    expect(() => Bulkhead.makeUnsafe(options)).toThrow(
      /maxConcurrent: .* got 0\n\s+maxQueue: .* got -1\n\s+queueTimeout: .* got -5/
    )
  })

  it.effect("that are wrong are a defect of make, when it is run", () =>
    Effect.gen(function* () {
      const making = Bulkhead.make({ maxConcurrent: 0 })
      const exit = yield* Effect.exit(making)
      expect(exit).toMatchObject({ _tag: "Failure", cause: { reasons: [{ _tag: "Die" }] } })
    })
  )

  it("are a schema, which decodes without a word about functions or instances", () => {
    const decoded = Schema.decodeUnknownResult(Bulkhead.Options)({ maxQueue: 5 })
    expect(Result.getOrThrow(decoded)).toMatchObject({ maxConcurrent: 10, maxQueue: 5 })
  })

  it.effect("that are given as undefined are as good as left out", () =>
    Effect.gen(function* () {
      const options: object = { maxConcurrent: undefined, maxQueue: undefined, queueTimeout: undefined }
      const bulkhead = yield* Bulkhead.make({ ...options, service: undefined })
      expect(bulkhead.options).toMatchObject({ maxConcurrent: 10, maxQueue: 1_000 })
      expect(bulkhead.service).toBe("default")
    })
  )
})

describe("the description", () => {
  const described: ReadonlyArray<readonly [Bulkhead.MakeOptions, string]> = [
    [{ maxConcurrent: 2, maxQueue: 0 }, "2 calls at once, nobody waits"],
    [{ maxConcurrent: 2, maxQueue: 7 }, "2 calls at once, 7 wait"],
    [{ maxConcurrent: 2, maxQueue: 7, queueTimeout: "5 seconds" }, "2 calls at once, 7 wait, at most 5s"],
    [{ maxConcurrent: 2, maxQueue: 8, queueTimeout: Infinity }, "2 calls at once, 8 wait"]
  ]
  for (const [options, text] of described) {
    it(`is "${text}"`, () => {
      expect(Bulkhead.makeUnsafe(options).describe()).toBe(text)
    })
  }
})

describe("withBulkhead", () => {
  it.effect("takes an instance, data first and data last", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0 })
      yield* calls.arrive("a")
      const forms = [
        Bulkhead.withBulkhead(Effect.succeed(1), calls.bulkhead),
        Effect.succeed(1).pipe(Bulkhead.withBulkhead(calls.bulkhead)),
        calls.bulkhead.execute(Effect.succeed(1)),
        Effect.succeed(1).pipe(calls.bulkhead.executeWith({}))
      ]
      for (const form of forms) expect((yield* Effect.flip(form)).reason).toBe("full")
    })
  )

  it.effect("takes a key in both forms", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0 })
      yield* calls.arrive("a", { key: "a" })
      const forms = [
        Bulkhead.withBulkhead(Effect.succeed(1), calls.bulkhead, { key: "a" }),
        Effect.succeed(1).pipe(Bulkhead.withBulkhead(calls.bulkhead, { key: "a" })),
        Effect.succeed(1).pipe(calls.bulkhead.executeWith({ key: "a" }))
      ]
      for (const form of forms) expect((yield* Effect.flip(form)).reason).toBe("full")
      expect(yield* Bulkhead.withBulkhead(Effect.succeed(1), calls.bulkhead, { key: "b" })).toBe(1)
    })
  )

  it.effect("finds the bulkhead of a service by its name, the same one for all calls and in both forms", () =>
    Effect.gen(function* () {
      const bulkhead = (yield* Policy.instanceOf(Bulkhead.Kind, "llm"))!
      const holder = yield* Effect.forkChild(Bulkhead.withBulkhead(Effect.never, "llm"), { startImmediately: true })
      expect(yield* occupancy(bulkhead)).toEqual([1, 0])
      const first = yield* Effect.flip(Effect.succeed(1).pipe(Bulkhead.withBulkhead("llm")))
      expect(first).toMatchObject({ service: "llm", reason: "full", limit: 1 })
      expect(yield* Bulkhead.withBulkhead(Effect.succeed(1), "llm", { key: "a" })).toBe(1)
      expect(yield* Effect.succeed(1).pipe(Bulkhead.withBulkhead("llm", { key: "a" }))).toBe(1)
      yield* Fiber.interrupt(holder)
      yield* expectFullCapacity(bulkhead)
    }).pipe(Effect.provide(Resilience.layer({ services: { llm: { bulkhead: { maxConcurrent: 1, maxQueue: 0 } } } })))
  )

  it.effect("lets everything pass where the bulkhead of a service is switched off", () =>
    Effect.gen(function* () {
      const calls = Array.from({ length: 50 }, () => Effect.yieldNow.pipe(Bulkhead.withBulkhead("llm")))
      yield* Effect.all(calls, { concurrency: "unbounded" })
      expect(yield* Policy.instanceOf(Bulkhead.Kind, "llm")).toBeUndefined()
    }).pipe(Effect.provide(Resilience.layer({ services: { llm: { bulkhead: false } } })))
  )

  it.effect("leaves the value, the error and the requirements of the effect as they are", () =>
    Effect.gen(function* () {
      const bulkhead = yield* Bulkhead.make()
      const value = { some: "object" }
      expect(yield* bulkhead.execute(Effect.succeed(value))).toBe(value)
      expect(yield* Effect.exit(bulkhead.execute(Effect.fail(value)))).toEqual(Exit.fail(value))
      const events = yield* bulkhead.execute(Policy.Observers)
      expect(events).toEqual([])
    })
  )
})

describe("events", () => {
  it.effect("tell why a call was turned away, with the limit at that time and the error", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const calls = yield* makeCalls({ service: "llm", maxConcurrent: 3, maxQueue: 1, queueTimeout: 100 })
      yield* calls.bulkhead.resize(1)
      yield* TestClock.adjust("1 minute")
      yield* calls.arrive("a")
      const waiter = yield* calls.bulkhead
        .execute(Effect.void)
        .pipe(recorded.record, Effect.flip, Effect.forkChild({ startImmediately: true }))
      const full = yield* recorded.record(Effect.flip(calls.bulkhead.execute(Effect.void)))
      yield* TestClock.adjust(100)
      const late = yield* Fiber.join(waiter)
      const common = { _tag: "BulkheadRejection", kind: "bulkhead", service: "llm", severity: "Warn" }
      const attributes = { limit: 1, exception_type: "BulkheadRejectedError" }
      expect(recorded.events()).toEqual([
        { ...common, at: 60_000, attributes: { ...attributes, reason: "full" }, error: full },
        { ...common, at: 60_100, attributes: { ...attributes, reason: "queue-timeout" }, error: late }
      ])
    })
  )

  it.effect("do not come from calls that get in, whatever becomes of them, nor from interrupted waiters", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const calls = yield* makeCalls({ maxConcurrent: 1 })
      const observed = (name: string) => recorded.record(calls.arrive(name))
      yield* observed("a")
      yield* observed("b")
      const waiter = yield* observed("c")
      yield* Fiber.interrupt(waiter)
      yield* calls.endNow("a", Exit.fail("down"))
      yield* settle
      yield* calls.end("b")
      yield* recorded.record(calls.bulkhead.resize(0))
      expect(recorded.events()).toEqual([])
    })
  )

  it.effect("tell of a wait that came to its turn, but only where the call is traced", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const calls = yield* makeCalls({ service: "llm", maxConcurrent: 1 })
      const traced = (name: string) => recorded.record(Effect.withSpan(calls.arrive(name), "caller"))
      yield* traced("a")
      yield* traced("b")
      yield* recorded.record(calls.arrive("c"))
      yield* TestClock.adjust("2 seconds")
      yield* calls.end("a", "b", "c")
      expect(recorded.events()).toEqual([
        {
          _tag: "BulkheadAdmission",
          kind: "bulkhead",
          service: "llm",
          severity: "Debug",
          at: 2_000,
          attributes: { wait_millis: 2_000 }
        }
      ])
    })
  )

  it.effect("say nothing about the key", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 0 })
      yield* calls.arrive("a", { key: "tenant-secret" })
      const again = Effect.void.pipe(calls.bulkhead.executeWith({ key: "tenant-secret" }))
      yield* recorded.record(Effect.flip(again))
      expect(recorded.tags()).toEqual(["BulkheadRejection"])
      expect(JSON.stringify(recorded.events())).not.toContain("secret")
    })
  )

  it.effect("are heard when the counts are true already, and an observer that throws changes nothing", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 1, queueTimeout: 100 })
      const seen: Array<unknown> = []
      const observer: Policy.Observer = () => {
        const { queued, rejected } = calls.bulkhead.snapshot(0)
        seen.push([queued, rejected])
        throw new Error("an observer's bug")
      }
      const observed = Effect.provideService(Policy.Observers, [observer])
      yield* calls.arrive("a")
      const waiter = yield* observed(calls.arrive("b"))
      const rejected = yield* observed(calls.arrive("c"))
      yield* TestClock.adjust(100)
      expect(seen).toEqual([
        [1, 1],
        [0, 2]
      ])
      expect([waiter, rejected].map(endingOf)).toEqual(["queue-timeout", "full"])
      yield* calls.end("a")
      yield* expectFullCapacity(calls.bulkhead)
    })
  )
})

describe("the kind", () => {
  const read = (name: string, bulkhead: Bulkhead.Bulkhead) => {
    const instrument = Bulkhead.Kind.instruments.find((instrument) => instrument.name === name)!
    if (instrument.type !== "gauge") throw new Error(`${name} is a ${instrument.type}`)
    return [instrument.labels(bulkhead), instrument.read(bulkhead, 0)]
  }

  it.effect("has gauges of the calls that run and that wait, with those of all keys", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ service: "llm", maxConcurrent: 1 })
      yield* calls.arriveAll("a", "b", "c", "d")
      yield* calls.arrive("keyed", { key: "tenant" })
      expect(read("bulkhead.active_operations", calls.bulkhead)).toEqual([{ resource_type: "llm" }, 2])
      expect(read("bulkhead.queue_depth", calls.bulkhead)).toEqual([{ resource_type: "llm" }, 3])
    })
  )

  it.effect("counts the events of rejections, and no others", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const calls = yield* makeCalls({ service: "llm", maxConcurrent: 1, maxQueue: 0 })
      yield* calls.arrive("a")
      yield* recorded.record(Effect.flip(calls.bulkhead.execute(Effect.void)))
      const instrument = Bulkhead.Kind.instruments.find(({ name }) => name === Bulkhead.metrics.rejections)!
      const [event] = recorded.events()
      expect(instrument).toMatchObject({ name: "bulkhead.rejections", type: "events", unit: "{call}" })
      if (instrument.type !== "events") return
      expect(instrument.labels(event!)).toEqual({ resource_type: "llm", function: "llm" })
      expect(instrument.labels({ ...event!, _tag: "RetryAttempt" })).toBeUndefined()
    })
  )

  it.effect("tells how calls ended", () =>
    Effect.gen(function* () {
      const calls = yield* makeCalls({ maxConcurrent: 1, maxQueue: 1, queueTimeout: 100 })
      yield* calls.arriveAll("a", "late", "full")
      yield* TestClock.adjust(100)
      const waiter = yield* calls.arrive("b")
      yield* Fiber.interrupt(waiter)
      yield* calls.endNow("a", Exit.fail("down"))
      for (let index = 0; index < 3; index++) yield* calls.bulkhead.execute(Effect.void)
      expect(Bulkhead.Kind.outcomes(calls.bulkhead, 0)).toEqual({
        success: 3,
        failure: 1,
        interrupted: 1,
        rejected: 2
      })
    })
  )

  it("makes the same bulkhead from valid options", () => {
    const options = Bulkhead.makeUnsafe({ maxConcurrent: 2, maxQueue: 3 }).options
    const bulkhead = Bulkhead.Kind.make("llm", options)
    expect(bulkhead.snapshot(0)).toMatchObject({ kind: Bulkhead.Kind.id, service: "llm", limit: 2, maxQueue: 3 })
  })
})

describe("several runtimes", () => {
  it("run calls under runSync while there are permits, and give them back", () => {
    const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1, maxQueue: 0 })
    for (let index = 0; index < 3; index++) {
      expect(Effect.runSync(bulkhead.execute(Effect.succeed(index)))).toBe(index)
    }
    expect(Effect.runSyncExit(bulkhead.execute(Effect.fail("down")))).toEqual(Exit.fail("down"))
    expect(Effect.runSync(Effect.flip(bulkhead.execute(bulkhead.execute(Effect.void))))).toMatchObject({ limit: 1 })
    Effect.runSync(expectFullCapacity(bulkhead))
  })

  it("hand permits over from a call under runSync", () => {
    const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1 })
    const waiters = Effect.sync(() => ["a", "b"].map((name) => Effect.runFork(bulkhead.execute(Effect.succeed(name)))))
    const [first] = Effect.runSync(bulkhead.execute(waiters))
    expect(first!.pollUnsafe()).toEqual(Exit.succeed("a"))
  })

  it("share the permits when live calls come from all of them at once", async () => {
    const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 3, maxQueue: 1_000 })
    let active = 0
    let most = 0
    const call = Effect.suspend(() => {
      most = Math.max(most, ++active)
      return Effect.yieldNow
    }).pipe(Effect.andThen(Effect.sync(() => active--)), bulkhead.execute)
    const runtimes = [ManagedRuntime.make(Layer.empty), ManagedRuntime.make(Layer.empty)]
    await Promise.all(
      Array.from({ length: 100 }, (_, index) =>
        index % 3 === 2 ? Effect.runPromise(call) : runtimes[index % 3]!.runPromise(call)
      )
    )
    expect(most).toBe(3)
    expect(await Effect.runPromise(counts(bulkhead))).toEqual(countsOf({ successes: 100 }))
    await Promise.all(runtimes.map((runtime) => runtime.dispose()))
    Effect.runSync(expectFullCapacity(bulkhead))
  })

  it("lose no permit when one of them is interrupted by its signal", async () => {
    const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1 })
    const [holding, waiting] = [new AbortController(), new AbortController()]
    const held = Effect.runPromiseExit(bulkhead.execute(Effect.never), { signal: holding.signal })
    const waited = Effect.runPromiseExit(bulkhead.execute(Effect.never), { signal: waiting.signal })
    const last = Effect.runPromise(bulkhead.execute(Effect.succeed("last")))
    waiting.abort()
    holding.abort()
    expect(await last).toBe("last")
    expect([(await held)._tag, (await waited)._tag]).toEqual(["Failure", "Failure"])
    expect(bulkhead.snapshot(0)).toMatchObject({ successes: 1, interrupted: 2 })
    Effect.runSync(expectFullCapacity(bulkhead))
  })
})
