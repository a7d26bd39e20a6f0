/**
 * Columns of text.
 */
import * as CliOutput from "effect/cli/CliOutput"
import { inLine, type Paint, type Style } from "./paint.ts"

/** A cell: its text, and how it is painted. */
export type Cell = string | { readonly text: string; readonly style: Style }

const GAP = "  "

/** Lines with aligned columns, each as wide as its widest cell. */
export const table = (rows: ReadonlyArray<ReadonlyArray<Cell>>, paint: Paint): ReadonlyArray<string> => {
  const widths: Array<number> = []
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, widthOf(cell))
  }
  return rows.map((row) => {
    const last = row.findLastIndex((cell) => textOf(cell) !== "")
    return row
      .slice(0, last + 1)
      .map((cell, at) => paintCell(cell, paint) + (at === last ? "" : " ".repeat(widths[at]! - widthOf(cell))))
      .join(GAP)
  })
}

const textOf = (cell: Cell): string => inLine(typeof cell === "string" ? cell : cell.text)

const widthOf = (cell: Cell): number => CliOutput.displayWidth(textOf(cell))

const paintCell = (cell: Cell, paint: Paint): string =>
  typeof cell === "string" ? textOf(cell) : paint(cell.style, textOf(cell))
