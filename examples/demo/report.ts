/**
 * The result of the day: as one JSON object for scripts, as a table for people. Pure: figures in, text out.
 */
import { type BySide, failed, type Ledger, succeeded, type UpstreamCalls, waits } from "./statistics.ts"

export interface SideReport {
  readonly calls: number
  readonly succeeded: number
  readonly failed: number
  readonly p50Millis: number
  readonly p99Millis: number
  readonly upstreamCalls: number
}

/** What the patterns did. */
export interface Deeds {
  readonly retries: number
  /** Calls that the circuit breaker or the bulkhead turned away. */
  readonly rejections: number
  readonly openings: number
  /** From the provider being back to the circuit being closed; `null` when it did not close again. */
  readonly recoveryMillis: number | null
}

/** The shape printed by `--json`. */
export interface Report {
  readonly unprotected: SideReport
  readonly protected: SideReport & { readonly fallbacks: number } & Deeds
}

const sideReport = (ledger: Ledger, upstreamCalls: number): SideReport => {
  const { p50Millis, p99Millis } = waits(ledger)
  return {
    calls: ledger.calls,
    succeeded: succeeded(ledger.endings),
    failed: failed(ledger.endings),
    p50Millis: Math.round(p50Millis),
    p99Millis: Math.round(p99Millis),
    upstreamCalls
  }
}

/** What is known at the end of the day. */
export interface Day {
  readonly report: Report
  readonly upstreamCalls: BySide<UpstreamCalls>
  /** How late the latest of the calls was sent. */
  readonly lateMillis: number
}

export const makeDay = (ledgers: BySide<Ledger>, upstreamCalls: BySide<UpstreamCalls>, deeds: Deeds): Day => ({
  report: {
    unprotected: sideReport(ledgers.unprotected, upstreamCalls.unprotected.total),
    protected: {
      ...sideReport(ledgers.protected, upstreamCalls.protected.total),
      fallbacks: ledgers.protected.endings.fallback,
      ...deeds,
      recoveryMillis: deeds.recoveryMillis === null ? null : Math.round(deeds.recoveryMillis)
    }
  },
  upstreamCalls,
  lateMillis: Math.max(ledgers.unprotected.lateMillis, ledgers.protected.lateMillis)
})

export type Paint = (style: "bold" | "dim" | "green" | "yellow" | "red", text: string) => string

const count = (value: number): string => value.toLocaleString("en-US")

const millis = (value: number): string => `${count(value)} ms`

const share = (part: number, whole: number): string => (whole === 0 ? "–" : `${((100 * part) / whole).toFixed(1)} %`)

/** Beyond this, callers waited for their own machine more than for anything else. */
const tolerableMillis = 500

/** The table at the end. `paint` colours it, or does not. */
export const table = ({ lateMillis, report, upstreamCalls }: Day, paint: Paint): string => {
  const { unprotected, protected: guarded } = report
  const none = "–"
  const tone = (side: SideReport) => (side.failed > side.calls * 0.01 ? "red" : "green")
  const row = (label: string, left: string, right: string, style?: (cell: string, side: SideReport) => string) => {
    const cell = style ?? ((text: string) => text)
    return `  ${label.padEnd(34)}${cell(left.padStart(14), unprotected)}${cell(right.padStart(14), guarded)}`
  }
  const inTone = (cell: string, side: SideReport) => paint(tone(side), cell)
  return [
    paint("bold", row("", "unprotected", "protected")),
    `  ${paint("dim", "─".repeat(62))}`,
    row("calls", count(unprotected.calls), count(guarded.calls)),
    row("succeeded", share(unprotected.succeeded, unprotected.calls), share(guarded.succeeded, guarded.calls), inTone),
    row("  answered by the provider", count(unprotected.succeeded), count(guarded.succeeded - guarded.fallbacks)),
    row("  answered by the fallback", none, count(guarded.fallbacks)),
    row("failed", count(unprotected.failed), count(guarded.failed), inTone),
    row("callers waited, p50", millis(unprotected.p50Millis), millis(guarded.p50Millis)),
    row("callers waited, p99", millis(unprotected.p99Millis), millis(guarded.p99Millis)),
    row("calls that reached the provider", count(unprotected.upstreamCalls), count(guarded.upstreamCalls)),
    row("  refused or left hanging", count(upstreamCalls.unprotected.inVain), count(upstreamCalls.protected.inVain)),
    row("retries", none, count(guarded.retries)),
    row("turned away by breaker or bulkhead", none, count(guarded.rejections)),
    row("circuit opened", none, `${count(guarded.openings)} ×`),
    row(
      "provider back to circuit closed",
      none,
      guarded.recoveryMillis === null ? "not closed" : millis(guarded.recoveryMillis)
    ),
    ...(lateMillis > tolerableMillis
      ? [
          "",
          paint("yellow", `  This machine is busy: requests were sent up to ${millis(Math.round(lateMillis))} late.`)
        ]
      : [])
  ].join("\n")
}
