import { describe, expect, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { Policy, Retry } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"
import { sweep } from "../support/sweep.ts"

const exact = { jitter: "none", maxAttempts: 3 } as const

describe("an interruption from outside", () => {
  it.effect("in an attempt ends the call: it is not retried", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.hang])
      const fiber = yield* service.call.pipe(
        Retry.makeUnsafe(exact).execute,
        Effect.forkChild({ startImmediately: true })
      )
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      expect([service.calls(), service.active()]).toEqual([1, 0])
      expect(Exit.hasInterrupts(yield* Fiber.await(fiber))).toBe(true)
    })
  )

  it.effect("in a later attempt ends the call", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("busy"), ScriptedService.hang])
      const fiber = yield* service.call.pipe(Retry.makeUnsafe(exact).execute, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect(service.active()).toBe(1)
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      expect([service.calls(), service.active()]).toEqual([2, 0])
    })
  )

  it.effect("in a wait ends the wait and the call", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("busy")])
      const fiber = yield* service.call.pipe(Retry.makeUnsafe(exact).execute, Effect.forkChild)
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      expect(service.calls()).toBe(1)
      expect(Exit.hasInterrupts(yield* Fiber.await(fiber))).toBe(true)
    })
  )

  it.effect("that an attempt answers with an error does not lead to a retry", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([Effect.onInterrupt(Effect.never, () => Effect.fail("cleaning"))])
      const fiber = yield* service.call.pipe(
        Retry.makeUnsafe(exact).execute,
        Effect.forkChild({ startImmediately: true })
      )
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 hour")
      expect(service.calls()).toBe(1)
    })
  )

  it.effect("waits until an attempt has cleaned up", () =>
    Effect.gen(function* () {
      const order: Array<string> = []
      const attempt = Effect.never.pipe(
        Effect.onInterrupt(() =>
          Effect.andThen(
            Effect.sleep("1 second"),
            Effect.sync(() => order.push("cleaned up"))
          )
        )
      )
      const fiber = yield* attempt.pipe(Retry.makeUnsafe(exact).execute, Effect.forkChild({ startImmediately: true }))
      const interrupting = yield* Fiber.interrupt(fiber).pipe(
        Effect.andThen(Effect.sync(() => order.push("interrupted"))),
        Effect.forkChild
      )
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(interrupting)
      expect(order).toEqual(["cleaned up", "interrupted"])
    })
  )

  it.effect("does not reach a call that cannot be interrupted, which makes all its attempts", () =>
    Effect.gen(function* () {
      const service = ScriptedService.make([ScriptedService.fail("busy")])
      const call = service.call.pipe(Retry.makeUnsafe(exact).execute, Effect.uninterruptible)
      const fiber = yield* Effect.forkChild(call, { startImmediately: true })
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(interrupting)
      expect(service.calls()).toBe(3)
    })
  )

  it.effect("of one caller does not disturb another", () =>
    Effect.gen(function* () {
      const retry = Retry.makeUnsafe({ ...exact, budget: { ratio: 0, minimumPerSecond: 1 } })
      const flaky = () => ScriptedService.make([ScriptedService.fail("busy"), "pong"]).call.pipe(retry.execute)
      const leaving = yield* Effect.forkChild(flaky())
      const staying = yield* Effect.forkChild(flaky())
      yield* TestClock.adjust("500 millis")
      yield* Fiber.interrupt(leaving)
      yield* TestClock.adjust("500 millis")
      expect(yield* Fiber.join(staying)).toBe("pong")
    })
  )
})

describe("interrupted at any operation", () => {
  const budget = { ratio: 0, minimumPerSecond: 1, window: "10 seconds" } as const
  const cases = [0, 1].flatMap((baseDelay) => [3, 5, 2_048].map((operations) => [baseDelay, operations] as const))

  it.live.each(cases)(
    "a call gives back what it reserved, and pays for each retry that it made (live, delay %d ms, yields after %d)",
    ([baseDelay, maxOperationsBeforeYield]) =>
      Effect.gen(function* () {
        let [givenBack, paid] = [0, 0]
        const { interrupted } = yield* sweep(
          () => {
            const retry = Retry.makeUnsafe({ ...exact, baseDelay, budget })
            const service = ScriptedService.make([ScriptedService.fail("busy")])
            const recorded = RecordedEvents.make()
            return {
              call: service.call.pipe(retry.execute, recorded.record),
              afterwards: (exit) =>
                Effect.clockWith((clock) => {
                  const now = Policy.monotonicMillisOf(clock)
                  const leftAt = (now: number) => Option.getOrThrow(retry.snapshot(now).budget)
                  const spent = leftAt(now + 60_000) - leftAt(now)
                  const scheduled = recorded.tags().filter((tag) => tag === "RetryScheduled").length
                  expect(leftAt(now + 60_000)).toBe(10)
                  expect(spent).toBeGreaterThanOrEqual(service.calls() - 1)
                  expect(spent).toBeLessThanOrEqual(scheduled)
                  if (Exit.hasInterrupts(exit) && spent < scheduled) givenBack++
                  if (spent === 2) paid++
                  return Effect.void
                })
            }
          },
          { maxOperationsBeforeYield }
        )
        expect(interrupted).toBeGreaterThan(20)
        expect(givenBack).toBeGreaterThan(0)
        expect(paid).toBeGreaterThan(0)
      })
  )
})
