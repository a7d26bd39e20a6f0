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

/** Asks the queries of a panel: those over time for the whole day, the others at its end. */
export const ask = ({ endedAt, prometheus, startedAt }: WatchedDay, { targets = [] }: Panel) => {
  const length = Math.floor(endedAt - startedAt)
  const range = { start: startedAt, end: startedAt + length, step: STEP }
  const times = Array.from({ length: length / STEP + 1 }, (_, index) => index * STEP)
  const answer = (target: Target): Effect.Effect<ReadonlyArray<Series>, Error> => {
    const expression = interpolate(target.expr, { range: length, rate: RATE, interval: STEP })
    const samples = target.instant
      ? Effect.map(prometheus.query(expression, range.end), (result) =>
          result.map(({ metric, value }) => ({
            metric,
            points: [{ time: length, value: Number(value[1]) }]
          }))
        )
      : Effect.map(prometheus.queryRange(expression, range), (result) =>
          result.map((samples) => ({ metric: samples.metric, points: pointsOf(samples, range.start, times) }))
        )
    return Effect.map(samples, (all) =>
      all.map(({ metric, points }) => ({ name: nameOf(target, metric), labels: metric, points }))
    )
  }
  return Effect.map(Effect.forEach(targets, answer), (answers) => answers.flat())
}
