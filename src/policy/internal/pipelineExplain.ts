/**
 * A pipeline in words and numbers.
 */
import * as Duration from "effect/Duration"
import type * as Policy from "../Policy.ts"
import { lint } from "./pipelineLint.ts"
import { isBulkhead, isDeadline, isRetry, isTimeout } from "./pipelineParts.ts"

/**
 * Tells what a pipeline does: its parts in their order with their numbers, the most attempts and the longest time that one
 * call can cause, and what {@link lint} finds.
 */
export const explain = (pipeline: {
  readonly service: string
  readonly parts: ReadonlyArray<Policy.Instance>
}): string => {
  const { parts, service } = pipeline
  const width = Math.max(0, ...parts.map(({ kind }) => kind.length))
  const lines = parts.map((part, at) => `  ${at + 1}. ${part.kind.padEnd(width)}  ${part.describe()}`)
  const findings = lint(parts).map(({ message, rule, severity }) => `  ${severity} ${rule}: ${message}`)
  return [
    `The calls of "${service}" go through these policies, the outermost first:`,
    ...(lines.length === 0 ? ["  none"] : lines),
    `At worst: ${worstAttempts(parts)}, ${worstTime(parts)}.`,
    ...findings
  ].join("\n")
}

const worstAttempts = (parts: ReadonlyArray<Policy.Instance>): string => {
  const attempts = parts.filter(isRetry).reduce((product, { worstCase }) => product * worstCase.attempts, 1)
  return attempts === 1 ? "1 attempt" : `${attempts} attempts`
}

/** From the inside to the outside: what limits, what waits, and what repeats. Hints of the dependency are left out. */
const worstTime = (parts: ReadonlyArray<Policy.Instance>): string => {
  const millis = parts.reduceRight((inner, part) => {
    if (isTimeout(part) || isDeadline(part)) return Math.min(inner, Duration.toMillis(part.snapshot(0).duration))
    if (isRetry(part)) return part.worstCase.attempts * inner + part.worstCase.waitMillis
    if (!isBulkhead(part) || part.options.maxQueue === 0) return inner
    return inner + (part.options.queueTimeout === undefined ? Infinity : Duration.toMillis(part.options.queueTimeout))
  }, Infinity)
  return millis === Infinity ? "and nothing limits the time" : `and at most ${Duration.format(Duration.millis(millis))}`
}
