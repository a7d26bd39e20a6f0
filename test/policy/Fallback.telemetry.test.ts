import { describe, expect, it } from "@effect/vitest"
import { Cause, Context, Data, Deferred, Effect, Exit, Fiber, Layer, Logger, Metric } from "effect"
import { TestClock } from "effect/testing"
import { Fallback, Policy, Resilience, type ResilienceConfig } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"
import { sweep } from "../support/sweep.ts"

class Busy extends Data.TaggedError("Busy") {}
class Plain {
  readonly code = 7
}

const down = Effect.fail("down")
const fine = Effect.succeed("fine")

/** Runs under a registry of its own, with metrics of its own. */
const withRegistry = <A, E>(
  program: Effect.Effect<A, E, Policy.ResilienceRegistry>,
  config: ResilienceConfig.ConfigInput = {}
): Effect.Effect<A, E> =>
  Effect.suspend(() => {
    const own = Layer.fresh(Resilience.layer(config))
    return program.pipe(Effect.provide(own), Effect.provideService(Metric.MetricRegistry, new Map()))
  })

const countsOf = (service: string) =>
  Effect.gen(function* () {
    const record = yield* Policy.instanceOf(Fallback.Kind, service)
    if (record === undefined) return undefined
    const { answered, failures, successes } = yield* Policy.snapshot(record)
    return { successes, answered, failures }
  })

const counterOf = (name: string, attributes: Readonly<Record<string, string>>) =>
  Effect.gen(function* () {
    const found = (yield* Metric.snapshot).filter(
      (metric) =>
        metric.id === name && Object.entries(attributes).every(([key, value]) => metric.attributes?.[key] === value)
    )
    return found.map(({ state }) => ("count" in state ? state.count : undefined))
  })

describe("an event", () => {
  const eventsOf = (call: Effect.Effect<unknown, unknown>) =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      yield* call.pipe(Effect.exit, recorded.record)
      return recorded.events()
    })

  it.effect("tells which fallback answered which error of which service, and when", () =>
    Effect.gen(function* () {
      yield* TestClock.adjust("5 seconds")
      const error = new Busy()
      const answered = Effect.fail(error).pipe(Fallback.orElse(() => fine, { service: "prices" }))
      expect(yield* eventsOf(answered)).toEqual([
        {
          _tag: "FallbackUsed",
          kind: "fallback",
          service: "prices",
          severity: "Info",
          at: 5_000,
          attributes: { fallback_type: "function", exception_type: "Busy" },
          error
        }
      ])
    })
  )

  it.effect("names the service default when nobody named it", () =>
    Effect.gen(function* () {
      expect(yield* eventsOf(down.pipe(Fallback.orElse(() => fine)))).toMatchObject([{ service: "default" }])
      expect(yield* eventsOf(down.pipe(Fallback.chain([down, fine])))).toMatchObject([
        { service: "default" },
        { service: "default" }
      ])
    })
  )

  it.effect("names the form of the fallback", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      yield* fine.pipe(Fallback.cached(cache, "a"))
      const calls = [
        down.pipe(Fallback.orElse(() => fine)),
        down.pipe(Fallback.orElseSucceed(() => 1)),
        down.pipe(Fallback.chain([fine])),
        down.pipe(Fallback.cached(cache, "a")),
        down.pipe(Fallback.stale(cache, "a", { maxAge: "1 second" })),
        down.pipe(Fallback.failOpen),
        down.pipe(Fallback.failClosed),
        down.pipe(Fallback.orEmpty)
      ]
      const events = yield* Effect.forEach(calls, eventsOf)
      expect(events.map(([event]) => event?.attributes["fallback_type"])).toEqual([
        "function",
        "value",
        "chain",
        "cached",
        "stale",
        "fail_open",
        "fail_closed",
        "empty"
      ])
    })
  )

  it.effect("names the error by its tag, its class or its type", () =>
    Effect.gen(function* () {
      const errors = [new Busy(), new Plain(), new TypeError("x"), "text", 7, null, undefined, Object.create(null)]
      const events = yield* Effect.forEach(errors, (error) =>
        eventsOf(Effect.fail(error).pipe(Fallback.orElse(() => fine)))
      )
      expect(events.map(([event]) => event?.attributes["exception_type"])).toEqual([
        "Busy",
        "Plain",
        "TypeError",
        "string",
        "number",
        "object",
        "undefined",
        "object"
      ])
    })
  )

  it.effect("is there also when the answer then fails", () =>
    Effect.gen(function* () {
      expect(yield* eventsOf(down.pipe(Fallback.orElse(() => down)))).toHaveLength(1)
      expect(yield* eventsOf(down.pipe(Fallback.orElse(() => Effect.die("bug"))))).toHaveLength(1)
    })
  )

  it.effect("comes before the answer runs", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const answer = Effect.sync(() => recorded.tags())
      expect(
        yield* down.pipe(
          Fallback.orElse(() => answer),
          recorded.record
        )
      ).toEqual(["FallbackUsed"])
    })
  )

  it.effect("is not there for a success, a defect, an interruption or an error that is not wanted", () =>
    Effect.gen(function* () {
      const answer = Fallback.orElse(() => fine)
      const calls = [
        fine.pipe(answer),
        Effect.die("bug").pipe(answer),
        Effect.interrupt.pipe(answer),
        Effect.fail(new Busy()).pipe(Fallback.orElse(() => fine, { when: () => false })),
        down.pipe(Fallback.chain([] as never))
      ]
      expect(yield* Effect.forEach(calls, eventsOf)).toEqual([[], [], [], [], []])
    })
  )

  it.effect("is heard by the registry and by observers, once by each", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      yield* withRegistry(
        Effect.gen(function* () {
          yield* down.pipe(
            Fallback.orElse(() => fine, { service: "prices" }),
            recorded.record
          )
          expect(yield* counterOf(Fallback.metrics.used, { function: "prices" })).toEqual([1])
        })
      )
      expect(recorded.events()).toHaveLength(1)
    })
  )

  it.effect("does no harm when an observer throws", () =>
    Effect.gen(function* () {
      const observer = (): void => {
        throw new Error("observer")
      }
      const call = down.pipe(
        Fallback.orElse(() => fine),
        Effect.provide(Policy.layerObservers([observer]))
      )
      expect(yield* call).toBe("fine")
    })
  )
})

describe("the counts of a service under a registry", () => {
  it.effect("tell successes, answered calls and failures apart", () =>
    withRegistry(
      Effect.gen(function* () {
        const answer = Fallback.orElse((error: string) => (error === "down" ? fine : Effect.fail("worse")), {
          service: "prices"
        })
        for (const call of [fine, fine, fine, down, down, Effect.fail("other")]) yield* Effect.exit(answer(call))
        expect(yield* countsOf("prices")).toEqual({ successes: 3, answered: 2, failures: 1 })
      })
    )
  )

  it.effect("count as failure whatever was not answered, or not well", () =>
    withRegistry(
      Effect.gen(function* () {
        const options = { service: "prices" }
        const never = (): boolean => {
          throw new Error("bug")
        }
        const calls: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
          down.pipe(Fallback.orElse(() => Effect.die("bug"), options)),
          down.pipe(
            Fallback.orElseSucceed(() => {
              throw new Error("bug")
            }, options)
          ),
          down.pipe(Fallback.orElse(() => fine, { ...options, when: () => false })),
          down.pipe(Fallback.orElse(() => fine, { ...options, when: never })),
          Effect.die("bug").pipe(Fallback.orElse(() => fine, options)),
          down.pipe(Fallback.chain([] as never, options))
        ]
        for (const call of calls) yield* Effect.exit(call)
        expect(yield* countsOf("prices")).toEqual({ successes: 0, answered: 0, failures: calls.length })
      })
    )
  )

  it.effect("count a chain once, however many effects it tries", () =>
    withRegistry(
      Effect.gen(function* () {
        const options = { service: "prices" }
        yield* down.pipe(Fallback.chain([down, down, fine], options))
        expect(yield* countsOf("prices")).toEqual({ successes: 0, answered: 1, failures: 0 })
        yield* down.pipe(Fallback.chain([down, down], options), Effect.exit)
        yield* fine.pipe(Fallback.chain([down, down], options))
        expect(yield* countsOf("prices")).toEqual({ successes: 1, answered: 1, failures: 1 })
      })
    )
  )

  it.effect("count a hit of a cache as answered and a miss as failure", () =>
    withRegistry(
      Effect.gen(function* () {
        const cache = yield* Fallback.makeCache<string>({ service: "profiles" })
        yield* fine.pipe(Fallback.cached(cache, "a"))
        yield* down.pipe(Fallback.cached(cache, "a"))
        yield* down.pipe(Fallback.stale(cache, "a", { maxAge: "1 second" }))
        yield* down.pipe(Fallback.cached(cache, "b"), Effect.exit)
        expect(yield* countsOf("profiles")).toEqual({ successes: 1, answered: 2, failures: 1 })
      })
    )
  )

  it.effect("do not count an interruption, wherever it comes", () =>
    withRegistry(
      Effect.gen(function* () {
        const options = { service: "prices" }
        const start = (call: Effect.Effect<unknown, unknown>) => Effect.forkChild(call, { startImmediately: true })
        const answering = yield* Deferred.make<void>()
        const answer = Effect.andThen(Deferred.succeed(answering, undefined), Effect.never)
        const fibers = [
          yield* start(Effect.never.pipe(Fallback.orElse(() => fine, options))),
          yield* start(down.pipe(Fallback.orElse(() => answer, options))),
          yield* start(
            Effect.never.pipe(
              Effect.interruptible,
              Fallback.orElse(() => fine, options),
              Effect.uninterruptible
            )
          )
        ]
        yield* Deferred.await(answering)
        yield* Fiber.interruptAll(fibers)
        yield* Effect.interrupt.pipe(
          Fallback.orElse(() => fine, options),
          Effect.exit
        )
        yield* down.pipe(
          Fallback.orElse(() => Effect.interrupt, options),
          Effect.exit
        )
        expect(yield* countsOf("prices")).toEqual({ successes: 0, answered: 0, failures: 0 })
      })
    )
  )

  it.effect("count an error or a defect that comes together with an interruption", () =>
    withRegistry(
      Effect.gen(function* () {
        const fail = (cause: Cause.Cause<string>) =>
          Effect.failCause(cause).pipe(
            Fallback.orElse(() => fine, { service: "prices" }),
            Effect.exit
          )
        yield* fail(Cause.combine(Cause.interrupt(1), Cause.die("bug")))
        yield* fail(Cause.combine(Cause.interrupt(1), Cause.fail("down")))
        expect(yield* countsOf("prices")).toEqual({ successes: 0, answered: 1, failures: 1 })
      })
    )
  )

  it.effect("are kept by service", () =>
    withRegistry(
      Effect.gen(function* () {
        yield* down.pipe(Fallback.failOpen({ service: "openfga" }))
        yield* down.pipe(Fallback.orEmpty({ service: "search" }))
        yield* down.pipe(Fallback.orEmpty({ service: "search" }))
        expect(yield* countsOf("openfga")).toMatchObject({ answered: 1 })
        expect(yield* countsOf("search")).toMatchObject({ answered: 2 })
        expect(yield* countsOf("prices")).toMatchObject({ answered: 0 })
      })
    )
  )

  it.effect("belong to the registry under which the call ran", () =>
    Effect.gen(function* () {
      const call = down.pipe(Fallback.orElse(() => fine, { service: "prices" }))
      const counted = Effect.andThen(call, countsOf("prices"))
      expect(yield* withRegistry(counted)).toMatchObject({ answered: 1 })
      expect(yield* withRegistry(counted)).toMatchObject({ answered: 1 })
    })
  )

  it.effect("of two fallbacks around one call are counted by each of them", () =>
    withRegistry(
      Effect.gen(function* () {
        const inner = Fallback.orElse(() => down, { service: "prices" })
        const outer = Fallback.orElse(() => fine, { service: "prices" })
        yield* down.pipe(inner, outer)
        expect(yield* countsOf("prices")).toEqual({ successes: 0, answered: 1, failures: 1 })
      })
    )
  )

  it.effect("appear among the snapshots and in the metrics of all patterns", () =>
    withRegistry(
      Effect.gen(function* () {
        const answer = Fallback.orElse(() => fine, { service: "prices" })
        for (const call of [fine, fine, fine, down, down, Effect.die("bug")]) yield* Effect.exit(answer(call))
        expect(yield* Resilience.snapshots).toContainEqual({
          kind: "fallback",
          service: "prices",
          successes: 3,
          answered: 2,
          failures: 1
        })
        const invocations = (outcome: string) =>
          counterOf(Resilience.metrics.invocations, { pattern: "fallback", outcome })
        expect(yield* Effect.forEach(["success", "fallback", "failure"], invocations)).toEqual([[3], [2], [1]])
      })
    )
  )

  it.effect("are not kept where resilience is switched off, and the fallback answers all the same", () =>
    withRegistry(
      Effect.gen(function* () {
        expect(yield* down.pipe(Fallback.orElse(() => fine, { service: "prices" }))).toBe("fine")
        expect(yield* countsOf("prices")).toBeUndefined()
      }),
      { enabled: false }
    )
  )

  it.effect("never count a call twice, nor at all if it was interrupted before its end", () =>
    Effect.gen(function* () {
      const makeRegistry = () => {
        const record = Fallback.Kind.make("prices", {})
        const registry = Policy.ResilienceRegistry.of({
          get: (() => record) as never,
          instances: () => [record],
          observe: () => {},
          subscribe: () => () => {},
          recent: () => []
        })
        return { record, context: Context.make(Policy.ResilienceRegistry, registry) }
      }
      for (const maxOperationsBeforeYield of [3, 5, 2_048]) {
        const swept = yield* sweep(
          () => {
            const { context, record } = makeRegistry()
            const call = Effect.yieldNow.pipe(
              Effect.andThen(Effect.fail("down")),
              Fallback.chain([Effect.fail("down too"), Effect.yieldNow], { service: "prices" }),
              Effect.provideContext(context)
            )
            return {
              call,
              afterwards: (exit) =>
                Effect.sync(() => {
                  const { answered, failures, successes } = record.totals
                  expect([successes, failures]).toEqual([0, 0])
                  if (Exit.isSuccess(exit)) expect(answered).toBe(1)
                  else expect(answered).toBeLessThanOrEqual(1)
                })
            }
          },
          { maxOperationsBeforeYield }
        )
        expect(swept.interrupted).toBeGreaterThan(5)
      }
    })
  )
})

describe("the metrics", () => {
  it.effect("count the uses of fallbacks by service, error and form", () =>
    withRegistry(
      Effect.gen(function* () {
        yield* Effect.fail(new Busy()).pipe(Fallback.failClosed({ service: "openfga" }))
        yield* Effect.fail(new Busy()).pipe(Fallback.failClosed({ service: "openfga" }))
        yield* down.pipe(Fallback.orElse(() => fine, { service: "openfga" }))
        const used = (exception_type: string, fallback_type: string) =>
          counterOf(Fallback.metrics.used, { function: "openfga", exception_type, fallback_type })
        expect(yield* used("Busy", "fail_closed")).toEqual([2])
        expect(yield* used("string", "function")).toEqual([1])
      })
    )
  )

  it.effect("count the answers out of a cache apart, hits only", () =>
    withRegistry(
      Effect.gen(function* () {
        const cache = yield* Fallback.makeCache<string>({ service: "profiles" })
        yield* fine.pipe(Fallback.cached(cache, "a"))
        yield* down.pipe(Fallback.cached(cache, "a"))
        yield* down.pipe(Fallback.stale(cache, "a", { maxAge: "1 second" }))
        yield* down.pipe(Fallback.cached(cache, "b"), Effect.exit)
        yield* down.pipe(Fallback.orElse(() => fine, { service: "profiles" }))
        const labels = { function: "profiles", exception_type: "string" }
        expect(yield* counterOf(Fallback.metrics.cacheHits, labels)).toEqual([2])
        expect(yield* counterOf(Fallback.metrics.used, labels)).toEqual([1, 1, 1])
      })
    )
  )
})

describe("a fallback without a registry", () => {
  it.effect("answers, and keeps no counts", () =>
    Effect.gen(function* () {
      expect(yield* down.pipe(Fallback.orElse(() => fine, { service: "prices" }))).toBe("fine")
      const cache = yield* Fallback.makeCache<string>()
      yield* fine.pipe(Fallback.cached(cache, "a"))
      expect(yield* down.pipe(Fallback.cached(cache, "a"))).toBe("fine")
    })
  )
})

describe("a fallback that names no service", () => {
  const unnamed = down.pipe(Fallback.orElse(() => fine))
  const declared = { services: { llm: {} } }

  it.effect("is counted as that of the service default", () =>
    withRegistry(
      Effect.gen(function* () {
        yield* unnamed
        expect(yield* countsOf("default")).toEqual({ successes: 0, answered: 1, failures: 0 })
      })
    )
  )

  it.effect("is no call of a service that is not declared, so nobody is warned", () =>
    Effect.gen(function* () {
      const warnings: Array<unknown> = []
      const logger = Logger.make(({ message }) => void warnings.push(message))
      const program = Effect.andThen(unnamed, Effect.yieldNow)
      yield* withRegistry(program, declared).pipe(Effect.provide(Logger.layer([logger])))
      expect(warnings).toEqual([])
    })
  )

  it.effect("answers also where only declared services are allowed", () =>
    Effect.gen(function* () {
      expect(yield* Effect.exit(withRegistry(unnamed, { ...declared, strict: true }))).toEqual(Exit.succeed("fine"))
    })
  )
})

describe("a fallback made as an instance", () => {
  it.effect("keeps counts of its own, and none in the registry", () =>
    withRegistry(
      Effect.gen(function* () {
        const service = ScriptedService.make<string, string>(["fine", down, down, down])
        const answers = ScriptedService.make<string, string>(["plan B", Effect.fail("no"), Effect.interrupt])
        const fallback = yield* Fallback.make(() => answers.call, { service: "prices" })
        for (let call = 0; call < 4; call++) yield* service.call.pipe(fallback.execute, Effect.exit)
        expect(yield* Policy.snapshot(fallback)).toEqual({
          kind: "fallback",
          service: "prices",
          successes: 1,
          answered: 1,
          failures: 1
        })
        expect(yield* countsOf("prices")).toEqual({ successes: 0, answered: 0, failures: 0 })
      })
    )
  )

  it.effect("gives a snapshot that stays as it was", () =>
    Effect.gen(function* () {
      const fallback = yield* Fallback.make(() => fine)
      const before = fallback.snapshot(0)
      yield* down.pipe(fallback.execute)
      expect([before.answered, fallback.snapshot(0).answered]).toEqual([0, 1])
    })
  )
})
