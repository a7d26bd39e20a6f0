/**
 * Results as lines of text.
 */
import type { Result, Verdict } from "../case.ts"
import { figure, IN_THE_NOISE, multiple, spread, target } from "./format.ts"

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
    ...Object.keys(medians)
      .filter((variant) => variant !== "ours")
      .map((variant) => {
        const ratio = ratios[variant]
        const cost = ratio === undefined ? `${IN_THE_NOISE}:` : multiple(ratio)
        return `  ${cost} ${variant} (${figure(medians[variant]!, unit)})${verdict(variant)}`
      })
  ]
}
