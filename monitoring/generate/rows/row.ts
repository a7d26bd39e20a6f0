/**
 * What the rows have in common.
 */
import type { Json, Panel } from "../panels.ts"

/** A row of the dashboard. */
export interface Row {
  readonly title: string
  readonly panels: ReadonlyArray<Panel>
}

/** Makes a row. */
export const row = (title: string, panels: ReadonlyArray<Panel>): Row => ({ title, panels })

/** How a service is called in a legend: the same name may be another dependency in another application. */
export const SERVICE = "{{service}} ({{job}})"

/** The numbers of the states, their names and their colours. */
export const states = [
  { number: 0, text: "closed", color: "green" },
  { number: 1, text: "open", color: "red" },
  { number: 2, text: "half-open", color: "yellow" },
  { number: 3, text: "isolated", color: "purple" }
] as const

/** The states in words and colours. */
export const stateMappings: ReadonlyArray<Json> = [
  {
    type: "value",
    options: Object.fromEntries(states.map(({ color, number, text }) => [number, { index: number, color, text }]))
  }
]
