import { Clock, Duration, Effect, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { Retry } from "../../../../src/index.ts"
import { SERVICE } from "../world.ts"
import type { Behaviour, Behaviours } from "./Behaviour.ts"

/** The seconds at which a call that always fails is made. */
const attempts = (error: unknown = "down") =>
  Effect.gen(function* () {
    const times: Array<number> = []
    const call = Effect.flatMap(Clock.currentTimeMillis, (now) => {
      times.push(now / 1000)
      return Effect.fail(error)
    })
    const fiber = yield* call.pipe(Retry.withRetry(SERVICE), Effect.exit, Effect.forkChild)
    yield* TestClock.adjust("1 hour")
    yield* Fiber.join(fiber)
    return times
  })

/** How often calls with these keys, or after these waits, are made. */
const attemptsOf = (steps: ReadonlyArray<{ readonly key: string } | Duration.Input>) =>
  Effect.gen(function* () {
    const counts: Array<number> = []
    for (const step of steps) {
      if (typeof step !== "object" || !("key" in step)) {
        yield* TestClock.adjust(step)
        continue
      }
      let count = 0
      const call = Effect.suspend(() => {
        count++
        return Effect.fail("down")
      })
      const fiber = yield* call.pipe(Retry.withRetry(SERVICE, step), Effect.exit, Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* Fiber.join(fiber)
      counts.push(count)
    }
    return counts
  })

const overloaded = { status: 529 }
const rateLimited = { status: 429 }
const hinted = { retryAfter: Duration.seconds(60) }

interface Profile {
  readonly prefix: string
  readonly error: unknown
  /** The first delay in seconds. */
  readonly base: number
}

/** The settings that each class of failures has; a delay of `base` doubles twice and then meets its limit. */
const backoff = ({ base, error, prefix }: Profile): Behaviours => {
  const run = attempts(error)
  const noJitter = { [`${prefix}_JITTER`]: "false" }
  const four = { ...noJitter, [`${prefix}_MAX_ATTEMPTS`]: "4" }
  const three = { [`${prefix}_MAX_ATTEMPTS`]: "3" }
  const after = (...delays: ReadonlyArray<number>) => delays.map((delay) => delay * base)
  return {
    [`${prefix}_MAX_ATTEMPTS`]: { given: noJitter, run, seen: { "2": after(0, 1), "4": after(0, 1, 3, 7) } },
    [`${prefix}_STRATEGY`]: {
      given: four,
      run,
      seen: {
        exponential: after(0, 1, 3, 7),
        linear: after(0, 1, 3, 6),
        fixed: after(0, 1, 2, 3),
        random: after(0, 0.25, 0.75, 1.75)
      }
    },
    [`${prefix}_BASE_DELAY`]: {
      given: { ...noJitter, ...three },
      run,
      seen: { "3": [0, 3, 9], "500 millis": [0, 0.5, 1.5] }
    },
    [`${prefix}_EXPONENTIAL_BASE`]: {
      given: { ...noJitter, ...three },
      run,
      seen: { "2": after(0, 1, 3), "1.5": after(0, 1, 2.5) }
    },
    [`${prefix}_EXPONENTIAL_MAX`]: {
      given: four,
      run,
      seen: { [`${base * 4}`]: after(0, 1, 3, 7), [`${base * 1.5}`]: after(0, 1, 2.5, 4) }
    },
    [`${prefix}_JITTER_STRATEGY`]: {
      given: three,
      run,
      seen: {
        none: after(0, 1, 3),
        equal: after(0, 0.9, 2.7),
        full: after(0, 0.25, 0.75),
        decorrelated: after(0, 1.5, 3.375)
      }
    },
    [`${prefix}_JITTER`]: {
      given: { ...three, [`${prefix}_JITTER_STRATEGY`]: "full" },
      run,
      seen: { true: after(0, 0.25, 0.75), false: after(0, 1, 3) }
    }
  }
}

const noJitter = { RETRY_JITTER: "false" }
const once = attempts()
const afterEmptyBudget = [0]
const untilExhausted = [0, 1, 3]

const budget: Behaviours = {
  RETRY_BUDGET_ENABLED: {
    given: { ...noJitter, RETRY_BUDGET_RATIO: "0", RETRY_BUDGET_MINIMUM_PER_SECOND: "0" },
    run: once,
    seen: { true: afterEmptyBudget, false: untilExhausted }
  },
  RETRY_BUDGET_RATIO: {
    given: { ...noJitter, RETRY_BUDGET_MINIMUM_PER_SECOND: "0" },
    run: once,
    seen: { "0": afterEmptyBudget, "1": [0, 1], "2": untilExhausted }
  },
  RETRY_BUDGET_MINIMUM_PER_SECOND: {
    given: { ...noJitter, RETRY_BUDGET_RATIO: "0" },
    run: once,
    seen: { "0": afterEmptyBudget, "0.1": [0, 1], "0.2": untilExhausted }
  },
  RETRY_BUDGET_WINDOW: {
    given: { ...noJitter, RETRY_BUDGET_RATIO: "0", RETRY_BUDGET_MINIMUM_PER_SECOND: "1" },
    run: once,
    seen: { "1": [0, 1], "2": untilExhausted }
  }
}

/** Each key may retry once in a very long time. */
const oneRetryForEachKey: Behaviour["given"] = {
  ...noJitter,
  RETRY_MAX_ATTEMPTS: "2",
  RETRY_BUDGET_RATIO: "0",
  RETRY_BUDGET_MINIMUM_PER_SECOND: "0.0001",
  RETRY_BUDGET_WINDOW: "10000"
}

const keys: Behaviours = {
  RETRY_MAX_KEYS: {
    given: oneRetryForEachKey,
    run: attemptsOf([{ key: "a" }, { key: "b" }, { key: "a" }]),
    seen: { "1": [2, 2, 2], "2": [2, 2, 1] }
  },
  RETRY_KEY_IDLE_TIME: {
    given: oneRetryForEachKey,
    run: attemptsOf([{ key: "a" }, "1 minute", { key: "a" }]),
    seen: { "30": [2, 2], "90 seconds": [2, 1] }
  }
}

export const retry: Behaviours = {
  RETRY_ENABLED: { given: noJitter, run: once, seen: { true: untilExhausted, false: [0] } },
  ...backoff({ prefix: "RETRY", error: "down", base: 1 }),
  ...backoff({ prefix: "RETRY_OVERLOAD", error: overloaded, base: 5 }),
  ...backoff({ prefix: "RETRY_RATE_LIMIT", error: rateLimited, base: 2 }),
  RETRY_RETRY_AFTER_MAX: {
    given: noJitter,
    run: attempts(hinted),
    seen: { "120": [0, 60, 120], "5": [0, 5, 10], "0": untilExhausted }
  },
  ...budget,
  ...keys
}
