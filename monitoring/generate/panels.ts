/**
 * Panels of Grafana, in the classic model of dashboards: every Grafana imports it.
 */
import { type AlertName, runbookUrl } from "./runbook.ts"

/** JSON. */
export type Json = { readonly [key: string]: unknown }

/** One query of a panel. */
export interface Query {
  readonly expr: string
  readonly legend?: string
  /** The values of now, not a graph. */
  readonly isInstant?: boolean
  readonly format?: "time_series" | "table" | "heatmap"
}

/** From which values on which colour is shown. */
export interface Thresholds {
  readonly mode: "absolute"
  readonly steps: ReadonlyArray<{ readonly color: string; readonly value: number | null }>
}

/** What every panel says of itself. */
export interface About {
  readonly title: string
  /** What it shows, and what to look at next. */
  readonly description: string
  readonly width: number
  readonly height?: number
  readonly queries: ReadonlyArray<Query>
  readonly unit: string
  readonly decimals?: number
  readonly max?: number
  readonly thresholds?: Thresholds
  readonly mappings?: ReadonlyArray<Json>
  /** What stands there when there are no data. */
  readonly noValue?: string
  /** The shortest step between two points. */
  readonly interval?: string
  readonly alerts?: ReadonlyArray<AlertName>
}

/** A panel without its place. */
export interface Panel {
  readonly title: string
  readonly width: number
  readonly height: number
  readonly json: Json
}

/** The data source that the dashboard's variable names. */
export const datasource = { type: "prometheus", uid: "${datasource}" } as const

const steps = (...steps: ReadonlyArray<readonly [color: string, from: number | null]>): Thresholds => ({
  mode: "absolute",
  steps: steps.map(([color, value]) => ({ color, value }))
})

/** Nothing to judge. */
export const neutral = steps(["blue", null])
/** Zero is well. */
export const noneIsWell = steps(["green", null], ["orange", 1])
/** Below the target is well. */
export const below = (target: number): Thresholds => steps(["green", null], ["red", target])
/** Above the target is well. */
export const above = (target: number): Thresholds => steps(["red", null], ["green", target])
/** Below the target is well, and above it somebody has to look. */
export const belowOrReview = (target: number): Thresholds => steps(["green", null], ["orange", target])

const panel = (
  type: string,
  about: About,
  options: Json,
  custom?: Json,
  overrides: ReadonlyArray<Json> = []
): Panel => ({
  title: about.title,
  width: about.width,
  height: about.height ?? 8,
  json: {
    type,
    title: about.title,
    description: about.description,
    datasource,
    links: (about.alerts ?? []).map((alert) => ({
      title: `Runbook: ${alert}`,
      url: runbookUrl(alert),
      targetBlank: true
    })),
    ...(about.interval !== undefined && { interval: about.interval }),
    targets: about.queries.map(({ expr, format = "time_series", isInstant = false, legend = "" }, index) => ({
      refId: String.fromCharCode(65 + index),
      datasource,
      expr,
      legendFormat: legend,
      format,
      instant: isInstant,
      range: !isInstant,
      editorMode: "code"
    })),
    fieldConfig: {
      defaults: {
        unit: about.unit,
        ...(about.decimals !== undefined && { decimals: about.decimals }),
        min: 0,
        ...(about.max !== undefined && { max: about.max }),
        ...(about.noValue !== undefined && { noValue: about.noValue }),
        color: { mode: type === "timeseries" || type === "piechart" ? "palette-classic" : "thresholds" },
        mappings: about.mappings ?? [],
        thresholds: about.thresholds ?? neutral,
        ...(custom !== undefined && { custom })
      },
      overrides
    },
    options
  }
})

/** The legend below a chart scrolls, so what matters most comes first. */
const legend = {
  displayMode: "table",
  placement: "bottom",
  showLegend: true,
  calcs: ["lastNotNull", "max"],
  sortBy: "Max",
  sortDesc: true
} as const

/** The axis of a quiet panel reaches to twice the target: the line is seen for what it is, far below. */
const softMax = ({ thresholds }: About): Json => {
  const target = thresholds?.steps.at(-1)?.value ?? undefined
  return target === undefined ? {} : { axisSoftMax: 2 * target }
}

const lastValue = { calcs: ["lastNotNull"], fields: "", values: false }

/** Lines over time; the threshold is a dashed line. Where many lines lie on each other, nothing is filled below them. */
export const lines = (about: About, isFilled = true): Panel =>
  panel(
    "timeseries",
    about,
    {
      legend,
      tooltip: { mode: "multi", sort: "desc" }
    },
    {
      drawStyle: "line",
      lineWidth: 2,
      fillOpacity: isFilled ? 10 : 0,
      showPoints: "auto",
      spanNulls: false,
      thresholdsStyle: { mode: about.thresholds === undefined ? "off" : "dashed" },
      ...softMax(about)
    }
  )

/** Bars over time, one on the other. */
export const bars = (about: About): Panel =>
  panel(
    "timeseries",
    about,
    {
      legend,
      tooltip: { mode: "multi", sort: "desc" }
    },
    {
      drawStyle: "bars",
      lineWidth: 0,
      fillOpacity: 80,
      showPoints: "never",
      stacking: { mode: "normal", group: "A" },
      thresholdsStyle: { mode: "off" }
    }
  )

/** One large value for each series. */
export const tiles = (about: About, colorMode: "background" | "value" = "value"): Panel =>
  panel("stat", about, {
    colorMode,
    graphMode: "none",
    justifyMode: "auto",
    orientation: "auto",
    textMode: "value_and_name",
    reduceOptions: lastValue
  })

/** One horizontal gauge for each series. */
export const gauges = (about: About): Panel =>
  panel("bargauge", about, {
    displayMode: "basic",
    orientation: "horizontal",
    showUnfilled: true,
    valueMode: "color",
    namePlacement: "auto",
    reduceOptions: lastValue
  })

/** One round gauge for each series. */
export const dial = (about: About): Panel =>
  panel("gauge", about, {
    orientation: "auto",
    showThresholdLabels: false,
    showThresholdMarkers: true,
    reduceOptions: lastValue
  })

/** States over time. */
export const stateTimeline = (about: About): Panel =>
  panel(
    "state-timeline",
    about,
    {
      mergeValues: true,
      showValue: "auto",
      alignValue: "left",
      rowHeight: 0.85,
      legend: { displayMode: "list", placement: "bottom", showLegend: true },
      tooltip: { mode: "single", sort: "none" }
    },
    { lineWidth: 0, fillOpacity: 80, spanNulls: false }
  )

/** Colours over time: a row for each series, or for each bucket of a histogram. */
export const heatmap = (about: About, yAxisUnit = "short"): Panel =>
  panel("heatmap", about, {
    calculate: false,
    cellGap: 1,
    cellValues: { unit: about.unit },
    color: { mode: "scheme", scheme: "Oranges", steps: 64, exponent: 0.5, fill: "dark-orange", reverse: false, min: 0 },
    filterValues: { le: 1e-9 },
    legend: { show: true },
    rowsFrame: { layout: "auto" },
    tooltip: { mode: "single", yHistogram: false, showColorScale: true },
    yAxis: { axisPlacement: "left", unit: yAxisUnit, reverse: false }
  })

/** Parts of a whole. */
export const pie = (about: About): Panel =>
  panel("piechart", about, {
    pieType: "donut",
    displayLabels: ["name", "percent"],
    legend: { displayMode: "table", placement: "bottom", showLegend: true, values: ["value", "percent"] },
    tooltip: { mode: "single", sort: "none" },
    reduceOptions: lastValue
  })

/** A table with one column for each label, and the highest counts first. */
export const table = (about: About, columns: Readonly<Record<string, string>>, count: string): Panel => {
  const { json, ...rest } = panel(
    "table",
    about,
    { showHeader: true, cellHeight: "sm", sortBy: [{ displayName: count, desc: true }] },
    { align: "auto", cellOptions: { type: "auto" } }
  )
  const names = [...Object.keys(columns), "Value"]
  const organize = {
    id: "organize",
    options: {
      excludeByName: { Time: true },
      indexByName: Object.fromEntries(names.map((name, index) => [name, index])),
      renameByName: { ...columns, Value: count }
    }
  }
  return { ...rest, json: { ...json, transformations: [organize] } }
}
