/**
 * What one sees while the day goes by: a panel that redraws itself on a terminal, a line per second anywhere else.
 *
 * Drawing is pure (a frame in, lines out); only `live` and `plain` write.
 */
import type { Effect } from "effect"
import { stripVTControlCharacters } from "node:util"
import type { Paint } from "./report.ts"
import { type Phase, phaseAt } from "./script-of-the-day.ts"
import { failed, type Ledger, type Side, type Slot, succeeded, waits } from "./statistics.ts"

/** Everything the screen shows at one moment. */
export interface Frame {
  readonly elapsedMillis: number
  readonly dayMillis: number
  readonly plan: ReadonlyArray<Phase>
  readonly gatewayUrl: string
  readonly ledgers: Readonly<Record<Side, Ledger>>
  readonly upstreamCalls: Readonly<Record<Side, number>>
  readonly breaker: {
    readonly state: string
    readonly retryAfterMillis: number
  }
  readonly bulkhead: { readonly active: number; readonly limit: number; readonly queued: number }
  readonly retries: number
  readonly rejections: number
  readonly openings: number
}

/** Parts the day is cut into for the strips, one column each. */
export const slotCount = 60

const recentMillis = 3000

const bars = "▁▂▃▄▅▆▇█"

/** One column of a strip: as high as the share of calls that were answered, in the colour of how they were. */
const column = (slot: Slot, paint: Paint): string => {
  const good = succeeded(slot)
  const bad = failed(slot)
  const total = good + bad
  if (total === 0) return " "
  const height = bars[Math.max(0, Math.ceil((good / total) * bars.length) - 1)]!
  if (bad > total * 0.05) return paint("red", height)
  return slot.fallback * 4 > total ? paint("yellow", height) : paint("green", height)
}

const strip = (ledger: Ledger, elapsedMillis: number, paint: Paint): string =>
  ledger.slots
    .map((slot, index) => {
      const begun = index * ledger.slotMillis < elapsedMillis
      return begun && succeeded(slot) + failed(slot) === 0 ? paint("dim", "·") : column(slot, paint)
    })
    .join("")

/** The names of the phases over their part of the strip; the current one stands out. */
const ruler = (frame: Frame, paint: Paint): string => {
  const current = phaseAt(frame.plan, frame.elapsedMillis)
  const at = (millis: number) => Math.round((millis / frame.dayMillis) * slotCount)
  return frame.plan
    .map((phase) => {
      const label = phase.name.padEnd(at(phase.endMillis) - at(phase.startMillis))
      return phase === current ? paint("bold", label) : paint("dim", label)
    })
    .join("")
}

const stateColours = { Closed: "green", Open: "red", HalfOpen: "yellow" } as const

const breakerState = (frame: Frame, paint: Paint): string => {
  const { retryAfterMillis, state } = frame.breaker
  const wait = state === "Open" ? `, next probe in ${(retryAfterMillis / 1000).toFixed(1)} s` : ""
  const colour = state in stateColours ? stateColours[state as keyof typeof stateColours] : "cyan"
  return paint(colour, `● ${state}${wait}`)
}

const gauge = (frame: Frame, paint: Paint): string => {
  const { active, limit, queued } = frame.bulkhead
  const filled = Math.min(limit, active)
  const bar = "■".repeat(filled) + paint("dim", "·".repeat(Math.max(0, limit - filled)))
  return `${bar} ${active} of ${limit} active, ${queued} queued`
}

const inFlight = (ledger: Ledger): number => ledger.calls - succeeded(ledger.endings) - failed(ledger.endings)

const columns = (cells: ReadonlyArray<string>): string => cells.map((cell) => cell.padStart(10)).join("")

const sideCells = (side: Side, frame: Frame): string => {
  const ledger = frame.ledgers[side]
  const { endings } = ledger
  const recent = waits(ledger, frame.elapsedMillis - recentMillis)
  return columns([
    String(endings.answered),
    side === "protected" ? String(endings.fallback) : "–",
    String(failed(endings)),
    String(inFlight(ledger)),
    `${Math.round(recent.p50Millis)} ms`,
    `${Math.round(recent.p99Millis)} ms`
  ])
}

/** The panel. Every line fits into 80 columns. */
export const panel = (frame: Frame, paint: Paint): ReadonlyArray<string> => {
  const phase = phaseAt(frame.plan, frame.elapsedMillis)
  const seconds = (millis: number) => (millis / 1000).toFixed(1)
  const title = "One day of an LLM provider"
  const time = `${seconds(Math.min(frame.elapsedMillis, frame.dayMillis))} of ${seconds(frame.dayMillis)} s`
  return [
    `  ${paint("bold", title)}${time.padStart(74 - title.length)}`,
    `  ${paint("dim", `gateway ${frame.gatewayUrl}, metrics ${frame.gatewayUrl}/metrics`)}`,
    "",
    `  ${"".padEnd(14)}${ruler(frame, paint)}`,
    `  ${"unprotected".padEnd(14)}${strip(frame.ledgers.unprotected, frame.elapsedMillis, paint)}`,
    `  ${"protected".padEnd(14)}${strip(frame.ledgers.protected, frame.elapsedMillis, paint)}`,
    `  ${"".padEnd(14)}${paint("green", "provider")}  ${paint("yellow", "fallback")}  ${paint("red", "failed")}`,
    "",
    `  ${"provider".padEnd(14)}${paint("bold", phase.name)}: ${phase.story}`,
    `  ${"breaker".padEnd(14)}${breakerState(frame, paint)}`,
    `  ${"bulkhead".padEnd(14)}${gauge(frame, paint)}`,
    `  ${"".padEnd(14)}opened ${frame.openings} ×, turned away ${frame.rejections}, retries ${frame.retries}`,
    "",
    paint(
      "dim",
      `  ${"".padEnd(14)}${columns(["answered", "fallback", "failed", "waiting", "p50 (3 s)", "p99 (3 s)"])}`
    ),
    `  ${"unprotected".padEnd(14)}${sideCells("unprotected", frame)}`,
    `  ${"protected".padEnd(14)}${sideCells("protected", frame)}`
  ]
}

/** The line of one second, for pipes and log files. */
export const line = (frame: Frame): string => {
  const side = (name: Side) => {
    const { endings } = frame.ledgers[name]
    const fallbacks = name === "protected" ? `${String(endings.fallback).padStart(5)} fallback` : ""
    return `${String(endings.answered).padStart(5)} answered${fallbacks}${String(failed(endings)).padStart(5)} failed`
  }
  return [
    `${(frame.elapsedMillis / 1000).toFixed(0).padStart(4)} s`,
    phaseAt(frame.plan, frame.elapsedMillis).name.padEnd(9),
    frame.breaker.state.padEnd(8),
    `unprotected${side("unprotected")}`,
    `protected${side("protected")}`
  ].join("  ")
}

export const fits = (size: { readonly columns?: number; readonly rows?: number }): boolean =>
  (size.columns ?? 0) >= 80 && (size.rows ?? 0) >= 18

export interface Screen {
  /** Draws until it is interrupted, and once more then. */
  readonly show: (frame: () => Frame) => Effect.Effect<void>
}
void stripVTControlCharacters
