import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Layer, Logger, Metric } from "effect"
import { TestClock } from "effect/testing"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  Fallback,
  Pipeline,
  Policy,
  Resilience,
  type ResilienceConfig,
  Retry,
  Timeout
} from "../../src/index.ts"
import { inWorld } from "./support/world.ts"

/** One call through each policy by name, and through all of them. */
const guards = {
  deadline: Deadline.withDeadline("svc"),
  retry: Retry.withRetry("svc"),
  circuitBreaker: CircuitBreaker.withCircuitBreaker("svc"),
  bulkhead: Bulkhead.withBulkhead("svc"),
  timeout: Timeout.withTimeout("svc"),
  protect: Resilience.protect("svc")
}
const eachGuard = Object.entries(guards).map(([name, guard]) => ({ name, guard }))

const ids = (snapshots: ReadonlyArray<Policy.Snapshot>) =>
  snapshots.map(({ kind, service }) => `${kind} of ${service}`).toSorted()

const everyPatternOf = (service: string) =>
  ["bulkhead", "circuit-breaker", "deadline", "fallback", "pipeline", "retry", "timeout"].map(
    (kind) => `${kind} of ${service}`
  )

const breakerOf = (service: string) =>
  Effect.map(Policy.instanceOf(CircuitBreaker.Kind, service), (breaker) => breaker as CircuitBreaker.CircuitBreaker)

const failing = Effect.fail("down").pipe(CircuitBreaker.withCircuitBreaker("svc"))
const atFirstFailure = { circuitBreaker: { consecutiveFailures: 1 } }

/** How a call ended: with its tag or text, if it failed. */
const endOf = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.exit(effect), (exit) => {
    if (Exit.isSuccess(exit)) return exit.value
    const error = Cause.squash(exit.cause)
    return typeof error === "object" && error !== null && "_tag" in error ? error._tag : String(error)
  })

describe("an instance", () => {
  it.effect("is made once, and shared by all callers", () =>
    inWorld(
      Effect.gen(function* () {
        const found = yield* Effect.all(
          Array.from({ length: 50 }, () => breakerOf("svc")),
          { concurrency: "unbounded" }
        )
        expect(new Set(found).size).toBe(1)
        expect(yield* endOf(failing)).toBe("down")
        expect(yield* endOf(Effect.succeed("hello").pipe(CircuitBreaker.withCircuitBreaker("svc")))).toBe(
          "CircuitBreakerOpenError"
        )
      }),
      { config: atFirstFailure }
    )
  )

  it.effect("is the same by itself and in a pipeline", () =>
    inWorld(
      Effect.gen(function* () {
        const breaker = yield* breakerOf("svc")
        const pipeline = yield* Resilience.pipeline("svc")
        expect(pipeline?.parts).toContain(breaker)
        yield* endOf(failing)
        expect(yield* endOf(Effect.void.pipe(Resilience.protect("svc")))).toBe("CircuitBreakerOpenError")
      }),
      { config: atFirstFailure }
    )
  )

  it.effect("is another one for another service", () =>
    inWorld(
      Effect.gen(function* () {
        yield* endOf(failing)
        expect((yield* Policy.snapshot(yield* breakerOf("svc"))).state).toBe("Open")
        expect((yield* Policy.snapshot(yield* breakerOf("other"))).state).toBe("Closed")
        expect(yield* endOf(Effect.succeed("hello").pipe(CircuitBreaker.withCircuitBreaker("other")))).toBe("hello")
      }),
      { config: atFirstFailure }
    )
  )

  it.effect("has a state of its own for each key", () =>
    inWorld(
      Effect.gen(function* () {
        const call = (key: string) => endOf(Effect.fail("down").pipe(Resilience.protect("svc", { key })))
        expect([yield* call("a"), yield* call("a"), yield* call("b")]).toEqual([
          "down",
          "CircuitBreakerOpenError",
          "down"
        ])
      }),
      { config: { ...atFirstFailure, retry: false } }
    )
  )

  it.effect("is there from the start for a declared service, and from the first use for another", () =>
    inWorld(
      Effect.gen(function* () {
        expect(ids(yield* Resilience.snapshots)).toEqual(everyPatternOf("svc"))
        yield* Effect.void.pipe(Bulkhead.withBulkhead("redis"))
        expect(ids(yield* Resilience.snapshots)).toEqual(["bulkhead of redis", ...everyPatternOf("svc")].toSorted())
      }),
      { config: { services: { svc: {} }, deadline: "1 minute" } }
    )
  )

  it.effect("is not there where its pattern is switched off", () =>
    inWorld(
      Effect.gen(function* () {
        expect(ids(yield* Resilience.snapshots)).toEqual([
          "bulkhead of svc",
          "circuit-breaker of svc",
          "fallback of svc",
          "pipeline of svc"
        ])
        expect(yield* Policy.instanceOf(Retry.Kind, "svc")).toBeUndefined()
        const pipeline = yield* Resilience.pipeline("svc")
        expect(pipeline?.parts.map(({ kind }) => kind)).toEqual(["circuit-breaker", "bulkhead"])
      }),
      { config: { services: { svc: { retry: false } } }, env: { TIMEOUT_ENABLED: "false" } }
    )
  )
})

describe("a pattern that is switched off", () => {
  it.effect.each(eachGuard)("lets calls pass: $name", ({ guard }) =>
    inWorld(
      Effect.gen(function* () {
        let calls = 0
        const call = Effect.suspend(() => {
          calls++
          return Effect.fail("down")
        })
        const ends: Array<unknown> = []
        for (let n = 0; n < 20; n++) ends.push(yield* endOf(guard(call)))
        expect(ends).toEqual(Array.from({ length: 20 }, () => "down"))
        expect(calls).toBe(20)
        const fibers = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(guard(Effect.never)))
        yield* TestClock.adjust("1 day")
        expect(fibers.filter((fiber) => fiber.pollUnsafe() !== undefined)).toEqual([])
        yield* Fiber.interruptAll(fibers)
      }),
      { config: { deadline: false, retry: false, circuitBreaker: false, bulkhead: false, timeout: false } }
    )
  )
})

describe("a service that only variables name", () => {
  const use = (service: string) => Effect.void.pipe(Resilience.protect(service))
  const warning = (variable: string) =>
    `Warn effect-resilience: ${variable}: no service called BILING has been used so far (did you mean BILLING?)`

  it.effect("may be misspelt: that is said once, when one of a similar name is used of which nothing is known", () => {
    const log: Array<string> = []
    return inWorld(
      Effect.gen(function* () {
        yield* use("invoices")
        expect(log).toEqual([])
        for (let n = 0; n < 2; n++) yield* use("billing")
        expect(log).toEqual([warning("BULKHEAD_BILING_LIMIT"), warning("TIMEOUT_BILING")])
      }),
      { env: { TIMEOUT_BILING: "3", BULKHEAD_BILING_LIMIT: "3", TIMEOUT_AUDIT: "3" }, log }
    )
  })

  it.effect.each([
    ["it has been used", { env: { TIMEOUT_BILING: "3" } }, ["biling", "billing"]],
    ["the other one is named too", { env: { TIMEOUT_BILING: "3", BULKHEAD_BILLING_LIMIT: "3" } }, ["billing"]],
    ["the names differ in their numbers", { env: { TIMEOUT_SHARD_1: "3" } }, ["shard2", "shard-2", "shard"]],
    ["the names are short", { env: { TIMEOUT_A: "3" } }, ["b", "ab"]]
  ] as const)("is not taken for misspelt where %s", ([, world, services]) => {
    const log: Array<string> = []
    return inWorld(
      Effect.gen(function* () {
        yield* Effect.forEach(services, use)
        expect(log).toEqual([])
      }),
      { ...world, log }
    )
  })
})

describe("everything switched off", () => {
  const off = {
    env: { RESILIENCE_ENABLED: "false", DEADLINE_DEFAULT: "1", BULKHEAD_LIMIT: "1", BULKHEAD_MAX_QUEUE: "0" }
  }

  it.effect("is said once at the start, with who says it", () =>
    Effect.gen(function* () {
      for (const [world, where] of [
        [off, "RESILIENCE_ENABLED"],
        [{ config: { enabled: false, services: { llm: {} } } }, "enabled"]
      ] as const) {
        const log: Array<string> = []
        expect(yield* inWorld(Resilience.isEnabled, { ...world, log })).toBe(false)
        expect(log).toEqual([`Warn effect-resilience: ${where}: everything is switched off: no policy guards any call`])
      }
      const log: Array<string> = []
      expect(yield* inWorld(Resilience.isEnabled, { log })).toBe(true)
      expect(log).toEqual([])
    })
  )

  it.effect.each(eachGuard)("lets calls pass: $name", ({ guard }) =>
    inWorld(
      Effect.gen(function* () {
        for (let n = 0; n < 20; n++) expect(yield* endOf(guard(Effect.fail("down")))).toBe("down")
        const fibers = yield* Effect.forEach(Array.from({ length: 20 }), () => Effect.forkChild(guard(Effect.never)))
        yield* TestClock.adjust("1 day")
        expect(fibers.filter((fiber) => fiber.pollUnsafe() !== undefined)).toEqual([])
        yield* Fiber.interruptAll(fibers)
      }),
      off
    )
  )

  it.effect("makes no instances and shows no metrics, also of declared services", () =>
    inWorld(
      Effect.gen(function* () {
        yield* endOf(Effect.fail("down").pipe(Resilience.protect("svc")))
        expect(yield* Resilience.snapshots).toEqual([])
        expect(yield* Resilience.pipeline("svc")).toBeUndefined()
        expect(yield* Metric.snapshot).toEqual([])
      }),
      { ...off, config: { services: { svc: {} } } }
    )
  )

  it.effect("still answers with a fallback, for that is what the program says", () =>
    inWorld(
      Effect.gen(function* () {
        const answer = Effect.fail("down").pipe(
          Resilience.protect("svc", { fallback: (error) => Effect.succeed(`since it is ${String(error)}`) })
        )
        expect(yield* answer).toBe("since it is down")
        expect(yield* Effect.fail("down").pipe(Fallback.orElseSucceed(() => 7, { service: "svc" }))).toBe(7)
      }),
      off
    )
  )

  it.effect("refuses no stranger", () =>
    inWorld(
      Effect.gen(function* () {
        expect(yield* endOf(Effect.succeed(1).pipe(Resilience.protect("stranger")))).toBe(1)
      }),
      { ...off, config: { services: { svc: {} }, strict: true } }
    )
  )
})

describe("a service that is not declared", () => {
  const declared: ResilienceConfig.ConfigInput = { services: { svc: {}, "other-svc": {} } }

  it.effect("gets the defaults, and one warning", () => {
    const log: Array<string> = []
    return inWorld(
      Effect.gen(function* () {
        for (let n = 0; n < 3; n++) {
          yield* Effect.void.pipe(Resilience.protect("stranger"))
          yield* Effect.void.pipe(Bulkhead.withBulkhead("stranger"), Timeout.withTimeout("stranger"))
        }
        expect(log).toEqual([
          'Warn effect-resilience: no service called "stranger" is declared; declared are svc, other-svc. It gets the defaults.'
        ])
        expect((yield* breakerOf("stranger")).options.consecutiveFailures).toBe(5)
        yield* Effect.void.pipe(Timeout.withTimeout("another"))
        expect(log).toHaveLength(2)
      }),
      { config: declared, log }
    )
  })

  it.effect.each(["svc", "other-svc", "otherSvc", "OTHER_SVC", "redis", "llm", "auth", "named", "timed"])(
    "is not %s: that one is known",
    (service) => {
      const log: Array<string> = []
      return inWorld(
        Effect.gen(function* () {
          yield* Effect.void.pipe(Resilience.protect(service))
          expect(log.filter((line) => line.includes(`"${service}"`))).toEqual([])
        }),
        { config: declared, env: { BULKHEAD_NAMED_LIMIT: "5", TIMEOUT_TIMED: "5" }, log }
      )
    }
  )

  it.effect("is nothing to warn of where none is declared", () => {
    const log: Array<string> = []
    return inWorld(
      Effect.gen(function* () {
        yield* Effect.void.pipe(Resilience.protect("stranger"))
        expect(log).toEqual([])
      }),
      { config: { services: {}, strict: true }, log }
    )
  })

  it.effect("and has variables: there is a warning for each when the layer is built", () => {
    const log: Array<string> = []
    return inWorld(
      Effect.gen(function* () {
        yield* Effect.void
        expect(log).toEqual([
          "Warn effect-resilience: BULKHEAD_STRANGER_LIMIT: no service called STRANGER is declared",
          "Warn effect-resilience: TIMEOUT_OTHER_SCV: no service called OTHER_SCV is declared (did you mean OTHER_SVC?)"
        ])
      }),
      { config: declared, env: { BULKHEAD_STRANGER_LIMIT: "5", TIMEOUT_OTHER_SCV: "5" }, log }
    )
  })

  it.effect.each(eachGuard)("is refused, however often it is called, when strict: $name", ({ guard }) =>
    inWorld(
      Effect.gen(function* () {
        const refusal = 'Error: effect-resilience: no service called "svc" is declared; declared are other'
        for (let n = 0; n < 3; n++) expect(yield* endOf(guard(Effect.void))).toBe(refusal)
        expect(ids(yield* Resilience.snapshots).filter((id) => id.endsWith("of svc"))).toEqual([])
      }),
      { config: { services: { other: {} }, strict: true } }
    )
  )

  it.effect("is none that a fallback without a name would have", () => {
    const log: Array<string> = []
    return inWorld(
      Effect.gen(function* () {
        expect(yield* Effect.fail("down").pipe(Fallback.orElseSucceed(() => 7))).toBe(7)
        expect(log).toEqual([])
      }),
      { config: { services: { other: {} }, strict: true }, log }
    )
  })
})

describe("a layer", () => {
  const layer = Resilience.layer(atFirstFailure)

  it.effect("is a world of its own each time it is built", () =>
    Effect.gen(function* () {
      const open = endOf(Effect.andThen(endOf(failing), failing))
      expect(yield* open.pipe(Effect.provide(layer))).toBe("CircuitBreakerOpenError")
      expect(yield* endOf(failing).pipe(Effect.provide(layer))).toBe("down")
    })
  )

  it.effect("shares nothing with another one", () =>
    Effect.gen(function* () {
      const other = Resilience.layer(atFirstFailure)
      const inOther = endOf(failing).pipe(Effect.provide(other))
      const ends = Effect.gen(function* () {
        return [yield* endOf(failing), yield* endOf(failing), yield* inOther]
      })
      expect(yield* ends.pipe(Effect.provide(layer))).toEqual(["down", "CircuitBreakerOpenError", "down"])
    })
  )

  it.effect("is shared by all who provide the same one at once", () =>
    Effect.gen(function* () {
      const inner = endOf(failing).pipe(Effect.provide(layer))
      const ends = Effect.gen(function* () {
        return [yield* endOf(failing), yield* inner]
      })
      expect(yield* ends.pipe(Effect.provide(layer))).toEqual(["down", "CircuitBreakerOpenError"])
    })
  )

  it.effect("says whom it greets with the logger that it was built with", () =>
    Effect.gen(function* () {
      const log: Array<unknown> = []
      const logger = Logger.layer([Logger.make(({ message }) => void log.push(message))])
      const strict = Resilience.layer({ services: { svc: {} } }).pipe(Layer.provide(logger))
      yield* Effect.void.pipe(Resilience.protect("stranger"), Effect.provide(strict))
      expect(log).toHaveLength(1)
    })
  )

  it.effect("observes events of its fibers, and no observer can break a call", () =>
    Effect.gen(function* () {
      const heard: Array<string> = []
      const observers = Policy.layerObservers([
        () => {
          throw new Error("deaf")
        },
        ({ _tag }) => void heard.push(_tag)
      ])
      expect(yield* endOf(failing).pipe(Effect.provide([layer, observers]))).toBe("down")
      expect(heard).toEqual(["CircuitBreakerFailure", "CircuitBreakerTransition"])
    })
  )
})

describe("pipeline, explain and snapshots", () => {
  it.effect("tell what a service is protected with", () =>
    inWorld(
      Effect.gen(function* () {
        const pipeline = yield* Resilience.pipeline("svc")
        expect(pipeline?.parts.map(({ kind }) => kind)).toEqual([
          "deadline",
          "retry",
          "circuit-breaker",
          "bulkhead",
          "timeout"
        ])
        expect(pipeline?.service).toBe("svc")
        expect(yield* Resilience.pipeline("svc")).toBe(pipeline)
        const explained = yield* Resilience.explain("svc")
        expect(explained).toBe(Pipeline.explain(pipeline!))
        expect(explained).toContain("2m for all attempts and waits")
      }),
      { config: { services: { svc: { deadline: "2 minutes" } } } }
    )
  )

  it.effect("leave out what is switched off, and say so if that is everything", () =>
    Effect.gen(function* () {
      const kinds = Effect.map(Resilience.pipeline("svc"), (pipeline) => pipeline?.parts.map(({ kind }) => kind))
      expect(yield* inWorld(kinds)).toEqual(["retry", "circuit-breaker", "bulkhead", "timeout"])
      expect(yield* inWorld(kinds, { config: { retry: false, bulkhead: false } })).toEqual([
        "circuit-breaker",
        "timeout"
      ])
      const nothing = yield* inWorld(Resilience.explain("svc"), { config: { enabled: false } })
      expect(nothing).toContain('"svc"')
      expect(nothing).toContain("none")
    })
  )

  it.effect("show what is true now", () =>
    inWorld(
      Effect.gen(function* () {
        yield* endOf(failing)
        const state = Effect.map(Resilience.snapshots, (all) => all.filter(({ kind }) => kind === "circuit-breaker"))
        expect(yield* state).toMatchObject([{ service: "svc", state: "Open", failures: 1 }])
        const breaker = yield* breakerOf("svc")
        yield* breaker.reset
        expect(yield* state).toMatchObject([{ service: "svc", state: "Closed", failures: 1 }])
      }),
      { config: atFirstFailure }
    )
  )
})
