/**
 * Lines and stacked bars over time.
 */
import type { Series } from "./answers.ts"
import { type Box, type Draw, fieldOf } from "./box.ts"
import { type Entry, legend, legendHeight } from "./legend.ts"
import { at } from "./svg.ts"
import { colorOf, seriesColor } from "./theme.ts"
import { format, greatest, known, last } from "./values.ts"
import { axis, type Chart, drawChart, timeAxis, valueAxis } from "./vega.ts"

/** Highest first, as the legend is sorted. */
const ranked = (series: ReadonlyArray<Series>) =>
  series
    .map((one, index) => ({ ...one, color: seriesColor(index), last: last(one), max: greatest([one]) }))
    .toSorted((one, other) => other.max - one.max)

const endOf = (series: ReadonlyArray<Series>): number =>
  Math.max(...series.flatMap(({ points }) => points.map(({ time }) => time)))

/** How high the bars are that stand on each other. */
const highestStack = (series: ReadonlyArray<Series>): number => {
  const sums = new Map<number, number>()
  for (const { time, value } of series.flatMap(({ points }) => points))
    sums.set(time, (sums.get(time) ?? 0) + (value ?? 0))
  return Math.max(...sums.values())
}

const lineMarks: Chart = {
  layer: [
    { mark: { type: "area", opacity: 0.1, invalid: "break-paths-show-path-domains" } },
    {
      mark: { type: "line", strokeWidth: 2, strokeCap: "round", strokeJoin: "round", invalid: "break-paths-show-path-domains" }
    }
  ]
}

const barMarks = (end: number, { width }: Box): Chart => ({
  layer: [{ mark: { type: "bar", width: Math.max(1, (width - 60) / end - 1), opacity: 0.8 } }]
})

const dashed = (value: number, color: string): Chart => ({
  data: { values: [{ value }] },
  mark: { type: "rule", strokeDash: [8, 6], strokeWidth: 1.5, color },
  encoding: { y: { field: "value", type: "quantitative" } }
})

/** Draws the chart and the table below it. */
export const timeSeries: Draw = async (panel, series, box) => {
  const field = fieldOf(panel)
  const isStacked = field.custom?.drawStyle === "bars"
  const all = ranked(series)
  const entries: ReadonlyArray<Entry> = all.map(({ color, last, max, name }) => ({
    color,
    name,
    values: [format(last, field), format(max, field)]
  }))
  const chartBox = { width: box.width, height: box.height - legendHeight(entries) - 6 }
  const end = endOf(series)
  const highest = field.max ?? Math.max(isStacked ? highestStack(series) : greatest(series), field.custom?.axisSoftMax ?? 0)
  const marks = isStacked ? barMarks(end, chartBox) : lineMarks
  const thresholds = field.custom?.thresholdsStyle?.mode === "dashed" ? field.thresholds.steps : []
  const data = all.flatMap(({ name, points }) => points.map((point) => ({ ...point, name })))
  const y = valueAxis(highest, field.max !== undefined, (value) => format(value, { unit: field.unit }))
  const chart = await drawChart(
    {
      layer: [
        {
          data: { values: data },
          ...marks,
          encoding: {
            x: timeAxis(end, chartBox),
            y: { ...y, stack: isStacked ? "zero" : null },
            color: {
              field: "name",
              type: "nominal",
              scale: { domain: all.map(({ name }) => name), range: all.map(({ color }) => color) },
              legend: null
            }
          }
        },
        ...thresholds.flatMap(({ color, value }) => (value === null ? [] : [dashed(value, colorOf(color))]))
      ]
    },
    chartBox
  )
  return chart + at(0, chartBox.height + 6, legend(["Last *", "Max"], entries, box.width))
}
