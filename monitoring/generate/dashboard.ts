/**
 * The dashboard.
 */
import { datasource, type Json } from "./panels.ts"
import * as Query from "./queries.ts"
import { bulkheads } from "./rows/bulkheads.ts"
import { circuitBreakers } from "./rows/circuitBreakers.ts"
import { fallbacks } from "./rows/fallbacks.ts"
import { objectives } from "./rows/objectives.ts"
import { retries } from "./rows/retries.ts"
import type { Row } from "./rows/row.ts"
import { timeouts } from "./rows/timeouts.ts"
import { runbookUrl } from "./runbook.ts"
import { circuitBreaker } from "./series.ts"

const WIDTH = 24

/** The states come first: they tell whether anything is wrong at all. */
const rows: ReadonlyArray<Row> = [circuitBreakers, retries, timeouts, bulkheads, fallbacks, objectives]

/** Gives panels their places: from left to right, and in a new line when there is no room. */
const place = (rows: ReadonlyArray<Row>): ReadonlyArray<Json> => {
  const placed: Array<Json> = []
  let y = 0
  const add = (json: Json, x: number, w: number, h: number) =>
    placed.push({ id: placed.length + 1, gridPos: { x, y, w, h }, ...json })
  for (const { panels, title } of rows) {
    add({ type: "row", title, collapsed: false, panels: [] }, 0, WIDTH, 1)
    y += 1
    let x = 0
    let lineHeight = 0
    for (const { height, json, width } of panels) {
      if (x + width > WIDTH) {
        y += lineHeight
        x = 0
        lineHeight = 0
      }
      add(json, x, width, height)
      x += width
      lineHeight = Math.max(lineHeight, height)
    }
    y += lineHeight
  }
  return placed
}

const chooser = (name: string, label: string, query: string): Json => ({
  name,
  label,
  type: "query",
  datasource,
  definition: query,
  query: { qryType: 1, query, refId: `variable-${name}` },
  refresh: 2,
  sort: 1,
  multi: true,
  includeAll: true,
  allValue: ".*",
  current: { selected: true, text: ["All"], value: ["$__all"] },
  regex: "",
  hide: 0
})

const transition = (name: string, color: string, to: string): Json => ({
  name,
  enable: true,
  hide: false,
  iconColor: color,
  datasource,
  expr: `${Query.total(circuitBreaker.transitionsByHand, Query.chosen("2m"), [`to=~"${to}"`], ["from", "to"])} > 0`,
  step: "60s",
  titleFormat: "{{service}} ({{job}})",
  textFormat: "{{from}} to {{to}}",
  tagKeys: "service"
})

const state = circuitBreaker.state.name

/** The dashboard as Grafana imports it. */
export const dashboard: Json = {
  uid: "effect-resilience",
  title: "Resilience",
  description:
    "Circuit breakers, retries, timeouts, bulkheads and fallbacks of effect-resilience. Generated: changes made here are lost with the next version.",
  tags: ["effect-resilience", "resilience"],
  schemaVersion: 42,
  version: 1,
  editable: true,
  graphTooltip: 1,
  fiscalYearStartMonth: 0,
  timezone: "browser",
  refresh: "30s",
  time: { from: "now-3h", to: "now" },
  timepicker: {},
  links: [
    { type: "link", title: "Runbook", url: runbookUrl(), icon: "doc", targetBlank: true, asDropdown: false, tags: [] }
  ],
  annotations: {
    list: [transition("Circuit opened", "red", "Open|Isolated"), transition("Circuit closed", "green", "Closed")]
  },
  templating: {
    list: [
      {
        name: "datasource",
        label: "Data source",
        type: "datasource",
        query: "prometheus",
        refresh: 1,
        regex: "",
        multi: false,
        includeAll: false,
        current: {},
        hide: 0
      },
      chooser("job", "Application", `label_values(${state}, job)`),
      chooser("service", "Service", `label_values(${state}{job=~"$job"}, service)`)
    ]
  },
  panels: place(rows)
}
