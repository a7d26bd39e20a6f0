/**
 * Counts of events by their labels.
 */
import type * as Policy from "../../policy/Policy.ts"

/** Values of labels come from code, so they are few; this bounds them all the same: tags of errors could be made up. */
const MOST_VALUES = 500
const OTHER = "other"

/** The counters of one metric. `onNew` is told about each new set of labels. */
export interface EventCounters {
  readonly count: (labels: Policy.Labels) => void
  /** Shows labels under which nothing was counted yet. */
  readonly show: (labels: Policy.Labels) => void
}

/** No event has come. */
export const make = (onNew: (labels: Policy.Labels, read: () => number) => void): EventCounters => {
  const counters = new Map<string, { count: number }>()
  const values = new Map<string, Set<string>>()

  const bounded = (name: string, value: string): string => {
    const known = values.get(name) ?? new Set()
    values.set(name, known)
    if (known.size >= MOST_VALUES && !known.has(value)) return OTHER
    known.add(value)
    return value
  }
  const make = (labels: Policy.Labels): { count: number } => {
    const counter = { count: 0 }
    counters.set(JSON.stringify(labels), counter)
    onNew(labels, () => counter.count)
    return counter
  }
  const counterOf = (labels: Policy.Labels): { count: number } => {
    const known = counters.get(JSON.stringify(labels))
    if (known !== undefined) return known
    const few = Object.fromEntries(Object.entries(labels).map(([name, value]) => [name, bounded(name, value)]))
    return counters.get(JSON.stringify(few)) ?? make(few)
  }

  return {
    count: (labels) => {
      counterOf(labels).count++
    },
    show: counterOf
  }
}
