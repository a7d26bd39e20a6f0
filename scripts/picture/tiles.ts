/**
 * Panels that show the values of now: tiles, bars, a dial and a table.
 */
import type { FieldDefaults, Panel } from "../../test/monitoring/support/dashboard.ts"
import type { Series } from "./answers.ts"
import { type Box, type Draw, fieldOf } from "./box.ts"
import { at, element, rectangle, shorten, text, widthOf } from "./svg.ts"
import { theme } from "./theme.ts"
import { display, greatest, last } from "./values.ts"

/** Divides the height among the series. */
const stacked = (
  series: ReadonlyArray<Series>,
  { height, width }: Box,
  draw: (one: Series, box: Box) => string
): string => {
  const share = height / series.length
  return series.map((one, index) => at(0, index * share, draw(one, { width, height: share - 4 }))).join("")
}

/** One large value for each series. */
export const stat: Draw = (panel, series, box) => {
  const isFilled = panel.options?.colorMode === "background"
  return stacked(series, box, (one, { height, width }) => {
    const { color, text: value } = display(last(one), fieldOf(panel))
    const size = Math.min(56, height / 2.5)
    return [
      isFilled ? rectangle(0, 0, width, height, color) : "",
      text(width / 2, height / 2 - size * 0.55, shorten(one.name, 15, width), {
        size: 15,
        color: isFilled ? theme.canvas : theme.text,
        anchor: "middle"
      }),
      text(width / 2, height / 2 + size * 0.6, value, {
        size,
        color: isFilled ? theme.canvas : color,
        anchor: "middle",
        weight: 500
      })
    ].join("")
  })
}

const fill = (value: number, { max }: FieldDefaults, series: ReadonlyArray<Series>): number => {
  const full = max ?? greatest(series)
  return full === 0 ? 0 : Math.min(1, value / full)
}

/** One horizontal bar for each series. */
export const barGauge: Draw = (panel, series, box) =>
  stacked(series, box, (one, { height, width }) => {
    const value = last(one)
    const { color, text: label } = display(value, fieldOf(panel))
    const thickness = Math.min(56, height - 60)
    const top = (height - thickness) / 2
    return [
      text(0, top - 10, shorten(one.name, 13, width), { size: 13, color: theme.text }),
      rectangle(0, top, width, thickness, theme.unfilled),
      rectangle(0, top, width * fill(value, fieldOf(panel), series), thickness, color),
      text(width, top + thickness + 30, label, { size: 24, color, anchor: "end", weight: 500 })
    ].join("")
  })

/** A point of a circle around the origin, at an angle from the top. */
const point = (radius: number, angle: number): string =>
  `${(radius * Math.sin(angle)).toFixed(1)} ${(-radius * Math.cos(angle)).toFixed(1)}`

const arc = (radius: number, from: number, to: number, color: string): string =>
  element("path", {
    d: `M${point(radius, from)}A${radius} ${radius} 0 ${to - from > Math.PI ? 1 : 0} 1 ${point(radius, to)}`,
    fill: "none",
    stroke: color,
    "stroke-width": radius / 3
  })

/** One round gauge for each series. */
export const gauge: Draw = (panel, series, box) =>
  stacked(series, box, (one, { height, width }) => {
    const value = last(one)
    const { color, text: label } = display(value, fieldOf(panel))
    const radius = Math.min(width, height - 30) * 0.38
    const [from, to] = [-0.65 * Math.PI, 0.65 * Math.PI]
    return at(
      width / 2,
      height / 2,
      arc(radius, from, to, theme.unfilled),
      value > 0 ? arc(radius, from, from + (to - from) * fill(value, fieldOf(panel), series), color) : "",
      text(0, 12, label, { size: 34, color, anchor: "middle", weight: 500 }),
      text(0, radius + 16, shorten(one.name, 13, width), { size: 13, color: theme.text, anchor: "middle" })
    )
  })

const columnsOf = ({ transformations = [] }: Panel): ReadonlyArray<readonly [label: string, title: string]> => {
  const { indexByName, renameByName } = transformations[0]?.options ?? { indexByName: {}, renameByName: {} }
  return Object.entries(indexByName)
    .toSorted(([, one], [, other]) => one - other)
    .map(([label]) => [label, renameByName[label] ?? label])
}

/** One line for each series, the greatest first. Columns are as wide as their longest text needs. */
export const table: Draw = (panel, series, { height, width }) => {
  const lineHeight = 32
  const columns = columnsOf(panel)
  const cellsOf = (one: Series): ReadonlyArray<string> =>
    columns.map(([label]) => (label === "Value" ? display(last(one), fieldOf(panel)).text : (one.labels[label] ?? "")))
  const lines = [
    columns.map(([, title]) => title),
    ...series
      .toSorted((one, other) => last(other) - last(one))
      .slice(0, Math.floor(height / lineHeight) - 1)
      .map(cellsOf)
  ]
  const needed = columns.map((_, column) => Math.max(...lines.map((line) => widthOf(line[column] ?? "", 13))))
  const spare = (width - needed.reduce((sum, one) => sum + one, 0)) / (columns.length - 1)
  return lines
    .map((cells, row) => {
      const style = { size: 13, color: row === 0 ? theme.secondary : theme.text }
      const drawn = cells.map((cell, column) => {
        const before = needed.slice(0, column).reduce((sum, one) => sum + one + spare, 0)
        return column === cells.length - 1
          ? text(width, 21, cell, { ...style, anchor: "end" })
          : text(before, 21, shorten(cell, 13, (needed[column] ?? 0) + spare), style)
      })
      return at(0, row * lineHeight, ...drawn, rectangle(0, lineHeight - 1, width, 1, theme.border, 0))
    })
    .join("")
}
