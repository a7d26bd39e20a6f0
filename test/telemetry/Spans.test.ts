import { describe, expect, it } from "@effect/vitest"
import { Context, Data, type Duration, Effect, Exit, Fiber, Layer, type Tracer } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Fallback, Pipeline, Policy, Resilience, Retry, Timeout } from "../../src/index.ts"
import type { ConfigInput } from "../../src/resilience/ResilienceConfig.ts"
import { Spans } from "../../src/telemetry/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"
import { recordSpans } from "./support/tracer.ts"

class Down extends Data.TaggedError("Down") {}

const down = Effect.fail(new Down())
const steady = { retry: { maxAttempts: 3, baseDelay: "1 second", jitter: "none", budget: { enabled: false } } } as const

const provide = (config: ConfigInput = steady) =>
  Effect.provide(Spans.layer.pipe(Layer.provideMerge(Resilience.layer(config))))

const finish = <A, E, R>(self: Effect.Effect<A, E, R>, duration: Duration.Input = "1 minute") =>
  Effect.gen(function* () {
    const fiber = yield* Effect.forkChild(Effect.exit(self), { startImmediately: true })
    yield* TestClock.adjust(duration)
    return yield* Fiber.join(fiber)
  })

const parentOf = ({ parent }: Tracer.NativeSpan) =>
  parent._tag === "Some" && parent.value._tag === "Span" ? parent.value.name : undefined

const statusOf = ({ status }: Tracer.NativeSpan) =>
  status._tag === "Ended" ? (Exit.isSuccess(status.exit) ? "ok" : "error") : status._tag

describe("attempts", () => {
  it.effect("have a span each, below that of the caller, with the status of the attempt", () => {
    const { spans, trace } = recordSpans()
    const service = ScriptedService.make([ScriptedService.fail(new Down()), "fine"])
    return Effect.gen(function* () {
      yield* finish(service.call.pipe(Retry.withRetry("llm"), Effect.withSpan("caller")))
      expect(spans.map((span) => [span.name, parentOf(span), statusOf(span)])).toEqual([
        ["caller", undefined, "ok"],
        ["attempt llm", "caller", "error"],
        ["attempt llm", "caller", "ok"]
      ])
      expect(spans.slice(1).map(({ attributes }) => Object.fromEntries(attributes))).toEqual([
        { "resilience.pattern": "retry", "resilience.service": "llm", "resilience.attempt_number": 1 },
        { "resilience.pattern": "retry", "resilience.service": "llm", "resilience.attempt_number": 2 }
      ])
    }).pipe(trace, provide())
  })

  it.effect("end with the failure of the attempt, and so does the caller's span", () => {
    const { spans, trace } = recordSpans()
    return Effect.gen(function* () {
      yield* finish(down.pipe(Retry.withRetry("llm"), Effect.withSpan("caller")))
      expect(spans.map(statusOf)).toEqual(["error", "error", "error", "error"])
    }).pipe(trace, provide())
  })

  it.effect("last as long as the attempt, without the wait for the next", () => {
    const { spans, trace } = recordSpans()
    const slow = Effect.delay(down, "3 seconds")
    return Effect.gen(function* () {
      yield* finish(slow.pipe(Retry.withRetry("llm"), Effect.withSpan("caller")))
      const times = spans.map(({ status }) =>
        status._tag === "Ended" ? Number(status.endTime - status.startTime) / 1e9 : undefined
      )
      expect(times).toEqual([12, 3, 3, 3])
    }).pipe(trace, provide())
  })

  it.effect("are those of the retry in a pipeline, too", () => {
    const { spans, trace } = recordSpans()
    const service = ScriptedService.make([ScriptedService.fail(new Down()), "fine"])
    const pipeline = Pipeline.inOrder([
      Fallback.makeUnsafe(() => Effect.succeed("instead")),
      Retry.makeUnsafe({ ...steady.retry, service: "llm" }),
      Timeout.makeUnsafe({ duration: "1 second" })
    ])
    return Effect.gen(function* () {
      yield* finish(service.call.pipe(pipeline.execute, Effect.withSpan("caller")))
      yield* finish(service.call.pipe(pipeline.execute, Effect.withSpan("at once")))
      expect(spans.map((span) => [span.name, parentOf(span)])).toEqual([
        ["caller", undefined],
        ["attempt llm", "caller"],
        ["attempt llm", "caller"],
        ["at once", undefined],
        ["attempt llm", "at once"]
      ])
    }).pipe(trace, provide())
  })

  it.effect("end when the call is interrupted", () => {
    const { spans, trace } = recordSpans()
    return Effect.gen(function* () {
      const fiber = yield* Effect.forkChild(Effect.never.pipe(Retry.withRetry("llm"), Effect.withSpan("caller")), {
        startImmediately: true
      })
      yield* Fiber.interrupt(fiber)
      expect(spans.map(statusOf)).toEqual(["error", "error"])
    }).pipe(trace, provide())
  })

  it.effect("are put below a span that came from elsewhere", () => {
    const { spans, trace } = recordSpans()
    const elsewhere = { traceId: "0af7651916cd43dd8448eb211c80319c", spanId: "b7ad6b7169203331" }
    return Effect.gen(function* () {
      yield* finish(down.pipe(Retry.withRetry("llm"), Effect.withParentSpan(externalSpan(elsewhere))))
      expect(spans.map(({ name, traceId }) => [name, traceId])).toEqual(
        Array.from({ length: 3 }, () => ["attempt llm", elsewhere.traceId])
      )
    }).pipe(trace, provide())
  })
})

const externalSpan = (ids: { readonly traceId: string; readonly spanId: string }): Tracer.ExternalSpan => ({
  _tag: "ExternalSpan",
  ...ids,
  sampled: true,
  annotations: Context.empty()
})

describe("nothing is traced", () => {
  it.effect("where there is no span", () => {
    const { spans, trace } = recordSpans()
    return Effect.gen(function* () {
      yield* finish(down.pipe(Resilience.protect("llm")))
      expect(spans).toEqual([])
    }).pipe(trace, provide())
  })

  it.effect("below a span that is not sampled", () => {
    const { eventsOf, spans, trace } = recordSpans()
    return Effect.gen(function* () {
      yield* finish(down.pipe(Resilience.protect("llm"), Effect.withSpan("caller", { sampled: false })))
      expect([spans.map(({ name }) => name), eventsOf("caller")]).toEqual([["caller"], []])
    }).pipe(trace, provide())
  })

  it.effect("without the layer", () => {
    const { eventsOf, spans, trace } = recordSpans()
    return Effect.gen(function* () {
      const exit = yield* finish(down.pipe(Resilience.protect("llm"), Effect.withSpan("caller")))
      expect(Exit.findErrorOption(exit)).toMatchObject({ value: { _tag: "Down" } })
      expect([spans.map(({ name }) => name), eventsOf("caller")]).toEqual([["caller"], []])
    }).pipe(trace, Effect.provide(Resilience.layer(steady)))
  })

  it.effect("after the layer is closed", () => {
    const { eventsOf, trace } = recordSpans()
    const fail = down.pipe(CircuitBreaker.withCircuitBreaker("llm"), Effect.withSpan("caller"), Effect.exit)
    return Effect.gen(function* () {
      yield* fail.pipe(Effect.provide(Spans.layer))
      yield* fail
      expect(eventsOf("caller")).toHaveLength(1)
    }).pipe(trace, Effect.provide(Resilience.layer(steady)))
  })

  it.effect("of a call that simply succeeds", () => {
    const { eventsOf, trace } = recordSpans()
    return Effect.gen(function* () {
      yield* finish(Effect.void.pipe(Resilience.protect("llm"), Effect.withSpan("caller")))
      expect([...eventsOf("caller"), ...eventsOf("attempt llm")]).toEqual([])
    }).pipe(trace, provide())
  })
})

describe("an event of the span", () => {
  const traced = <E>(call: Effect.Effect<unknown, E, Policy.ResilienceRegistry>, config: ConfigInput = steady) => {
    const { eventsOf, trace } = recordSpans()
    return finish(call.pipe(Effect.withSpan("caller"))).pipe(
      Effect.map(() => eventsOf("caller")),
      trace,
      provide(config)
    )
  }
  const of = (pattern: string) => ({ "resilience.pattern": pattern, "resilience.service": "llm" })

  it.effect("tells of a retry: when, why, and after which delay", () =>
    Effect.gen(function* () {
      expect(yield* traced(down.pipe(Retry.withRetry("llm")))).toEqual([
        {
          name: "resilience.retry_scheduled",
          at: 0,
          attributes: {
            ...of("retry"),
            "resilience.attempt_number": 1,
            "resilience.delay_millis": 1000,
            "resilience.class": "retryable",
            "error.type": "Down"
          }
        },
        {
          name: "resilience.retry_scheduled",
          at: 1000,
          attributes: {
            ...of("retry"),
            "resilience.attempt_number": 2,
            "resilience.delay_millis": 2000,
            "resilience.class": "retryable",
            "error.type": "Down"
          }
        },
        {
          name: "resilience.retry_exhausted",
          at: 3000,
          attributes: { ...of("retry"), "resilience.attempts": 3, "error.type": "Down" }
        }
      ])
    })
  )

  it.effect("tells of a transition, a rejection and a probe", () =>
    Effect.gen(function* () {
      const call = Effect.exit(down.pipe(CircuitBreaker.withCircuitBreaker("llm")))
      const probe = Effect.void.pipe(CircuitBreaker.withCircuitBreaker("llm"))
      const events = yield* traced(call.pipe(Effect.andThen(call), Effect.andThen(Effect.delay(probe, "10 seconds"))), {
        circuitBreaker: { consecutiveFailures: 1, openDuration: "10 seconds" }
      })
      expect(events.map(({ at, attributes, name }) => [at, name, attributes["resilience.to"]])).toEqual([
        [0, "resilience.circuit_breaker_failure", undefined],
        [0, "resilience.circuit_breaker_transition", "Open"],
        [0, "resilience.circuit_breaker_rejection", undefined],
        [10_000, "resilience.circuit_breaker_transition", "HalfOpen"],
        [10_000, "resilience.circuit_breaker_probe", undefined],
        [10_000, "resilience.circuit_breaker_transition", "Closed"]
      ])
      expect(events.at(-1)?.attributes["resilience.outage_millis"]).toBe(10_000)
    })
  )

  it.effect("tells of a timeout", () =>
    Effect.gen(function* () {
      const [event] = yield* traced(Effect.never.pipe(Timeout.withTimeout("llm")), {
        services: { llm: { timeout: "5 seconds" } }
      })
      expect(event).toEqual({
        name: "resilience.timeout_exceeded",
        at: 5000,
        attributes: {
          ...of("timeout"),
          "resilience.operation_type": "llm",
          "resilience.timeout_seconds": 5,
          "resilience.scope": "attempt"
        }
      })
    })
  )

  it.effect("tells of a fallback", () =>
    Effect.gen(function* () {
      const answered = down.pipe(Fallback.orElse(() => Effect.void, { service: "llm" }))
      expect(yield* traced(answered)).toEqual([
        {
          name: "resilience.fallback_used",
          at: 0,
          attributes: { ...of("fallback"), "resilience.fallback_type": "function", "error.type": "Down" }
        }
      ])
    })
  )

  it.effect("tells of a wait in the queue, and of a rejection", () => {
    const { eventsOf, trace } = recordSpans()
    const call = (name: string) =>
      Effect.sleep("5 seconds").pipe(Bulkhead.withBulkhead("llm"), Effect.withSpan(name), Effect.exit)
    return Effect.gen(function* () {
      yield* finish(Effect.all([call("first"), call("second"), call("third")], { concurrency: "unbounded" }))
      expect([eventsOf("first"), eventsOf("second"), eventsOf("third")]).toEqual([
        [],
        [
          {
            name: "resilience.bulkhead_admission",
            at: 5000,
            attributes: { ...of("bulkhead"), "resilience.wait_millis": 5000 }
          }
        ],
        [
          {
            name: "resilience.bulkhead_rejection",
            at: 0,
            attributes: {
              ...of("bulkhead"),
              "resilience.reason": "full",
              "resilience.limit": 1,
              "error.type": "BulkheadRejectedError"
            }
          }
        ]
      ])
    }).pipe(trace, provide({ bulkhead: { maxConcurrent: 1, maxQueue: 1 } }))
  })

  it.effect("is written into the span of the attempt that it happens in", () => {
    const { eventsOf, trace } = recordSpans()
    return Effect.gen(function* () {
      yield* finish(Effect.never.pipe(Timeout.withTimeout("llm"), Retry.withRetry("llm"), Effect.withSpan("caller")))
      expect(eventsOf("attempt llm").map(({ name }) => name)).toEqual(
        Array.from({ length: 3 }, () => "resilience.timeout_exceeded")
      )
    }).pipe(trace, provide({ ...steady, services: { llm: { timeout: "1 second" } } }))
  })
})

describe("the observer", () => {
  it.effect("serves instances that belong to no registry", () => {
    const { eventsOf, spans, trace } = recordSpans()
    return Effect.gen(function* () {
      const retry = yield* Retry.make({ maxAttempts: 2, jitter: "none" })
      yield* finish(down.pipe(retry.execute, Effect.withSpan("caller")))
      expect(eventsOf("caller").map(({ name }) => name)).toEqual([
        "resilience.retry_scheduled",
        "resilience.retry_exhausted"
      ])
      expect(spans.map(({ name }) => name)).toEqual(["caller", "attempt default", "attempt default"])
    }).pipe(trace, Effect.provide([Policy.layerObservers([Spans.observer]), Spans.layerAttempts]))
  })
})
