import { vi } from "@effect/vitest"
import { type Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead } from "../../../../src/index.ts"
import { SERVICE } from "../world.ts"
import type { Behaviours } from "./Behaviour.ts"

/** What has become of calls that never end, so many seconds after they came at once. */
const fates = (calls: number, after: Duration.Input = 0) =>
  Effect.gen(function* () {
    let running = 0
    const hang = Effect.andThen(
      Effect.sync(() => {
        running++
      }),
      Effect.never
    )
    const call = hang.pipe(Bulkhead.withBulkhead(SERVICE))
    const fibers = yield* Effect.forEach(Array.from({ length: calls }), () => Effect.forkChild(Effect.exit(call)))
    yield* TestClock.adjust(after)
    const rejected = fibers.filter((fiber) => fiber.pollUnsafe() !== undefined).length
    yield* Fiber.interruptAll(fibers)
    return { running, rejected, waiting: calls - running - rejected }
  })

/**
 * Which keys are forgotten. A gate through which nobody goes is like a new one, so nothing but the memory that it takes
 * tells whether it is still there.
 */
const forgotten = (steps: ReadonlyArray<{ readonly key: string } | Duration.Input>) =>
  Effect.gen(function* () {
    const keys = new Set<unknown>(
      steps.map((step) => (typeof step === "object" && "key" in step ? step.key : undefined))
    )
    const deleted = vi.spyOn(Map.prototype, "delete")
    for (const step of steps) {
      if (typeof step === "object" && "key" in step) {
        yield* Effect.void.pipe(Bulkhead.withBulkhead(SERVICE, step), Effect.orDie)
      } else yield* TestClock.adjust(step)
    }
    const dropped = deleted.mock.calls.map(([key]) => key).filter((key) => keys.has(key))
    deleted.mockRestore()
    return dropped
  })

const one = { BULKHEAD_LIMIT: "1" }

export const bulkhead: Behaviours = {
  BULKHEAD_ENABLED: {
    given: { ...one, BULKHEAD_MAX_QUEUE: "0" },
    run: fates(3),
    seen: { true: { running: 1, rejected: 2, waiting: 0 }, false: { running: 3, rejected: 0, waiting: 0 } }
  },
  BULKHEAD_LIMIT: {
    run: fates(4),
    seen: { "2": { running: 2, rejected: 0, waiting: 2 }, "3": { running: 3, rejected: 0, waiting: 1 } }
  },
  BULKHEAD_MAX_QUEUE: {
    given: one,
    run: fates(4),
    seen: { "0": { running: 1, rejected: 3, waiting: 0 }, "2": { running: 1, rejected: 1, waiting: 2 } }
  },
  BULKHEAD_QUEUE_TIMEOUT: {
    given: one,
    run: fates(2, "10 seconds"),
    seen: { "10": { running: 1, rejected: 1, waiting: 0 }, "11": { running: 1, rejected: 0, waiting: 1 } }
  },
  BULKHEAD_MAX_KEYS: {
    run: forgotten([{ key: "key-a" }, { key: "key-b" }, { key: "key-a" }]),
    seen: { "1": ["key-a", "key-b"], "2": [] }
  },
  BULKHEAD_KEY_IDLE_TIME: {
    run: forgotten([{ key: "key-a" }, "1 minute", { key: "key-b" }]),
    seen: { "60": ["key-a"], "61 seconds": [] }
  }
}
