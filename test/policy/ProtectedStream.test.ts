import { describe, expect, it } from "@effect/vitest"
import {
  Cause,
  Channel,
  Deferred,
  Duration,
  Effect,
  Exit,
  Fiber,
  Option,
  Ref,
  Schedule,
  Scheduler,
  Scope,
  Stream
} from "effect"
import { TestClock } from "effect/testing"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  Fallback,
  Outcome,
  Pipeline,
  Policy,
  ProtectedStream,
  Resilience,
  Retry,
  Timeout
} from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import * as Sleeps from "../support/sleeps.ts"

const start = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.forkChild(self, { startImmediately: true })
const errorOf = (exit: Exit.Exit<unknown, unknown>) => (Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined)
const hung = <A>(...elements: ReadonlyArray<A>) => Stream.concat(Stream.fromIterable(elements), Stream.never)
const broken = <A>(...elements: ReadonlyArray<A>) => Stream.concat(Stream.fromIterable(elements), Stream.fail("broken"))

/** A stream whose attempts go as the list says, and how many there were. */
const attempts = <A, E>(list: ReadonlyArray<Stream.Stream<A, E>>) => {
  let made = 0
  const stream = Stream.suspend(() => list[Math.min(made++, list.length - 1)]!)
  return { stream, made: () => made }
}

const pipelineWith = (options: Pipeline.MakeOptions = {}) =>
  Pipeline.makeUnsafe({
    service: "llm",
    deadline: "10 minutes",
    retry: { jitter: "none" },
    circuitBreaker: {},
    bulkhead: { maxConcurrent: 2, maxQueue: 0 },
    timeout: { firstElement: "20 seconds", idle: "5 seconds" },
    ...options
  } as { readonly service: "llm" }) as unknown as Pipeline.Pipeline<Pipeline.AllParts>

const state = (pipeline: Pipeline.Pipeline<Pipeline.AllParts>) =>
  Effect.gen(function* () {
    const [, , circuitBreaker, bulkhead, timeout] = pipeline.parts
    return {
      breaker: yield* Policy.snapshot(circuitBreaker),
      bulkhead: yield* Policy.snapshot(bulkhead),
      timeout: yield* Policy.snapshot(timeout)
    }
  })

describe("a stream that goes well", () => {
  it.effect("keeps its elements, their order and their chunks", () =>
    Effect.gen(function* () {
      const chunks = Stream.fromArrays([1, 2, 3], [4], [5, 6])
      const seen = yield* chunks.pipe(ProtectedStream.protect(pipelineWith()), Stream.chunks, Stream.runCollect)
      expect(seen).toEqual([[1, 2, 3], [4], [5, 6]])
    })
  )

  it.effect("may take longer than a call may, as long as its elements come in time", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith({
        timeout: { duration: "3 seconds", firstElement: "5 seconds", idle: "5 seconds" }
      })
      const stream = Stream.range(1, 5).pipe(Stream.rechunk(1), Stream.schedule(Schedule.spaced("4 seconds")))
      const fiber = yield* start(stream.pipe(ProtectedStream.protect(pipeline), Stream.runCount))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toBe(5)
      expect((yield* state(pipeline)).timeout).toMatchObject({ successes: 1, exceeded: 0 })
    })
  )

  it.effect.each([3, 4, 5, 6, 7, 8, 12, 16])("comes to its end, with a yield after %i steps", (steps) =>
    Effect.gen(function* () {
      const stream = Stream.range(1, 20).pipe(Stream.rechunk(1), ProtectedStream.protect(pipelineWith()))
      const count = Stream.runCount(stream).pipe(Effect.provideService(Scheduler.MaxOpsBeforeYield, steps))
      expect(yield* count).toBe(20)
    })
  )

  it.effect("may be empty", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      expect(yield* Stream.empty.pipe(ProtectedStream.protect(pipeline), Stream.runCollect)).toEqual([])
      expect((yield* state(pipeline)).breaker.successes).toBe(1)
    })
  )

  it.effect("is one call, and a success when it has ended", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      yield* Stream.range(1, 1_000).pipe(Stream.rechunk(7), ProtectedStream.protect(pipeline), Stream.runDrain)
      const { breaker, bulkhead, timeout } = yield* state(pipeline)
      expect([breaker.successes, breaker.failures, bulkhead.active, timeout.successes]).toEqual([1, 0, 0, 1])
    })
  )

  it.effect("can run any number of times, each a call of its own", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      const stream = Stream.make(1, 2).pipe(ProtectedStream.protect(pipeline))
      expect(yield* Stream.runCollect(stream)).toEqual([1, 2])
      expect(yield* Stream.runCollect(stream)).toEqual([1, 2])
      expect((yield* state(pipeline)).breaker.successes).toBe(2)
    })
  )

  it.effect("is pulled only when more is asked for", () =>
    Effect.gen(function* () {
      const pulled = yield* Ref.make(0)
      const stream = Stream.range(1, 10).pipe(
        Stream.rechunk(1),
        Stream.tap(() => Ref.update(pulled, (n) => n + 1)),
        ProtectedStream.protect(pipelineWith())
      )
      const seen: Array<number> = []
      yield* Stream.runForEach(stream, (n) =>
        Effect.gen(function* () {
          yield* Effect.yieldNow
          seen.push((yield* Ref.get(pulled)) - n)
        })
      )
      expect(new Set(seen)).toEqual(new Set([0]))
    })
  )

  it.effect("does not make the stack deep, however many elements come at once", () =>
    Effect.gen(function* () {
      const bulkhead = Bulkhead.makeUnsafe()
      const count = Stream.range(1, 50_000).pipe(
        Stream.rechunk(1),
        ProtectedStream.protect(bulkhead),
        ProtectedStream.withTimeouts({ idle: "1 second" }),
        Stream.runCount
      )
      expect(yield* count).toBe(50_000)
    })
  )

  it.effect("sees the context of its consumer", () =>
    Effect.gen(function* () {
      const stream = Stream.fromEffect(Resilience.explain("llm")).pipe(ProtectedStream.protect("llm"))
      const [text] = yield* Stream.runCollect(stream)
      expect(text).toContain("circuit-breaker")
    }).pipe(Effect.provide(Resilience.layer()))
  )
})

describe("a permit", () => {
  it.effect("is held until the stream has ended, also while the consumer is busy", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      const active: Array<number> = []
      yield* Stream.make(1, 2).pipe(
        Stream.rechunk(1),
        ProtectedStream.protect(pipeline),
        Stream.runForEach(() => Effect.map(state(pipeline), ({ bulkhead }) => active.push(bulkhead.active)))
      )
      expect(active).toEqual([1, 1])
      expect((yield* state(pipeline)).bulkhead.active).toBe(0)
    })
  )

  it.effect("limits how many streams there are at once", () =>
    Effect.gen(function* () {
      const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 2, maxQueue: 0 })
      const run = Stream.runDrain(hung(1).pipe(ProtectedStream.protect(bulkhead)))
      const fibers = [yield* start(run), yield* start(run)]
      expect(errorOf(yield* Effect.exit(run))).toBeInstanceOf(Bulkhead.BulkheadRejectedError)
      yield* Fiber.interruptAll(fibers)
      expect(yield* Stream.runCollect(Stream.make(1).pipe(ProtectedStream.protect(bulkhead)))).toEqual([1])
    })
  )

  it.effect("comes back before the consumer hears of the end", () =>
    Effect.gen(function* () {
      const bulkhead = Bulkhead.makeUnsafe()
      let active = -1
      const note = Effect.map(Policy.snapshot(bulkhead), (snapshot) => {
        active = snapshot.active
      })
      yield* broken(1).pipe(
        ProtectedStream.protect(bulkhead),
        Stream.catchCause(() => Stream.fromEffectDrain(note)),
        Stream.runDrain
      )
      expect(active).toBe(0)
    })
  )
})

describe("before the first element", () => {
  it.effect("a failed stream starts again", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      const { made, stream } = attempts<number, string>([broken(), broken(), Stream.make(1, 2)])
      const fiber = yield* start(Stream.runCollect(stream.pipe(ProtectedStream.protect(pipeline))))
      yield* TestClock.adjust("3 seconds")
      expect([yield* Fiber.join(fiber), made()]).toEqual([[1, 2], 3])
      const { breaker } = yield* state(pipeline)
      expect([breaker.failures, breaker.successes]).toEqual([2, 1])
    })
  )

  it.effect("what the failed attempt had opened is closed before the next one begins", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      let made = 0
      const stream = Stream.unwrap(
        Effect.gen(function* () {
          const attempt = ++made
          yield* Effect.acquireRelease(
            Effect.sync(() => order.push(`open ${attempt}`)),
            () => Effect.sync(() => order.push(`close ${attempt}`))
          )
          return attempt === 1 ? broken<number>() : Stream.make(attempt)
        })
      )
      yield* Stream.runDrain(stream.pipe(ProtectedStream.protect(pipelineWith({ retry: { baseDelay: 0 } }))))
      expect(order).toEqual(["open 1", "close 1", "open 2", "close 2"])
    })
  )

  it.effect("a fallback of the pipeline answers with the only element", () =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make({ fallback: () => Effect.succeed("cached"), circuitBreaker: {} })
      expect(yield* Stream.runCollect(broken<string>().pipe(ProtectedStream.protect(pipeline)))).toEqual(["cached"])
    })
  )

  it.effect("a fallback alone answers, too, whatever is said to other patterns", () =>
    Effect.gen(function* () {
      const fallback = Fallback.makeUnsafe(() => Effect.succeed("cached"))
      const answered = broken<string>().pipe(ProtectedStream.protect(fallback, { key: "tenant" }))
      expect(yield* Stream.runCollect(answered)).toEqual(["cached"])
    })
  )

  it.effect("another stream can take its place", () =>
    Effect.gen(function* () {
      const first = broken<number>().pipe(ProtectedStream.orElse((error) => Stream.make(error.length, 2)))
      expect(yield* Stream.runCollect(first)).toEqual([6, 2])
    })
  )

  it.effect("the failed stream is closed before the other one is opened", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const first: Stream.Stream<number, string> = Stream.fromChannel(
        Channel.fromTransform((_, scope) =>
          Effect.as(
            Scope.addFinalizer(
              scope,
              Effect.sync(() => order.push("closed"))
            ),
            Effect.fail("broken")
          )
        )
      )
      const other = Stream.suspend(() => {
        order.push("opened")
        return Stream.make(1)
      })
      yield* Stream.runDrain(first.pipe(ProtectedStream.orElse(() => other)))
      expect(order).toEqual(["closed", "opened"])
    })
  )

  it.effect("an empty stream has not failed, and stays empty", () =>
    Effect.gen(function* () {
      const empty: Stream.Stream<number, string> = Stream.empty
      expect(yield* Stream.runCollect(ProtectedStream.orElse(empty, () => Stream.make(1)))).toEqual([])
      expect(yield* Stream.runCollect(ProtectedStream.orElse(broken<number>(), () => empty))).toEqual([])
    })
  )

  it.effect("only errors that are wanted are answered", () =>
    Effect.gen(function* () {
      const never = ProtectedStream.orElse(broken<number>(), () => Stream.make(1), {
        when: (error) => error === "other"
      })
      expect(yield* Effect.flip(Stream.runDrain(never))).toBe("broken")
    })
  )

  it.effect("a defect is not answered", () =>
    Effect.gen(function* () {
      const dead: Stream.Stream<number, string> = Stream.die("bug")
      const exit = yield* Effect.exit(Stream.runDrain(ProtectedStream.orElse(dead, () => Stream.make(1))))
      expect(errorOf(exit)).toBe("bug")
    })
  )

  it.effect("who answers is told", () =>
    Effect.gen(function* () {
      const recorded = RecordedEvents.make()
      for (const options of [{ service: "llm" }, {}])
        yield* broken<number>().pipe(
          ProtectedStream.orElse(() => Stream.make(1), options),
          Stream.runDrain,
          recorded.record
        )
      expect(
        recorded.events().map(({ attributes, service, _tag }) => [_tag, service, attributes["fallback_type"]])
      ).toEqual([
        ["FallbackUsed", "llm", "function"],
        ["FallbackUsed", "default", "function"]
      ])
    })
  )

  it.effect("what it answers is counted among the fallbacks of the service", () =>
    Effect.gen(function* () {
      const answered = ProtectedStream.orElse(broken<number>(), () => Stream.make(1), { service: "llm" })
      yield* Stream.runDrain(answered)
      const fallback = (yield* Policy.instanceOf(Fallback.Kind, "llm"))!
      expect(yield* Policy.snapshot(fallback)).toMatchObject({ answered: 1, successes: 0, failures: 0 })
    }).pipe(Effect.provide(Resilience.layer()))
  )
})

describe("after the first element", () => {
  it.effect("a failure is passed on unchanged, and the breaker hears it", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      const { made, stream } = attempts([broken(1)])
      const seen: Array<number> = []
      const run = Stream.runForEach(stream.pipe(ProtectedStream.protect(pipeline)), (n) =>
        Effect.sync(() => seen.push(n))
      )
      expect([yield* Effect.flip(run), seen, made()]).toEqual(["broken", [1], 1])
      expect((yield* state(pipeline)).breaker.failures).toBe(1)
    })
  )

  it.effect("no retry outside starts it again either, and no fallback answers", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ baseDelay: 0 })
      const fallback = Fallback.makeUnsafe(() => Effect.succeed(7))
      const { made, stream } = attempts([broken(1)])
      const run = Stream.runDrain(stream.pipe(ProtectedStream.protect(Pipeline.inOrder([fallback, retry]))))
      expect([yield* Effect.flip(run), made()]).toEqual(["broken", 1])
    })
  )

  it.effect("no other stream takes its place", () =>
    Effect.gen(function* () {
      const run = Stream.runDrain(ProtectedStream.orElse(broken(1), () => Stream.make(2)))
      expect(yield* Effect.flip(run)).toBe("broken")
    })
  )

  it.effect("what the stream retries by itself is its own affair", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ baseDelay: 0 })
      let made = 0
      const flaky = Effect.suspend(() => (++made < 3 ? Effect.fail("down") : Effect.succeed(2)))
      const stream = Stream.concat(Stream.make(1), Stream.fromEffect(Retry.withRetry(flaky, retry)))
      expect(yield* Stream.runCollect(stream.pipe(ProtectedStream.protect(pipelineWith())))).toEqual([1, 2])
    })
  )
})

describe("announcements", () => {
  const preamble = (element: string | number): boolean => typeof element === "string"

  it.effect("are held back until an element counts, and forgotten when the stream starts again", () =>
    Effect.gen(function* () {
      const { made, stream } = attempts<string | number, string>([
        broken("announcement 1"),
        Stream.concat(Stream.make("announcement 2").pipe(Stream.concat(Stream.make(1))), Stream.make("later"))
      ])
      const pipeline = pipelineWith({ retry: { baseDelay: 0 } })
      const seen = yield* Stream.runCollect(stream.pipe(ProtectedStream.protect(pipeline, { preamble })))
      expect([seen, made()]).toEqual([["announcement 2", 1, "later"], 2])
    })
  )

  it.effect("are given together with what they announce", () =>
    Effect.gen(function* () {
      const stream = Stream.concat(
        Stream.fromArrays(["announcement", 1] as ReadonlyArray<string | number>),
        Stream.never
      )
      const first = stream.pipe(
        ProtectedStream.protect(pipelineWith(), { preamble }),
        Stream.take(2),
        Stream.runCollect
      )
      expect(yield* first).toEqual(["announcement", 1])
    })
  )

  it.effect("are given when nothing else comes", () =>
    Effect.gen(function* () {
      const stream = Stream.make("a", "b").pipe(Stream.rechunk(1))
      expect(yield* Stream.runCollect(ProtectedStream.protect(stream, pipelineWith(), { preamble }))).toEqual([
        "a",
        "b"
      ])
      expect(yield* Stream.runCollect(ProtectedStream.orElse(stream, () => stream, { preamble }))).toEqual(["a", "b"])
    })
  )

  it.effect("need not be there, nor anything else", () =>
    Effect.gen(function* () {
      const empty: Stream.Stream<string | number> = Stream.empty
      expect(yield* Stream.runCollect(ProtectedStream.protect(empty, pipelineWith(), { preamble }))).toEqual([])
      expect(yield* Stream.runCollect(ProtectedStream.orElse(empty, () => Stream.make(2), { preamble }))).toEqual([])
      expect(yield* Stream.runCollect(ProtectedStream.orElse(empty, () => Stream.make(2)))).toEqual([])
    })
  )

  it.effect("do not keep another stream from taking the place", () =>
    Effect.gen(function* () {
      const other = ProtectedStream.orElse(broken<string | number>("a"), () => Stream.make(2), { preamble })
      expect(yield* Stream.runCollect(other)).toEqual([2])
    })
  )
})

describe("the time limits", () => {
  const timeouts = { firstElement: "20 seconds", idle: "5 seconds", total: "1 minute" } as const
  const exceeded = (error: unknown) => {
    expect(error).toBeInstanceOf(Timeout.TimeoutExceededError)
    const { message, scope } = error as Timeout.TimeoutExceededError
    return [scope, message]
  }
  /** Runs a stream for a while; the time at which it failed, and how. */
  const failing = <A, R>(stream: Stream.Stream<A, unknown, R>, each: Effect.Effect<void> = Effect.void) =>
    Effect.gen(function* () {
      let at = -1
      const fiber = yield* Stream.runForEach(stream, () => each).pipe(
        Effect.flip,
        Effect.tap(() =>
          Effect.clockWith((clock) =>
            Effect.sync(() => {
              at = clock.currentTimeMillisUnsafe()
            })
          )
        ),
        start
      )
      yield* TestClock.adjust("10 minutes")
      return { at, error: yield* Fiber.join(fiber) }
    })

  it.effect("the first element has one", () =>
    Effect.gen(function* () {
      const { at, error } = yield* failing(Stream.never.pipe(ProtectedStream.withTimeouts(timeouts)))
      expect(at).toBe(20_000)
      expect(exceeded(error)).toEqual([
        "first element",
        'the call of "default" exceeded its time limit for the first element of 20s'
      ])
    })
  )

  it.effect("each next element has one", () =>
    Effect.gen(function* () {
      const stream = Stream.concat(Stream.make(1).pipe(Stream.schedule(Schedule.spaced("12 seconds"))), hung(2))
      const { at, error } = yield* failing(stream.pipe(ProtectedStream.withTimeouts(timeouts)))
      expect([at, ...exceeded(error)]).toEqual([
        17_000,
        "idle",
        'the call of "default" exceeded its time limit for the next element of 5s'
      ])
    })
  )

  it.effect("all of it has one", () =>
    Effect.gen(function* () {
      const stream = Stream.tick("4 seconds").pipe(ProtectedStream.withTimeouts(timeouts))
      const { at, error } = yield* failing(stream)
      expect([at, exceeded(error)[0]]).toEqual([60_000, "total"])
    })
  )

  it.effect("an element that comes in time begins the next wait", () =>
    Effect.gen(function* () {
      const stream = Stream.range(1, 10).pipe(
        Stream.mapEffect(Effect.succeed),
        Stream.rechunk(1),
        Stream.schedule(Schedule.spaced("4900 millis"))
      )
      const fiber = yield* start(Stream.runCount(stream.pipe(ProtectedStream.withTimeouts(timeouts))))
      yield* TestClock.adjust("1 minute")
      expect(yield* Fiber.join(fiber)).toBe(10)
    })
  )

  it.effect("a wait after the consumer was busy for longer than a wait may be has one again", () =>
    Effect.gen(function* () {
      const stream = hung(1, 2).pipe(
        Stream.rechunk(1),
        ProtectedStream.withTimeouts({ firstElement: "20 seconds", idle: "5 seconds" })
      )
      const fiber = yield* start(Stream.runForEach(stream, () => Effect.sleep("25 seconds")).pipe(Effect.exit))
      yield* TestClock.adjust("5 minutes")
      expect(exceeded(errorOf(yield* Fiber.join(fiber)))[0]).toBe("idle")
    })
  )

  it.effect("the time of the consumer does not count, except for the total", () =>
    Effect.gen(function* () {
      const slow = Effect.sleep("25 seconds")
      const stream = Stream.make(1, 2).pipe(Stream.rechunk(1))
      const fiber = yield* start(
        Stream.runForEach(stream.pipe(ProtectedStream.withTimeouts(timeouts)), () => slow).pipe(Effect.exit)
      )
      yield* TestClock.adjust("50 seconds")
      expect(Exit.isSuccess(yield* Fiber.join(fiber))).toBe(true)
      const long = Stream.make(1, 2, 3).pipe(Stream.rechunk(1), ProtectedStream.withTimeouts(timeouts))
      const { error } = yield* failing(long, slow)
      expect(exceeded(error)[0]).toBe("total")
    })
  )

  it.effect("each wait has its own, however many there were before", () =>
    Effect.gen(function* () {
      const stream = Stream.range(1, 3).pipe(Stream.rechunk(1), Stream.schedule(Schedule.spaced("3 seconds")))
      const { at, error } = yield* failing(
        Stream.concat(stream, Stream.never).pipe(ProtectedStream.withTimeouts(timeouts))
      )
      expect([at, exceeded(error)[0]]).toEqual([14_000, "idle"])
    })
  )

  it.effect("no alarm outlives the stream, however it ends, and none is set for each element", () =>
    Effect.gen(function* () {
      const sleeps = yield* Sleeps.make
      const retry = Retry.makeUnsafe({ baseDelay: 0, maxAttempts: 2 })
      const many = Stream.range(1, 1_000).pipe(
        Stream.rechunk(1),
        Stream.mapEffect((n) => Effect.as(Effect.yieldNow, n))
      )
      const atOnce = Stream.rechunk(Stream.range(1, 3), 1)
      const streams = [Stream.empty, Stream.make(1), atOnce, many, Stream.take(many, 5), broken(), broken(1)]
      for (const stream of streams) {
        const guarded = stream.pipe(ProtectedStream.withTimeouts(timeouts), ProtectedStream.protect(retry))
        yield* Effect.exit(sleeps.count(Stream.runDrain(guarded as Stream.Stream<unknown, unknown>)))
        expect(sleeps.active()).toBe(0)
      }
      expect(sleeps.begun()).toBeLessThan(30)
      const flaky = attempts<number, string>([broken(), many])
      const pipeline = pipelineWith({ deadline: undefined, retry: { baseDelay: 0 } })
      yield* sleeps.count(Stream.runDrain(flaky.stream.pipe(ProtectedStream.protect(pipeline))))
      expect([flaky.made(), sleeps.active()]).toEqual([2, 0])
      const hanging = yield* start(
        sleeps.count(Stream.runDrain(hung(1).pipe(ProtectedStream.withTimeouts({ idle: "1 minute" }))))
      )
      yield* TestClock.adjust("1 second")
      expect(sleeps.active()).toBe(1)
      yield* Fiber.interrupt(hanging)
      expect(sleeps.active()).toBe(0)
    })
  )

  it.effect("do not count for a consumer who has gone, however long closing the stream takes", () =>
    Effect.gen(function* () {
      const timeout = Timeout.makeUnsafe({ idle: "5 seconds" })
      const stream = Stream.ensuring(hung(1), Effect.sleep("10 seconds")).pipe(ProtectedStream.protect(timeout))
      const fiber = yield* start(Stream.runDrain(stream))
      yield* TestClock.adjust("1 second")
      yield* start(Fiber.interrupt(fiber))
      yield* TestClock.adjust("10 seconds")
      yield* Fiber.await(fiber)
      expect(yield* Policy.snapshot(timeout)).toMatchObject({ exceeded: 0, interrupted: 1 })
    })
  )

  it.effect("a deadline that has passed keeps the stream from being opened", () =>
    Effect.gen(function* () {
      const { made, stream } = attempts([Stream.make(1)])
      const late = { at: 0, service: "request", duration: Duration.seconds(1) }
      for (const guard of [Timeout.makeUnsafe(), pipelineWith({ retry: { maxAttempts: 1 } })]) {
        const exit = yield* stream.pipe(
          ProtectedStream.protect(guard),
          Stream.runDrain,
          Effect.provideService(Deadline.CurrentDeadline, late),
          Effect.exit
        )
        expect(errorOf(exit)).toMatchObject({ service: "request", scope: "total", isStarted: false })
      }
      expect(made()).toBe(0)
    })
  )

  it.effect("are told with the name of the service", () =>
    Effect.gen(function* () {
      const told = RecordedEvents.make()
      const guards = [
        ProtectedStream.protect(Timeout.makeUnsafe({ service: "llm", operationType: "chat", idle: "1 second" })),
        ProtectedStream.withTimeouts({ idle: "1 second" })
      ]
      for (const guard of guards) yield* told.record(failing(hung(1).pipe(guard)))
      expect(told.events().map(({ attributes, service }) => [service, attributes])).toEqual([
        ["llm", { operation_type: "chat", timeout_seconds: 1, scope: "idle" }],
        ["default", { operation_type: "default", timeout_seconds: 1, scope: "idle" }]
      ])
    })
  )

  it.effect("after a busy consumer, the wait is as long as ever", () =>
    Effect.gen(function* () {
      const { at, error } = yield* failing(
        hung(1).pipe(ProtectedStream.withTimeouts(timeouts)),
        Effect.sleep("25 seconds")
      )
      expect([at, exceeded(error)[0]]).toEqual([30_000, "idle"])
    })
  )

  it.effect("a computed time of zero or less is no limit for a wait", () =>
    Effect.gen(function* () {
      const slow = Stream.make(1).pipe(Stream.schedule(Schedule.spaced("1 hour")))
      const fiber = yield* start(Stream.runCount(ProtectedStream.withTimeouts(slow, { firstElement: 0, idle: -1 })))
      yield* TestClock.adjust("1 hour")
      expect(yield* Fiber.join(fiber)).toBe(1)
    })
  )

  it.each(["firstElement", "idle", "total"])("what is no duration is a mistake: %s", (name) => {
    expect(() => ProtectedStream.withTimeouts(Stream.never, { [name]: "soon" })).toThrow(
      `duration for ${name}, got "soon"`
    )
  })

  it.effect("a slow first element can be tried again, a gap can not", () =>
    Effect.gen(function* () {
      const slow = attempts([Stream.never, Stream.make(1)])
      const fiber = yield* start(Stream.runCollect(slow.stream.pipe(ProtectedStream.protect(pipelineWith()))))
      yield* TestClock.adjust("21 seconds")
      expect([yield* Fiber.join(fiber), slow.made()]).toEqual([[1], 2])
      const idle = attempts([hung(1), Stream.make(2)])
      const { error } = yield* failing(idle.stream.pipe(ProtectedStream.protect(pipelineWith())))
      expect([exceeded(error)[0], idle.made()]).toEqual(["idle", 1])
    })
  )

  it.effect("waiting in the queue is no waiting for the first element", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith({ bulkhead: { maxConcurrent: 1 }, timeout: { firstElement: "3 seconds" } })
      const gate = yield* Deferred.make<void>()
      const first = Stream.concat(Stream.make(1), Stream.fromEffectDrain(Deferred.await(gate)))
      yield* start(Stream.runDrain(first.pipe(ProtectedStream.protect(pipeline))))
      const second = yield* start(Stream.runCollect(Stream.make(2).pipe(ProtectedStream.protect(pipeline))))
      yield* TestClock.adjust("20 seconds")
      yield* Deferred.succeed(gate, undefined)
      expect(yield* Fiber.join(second)).toEqual([2])
    })
  )

  it.effect("are the attempt's, where the configuration names no others", () =>
    Effect.gen(function* () {
      const { at } = yield* failing(hung(1).pipe(ProtectedStream.protect("db")))
      expect(at).toBe(10_000)
    }).pipe(Effect.provide(Resilience.layer()))
  )

  it.effect("are over before they begin where the deadline has passed", () =>
    Effect.gen(function* () {
      const timeout = Timeout.makeUnsafe({ duration: "10 seconds" })
      const { made, stream } = attempts([Stream.make(1)])
      yield* TestClock.adjust("1 second")
      const late = Effect.provideService(
        Effect.flip(Stream.runDrain(stream.pipe(ProtectedStream.protect(timeout)))),
        Deadline.CurrentDeadline,
        { at: 1_000, service: "caller", duration: Duration.seconds(1) }
      )
      expect(exceeded(yield* late)).toEqual([
        "total",
        'the call of "caller" was not made: its deadline of 1s had passed'
      ])
      expect(made()).toBe(0)
      expect(yield* Policy.snapshot(timeout)).toMatchObject({ exceeded: 1 })
    })
  )

  it.effect("can be configured for a service", () =>
    Effect.gen(function* () {
      const { at, error } = yield* failing(hung(1).pipe(ProtectedStream.protect("llm")))
      expect([at, exceeded(error)[0]]).toEqual([3_000, "idle"])
    }).pipe(Effect.provide(Resilience.layer({ services: { llm: { timeout: { idle: "3 seconds" } } } })))
  )

  it.effect("what is recorded is the time to the first element", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      const stream = Stream.make(1, 2).pipe(Stream.rechunk(1), Stream.schedule(Schedule.spaced("2 seconds")))
      const fiber = yield* start(Stream.runDrain(stream.pipe(ProtectedStream.protect(pipeline))))
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(fiber)
      expect([pipeline.parts[4].elapsedSeconds.count, pipeline.parts[4].elapsedSeconds.sum]).toEqual([1, 2])
    })
  )

  it.effect("what is recorded of a stream without elements is the time to its end", () =>
    Effect.gen(function* () {
      const timeout = Timeout.makeUnsafe()
      const closing = Stream.fromEffectDrain(Effect.sleep("2 seconds"))
      for (const stream of [closing, Stream.concat(closing, broken<never>())]) {
        const fiber = yield* start(Effect.exit(Stream.runDrain(stream.pipe(ProtectedStream.protect(timeout)))))
        yield* TestClock.adjust("2 seconds")
        yield* Fiber.join(fiber)
      }
      expect([timeout.elapsedSeconds.count, timeout.elapsedSeconds.sum]).toEqual([2, 4])
    })
  )
})

describe("a consumer that stops early", () => {
  const slowly = Stream.range(1, 100).pipe(Stream.rechunk(1))

  it.effect("with what it wanted is a success", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      yield* slowly.pipe(ProtectedStream.protect(pipeline), Stream.take(3), Stream.runDrain)
      const { breaker, bulkhead } = yield* state(pipeline)
      expect([breaker.successes, breaker.failures, breaker.ignored, bulkhead.active]).toEqual([1, 0, 0, 0])
    })
  )

  it.effect("closes the stream and waits for that", () =>
    Effect.gen(function* () {
      let isClosed = false
      const closing = Stream.ensuring(
        slowly,
        Effect.andThen(
          Effect.yieldNow,
          Effect.sync(() => {
            isClosed = true
          })
        )
      )
      yield* closing.pipe(ProtectedStream.protect(pipelineWith()), Stream.take(1), Stream.runDrain)
      expect(isClosed).toBe(true)
    })
  )

  it.effect("because it failed or was interrupted says nothing", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      const stream = slowly.pipe(ProtectedStream.protect(pipeline))
      yield* Effect.exit(Stream.runForEach(stream, () => Effect.fail("full disk")))
      yield* Fiber.interrupt(yield* start(Stream.runForEach(stream, () => Effect.never)))
      yield* Fiber.interrupt(yield* start(Stream.runDrain(hung(1).pipe(ProtectedStream.protect(pipeline)))))
      yield* Fiber.interrupt(yield* start(Stream.runDrain(Stream.never.pipe(ProtectedStream.protect(pipeline)))))
      const { breaker, bulkhead } = yield* state(pipeline)
      expect([breaker.ignored, breaker.successes, breaker.failures, bulkhead.active]).toEqual([4, 0, 0, 0])
    })
  )

  it.effect("without pulling at all makes no call", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      yield* slowly.pipe(ProtectedStream.protect(pipeline), Stream.take(0), Stream.runDrain)
      const { breaker } = yield* state(pipeline)
      expect(breaker.successes + breaker.failures + breaker.ignored).toBe(0)
    })
  )

  it.effect("before the first pull leaves nothing to close", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        Effect.scoped(Stream.toPull(slowly.pipe(ProtectedStream.protect(pipelineWith()))))
      )
      expect(Exit.isSuccess(exit)).toBe(true)
    })
  )

  it.effect("while it still waits in the queue leaves the queue", () =>
    Effect.gen(function* () {
      const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1 })
      const occupant = yield* start(bulkhead.execute(Effect.never))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const pull = yield* Stream.toPull(slowly.pipe(ProtectedStream.protect(bulkhead)))
          const impatient = yield* start(pull)
          expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 1, queued: 1 })
          yield* Fiber.interrupt(impatient)
        })
      )
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 1, queued: 0, interrupted: 1 })
      yield* Fiber.interrupt(occupant)
    })
  )

  it.effect("because of a defect is told of it once", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Stream.runDrain(Stream.die("bug").pipe(ProtectedStream.protect(pipelineWith()))))
      expect(
        Exit.isFailure(exit) && exit.cause.reasons.map((reason) => Cause.isDieReason(reason) && reason.defect)
      ).toEqual(["bug"])
    })
  )

  it.effect("is told of a defect in what closes the stream", () =>
    Effect.gen(function* () {
      const stream = Stream.ensuring(slowly, Effect.die("bug in a finalizer"))
      const exit = yield* stream.pipe(
        ProtectedStream.protect(pipelineWith()),
        Stream.take(1),
        Stream.runDrain,
        Effect.exit
      )
      expect(errorOf(exit)).toBe("bug in a finalizer")
    })
  )

  it.effect("only to wait loses no element that came meanwhile", () =>
    Effect.gen(function* () {
      const slow = Stream.range(1, 2).pipe(Stream.rechunk(1), Stream.schedule(Schedule.spaced("1 second")))
      yield* Effect.scoped(
        Effect.gen(function* () {
          const pull = yield* Stream.toPull(slow.pipe(ProtectedStream.protect(pipelineWith())))
          const impatient = yield* start(pull)
          yield* TestClock.adjust("600 millis")
          yield* Fiber.interrupt(impatient)
          yield* TestClock.adjust("5 minutes")
          expect(yield* pull).toEqual([1])
          const patient = yield* start(pull)
          yield* TestClock.adjust("1 second")
          expect(yield* Fiber.join(patient)).toEqual([2])
        })
      )
    })
  )

  it.effect("while it waits for the next element does not have to wait for it", () =>
    Effect.gen(function* () {
      const pipeline = pipelineWith()
      yield* Effect.scoped(
        Effect.gen(function* () {
          const pull = yield* Stream.toPull(hung(1).pipe(ProtectedStream.protect(pipeline)))
          expect(yield* pull).toEqual([1])
          yield* Fiber.interrupt(yield* start(pull))
        })
      )
      expect((yield* state(pipeline)).breaker.ignored).toBe(1)
    })
  )
})

describe("the circuit breaker", () => {
  const openBreaker = (options: CircuitBreaker.OptionsInput = {}) =>
    Effect.gen(function* () {
      const breaker = CircuitBreaker.makeUnsafe({ consecutiveFailures: 1, openDuration: "1 minute", ...options })
      yield* Effect.exit(Stream.runDrain(broken().pipe(ProtectedStream.protect(breaker))))
      return breaker
    })

  it.effect("opens by failed streams and then rejects them", () =>
    Effect.gen(function* () {
      const breaker = yield* openBreaker()
      const exit = yield* Effect.exit(Stream.runDrain(Stream.make(1).pipe(ProtectedStream.protect(breaker))))
      expect(errorOf(exit)).toBeInstanceOf(CircuitBreaker.CircuitBreakerOpenError)
    })
  )

  it.effect("counts a stream that breaks off", () =>
    Effect.gen(function* () {
      const breaker = CircuitBreaker.makeUnsafe({ consecutiveFailures: 1 })
      yield* Effect.exit(Stream.runDrain(broken(1, 2, 3).pipe(ProtectedStream.protect(breaker))))
      expect((yield* Policy.snapshot(breaker)).state).toBe("Open")
    })
  )

  it.effect("a probe may live longer than its lease, as long as its elements arrive", () =>
    Effect.gen(function* () {
      const breaker = yield* openBreaker({ probeTimeout: "30 seconds" })
      yield* TestClock.adjust("1 minute")
      const ticks = Stream.tick("20 seconds").pipe(Stream.take(10), ProtectedStream.protect(breaker))
      const fiber = yield* start(Stream.runDrain(ticks))
      for (let time = 0; time < 9; time++) {
        yield* TestClock.adjust("20 seconds")
        yield* Effect.exit(breaker.execute(Effect.void))
        expect((yield* Policy.snapshot(breaker)).state).toBe(time < 8 ? "HalfOpen" : "Closed")
      }
      yield* Fiber.join(fiber)
      expect((yield* Policy.snapshot(breaker)).state).toBe("Closed")
    })
  )

  it.effect("a probe that hangs loses its lease", () =>
    Effect.gen(function* () {
      const breaker = yield* openBreaker({ probeTimeout: "30 seconds" })
      yield* TestClock.adjust("1 minute")
      const fiber = yield* start(Stream.runDrain(hung(1).pipe(ProtectedStream.protect(breaker))))
      yield* TestClock.adjust("31 seconds")
      expect((yield* Policy.snapshot(breaker)).state).toBe("Open")
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("a probe whose elements arrive loses its lease after those that it has outlived", () =>
    Effect.gen(function* () {
      const breaker = yield* openBreaker({ probes: 2, probeTimeout: "30 seconds" })
      yield* TestClock.adjust("1 minute")
      const once = Stream.concat(Stream.fromEffect(Effect.sleep("20 seconds")), Stream.never)
      yield* start(Stream.runDrain(once.pipe(ProtectedStream.protect(breaker))))
      yield* TestClock.adjust("1 second")
      yield* start(breaker.execute(Effect.never))
      yield* TestClock.adjust("49 seconds")
      expect(yield* Policy.snapshot(breaker)).toMatchObject({
        state: "Open",
        retryAfter: Option.some(Duration.minutes(1))
      })
    })
  )

  it.effect("a probe that has lost its lease does not get it back by asking for more", () =>
    Effect.gen(function* () {
      const breaker = yield* openBreaker({ probeTimeout: "30 seconds" })
      yield* TestClock.adjust("1 minute")
      const stream = Stream.make(1, 2, 3).pipe(Stream.rechunk(1), ProtectedStream.protect(breaker))
      const fiber = yield* start(Stream.runForEach(stream, () => Effect.sleep("31 seconds")))
      yield* TestClock.adjust("2 minutes")
      yield* Fiber.join(fiber)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Open", openings: 2, late: 1 })
    })
  )

  describe.each(["nested", "that may be fused", "around the consumer"])("when a deadline passes, %s,", (form) => {
    /** What a breaker counts while a stream is read until a deadline. */
    const counted = (
      stream: Stream.Stream<number, string>,
      read: (guarded: Stream.Stream<number, unknown>) => Effect.Effect<unknown, unknown>
    ) =>
      Effect.gen(function* () {
        const deadline = Deadline.makeUnsafe({ duration: "1 minute" })
        const breaker = CircuitBreaker.makeUnsafe()
        const timeout = Timeout.makeUnsafe({ duration: "1 hour" })
        const call = {
          nested: read(stream.pipe(ProtectedStream.protect(Pipeline.inOrder([deadline, breaker])))),
          "that may be fused": read(
            stream.pipe(ProtectedStream.protect(Pipeline.inOrder([deadline, breaker, timeout])))
          )
        }[form]
        const outside = deadline.execute(read(stream.pipe(ProtectedStream.protect(breaker))))
        const fiber = yield* start(Effect.exit(call ?? outside))
        yield* TestClock.adjust("2 minutes")
        expect(errorOf(yield* Fiber.join(fiber))).toMatchObject({ scope: "total" })
        const { failures, ignored } = yield* Policy.snapshot(breaker)
        return { failures, ignored }
      })

    it.effect("that says nothing while the consumer is busy", () =>
      Effect.gen(function* () {
        const plenty = Stream.range(1, 100).pipe(Stream.rechunk(1))
        const read = Stream.runForEach(() => Effect.sleep("25 seconds"))
        expect(yield* counted(plenty, read)).toEqual({ failures: 0, ignored: 1 })
      })
    )

    it.effect.each([
      { stream: Stream.never, which: "first" },
      { stream: hung(1), which: "next" }
    ])("it is a failure while the $which element is waited for", ({ stream }) =>
      Effect.gen(function* () {
        expect(yield* counted(stream, Stream.runDrain)).toEqual({ failures: 1, ignored: 0 })
      })
    )
  })

  it.effect("a stream is slow when its first element is, not when it is long", () =>
    Effect.gen(function* () {
      const breaker = CircuitBreaker.makeUnsafe({
        tripPolicy: "count-window",
        slowCallDuration: "2 seconds"
      })
      const run = (first: number, next: number) =>
        Effect.gen(function* () {
          const stream = Stream.concat(
            Stream.fromEffect(Effect.sleep(first)),
            Stream.fromEffect(Effect.sleep(next))
          ).pipe(ProtectedStream.protect(breaker))
          const fiber = yield* start(Stream.runDrain(stream))
          yield* TestClock.adjust("1 minute")
          yield* Fiber.join(fiber)
          return (yield* Policy.snapshot(breaker)).slowCalls
        })
      expect([yield* run(1_000, 30_000), yield* run(3_000, 0)]).toEqual([0, 1])
    })
  )
})

describe("protect", () => {
  it.effect("by service guards with what is configured, by key", () =>
    Effect.gen(function* () {
      const failing = broken().pipe(ProtectedStream.protect("llm", { key: "opus" }))
      yield* Effect.exit(Stream.runDrain(failing))
      expect(errorOf(yield* Effect.exit(Stream.runDrain(failing)))).toBeInstanceOf(
        CircuitBreaker.CircuitBreakerOpenError
      )
      expect(yield* Stream.runCollect(Stream.make(1).pipe(ProtectedStream.protect("llm", { key: "haiku" })))).toEqual([
        1
      ])
    }).pipe(
      Effect.provide(
        Resilience.layer({
          services: { llm: { retry: { maxAttempts: 1 }, circuitBreaker: { consecutiveFailures: 1 } } }
        })
      )
    )
  )

  it.effect("passes everything through where policies are switched off", () =>
    Effect.gen(function* () {
      expect(yield* Stream.runCollect(Stream.make(1, 2).pipe(ProtectedStream.protect("llm")))).toEqual([1, 2])
    }).pipe(Effect.provide(Resilience.layer({ enabled: false })))
  )

  it.effect("hands functions to the pattern that they are for", () =>
    Effect.gen(function* () {
      const options = { while: (error: unknown) => error !== "broken" }
      for (const guard of [Retry.makeUnsafe({ baseDelay: 0 }), pipelineWith({ retry: { baseDelay: 0 } })]) {
        const { made, stream } = attempts([broken()])
        yield* Effect.exit(Stream.runDrain(stream.pipe(ProtectedStream.protect(guard, { retry: options }))))
        expect(made()).toBe(1)
      }
    })
  )

  it.effect("hands a classifier to the breaker, and nothing but a key to a bulkhead", () =>
    Effect.gen(function* () {
      const options = { key: "a", circuitBreaker: { classify: () => Outcome.ignored } }
      const breaker = CircuitBreaker.makeUnsafe({ consecutiveFailures: 1 })
      yield* Effect.exit(Stream.runDrain(broken(1).pipe(ProtectedStream.protect(breaker, options))))
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ ignored: 1, failures: 0 })
      const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1, maxQueue: 0 })
      const fiber = yield* start(Stream.runDrain(hung(1).pipe(ProtectedStream.protect(bulkhead, options))))
      expect([bulkhead.snapshot(0, "a").active, bulkhead.snapshot(0, "b").active]).toEqual([1, 0])
      yield* Fiber.interrupt(fiber)
    })
  )

  it.effect("by anything else is a defect", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        Stream.runDrain(Stream.make(1).pipe(ProtectedStream.protect(7 as unknown as Bulkhead.Bulkhead)))
      )
      expect(String(errorOf(exit))).toMatch(/expected an instance or the name of a service, got 7/)
    })
  )
})
