/**
 * Charts of vega-lite as SVG, without a browser.
 */
import { parse, View } from "vega"
import { compile, type TopLevelSpec } from "vega-lite"
import type { FieldDefaults } from "../../test/monitoring/support/dashboard.ts"
import type { Box } from "./box.ts"
import { theme } from "./theme.ts"
import { clock, format, ticks } from "./values.ts"

/** The specification of a chart, without what all charts have in common. */
export type Chart = object

const config = {
  background: "transparent",
  font: theme.font,
  // What assistive technology would read for every single mark would make the picture many times as large.
  aria: false,
  view: { stroke: null },
  axis: {
    domain: false,
    ticks: false,
    title: null,
    gridColor: theme.grid,
    labelColor: theme.secondary,
    labelFontSize: 11,
    labelPadding: 6
  },
  legend: { labelColor: theme.secondary, labelFontSize: 11, title: null }
}

const tenths = (number: string): string => String(Number(Number(number).toFixed(1)))

/** Draws a chart into a box of which its labels are a part. */
export const drawChart = async (chart: Chart, { height, width }: Box): Promise<string> => {
  const specification = {
    ...chart,
    width,
    height,
    padding: 0,
    autosize: { type: "fit", contains: "padding" },
    config
  } as TopLevelSpec
  const svg = await new View(parse(compile(specification).spec), { renderer: "none" }).toSVG()
  return svg.replaceAll(/ (?:d|transform)="[^"]*"/g, (places) => places.replaceAll(/\d+\.\d{2,}/g, tenths))
}

/** An axis whose labels are written here. */
export const axis = (values: ReadonlyArray<number>, label: (value: number) => string): object => ({
  values,
  labelExpr: `${JSON.stringify(Object.fromEntries(values.map((value) => [value, label(value)])))}[datum.value]`
})

/** The time of the day from left to right. */
export const timeAxis = (end: number, { width }: Box): object => {
  const step = [5, 10, 15, 30, 60, 120, 300].find((step) => (width / end) * step >= 60) ?? 600
  const values = Array.from({ length: Math.floor(end / step) + 1 }, (_, index) => index * step)
  return {
    field: "time",
    type: "quantitative",
    scale: { domain: [0, end], nice: false },
    axis: { ...axis(values, clock), labelFlush: false }
  }
}

/** Values from the bottom up: to the maximum of the field, or else to a round number above the highest of them. */
export const valueAxis = (field: FieldDefaults, highest: number): object => {
  const max = field.max ?? highest
  const values = ticks(max, field.decimals === 0)
  const label = (value: number): string => format(value, { unit: field.unit })
  return {
    field: "value",
    type: "quantitative",
    scale: { domain: [0, field.max ?? values.at(-1) ?? max], nice: false },
    // All charts below each other begin at the same place.
    axis: { ...axis(values, label), minExtent: 56, maxExtent: 56 }
  }
}
