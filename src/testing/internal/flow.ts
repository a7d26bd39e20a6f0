/**
 * The way of calls through the parts, from the outside to the inside: what comes out of one goes into the next.
 *
 * **Details**
 *
 * Where nobody was interrupted, every number is exact. An interruption can hit a call between two parts, before one of them
 * has seen it, and there are parts that do not count a call that somebody outside ends: so it makes a number a range.
 */
import type * as Policy from "../../policy/Policy.ts"
import type { Experiment } from "./Experiment.ts"
import { isBulkhead, isCircuitBreaker, isDeadline, isFallback, isPipeline, isRetry, isTimeout } from "./Parts.ts"

/** At least so many, and at most. */
interface Range {
  readonly least: number
  readonly most: number
}

/** What a part says about the calls that it has seen. */
interface Account {
  /** Calls that came in. */
  readonly counted: number
  /** Calls that may have come in without being counted: those that were ended from outside, or all of them. */
  readonly uncounted: number
  /** Calls that went on to the inside, as far as the part decides that. */
  readonly inside: Range
  /** Successes that came from the inside; `undefined` where something else may be called a success. */
  readonly successes: number | undefined
  /** Successes of its own making. */
  readonly answered: number
}

/** Whether every call was counted once by every part. */
export const problemOfCounts = (experiment: Experiment): string | undefined => {
  const { calls, interruptions, now, operations, parts } = experiment
  const isUnique = (part: Policy.Instance) => parts.filter((other) => other === part).length === 1
  const succeeded = [...calls.values()].filter(({ fiber }) => fiber.pollUnsafe()?._tag === "Success").length
  const interruptedItself = operations.filter(({ behaviour }) => behaviour.does === "interrupt itself").length
  let flow: Range = { least: calls.size - interruptions, most: calls.size }
  let successes = succeeded
  let ended = interruptions
  for (const part of parts) {
    const account = isUnique(part) ? accountOf(part, now, ended, ended + interruptedItself) : undefined
    if (account === undefined) {
      flow = { least: 0, most: Infinity }
      successes = 0
      continue
    }
    const { answered, counted, inside, uncounted } = account
    if (counted > flow.most || counted < flow.least - uncounted) {
      return `${part.kind} of "${part.service}" counted ${counted} calls, and there were ${rangeText(flow)}`
    }
    if (account.successes !== undefined) {
      if (account.successes + answered < successes) {
        return `${part.kind} of "${part.service}" counted ${account.successes + answered} successes, and there were ${successes}`
      }
      successes = account.successes
    }
    const seen: Range = uncounted === 0 ? { least: counted, most: counted + interruptions } : flow
    flow = {
      least: Math.max(0, Math.min(seen.least, flow.most) + inside.least - interruptions),
      most: Math.min(seen.most, flow.most) + inside.most
    }
    if (isTimeout(part) || isDeadline(part)) ended += part.snapshot(now).exceeded
  }
  if (operations.length < flow.least || operations.length > flow.most) {
    return `${operations.length} operations began, and ${rangeText(flow)} should have`
  }
  const good = operations.filter(({ end }) => end?.isSuccess).length
  return good < successes ? `${good} operations succeeded, and ${successes} calls did` : undefined
}

const rangeText = ({ least, most }: Range): string => (least === most ? String(most) : `${least} to ${most}`)

const NOTHING: Range = { least: 0, most: 0 }

/** `undefined` for a part about which nothing is known. */
const accountOf = (part: Policy.Instance, now: number, ended: number, gone: number): Account | undefined => {
  if (isPipeline(part)) {
    const { failures, interrupted, successes } = part.snapshot(now)
    return { counted: successes + failures + interrupted, uncounted: 0, inside: NOTHING, successes, answered: 0 }
  }
  if (isCircuitBreaker(part)) {
    const { failures, ignored, mode, rejections, successes } = part.snapshot(now)
    return {
      counted: successes + failures + ignored + rejections,
      uncounted: mode === "disabled" ? Infinity : 0,
      inside: { least: -rejections, most: -rejections },
      successes: undefined,
      answered: 0
    }
  }
  if (isBulkhead(part)) {
    const { failures, interrupted, rejected, successes } = part.snapshot(now)
    return {
      counted: successes + failures + interrupted + rejected,
      uncounted: 0,
      inside: { least: -rejected - Math.min(interrupted, ended), most: -rejected },
      successes,
      answered: 0
    }
  }
  if (isTimeout(part) || isDeadline(part)) {
    const { exceeded, failures, interrupted, successes } = part.snapshot(now)
    return {
      counted: successes + failures + exceeded + interrupted,
      uncounted: 0,
      inside: { least: -exceeded, most: 0 },
      successes,
      answered: 0
    }
  }
  if (isRetry(part)) {
    const { exhausted, failures, interrupted, retries, successes } = part.snapshot(now)
    return {
      counted: successes + failures + exhausted + interrupted,
      uncounted: ended,
      inside: { least: retries, most: retries },
      successes,
      answered: 0
    }
  }
  if (!isFallback(part)) return undefined
  const { answered, failures, successes } = part.snapshot(now)
  return { counted: successes + answered + failures, uncounted: gone, inside: NOTHING, successes, answered }
}
