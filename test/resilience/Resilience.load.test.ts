import { describe, expect, it } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Policy, Resilience } from "../../src/index.ts"
import { seeded } from "../../src/testing/internal/Seeded.ts"
import { type Series, scrape } from "./support/scrape.ts"
import { inWorld } from "./support/world.ts"

const world = {
  config: {
    services: {
      svc: {
        timeout: "5 seconds",
        retry: false,
        bulkhead: { maxConcurrent: 3, maxQueue: 3, queueTimeout: "7 seconds" },
        circuitBreaker: { consecutiveFailures: 4, openDuration: "10 seconds", probes: 2 }
      }
    }
  }
} as const

/** Calls of random length and outcome, and what is known about them from outside. */
class Load {
  readonly fibers: Array<Fiber.Fiber<unknown, unknown>> = []
  running = 0

  call(millis: number, fails: boolean) {
    const work = Effect.suspend(() => {
      this.running++
      const end = fails ? Effect.fail("down") : Effect.void
      return Effect.ensuring(
        millis === 0 ? end : Effect.delay(end, millis),
        Effect.sync(() => {
          this.running--
        })
      )
    })
    const start = Effect.forkChild(work.pipe(Resilience.protect("svc")), { startImmediately: true })
    return Effect.map(start, (fiber) => void this.fibers.push(fiber))
  }

  get live() {
    return this.fibers.filter((fiber) => fiber.pollUnsafe() === undefined)
  }

  /** How many calls ended in this way. */
  ended(how: string): number {
    return this.fibers.filter((fiber) => {
      const exit = fiber.pollUnsafe()
      return exit !== undefined && wayOf(exit) === how
    }).length
  }
}

/** One who is turned away when its turn comes passes it on to the next, in a task of its own. */
const everyoneHasMoved = Effect.repeat(TestClock.adjust(0), { times: world.config.services.svc.bulkhead.maxQueue })

const wayOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "success"
  if (Cause.hasInterruptsOnly(exit.cause)) return "interrupted"
  const error = Cause.squash(exit.cause)
  return typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : String(error)
}

const stateNumbers: Record<string, number> = { Closed: 0, Open: 1, HalfOpen: 2, Isolated: 3 }

const sumOf = (all: ReadonlyArray<Series>, name: string, ...of: ReadonlyArray<string>): number =>
  all
    .filter((series) => series.name === name && of.every((label) => Object.values(series.labels).includes(label)))
    .reduce((sum, { value }) => sum + value, 0)

const transitions = (all: ReadonlyArray<Series>) => all.filter(({ name }) => name === "circuit_breaker.transitions")

/** The state of a circuit that began closed and made these transitions. */
const stateAfter = (all: ReadonlyArray<Series>): ReadonlyArray<string> => {
  const count = (label: "from" | "to", state: string) =>
    transitions(all)
      .filter(({ labels }) => labels[label] === state)
      .reduce((sum, { value }) => sum + value, 0)
  return Object.keys(stateNumbers).filter(
    (state) => (state === "Closed" ? 1 : 0) + count("to", state) - count("from", state) === 1
  )
}

/** What the metrics show, and what is true, after a step. */
const compare = (load: Load, breaker: CircuitBreaker.CircuitBreaker, interrupted: number) =>
  Effect.gen(function* () {
    const all = yield* scrape
    const { state } = yield* Policy.snapshot(breaker)
    const failed = load.ended("down") + load.ended("TimeoutExceededError")
    const rejected = load.ended("BulkheadRejectedError") + load.ended("CircuitBreakerOpenError")
    const shown = {
      running: sumOf(all, "bulkhead.active_operations"),
      waiting: sumOf(all, "bulkhead.queue_depth"),
      state: sumOf(all, "circuit_breaker.state"),
      states: stateAfter(all),
      successes: sumOf(all, "circuit_breaker.successes"),
      failures: sumOf(all, "circuit_breaker.failures"),
      open: sumOf(all, "circuit_breaker.rejections"),
      full: sumOf(all, "bulkhead.rejections"),
      late: sumOf(all, "timeout.exceeded"),
      calls: sumOf(all, "resilience.pattern_invocations", "pipeline"),
      errors: sumOf(all, "error.total")
    }
    const truth: typeof shown = {
      running: load.running,
      waiting: load.live.length - load.running,
      state: stateNumbers[state]!,
      states: [state],
      successes: load.ended("success"),
      failures: failed,
      open: load.ended("CircuitBreakerOpenError"),
      full: load.ended("BulkheadRejectedError"),
      late: load.ended("TimeoutExceededError"),
      calls: load.ended("success") + failed + rejected + interrupted,
      errors: failed + rejected
    }
    return { shown, truth }
  })

describe("under a random load", () => {
  const ways = [
    "success",
    "down",
    "interrupted",
    "TimeoutExceededError",
    "BulkheadRejectedError",
    "CircuitBreakerOpenError"
  ]
  const happened = { states: new Set<string>(), ends: new Set<string>() }

  const run = (seed: number) =>
    Effect.gen(function* () {
      const dice = seeded(seed)
      const load = new Load()
      const breaker = (yield* Policy.instanceOf(CircuitBreaker.Kind, "svc"))!
      const steps: ReadonlyArray<
        readonly [share: number, step: () => Effect.Effect<unknown, never, Policy.ResilienceRegistry>]
      > = [
        [0.6, () => load.call(dice.pick([0, 500, 2_000, 4_999, 8_000]), dice.next() < 0.3)],
        [0.05, () => (load.live.length === 0 ? Effect.void : Fiber.interrupt(dice.pick(load.live)))],
        [0.01, () => breaker.trip],
        [0.01, () => breaker.isolate],
        [0.04, () => breaker.reset],
        [1, () => TestClock.adjust(dice.integer(0, 3_000))]
      ]
      for (let n = 0; n < 200; n++) {
        let chance = dice.next()
        const [, step] = steps.find(([share]) => (chance -= share) < 0)!
        yield* step()
        yield* everyoneHasMoved
        const { shown, truth } = yield* compare(load, breaker, load.ended("interrupted"))
        expect({ seed, n, ...shown }).toEqual({ seed, n, ...truth })
        for (const state of truth.states) happened.states.add(state)
      }
      for (const way of ways) if (load.ended(way) > 0) happened.ends.add(way)
      yield* Fiber.interruptAll(load.live)
      const { shown } = yield* compare(load, breaker, 0)
      expect(shown).toMatchObject({ running: 0, waiting: 0 })
    })

  it.effect("the metrics are true at every step, whatever happens", () =>
    Effect.gen(function* () {
      for (const seed of [1, 2, 3, 4, 5, 6]) yield* inWorld(run(seed), world)
      expect([...happened.states].toSorted()).toEqual(Object.keys(stateNumbers).toSorted())
      expect([...happened.ends].toSorted()).toEqual(ways.toSorted())
    })
  )
})
