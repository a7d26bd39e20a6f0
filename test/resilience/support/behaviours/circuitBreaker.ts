import { Duration, Effect, Fiber, Option } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Policy } from "../../../../src/index.ts"
import { SERVICE } from "../world.ts"
import type { Behaviour, Behaviours } from "./Behaviour.ts"

/** One step of a script: a call, which tells whether it was let through, or a wait. */
type Step = Effect.Effect<"passed" | "rejected" | undefined, never, Policy.ResilienceRegistry>

const call = (effect: Effect.Effect<unknown, unknown>, key?: string): Step =>
  effect.pipe(
    CircuitBreaker.withCircuitBreaker(SERVICE, { key }),
    Effect.match({
      onSuccess: () => "passed" as const,
      onFailure: (error) => (error instanceof CircuitBreaker.CircuitBreakerOpenError ? "rejected" : "passed")
    })
  )

const good = call(Effect.void)
const bad = call(Effect.fail("down"))
const badFor = (key: string) => call(Effect.fail("down"), key)
const slow: Step = Effect.gen(function* () {
  const fiber = yield* Effect.forkChild(call(Effect.sleep("2 seconds")))
  yield* TestClock.adjust("2 seconds")
  return yield* Fiber.join(fiber)
})
const hanging: Step = Effect.as(Effect.forkChild(call(Effect.never), { startImmediately: true }), undefined)
const wait = (duration: Duration.Input): Step => Effect.as(TestClock.adjust(duration), undefined)
const times = (count: number, step: Step): ReadonlyArray<Step> => Array.from({ length: count }, () => step)

const snapshot = Effect.flatMap(Policy.instanceOf(CircuitBreaker.Kind, SERVICE), (breaker) => Policy.snapshot(breaker!))

/** What becomes of each call. */
const script = (...steps: ReadonlyArray<Step>) =>
  Effect.map(Effect.all(steps), (results) => results.filter((result) => result !== undefined))

/** How many of the calls are let through. */
const passing = (...steps: ReadonlyArray<Step>) =>
  Effect.map(script(...steps), (results) => results.filter((result) => result === "passed").length)

const stateAfter = (...steps: ReadonlyArray<Step>) =>
  Effect.andThen(
    script(...steps),
    Effect.map(snapshot, ({ state }) => state)
  )

/** For how many seconds the circuit is open. */
const openSecondsAfter = (...steps: ReadonlyArray<Step>) =>
  Effect.andThen(
    script(...steps),
    Effect.map(snapshot, ({ retryAfter }) => Option.getOrUndefined(Option.map(retryAfter, Duration.toSeconds)))
  )

const atFirstFailure = { CIRCUIT_BREAKER_FAIL_MAX: "1" }
const countWindow = { CIRCUIT_BREAKER_TRIP_POLICY: "count-window" }
const twoFailuresInTimeWindow = {
  CIRCUIT_BREAKER_TRIP_POLICY: "time-window",
  CIRCUIT_BREAKER_MINIMUM_CALLS: "2",
  CIRCUIT_BREAKER_FAILURE_RATE: "1"
}

const tripping: Behaviours = {
  CIRCUIT_BREAKER_TRIP_POLICY: {
    run: passing(...times(10, bad), wait("31 seconds"), ...times(15, bad)),
    seen: { consecutive: 5, "count-window": 20, "time-window": 25 }
  },
  CIRCUIT_BREAKER_FAIL_MAX: { run: passing(...times(9, bad)), seen: { "5": 5, "2": 2 } },
  CIRCUIT_BREAKER_WINDOW_SIZE: {
    given: { ...countWindow, CIRCUIT_BREAKER_MINIMUM_CALLS: "1" },
    run: passing(good, good, ...times(7, bad)),
    seen: { "2": 3, "4": 4 }
  },
  CIRCUIT_BREAKER_WINDOW_DURATION: {
    given: twoFailuresInTimeWindow,
    run: script(bad, wait("20 seconds"), bad, bad),
    seen: { "30": ["passed", "passed", "rejected"], "10": ["passed", "passed", "passed"] }
  },
  CIRCUIT_BREAKER_WINDOW_BUCKETS: {
    given: { ...twoFailuresInTimeWindow, CIRCUIT_BREAKER_WINDOW_DURATION: "10" },
    run: script(wait("9 seconds"), bad, wait("2 seconds"), bad, bad),
    seen: { "10": ["passed", "passed", "rejected"], "1": ["passed", "passed", "passed"] }
  },
  CIRCUIT_BREAKER_MINIMUM_CALLS: { given: countWindow, run: passing(...times(9, bad)), seen: { "3": 3, "5": 5 } },
  CIRCUIT_BREAKER_FAILURE_RATE: {
    given: { ...countWindow, CIRCUIT_BREAKER_MINIMUM_CALLS: "4" },
    run: passing(good, bad, good, bad, bad, bad),
    seen: { "0.5": 4, "0.6": 5, "1": 6 }
  },
  CIRCUIT_BREAKER_SLOW_CALL_DURATION: {
    given: { ...countWindow, CIRCUIT_BREAKER_MINIMUM_CALLS: "2" },
    run: passing(slow, slow, slow),
    seen: { "1": 2, "3": 3 }
  },
  CIRCUIT_BREAKER_SLOW_CALL_RATE: {
    given: { ...countWindow, CIRCUIT_BREAKER_MINIMUM_CALLS: "4", CIRCUIT_BREAKER_SLOW_CALL_DURATION: "1" },
    run: passing(good, slow, good, slow, slow, slow),
    seen: { "0.5": 4, "0.6": 5, "1": 6 }
  }
}

const opening: Behaviours = {
  CIRCUIT_BREAKER_TIMEOUT: {
    given: atFirstFailure,
    run: script(bad, wait("30 seconds"), bad),
    seen: { "30": ["passed", "passed"], "31 seconds": ["passed", "rejected"] }
  },
  CIRCUIT_BREAKER_OPEN_DURATION_FACTOR: {
    given: atFirstFailure,
    run: openSecondsAfter(bad, wait("1 minute"), bad),
    seen: { "1": 60, "3": 180 }
  },
  CIRCUIT_BREAKER_OPEN_DURATION_MAX: {
    given: { ...atFirstFailure, CIRCUIT_BREAKER_OPEN_DURATION_FACTOR: "100" },
    run: openSecondsAfter(bad, wait("1 minute"), bad),
    seen: { "100": 100, "300": 300 }
  },
  CIRCUIT_BREAKER_OPEN_DURATION_JITTER: {
    given: atFirstFailure,
    run: openSecondsAfter(bad),
    seen: { "0": 60, "0.2": 54, "1": 30 }
  },
  CIRCUIT_BREAKER_RETRY_AFTER_MAX: {
    given: atFirstFailure,
    run: openSecondsAfter(call(Effect.fail({ retryAfter: Duration.minutes(5) }))),
    seen: { "600": 300, "100": 100, "0": 60 }
  }
}

const probing: Behaviours = {
  CIRCUIT_BREAKER_PROBES: {
    given: atFirstFailure,
    run: Effect.andThen(
      script(bad, wait("1 minute"), hanging, hanging, hanging),
      Effect.map(snapshot, ({ probing }) => probing)
    ),
    seen: { "1": 1, "2": 2 }
  },
  CIRCUIT_BREAKER_SUCCESSES_TO_CLOSE: {
    given: { ...atFirstFailure, CIRCUIT_BREAKER_PROBES: "2" },
    run: stateAfter(bad, wait("1 minute"), good),
    seen: { "1": "Closed", "2": "HalfOpen" }
  },
  CIRCUIT_BREAKER_PROBE_TIMEOUT: {
    given: atFirstFailure,
    run: stateAfter(bad, wait("1 minute"), hanging, wait("30 seconds")),
    seen: { "30": "Open", "31": "HalfOpen" }
  }
}

const keys: Behaviours = {
  CIRCUIT_BREAKER_MAX_KEYS: {
    given: atFirstFailure,
    run: script(badFor("a"), badFor("b"), badFor("a")),
    seen: { "1": ["passed", "passed", "passed"], "2": ["passed", "passed", "rejected"] }
  },
  CIRCUIT_BREAKER_KEY_IDLE_TIME: {
    given: { CIRCUIT_BREAKER_FAIL_MAX: "2" },
    run: script(badFor("a"), wait("50 seconds"), badFor("a"), badFor("a")),
    seen: { "30": ["passed", "passed", "passed"], "55 seconds": ["passed", "passed", "rejected"] }
  }
}

const mode: Behaviour = {
  run: Effect.gen(function* () {
    const passed = yield* passing(...times(7, bad))
    const { failures, wouldReject } = yield* snapshot
    return { passed, failures, wouldReject }
  }),
  seen: {
    enforce: { passed: 5, failures: 5, wouldReject: 0 },
    observe: { passed: 7, failures: 7, wouldReject: 2 },
    disabled: { passed: 7, failures: 0, wouldReject: 0 }
  }
}

export const circuitBreaker: Behaviours = {
  CIRCUIT_BREAKER_ENABLED: { run: passing(...times(7, bad)), seen: { true: 5, false: 7 } },
  CIRCUIT_BREAKER_MODE: mode,
  ...tripping,
  ...opening,
  ...probing,
  ...keys
}
