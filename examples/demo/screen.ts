/**
 * What one sees while the day goes by: a panel for a terminal, a row per second for everything else.
 *
 * Pure: a frame in, text out. Colours never carry a meaning alone, so nothing is lost without them.
 */
import type { Paint } from "./report.ts"
import { type Phase, phaseAt } from "./script-of-the-day.ts"
import {
  type BySide,
  failed,
  type Ledger,
  type Side,
  type Slot,
  succeeded,
  type UpstreamCalls,
  waits
} from "./statistics.ts"
import type { Vitals } from "./watch.ts"

/** Everything the screen shows at one moment. */
export interface Frame extends Vitals {
  readonly elapsedMillis: number
  readonly dayMillis: number
  readonly plan: ReadonlyArray<Phase>
  readonly gatewayUrl: string
  readonly ledgers: BySide<Ledger>
  readonly upstreamCalls: BySide<UpstreamCalls>
}

/** Parts the day is cut into for the strips, one column each. */
export const slotCount = 60

const recentMillis = 3000

/** The panel. Every line fits into 80 columns. */
export const panel = (frame: Frame, paint: Paint): ReadonlyArray<string> => {
  const { elapsedMillis, gatewayUrl, openings, rejections, retries } = frame
  const phase = phaseAt(frame.plan, elapsedMillis)
  return [
    `  ${title(frame, paint)}`,
    `  ${paint("dim", `gateway ${gatewayUrl}, metrics ${gatewayUrl}/metrics`)}`,
    "",
    labelled("", ruler(frame, paint)),
    labelled("unprotected", strip(frame.ledgers.unprotected, elapsedMillis, paint)),
    labelled("protected", strip(frame.ledgers.protected, elapsedMillis, paint)),
    labelled("", legend(paint)),
    "",
    labelled("provider", `${paint("bold", phase.name)}: ${phase.story}`),
    labelled("circuit", circuit(frame, paint)),
    labelled("bulkhead", gauge(frame, paint)),
    labelled("so far", `opened ${openings} ×, turned away ${rejections}, retries ${retries}`),
    "",
    paint("dim", labelled("", cells(["answered", "fallback", "failed", "waiting", "p99 (3 s)", "upstream"]))),
    labelled("unprotected", sideCells("unprotected", frame)),
    labelled("protected", sideCells("protected", frame))
  ]
}

/** Whether a terminal has room for the panel, and a line for the cursor below it. */
export const hasRoom = ({ columns = 0, rows = 0 }: { readonly columns?: number; readonly rows?: number }): boolean =>
  columns >= 80 && rows >= 17

/** The lines above the rows. */
export const header = (paint: Paint): ReadonlyArray<string> => [
  paint("dim", "                           unprotected                protected"),
  paint("dim", " time provider  circuit   answered failed answered fallback failed queue     p99")
]

/** The row of one second, for pipes, log files and small terminals. Fits into 80 columns. */
export const row = (frame: Frame, paint: Paint): string => {
  const { breaker, bulkhead, elapsedMillis, ledgers, plan } = frame
  const { protected: guarded, unprotected } = ledgers
  const { p99Millis } = waits(guarded, elapsedMillis - recentMillis)
  return [
    `${Math.round(elapsedMillis / 1000)} s`.padStart(5),
    phaseAt(plan, elapsedMillis).name.padEnd(9),
    paint(colourOf(breaker.state), breaker.state.padEnd(8)),
    String(unprotected.endings.answered).padStart(9),
    String(failed(unprotected.endings)).padStart(6),
    String(guarded.endings.answered).padStart(8),
    String(guarded.endings.fallback).padStart(8),
    String(failed(guarded.endings)).padStart(6),
    String(bulkhead.queued).padStart(5),
    `${Math.round(p99Millis)} ms`.padStart(7)
  ].join(" ")
}

const labelled = (label: string, text: string): string => `  ${label.padEnd(14)}${text}`

const title = ({ dayMillis, elapsedMillis }: Frame, paint: Paint): string => {
  const seconds = (millis: number) => (millis / 1000).toFixed(1)
  const name = "One day of an LLM provider"
  const time = `${seconds(Math.min(elapsedMillis, dayMillis))} of ${seconds(dayMillis)} s`
  return `${paint("bold", name)}${time.padStart(74 - name.length)}`
}

/** The names of the phases over their part of the strip; the current one stands out. */
const ruler = ({ dayMillis, elapsedMillis, plan }: Frame, paint: Paint): string => {
  const current = phaseAt(plan, elapsedMillis)
  const at = (millis: number) => Math.round((millis / dayMillis) * slotCount)
  return plan
    .map((phase) => {
      const label = phase.name.padEnd(at(phase.endMillis) - at(phase.startMillis))
      return paint(phase === current ? "bold" : "dim", label)
    })
    .join("")
}

const strip = ({ slotMillis, slots }: Ledger, elapsedMillis: number, paint: Paint): string =>
  slots.map((slot, index) => column(slot, index * slotMillis < elapsedMillis, paint)).join("")

/** What became of the calls of one stretch of the day: the worst that happened to more than a few. */
const column = (slot: Slot, hasBegun: boolean, paint: Paint): string => {
  const bad = failed(slot)
  const total = bad + succeeded(slot)
  if (total === 0) return hasBegun ? paint("dim", "·") : " "
  if (bad > total / 2) return paint("red", "×")
  if (bad > total / 20) return paint("red", "▄")
  return slot.fallback > total / 4 ? paint("yellow", "▒") : paint("green", "█")
}

const legend = (paint: Paint): string =>
  [
    `${paint("green", "█")} provider`,
    `${paint("yellow", "▒")} fallback`,
    `${paint("red", "▄")} some failed`,
    `${paint("red", "×")} most failed`
  ].join("   ")

const colourOf = (state: string) => {
  if (state === "Closed") return "green"
  return state === "Open" ? "red" : "yellow"
}

const circuit = ({ breaker: { retryAfterMillis, state } }: Frame, paint: Paint): string => {
  const wait = state === "Open" ? `, next probe in ${(retryAfterMillis / 1000).toFixed(1)} s` : ""
  return paint(colourOf(state), `● ${state}${wait}`)
}

const gauge = ({ bulkhead: { active, limit, queued } }: Frame, paint: Paint): string => {
  const filled = Math.min(limit, active)
  return `${"■".repeat(filled)}${paint("dim", "·".repeat(limit - filled))} ${active} of ${limit} active, ${queued} queued`
}

const cells = (texts: ReadonlyArray<string>): string => texts.map((text) => text.padStart(10)).join("")

const sideCells = (side: Side, { elapsedMillis, ledgers, upstreamCalls }: Frame): string => {
  const ledger = ledgers[side]
  const { endings } = ledger
  return cells([
    String(endings.answered),
    side === "protected" ? String(endings.fallback) : "–",
    String(failed(endings)),
    String(ledger.calls - succeeded(endings) - failed(endings)),
    `${Math.round(waits(ledger, elapsedMillis - recentMillis).p99Millis)} ms`,
    String(upstreamCalls[side].total)
  ])
}
