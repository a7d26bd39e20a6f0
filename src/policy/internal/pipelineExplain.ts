/**
 * A pipeline in words and numbers.
 */
import * as Duration from "effect/Duration"
import type * as Policy from "../Policy.ts"
import type * as Retry from "../Retry.ts"
import { lint } from "./pipelineLint.ts"
import { flatten, isRetry, isTimeout, limitMillis, longestMillis } from "./pipelineParts.ts"

/**
 * Tells what a pipeline does: its parts in their order with their numbers, the most attempts and the longest time that one
 * call can cause, and what {@link lint} finds.
 */
export const explain = (pipeline: {
  readonly service: string
  readonly parts: ReadonlyArray<Policy.Instance>
}): string => {
  const { service } = pipeline
  const parts = flatten(pipeline.parts)
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

const worstTime = (parts: ReadonlyArray<Policy.Instance>): string => {
  const millis = longestMillis(parts)
  if (millis === Infinity) return "and nothing limits the time"
  const uncounted = [...uncountedTimes(parts)]
  const exceptions = uncounted.length === 0 ? "" : `, not counting ${uncounted.join(" and ")}`
  return `and at most ${Duration.format(Duration.millis(Math.ceil(millis)))}${exceptions}`
}

/** What takes a time that only the call itself will tell, and is outside of every limit. */
function* uncountedTimes(parts: ReadonlyArray<Policy.Instance>): Generator<string> {
  const at = parts.findIndex((part) => limitMillis(part) < Infinity)
  const unlimited = parts.slice(0, at)
  if (unlimited.some((part) => part.kind === "fallback")) yield "the answer of the fallback"
  if (unlimited.some((part) => isRetry(part) && part.worstCase.attempts > 1 && hasHints(part))) {
    yield "waits that the dependency asks for"
  }
  if (limitsElements(parts[at]!)) yield "streams"
}

/** Whether a part tells how long a stream may take for its elements, of which it may have any number. */
const limitsElements = (part: Policy.Instance): boolean =>
  isTimeout(part) && (part.options.firstElement !== undefined || part.options.idle !== undefined)

const hasHints = ({ options }: Retry.Retry): boolean => Duration.isGreaterThan(options.retryAfterMax, Duration.zero)
