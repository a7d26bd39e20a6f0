import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Pipeline, Policy, Resilience, Timeout } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { transparent } from "../support/transparent.ts"

type Parts = ReadonlyArray<CircuitBreaker.CircuitBreaker | Bulkhead.Bulkhead>

type Guard = (self: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>

const timeout = Timeout.makeUnsafe({ duration: "1 minute" })

const forms: ReadonlyArray<readonly [form: string, make: (parts: Parts) => Guard]> = [
  ["the fused form of a pipeline", (parts) => (self) => self.pipe(Pipeline.inOrder([...parts, timeout]).execute)],
  ["the nested form of a pipeline", (parts) => (self) => self.pipe(Pipeline.inOrder([...parts, transparent]).execute)],
  ["guards around guards", (parts) => (self) => parts.reduceRight((inner, part) => part.execute(inner), self)]
]

const fork = <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.forkChild(self, { startImmediately: true })

const fourSeconds = Effect.sleep("4 seconds")

/** What a call failed with, and whether it was made. */
const watched = (guarded: Guard, self: Effect.Effect<unknown, unknown> = Effect.void) => {
  let isMade = false
  const call = Effect.suspend(() => {
    isMade = true
    return self
  })
  const end = call.pipe(
    guarded,
    Effect.as("success"),
    Effect.catch((error) =>
      Effect.succeed(error instanceof CircuitBreaker.CircuitBreakerOpenError ? error.state : "failure")
    ),
    Effect.map((end) => [end, isMade] as const)
  )
  return fork(end)
}

describe.each(forms)("in %s, a call that waits in a bulkhead inside of a breaker", (_, make) => {
  const parts = (options?: CircuitBreaker.OptionsInput) => {
    const breaker = CircuitBreaker.makeUnsafe({ consecutiveFailures: 1, openDuration: "2 seconds", ...options })
    const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1 })
    /** Occupies the bulkhead, and says nothing to the breaker. */
    const occupy = fork(fourSeconds.pipe(bulkhead.execute))
    return { breaker, bulkhead, occupy, guarded: make([breaker, bulkhead]) }
  }

  it.effect("is turned away when the circuit has opened meanwhile, and so are all behind it, at once", () =>
    Effect.gen(function* () {
      const { breaker, bulkhead, guarded } = parts({ consecutiveFailures: 5, openDuration: "1 minute" })
      let made = 0
      const dead = Effect.suspend(() => {
        made++
        return Effect.delay(Effect.fail("down"), "1 second")
      })
      const events = RecordedEvents.make()
      const call = dead.pipe(guarded, Effect.exit, events.record)
      const fibers = yield* Effect.forEach(Array.from({ length: 200 }), () => fork(call))
      yield* TestClock.adjust("5 seconds")
      const exits = yield* Effect.forEach(fibers, Fiber.join)
      expect(exits.filter(Exit.isSuccess)).toEqual([])
      expect(made).toBe(5)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ failures: 5, rejections: 195, ignored: 0, late: 0 })
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 0, queued: 0, failures: 5, interrupted: 0 })
      expect(events.tags().filter((tag) => tag === "CircuitBreakerRejection")).toHaveLength(195)
    })
  )

  it.effect("is turned away by an operator, too", () =>
    Effect.gen(function* () {
      const { breaker, guarded, occupy } = parts()
      yield* occupy
      const call = yield* watched(guarded)
      yield* breaker.isolate
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.join(call)).toEqual(["Isolated", false])
    })
  )

  it.effect("is a probe when the open time is over, and one behind it belongs to the circuit that has closed", () =>
    Effect.gen(function* () {
      const { breaker, guarded, occupy } = parts()
      yield* occupy
      const first = yield* watched(guarded)
      const second = yield* watched(guarded, Effect.fail("down"))
      yield* breaker.trip
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.join(first)).toEqual(["success", true])
      expect(yield* Fiber.join(second)).toEqual(["failure", true])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Open", openings: 2, late: 0, rejections: 0 })
    })
  )

  it.effect("is turned away when others are probing, as a call that comes then", () =>
    Effect.gen(function* () {
      const { breaker, guarded, occupy } = parts()
      yield* occupy
      const call = yield* watched(guarded)
      yield* breaker.trip
      yield* TestClock.adjust("2 seconds")
      const probe = yield* fork(fourSeconds.pipe(breaker.execute))
      yield* TestClock.adjust("2 seconds")
      expect(yield* Fiber.join(call)).toEqual(["HalfOpen", false])
      yield* TestClock.adjust("2 seconds")
      yield* Fiber.join(probe)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Closed", successes: 1, rejections: 1 })
    })
  )

  it.effect("keeps the slot of a probe while it waits, and gives it back when it is interrupted", () =>
    Effect.gen(function* () {
      const { breaker, guarded, occupy } = parts()
      yield* breaker.trip
      yield* TestClock.adjust("2 seconds")
      yield* occupy
      const probe = yield* watched(guarded)
      expect((yield* Policy.snapshot(breaker)).probing).toBe(1)
      yield* Fiber.interrupt(probe)
      expect((yield* Policy.snapshot(breaker)).probing).toBe(0)
      const next = yield* watched(guarded)
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.join(next)).toEqual(["success", true])
      expect((yield* Policy.snapshot(breaker)).state).toBe("Closed")
    })
  )

  it.effect.each(["observe", "disabled"] as const)("is made by a breaker whose mode is %s", (mode) =>
    Effect.gen(function* () {
      const { breaker, guarded, occupy } = parts({ mode })
      yield* occupy
      const call = yield* watched(guarded)
      yield* breaker.isolate
      const later = yield* watched(guarded)
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.join(call)).toEqual(["success", true])
      expect(yield* Fiber.join(later)).toEqual(["success", true])
      const counts = mode === "observe" ? { successes: 2, wouldReject: 2 } : { successes: 0, wouldReject: 0 }
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ rejections: 0, late: 0, ...counts })
    })
  )

  it.effect("is made, and not counted as turned away, when the breaker is switched off meanwhile", () =>
    Effect.gen(function* () {
      const { breaker, guarded, occupy } = parts()
      yield* occupy
      const call = yield* watched(guarded)
      yield* breaker.isolate
      yield* breaker.setMode("disabled")
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.join(call)).toEqual(["success", true])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ rejections: 0, wouldReject: 0 })
    })
  )

  it.effect("is turned away although the breaker only observed when it came", () =>
    Effect.gen(function* () {
      const { breaker, guarded, occupy } = parts({ mode: "observe" })
      yield* occupy
      yield* breaker.isolate
      const call = yield* watched(guarded)
      yield* breaker.setMode("enforce")
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.join(call)).toEqual(["Isolated", false])
    })
  )

  it.effect("is as if it had never come for everything inside of who turns it away", () =>
    Effect.gen(function* () {
      const { breaker: inner, bulkhead, occupy } = parts()
      const outermost = Bulkhead.makeUnsafe()
      const breaker = CircuitBreaker.makeUnsafe()
      const outer = Bulkhead.makeUnsafe()
      const guarded = make([outermost, breaker, outer, inner, bulkhead])
      yield* inner.trip
      yield* TestClock.adjust("2 seconds")
      yield* occupy
      const probe = yield* watched(guarded)
      expect((yield* Policy.snapshot(inner)).probing).toBe(1)
      yield* breaker.isolate
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.join(probe)).toEqual(["Isolated", false])
      expect(yield* Policy.snapshot(outermost)).toMatchObject({ active: 0, failures: 1 })
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ rejections: 1, ignored: 0, failures: 0 })
      expect(yield* Policy.snapshot(outer)).toMatchObject({ active: 0, failures: 0, successes: 0, interrupted: 0 })
      expect(yield* Policy.snapshot(inner)).toMatchObject({ state: "HalfOpen", probing: 0, ignored: 0, rejections: 0 })
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 0, failures: 0, successes: 1, interrupted: 0 })
    })
  )

  it.effect("is a failed probe of who stands inside if its lease had ended before it was turned away", () =>
    Effect.gen(function* () {
      const { breaker, bulkhead, occupy } = parts({ openDuration: "1 second", probeTimeout: "1 second" })
      const outer = CircuitBreaker.makeUnsafe({ openDuration: "1 minute" })
      yield* occupy
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      const call = yield* watched(make([outer, breaker, bulkhead]))
      yield* outer.trip
      yield* TestClock.adjust("3 seconds")
      expect(yield* Fiber.join(call)).toEqual(["Open", false])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "Open", openings: 2, probing: 0 })
    })
  )

  it.effect("takes nothing back from a breaker that has only observed", () =>
    Effect.gen(function* () {
      const { breaker, bulkhead, occupy } = parts({ mode: "observe", openDuration: "1 second" })
      const outer = CircuitBreaker.makeUnsafe({ openDuration: "1 minute" })
      yield* occupy
      yield* breaker.trip
      yield* TestClock.adjust("1 second")
      const probe = yield* fork(Effect.never.pipe(breaker.execute))
      const call = yield* watched(make([outer, breaker, bulkhead]))
      yield* outer.trip
      yield* TestClock.adjust("3 seconds")
      expect(yield* Fiber.join(call)).toEqual(["Open", false])
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ state: "HalfOpen", probing: 1, wouldReject: 1 })
      yield* Fiber.interrupt(probe)
    })
  )

  it.effect("meets what is further inside when its turn has come, and not before", () =>
    Effect.gen(function* () {
      const { breaker: inner, bulkhead, occupy } = parts({ openDuration: "1 minute" })
      yield* occupy
      const call = yield* watched(make([CircuitBreaker.makeUnsafe(), bulkhead, inner, Bulkhead.makeUnsafe()]))
      yield* inner.trip
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.join(call)).toEqual(["Open", false])
      expect(yield* Policy.snapshot(inner)).toMatchObject({ rejections: 1, ignored: 0, late: 0 })
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 0, successes: 1, failures: 1 })
    })
  )

  it.effect("gives back everything once if its caller is interrupted when it is turned away", () =>
    Effect.gen(function* () {
      const { breaker, bulkhead, guarded, occupy } = parts()
      yield* occupy
      let caller: Fiber.Fiber<unknown> | undefined
      const observer: Policy.Observer = ({ _tag }) => {
        if (_tag === "CircuitBreakerRejection") caller?.interruptUnsafe()
      }
      const call = Effect.void.pipe(guarded, Effect.ignore, Effect.provideService(Policy.Observers, [observer]))
      caller = yield* fork(call)
      yield* breaker.isolate
      yield* TestClock.adjust("4 seconds")
      expect(Exit.hasInterrupts(yield* Fiber.await(caller))).toBe(true)
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ rejections: 1, ignored: 0 })
      expect(yield* Policy.snapshot(bulkhead)).toMatchObject({ active: 0, queued: 0, successes: 1, interrupted: 0 })
    })
  )
})

describe("a call that waits in a bulkhead", () => {
  it.effect("is turned away by the breaker of its service", () =>
    Effect.gen(function* () {
      const holder = yield* fork(fourSeconds.pipe(Bulkhead.withBulkhead("slow")))
      const call = yield* Effect.void.pipe(
        Bulkhead.withBulkhead("slow"),
        CircuitBreaker.withCircuitBreaker("slow"),
        Effect.flip,
        fork
      )
      const breaker = yield* Policy.instanceOf(CircuitBreaker.Kind, "slow")
      yield* breaker!.isolate
      yield* TestClock.adjust("4 seconds")
      yield* Fiber.join(holder)
      expect((yield* Fiber.join(call))._tag).toBe("CircuitBreakerOpenError")
    }).pipe(Effect.provide(Layer.fresh(Resilience.layer({ services: { slow: { bulkhead: { maxConcurrent: 1 } } } }))))
  )

  it.effect("is made where something else stands between the bulkhead and the breaker", () =>
    Effect.gen(function* () {
      const breaker = CircuitBreaker.makeUnsafe()
      const bulkhead = Bulkhead.makeUnsafe({ maxConcurrent: 1 })
      yield* fork(fourSeconds.pipe(bulkhead.execute))
      const call = yield* fork(Effect.succeed(1).pipe(bulkhead.execute, Effect.map(String), breaker.execute))
      yield* breaker.isolate
      yield* TestClock.adjust("4 seconds")
      expect(yield* Fiber.join(call)).toBe("1")
      expect(yield* Policy.snapshot(breaker)).toMatchObject({ late: 1, rejections: 0 })
    })
  )
})
