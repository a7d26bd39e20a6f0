import { afterEach, beforeEach, describe, expect, it, vi } from "@effect/vitest"
import { Effect, Exit, Fiber } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { Timeout } from "../../src/index.ts"

const timers = (): number => process.getActiveResourcesInfo().filter((name) => name === "Timeout").length
const millis = (): number => Number(process.hrtime.bigint()) / 1e6

/** Synchronous work that takes its time. */
const busy = (duration: number): Effect.Effect<string> =>
  Effect.sync(() => {
    const end = millis() + duration
    while (millis() < end);
    return "done"
  })

describe("a timer", () => {
  const hang = Effect.callback<never>(() => {})
  const later = Effect.callback<string>((resume) => void setImmediate(() => resume(Effect.succeed("value"))))
  const laterError = Effect.andThen(later, Effect.fail("error"))

  let before = 0
  beforeEach(() => {
    before = timers()
  })
  afterEach(async () => {
    // Timers of the test runner come and go; one of ours would stay for a minute.
    for (let turn = 0; turn < 200 && timers() > before; turn++) await new Promise(setImmediate)
    expect(timers()).toBeLessThanOrEqual(before)
  })

  it.live("is never set for work that ends at once (live)", () =>
    Effect.gen(function* () {
      const set = vi.spyOn(globalThis, "setTimeout")
      const exits = [Effect.succeed(1), Effect.fail("error"), Effect.die("bug"), Effect.interrupt]
      for (const exit of exits) yield* Effect.exit(exit.pipe(Timeout.withTimeout("1 minute")))
      const calls = set.mock.calls.length
      set.mockRestore()
      expect(calls).toBe(0)
    })
  )

  it.live("is there while the work waits, one for each limit (live)", () =>
    Effect.gen(function* () {
      const call = hang.pipe(Timeout.withTimeout("1 minute"), Timeout.withTimeout("2 minutes"))
      const idle = timers()
      const fiber = yield* Effect.forkChild(call, { startImmediately: true })
      expect(timers()).toBe(idle + 2)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.live("is cleared when the work succeeds (live)", () =>
    Effect.gen(function* () {
      expect(yield* later.pipe(Timeout.withTimeout("1 minute"))).toBe("value")
    })
  )

  it.live("is cleared when the work fails (live)", () =>
    Effect.gen(function* () {
      expect(yield* laterError.pipe(Timeout.withTimeout("1 minute"), Effect.flip)).toBe("error")
    })
  )

  it.live("is cleared when the work dies or interrupts itself (live)", () =>
    Effect.gen(function* () {
      for (const end of [Effect.die("bug"), Effect.interrupt]) {
        yield* Effect.exit(Effect.andThen(later, end).pipe(Timeout.withTimeout("1 minute")))
      }
    })
  )

  it.live("is cleared when the caller is interrupted, before the work's finalizers are over (live)", () =>
    Effect.gen(function* () {
      const call = Effect.ensuring(hang, Effect.yieldNow).pipe(Timeout.withTimeout("1 minute"))
      const idle = timers()
      const fiber = yield* Effect.forkChild(call, { startImmediately: true })
      fiber.interruptUnsafe()
      expect([timers(), fiber.pollUnsafe()]).toEqual([idle, undefined])
      yield* Fiber.await(fiber)
    })
  )

  it.live("is gone when the limit is exceeded (live)", () =>
    Effect.gen(function* () {
      expect(yield* hang.pipe(Timeout.withTimeout(2), Effect.flip)).toMatchObject({ _tag: "TimeoutExceededError" })
    })
  )

  it.live("does not stay behind when many calls end in different ways (live)", () =>
    Effect.gen(function* () {
      const ends = [Effect.void, later, laterError, hang, Effect.interrupt]
      const calls = Array.from({ length: 200 }, (_, i) =>
        Effect.exit(ends[i % ends.length]!.pipe(Timeout.withTimeout(3)))
      )
      yield* Effect.all(calls, { concurrency: "unbounded" })
    })
  )

  it.live("is not set where there is no limit (live)", () =>
    Effect.gen(function* () {
      const idle = timers()
      const fiber = yield* Effect.forkChild(hang.pipe(Timeout.withTimeout(Infinity)), { startImmediately: true })
      expect(timers()).toBe(idle)
      yield* Fiber.interrupt(fiber)
    })
  )

  it.live("leaves nothing in memory, however many durations there are (live)", () =>
    Effect.gen(function* () {
      setFlagsFromString("--expose-gc")
      const collect: () => void = runInNewContext("gc")
      const usedBytes = Effect.sync(() => {
        collect()
        return process.memoryUsage().heapUsed
      })
      const COUNT = 30_000
      const before = yield* usedBytes
      for (let n = 0; n < COUNT; n++) yield* Effect.yieldNow.pipe(Timeout.withTimeout(60_000 + n))
      expect((yield* usedBytes) - before).toBeLessThan(COUNT * 50)
    })
  )

  it.live("can be set for months without ringing early (live)", () =>
    Effect.gen(function* () {
      const warnings: Array<string> = []
      const listen = (warning: Error): void => void warnings.push(warning.name)
      process.on("warning", listen)
      const limits = ["25 days", "30 days", "520 weeks", "100000000 weeks"] as const
      const exits = yield* Effect.forEach(
        limits,
        (limit) => Effect.exit(Effect.as(Effect.sleep(8), "value").pipe(Timeout.withTimeout(limit))),
        { concurrency: "unbounded" }
      )
      process.off("warning", listen)
      expect(exits).toEqual(limits.map(() => Exit.succeed("value")))
      expect(warnings).toEqual([])
    })
  )
})

describe("the live clock", () => {
  it.live("never ends a call before its limit (live)", () =>
    Effect.gen(function* () {
      const early: Array<number> = []
      const call = (limit: number) =>
        Effect.gen(function* () {
          const startedAt = millis()
          yield* Effect.ignore(Effect.never.pipe(Timeout.withTimeout(limit)))
          const took = millis() - startedAt
          if (took < limit) early.push(took - limit)
        })
      const limits = Array.from({ length: 150 }, (_, i) => 0.25 + (i % 30) * 0.37)
      yield* Effect.forEach(limits, (limit, i) => Effect.andThen(busy((i % 7) * 0.1), call(limit)), {
        concurrency: "unbounded"
      })
      expect(early).toEqual([])
    })
  )

  it.live("cannot cut off work that does not wait, however long it takes (live)", () =>
    Effect.gen(function* () {
      expect(yield* busy(4).pipe(Timeout.withTimeout(1))).toBe("done")
    })
  )

  it.live("cuts off work at its first wait after the limit has passed (live)", () =>
    Effect.gen(function* () {
      const work = Effect.andThen(busy(4), Effect.sleep(50))
      expect(yield* work.pipe(Timeout.withTimeout(1), Effect.flip)).toMatchObject({ scope: "attempt" })
    })
  )

  it.live("cuts off a loop that only yields (live)", () =>
    Effect.gen(function* () {
      let rounds = 0
      const loop = Effect.forever(
        Effect.andThen(
          Effect.sync(() => void rounds++),
          Effect.callback<void>((resume) => void setImmediate(() => resume(Effect.void)))
        )
      )
      yield* Effect.ignore(loop.pipe(Timeout.withTimeout(3)))
      const after = rounds
      yield* Effect.sleep(2)
      expect(rounds).toBe(after)
      expect(rounds).toBeGreaterThan(0)
    })
  )
})
