/**
 * Permits, budgets and time: what may not be exceeded, at any moment.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as Policy from "../../policy/Policy.ts"
import { STUBBORN } from "./Command.ts"
import type { Experiment } from "./Experiment.ts"
import {
  isBulkhead,
  isCircuitBreaker,
  isDeadline,
  isFallback,
  isPipeline,
  isRetry,
  isTimeout,
  limitOf
} from "./Parts.ts"

/** Whether more calls run than have a permit, or have one than may. */
export const problemOfPermits = ({ calls, limits, now, operations, parts }: Experiment): string | undefined => {
  for (const part of parts.filter(isBulkhead)) {
    const { active, queued } = part.snapshot(now)
    const running = operations.filter(({ end }) => end === undefined)
    const keys = keysOf(calls)
    const limit = limits.get(part)!
    const most = limit * keys.size
    const name = `the bulkhead of "${part.service}"`
    if (active < 0 || queued < 0) return `${name} has ${active} active and ${queued} queued calls`
    if (active < running.length) return `${name} has ${active} active calls, and ${running.length} run`
    if (active > most) return `${name} has ${active} active calls, and at most ${most} may run`
    for (const key of keys) {
      if (key === undefined) continue
      const own = part.snapshot(now, key).active
      const ownRunning = running.filter(({ call }) => call.key === key).length
      if (own < ownRunning || own > limit) {
        return `${name} has ${own} active calls with the key "${key}", ${ownRunning} run, ${limit} may`
      }
    }
  }
  return undefined
}

const keysOf = (calls: Experiment["calls"]) => new Set([undefined, ...[...calls.values()].map(({ call }) => call.key)])

/** Whether a probe holds its slot though its call is over. */
export const problemOfProbes = ({ calls, now, parts }: Experiment): string | undefined => {
  const underway = [...calls.values()].filter(({ endedAt }) => endedAt === undefined)
  for (const part of parts.filter(isCircuitBreaker)) {
    for (const key of keysOf(calls)) {
      const { probing } = part.snapshot(now, key)
      const most = underway.filter(({ call }) => call.key === key).length
      if (probing > most)
        return `the circuit of "${part.service}" has ${probing} probes, and ${most} calls are under way`
    }
  }
  return undefined
}

/** Whether a budget is less than nothing, or more was spent than there can have been. */
export const problemOfBudgets = ({ calls, now, parts }: Experiment): string | undefined => {
  for (const part of parts.filter(isRetry)) {
    const { budget } = part.options
    const left = part.snapshot(now).budget
    if (budget?.enabled !== true || Option.isNone(left)) continue
    if (!Number.isInteger(left.value) || left.value < 0) return `the budget of "${part.service}" is ${left.value}`
    const { retries, ...totals } = part.snapshot(now)
    const seen = totals.successes + totals.failures + totals.exhausted + totals.interrupted + calls.size
    const window = Duration.toMillis(budget.window)
    const floor = (budget.minimumPerSecond * window) / 1_000
    const most = seen * budget.ratio + floor * (Math.ceil(now / window) + 1) * keysOf(calls).size
    if (retries > most) return `the budget of "${part.service}" allowed ${retries} retries, ${most} are possible`
  }
  return undefined
}

/** Whether a call sees a later deadline than those around it, or goes on after it. */
export const problemOfDeadlines = ({ calls, operations, parts }: Experiment): string | undefined => {
  for (const { call, callAt, deadline = Infinity, startedAt } of operations) {
    const own = call.remaining === undefined ? Infinity : callAt + call.remaining
    const latest = Math.min(own, ...deadlinesOf(parts, callAt, startedAt))
    if (deadline > latest + ROUNDING) return `call ${call.id} sees a deadline at ${deadline}, it is at ${latest}`
  }
  const outermost = parts.find((part) => !isPipeline(part))
  if (outermost === undefined || !isDeadline(outermost)) return undefined
  for (const { at, call, endedAt = at } of calls.values()) {
    const latest = at + Math.min(limitOf(outermost), call.remaining ?? Infinity) + STUBBORN
    if (endedAt > latest + ROUNDING)
      return `call ${call.id} ended at ${endedAt}, its deadline was at ${at + limitOf(outermost)}`
  }
  return undefined
}

/** Fractions of a millisecond on the way through nanoseconds. */
const ROUNDING = 0.001

/** A deadline begins with the call, unless something around it lets the call wait or come again. */
const deadlinesOf = (parts: ReadonlyArray<Policy.Instance>, callAt: number, startedAt: number): Array<number> => {
  const deadlines: Array<number> = []
  let isImmediate = true
  for (const part of parts) {
    if (isDeadline(part)) deadlines.push((isImmediate ? callAt : startedAt) + limitOf(part))
    isImmediate &&=
      isDeadline(part) || isTimeout(part) || isFallback(part) || isCircuitBreaker(part) || isPipeline(part)
  }
  return deadlines
}

/** Whether an operation goes on after the limits around it. */
export const problemOfTimeouts = ({ operations, parts }: Experiment): string | undefined => {
  const limit = Math.min(Infinity, ...parts.filter(isTimeout).map(limitOf))
  for (const { behaviour, call, end, startedAt } of operations) {
    if (end === undefined || end.at - startedAt <= limit + behaviour.stubborn + ROUNDING) continue
    return `an operation of call ${call.id} took ${end.at - startedAt} ms, its limit is ${limit} ms`
  }
  return undefined
}
