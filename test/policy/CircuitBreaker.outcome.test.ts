import { describe, expect, it } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber, Schema, Formatter } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Deadline, ErrorTraits, Outcome, ServiceError, Timeout } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { call, calls, down, fail, rejection, snapshot, start, stateOf, up } from "./support/circuit.ts"

/** A breaker that opens at once, and what it has counted after one call. */
const judged = <A, E>(effect: Effect.Effect<A, E>, functions?: CircuitBreaker.Functions) =>
  Effect.gen(function* () {
    const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 }, functions)
    const exit = yield* effect.pipe(breaker.execute, Effect.exit)
    const { failures, ignored, state, successes } = yield* snapshot(breaker)
    return { exit, counted: { failures, ignored, successes, state } }
  })

const success = { failures: 0, ignored: 0, successes: 1, state: "Closed" }
const failure = { failures: 1, ignored: 0, successes: 0, state: "Open" }
const ignored = { failures: 0, ignored: 1, successes: 0, state: "Closed" }

/** Reads what may be missing from what the dependency sent. */
class Busy extends Schema.TaggedError<Busy>()("Busy", { headers: Schema.Record(Schema.String, Schema.String) }).pipe(
  ErrorTraits.annotate({
    errorCode: "busy",
    httpStatus: 503,
    retryAfter: ({ headers }) => Duration.seconds(Number(headers["retry-after"]!.trim()))
  })
) {}

describe("an error whose hint cannot be read", () => {
  const busy = Effect.fail(new Busy({ headers: {} }))

  it.effect("is a failure like any other, without a hint, and reaches the caller", () =>
    Effect.gen(function* () {
      expect(yield* judged(busy)).toEqual({ exit: yield* Effect.exit(busy), counted: failure })
    })
  )

  it.effect("ends a probe, as any failure does", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      yield* Effect.exit(breaker.execute(busy))
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", probing: 0 })
    })
  )
})

describe("by default", () => {
  it.effect("a value is a success, also one that looks like a failure", () =>
    Effect.gen(function* () {
      for (const value of [undefined, null, false, new Error("a value"), Exit.fail("a value")]) {
        expect((yield* judged(Effect.sync(() => value))).counted).toEqual(success)
      }
    })
  )

  it.effect("a typed error is a failure", () =>
    Effect.gen(function* () {
      for (const error of [undefined, null, "down", new Error("down")]) {
        expect(yield* judged(Effect.fail(error))).toEqual({ exit: Exit.fail(error), counted: failure })
      }
    })
  )

  it.effect("an error whose traits say that the dependency answered is a success, and reaches the caller", () =>
    Effect.gen(function* () {
      const error = new ServiceError.NotFound({ resource: "user", id: "1" })
      expect(yield* judged(Effect.fail(error))).toEqual({ exit: Exit.fail(error), counted: success })
      const busy = new ServiceError.Overloaded({ service: "llm" })
      expect(yield* judged(Effect.fail(busy))).toEqual({ exit: Exit.fail(busy), counted: failure })
    })
  )

  it.effect("a defect is a failure and is raised again unchanged", () =>
    Effect.gen(function* () {
      const defect = new Error("bug")
      const { counted, exit } = yield* judged(Effect.die(defect))
      expect(counted).toEqual(failure)
      expect(Exit.findDefect(exit)).toMatchObject({ _tag: "Success", success: defect })
      const thrown = yield* judged(
        Effect.sync(() => {
          throw defect
        })
      )
      expect(thrown.counted).toEqual(failure)
      expect(Exit.findDefect(thrown.exit)).toMatchObject({ success: defect })
    })
  )

  it.effect("an interruption from outside is ignored", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const running = yield* start(breaker)
      yield* running.interrupt
      expect(yield* snapshot(breaker)).toMatchObject(ignored)
    })
  )

  it.effect("an interruption from inside is ignored", () =>
    Effect.gen(function* () {
      expect((yield* judged(Effect.interrupt)).counted).toEqual(ignored)
    })
  )

  it.effect("an interruption is a failure when a finalizer dies of it", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const fiber = yield* Effect.never.pipe(
        Effect.ensuring(Effect.die("no rollback")),
        breaker.execute,
        Effect.forkChild({ startImmediately: true })
      )
      yield* Fiber.interrupt(fiber)
      expect(yield* snapshot(breaker)).toMatchObject(failure)
    })
  )

  it.effect("a cause of several failures is raised again as it is", () =>
    Effect.gen(function* () {
      const cause = Cause.combine(Cause.fail("down"), Cause.die("bug"))
      const { counted, exit } = yield* judged(Effect.failCause(cause))
      expect(counted).toEqual(failure)
      expect(exit).toEqual(Exit.failCause(cause))
    })
  )

  it.effect("a timeout inside is a failure: the dependency did not answer in time", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const fiber = yield* Effect.never.pipe(Timeout.withTimeout("1 second"), breaker.execute, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect(Exit.findErrorOption(yield* Fiber.await(fiber))).toMatchObject({
        value: { _tag: "TimeoutExceededError" }
      })
      expect(yield* snapshot(breaker)).toMatchObject(failure)
    })
  )

  it.effect("a timeout outside only interrupts, so it is ignored", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const fiber = yield* Effect.never.pipe(breaker.execute, Timeout.withTimeout("1 second"), Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* Fiber.await(fiber)
      expect(yield* snapshot(breaker)).toMatchObject(ignored)
    })
  )

  it.effect("an ignored call neither adds to a row of failures nor ends it", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 3 })
      yield* fail(breaker, 2)
      yield* Effect.interrupt.pipe(breaker.execute, Effect.exit)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 2 })
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )

  it.effect("an ignored call is not in the window", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ tripPolicy: "count-window", windowSize: 2 })
      yield* calls(breaker, up)
      yield* Effect.replicateEffect(Effect.interrupt.pipe(breaker.execute, Effect.exit), 5)
      yield* fail(breaker)
      expect(yield* stateOf(breaker)).toBe("Open")
    })
  )
})

describe("a refusal on our own side", () => {
  it.effect("by a bulkhead inside is ignored", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const bulkhead = yield* Bulkhead.make({ maxConcurrent: 1, maxQueue: 0 })
      const guarded = Effect.never.pipe(Bulkhead.withBulkhead(bulkhead), breaker.execute)
      const fiber = yield* Effect.forkChild(guarded, { startImmediately: true })
      expect(yield* Effect.flip(guarded)).toMatchObject({ _tag: "BulkheadRejectedError" })
      expect(yield* snapshot(breaker)).toMatchObject(ignored)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("by a breaker inside is ignored, and is not taken for a rejection of the one outside", () =>
    Effect.gen(function* () {
      const outer = yield* CircuitBreaker.make({ service: "outer", consecutiveFailures: 1 })
      const inner = yield* CircuitBreaker.make({ service: "inner" })
      yield* inner.trip
      const error = yield* up.pipe(inner.execute, outer.execute, Effect.flip)
      expect(error).toMatchObject({ service: "inner", state: "Open" })
      expect(yield* snapshot(outer)).toMatchObject({ ...ignored, rejections: 0 })
    })
  )

  it.effect("by a deadline that had passed before the call is ignored", () =>
    Effect.gen(function* () {
      const { counted, exit } = yield* judged(up.pipe(Deadline.withDeadline(0)))
      expect(counted).toEqual(ignored)
      expect(Exit.findErrorOption(exit)).toMatchObject({ value: { isStarted: false } })
    })
  )

  it.effect("gives the slot of a probe back", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      yield* up.pipe(Deadline.withDeadline(0), breaker.execute, Effect.ignore)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 0 })
      expect(yield* call(breaker)).toBe("up")
    })
  )

  it.effect("is a failure when something died besides", () =>
    Effect.gen(function* () {
      const refusal = new CircuitBreaker.CircuitBreakerOpenError({ service: "inner", state: "Open" })
      const { counted } = yield* judged(Effect.failCause(Cause.combine(Cause.fail(refusal), Cause.die("bug"))))
      expect(counted).toEqual(failure)
    })
  )
})

describe("a deadline that passes during the call", () => {
  it.effect("inside is a failure", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const fiber = yield* Effect.never.pipe(Deadline.withDeadline("1 second"), breaker.execute, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* Fiber.await(fiber)
      expect(yield* snapshot(breaker)).toMatchObject(failure)
    })
  )

  it.effect("outside is a failure although it only interrupts the call", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const fiber = yield* Effect.never.pipe(
        breaker.execute,
        Deadline.withDeadline("1 second"),
        recorded.record,
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.await(fiber)
      expect(yield* snapshot(breaker)).toMatchObject(failure)
      expect(recorded.events()[0]).toMatchObject({
        _tag: "CircuitBreakerFailure",
        attributes: { exception_type: "TimeoutExceededError" },
        error: { scope: "total", isStarted: true, duration: Duration.seconds(1) }
      })
    })
  )

  it.effect("makes a probe fail", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      const fiber = yield* Effect.never.pipe(breaker.execute, Deadline.withDeadline("1 second"), Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* Fiber.await(fiber)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", failures: 1 })
    })
  )

  it.effect("is to blame until all that it interrupts has ended", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const hangs = (millis: number) => Effect.ensuring(Effect.never, Effect.sleep(millis))
      const fiber = yield* hangs(10).pipe(
        Timeout.withTimeout("1 minute"),
        Effect.forkDetach({ startImmediately: true }),
        Effect.andThen(breaker.execute(hangs(30))),
        Deadline.withDeadline("1 second"),
        Effect.forkChild
      )
      yield* TestClock.adjust(1_030)
      yield* Fiber.await(fiber)
      expect(yield* snapshot(breaker)).toMatchObject(failure)
    })
  )

  for (const [how, rest] of [
    ["ended", Effect.void],
    ["was cut off", Effect.never]
  ] as const) {
    it.effect(`is not to blame when a fiber is interrupted that outlived the call, which ${how}`, () =>
      Effect.gen(function* () {
        const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
        const forked: Array<Fiber.Fiber<unknown, unknown>> = []
        const call = Effect.forkDetach(breaker.execute(Effect.never), { startImmediately: true }).pipe(
          Effect.flatMap((worker) => {
            forked.push(worker)
            return rest
          })
        )
        yield* Effect.forkChild(call.pipe(Deadline.withDeadline("1 second")))
        yield* TestClock.adjust("1 hour")
        yield* Fiber.interruptAll(forked)
        expect(yield* snapshot(breaker)).toMatchObject(ignored)
      })
    )
  }

  it.effect("is not to blame for an interruption that comes before it", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const fiber = yield* Effect.never.pipe(breaker.execute, Deadline.withDeadline("1 second"), Effect.forkChild)
      yield* TestClock.adjust(999)
      yield* Fiber.interrupt(fiber)
      expect(yield* snapshot(breaker)).toMatchObject(ignored)
    })
  )

  it.effect("is not put to the classifier", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 }, { classify: () => Outcome.success })
      const fiber = yield* Effect.never.pipe(breaker.execute, Deadline.withDeadline("1 second"), Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* Fiber.await(fiber)
      expect(yield* snapshot(breaker)).toMatchObject(failure)
    })
  )
})

describe("a classifier", () => {
  const byStatus: Outcome.Classify = (exit) =>
    Exit.isSuccess(exit) && Number(exit.value) >= 500 ? Outcome.failure() : Outcome.classify(exit)

  it.effect("can take a value for a failure; the caller gets the value all the same", () =>
    Effect.gen(function* () {
      const { counted, exit } = yield* judged(Effect.succeed(503), { classify: byStatus })
      expect(exit).toEqual(Exit.succeed(503))
      expect(counted).toEqual(failure)
      expect((yield* judged(Effect.succeed(404), { classify: byStatus })).counted).toEqual(success)
    })
  )

  it.effect("can take an error for a success, which ends a row of failures", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 2 })
      yield* fail(breaker)
      expect(yield* call(breaker, down, { classify: () => Outcome.success })).toBe("down")
      expect(yield* snapshot(breaker)).toMatchObject({ failuresInRow: 0, successes: 1 })
    })
  )

  it.effect("can close a half-open circuit by an error that it takes for a success", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second" })
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      yield* call(breaker, down, { classify: () => Outcome.success })
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("can ignore an error and a defect", () =>
    Effect.gen(function* () {
      const classify = () => Outcome.ignored
      expect((yield* judged(down, { classify })).counted).toEqual(ignored)
      expect((yield* judged(Effect.die("bug"), { classify })).counted).toEqual(ignored)
    })
  )

  it.effect("of one call counts more than that of the breaker", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 }, { classify: () => Outcome.ignored })
      yield* call(breaker, down, { classify: undefined })
      expect(yield* snapshot(breaker)).toMatchObject(ignored)
      yield* call(breaker, down, { classify: Outcome.classify })
      expect(yield* snapshot(breaker)).toMatchObject({ ...failure, ignored: 1 })
    })
  )

  it.effect("is asked once for each call, with its exit, and never about a mere interruption or a rejection", () =>
    Effect.gen(function* () {
      const asked: Array<Exit.Exit<unknown, unknown>> = []
      const breaker = yield* CircuitBreaker.make(
        { consecutiveFailures: 1 },
        {
          classify: (exit) => {
            asked.push(exit)
            return Outcome.classify(exit)
          }
        }
      )
      yield* Effect.interrupt.pipe(breaker.execute, Effect.exit)
      yield* (yield* start(breaker)).interrupt
      yield* calls(breaker, up, down)
      yield* rejection(breaker)
      expect(asked).toEqual([Exit.succeed("up"), Exit.fail("down")])
    })
  )

  const boom = new Error("bug in the classifier")
  const throws: Outcome.Classify = () => {
    throw boom
  }

  it.effect("that throws makes the call die of it, and counts as a failure", () =>
    Effect.gen(function* () {
      const { counted, exit } = yield* judged(up, { classify: throws })
      expect(counted).toEqual(failure)
      expect(Exit.findDefect(exit)).toMatchObject({ success: boom })
    })
  )

  it.effect.each([undefined, true, { _tag: "success" }])("that answers with no outcome, but %s, is told so", (answer) =>
    Effect.gen(function* () {
      const careless = (() => answer) as unknown as Outcome.Classify
      const { counted, exit } = yield* judged(up, { classify: careless })
      expect(counted).toEqual(failure)
      expect(Exit.findDefect(exit)).toMatchObject({
        success: new TypeError(`classify: expected an Outcome, got ${Formatter.format(answer)}`)
      })
    })
  )

  it.effect("that throws leaves the error of the call in the cause, as Effect does when a finalizer dies", () =>
    Effect.gen(function* () {
      const { counted, exit } = yield* judged(down, { classify: throws })
      expect(counted).toEqual(failure)
      expect(exit).toEqual(Exit.failCause(Cause.combine(Cause.die("down"), Cause.die(boom))))
    })
  )

  it.effect.each([
    ["throws", throws],
    ["answers with nothing", (() => {}) as unknown as Outcome.Classify]
  ] as const)("that %s gives the slot of a probe back", ([, classify]) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ openDuration: "1 second", probes: 2, successesToClose: 1 })
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      const exit = yield* up.pipe(CircuitBreaker.withCircuitBreaker(breaker, { classify }), Effect.exit)
      expect(Exit.hasDies(exit)).toBe(true)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 0, failures: 1 })
      yield* call(breaker)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )
})

describe("the result of a call that was admitted earlier", () => {
  it.effect("does not trip a circuit that has opened and closed since", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "1 second" })
      const late = yield* start(breaker)
      yield* fail(breaker)
      yield* TestClock.adjust("1 second")
      yield* call(breaker)
      yield* late.end(down)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failuresInRow: 0, failures: 2, late: 1 })
    })
  )

  it.effect.each([
    ["a success", up, { successes: 1, failures: 1 }],
    ["a failure", down, { successes: 0, failures: 2 }]
  ] as const)("neither closes nor lengthens an open circuit: %s", ([, end, counts]) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "10 seconds" })
      const late = yield* start(breaker)
      yield* fail(breaker)
      yield* TestClock.adjust("4 seconds")
      yield* late.end(end)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", late: 1, openings: 1, ...counts })
      expect((yield* rejection(breaker)).retryAfter).toEqual(Duration.seconds(6))
    })
  )

  it.effect.each([
    ["a success", up],
    ["a failure", down]
  ] as const)("does not decide about a half-open circuit, nor take a slot there: %s", ([, end]) =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1, openDuration: "1 second" })
      const late = yield* start(breaker)
      yield* fail(breaker)
      yield* TestClock.adjust("1 second")
      const probe = yield* start(breaker)
      yield* late.end(end)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 1, late: 1 })
      expect(yield* call(breaker)).toBe("HalfOpen")
      yield* probe.end(up)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("of a probe does not decide about a later round", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({
        openDuration: "1 second",
        probes: 2,
        successesToClose: 2,
        probeTimeout: "1 minute"
      })
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      const late = yield* start(breaker)
      yield* call(breaker, down)
      yield* TestClock.adjust("1 second")
      yield* call(breaker)
      yield* late.end(up)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "HalfOpen", late: 1 })
      yield* call(breaker)
      expect(yield* stateOf(breaker)).toBe("Closed")
    })
  )

  it.effect("that is ignored is late, too, and still counted as ignored", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ consecutiveFailures: 1 })
      const late = yield* start(breaker)
      yield* fail(breaker)
      yield* late.interrupt
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", ignored: 1, late: 1 })
    })
  )

  it.effect("is not in the window of a circuit that was reset since", () =>
    Effect.gen(function* () {
      const breaker = yield* CircuitBreaker.make({ tripPolicy: "count-window", minimumCalls: 1 })
      const late = yield* start(breaker)
      yield* breaker.reset
      yield* late.end(down)
      expect(yield* snapshot(breaker)).toMatchObject({ state: "Closed", failures: 1, late: 1 })
    })
  )
})
