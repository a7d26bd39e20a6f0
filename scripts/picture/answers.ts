/**
 * What Prometheus answers to the queries of a panel, in the form in which it is drawn.
 */
import { Effect } from "effect"
import { interpolate, type Panel, type Target } from "../../test/monitoring/support/dashboard.ts"
import type { WatchedDay } from "../../test/monitoring/support/day.ts"
import type { Samples } from "../../test/support/prometheus.ts"

/** A value, and when it was so, in seconds since the day began; `null` where there was none. */
export interface Point {
  readonly time: number
  readonly value: number | null
}

/** The answer to a query that asks for now has one point. */
export interface Series {
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  readonly points: ReadonlyArray<Point>
}

/** Seconds between two points. */
const STEP = 1

/** Seconds around a point: enough for a rate, and short beside the scenes of the day. */
const RATE = 5

const nameOf = ({ legendFormat }: Target, labels: Series["labels"]): string =>
  legendFormat.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => labels[label] ?? "")

/** Every moment has its point, so that a gap stays a gap. */
const pointsOf = ({ values }: Samples, start: number, times: ReadonlyArray<number>): ReadonlyArray<Point> => {
  const known = new Map(values.map(([at, value]) => [Math.round(at - start), Number(value)]))
  return times.map((time) => {
    const value = known.get(time)
    return { time, value: value === undefined || Number.isNaN(value) ? null : value }
  })
}

/** When Prometheus had its first sample: it looks for what to scrape only some seconds after its start. */
const firstSample = ({ endedAt, prometheus, startedAt }: WatchedDay): Effect.Effect<number, Error> =>
  Effect.map(
    prometheus.query(`min(min_over_time(timestamp(up)[${Math.ceil(endedAt - startedAt)}s:1s]))`, endedAt),
    ([sample]) => Number(sample?.value[1] ?? startedAt)
  )

const askPanel = ({ prometheus }: WatchedDay, { targets = [] }: Panel, start: number, length: number) => {
  const range = { start, end: start + length, step: STEP }
  const times = Array.from({ length: length / STEP + 1 }, (_, index) => index * STEP)
  const answer = (target: Target): Effect.Effect<ReadonlyArray<Series>, Error> => {
    const expression = interpolate(target.expr, { range: length, rate: RATE, interval: STEP })
    const named = (labels: Series["labels"], points: ReadonlyArray<Point>): Series => ({
      name: nameOf(target, labels),
      labels,
      points
    })
    return target.instant
      ? Effect.map(prometheus.query(expression, range.end), (result) =>
          result.map(({ metric, value }) => named(metric, [{ time: length, value: Number(value[1]) }]))
        )
      : Effect.map(prometheus.queryRange(expression, range), (result) =>
          result.map((samples) => named(samples.metric, pointsOf(samples, start, times)))
        )
  }
  return Effect.map(Effect.forEach(targets, answer), (answers) => answers.flat())
}

/** Asks the queries of all panels: those over time for the whole day, the others at its end. By the id of the panel. */
export const ask = (day: WatchedDay, panels: ReadonlyArray<Panel>) =>
  Effect.gen(function* () {
    const start = yield* firstSample(day)
    const length = Math.floor(day.endedAt - start)
    const answers = yield* Effect.forEach(panels, (panel) =>
      Effect.map(askPanel(day, panel, start, length), (series) => [panel.id, series] as const)
    )
    return new Map(answers)
  })
