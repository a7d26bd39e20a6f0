import { describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { CircuitBreaker, Pipeline, Policy, ProtectedStream } from "../../src/index.ts"
import * as StandingClock from "../support/standingClock.ts"
import { type Scenario, sweep } from "../support/sweep.ts"

const steps = Stream.range(1, 3).pipe(
  Stream.rechunk(1),
  Stream.mapEffect((n) => Effect.as(Effect.yieldNow, n))
)

/** A stream, and how many of its kind are open. */
const counted = <E>(self: Stream.Stream<number, E>) => {
  let open = 0
  const acquire = Effect.acquireRelease(
    Effect.sync(() => void open++),
    () =>
      Effect.andThen(
        Effect.yieldNow,
        Effect.sync(() => void open--)
      )
  )
  return { stream: Stream.unwrap(Effect.as(acquire, self)), open: () => open }
}

const makePipeline = () =>
  Pipeline.makeUnsafe({
    service: "llm",
    deadline: "10 minutes",
    retry: { baseDelay: 0 },
    circuitBreaker: { consecutiveFailures: 1_000 },
    bulkhead: { maxConcurrent: 1, maxQueue: 0 },
    timeout: "1 minute"
  })

const sweepAll = (make: () => Scenario) =>
  Effect.gen(function* () {
    for (const maxOperationsBeforeYield of [3, 7, 2_048]) {
      const { interrupted, runs } = yield* sweep(make, { maxOperationsBeforeYield })
      expect(interrupted).toBeGreaterThan(20)
      expect(runs).toBeGreaterThan(20)
    }
  })

describe("wherever its consumer is interrupted", { timeout: 120_000 }, () => {
  const streams = {
    "a stream that ends": steps,
    "a stream that breaks off": Stream.concat(steps, Stream.fail("broken")),
    "a stream that starts again": Stream.suspend(() => (Math.abs(++count % 2) === 1 ? Stream.fail("down") : steps))
  }
  let count = 0
  for (const [name, self] of Object.entries<Stream.Stream<number, string>>(streams)) {
    for (const [how, consume] of [
      ["read to its end", Stream.runDrain],
      ["read in part", (stream: Stream.Stream<number, unknown>) => Stream.runDrain(Stream.take(stream, 2))]
    ] as const) {
      it.effect(`${name}, ${how}, is closed, and everything is given back`, () =>
        sweepAll(() => {
          const pipeline = makePipeline()
          const { open, stream } = counted(self)
          return {
            call: consume(stream.pipe(ProtectedStream.protect(pipeline)) as Stream.Stream<number, unknown>),
            afterwards: () =>
              Effect.gen(function* () {
                expect(open()).toBe(0)
                const bulkhead = yield* Policy.snapshot(pipeline.parts[3])
                expect(bulkhead.active).toBe(0)
                expect(yield* Stream.runCollect(Stream.make(1).pipe(ProtectedStream.protect(pipeline)))).toEqual([1])
              }).pipe(Effect.orDie)
          }
        })
      )
    }
  }

  it.effect("a probe gives its slot back", () =>
    sweepAll(() => {
      const clock = StandingClock.make()
      const breaker = CircuitBreaker.makeUnsafe({ consecutiveFailures: 1, openDuration: "1 second" })
      Effect.runSync(clock.provide(Effect.exit(breaker.execute(Effect.fail("down")))))
      clock.set(1_000)
      const { open, stream } = counted(steps)
      return {
        call: clock.provide(Stream.runDrain(stream.pipe(ProtectedStream.protect(breaker)))),
        afterwards: (exit) =>
          Effect.gen(function* () {
            expect(open()).toBe(0)
            expect((yield* Policy.snapshot(breaker)).probing).toBe(0)
            if (exit._tag === "Success") expect(breaker.snapshot(1_000).state).toBe("Closed")
            expect(yield* Stream.runCollect(Stream.make(1).pipe(ProtectedStream.protect(breaker)))).toEqual([1])
          }).pipe(Effect.orDie, clock.provide)
      }
    })
  )

  it.effect("the other stream that took its place is closed", () =>
    sweepAll(() => {
      const first = counted<string>(Stream.fail("down"))
      const second = counted(steps)
      return {
        call: Stream.runDrain(ProtectedStream.orElse(first.stream, () => second.stream)),
        afterwards: () => Effect.sync(() => expect([first.open(), second.open()]).toEqual([0, 0]))
      }
    })
  )
})
