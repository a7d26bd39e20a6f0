/**
 * Results for programs.
 */
import { isMet, type Result } from "../case.ts"

/** A case with its figures in a field that is called after what they are of. */
export const jsonOf = (result: Result): object => {
  const { medians, name, ratios, targets, unit } = result
  return {
    name,
    [unit]: shortened(medians),
    ratios: shortened(ratios),
    ...(Object.keys(targets).length === 0 ? {} : { target: targets }),
    met: isMet(result)
  }
}

const shortened = (figures: Result["medians"]): Result["medians"] =>
  Object.fromEntries(Object.entries(figures).map(([variant, value]) => [variant, Number(value.toPrecision(4))]))
