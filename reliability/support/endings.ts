/**
 * How calls end, in one word each, and how often.
 */
import { Cause, Exit } from "effect"

/** How often each ending occurred. */
export type Endings = Map<string, number>

/** The tag of the error, or what there is instead of one. */
export const endingOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "success"
  if (Cause.hasInterruptsOnly(exit.cause)) return "interruption"
  if (Cause.hasDies(exit.cause)) return "defect"
  const error = Cause.squash(exit.cause)
  return typeof error === "object" && error !== null && "_tag" in error ? String(error._tag) : String(error)
}

/** Counts one. */
export const add = (endings: Endings, ending: string, times = 1): void => {
  endings.set(ending, (endings.get(ending) ?? 0) + times)
}

/** How many there were of all kinds. */
export const total = (endings: Endings): number => [...endings.values()].reduce((sum, count) => sum + count, 0)

/** All of them in one line, the most frequent first. */
export const describe = (endings: Endings): string =>
  [...endings]
    .toSorted(([, a], [, b]) => b - a)
    .map(([ending, count]) => `${ending} ${count.toLocaleString("en")}`)
    .join(", ")

/** Several counts as one. */
export const merge = (all: ReadonlyArray<Endings>): Endings => {
  const merged: Endings = new Map()
  for (const endings of all) for (const [ending, count] of endings) add(merged, ending, count)
  return merged
}
