import { describe, expect, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Option } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Outcome, Policy, ResilienceError } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { call, calls, down, fail, rejection, snapshot, start, up } from "./support/circuit.ts"

class Unavailable extends Error {
  readonly _tag = "Unavailable"
}

describe("events", () => {
  it.effect("tell of failures, transitions and rejections in their order", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2, openDuration: "1 second" })
      yield* recorded.record(calls(breaker, up, down, down, up))
      yield* TestClock.adjust("1 second")
      yield* recorded.record(calls(breaker, down, up))
      yield* TestClock.adjust("1 second")
      yield* recorded.record(calls(breaker, up, up))
      expect(recorded.tags()).toEqual([
        "CircuitBreakerFailure",
        "CircuitBreakerFailure",
        "CircuitBreakerTransition",
        "CircuitBreakerRejection",
        "CircuitBreakerTransition",
        "CircuitBreakerFailure",
        "CircuitBreakerTransition",
        "CircuitBreakerRejection",
        "CircuitBreakerTransition",
        "CircuitBreakerTransition"
      ])
    })
  )

  it.effect("tell of a transition in which mode it was, unless the breaker turns calls away", () =>
    Effect.gen(function* () {
      const modesOf = (mode: CircuitBreaker.Mode) =>
        Effect.gen(function* () {
          const recorded = RecordedEvents.make()
          const breaker = yield* CircuitBreaker.make({ mode })
          yield* recorded.record(breaker.trip)
          return recorded.events().map(({ attributes }) => attributes)
        })
      expect(yield* modesOf("observe")).toMatchObject([{ from: "Closed", to: "Open", mode: "observe" }])
      expect((yield* modesOf("enforce")).map((attributes) => "mode" in attributes)).toEqual([false])
    })
  )

  it.effect("are not told of successes and of ignored calls", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ tripPolicy: "time-window" })
      yield* recorded.record(calls(breaker, up, up))
      yield* recorded.record(Effect.exit(breaker.execute(Effect.interrupt)))
      yield* recorded.record(Effect.andThen(breaker.reset, breaker.setMode("observe")))
      expect(recorded.events()).toEqual([])
    })
  )

  it.effect("name the error of a failure by its tag, its class or its type", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make(
        { service: "llm", consecutiveFailures: 10 },
        { classify: () => Outcome.failure() }
      )
      const tagged = new Unavailable("for now")
      yield* TestClock.setTime(1_000)
      const ends: ReadonlyArray<Effect.Effect<string, unknown>> = [
        Effect.fail(tagged),
        Effect.fail(new TypeError("no")),
        down,
        Effect.die(tagged),
        up
      ]
      yield* recorded.record(Effect.forEach(ends, (end) => Effect.exit(breaker.execute(end))))
      expect(recorded.events().map(({ attributes }) => attributes["exception_type"])).toEqual([
        "Unavailable",
        "TypeError",
        "string",
        "Unavailable",
        "value"
      ])
      expect(recorded.events()[0]).toEqual({
        _tag: "CircuitBreakerFailure",
        kind: "circuit-breaker",
        service: "llm",
        severity: "Debug",
        at: 1_000,
        attributes: { exception_type: "Unavailable" },
        error: tagged
      })
    })
  )

  it.effect("tell of a transition from where to where, how often, and for how long", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second", openDurationFactor: 2 })
      yield* TestClock.adjust("1 hour")
      yield* recorded.record(
        Effect.gen(function* () {
          yield* breaker.trip
          yield* TestClock.adjust("1 second")
          yield* fail(breaker)
          yield* TestClock.adjust("2 seconds")
          yield* call(breaker)
          yield* breaker.isolate
          yield* breaker.reset
        })
      )
      const transitions = recorded.events().filter(({ _tag }) => _tag === "CircuitBreakerTransition")
      expect(transitions.map(({ attributes }) => attributes)).toEqual([
        { from: "Closed", to: "Open", openings: 1, open_millis: 1_000 },
        { from: "Open", to: "HalfOpen", openings: 1 },
        { from: "HalfOpen", to: "Open", openings: 2, open_millis: 2_000 },
        { from: "Open", to: "HalfOpen", openings: 2 },
        { from: "HalfOpen", to: "Closed", openings: 2, outage_millis: 3_000 },
        { from: "Closed", to: "Isolated", openings: 2 },
        { from: "Isolated", to: "Closed", openings: 0, outage_millis: 0 }
      ])
      expect(transitions.map(({ severity }) => severity)).toEqual([
        "Warn",
        "Info",
        "Warn",
        "Info",
        "Info",
        "Warn",
        "Info"
      ])
    })
  )

  it.effect("tell of a rejection with its error and the state that caused it", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      yield* breaker.trip
      const open = yield* recorded.record(rejection(breaker))
      yield* TestClock.adjust("1 second")
      yield* start(breaker)
      yield* recorded.record(rejection(breaker))
      yield* breaker.isolate
      yield* recorded.record(rejection(breaker))
      expect(recorded.events().map(({ attributes, severity }) => [attributes, severity])).toEqual([
        [{ state: "Open", mode: "enforce" }, "Debug"],
        [{ state: "HalfOpen", mode: "enforce" }, "Debug"],
        [{ state: "Isolated", mode: "enforce" }, "Debug"]
      ])
      expect(recorded.events()[0]!.error).toBe(open)
    })
  )

  it.effect("tell of a probe, but only where the call is traced", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "1 second" })
      const probe = Effect.andThen(TestClock.adjust("1 second"), call(breaker, down))
      yield* breaker.trip
      yield* recorded.record(probe)
      yield* recorded.record(Effect.withSpan(probe, "caller"))
      yield* call(breaker, up, { key: "another" })
      yield* breaker.reset
      yield* recorded.record(Effect.withSpan(call(breaker, up, { key: "another" }), "caller"))
      const probes = recorded.events().filter(({ _tag }) => _tag === "CircuitBreakerProbe")
      expect(probes.map(({ attributes, severity }) => [attributes, severity])).toEqual([
        [{ state: "HalfOpen" }, "Debug"]
      ])
    })
  )

  it.effect("tell of a rejection that only would have been", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ mode: "observe" })
      yield* breaker.trip
      yield* recorded.record(call(breaker))
      expect(recorded.events()).toMatchObject([
        { _tag: "CircuitBreakerRejection", attributes: { state: "Open", mode: "observe" }, error: undefined }
      ])
    })
  )

  it.effect("never hold the key of a call", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "1 second" })
      yield* recorded.record(
        Effect.gen(function* () {
          yield* fail(breaker, 2, { key: "secret" })
          yield* TestClock.adjust("1 second")
          yield* call(breaker, up, { key: "secret" })
        })
      )
      expect(recorded.events().length).toBe(5)
      expect(JSON.stringify(recorded.events())).not.toContain("secret")
    })
  )

  it.effect("reach every observer, and one that throws harms nobody", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const throws: Policy.Observer = () => {
        throw new Error("bug in an observer")
      }
      const observed = recorded.record(calls(breaker, down, up)).pipe(Effect.provide(Policy.layerObservers([throws])))
      expect(yield* observed).toEqual(["down", "Open"])
      expect(recorded.events().length).toBe(3)
    })
  )

  it.effect("come from the fiber that notices: a lapsed probe is told of by the next caller", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 minute", probeTimeout: "1 second" })
      yield* breaker.trip
      yield* TestClock.adjust("1 minute")
      yield* start(breaker)
      yield* TestClock.adjust("1 second")
      yield* recorded.record(call(breaker))
      expect(recorded.events()).toMatchObject([
        { attributes: { from: "HalfOpen", to: "Open", openings: 2, open_millis: 60_000 } },
        { attributes: { state: "Open" } }
      ])
    })
  )
})

describe("a snapshot", () => {
  it.effect("of a new breaker is all zero", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ service: "llm" })
      expect(yield* Policy.snapshot(breaker)).toEqual({
        kind: "circuit-breaker",
        service: "llm",
        mode: "enforce",
        state: "Closed",
        openings: 0,
        failuresInRow: 0,
        failureRate: Option.none(),
        slowCallRate: Option.none(),
        probing: 0,
        retryAfter: Option.none(),
        isolations: [],
        keys: 0,
        keysNotClosed: 0,
        worstState: "Closed",
        successes: 0,
        failures: 0,
        ignored: 0,
        slowCalls: 0,
        late: 0,
        rejections: 0,
        wouldReject: 0,
        transitions: 0
      })
    })
  )

  it.effect("tells how long the circuit is open, down to zero", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      yield* breaker.trip
      expect((yield* snapshot(breaker)).retryAfter).toEqual(Option.some(Duration.seconds(1)))
      yield* TestClock.adjust(999)
      expect((yield* snapshot(breaker)).retryAfter).toEqual(Option.some(Duration.millis(1)))
      yield* TestClock.adjust("1 hour")
      expect((yield* snapshot(breaker)).retryAfter).toEqual(Option.some(Duration.zero))
    })
  )

  it.effect("is a preview for any moment and moves nothing", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        tripPolicy: "time-window",
        minimumCalls: 2,
        windowDuration: "10 seconds",
        openDuration: "1 minute",
        probeTimeout: "5 seconds"
      })
      yield* calls(breaker, up, down)
      expect(breaker.snapshot(20_000)).toMatchObject({ state: "Open" })
      expect(breaker.snapshot(20_000)).toMatchObject({ transitions: 1 })
      yield* TestClock.adjust("1 minute")
      const probe = yield* start(breaker)
      expect(breaker.snapshot(65_000)).toMatchObject({
        state: "Open",
        probing: 0,
        retryAfter: Option.some(Duration.minutes(1))
      })
      expect(breaker.snapshot(64_999)).toMatchObject({ state: "HalfOpen", probing: 1, transitions: 2 })
      yield* probe.end(up)
      yield* calls(breaker, up, up)
      expect(breaker.snapshot(80_000).failureRate).toEqual(Option.none())
      expect(breaker.snapshot(60_000).failureRate).toEqual(Option.some(0))
    })
  )

  it.effect("is not changed by what happens later", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const before = yield* snapshot(breaker)
      yield* fail(breaker)
      expect(before).toMatchObject({ state: "Closed", failures: 0, transitions: 0 })
    })
  )
})

describe("the error of a rejection", () => {
  const error = new CircuitBreaker.CircuitBreakerOpenError({
    service: "llm",
    state: "Open",
    retryAfter: Duration.seconds(30)
  })

  it.effect("is what callers get, with the service, the state and the time to wait", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ service: "llm", openDuration: "30 seconds" })
      yield* breaker.trip
      expect(yield* rejection(breaker)).toEqual(error)
    })
  )

  it("is an Error with a name and a message", () => {
    expect(error).toBeInstanceOf(Error)
    expect(error).toBeInstanceOf(CircuitBreaker.CircuitBreakerOpenError)
    expect(ResilienceError.isResilienceError(error)).toBe(true)
    expect(error.name).toBe("CircuitBreakerOpenError")
    expect(error.message).toBe('the circuit of "llm" rejects calls for 30s (Open)')
    expect(String(error)).toBe(`CircuitBreakerOpenError: ${error.message}`)
  })

  it("captures no stack trace", () => {
    expect(Object.hasOwn(error, "stack")).toBe(false)
    expect(error.stack).toBe(`CircuitBreakerOpenError: ${error.message}`)
  })

  it("carries the traits that others read", () => {
    expect(ResilienceError.hasTraits(error)).toBe(true)
    expect(error).toMatchObject({
      errorCode: "resilience.circuit_breaker_open",
      httpStatus: 503,
      category: "external_error",
      retryPolicy: "conditional",
      isOwnSide: true
    })
    expect(error.userMessage).not.toContain("llm")
  })

  it("can be written as JSON", () => {
    expect(JSON.parse(JSON.stringify(error))).toEqual({
      _tag: "CircuitBreakerOpenError",
      service: "llm",
      state: "Open",
      retryAfter: { _id: "Duration", _tag: "Millis", millis: 30_000 },
      message: error.message
    })
  })

  it("is readable in a cause", () => {
    expect(Cause.pretty(Cause.fail(error))).toContain(`CircuitBreakerOpenError: ${error.message}`)
  })

  it.effect("can be yielded and caught by its tag", () =>
    Effect.gen(function* () {
      const failing = Effect.gen(function* () {
        return yield* error
      })
      expect(yield* Effect.exit(failing)).toEqual(Exit.fail(error))
      expect(
        yield* failing.pipe(Effect.catchTag("CircuitBreakerOpenError", ({ state }) => Effect.succeed(state)))
      ).toBe("Open")
    })
  )
})

describe("the kind", () => {
  const { Kind } = CircuitBreaker

  const reading = (breaker: CircuitBreaker.CircuitBreaker, name: string): number => {
    const instrument = Kind.instruments.find((one) => one.name === name)
    return instrument?.type === "gauge" || instrument?.type === "counter" ? instrument.read(breaker, 0) : NaN
  }

  const labelsOf = (name: string, event: Policy.Event): Policy.Labels | undefined => {
    const instrument = Kind.instruments.find((one) => one.name === name)
    return instrument?.type === "events" ? instrument.labels(event) : undefined
  }

  it.effect("reads the state as a number, from the start", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second", probeTimeout: "1 minute" })
      const states = [reading(breaker, CircuitBreaker.metrics.state)]
      yield* breaker.trip
      states.push(reading(breaker, CircuitBreaker.metrics.state))
      yield* TestClock.adjust("1 second")
      yield* start(breaker)
      states.push(reading(breaker, CircuitBreaker.metrics.state))
      yield* breaker.isolate
      states.push(reading(breaker, CircuitBreaker.metrics.state))
      expect(states).toEqual([0, 1, 2, 3])
    })
  )

  it.effect("reads successes and rejections from the breaker, and counts the rest from its events", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ service: "llm", consecutiveFailures: 1 })
      yield* recorded.record(calls(breaker, up, up, down, up))
      expect(reading(breaker, CircuitBreaker.metrics.successes)).toBe(2)
      expect(reading(breaker, CircuitBreaker.metrics.rejections)).toBe(1)
      expect(recorded.events().map((event) => labelsOf(CircuitBreaker.metrics.failures, event))).toEqual([
        { service: "llm", exception_type: "string" },
        undefined,
        undefined
      ])
      expect(recorded.events().map((event) => labelsOf(CircuitBreaker.metrics.transitions, event))).toEqual([
        undefined,
        { service: "llm", from: "Closed", to: "Open" },
        undefined
      ])
    })
  )

  it("labels what it reads with the service", () => {
    const breaker = CircuitBreaker.makeUnsafe({ service: "llm" })
    const labels = Kind.instruments.flatMap((one) => (one.type === "events" ? [] : [one.labels(breaker)]))
    expect(labels).toEqual([{ service: "llm" }, { service: "llm" }, { service: "llm" }])
  })

  it.effect("tells the outcomes of all calls", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      yield* breaker.execute(Effect.interrupt).pipe(Effect.exit)
      yield* calls(breaker, up, up, down, up, up, up)
      expect(Kind.outcomes(breaker, 0)).toEqual({ success: 2, failure: 1, ignored: 1, rejected: 3 })
    })
  )

  it.effect("offers its commands to operators", () =>
    Effect.gen(function* () {
      const breaker = Kind.make("llm", CircuitBreaker.makeUnsafe().options)
      const states: Array<string> = []
      for (const name of ["trip", "isolate", "reset"]) {
        yield* Kind.commands.find((command) => command.name === name)!.run(breaker, {}, "anne")
        states.push((yield* snapshot(breaker)).state)
      }
      expect(states).toEqual(["Open", "Isolated", "Closed"])
      expect(Kind.commands.map(({ name }) => name)).toEqual(["reset", "trip", "isolate", "release", "mode"])
    })
  )

  it.each([
    [{}, "opens at 5 failures in a row, for 1m"],
    [{ openDuration: Infinity }, "opens at 5 failures in a row, until it is reset"],
    [{ mode: "observe" }, "opens at 5 failures in a row, for 1m (observe)"],
    [{ mode: "disabled" }, "opens at 5 failures in a row, for 1m (disabled)"],
    [
      { tripPolicy: "count-window", windowSize: 10, failureRate: 0.25, openDuration: "5 seconds" },
      "opens at 25 % failures in the last 10 calls (at least 10 calls), for 5s"
    ],
    [
      { tripPolicy: "time-window", failureRate: 0.07, slowCallDuration: "2 seconds", slowCallRate: 0.555 },
      "opens at 7 % failures or 55.5 % over 2s in the last 30s (at least 20 calls), for 1m"
    ]
  ] as const)("describes %o in one line", (options, description) => {
    expect(CircuitBreaker.makeUnsafe(options).describe()).toBe(description)
  })
})
