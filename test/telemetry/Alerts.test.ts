import { describe, expect, it } from "@effect/vitest"
import { Clock, Duration, Effect, Exit, Fiber, Latch, Layer, Scope, Tracer } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Deadline, Policy, Resilience } from "../../src/index.ts"
import { Alerts } from "../../src/telemetry/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { alertsTo, breakerOf, exhaustBudget, fail, logInto, recording, settle, succeed } from "./support/alerts.ts"

const OPENED = "llm: circuit opened, calls are rejected for 10s"

describe("an alert", () => {
  it.effect("tells at once that a circuit opened, and for how long", () => {
    const channel = recording()
    return Effect.gen(function* () {
      yield* TestClock.adjust("5 seconds")
      yield* fail(yield* breakerOf("llm"))
      yield* settle
      expect(channel.groups).toEqual([
        {
          service: "llm",
          alerts: [
            {
              kind: "opened",
              service: "llm",
              severity: "Warn",
              at: 5_000,
              count: 1,
              openTime: Duration.seconds(10)
            }
          ],
          omitted: 0
        }
      ])
      expect(channel.lines()).toEqual([OPENED])
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("tells that a circuit closed, and for how long it was not", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      yield* fail(breaker)
      yield* TestClock.adjust("252 seconds")
      yield* succeed(breaker)
      yield* settle
      expect(channel.lines()).toEqual([OPENED, "llm: circuit closed after 4m 12s"])
      expect(channel.groups[1]?.alerts).toEqual([
        { kind: "closed", service: "llm", severity: "Info", at: 252_000, count: 1, outage: Duration.seconds(252) }
      ])
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("is not repeated when a probe fails, and the outage includes it", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      yield* fail(breaker)
      for (let minute = 0; minute < 3; minute++) {
        yield* TestClock.adjust("2 minutes")
        yield* fail(breaker)
      }
      yield* TestClock.adjust("2 minutes")
      yield* succeed(breaker)
      yield* settle
      expect(channel.lines()).toEqual([OPENED, "llm: circuit closed after 8m"])
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("tells of an isolation, whatever the state was", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      yield* breaker.isolate
      yield* TestClock.adjust("1 hour")
      yield* breaker.reset
      yield* TestClock.adjust("1 hour")
      yield* fail(breaker)
      yield* TestClock.adjust("1 hour")
      yield* breaker.isolate
      yield* settle
      expect(channel.lines()).toEqual([
        "llm: circuit isolated, calls are rejected until it is reset",
        "llm: circuit closed after 1h",
        OPENED,
        "llm: circuit isolated, calls are rejected until it is reset"
      ])
      expect(channel.groups[0]?.alerts[0]).toEqual({
        kind: "isolated",
        service: "llm",
        severity: "Warn",
        at: 0,
        count: 1
      })
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("tells that a retry budget is exhausted", () => {
    const channel = recording()
    return Effect.gen(function* () {
      yield* exhaustBudget("db")
      yield* settle
      expect(channel.lines()).toEqual(["db: retry budget exhausted, failed calls are not tried again"])
      expect(channel.groups[0]?.alerts).toEqual([
        { kind: "budget-exhausted", service: "db", severity: "Warn", at: 0, count: 1 }
      ])
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("is not what a breaker does that turns nobody away", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ service: "llm", consecutiveFailures: 1, mode: "observe" })
      yield* fail(breaker)
      yield* TestClock.adjust("2 minutes")
      yield* succeed(breaker)
      yield* settle
      expect(channel.groups).toEqual([])
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("is not everything that happens", () => {
    const channel = recording()
    const heard = RecordedEvents.make()
    return Effect.gen(function* () {
      const call = Effect.fail("down").pipe(
        Deadline.withDeadline("5 seconds"),
        Resilience.protect("llm", { fallback: () => Effect.void })
      )
      const late = Effect.fail("down").pipe(Resilience.protect("llm"), Deadline.withDeadline("1 millis"), Effect.ignore)
      yield* Effect.forkChild(Effect.andThen(call, late).pipe(heard.record))
      yield* TestClock.adjust("1 hour")
      expect(heard.tags()).toEqual(
        expect.arrayContaining(["CircuitBreakerFailure", "RetryScheduled", "RetryExhausted", "RetryAbandoned"])
      )
      expect(channel.lines()).toEqual([])
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("knows a circuit without an open time", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const registry = yield* Policy.ResilienceRegistry
      yield* Effect.fail("down").pipe(Resilience.protect("llm"), Effect.ignore)
      expect(registry.instances().length).toBeGreaterThan(0)
      yield* settle
      expect(channel.lines()).toEqual(["llm: circuit opened, calls are rejected until it is reset"])
    }).pipe(
      Effect.provide(
        Alerts.layer().pipe(
          Layer.provide(channel.layer),
          Layer.provideMerge(
            Resilience.layer({
              retry: { maxAttempts: 1 },
              circuitBreaker: { consecutiveFailures: 1, openDuration: "Infinity", openDurationMax: "Infinity" }
            })
          )
        )
      )
    )
  })
})

describe("a text", () => {
  const base = { service: "llm", severity: "Warn", at: 0, count: 1 } as const
  const closed = (outage: Duration.Input, count = 1) =>
    Alerts.describe({ ...base, kind: "closed", outage: Duration.fromInputUnsafe(outage), count })

  it.each([
    [0, "1ms"],
    [0.4, "1ms"],
    [999, "999ms"],
    [999.6, "1s"],
    [1_400, "1s"],
    [61_500, "1m 2s"],
    [3_600_000, "1h"]
  ])("rounds %d ms to %s", (millis, text) => {
    expect(closed(millis)).toBe(`circuit closed after ${text}`)
  })

  it("tells how often something happened", () => {
    const openTime = Duration.minutes(1)
    expect([
      Alerts.describe({ ...base, kind: "opened", openTime, count: 3 }),
      closed("2 seconds", 2),
      Alerts.describe({ ...base, kind: "isolated", count: 2 }),
      Alerts.describe({ ...base, kind: "budget-exhausted", count: 400 })
    ]).toEqual([
      "circuit opened 3 times, calls are rejected for 1m",
      "circuit closed 2 times, the last time after 2s",
      "circuit isolated 2 times, calls are rejected until it is reset",
      "retry budget exhausted 400 times, failed calls are not tried again"
    ])
  })

  it("tells what is missing", () => {
    const alerts = [{ ...base, kind: "isolated" }] as const
    const isolated = "llm: circuit isolated, calls are rejected until it is reset"
    expect([0, 1, 2].map((omitted) => Alerts.summarize({ service: "llm", alerts, omitted }))).toEqual([
      isolated,
      `${isolated}; 1 earlier alert was not delivered`,
      `${isolated}; 2 earlier alerts were not delivered`
    ])
  })
})

describe("a service", () => {
  it.effect("has its alerts of a minute in one group, which ends with how things stand", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      for (let n = 0; n < 2; n++) {
        yield* fail(breaker)
        yield* TestClock.adjust("12 seconds")
        yield* succeed(breaker)
      }
      yield* exhaustBudget("llm", 3)
      yield* fail(breaker)
      yield* TestClock.adjust("10 seconds")
      yield* succeed(breaker)
      expect(channel.lines()).toEqual([OPENED])
      yield* TestClock.adjust("25999 millis")
      expect(channel.lines()).toEqual([OPENED])
      yield* TestClock.adjust("1 millis")
      expect(channel.lines().slice(1)).toEqual([
        "llm: retry budget exhausted 3 times, failed calls are not tried again; " +
          "circuit opened 2 times, calls are rejected for 10s; circuit closed 3 times, the last time after 10s"
      ])
      expect(channel.groups[1]?.alerts.at(-1)).toMatchObject({ kind: "closed", at: 34_000 })
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("starts the minute again while things keep coming", () => {
    const times: Array<number> = []
    const channel = recording(() => Effect.map(Clock.currentTimeMillis, (now) => void times.push(now / 1_000)))
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      const flap = Effect.andThen(fail(breaker), Effect.andThen(Effect.sleep("10 seconds"), succeed(breaker)))
      yield* Effect.forkChild(Effect.repeat(flap, { times: 12 }))
      yield* TestClock.adjust("1 hour")
      expect(times).toEqual([0, 60, 120, 180])
      expect(channel.lines().at(-1)).toMatch(/circuit closed 2 times, the last time after 10s$/)
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("with circuits by key does not flood", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      yield* fail(breaker, "first")
      yield* settle
      for (let n = 0; n < 500; n++) yield* fail(breaker, `tenant ${n}`)
      yield* TestClock.adjust("1 hour")
      expect(channel.lines()).toEqual([OPENED, "llm: circuit opened 500 times, calls are rejected for 10s"])
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("keeps the end of its outage through a flood of other alerts", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      yield* fail(breaker)
      yield* TestClock.adjust("10 seconds")
      yield* succeed(breaker)
      yield* exhaustBudget("llm", 5_000)
      yield* TestClock.adjust("1 minute")
      expect(channel.lines()[1]).toBe(
        "llm: circuit closed after 10s; retry budget exhausted 5000 times, failed calls are not tried again"
      )
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("does not wait for others", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const [llm, db] = [yield* breakerOf("llm"), yield* breakerOf("db")]
      yield* fail(llm)
      yield* TestClock.adjust("30 seconds")
      yield* succeed(llm)
      yield* fail(db)
      yield* settle
      const dbOpened = "db: circuit opened, calls are rejected for 10s"
      expect(channel.lines()).toEqual([OPENED, dbOpened])
      yield* TestClock.adjust("30 seconds")
      expect(channel.lines()).toEqual([OPENED, dbOpened, "llm: circuit closed after 30s"])
      yield* succeed(db)
      yield* TestClock.adjust("30 seconds")
      expect(channel.lines().at(-1)).toBe("db: circuit closed after 30s")
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("that comes due while another one is sent is sent right after it", () => {
    const channel = recording((call) => (call === 3 ? Effect.sleep("5 seconds") : Effect.void))
    return Effect.gen(function* () {
      const [db, llm] = [yield* breakerOf("db"), yield* breakerOf("llm")]
      yield* fail(db)
      yield* settle
      yield* TestClock.adjust("1 second")
      yield* fail(llm)
      yield* TestClock.adjust("19 seconds")
      yield* succeed(llm)
      yield* TestClock.adjust("39 seconds")
      // The minute of "llm" ends at 61 seconds, while the alert of "api" is on its way.
      yield* fail(yield* breakerOf("api"))
      yield* TestClock.adjust("4 seconds")
      expect(channel.groups.map(({ service }) => service)).toEqual(["db", "llm"])
      yield* TestClock.adjust("1 second")
      expect(channel.groups.map(({ service }) => service)).toEqual(["db", "llm", "api", "llm"])
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("is throttled as configured", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      yield* fail(breaker)
      yield* TestClock.adjust("10 seconds")
      yield* succeed(breaker)
      yield* TestClock.adjust("4999 millis")
      expect(channel.lines()).toEqual([OPENED])
      yield* TestClock.adjust("1 millis")
      expect(channel.lines()).toEqual([OPENED, "llm: circuit closed after 10s"])
    }).pipe(Effect.provide(alertsTo(channel.layer, { throttle: "15 seconds" })))
  })

  it.effect("is not throttled with a throttle of zero", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      for (let n = 0; n < 3; n++) {
        yield* breaker.trip
        yield* settle
        yield* breaker.reset
        yield* settle
      }
      expect(channel.groups.map(({ alerts }) => alerts.map(({ kind }) => kind))).toEqual([
        ["opened"],
        ["closed"],
        ["opened"],
        ["closed"],
        ["opened"],
        ["closed"]
      ])
    }).pipe(Effect.provide(alertsTo(channel.layer, { throttle: 0 })))
  })
})

describe("a channel that fails", () => {
  it.effect("is tried three times, and the log tells it once", () => {
    const log: Array<string> = []
    const channel = recording(() => Effect.fail("no route"))
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      for (let hour = 0; hour < 5; hour++) {
        yield* breaker.trip
        yield* TestClock.adjust("1 hour")
        yield* breaker.reset
        yield* TestClock.adjust("1 hour")
      }
      expect([channel.calls(), channel.lines()]).toEqual([30, []])
      expect(log).toEqual([
        "Warn: effect-resilience: an alert could not be delivered to test: string. Further failures are not logged."
      ])
    }).pipe(Effect.provide(alertsTo(channel.layer)), Effect.provide(logInto(log)))
  })

  it.effect("is told to work again, with what is lost, and after that to fail again", () => {
    const log: Array<string> = []
    let isDown = true
    const channel = recording(() => (isDown ? Effect.fail("no route") : Effect.void))
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      const change = (command: Effect.Effect<void>) => Effect.andThen(command, TestClock.adjust("1 hour"))
      yield* change(breaker.trip)
      yield* change(breaker.reset)
      isDown = false
      yield* change(breaker.trip)
      yield* change(breaker.reset)
      isDown = true
      yield* change(breaker.trip)
      isDown = false
      yield* change(breaker.reset)
      expect(channel.lines()).toEqual([
        `${OPENED}; 2 earlier alerts were not delivered`,
        "llm: circuit closed after 1h",
        "llm: circuit closed after 1h; 1 earlier alert was not delivered"
      ])
      expect(log.map((line) => line.replaceAll("effect-resilience: ", ""))).toEqual([
        "Warn: an alert could not be delivered to test: string. Further failures are not logged.",
        "Info: alerts are delivered to test again; 2 groups of alerts were lost",
        "Warn: an alert could not be delivered to test: string. Further failures are not logged.",
        "Info: alerts are delivered to test again; 1 group of alerts was lost"
      ])
    }).pipe(Effect.provide(alertsTo(channel.layer)), Effect.provide(logInto(log)))
  })

  it.effect("for a moment is not worth a line", () => {
    const log: Array<string> = []
    const channel = recording((call) => (call < 3 ? Effect.fail("no route") : Effect.void))
    return Effect.gen(function* () {
      yield* fail(yield* breakerOf("llm"))
      yield* TestClock.adjust("10 seconds")
      expect([channel.lines(), log]).toEqual([[OPENED], []])
    }).pipe(Effect.provide(alertsTo(channel.layer)), Effect.provide(logInto(log)))
  })

  it.effect("is not tried again after an error that does not pass", () => {
    const channel = recording(() => Effect.fail({ _tag: "Refused", status: 404 }))
    return Effect.gen(function* () {
      yield* fail(yield* breakerOf("llm"))
      yield* TestClock.adjust("1 hour")
      expect(channel.calls()).toBe(1)
    }).pipe(Effect.provide(alertsTo(channel.layer)), Effect.provide(logInto([])))
  })

  it.effect("is left alone as long as it asks for", () => {
    const busy = Effect.fail({ _tag: "Busy", status: 429, headers: { "retry-after": "30" } })
    const channel = recording((call) => (call === 1 ? busy : Effect.void))
    return Effect.gen(function* () {
      yield* fail(yield* breakerOf("llm"))
      yield* TestClock.adjust("29 seconds")
      expect(channel.calls()).toBe(1)
      yield* TestClock.adjust("30 seconds")
      expect([channel.calls(), channel.lines()]).toEqual([2, [OPENED]])
    }).pipe(Effect.provide(alertsTo(channel.layer)), Effect.provide(logInto([])))
  })

  it.effect("may fail in any way", () => {
    const log: Array<string> = []
    const ways = [
      Effect.die(new TypeError("the secret of the URL")),
      Effect.interrupt,
      Effect.suspend((): Effect.Effect<void> => {
        throw new RangeError("the secret of the URL")
      }),
      Effect.fail({ _tag: "HttpError", message: "the secret of the URL", reason: { _tag: "Refused" }, status: 404 }),
      Effect.fail(null)
    ]
    let way = 0
    const channel = recording(() => ways[way] ?? Effect.void)
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      for (way = 0; way < ways.length; way++) {
        yield* breaker.trip
        yield* TestClock.adjust("1 hour")
        const now = way
        way = ways.length
        yield* breaker.reset
        yield* TestClock.adjust("1 hour")
        way = now
      }
      expect(channel.lines().length).toBe(ways.length)
      expect(
        log.filter((line) => line.startsWith("Warn")).map((line) => /test: (.*)\. Further/.exec(line)?.[1])
      ).toEqual(["TypeError", "interrupted", "RangeError", "HttpError, Refused, HTTP 404", "object"])
      expect(log.join()).not.toContain("secret")
    }).pipe(Effect.provide(alertsTo(channel.layer)), Effect.provide(logInto(log)))
  })

  it.effect("causes no event and no span", () => {
    const heard: Array<string> = []
    const spans: Array<string> = []
    const inside: Array<unknown> = []
    const tracer = Tracer.make({
      span: (options) => {
        spans.push(options.name)
        return new Tracer.NativeSpan(options)
      }
    })
    const channel = recording(() =>
      Effect.gen(function* () {
        const [registry, parent] = [Policy.ResilienceRegistry, Tracer.ParentSpan] as const
        inside.push((yield* Effect.serviceOption(registry))._tag, (yield* Effect.serviceOption(parent))._tag)
        return yield* Effect.fail("no route")
      })
    )
    const layer = alertsTo(channel.layer)
    return Effect.gen(function* () {
      yield* Policy.subscribe(({ _tag }) => void heard.push(_tag))
      yield* fail(yield* breakerOf("llm"))
      yield* TestClock.adjust("1 hour")
      expect(channel.calls()).toBe(3)
      expect(inside).toEqual(["None", "None", "None", "None", "None", "None"])
      expect(heard).toEqual(["CircuitBreakerFailure", "CircuitBreakerTransition"])
      expect(spans).toEqual(["app"])
    }).pipe(
      Effect.provide(layer),
      Effect.provide(Policy.layerObservers([({ kind }) => void (kind === "retry" && heard.push(kind))])),
      Effect.provide(logInto([])),
      Effect.withSpan("app"),
      Effect.withTracer(tracer)
    )
  })
})

describe("a channel that hangs", () => {
  it.effect("is cut off, three times", () => {
    const log: Array<string> = []
    const channel = recording(() => Effect.never)
    return Effect.gen(function* () {
      yield* fail(yield* breakerOf("llm"))
      yield* TestClock.adjust("9999 millis")
      expect([channel.calls(), log]).toEqual([1, []])
      yield* TestClock.adjust("1 minute")
      expect(channel.calls()).toBe(3)
      expect(log).toEqual([expect.stringContaining("to test: TimeoutExceededError. Further")])
    }).pipe(Effect.provide(alertsTo(channel.layer)), Effect.provide(logInto(log)))
  })

  it.effect("is cut off as configured", () => {
    const channel = recording(() => Effect.never)
    return Effect.gen(function* () {
      yield* fail(yield* breakerOf("llm"))
      yield* TestClock.adjust("10 seconds")
      expect(channel.calls()).toBe(3)
    }).pipe(Effect.provide(alertsTo(channel.layer, { sendTimeout: "1 second" })), Effect.provide(logInto([])))
  })

  it.effect("delays no call, not even by running in it", () => {
    const gate = Latch.makeUnsafe()
    const channel = recording(() => gate.await)
    return Effect.gen(function* () {
      const breaker = yield* breakerOf("llm")
      yield* settle
      yield* breaker.trip
      expect(channel.calls()).toBe(0)
      for (let n = 0; n < 100; n++) yield* Effect.andThen(fail(breaker), exhaustBudget("llm"))
      yield* settle
      expect([channel.calls(), channel.groups]).toEqual([1, []])
      yield* gate.open
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })

  it.effect("gets what happened meanwhile as one group of each service", () => {
    const channel = recording((call) => (call === 1 ? Effect.sleep("9 seconds") : Effect.void))
    return Effect.gen(function* () {
      const [llm, db] = [yield* breakerOf("llm"), yield* breakerOf("db")]
      yield* fail(llm)
      yield* settle
      yield* fail(db)
      yield* db.reset
      yield* db.isolate
      yield* TestClock.adjust("8 seconds")
      expect(channel.calls()).toBe(1)
      yield* TestClock.adjust("1 second")
      expect(channel.groups.map(({ alerts, service }) => [service, ...alerts.map(({ kind }) => kind)])).toEqual([
        ["llm", "opened"],
        ["db", "opened", "closed", "isolated"]
      ])
    }).pipe(Effect.provide(alertsTo(channel.layer)))
  })
})

describe("the end of the layer", () => {
  /** Builds the layer, runs the program under it, and closes the scope in the background. */
  const ended = <A, E, R>(
    layer: Layer.Layer<Policy.ResilienceRegistry>,
    program: Effect.Effect<A, E, R | Policy.ResilienceRegistry>
  ) =>
    Effect.gen(function* () {
      const scope = yield* Scope.make()
      const context = yield* Layer.buildWithScope(layer, scope)
      yield* Effect.provideContext(program, context)
      return yield* Effect.forkChild(Scope.close(scope, Exit.void))
    })

  const flapping = Effect.gen(function* () {
    const [llm, db] = [yield* breakerOf("llm"), yield* breakerOf("db")]
    yield* Effect.andThen(fail(llm), fail(db))
    yield* settle
    yield* Effect.andThen(llm.reset, db.reset)
  })

  it.effect("sends at once what is held", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const closing = yield* ended(alertsTo(channel.layer), flapping)
      yield* Fiber.join(closing)
      expect(channel.groups.map(({ alerts, service }) => `${service} ${alerts[0]?.kind}`)).toEqual([
        "llm opened",
        "db opened",
        "llm closed",
        "db closed"
      ])
    })
  })

  it.effect("sends also what happened just before", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const closing = yield* ended(
        alertsTo(channel.layer),
        Effect.flatMap(breakerOf("llm"), (breaker) => fail(breaker))
      )
      yield* Fiber.join(closing)
      expect(channel.lines()).toEqual([OPENED])
    })
  })

  it.effect("waits for a group that is under way, and then sends the rest", () => {
    const channel = recording(() => Effect.sleep("2 seconds"))
    return Effect.gen(function* () {
      const closing = yield* ended(alertsTo(channel.layer), flapping)
      yield* TestClock.adjust("6 seconds")
      expect(channel.groups.map(({ alerts, service }) => [service, ...alerts.map(({ kind }) => kind)])).toEqual([
        ["llm", "opened"],
        ["db", "opened", "closed"],
        ["llm", "closed"]
      ])
      yield* Fiber.join(closing)
    })
  })

  it.effect("does not wait longer than one send may take, and leaves no fiber", () => {
    const log: Array<string> = []
    let isInterrupted = false
    const hang = Effect.onInterrupt(Effect.never, () => Effect.sync(() => void (isInterrupted = true)))
    const channel = recording(() => hang)
    return Effect.gen(function* () {
      const closing = yield* ended(alertsTo(channel.layer, { sendTimeout: "7 seconds" }), flapping)
      yield* TestClock.adjust("6999 millis")
      expect([closing.pollUnsafe(), isInterrupted]).toEqual([undefined, false])
      yield* TestClock.adjust("1 millis")
      yield* Fiber.join(closing)
      expect(isInterrupted).toBe(true)
      expect(log).toEqual([expect.stringContaining("could not be delivered to test")])
      const calls = channel.calls()
      yield* TestClock.adjust("1 hour")
      expect(channel.calls()).toBe(calls)
    }).pipe(Effect.provide(logInto(log)))
  })

  it.effect("comes with the interruption of the program too", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const program = Effect.gen(function* () {
        const breaker = yield* breakerOf("llm")
        yield* fail(breaker)
        yield* Effect.sleep("10 seconds")
        yield* succeed(breaker)
        return yield* Effect.never
      })
      const fiber = yield* Effect.forkChild(program.pipe(Effect.provide(alertsTo(channel.layer))))
      yield* TestClock.adjust("20 seconds")
      expect(channel.lines()).toEqual([OPENED])
      yield* Fiber.interrupt(fiber)
      expect(channel.lines()).toEqual([OPENED, "llm: circuit closed after 10s"])
    })
  })

  it.effect("does not wait longer when the program is interrupted either", () => {
    const channel = recording(() => Effect.never)
    return Effect.gen(function* () {
      const program = Effect.andThen(flapping, Effect.never).pipe(Effect.provide(alertsTo(channel.layer)))
      const fiber = yield* Effect.forkChild(program)
      yield* TestClock.adjust("1 second")
      const interruption = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("9999 millis")
      expect([channel.calls() > 0, interruption.pollUnsafe()]).toEqual([true, undefined])
      yield* TestClock.adjust("1 millis")
      expect(interruption.pollUnsafe()).toEqual(Exit.void)
    }).pipe(Effect.provide(logInto([])))
  })

  it.effect("is the end of alerts", () => {
    const channel = recording()
    return Effect.gen(function* () {
      const registry = yield* Policy.ResilienceRegistry
      const layer = Alerts.layer().pipe(
        Layer.provide(channel.layer),
        Layer.provide(Layer.succeed(Policy.ResilienceRegistry, registry))
      )
      const breaker = yield* breakerOf("llm")
      yield* Effect.scoped(Effect.andThen(Layer.build(layer), fail(breaker)))
      expect(channel.lines()).toEqual([OPENED])
      yield* breaker.reset
      yield* TestClock.adjust("1 hour")
      expect(channel.lines()).toEqual([OPENED])
    }).pipe(Effect.provide(Resilience.layer()))
  })
})

describe("the layer", () => {
  it.effect("does not inherit the deadline of whoever makes it", () => {
    const channel = recording(() => Effect.sleep("2 seconds"))
    return Effect.gen(function* () {
      const scope = yield* Effect.scope
      const context = yield* Layer.buildWithScope(alertsTo(channel.layer), scope).pipe(
        Deadline.withDeadline("1 second")
      )
      yield* TestClock.adjust("1 minute")
      yield* Effect.flatMap(breakerOf("llm"), (breaker) => fail(breaker)).pipe(Effect.provideContext(context))
      yield* TestClock.adjust("2 seconds")
      expect(channel.lines()).toEqual([OPENED])
    })
  })

  it.effect("refuses wrong options and names them", () =>
    Effect.gen(function* () {
      const options = { throttle: -1, sendTimeout: "never" as never, colour: "red" }
      const exit = yield* Effect.exit(Layer.build(alertsTo(recording().layer, options)))
      expect(String(Exit.isFailure(exit) && exit.cause)).toMatch(
        /Alerts\.layer: invalid options[^]*colour[^]*throttle[^]*sendTimeout/
      )
    })
  )

  it.effect("serves two channels side by side", () => {
    const gate = Latch.makeUnsafe()
    const [pager, mail] = [recording(), recording(() => gate.await)]
    const layer = Layer.merge(
      Alerts.layer().pipe(Layer.provide(pager.layer)),
      Alerts.layer().pipe(Layer.provide(mail.layer))
    ).pipe(Layer.provideMerge(Resilience.layer()))
    return Effect.gen(function* () {
      yield* fail(yield* breakerOf("llm"))
      yield* settle
      expect([pager.lines(), mail.calls(), mail.lines()]).toEqual([[OPENED], 1, []])
      yield* gate.open
    }).pipe(Effect.provide(layer))
  })
})
