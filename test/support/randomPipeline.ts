/**
 * Random policies with random numbers, and pipelines of them in any order.
 */
import { Effect } from "effect"
import { Bulkhead, CircuitBreaker, Deadline, Fallback, Pipeline, Retry, Timeout } from "../../src/index.ts"
import type { Seeded } from "../../src/testing/internal/Seeded.ts"

const limit = (random: Seeded) => ({ service: "limited", duration: random.pick([1, 100, 1_000, 4_000, Infinity]) })

export const policies = {
  fallback: (random: Seeded) => {
    const answers = [Effect.succeed("instead"), Effect.fail("no answer"), Effect.delay(Effect.succeed("late"), 500)]
    const answer = random.pick(answers)
    return Fallback.makeUnsafe(() => answer)
  },
  retry: (random: Seeded) => {
    const budget = {
      ratio: random.pick([0, 0.2, 1]),
      minimumPerSecond: random.integer(0, 5),
      window: "1 second"
    } as const
    return Retry.makeUnsafe({
      maxAttempts: random.integer(1, 4),
      strategy: random.pick(["exponential", "linear", "fixed", "random"]),
      baseDelay: random.pick([0, 50, 1_000]),
      jitter: random.pick(["none", "equal", "full", "decorrelated"]),
      ...(random.next() < 0.6 ? { budget } : {})
    })
  },
  "circuit-breaker": (random: Seeded) => {
    const probes = random.integer(1, 3)
    const common = {
      mode: random.pick<CircuitBreaker.Mode>(["enforce", "enforce", "enforce", "observe", "disabled"]),
      probeTimeout: random.pick([500, 2_000, 1e8]),
      openDuration: random.pick([100, 1_000, 3_000]),
      openDurationFactor: random.pick([1, 2]),
      openDurationJitter: random.pick([0, 0.2]),
      probes,
      successesToClose: random.integer(1, probes)
    }
    const rates = { minimumCalls: 3, failureRate: random.pick([0.5, 1]), slowCallDuration: 800 }
    return random.pick([
      () => CircuitBreaker.makeUnsafe({ ...common, consecutiveFailures: random.integer(1, 4) }),
      () => CircuitBreaker.makeUnsafe({ ...common, ...rates, tripPolicy: "time-window" }),
      () => CircuitBreaker.makeUnsafe({ ...common, ...rates, tripPolicy: "count-window", windowSize: 5 })
    ])()
  },
  bulkhead: (random: Seeded) =>
    Bulkhead.makeUnsafe({
      maxConcurrent: random.integer(1, 3),
      maxQueue: random.pick([0, 2, 100]),
      ...random.pick([{}, {}, { queueTimeout: 700 }])
    }),
  timeout: (random: Seeded) => Timeout.makeUnsafe(limit(random)),
  deadline: (random: Seeded) => Deadline.makeUnsafe(limit(random))
} as const

const makers = Object.values(policies)

/** Parts in any order and number, some of them pipelines, which may be empty. */
export const randomPipeline = (random: Seeded, depth = 0): Pipeline.Pipeline<ReadonlyArray<Pipeline.Part>> => {
  const parts = Array.from({ length: random.integer(0, depth === 0 ? 6 : 2) }, (): Pipeline.Part => {
    // A pipeline with a fallback cannot stand in another one as far as its type goes; what it does is no different.
    if (depth < 2 && random.next() < 0.2) return randomPipeline(random, depth + 1) as Pipeline.Part
    return random.pick(makers)(random)
  })
  return Pipeline.inOrder(parts, { service: `pipeline ${depth}` })
}
