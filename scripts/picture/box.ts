/**
 * What all ways to draw a panel have in common.
 */
import type { FieldDefaults, Panel } from "../../test/monitoring/support/dashboard.ts"
import type { Series } from "./answers.ts"

/** The room that there is. */
export interface Box {
  readonly width: number
  readonly height: number
}

/** Draws the answers to the queries of a panel, of which there is at least one. */
export type Draw = (panel: Panel, series: ReadonlyArray<Series>, box: Box) => string | Promise<string>

const plain: FieldDefaults = { unit: "short", thresholds: { steps: [] } }

/** How the panel shows values. */
export const fieldOf = ({ fieldConfig }: Panel): FieldDefaults => fieldConfig?.defaults ?? plain
