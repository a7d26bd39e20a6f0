/**
 * Lines and stacked bars over time.
 */
import type { FieldDefaults } from "../../test/monitoring/support/dashboard.ts"
import type { Series } from "./answers.ts"
import { type Box, type Draw, fieldOf } from "./box.ts"
import { legend, legendHeight } from "./legend.ts"
import { at } from "./svg.ts"
import { colorOf, seriesColor } from "./theme.ts"
import { endOf, format, greatest, last } from "./values.ts"
import { type Chart, drawChart, timeAxis, valueAxis } from "./vega.ts"

/** How high the bars are that stand on each other. */
const highestStack = (series: ReadonlyArray<Series>): number => {
  const sums = new Map<number, number>()
  for (const { time, value } of series.flatMap(({ points }) => points))
    sums.set(time, (sums.get(time) ?? 0) + (value ?? 0))
  return Math.max(...sums.values())
}

const invalid = "break-paths-show-path-domains"

const lines = ({ custom }: FieldDefaults): ReadonlyArray<Chart> => [
  { mark: { type: "area", opacity: (custom?.fillOpacity ?? 0) / 100, invalid } },
  // Round ends show a value that has no neighbours.
  { mark: { type: "line", strokeWidth: 2, strokeCap: "round", strokeJoin: "round", invalid } }
]

const bars = ({ custom }: FieldDefaults, end: number, { width }: Box): ReadonlyArray<Chart> => [
  { mark: { type: "bar", width: Math.max(1, (width - 60) / end - 1), opacity: (custom?.fillOpacity ?? 0) / 100 } }
]

const thresholds = ({ custom, thresholds }: FieldDefaults): ReadonlyArray<Chart> =>
  custom?.thresholdsStyle?.mode !== "dashed"
    ? []
    : thresholds.steps
        .filter(({ value }) => value !== null)
        .map(({ color, value }) => ({
          data: { values: [{ value }] },
          mark: { type: "rule", strokeDash: [8, 6], strokeWidth: 1.5, color: colorOf(color) },
          encoding: { y: { field: "value", type: "quantitative" } }
        }))

/** Draws the chart and the table below it. */
export const timeSeries: Draw = async (panel, series, box) => {
  const field = fieldOf(panel)
  const isStacked = field.custom?.drawStyle === "bars"
  const colored = series.map((one, index) => ({ ...one, color: seriesColor(index), max: greatest([one]) }))
  const ranked =
    panel.options?.legend?.sortBy === "Max" ? colored.toSorted((one, other) => other.max - one.max) : colored
  const entries = ranked.map((one) => ({
    color: one.color,
    name: one.name,
    values: [format(last(one), field), format(one.max, field)]
  }))
  const chartBox = { width: box.width, height: box.height - legendHeight(entries) - 6 }
  const end = endOf(series)
  const highest = Math.max(isStacked ? highestStack(series) : greatest(series), field.custom?.axisSoftMax ?? 0)
  const data = series.flatMap(({ name, points }) => points.map((point) => ({ ...point, name })))
  const chart = await drawChart(
    {
      layer: [
        {
          data: { values: data },
          layer: isStacked ? bars(field, end, chartBox) : lines(field),
          encoding: {
            x: timeAxis(end, chartBox),
            y: { ...valueAxis(field, highest), stack: isStacked ? "zero" : null },
            color: {
              field: "name",
              type: "nominal",
              scale: { domain: colored.map(({ name }) => name), range: colored.map(({ color }) => color) },
              legend: null
            }
          }
        },
        ...thresholds(field)
      ]
    },
    chartBox
  )
  return chart + at(0, chartBox.height + 6, legend(["Last *", "Max"], entries, box.width))
}
