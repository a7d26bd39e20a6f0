import { Effect, Metric } from "effect"

/** One series as somebody who scrapes sees it. */
export interface Series {
  readonly name: string
  readonly type: string
  readonly labels: Readonly<Record<string, string>>
  readonly unit: string | undefined
  /** The count of a histogram, the value of everything else. */
  readonly value: number
}

const valueOf = ({ state, type }: Metric.Metric.Snapshot): number => {
  switch (type) {
    case "Counter":
    case "Histogram":
      return Number(state.count)
    case "Gauge":
      return Number(state.value)
    default:
      return Number.NaN
  }
}

/** Everything that is shown now. */
export const scrape: Effect.Effect<ReadonlyArray<Series>> = Effect.map(Metric.snapshot, (all) =>
  all.map((metric) => {
    const { unit, ...labels } = metric.attributes ?? {}
    return { name: metric.id, type: metric.type, labels, unit, value: valueOf(metric) }
  })
)

/** The series of one metric: each value with its labels, in a stable order. */
export const seriesOf = (name: string) =>
  Effect.map(scrape, (all) =>
    all
      .filter((series) => series.name === name)
      .map(({ labels, value }) => ({ ...labels, value }))
      .toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
  )
