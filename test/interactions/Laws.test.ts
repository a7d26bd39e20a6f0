/**
 * What holds for every pipeline of whatever parts in whatever order, and whatever happens to its calls. What happens is
 * drawn from a seed; a failure names it. `LAWS_SEED=7 LAWS_RUNS=1` repeats one run, and a great `LAWS_RUNS` looks further.
 */
import { describe, expect, it } from "@effect/vitest"
import { Cause, Clock, Duration, Effect, type Exit, Fiber, Option, Random } from "effect"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Deadline, Fallback, Pipeline, type Policy, Retry, Timeout } from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { type Seeded, seeded } from "../../src/testing/internal/Seeded.ts"
import { endOf } from "../support/tracing.ts"

const FIRST_SEED = Number(process.env["LAWS_SEED"] ?? 1)
const RUNS = Number(process.env["LAWS_RUNS"] ?? 150)
const SPAN = 20_000
const LATER = 1e9
/** Work that nobody can interrupt takes at most so long. */
const STUBBORN = 3_000
const KEYS = ["a", "b"]

type End = ReturnType<typeof endOf>

/** A part that counts what goes in and how it comes out. */
interface Meter extends Policy.Guard {
  readonly ends: Record<End, number>
  entered: number
  active: number
  mostActive: number
  longest: number
}

const makeMeter = (): Meter => {
  const execute: Policy.Policy = (self) =>
    Effect.suspend(() => {
      let startedAt = 0
      let isIn = false
      const body = Effect.flatMap(Clock.currentTimeMillis, (now) => {
        startedAt = now
        isIn = true
        meter.entered++
        meter.active++
        meter.mostActive = Math.max(meter.mostActive, meter.active)
        return self
      })
      const leave = (exit: Exit.Exit<unknown, unknown>) =>
        Effect.map(Clock.currentTimeMillis, (now) => {
          if (!isIn) return
          meter.active--
          meter.ends[endOf(exit)]++
          meter.longest = Math.max(meter.longest, now - startedAt)
        })
      return Effect.onExit(body, leave)
    })
  const meter: Meter = {
    kind: "meter",
    service: "meter",
    execute,
    executeWith: () => execute,
    describe: () => "counts",
    snapshot: () => ({ kind: "meter", service: "meter" }),
    ends: { success: 0, failure: 0, defect: 0, interruption: 0 },
    entered: 0,
    active: 0,
    mostActive: 0,
    longest: 0
  }
  return meter
}

/** A part between two meters, and what must be true of it when everything is at rest. */
interface Stage {
  readonly part: Pipeline.Part
  readonly check: (outside: Meter, inside: Meter, rest: { readonly now: number; readonly usesKeys: boolean }) => void
  /** Something that an operator does meanwhile. */
  readonly disturb?: (random: Seeded) => Effect.Effect<void>
  /** What an operator does at the end. */
  readonly restore?: Effect.Effect<void>
  /** Whether it works as on the first day. */
  readonly prove?: (key: string | undefined) => Effect.Effect<void>
}

const fallbackStage = (random: Seeded): Stage => {
  const answers = [Effect.succeed("instead"), Effect.fail("no answer"), Effect.delay(Effect.succeed("late"), 500)]
  const part = Fallback.makeUnsafe(() => random.pick(answers))
  return {
    part,
    check: (outside) => {
      const { answered, failures, successes } = part.snapshot(0)
      expect(successes + answered + failures).toBeLessThanOrEqual(outside.entered)
      expect(outside.entered - successes - answered - failures).toBeLessThanOrEqual(outside.ends.interruption)
      expect(outside.ends.success).toBe(successes + answered)
    }
  }
}

const limitStage = (make: typeof Timeout.makeUnsafe | typeof Deadline.makeUnsafe, random: Seeded): Stage => {
  const duration = random.pick([1, 100, 1_000, 4_000])
  const part = make({ duration })
  return {
    part,
    check: (outside) => {
      const { exceeded, failures, interrupted, successes } = part.snapshot(0)
      expect(successes + failures + exceeded + interrupted).toBe(outside.entered)
      expect(outside.ends.success).toBe(successes)
      expect(outside.longest).toBeLessThanOrEqual(duration + STUBBORN)
    }
  }
}

const retryStage = (random: Seeded): Stage => {
  const floor = random.integer(0, 5)
  const hasBudget = random.next() < 0.5
  const part = Retry.makeUnsafe({
    maxAttempts: random.integer(1, 4),
    strategy: random.pick(["exponential", "linear", "fixed", "random"]),
    baseDelay: random.pick([0, 50, 1_000]),
    jitter: random.pick(["none", "equal", "full", "decorrelated"]),
    ...(hasBudget ? { budget: { ratio: 0.2, minimumPerSecond: floor, window: "1 second" } } : {})
  })
  return {
    part,
    check: (outside, inside) => {
      const { exhausted, failures, retries, successes } = part.snapshot(0)
      const ended = successes + failures + exhausted
      expect(ended).toBeLessThanOrEqual(outside.entered)
      expect(outside.entered - ended).toBeLessThanOrEqual(outside.ends.interruption)
      expect(outside.ends.success).toBe(successes)
      expect(inside.entered).toBe(outside.entered + retries)
      expect(inside.entered).toBeLessThanOrEqual(outside.entered * part.worstCase.attempts)
      for (const key of [undefined, ...KEYS]) {
        expect(part.snapshot(LATER, key).budget).toEqual(hasBudget ? Option.some(floor) : Option.none())
      }
    }
  }
}

const breakerStage = (random: Seeded): Stage => {
  const probes = random.integer(1, 3)
  const mode = random.pick(["enforce", "enforce", "enforce", "observe"] as const)
  const probeTimeout = random.pick([500, 2_000, 1e8])
  const common = {
    mode,
    probeTimeout,
    openDuration: random.pick([100, 1_000, 3_000]),
    openDurationFactor: random.pick([1, 2]),
    openDurationJitter: random.pick([0, 0.2]),
    probes,
    successesToClose: random.integer(1, probes)
  }
  const part =
    random.next() < 0.6
      ? CircuitBreaker.makeUnsafe({ ...common, consecutiveFailures: random.integer(1, 4) })
      : CircuitBreaker.makeUnsafe({ ...common, tripPolicy: "time-window", minimumCalls: 3, slowCallDuration: 800 })
  const stateOf = (key: string | undefined) =>
    Effect.map(Clock.currentTimeMillis, (now) => part.snapshot(now, key).state)
  return {
    part,
    disturb: (random) => random.pick([part.trip, part.reset, part.isolate, part.reset]),
    restore: part.reset,
    check: (outside, inside, { now }) => {
      const { failures, ignored, probing, rejections, successes, wouldReject } = part.snapshot(now)
      expect(successes + failures + ignored + rejections).toBe(outside.entered)
      expect(inside.entered).toBe(outside.entered - rejections)
      expect(mode === "enforce" ? wouldReject : rejections).toBe(0)
      expect(probing).toBe(0)
      for (const key of KEYS) expect(part.snapshot(now, key).probing).toBe(0)
    },
    prove: (key) =>
      Effect.gen(function* () {
        yield* part.trip
        const fail = Effect.fail("down").pipe(part.executeWith({ key }), Effect.ignore)
        for (let call = 0; call < 4; call++) yield* fail
        yield* TestClock.adjust("15 minutes")
        const hang = Effect.never.pipe(part.executeWith({ key }), Effect.exit)
        const hung = yield* Effect.forEach(Array.from({ length: probes }), () => Effect.forkChild(hang))
        yield* TestClock.adjust(probeTimeout)
        yield* TestClock.adjust("15 minutes")
        for (let call = 0; call < probes; call++) yield* Effect.void.pipe(part.executeWith({ key }), Effect.ignore)
        expect(yield* stateOf(key)).toBe("Closed")
        yield* Effect.forEach(hung, Fiber.interrupt)
        expect(yield* stateOf(key)).toBe("Closed")
      })
  }
}

const bulkheadStage = (random: Seeded): Stage => {
  const limit = random.integer(1, 3)
  const queue = random.pick([{}, {}, { queueTimeout: 700 }])
  const part = Bulkhead.makeUnsafe({ maxConcurrent: limit, maxQueue: random.pick([0, 2, 100]), ...queue })
  const gates = KEYS.length + 1
  return {
    part,
    disturb: (random) => part.resize(random.integer(0, limit)),
    restore: part.resize(limit),
    check: (outside, inside, { usesKeys }) => {
      const { active, failures, interrupted, queued, rejected, successes } = part.snapshot(0)
      expect([active, queued]).toEqual([0, 0])
      expect(successes + failures + interrupted + rejected).toBe(outside.entered)
      expect(inside.mostActive).toBeLessThanOrEqual(limit * (usesKeys ? gates : 1))
    },
    prove: (key) =>
      Effect.gen(function* () {
        const hang = Effect.never.pipe(part.executeWith({ key }), Effect.exit)
        const hung = yield* Effect.forEach(Array.from({ length: limit }), () => Effect.forkChild(hang))
        yield* TestClock.adjust(0)
        expect(part.snapshot(0, key)).toMatchObject({ active: limit, queued: 0 })
        yield* Effect.forEach(hung, Fiber.interrupt)
      })
  }
}

const stages: ReadonlyArray<(random: Seeded) => Stage> = [
  fallbackStage,
  retryStage,
  breakerStage,
  bulkheadStage,
  (random) => limitStage(Timeout.makeUnsafe, random),
  (random) => limitStage(Deadline.makeUnsafe, random)
]

/** What one run of an operation does. */
const operation = (random: Seeded): Effect.Effect<unknown, unknown> => {
  const after = (ending: Effect.Effect<unknown, unknown>) => Effect.delay(ending, random.integer(1, 3_000))
  const both = Cause.combine(Cause.fail("down"), Cause.die("bug"))
  const retryAfter = Duration.millis(random.integer(1, 3_000))
  return random.pick<Effect.Effect<unknown, unknown>>([
    Effect.succeed("up"),
    Effect.succeed("up"),
    Effect.fail("down"),
    after(Effect.succeed("up")),
    after(Effect.succeed("up")),
    after(Effect.fail("down")),
    Effect.fail({ _tag: "Busy", status: random.pick([404, 429, 503, 529]), retryAfter }),
    Effect.never,
    Effect.die("bug"),
    after(Effect.die("bug")),
    after(Effect.failCause(both)),
    Effect.uninterruptible(Effect.sleep(random.integer(1, STUBBORN))),
    Effect.onInterrupt(Effect.never, () => Effect.sleep(random.integer(1, STUBBORN))),
    Effect.interrupt,
    Effect.yieldNow
  ])
}

interface Outcome {
  readonly events: ReadonlyArray<Policy.Event>
  readonly ends: ReadonlyArray<End>
}

/** One random pipeline with its random calls. */
const run = (seed: number): Effect.Effect<Outcome> =>
  Effect.gen(function* () {
    const random = seeded(seed)
    const usesKeys = random.next() < 0.3
    const chosen = Array.from({ length: random.integer(0, 6) }, () => random.pick(stages)(random))
    const meters = Array.from({ length: chosen.length + 1 }, makeMeter)
    const parts = [meters[0]!, ...chosen.flatMap(({ part }, at) => [part, meters[at + 1]!])]
    const pipeline: Pipeline.Pipeline<ReadonlyArray<Pipeline.Part>> = Pipeline.inOrder(parts)
    const recorded = RecordedEvents.make()
    const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
    const call = Effect.suspend(() => operation(random))
    const start = Effect.suspend(() => {
      const key = usesKeys ? random.pick([undefined, ...KEYS]) : undefined
      const guarded = call.pipe(key === undefined ? pipeline.execute : pipeline.executeWith({ key }))
      return Effect.map(
        Effect.forkChild(recorded.record(guarded as Effect.Effect<unknown, unknown>), { startImmediately: true }),
        (fiber) => void fibers.push(fiber)
      )
    })
    const interrupt = Effect.suspend(() =>
      fibers.length === 0 ? Effect.void : Effect.sync(() => random.pick(fibers).interruptUnsafe())
    )
    const disturb = Effect.suspend(() => random.pick(chosen)?.disturb?.(random) ?? Effect.void)

    const steps = random.integer(5, 40)
    for (let step = 0; step < steps; step++) {
      yield* TestClock.adjust(random.integer(0, (2 * SPAN) / steps))
      const dice = random.next()
      yield* dice < 0.75 ? start : dice < 0.9 ? interrupt : disturb
    }
    yield* TestClock.adjust(random.integer(0, SPAN))
    for (const { restore } of chosen) if (restore !== undefined) yield* restore
    for (const fiber of fibers) fiber.interruptUnsafe()
    yield* TestClock.adjust("1 hour")
    const exits = yield* Effect.forEach(fibers, Fiber.await)

    for (const { active, ends, entered } of meters) {
      expect(active).toBe(0)
      expect(ends.success + ends.failure + ends.defect + ends.interruption).toBe(entered)
    }
    const now = yield* Clock.currentTimeMillis
    for (const [at, { check }] of chosen.entries()) check(meters[at]!, meters[at + 1]!, { now, usesKeys })
    const { failures, interrupted, successes } = pipeline.snapshot(0)
    const { ends } = meters[0]!
    expect({ successes, failures, interrupted }).toEqual({
      successes: ends.success,
      failures: ends.failure + ends.defect,
      interrupted: ends.interruption
    })
    for (const { prove } of chosen) {
      if (prove !== undefined) for (const key of usesKeys ? [undefined, ...KEYS] : [undefined]) yield* prove(key)
    }
    return { events: recorded.events(), ends: exits.map(endOf) }
  }).pipe(
    Random.withSeed(seed),
    Effect.provide(TestClock.layer()),
    Effect.catchCause((cause) => Effect.die(new Error(`the laws are broken with seed ${seed}: ${Cause.pretty(cause)}`)))
  )

describe("for every pipeline", { timeout: 120_000 }, () => {
  it.effect("no permit is lost, every circuit decides, and the counts add up", () =>
    Effect.gen(function* () {
      const seen = new Set<string>()
      for (let seed = FIRST_SEED; seed < FIRST_SEED + RUNS; seed++) {
        const { ends, events } = yield* run(seed)
        for (const end of ends) seen.add(end)
        for (const { _tag } of events) seen.add(_tag)
      }
      if (RUNS < 100) return
      expect([...seen].toSorted()).toEqual([
        "BulkheadRejection",
        "CallFailed",
        "CircuitBreakerFailure",
        "CircuitBreakerRejection",
        "CircuitBreakerTransition",
        "FallbackUsed",
        "RetryAbandoned",
        "RetryExhausted",
        "RetryScheduled",
        "TimeoutExceeded",
        "defect",
        "failure",
        "interruption",
        "success"
      ])
    })
  )

  it.effect("the same seed tells the same story twice", () =>
    Effect.gen(function* () {
      for (let seed = FIRST_SEED; seed < FIRST_SEED + Math.min(RUNS, 20); seed++) {
        const one = yield* run(seed)
        const other = yield* run(seed)
        expect(other.ends).toEqual(one.ends)
        expect(JSON.stringify(other.events)).toBe(JSON.stringify(one.events))
      }
    })
  )
})
