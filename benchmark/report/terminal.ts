/**
 * Results as lines of text.
 */
import type { Result, Verdict } from "../case.ts"
import { figure, multiple, spread, target } from "./format.ts"

const remarks: Readonly<Record<Verdict, string>> = {
  met: "",
  missed: ": MISSED",
  impossible: ": impossible, but near the limit",
  behind: ": not reached, but no worse than before"
}

/** One line for ours, and one for each of the others. */
export const linesOf = (result: Result): ReadonlyArray<string> => {
  const { medians, name, ratios, targets, unit, verdicts } = result
  const verdict = (variant: string): string => {
    const most = targets[variant]
    if (most === undefined) return ""
    return `, ${target(variant, most, unit)}${remarks[verdicts[variant] ?? "met"]}`
  }
  const quartiles = spread(result)
  const ours = `${figure(medians["ours"] ?? Number.NaN, unit)}${quartiles === "" ? "" : ` (${quartiles})`}`
  return [
    `${name}: ${ours}${verdict("ours")}`,
    ...Object.entries(ratios).map(
      ([variant, ratio]) => `  ${multiple(ratio)} ${variant} (${figure(medians[variant]!, unit)})${verdict(variant)}`
    )
  ]
}
