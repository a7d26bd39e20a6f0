/**
 * The dark theme of Grafana, as far as the dashboard needs it.
 */

/** The surfaces and the texts on them. */
export const theme = {
  canvas: "#111217",
  panel: "#181b1f",
  border: "#2a2d33",
  grid: "#2a2d33",
  unfilled: "#22252b",
  text: "#ccccdc",
  secondary: "#9a9aa8",
  // The picture loads nothing, so it takes the first of these that the reader has.
  font: "Inter, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif"
} as const

const named: Readonly<Record<string, string>> = {
  green: "#73bf69",
  yellow: "#fade2a",
  orange: "#ff9830",
  red: "#f2495c",
  blue: "#5794f2",
  purple: "#b877d9"
}

/** A colour of Grafana, as browsers know it. */
export const colorOf = (name: string): string => named[name] ?? name

const palette = [
  "#73bf69",
  "#f2cc0c",
  "#8ab8ff",
  "#ff780a",
  "#f2495c",
  "#5794f2",
  "#b877d9",
  "#37872d",
  "#fade2a",
  "#447ebc"
]

/** The colour of the series with this number. */
export const seriesColor = (index: number): string => palette[index % palette.length] ?? theme.text
