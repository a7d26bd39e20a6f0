import { describe, expect, it } from "@effect/vitest"
import { Data, type Duration, Effect, Fiber, Layer, Metric } from "effect"
import { PrometheusMetrics } from "effect/observability"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Fallback, Pipeline, Policy, Resilience, Retry, Timeout } from "../../src/index.ts"
import { scrape, seriesOf } from "./support/scrape.ts"
import { inWorld } from "./support/world.ts"

class Down extends Data.TaggedError("Down") {}
class Limited extends Data.TaggedError("Limited")<{ readonly status: 429 }> {}

const down = Effect.fail(new Down())
const after = <A, E, R>(call: Effect.Effect<A, E, R>, duration: Duration.Input = "1 day") =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.exit(call))
    yield* TestClock.adjust(duration)
    return yield* Fiber.join(fiber)
  })

/** Everything that can happen to calls of "svc", so that every metric has a series. */
const everything = Effect.gen(function* () {
  const protect = Resilience.protect("svc")
  yield* after(protect(Effect.void))
  yield* after(protect(down))
  yield* after(protect(Effect.never))
  let calls = 0
  yield* after(protect(Effect.suspend(() => (++calls < 2 ? down : Effect.void))))
  yield* Effect.exit(Retry.withRetry("svc")(Effect.die("broken")))
  for (let n = 0; n < 6; n++) yield* Effect.exit(down.pipe(CircuitBreaker.withCircuitBreaker("svc")))
  const cache = yield* Fallback.makeCache<string>({ service: "svc" })
  yield* Effect.succeed("value").pipe(Fallback.cached(cache, "key"))
  yield* Effect.fail(new Down()).pipe(Fallback.cached(cache, "key"))
  const hanging = yield* Effect.forkChild(Effect.never.pipe(Bulkhead.withBulkhead("svc")), { startImmediately: true })
  yield* Effect.exit(Effect.void.pipe(Bulkhead.withBulkhead("svc")))
  yield* Fiber.interrupt(hanging)
})

const world = {
  config: { services: { svc: { bulkhead: { maxConcurrent: 1, maxQueue: 0 }, deadline: "5 minutes" } } },
  env: { RETRY_JITTER: "off", CIRCUIT_BREAKER_TIMEOUT: "10" }
} as const

const table = {
  "circuit_breaker.state": ["Gauge", "service"],
  "circuit_breaker.failures": ["Counter", "exception_type service"],
  "circuit_breaker.successes": ["Counter", "service"],
  "circuit_breaker.rejections": ["Counter", "service"],
  "circuit_breaker.transitions": ["Counter", "from service to"],
  "retry.attempts": ["Counter", "attempt_number exception_type function"],
  "retry.exhausted": ["Counter", "function"],
  "retry.success_after_retry": ["Counter", "function"],
  "timeout.exceeded": ["Counter", "function operation_type timeout_seconds"],
  "timeout.duration": ["Histogram", "function operation_type"],
  "bulkhead.rejections": ["Counter", "function resource_type"],
  "bulkhead.active_operations": ["Gauge", "resource_type"],
  "bulkhead.queue_depth": ["Gauge", "resource_type"],
  "fallback.used": ["Counter", "exception_type fallback_type function"],
  "fallback.cache_hits": ["Counter", "exception_type function"],
  "resilience.pattern_invocations": ["Counter", "outcome pattern"],
  "resilience.pattern_effectiveness": ["Gauge", "pattern"],
  "error.total": ["Counter", "category error_code retry_policy status_code"]
} as const

describe("the metrics", () => {
  it.effect("are these, with these types and labels", () =>
    inWorld(
      Effect.gen(function* () {
        yield* everything
        const seen = new Map<string, Set<string>>()
        for (const { labels, name, type } of yield* scrape) {
          const shape = `${type} ${Object.keys(labels).toSorted().join(" ")}`
          seen.set(name, (seen.get(name) ?? new Set()).add(shape))
        }
        const shapes = Object.fromEntries([...seen].map(([name, shapes]) => [name, [...shapes]]))
        expect(shapes).toEqual(
          Object.fromEntries(Object.entries(table).map(([name, [type, labels]]) => [name, [`${type} ${labels}`]]))
        )
      }),
      world
    )
  )

  it("have constants for their names", () => {
    const constants = [Bulkhead, CircuitBreaker, Fallback, Pipeline, Resilience, Retry, Timeout].flatMap(
      ({ metrics }) => Object.values(metrics)
    )
    expect(constants.toSorted()).toEqual(Object.keys(table).toSorted())
  })

  it("have one description each", () => {
    const kinds: ReadonlyArray<Policy.AnyKind> = [...Object.values(Pipeline.order), Pipeline.Kind, Fallback.Kind]
    const descriptions = new Map<string, Set<string>>()
    for (const { description, name } of kinds.flatMap(({ instruments }) => instruments)) {
      descriptions.set(name, (descriptions.get(name) ?? new Set()).add(description))
    }
    for (const [name, all] of descriptions) expect([name, all.size]).toEqual([name, 1])
  })

  it.effect("can be read by Prometheus", () =>
    inWorld(
      Effect.gen(function* () {
        yield* everything
        const text = yield* PrometheusMetrics.format()
        for (const [name, [type]] of Object.entries(table)) {
          const id = name.replaceAll(".", "_")
          expect(text).toContain(`# TYPE ${id} ${type.toLowerCase()}\n`)
          expect(text).toMatch(new RegExp(`# HELP ${id} \\w`))
        }
        const lines = text.split("\n")
        expect(lines).toContain('circuit_breaker_state{service="svc"} 1')
        expect(lines).toContain('bulkhead_active_operations{resource_type="svc"} 0')
        expect(lines).toContain('timeout_duration_bucket{function="svc",operation_type="svc",le="0.005"} 6')
        expect(lines).toContain('circuit_breaker_transitions{service="svc",from="Closed",to="Open"} 2')
        for (const line of lines.filter((line) => line !== "" && !line.startsWith("#"))) {
          expect(line).toMatch(/^[a-z_]+(\{[a-z_]+="[^"]*"(,[a-z_]+="[^"]*")*\})? (\d+(\.\d+)?|\+Inf)$/)
        }
      }),
      world
    )
  )
})

describe("gauges", () => {
  const value = (name: string) => Effect.map(seriesOf(name), ([series]) => series?.value)

  it.effect("of declared services are there from the start", () =>
    inWorld(
      Effect.gen(function* () {
        const names = ["circuit_breaker.state", "bulkhead.active_operations", "bulkhead.queue_depth"]
        for (const name of names) {
          const label = name.startsWith("bulkhead") ? "resource_type" : "service"
          expect(yield* seriesOf(name)).toEqual(["a", "b-c"].map((service) => ({ [label]: service, value: 0 })))
        }
      }),
      { config: { services: { "b-c": {}, a: {} } } }
    )
  )

  it.effect("of what has not happened yet to declared services are there, at zero, if it can be told beforehand", () =>
    inWorld(
      Effect.gen(function* () {
        const times = { function: "svc", value: 0 }
        expect(yield* seriesOf("timeout.exceeded")).toEqual([
          { ...times, operation_type: "svc", timeout_seconds: "30" },
          { ...times, operation_type: "total", timeout_seconds: "300" }
        ])
        expect(yield* seriesOf("bulkhead.rejections")).toEqual([{ function: "svc", resource_type: "svc", value: 0 }])
        expect(yield* seriesOf("circuit_breaker.transitions")).toEqual([
          { service: "svc", from: "Closed", to: "Open", value: 0 },
          { service: "svc", from: "HalfOpen", to: "Closed", value: 0 },
          { service: "svc", from: "HalfOpen", to: "Open", value: 0 },
          { service: "svc", from: "Open", to: "HalfOpen", value: 0 }
        ])
        for (const name of ["circuit_breaker.failures", "retry.attempts"]) expect(yield* seriesOf(name)).toEqual([])
      }),
      world
    )
  )

  it.effect("of other services are there from the first call", () =>
    inWorld(
      Effect.gen(function* () {
        expect(yield* scrape).toEqual([])
        yield* Effect.void.pipe(CircuitBreaker.withCircuitBreaker("svc"))
        expect(yield* seriesOf("circuit_breaker.state")).toEqual([{ service: "svc", value: 0 }])
        expect(yield* seriesOf("bulkhead.queue_depth")).toEqual([])
      })
    )
  )

  it.effect("show the state of a circuit: 0 closed, 1 open, 2 half-open, 3 isolated", () =>
    inWorld(
      Effect.gen(function* () {
        const state = value("circuit_breaker.state")
        const breaker = yield* Policy.instanceOf(CircuitBreaker.Kind, "svc")
        expect(yield* state).toBe(0)
        yield* breaker!.trip
        expect(yield* state).toBe(1)
        yield* TestClock.adjust("1 minute")
        expect(yield* state).toBe(1)
        yield* Effect.forkChild(Effect.never.pipe(CircuitBreaker.withCircuitBreaker("svc")), { startImmediately: true })
        expect(yield* state).toBe(2)
        yield* TestClock.adjust("1 minute")
        expect(yield* state).toBe(1)
        yield* breaker!.isolate
        expect(yield* state).toBe(3)
        yield* breaker!.reset
        expect(yield* state).toBe(0)
      })
    )
  )

  it.effect("show the worst of the circuits by key", () =>
    inWorld(
      Effect.gen(function* () {
        const call = CircuitBreaker.withCircuitBreaker("svc", { key: "tenant" })
        yield* Effect.replicateEffect(Effect.exit(call(Effect.fail("down"))), 5)
        expect(yield* value("circuit_breaker.state")).toBe(1)
        yield* TestClock.adjust("1 minute")
        yield* call(Effect.void)
        expect(yield* value("circuit_breaker.state")).toBe(0)
      })
    )
  )

  it.effect("show who runs and who waits in a bulkhead, its keys included", () =>
    inWorld(
      Effect.gen(function* () {
        const show = Effect.all([value("bulkhead.active_operations"), value("bulkhead.queue_depth")])
        const call = (key?: string) =>
          Effect.forkChild(Effect.sleep("20 seconds").pipe(Bulkhead.withBulkhead("svc", { key })), {
            startImmediately: true
          })
        yield* call()
        yield* call()
        yield* call()
        yield* call("a")
        expect(yield* show).toEqual([3, 1])
        yield* TestClock.adjust("20 seconds")
        expect(yield* show).toEqual([1, 0])
        yield* TestClock.adjust("20 seconds")
        expect(yield* show).toEqual([0, 0])
      }),
      { env: { BULKHEAD_LIMIT: "2" } }
    )
  )
})

describe("counters", () => {
  it.effect("tell of a call that failed three times, once each", () =>
    inWorld(
      Effect.gen(function* () {
        yield* after(down.pipe(Resilience.protect("svc")))
        const counted = (yield* scrape).filter(({ name, value }) => value > 0 && !name.startsWith("resilience."))
        const lines = counted.map(({ labels, name, value }) => `${name} ${Object.values(labels).join(" ")} = ${value}`)
        expect(lines.toSorted()).toEqual([
          "circuit_breaker.failures svc Down = 3",
          "error.total Down external_error 500 always = 1",
          "retry.attempts svc 1 Down = 1",
          "retry.attempts svc 2 Down = 1",
          "retry.exhausted svc = 1",
          "timeout.duration svc svc = 3"
        ])
      })
    )
  )

  it.effect("tell of a call that succeeded in the end", () =>
    inWorld(
      Effect.gen(function* () {
        let calls = 0
        yield* after(Effect.suspend(() => (++calls < 3 ? down : Effect.void)).pipe(Resilience.protect("svc")))
        yield* after(Effect.void.pipe(Resilience.protect("svc")))
        expect(yield* seriesOf("retry.success_after_retry")).toEqual([{ function: "svc", value: 1 }])
        expect(yield* seriesOf("retry.exhausted")).toEqual([{ function: "svc", value: 0 }])
        expect(yield* seriesOf("circuit_breaker.successes")).toEqual([{ service: "svc", value: 2 }])
        expect(yield* seriesOf("error.total")).toEqual([])
      })
    )
  )

  it.effect("tell of every transition and rejection", () =>
    inWorld(
      Effect.gen(function* () {
        const call = Effect.exit(down.pipe(CircuitBreaker.withCircuitBreaker("svc")))
        yield* Effect.all([call, call, call, TestClock.adjust("1 minute"), call, TestClock.adjust("1 minute")])
        yield* Effect.void.pipe(CircuitBreaker.withCircuitBreaker("svc"))
        expect(yield* seriesOf("circuit_breaker.transitions")).toEqual([
          { service: "svc", from: "Closed", to: "Open", value: 1 },
          { service: "svc", from: "HalfOpen", to: "Closed", value: 1 },
          { service: "svc", from: "HalfOpen", to: "Open", value: 1 },
          { service: "svc", from: "Open", to: "HalfOpen", value: 2 }
        ])
        expect(yield* seriesOf("circuit_breaker.rejections")).toEqual([{ service: "svc", value: 2 }])
        expect(yield* seriesOf("circuit_breaker.failures")).toEqual([
          { service: "svc", exception_type: "Down", value: 2 }
        ])
      }),
      { env: { CIRCUIT_BREAKER_FAIL_MAX: "1" } }
    )
  )

  it.effect("tell of the traits of errors, or of what stands for them", () =>
    inWorld(
      Effect.gen(function* () {
        const call = <E>(error: Effect.Effect<unknown, E>) => after(error.pipe(Resilience.protect("svc")))
        yield* call(Effect.never)
        yield* call(Effect.fail(new Limited({ status: 429 })))
        yield* call(Effect.fail({ status: 404 }))
        yield* call(Effect.die("broken"))
        expect(yield* seriesOf("error.total")).toEqual([
          { error_code: "Limited", category: "rate_limit", status_code: "429", retry_policy: "conditional", value: 1 },
          { error_code: "Object", category: "external_error", status_code: "404", retry_policy: "never", value: 1 },
          { error_code: "defect", category: "server_error", status_code: "500", retry_policy: "never", value: 1 },
          {
            error_code: "resilience.timeout",
            category: "external_error",
            status_code: "504",
            retry_policy: "always",
            value: 1
          }
        ])
      }),
      { config: { retry: { maxAttempts: 1 } } }
    )
  )

  it.effect("tell which time was exceeded, and how long calls took", () =>
    inWorld(
      Effect.gen(function* () {
        const call = (seconds: number) =>
          after(Effect.sleep(seconds * 1_000).pipe(Timeout.withTimeout("openfga")), `${seconds} seconds`)
        yield* Effect.all([call(0.004), call(0.3), call(4), call(6), call(9)])
        const labels = { function: "openfga", operation_type: "auth" }
        expect(yield* seriesOf("timeout.exceeded")).toEqual([{ ...labels, timeout_seconds: "5", value: 2 }])
        expect(yield* seriesOf("timeout.duration")).toEqual([{ ...labels, value: 5 }])
        const histogram = (yield* Metric.snapshot).find(({ id }) => id === "timeout.duration")
        expect(histogram?.state).toEqual({
          buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, Infinity].map((bound) => [
            bound,
            bound < 0.5 ? 1 : bound < 5 ? 2 : 5
          ]),
          count: 5,
          min: 0.004,
          max: 5,
          sum: 0.004 + 0.3 + 4 + 5 + 5
        })
      })
    )
  )

  it.effect("of times begin with nothing", () =>
    inWorld(
      Effect.gen(function* () {
        yield* Policy.instanceOf(Timeout.Kind, "svc")
        const histogram = (yield* Metric.snapshot).find(({ id }) => id === "timeout.duration")
        expect(histogram?.state).toMatchObject({ count: 0, sum: 0, min: 0, max: 0 })
      })
    )
  )

  it.effect("tell why a bulkhead turned a call away", () =>
    inWorld(
      Effect.gen(function* () {
        yield* Effect.forkChild(Effect.never.pipe(Bulkhead.withBulkhead("svc")), { startImmediately: true })
        yield* Effect.exit(Effect.void.pipe(Bulkhead.withBulkhead("svc")))
        yield* Effect.exit(Effect.void.pipe(Bulkhead.withBulkhead("svc", { key: "b" })))
        expect(yield* seriesOf("bulkhead.rejections")).toEqual([{ resource_type: "svc", function: "svc", value: 1 }])
      }),
      { env: { BULKHEAD_LIMIT: "1", BULKHEAD_MAX_QUEUE: "0" } }
    )
  )

  it.effect("tell which fallback answered, and of earlier values apart", () =>
    inWorld(
      Effect.gen(function* () {
        const service = { service: "svc" }
        const cache = yield* Fallback.makeCache<string>(service)
        yield* down.pipe(Fallback.orElse(() => Effect.void, service))
        yield* down.pipe(Fallback.failOpen(service))
        yield* Effect.succeed("good").pipe(Fallback.cached(cache, "a"))
        yield* (down as Effect.Effect<string, Down>).pipe(Fallback.cached(cache, "a"))
        yield* Effect.exit((down as Effect.Effect<string, Down>).pipe(Fallback.cached(cache, "b")))
        yield* (down as Effect.Effect<string, Down>).pipe(Fallback.stale(cache, "a", { maxAge: "1 hour" }))
        const labels = { function: "svc", exception_type: "Down" }
        expect(yield* seriesOf("fallback.used")).toEqual([
          { ...labels, fallback_type: "cached", value: 1 },
          { ...labels, fallback_type: "fail_open", value: 1 },
          { ...labels, fallback_type: "function", value: 1 },
          { ...labels, fallback_type: "stale", value: 1 }
        ])
        expect(yield* seriesOf("fallback.cache_hits")).toEqual([{ ...labels, value: 2 }])
      })
    )
  )
})

describe("what all patterns have in common", () => {
  const invocations = Effect.map(seriesOf("resilience.pattern_invocations"), (all) =>
    all.filter(({ value }) => value > 0).map((labels) => Object.values(labels).join(" "))
  )

  it.effect("is how many calls ended how", () =>
    inWorld(
      Effect.gen(function* () {
        const protect = Resilience.protect("svc")
        yield* after(protect(Effect.void))
        yield* after(protect(down))
        yield* after(protect(Effect.never))
        const leaving = yield* Effect.forkChild(protect(Effect.never), { startImmediately: true })
        yield* Fiber.interrupt(leaving)
        expect(yield* invocations).toEqual([
          "bulkhead failure 6",
          "bulkhead interrupted 1",
          "bulkhead success 1",
          "circuit-breaker failure 6",
          "circuit-breaker ignored 1",
          "circuit-breaker success 1",
          "pipeline failure 2",
          "pipeline interrupted 1",
          "pipeline success 1",
          "retry exhausted 2",
          "retry success 1",
          "timeout exceeded 3",
          "timeout failure 3",
          "timeout interrupted 1",
          "timeout success 1"
        ])
      }),
      { env: { CIRCUIT_BREAKER_FAIL_MAX: "9" } }
    )
  )

  it.effect("adds up over services", () =>
    inWorld(
      Effect.gen(function* () {
        for (const service of ["a", "b", "b"]) yield* Effect.void.pipe(Timeout.withTimeout(service))
        yield* Effect.exit(down.pipe(Timeout.withTimeout("c")))
        expect(yield* invocations).toEqual(["timeout failure 1", "timeout success 3"])
        expect(yield* seriesOf("resilience.pattern_effectiveness")).toEqual([{ pattern: "timeout", value: 0.75 }])
      })
    )
  )

  it.effect("is perfect as long as nothing was called", () =>
    inWorld(
      Effect.gen(function* () {
        const all = yield* seriesOf("resilience.pattern_effectiveness")
        expect(all).toEqual(
          ["bulkhead", "circuit-breaker", "fallback", "pipeline", "retry", "timeout"].map((pattern) => ({
            pattern,
            value: 1
          }))
        )
      }),
      { config: { services: { a: {}, b: {} } } }
    )
  )
})

describe("policies inside one another", () => {
  it.effect("count a call under a deadline that passes once, though the time of the attempt is over too", () =>
    inWorld(
      Effect.gen(function* () {
        yield* after(Effect.never.pipe(Resilience.protect("svc")))
        const exceeded = yield* seriesOf("timeout.exceeded")
        expect(exceeded.reduce((sum, { value }) => sum + value, 0)).toBe(1)
        expect(yield* seriesOf("circuit_breaker.failures")).toMatchObject([{ value: 1 }])
        expect(yield* seriesOf("error.total")).toMatchObject([{ value: 1 }])
      }),
      { env: { DEADLINE_SVC: "20" } }
    )
  )

  it.effect("count each for itself", () =>
    inWorld(
      Effect.gen(function* () {
        const call = down.pipe(
          Retry.withRetry("inner"),
          CircuitBreaker.withCircuitBreaker("inner"),
          Retry.withRetry("outer"),
          CircuitBreaker.withCircuitBreaker("outer")
        )
        yield* after(call)
        expect(yield* seriesOf("retry.exhausted")).toEqual([
          { function: "inner", value: 2 },
          { function: "outer", value: 1 }
        ])
        expect(yield* seriesOf("circuit_breaker.failures")).toEqual([
          { service: "inner", exception_type: "Down", value: 2 },
          { service: "outer", exception_type: "Down", value: 1 }
        ])
      }),
      { env: { RETRY_MAX_ATTEMPTS: "2" } }
    )
  )

  it.effect("count once under two layers: in the inner one", () =>
    inWorld(
      Effect.gen(function* () {
        const inner = Layer.fresh(Resilience.layer()).pipe(
          Layer.provide(Layer.succeed(Metric.MetricRegistry, new Map()))
        )
        yield* Effect.exit(down.pipe(CircuitBreaker.withCircuitBreaker("svc"), Effect.provide(inner)))
        expect(yield* seriesOf("circuit_breaker.failures")).toEqual([])
      })
    )
  )
})

describe("labels", () => {
  it.effect("never are keys", () =>
    inWorld(
      Effect.gen(function* () {
        for (const key of ["tenant-1", "tenant-2"]) yield* after(down.pipe(Resilience.protect("svc", { key })))
        expect(JSON.stringify(yield* scrape)).not.toContain("tenant")
      })
    )
  )

  it.effect("are bounded: of more than 500 errors, those that come last are called other", () =>
    inWorld(
      Effect.gen(function* () {
        const fail = (tag: string, service: string) =>
          Effect.exit(Effect.fail({ _tag: tag }).pipe(CircuitBreaker.withCircuitBreaker(service)))
        for (let n = 0; n < 600; n++) yield* fail(`MadeUp${n}`, "svc")
        yield* fail("MadeUp7", "svc")
        yield* fail("Genuine", "neighbour")
        yield* fail("MadeUp7", "neighbour")
        const failures = yield* seriesOf("circuit_breaker.failures")
        const find = (service: string, tag: string) =>
          failures.find((labels) => JSON.stringify(labels).includes(`"${service}","exception_type":"${tag}"`))?.value
        expect(failures.filter((labels) => JSON.stringify(labels).includes('"svc"'))).toHaveLength(501)
        expect(failures.reduce((sum, { value }) => sum + value, 0)).toBe(603)
        expect([find("svc", "MadeUp7"), find("svc", "other")]).toEqual([2, 100])
        expect([find("neighbour", "other"), find("neighbour", "MadeUp7")]).toEqual([1, 1])
      }),
      { env: { CIRCUIT_BREAKER_MODE: "observe" } }
    )
  )
})

describe("a metric registry", () => {
  const names = (registry: Metric.MetricRegistry) => new Set([...registry.values()].map(({ id }) => id))

  it.effect("may be provided before the layer is built", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      const layer = Resilience.layer({ services: { svc: {} } }).pipe(
        Layer.provide(Layer.succeed(Metric.MetricRegistry, registry))
      )
      yield* Effect.gen(function* () {
        yield* Effect.exit(down.pipe(CircuitBreaker.withCircuitBreaker("svc")))
        expect(names(registry)).toContain("circuit_breaker.state")
        expect(names(registry)).toContain("circuit_breaker.failures")
        const others = yield* Effect.provideService(Metric.snapshot, Metric.MetricRegistry, new Map())
        expect(others).toEqual([])
      }).pipe(Effect.provide(layer))
    })
  )

  it.effect("has none of our metrics left when the layer is closed", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      const own = Metric.counter("own")
      const provide = Layer.provide(Layer.succeed(Metric.MetricRegistry, registry))
      yield* everything.pipe(
        Effect.andThen(Metric.update(own, 1)),
        Effect.provide(Resilience.layer(world.config).pipe(provide)),
        Effect.provideService(Metric.MetricRegistry, registry)
      )
      expect([...names(registry)]).toEqual(["own"])
    })
  )

  it.effect("gets nothing any more from calls that go on after the layer is closed", () =>
    Effect.gen(function* () {
      const registry: Metric.MetricRegistry = new Map()
      const layer = Resilience.layer().pipe(Layer.provide(Layer.succeed(Metric.MetricRegistry, registry)))
      const late = Effect.sleep("1 minute").pipe(
        Effect.andThen(down),
        CircuitBreaker.withCircuitBreaker("svc"),
        Effect.exit,
        Effect.andThen(Effect.exit(down.pipe(Resilience.protect("another"))))
      )
      const fiber = yield* Effect.forkDetach(late, { startImmediately: true }).pipe(Effect.provide(layer))
      yield* TestClock.adjust("1 hour")
      yield* Fiber.await(fiber)
      expect([...names(registry)]).toEqual([])
    })
  )

  it.effect("may be shared by two layers with different services", () =>
    inWorld(
      Effect.gen(function* () {
        const other = Resilience.layer({ services: { b: {} } })
        const states = Effect.provide(seriesOf("circuit_breaker.state"), other)
        expect(yield* states).toEqual([
          { service: "a", value: 0 },
          { service: "b", value: 0 }
        ])
        expect(yield* seriesOf("circuit_breaker.state")).toEqual([{ service: "a", value: 0 }])
      }),
      { config: { services: { a: {} } } }
    )
  )
})
