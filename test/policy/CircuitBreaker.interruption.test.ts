import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { CircuitBreaker, Outcome } from "../../src/index.ts"
import * as StandingClock from "../support/standingClock.ts"
import { type Scenario, sweep, type Swept } from "../support/sweep.ts"
import { call, calls, down, fail, snapshot, up } from "./support/circuit.ts"

const work = (end: Effect.Effect<string, string>) =>
  Effect.yieldNow.pipe(Effect.andThen(Effect.yieldNow), Effect.andThen(end))

/** Sweeps a call through a breaker that has been prepared; no time passes but what the preparation takes. */
const swept = (options: {
  readonly breaker?: CircuitBreaker.MakeOptions
  readonly prepare?: (breaker: CircuitBreaker.CircuitBreaker) => Effect.Effect<void>
  readonly thenSet?: number
  readonly call: (breaker: CircuitBreaker.CircuitBreaker) => Effect.Effect<unknown, unknown>
  readonly afterwards: (
    breaker: CircuitBreaker.CircuitBreaker,
    ...rest: Parameters<Scenario["afterwards"]>
  ) => Effect.Effect<void>
  readonly maxOperationsBeforeYield: number
}): Effect.Effect<Swept> =>
  sweep(() => {
    const clock = StandingClock.make()
    const breaker = CircuitBreaker.makeUnsafe({ openDuration: "1 second", ...options.breaker })
    Effect.runSync(clock.provide(options.prepare?.(breaker) ?? Effect.void))
    clock.set(options.thenSet ?? 0)
    return {
      call: clock.provide(options.call(breaker)),
      afterwards: (exit) => clock.provide(options.afterwards(breaker, exit))
    }
  }, options)

describe.each([3, 5, 2_048])("a call that is interrupted at any operation, with a yield after %i", (most) => {
  it.effect("leaves a closed circuit closed and able to take calls", () =>
    Effect.gen(function* () {
      const { interrupted } = yield* swept({
        maxOperationsBeforeYield: most,
        breaker: { consecutiveFailures: 2 },
        call: (breaker) => work(up).pipe(breaker.execute),
        afterwards: (breaker, exit) =>
          Effect.gen(function* () {
            const { failures, ignored, successes } = yield* snapshot(breaker)
            expect(failures).toBe(0)
            expect(successes).toBe(exit._tag === "Success" ? 1 : successes)
            expect(successes + ignored).toBeLessThanOrEqual(1)
            expect(yield* calls(breaker, down, up, down, down, up)).toEqual(["down", "up", "down", "down", "Open"])
          })
      })
      expect(interrupted).toBeGreaterThan(3)
    })
  )

  it.effect("is never counted as a failure unless it has failed", () =>
    Effect.gen(function* () {
      const { interrupted } = yield* swept({
        maxOperationsBeforeYield: most,
        breaker: { tripPolicy: "time-window", minimumCalls: 1 },
        call: (breaker) => work(down).pipe(breaker.execute),
        afterwards: (breaker, exit) =>
          Effect.gen(function* () {
            const { failures, ignored, state } = yield* snapshot(breaker)
            expect(failures + ignored).toBeLessThanOrEqual(1)
            expect(state).toBe(failures === 1 ? "Open" : "Closed")
            if (exit._tag === "Failure" && exit.cause.reasons.some((reason) => reason._tag === "Fail")) {
              expect(failures).toBe(1)
            }
          })
      })
      expect(interrupted).toBeGreaterThan(3)
    })
  )

  for (const key of [undefined, "tenant"]) {
    it.effect(`gives back the slot of its probe, ${key === undefined ? "without a key" : "with a key"}`, () =>
      Effect.gen(function* () {
        const { interrupted } = yield* swept({
          maxOperationsBeforeYield: most,
          breaker: { consecutiveFailures: 1 },
          prepare: (breaker) => fail(breaker, 1, { key }),
          thenSet: 1_000,
          call: (breaker) => work(up).pipe(CircuitBreaker.withCircuitBreaker(breaker, { key })),
          afterwards: (breaker, exit) =>
            Effect.gen(function* () {
              const { probing, state } = yield* snapshot(breaker, key)
              expect(probing).toBe(0)
              if (exit._tag === "Success") expect(state).toBe("Closed")
              expect(yield* call(breaker, up, { key })).toBe("up")
              expect((yield* snapshot(breaker, key)).state).toBe("Closed")
            })
        })
        expect(interrupted).toBeGreaterThan(5)
      })
    )
  }

  it.effect("leaves the whole capacity to the other probes of its round", () =>
    Effect.gen(function* () {
      const { interrupted } = yield* swept({
        maxOperationsBeforeYield: most,
        breaker: { consecutiveFailures: 1, probes: 3, successesToClose: 3 },
        prepare: (breaker) => fail(breaker),
        thenSet: 1_000,
        call: (breaker) =>
          work(up).pipe(CircuitBreaker.withCircuitBreaker(breaker, { classify: () => Outcome.ignored })),
        afterwards: (breaker) =>
          Effect.gen(function* () {
            expect((yield* snapshot(breaker)).probing).toBe(0)
            const probes = Effect.all(
              Array.from({ length: 4 }, () => call(breaker, work(up))),
              { concurrency: "unbounded" }
            )
            expect((yield* probes).toSorted()).toEqual(["HalfOpen", "up", "up", "up"])
            expect((yield* snapshot(breaker)).state).toBe("Closed")
          })
      })
      expect(interrupted).toBeGreaterThan(5)
    })
  )

  it.effect("changes nothing about the circuit that turns it away", () =>
    Effect.gen(function* () {
      yield* swept({
        maxOperationsBeforeYield: most,
        prepare: (breaker) => breaker.trip,
        thenSet: 999,
        call: (breaker) => work(up).pipe(breaker.execute, Effect.andThen(Effect.yieldNow)),
        afterwards: (breaker) =>
          Effect.gen(function* () {
            expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", successes: 0, ignored: 0, failures: 0 })
            expect((yield* snapshot(breaker)).rejections).toBeLessThanOrEqual(1)
          })
      })
    })
  )

  it.effect("leaves no trace of a probe when nobody acts, in the mode observe", () =>
    Effect.gen(function* () {
      const { interrupted } = yield* swept({
        maxOperationsBeforeYield: most,
        breaker: { mode: "observe", consecutiveFailures: 1 },
        prepare: (breaker) => fail(breaker),
        thenSet: 500,
        call: (breaker) => work(up).pipe(breaker.execute),
        afterwards: (breaker) =>
          Effect.gen(function* () {
            expect(yield* snapshot(breaker)).toMatchObject({ state: "Open", rejections: 0, late: 0 })
            expect((yield* snapshot(breaker)).wouldReject).toBeLessThanOrEqual(1)
          })
      })
      expect(interrupted).toBeGreaterThan(5)
    })
  )
})
