/**
 * The table below a chart: which colour is which series, and its values.
 */
import { rectangle, shorten, text } from "./svg.ts"
import { theme } from "./theme.ts"

/** One line. */
export interface Entry {
  readonly color: string
  readonly name: string
  readonly values: ReadonlyArray<string>
}

const LINE = 17
const COLUMN = 76
const MOST = 6

/** What there is room for; the rest is counted. */
const shown = (entries: ReadonlyArray<Entry>): ReadonlyArray<Entry> => {
  if (entries.length <= MOST) return entries
  const rest = entries.length - MOST + 1
  return [...entries.slice(0, MOST - 1), { color: "none", name: `and ${rest} more`, values: [] }]
}

/** How high the table will be. */
export const legendHeight = (entries: ReadonlyArray<Entry>): number => (shown(entries).length + 1) * LINE

/** Draws the table. */
export const legend = (titles: ReadonlyArray<string>, entries: ReadonlyArray<Entry>, width: number): string => {
  const cells = (values: ReadonlyArray<string>, y: number, color: string) =>
    values.map((value, index) =>
      text(width - (values.length - 1 - index) * COLUMN, y, value, { size: 12, color, anchor: "end" })
    )
  const lines = shown(entries).flatMap(({ color, name, values }, index) => {
    const y = (index + 2) * LINE - 5
    return [
      rectangle(0, y - 6, 14, 4, color),
      text(20, y, shorten(name, 12, width - 20 - titles.length * COLUMN), { size: 12, color: theme.text }),
      ...cells(values, y, theme.text)
    ]
  })
  return [
    text(20, LINE - 5, "Name", { size: 12, color: theme.secondary }),
    ...cells(titles, LINE - 5, theme.secondary),
    ...lines
  ].join("")
}
