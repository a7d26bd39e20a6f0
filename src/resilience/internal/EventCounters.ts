/**
 * Counts of events by their labels.
 */
import type * as Policy from "../../policy/Policy.ts"

/** Labels come from code, so series are few; this bounds them all the same, because tags of errors could be made up. */
const MOST_SERIES = 500
const OTHER = "other"

/** The counters of one metric. `onNew` is told about each new set of labels. */
export interface EventCounters {
  readonly count: (labels: Policy.Labels) => void
}

/** No event has come. */
export const make = (onNew: (labels: Policy.Labels, read: () => number) => void): EventCounters => {
  const counters = new Map<string, { count: number }>()
  const counterOf = (labels: Policy.Labels): { count: number } => {
    const key = JSON.stringify(labels)
    const known = counters.get(key)
    if (known !== undefined) return known
    const others = Object.fromEntries(Object.keys(labels).map((name) => [name, OTHER]))
    const otherKey = JSON.stringify(others)
    if (counters.size >= MOST_SERIES && key !== otherKey) return counterOf(others)
    const counter = { count: 0 }
    counters.set(key, counter)
    onNew(labels, () => counter.count)
    return counter
  }
  return {
    count: (labels) => {
      counterOf(labels).count++
    }
  }
}
