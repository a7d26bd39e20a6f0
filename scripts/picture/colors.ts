/**
 * Panels in which colours speak: states over time, heatmaps and parts of a whole.
 */
import type { Series } from "./answers.ts"
import { type Draw, fieldOf } from "./box.ts"
import { legend, legendHeight } from "./legend.ts"
import { at, rectangle, text, widthOf } from "./svg.ts"
import { seriesColor, theme } from "./theme.ts"
import { display, endOf, format, greatest, last, ticks } from "./values.ts"
import { axis, drawChart, timeAxis } from "./vega.ts"

/** A value for as long as it stays the same. */
export interface Span {
  readonly name: string
  readonly time: number
  readonly until: number
  readonly value: number
}

/** Puts points with the same value together. The last one lasts no longer. */
export const spans = ({ name, points }: Series): ReadonlyArray<Span> => {
  const found: Array<Span> = []
  for (const [index, { time, value }] of points.entries()) {
    if (value === null) continue
    const until = points[index + 1]?.time ?? time
    const before = found.at(-1)
    if (before?.value === value && before.until === time) found[found.length - 1] = { ...before, until }
    else found.push({ name, time, until, value })
  }
  return found
}

/** The height of the line that says what colours mean. */
const KEY = 22

const key = (colors: ReadonlyMap<string, string>): string =>
  [...colors]
    .map(([name, color], index) =>
      at(index * 90, 0, rectangle(0, KEY - 11, 14, 4, color), text(20, KEY - 5, name, { size: 12, color: theme.text }))
    )
    .join("")

const rowAxis = (order: ReadonlyArray<string>, padding: number): object => ({
  field: "name",
  type: "nominal",
  sort: order,
  scale: { paddingInner: padding, paddingOuter: padding / 2 },
  axis: { grid: false, labelLimit: 200, labelColor: theme.text }
})

/** Draws a bar for each span, with the name of the state where there is room for it, and below it what the colours mean. */
export const stateTimeline: Draw = async (panel, series, box) => {
  const height = box.height - KEY
  const all = series.flatMap(spans).map((span) => ({ ...span, ...display(span.value, fieldOf(panel)) }))
  const end = endOf(series)
  const second = (box.width - 100) / end
  const values = all.map((span) => ({
    ...span,
    text: widthOf(span.text, 12) + 12 < (span.until - span.time) * second ? span.text : ""
  }))
  const order = series.map(({ name }) => name)
  const chart = await drawChart(
    {
      data: { values },
      encoding: { x: timeAxis(end, box), y: rowAxis(order, 0.15) },
      layer: [
        {
          mark: { type: "bar", opacity: 0.8, height: { band: 1 } },
          encoding: { x2: { field: "until" }, color: { field: "color", type: "nominal", scale: null } }
        },
        {
          mark: { type: "text", align: "left", dx: 6, fontSize: 12, fontWeight: 500, color: theme.canvas },
          encoding: { text: { field: "text" } }
        }
      ]
    },
    { width: box.width, height }
  )
  return chart + at(0, height, key(new Map(all.map(({ color, text }) => [text, color]))))
}

/** The counts of a histogram include those of all lower buckets: takes them out, and names the buckets. */
export const buckets = (series: ReadonlyArray<Series>, name: (limit: number) => string): ReadonlyArray<Series> => {
  const limit = ({ labels }: Series): number => (labels["le"] === "+Inf" ? Infinity : Number(labels["le"]))
  const sorted = series.toSorted((one, other) => limit(one) - limit(other))
  return sorted.map((one, index) => ({
    ...one,
    name: limit(one) === Infinity ? "+Inf" : name(limit(one)),
    points: one.points.map(({ time, value }, at) => {
      const lower = sorted[index - 1]?.points[at]?.value ?? 0
      return { time, value: value === null ? null : Math.max(0, value - lower) }
    })
  }))
}

/** The lowest colours are close to that of the panel, as Grafana turns this scheme round in the dark. */
const scheme = ["#7f2704", "#a63603", "#d94801", "#f16913", "#fd8d3c", "#fdae6b", "#fdd0a2", "#fee6ce", "#fff5eb"]

/** Draws a row of cells for each series or bucket. Cells without a count are left out. */
export const heatmap: Draw = (panel, series, box) => {
  const unit = panel.options?.yAxis?.unit ?? "short"
  const isHistogram = panel.targets?.[0]?.format === "heatmap"
  const rows = isHistogram ? buckets(series, (limit) => format(limit, { unit })) : series
  const end = endOf(series)
  const highest = greatest(rows)
  const cell = (value: number): string => format(value, { unit: panel.options?.cellValues?.unit ?? "short" })
  const values = rows.flatMap(({ name, points }) =>
    points.flatMap(({ time, value }) =>
      // A cell ends at its point, so the first point has none.
      value === null || value < 1e-9 || time === 0 ? [] : [{ name, time: time - 1, until: time, value }]
    )
  )
  return drawChart(
    {
      data: { values },
      mark: { type: "rect", stroke: theme.panel, strokeWidth: 1 },
      encoding: {
        x: timeAxis(end, box),
        x2: { field: "until" },
        y: {
          ...rowAxis(rows.map(({ name }) => name).toReversed(), 0),
          scale: { domain: rows.map(({ name }) => name).toReversed() }
        },
        color: {
          field: "value",
          type: "quantitative",
          scale: { domain: [0, highest], range: scheme },
          legend: {
            ...axis(
              ticks(highest).filter((value) => value <= highest),
              cell
            ),
            orient: "bottom",
            direction: "horizontal",
            labelOverlap: false,
            gradientLength: 240,
            gradientThickness: 8,
            offset: 8
          }
        }
      }
    },
    box
  )
}

/** Draws a ring of parts and the table below it. */
export const pie: Draw = async (panel, series, box) => {
  const whole = series.reduce((sum, one) => sum + last(one), 0)
  const share = (one: Series): string => format(last(one) / whole, { unit: "percentunit", decimals: 0 })
  const entries = series.map((one, index) => ({
    color: seriesColor(index),
    name: one.name,
    values: [format(last(one), fieldOf(panel)), share(one)]
  }))
  const height = box.height - legendHeight(entries) - 6
  const radius = Math.min(box.width, height) / 2
  const chart = await drawChart(
    {
      data: { values: series.map((one, index) => ({ name: one.name, value: last(one), color: seriesColor(index) })) },
      mark: { type: "arc", outerRadius: radius, innerRadius: 0.6 * radius },
      encoding: {
        theta: { field: "value", type: "quantitative" },
        color: { field: "color", type: "nominal", scale: null }
      }
    },
    { width: box.width, height }
  )
  return chart + at(0, height + 6, legend(["Value", "Percent"], entries, box.width))
}
