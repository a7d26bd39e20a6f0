/**
 * The whole dashboard as one picture.
 */
import type { Panel } from "../../test/monitoring/support/dashboard.ts"
import type { Series } from "./answers.ts"
import { type Draw, fieldOf } from "./box.ts"
import { heatmap, pie, stateTimeline } from "./colors.ts"
import { timeSeries } from "./lines.ts"
import { at, element, rectangle, shorten, text, widthOf } from "./svg.ts"
import { theme } from "./theme.ts"
import { barGauge, gauge, stat, table } from "./tiles.ts"

const drawings: Readonly<Record<string, Draw>> = {
  stat,
  bargauge: barGauge,
  gauge,
  table,
  timeseries: timeSeries,
  "state-timeline": stateTimeline,
  heatmap,
  piechart: pie
}

const WIDTH = 1400
const GAP = 8
const HEADER = 56
const COLUMNS = 24
/** The height of a line of the grid, with the gap below it. */
const LINE = 38
const TITLE = 36

const columnWidth = (WIDTH - GAP) / COLUMNS

/** Draws a panel with its frame and title. Without data it says so, in the words that it has for that. */
export const drawPanel = async (panel: Panel, series: ReadonlyArray<Series>): Promise<string> => {
  const width = panel.gridPos.w * columnWidth - GAP
  const height = panel.gridPos.h * LINE - GAP
  const box = { width: width - 24, height: height - TITLE - 12 }
  const draw = drawings[panel.type]
  if (draw === undefined) throw new Error(`${panel.title}: no way is known to draw a ${panel.type}`)
  const content =
    series.length === 0
      ? text(box.width / 2, box.height / 2, fieldOf(panel).noValue ?? "No data", {
          size: 16,
          color: theme.secondary,
          anchor: "middle"
        })
      : await draw(panel, series, box)
  return [
    element("rect", { width, height, rx: 3, fill: theme.panel, stroke: theme.border }),
    text(12, 23, shorten(panel.title, 14, box.width), { size: 14, color: theme.text, weight: 500 }),
    at(12, TITLE, content)
  ].join("")
}

const rowTitle = (title: string): string =>
  element("path", { d: "M2 13l5 5l5-5", fill: "none", stroke: theme.text, "stroke-width": 1.5 }) +
  text(20, 21, title, { size: 17, color: theme.text, weight: 500 })

const chooser = (x: number, label: string, value: string): string => {
  const style = { size: 13, color: theme.text }
  return at(
    x,
    12,
    element("rect", { width: 170, height: 32, rx: 2, fill: theme.panel, stroke: theme.border }),
    text(12, 21, label, { ...style, weight: 500 }),
    text(158, 21, value, { ...style, color: theme.secondary, anchor: "end" })
  )
}

const header = (title: string, subtitle: string): string =>
  [
    text(12, 35, title, { size: 20, color: theme.text, weight: 500 }),
    text(12 + widthOf(title, 20) + 12, 35, subtitle, { size: 14, color: theme.secondary }),
    chooser(WIDTH - GAP - 350, "Application", "All"),
    chooser(WIDTH - GAP - 170, "Service", "All")
  ].join("")

/** Draws all panels at their places. */
export const drawPage = async (
  title: string,
  subtitle: string,
  panels: ReadonlyArray<Panel>,
  answers: (panel: Panel) => ReadonlyArray<Series>
): Promise<string> => {
  const bottom = Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h))
  const height = HEADER + bottom * LINE + GAP
  const drawn = await Promise.all(
    panels.map(async (panel) =>
      at(
        Number((GAP + panel.gridPos.x * columnWidth).toFixed(1)),
        HEADER + panel.gridPos.y * LINE,
        panel.type === "row" ? rowTitle(panel.title) : await drawPanel(panel, answers(panel))
      )
    )
  )
  return element(
    "svg",
    {
      xmlns: "http://www.w3.org/2000/svg",
      "xmlns:xlink": "http://www.w3.org/1999/xlink",
      width: WIDTH,
      height,
      viewBox: `0 0 ${WIDTH} ${height}`,
      "font-family": theme.font,
      role: "img",
      "aria-label": `${title}, ${subtitle}`
    },
    rectangle(0, 0, WIDTH, height, theme.canvas, 0),
    header(title, subtitle),
    ...drawn
  )
}
