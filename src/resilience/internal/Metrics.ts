/**
 * The instruments of running policies in Effect's metric registry.
 *
 * **Details**
 *
 * What an instance counts by itself is read when somebody scrapes; a call pays nothing for it. Only events, which are rare,
 * are counted here. Nothing here knows a pattern: all names, labels and readings come from the kinds. One that is broken is
 * left out, or shows what it showed last: it can break neither the call that it watches nor what is scraped besides.
 *
 * Effect's exporters take the unit of a metric from its attribute `unit`.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Metric from "effect/Metric"
import * as Histogram from "../../core/Histogram.ts"
import * as Policy from "../../policy/Policy.ts"
import * as EventCounters from "./EventCounters.ts"
import * as SharedSeries from "./SharedSeries.ts"

/** The names of the metrics that every pattern has. */
export const names = {
  invocations: "resilience.pattern_invocations",
  effectiveness: "resilience.pattern_effectiveness"
} as const

/** The metrics of one registry. */
export interface Metrics {
  /** Shows an instance. */
  readonly add: (kind: Policy.AnyKind, instance: Policy.Instance) => void
  /** Counts an event. */
  readonly count: (event: Policy.Event) => void
  /** Takes everything out of the metric registry, and puts nothing in any more. */
  readonly close: () => void
}

interface Described {
  readonly name: string
  readonly description: string
  readonly unit: string
}

/** The metrics that every pattern has. */
export const ofEveryPattern = {
  invocations: {
    name: names.invocations,
    description: "Calls by pattern and outcome",
    unit: "{call}",
    type: "counter"
  },
  effectiveness: {
    name: names.effectiveness,
    description: "Share of calls that ended well",
    unit: "1",
    type: "gauge"
  }
} as const

/** All metrics of these kinds, each once. */
export const declaredBy = (kinds: ReadonlyArray<Policy.AnyKind>) => {
  const byName = new Map(
    kinds.flatMap(({ instruments }) =>
      instruments.map(({ description, name, type, unit }) => {
        return [name, { name, type: type === "events" ? "counter" : type, unit, description }] as const
      })
    )
  )
  return [...byName.values(), ...Object.values(ofEveryPattern)]
}

/** Metrics of these kinds, for the metric registry and the clock of a context. */
export const make = (context: Context.Context<never>, kinds: ReadonlyArray<Policy.AnyKind>): Metrics => {
  const shown: Array<() => void> = []
  let isClosed = false
  const instances = new Map<string, Array<Policy.Instance>>()
  const clock = Context.get(context, Clock.Clock)
  const now = () => Policy.monotonicMillisOf(clock)

  const register = <Input, State>(
    metric: Metric.Metric<Input, State>,
    labels: Policy.Labels,
    get: () => State,
    combine: SharedSeries.Combine<State>
  ): void => {
    if (isClosed) return
    let state = get()
    const read = (): State => {
      attempt(() => {
        state = get()
      })
      return state
    }
    shown.push(SharedSeries.show(context, metric, labels, read, combine))
  }
  const registerCounter = (described: Described, labels: Policy.Labels, read: () => number): void =>
    register(
      Metric.counter(described.name, { ...optionsOf(described, labels), incremental: true }),
      labels,
      () => ({ count: read(), incremental: true }),
      SharedSeries.sum
    )
  const registerGauge = (described: Described, labels: Policy.Labels, read: () => number): void =>
    register(
      Metric.gauge(described.name, optionsOf(described, labels)),
      labels,
      () => ({ value: read() }),
      SharedSeries.newest
    )
  const registerHistogram = (described: Described, labels: Policy.Labels, read: () => Histogram.Histogram): void => {
    const boundaries = read().bounds
    register(
      Metric.histogram(described.name, { ...optionsOf(described, labels), boundaries }),
      labels,
      () => stateOf(read()),
      SharedSeries.newest
    )
  }

  const countersByInstrument = new Map<Policy.Instrument, EventCounters.EventCounters>()
  const countersOf = (instrument: Policy.Instrument) => {
    if (instrument.type !== "events") return []
    const counters = EventCounters.make((labels, read) => registerCounter(instrument, labels, read))
    countersByInstrument.set(instrument, counters)
    return [{ instrument, counters }]
  }
  const counted = new Map(kinds.map(({ id, instruments }) => [id, instruments.flatMap(countersOf)]))

  const addInstrument = (instrument: Policy.Instrument, instance: Policy.Instance): void => {
    if (instrument.type === "events") {
      for (const labels of instrument.initial(instance)) countersByInstrument.get(instrument)?.show(labels)
      return
    }
    const labels = instrument.labels(instance)
    if (instrument.type === "histogram") registerHistogram(instrument, labels, () => instrument.read(instance))
    else if (instrument.type === "gauge") registerGauge(instrument, labels, () => instrument.read(instance, now()))
    else registerCounter(instrument, labels, () => instrument.read(instance, now()))
  }

  /** What all instances of a kind have done together. */
  const addTotals = (kind: Policy.AnyKind, all: ReadonlyArray<Policy.Instance>): void => {
    const outcomes = Object.keys(kind.outcomes(all[0]!, now()))
    const total = (outcome: string): number =>
      all.reduce((sum, instance) => sum + kind.outcomes(instance, now())[outcome]!, 0)
    for (const outcome of outcomes) {
      registerCounter(ofEveryPattern.invocations, { pattern: kind.id, outcome }, () => total(outcome))
    }
    registerGauge(ofEveryPattern.effectiveness, { pattern: kind.id }, () => {
      const calls = outcomes.reduce((sum, outcome) => sum + total(outcome), 0)
      return calls === 0 ? 1 : total("success") / calls
    })
  }

  return {
    add: (kind, instance) => {
      const known = instances.get(kind.id)
      const all = known ?? [instance]
      if (known === undefined) {
        instances.set(kind.id, all)
        attempt(() => addTotals(kind, all))
      } else known.push(instance)
      for (const instrument of kind.instruments) attempt(() => addInstrument(instrument, instance))
    },
    count: (event) => {
      for (const { counters, instrument } of counted.get(event.kind) ?? []) {
        attempt(() => {
          const labels = instrument.labels(event)
          if (labels !== undefined) counters.count(labels)
        })
      }
    },
    close: () => {
      isClosed = true
      for (const hide of shown.splice(0)) hide()
    }
  }
}

const optionsOf = ({ description, unit }: Described, labels: Policy.Labels) => ({
  description,
  attributes: { ...labels, unit }
})

const attempt = (watch: () => void): void => {
  try {
    watch()
  } catch {
    // What watches a call must not break it.
  }
}

const stateOf = (histogram: Histogram.Histogram): Metric.HistogramState => ({
  buckets: Histogram.cumulative(histogram).map(([bound, count]) => [bound, count]),
  count: histogram.count,
  min: histogram.count === 0 ? 0 : histogram.min,
  max: histogram.count === 0 ? 0 : histogram.max,
  sum: histogram.sum
})
