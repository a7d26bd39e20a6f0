/**
 * The committed dashboard, as far as tests and its picture look at it.
 */
import { readFileSync } from "node:fs"

/** A query of a panel. */
export interface Target {
  readonly expr: string
  readonly legendFormat: string
  readonly format: string
  readonly instant: boolean
}

/** How a panel shows values. */
export interface FieldDefaults {
  readonly unit: string
  readonly decimals?: number
  readonly min?: number
  readonly max?: number
  readonly noValue?: string
  readonly mappings?: ReadonlyArray<{
    readonly options: Readonly<Record<string, { readonly text: string; readonly color: string }>>
  }>
  readonly thresholds: { readonly steps: ReadonlyArray<{ readonly color: string; readonly value: number | null }> }
  readonly custom?: {
    readonly drawStyle?: string
    readonly fillOpacity?: number
    readonly thresholdsStyle?: { readonly mode: string }
    readonly axisSoftMax?: number
  }
}

/** A panel, or the title of a row. */
export interface Panel {
  readonly id: number
  readonly type: string
  readonly title: string
  readonly description?: string
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number }
  readonly targets?: ReadonlyArray<Target>
  readonly links?: ReadonlyArray<{ readonly url: string }>
  readonly datasource?: { readonly uid: string }
  readonly fieldConfig?: { readonly defaults: FieldDefaults }
  readonly options?: {
    readonly colorMode?: string
    readonly yAxis?: { readonly unit: string }
    readonly cellValues?: { readonly unit: string }
    readonly legend?: { readonly sortBy?: string }
  }
  readonly transformations?: ReadonlyArray<{
    readonly options: {
      readonly indexByName: Readonly<Record<string, number>>
      readonly renameByName: Readonly<Record<string, string>>
    }
  }>
}

/** The dashboard. */
export interface Dashboard {
  readonly uid: string
  readonly title: string
  readonly schemaVersion: number
  readonly refresh: string
  readonly panels: ReadonlyArray<Panel>
  readonly annotations: { readonly list: ReadonlyArray<{ readonly name: string; readonly expr: string }> }
  readonly templating: { readonly list: ReadonlyArray<{ readonly name: string; readonly type: string }> }
}

/** The dashboard. */
export const dashboard: Dashboard = JSON.parse(readFileSync("monitoring/grafana/dashboards/resilience.json", "utf8"))

/** All queries, with the panel or annotation that asks them. */
export const queries: ReadonlyArray<{ readonly title: string; readonly expr: string; readonly legend: string }> = [
  ...dashboard.annotations.list.map(({ expr, name }) => ({ title: name, expr, legend: "" })),
  ...dashboard.panels.flatMap(({ targets = [], title }) =>
    targets.map(({ expr, legendFormat }) => ({ title, expr, legend: legendFormat }))
  )
]

/** What is looked at, in seconds: how much in all, how much for a rate, and how far apart the points are. */
export interface Windows {
  readonly range: number
  readonly rate: number
  readonly interval: number
}

/** What Grafana shows at first. */
const usual: Windows = { range: 10_800, rate: 60, interval: 15 }

/** Puts in what Grafana would, for all services. */
export const interpolate = (expr: string, { interval, range, rate }: Windows = usual): string =>
  expr
    .replaceAll("$__rate_interval_ms", String(1000 * rate))
    .replaceAll("$__rate_interval", `${rate}s`)
    .replaceAll("$__interval_ms", String(1000 * interval))
    .replaceAll("$__interval", `${interval}s`)
    .replaceAll("$__range", `${range}s`)
    .replaceAll(/\$(job|service)\b/g, ".*")
