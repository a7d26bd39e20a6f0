/**
 * Whether the parts work as on the first day, once everything is over.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Option from "effect/Option"
import type * as Bulkhead from "../../policy/Bulkhead.ts"
import type * as CircuitBreaker from "../../policy/CircuitBreaker.ts"
import { type Experiment, LATER } from "./Experiment.ts"
import { isBulkhead, isCircuitBreaker, isRetry } from "./Parts.ts"

/** Keys that the calls had, and no key. */
const keysOf = ({ calls }: Experiment): ReadonlyArray<string | undefined> => [
  ...new Set([undefined, ...[...calls.values()].map(({ call }) => call.key)])
]

/** Whether all calls have ended, and all operations with them. */
export const problemOfEnds = ({ calls, operations }: Experiment): string | undefined => {
  for (const { call, endedAt } of calls.values()) if (endedAt === undefined) return `call ${call.id} never ends`
  const running = operations.find(({ end }) => end === undefined)
  return running === undefined ? undefined : `an operation of call ${running.call.id} goes on after the call`
}

/** Whether all permits are there. */
export const problemOfLostPermits = (experiment: Experiment): string | undefined => {
  for (const part of experiment.parts.filter(isBulkhead)) {
    for (const key of keysOf(experiment)) {
      const problem = capacityProblem(experiment, part, key)
      if (problem !== undefined) return `the bulkhead of "${part.service}"${keyText(key)} ${problem}`
    }
  }
  return undefined
}

const keyText = (key: string | undefined): string => (key === undefined ? "" : ` with the key "${key}"`)

const MOST_PERMITS = 1_000

const capacityProblem = (
  experiment: Experiment,
  part: Bulkhead.Bulkhead,
  key: string | undefined
): string | undefined => {
  const { active, limit, queued } = part.snapshot(experiment.now, key)
  if (active !== 0 || queued !== 0) return `has ${active} active and ${queued} queued calls when nothing runs`
  const permits = Math.min(limit, MOST_PERMITS)
  let running = 0
  const hang = Effect.suspend(() => {
    running++
    return Effect.never
  })
  const fibers = Array.from({ length: permits }, () => experiment.run(hang.pipe(part.executeWith({ key }))))
  for (const fiber of fibers) fiber.interruptUnsafe()
  experiment.advance(0)
  return running === permits ? undefined : `lets ${running} calls run, its limit is ${limit}`
}

/** Whether every half-open circuit decides, however its probes end. */
export const problemOfCircuits = (experiment: Experiment): string | undefined => {
  for (const part of experiment.parts.filter(isCircuitBreaker)) {
    for (const probe of [Effect.void, Effect.fail("down"), Effect.never]) {
      const state = stateAfterProbes(experiment, part, probe)
      if (state === "HalfOpen") return `the circuit of "${part.service}" is half-open after all probes have ended`
      const canClose = probe === Effect.void && state !== "Closed" && part.options.mode !== "disabled"
      if (canClose) return `the circuit of "${part.service}" is ${state} after good probes`
    }
  }
  return undefined
}

/** Opens a circuit, waits until it lets probes through, and sees what they make of it. */
const stateAfterProbes = (
  experiment: Experiment,
  part: CircuitBreaker.CircuitBreaker,
  probe: Effect.Effect<void, string>
): CircuitBreaker.Snapshot["state"] => {
  experiment.run(part.reset)
  experiment.run(part.trip)
  const { retryAfter } = part.snapshot(experiment.now)
  const wait = Option.match(retryAfter, { onNone: () => 0, onSome: Duration.toMillis })
  if (part.snapshot(experiment.now).mode === "disabled" || wait > LATER * 24) return "Closed"
  experiment.advance(wait)
  const fibers = Array.from({ length: part.options.probes }, () => experiment.run(part.execute(probe)))
  experiment.advance(Duration.toMillis(part.options.probeTimeout))
  for (const fiber of fibers) fiber.interruptUnsafe()
  experiment.advance(0)
  const { state } = part.snapshot(experiment.now)
  experiment.run(part.reset)
  return state
}

/** Whether all that was set aside for retries has been spent or given back. */
export const problemOfLostBudget = (experiment: Experiment): string | undefined => {
  for (const part of experiment.parts.filter(isRetry)) {
    const { budget } = part.options
    if (budget?.enabled !== true) continue
    const window = Duration.toMillis(budget.window)
    const floor = Math.floor((budget.minimumPerSecond * window) / 1_000)
    for (const key of keysOf(experiment)) {
      const left = Option.getOrThrow(part.snapshot(experiment.now + window, key).budget)
      if (left !== floor)
        return `the budget of "${part.service}"${keyText(key)} is ${left} at rest, it should be ${floor}`
    }
  }
  return undefined
}
