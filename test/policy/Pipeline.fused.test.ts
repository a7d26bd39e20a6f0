import { describe, expect } from "@effect/vitest"
import { Cause, Effect, Exit, Fiber, Random } from "effect"
import { TestClock } from "effect/testing"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  Fallback,
  Outcome,
  Pipeline,
  Policy,
  Retry,
  Timeout
} from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"
import { type Dice, property } from "../support/property.ts"
import { transparent } from "../support/transparent.ts"

/** Every pattern in one or two forms. */
const makers = {
  fallback: () =>
    Fallback.makeUnsafe((error) => (error === "fatal" ? Effect.fail("no answer") : Effect.succeed("answer"))),
  deadline: () => Deadline.makeUnsafe({ duration: "5 seconds" }),
  shortDeadline: () => Deadline.makeUnsafe({ duration: "1500 millis" }),
  retry: () => Retry.makeUnsafe({ maxAttempts: 3, jitter: "none" }, { while: (error) => error !== "fatal" }),
  poorRetry: () => Retry.makeUnsafe({ maxAttempts: 2, budget: { ratio: 0.5, minimumPerSecond: 0 } }),
  circuitBreaker: () => CircuitBreaker.makeUnsafe({ consecutiveFailures: 3, openDuration: "3 seconds" }),
  slowBreaker: () =>
    CircuitBreaker.makeUnsafe({
      tripPolicy: "time-window",
      minimumCalls: 2,
      slowCallDuration: "500 millis",
      openDuration: "2 seconds"
    }),
  choosyBreaker: () =>
    CircuitBreaker.makeUnsafe(
      {},
      {
        classify: (exit) => {
          if (Exit.isFailure(exit) && Cause.squash(exit.cause) === "unjudged") throw new Error("no idea")
          return Outcome.success
        }
      }
    ),
  bulkhead: () => Bulkhead.makeUnsafe({ maxConcurrent: 2, maxQueue: 1, queueTimeout: "1 second" }),
  narrowBulkhead: () => Bulkhead.makeUnsafe({ maxConcurrent: 1, maxQueue: 1, queueTimeout: "1 second" }),
  timeout: () => Timeout.makeUnsafe({ duration: "1 second" })
}
type Maker = keyof typeof makers

const ends = ["value", "down", "fatal", "unjudged", "defect", "interruption", "never"] as const

/** A call: how long the operation takes at each attempt, how it ends, and when the caller loses interest. */
interface Call {
  readonly pauseMillis: number
  readonly takesMillis: number
  readonly end: (typeof ends)[number]
  readonly givesUpAfterMillis: number | undefined
}

const operation = ({ end, takesMillis }: Call): Effect.Effect<unknown, unknown> => {
  const ending = {
    value: Effect.succeed("value"),
    down: Effect.fail("down"),
    fatal: Effect.fail("fatal"),
    unjudged: Effect.fail("unjudged"),
    defect: Effect.die("defect"),
    interruption: Effect.interrupt,
    never: Effect.never
  }[end]
  return takesMillis === 0 ? ending : Effect.andThen(Effect.sleep(takesMillis), ending)
}

/** Everything that can be seen of a pipeline that gets these calls. */
const run = (
  names: ReadonlyArray<Maker>,
  calls: ReadonlyArray<Call>,
  key: string | undefined,
  isFused: boolean
): Effect.Effect<unknown> =>
  Effect.gen(function* () {
    const parts = names.map((name) => makers[name]())
    const pipeline = Pipeline.inOrder(isFused ? parts : [...parts, transparent], { service: "orders" })
    const recorded = RecordedEvents.make()
    const guard = key === undefined ? pipeline.execute : pipeline.executeWith({ key })
    const fibers: Array<Fiber.Fiber<unknown, unknown>> = []
    const givingUp: Array<Fiber.Fiber<unknown, unknown>> = []
    for (const call of calls) {
      yield* TestClock.adjust(call.pauseMillis)
      const fiber = yield* operation(call).pipe(guard, recorded.record, Effect.forkChild({ startImmediately: true }))
      fibers.push(fiber)
      if (call.givesUpAfterMillis !== undefined) {
        const giveUp = Effect.andThen(Effect.sleep(call.givesUpAfterMillis), Fiber.interrupt(fiber))
        givingUp.push(yield* Effect.forkChild(giveUp, { startImmediately: true }))
      }
    }
    yield* TestClock.adjust("2 minutes")
    const exits = yield* Effect.forEach(fibers, (fiber) =>
      Effect.sync(() => {
        const exit = fiber.pollUnsafe()
        if (exit === undefined) return "still running"
        return exit._tag === "Success" ? exit.value : exit.cause.reasons.map(describeReason)
      })
    )
    yield* Effect.forEach([...fibers, ...givingUp], Fiber.interrupt)
    const snapshots = yield* Effect.forEach(parts as ReadonlyArray<Policy.Instance>, (part) => Policy.snapshot(part))
    const totals = yield* Policy.snapshot(pipeline)
    const events = recorded.events().map(({ _tag, at, attributes, kind }) => ({ _tag, at, attributes, kind }))
    return { exits, snapshots, totals, events }
  }).pipe(Effect.provide(TestClock.layer()), Random.withSeed("fused"))

const describeReason = (reason: Cause.Reason<unknown>): string =>
  reason._tag === "Interrupt"
    ? "interrupted"
    : `${reason._tag} ${String(reason._tag === "Fail" ? reason.error : reason.defect)}`

const recommended: ReadonlyArray<ReadonlyArray<Maker>> = [
  ["timeout"],
  ["circuitBreaker", "timeout"],
  ["bulkhead", "timeout"],
  ["fallback", "retry", "circuitBreaker", "bulkhead", "timeout"],
  ["retry", "slowBreaker", "bulkhead", "timeout"],
  ["fallback", "deadline", "retry", "circuitBreaker", "bulkhead", "timeout"],
  ["poorRetry", "choosyBreaker", "timeout"],
  ["shortDeadline", "retry", "circuitBreaker", "bulkhead", "timeout"]
]
const others: ReadonlyArray<ReadonlyArray<Maker>> = [
  ["retry", "fallback", "timeout"],
  ["bulkhead", "circuitBreaker", "timeout"],
  ["circuitBreaker", "retry", "bulkhead", "slowBreaker", "timeout"],
  ["retry", "poorRetry", "bulkhead", "bulkhead", "timeout"],
  ["bulkhead", "narrowBulkhead", "timeout"],
  ["timeout", "circuitBreaker", "timeout"]
]

const someCall = (dice: Dice): Call => ({
  pauseMillis: dice.pick([0, 0, 100, 700, 2_500]),
  takesMillis: dice.pick([0, 300, 600, 999, 1_000, 1_500]),
  end: dice.pick([...ends, "value", "down"]),
  givesUpAfterMillis: dice.pick([undefined, undefined, undefined, 100, 1_000, 1_200])
})

describe("the fused form of a pipeline does what the nested form does", () => {
  for (const names of [...recommended, ...others]) {
    for (const key of [undefined, "tenant"]) {
      property(
        `${names.join(" > ")}${key === undefined ? "" : ", with a key"}`,
        (dice) => dice.many(8, () => someCall(dice)),
        async (calls) => {
          const fused = await Effect.runPromise(run(names, calls, key, true))
          const nested = await Effect.runPromise(run(names, calls, key, false))
          expect(fused).toEqual(nested)
        },
        { runs: 60 }
      )
    }
  }
})
