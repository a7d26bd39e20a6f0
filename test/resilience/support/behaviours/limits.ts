import { Clock, Effect, Exit, Fiber, Stream } from "effect"
import { TestClock } from "effect/testing"
import { Deadline, type Policy, ProtectedStream, Timeout } from "../../../../src/index.ts"
import { SERVICE } from "../world.ts"
import type { Behaviours } from "./Behaviour.ts"

/** The seconds after which a call that never ends is given up; `undefined` if it is not within an hour. */
const secondsToGiveUp = (
  guarded: Effect.Effect<never, Timeout.TimeoutExceededError, Policy.ResilienceRegistry>
): Effect.Effect<number | undefined, never, Policy.ResilienceRegistry> =>
  Effect.gen(function* () {
    const at = Effect.map(Clock.currentTimeMillis, (now) => now / 1000)
    const fiber = yield* guarded.pipe(
      Effect.catch(() => at),
      Effect.forkChild
    )
    yield* TestClock.adjust("1 hour")
    const exit = fiber.pollUnsafe()
    yield* Fiber.interrupt(fiber)
    return exit !== undefined && Exit.isSuccess(exit) ? exit.value : undefined
  })

const attempt = secondsToGiveUp(Effect.never.pipe(Timeout.withTimeout(SERVICE)))
const ONCE = { retry: { while: () => false } }

/** Of a stream that ends after so many elements, and does not say so. */
const stream = (elements: number) =>
  secondsToGiveUp(
    Stream.range(1, elements).pipe(
      Stream.concat(Stream.never),
      ProtectedStream.protect(SERVICE, ONCE),
      Stream.runDrain
    ) as Effect.Effect<never, Timeout.TimeoutExceededError, Policy.ResilienceRegistry>
  )
const total = secondsToGiveUp(Effect.never.pipe(Deadline.withDeadline(SERVICE)))

export const limits: Behaviours = {
  TIMEOUT_ENABLED: { run: attempt, seen: { true: 30, false: undefined } },
  TIMEOUT_DEFAULT: { run: attempt, seen: { "20": 20, "2 minutes": 120, Infinity: undefined } },
  TIMEOUT_FIRST_ELEMENT: { run: stream(0), seen: { "20": 20, "2 minutes": 120, Infinity: undefined } },
  TIMEOUT_IDLE: { run: stream(1), seen: { "20": 20, "2 minutes": 120, Infinity: undefined } },
  TIMEOUT_OPERATION_TYPE: { run: attempt, seen: { auth: 5, db: 10, http: 15, llm: 60, other: 30 } },
  DEADLINE_ENABLED: { given: { DEADLINE_DEFAULT: "20" }, run: total, seen: { true: 20, false: undefined } },
  DEADLINE_DEFAULT: { run: total, seen: { "20": 20, "2 minutes": 120, Infinity: undefined } }
}
