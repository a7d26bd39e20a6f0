/**
 * Calls that are tried again, with and without waits, and with a budget.
 */
import { Duration, Effect, Option } from "effect"
import { Classifier, Deadline, Retry } from "../../../src/index.ts"
import { type Operation, same } from "../../support/sweep.ts"
import * as Situation from "./situations.ts"

interface Start {
  readonly name: string
  readonly script: ReadonlyArray<Situation.Step>
  readonly options?: Retry.OptionsInput
  readonly call?: Retry.CallOptions
  /** The retries that the budget allows. */
  readonly reserves?: number
  readonly deadline?: number
  /** The waits before the second and the third attempt. */
  readonly waits?: readonly [number, number]
}

const RESERVES = 10

const overloaded: Retry.CallOptions = { classify: () => Classifier.overloaded }

const starts: ReadonlyArray<Start> = [
  { name: "a call that succeeds", script: ["up"] },
  { name: "a call that succeeds after a wait", script: ["down", "up"] },
  {
    name: "a call that succeeds at once in its second attempt",
    script: ["down", "up"],
    options: { baseDelay: 0 },
    waits: [0, 0]
  },
  { name: "a call that always fails", script: ["down"] },
  { name: "a call that always fails, at once", script: ["down"], options: { baseDelay: 0 }, waits: [0, 0] },
  { name: "a call that dies in its second attempt", script: ["down", "bug"] },
  { name: "a call that interrupts itself in its second attempt", script: ["down", "interrupt"] },
  { name: "a call without a budget", script: ["down"], options: { budget: { enabled: false } } },
  { name: "a call that uses up its budget", script: ["down"], reserves: 1 },
  { name: "a call that has no budget", script: ["down"], reserves: 0 },
  { name: "a call whose deadline comes before its retry", script: ["down"], deadline: 5 },
  { name: "a call that is tried only once", script: ["down"], options: { maxAttempts: 1 } },
  { name: "a call with a key", script: ["down", "up"], call: { key: "tenant" } },
  { name: "a call with a key that uses up its budget", script: ["down"], call: { key: "tenant" }, reserves: 1 },
  { name: "a call that meets an overload", script: ["down", "up"], call: overloaded, waits: [20, 40] },
  { name: "a call that wraps its causes", script: ["down"], call: { onExhausted: "wrap" } },
  { name: "a call that is not worth it", script: ["down"], call: { while: () => false } }
]

const makerOf = (reserves: number, options: Retry.OptionsInput = {}) =>
  Situation.maker(Retry.Kind, {
    maxAttempts: 3,
    baseDelay: 10,
    jitter: "none",
    overload: { baseDelay: 20, jitter: "none" },
    budget: Situation.budgetOf(reserves),
    ...options
  })

const rowOf = ({ call, deadline, name, options, reserves = RESERVES, script, waits = [10, 20] }: Start): Operation => {
  const makeRetry = makerOf(reserves, options)
  return {
    name: `retry, ${name}`,
    covers: [call === undefined ? "retry.execute" : "retry.executeWith"],
    prepare: (world) => {
      const retry = makeRetry()
      const key = call?.key
      const work = new Situation.Work(...script)
      const before = retry.snapshot(world.now, key)
      const startedAt = world.now
      const guarded = call === undefined ? retry.execute(work.call) : retry.executeWith(call)(work.call)
      const total = deadline === undefined ? Infinity : world.now + deadline
      return {
        call: Effect.provideService(guarded, Deadline.CurrentDeadline, {
          at: total,
          service: "total",
          duration: Duration.millis(total)
        }),
        whenEnded: () => work.rests(),
        afterwards: (exit) => {
          const after = retry.snapshot(world.now, key)
          const ended = endedOf(after) - endedOf(before)
          same("calls that are counted", ended === 1 || (ended === 0 && exit._tag === "Failure"), true)
          if (exit._tag === "Success") same("successes", after.successes - before.successes, 1)
          const retries = after.retries - before.retries
          same("retries that are counted", retries, work.begun - 1, ...(work.begun < 3 ? [work.begun] : []))
          if (Option.isNone(after.budget)) return
          const spent = Option.getOrThrow(before.budget) - after.budget.value
          same("retries that are paid for", spent, retries, retries + 1)
          const waited = world.now - startedAt
          const over = waited < waits[0] ? 0 : waited < waits[0] + waits[1] ? 1 : 2
          same("retries that are paid for when their wait is over", spent <= over, true)
          Situation.hasFullBudget(world, retry, reserves, key)
        }
      }
    }
  }
}

const endedOf = ({ exhausted, failures, interrupted, successes }: Retry.Snapshot): number =>
  successes + failures + exhausted + interrupted

const makeRetry = makerOf(RESERVES)

/** Other options, while a call waits for its next attempt. */
const reconfigure: Operation = {
  name: "retry, reconfigure",
  covers: ["retry.reconfigure"],
  prepare: (world) => {
    const retry = makeRetry()
    const work = new Situation.Work("down")
    const others = new Situation.Others(world)
    return {
      call: Effect.andThen(others.start(retry.execute(work.call)), retry.reconfigure({ maxAttempts: 2 })),
      end: others.end,
      afterwards: (exit) => {
        work.rests()
        if (exit._tag === "Success") same("attempts", retry.options.maxAttempts, 2)
        Situation.hasFullBudget(world, retry, RESERVES)
      }
    }
  }
}

export const operations: ReadonlyArray<Operation> = [...starts.map(rowOf), reconfigure]
