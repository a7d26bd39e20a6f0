/**
 * Series that several layers of one process may show under the same name, because they guard the same service: none of them
 * replaces the others, and none takes them away when it closes.
 */
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"

interface Shown<State> {
  readonly readers: Array<() => State>
  readonly registration: Metric.Registration
}

/** Makes one state of those of all layers; the newest comes last. */
export type Combine<State> = (states: ReadonlyArray<State>) => State

/** The newest layer is shown. */
export const newest = <State>(states: ReadonlyArray<State>): State => states.at(-1)!

/** All layers are added up. */
export const sum = (states: ReadonlyArray<Metric.CounterState<number>>): Metric.CounterState<number> => ({
  count: states.reduce((total, { count }) => total + count, 0),
  incremental: true
})

/** The series of each metric registry, by name and labels. */
const tables = new WeakMap<Metric.MetricRegistry, Map<string, Shown<unknown>>>()

const tableOf = (registry: Metric.MetricRegistry): Map<string, Shown<unknown>> => {
  const known = tables.get(registry)
  if (known !== undefined) return known
  const table = new Map<string, Shown<unknown>>()
  tables.set(registry, table)
  return table
}

/** Shows a series until the returned function is called. */
export const show = <Input, State>(
  context: Context.Context<never>,
  metric: Metric.Metric<Input, State>,
  labels: Readonly<Record<string, string>>,
  read: () => State,
  combine: Combine<State>
): (() => void) => {
  const table = tableOf(Context.get(context, Metric.MetricRegistry))
  const key = JSON.stringify([metric.id, labels])
  const known = table.get(key) as Shown<State> | undefined
  const readers = known?.readers ?? []
  readers.push(read)
  const shown = known ?? { readers, registration: register(context, metric, readers, combine) }
  table.set(key, shown)
  return () => {
    readers.splice(readers.indexOf(read), 1)
    if (readers.length > 0) return
    table.delete(key)
    shown.registration.remove()
  }
}

const register = <Input, State>(
  context: Context.Context<never>,
  metric: Metric.Metric<Input, State>,
  readers: ReadonlyArray<() => State>,
  combine: Combine<State>
): Metric.Registration =>
  Metric.registerUnsafe(metric, context, {
    get: () => combine(readers.map((read) => read())),
    update: () => {},
    modify: () => {}
  })
