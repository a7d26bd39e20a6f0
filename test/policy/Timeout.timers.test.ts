import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import { Cause, Duration, Effect, Exit, Fiber } from "effect"
import { setImmediate } from "node:timers/promises"
import { Deadline, Timeout } from "../../src/index.ts"

describe("the timers of time limits, on the live clock (live, with fake timers)", () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"], now: 1_000 })
    vi.spyOn(process.hrtime, "bigint").mockImplementation(() => BigInt(Date.now()) * 1_000_000n)
  })
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  const pass = (millis: number): Promise<void> => {
    vi.advanceTimersByTime(millis)
    return setImmediate()
  }

  const ending = (fiber: Fiber.Fiber<unknown, unknown>): unknown => {
    const exit = fiber.pollUnsafe()
    if (exit === undefined) return "running"
    if (Exit.isSuccess(exit)) return "success"
    const error = Cause.squash(exit.cause)
    return error instanceof Timeout.TimeoutExceededError ? error.scope : "interrupted"
  }

  it("is one for all calls of a timeout, and each call ends at its time", async () => {
    const timeout = Timeout.makeUnsafe({ duration: 100 })
    const fibers: Array<Fiber.Fiber<never, Timeout.TimeoutExceededError>> = []
    for (let n = 0; n < 3; n++) {
      fibers.push(Effect.runFork(timeout.execute(Effect.never)))
      await pass(10)
    }
    expect(vi.getTimerCount()).toBe(1)
    await pass(69)
    expect(fibers.map(ending)).toEqual(["running", "running", "running"])
    await pass(1)
    expect(fibers.map(ending)).toEqual(["attempt", "running", "running"])
    await pass(20)
    expect(fibers.map(ending)).toEqual(["attempt", "attempt", "attempt"])
    expect(vi.getTimerCount()).toBe(0)
  })

  it("does not keep the process alive when the calls are over", async () => {
    const timeouts = vi.spyOn(globalThis, "setTimeout")
    const timeout = Timeout.makeUnsafe({ duration: 100 })
    const [hanging, ending] = [Effect.never, Effect.promise(() => setImmediate())].map((self) =>
      Effect.runFork(timeout.execute(self))
    )
    const timer = timeouts.mock.results[0]!.value as NodeJS.Timeout
    await Effect.runPromise(Fiber.join(ending!))
    expect(timer.hasRef()).toBe(true)
    await Effect.runPromise(Fiber.interrupt(hanging!))
    expect([timer.hasRef(), timeouts.mock.calls.length]).toEqual([false, 1])
    await pass(100)
    expect([timeout.snapshot(0).exceeded, vi.getTimerCount()]).toEqual([0, 0])
  })

  it("is another one when the duration has changed, and the old one goes with its last call", async () => {
    const timeout = Timeout.makeUnsafe({ duration: 100 })
    const early = Effect.runFork(timeout.execute(Effect.never))
    Effect.runSync(timeout.reconfigure({ duration: 30 }))
    const late = Effect.runFork(timeout.execute(Effect.never))
    expect(vi.getTimerCount()).toBe(2)
    await pass(30)
    expect([early, late].map(ending)).toEqual(["running", "attempt"])
    await Effect.runPromise(Fiber.interrupt(early))
    expect(vi.getTimerCount()).toBe(0)
  })

  it("is one of its own under a deadline that began earlier, and goes with the call", async () => {
    const timeout = Timeout.makeUnsafe({ duration: "1 minute" })
    const under = (millis: number, self: Effect.Effect<void>) =>
      Effect.runFork(
        timeout.execute(self).pipe(
          Effect.provideService(Deadline.CurrentDeadline, {
            at: Date.now() + millis,
            service: "request",
            duration: Duration.millis(100)
          })
        )
      )
    const fibers = [
      under(100, Effect.never),
      under(40, Effect.never),
      under(
        70,
        Effect.promise(() => setImmediate())
      )
    ]
    await setImmediate()
    expect([fibers.map(ending), vi.getTimerCount()]).toEqual([["running", "running", "success"], 2])
    await pass(40)
    expect([fibers.map(ending), vi.getTimerCount()]).toEqual([["running", "total", "success"], 1])
    await pass(60)
    expect([fibers.map(ending), vi.getTimerCount()]).toEqual([["total", "total", "success"], 0])
  })
})
