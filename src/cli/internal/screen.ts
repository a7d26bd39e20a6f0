/**
 * What `watch` shows: the services, and below them the last events, as many as there is room for.
 */
import * as DateTime from "effect/DateTime"
import * as Duration from "effect/Duration"
import type { Api } from "../../admin/index.ts"
import { eventLine } from "./eventLine.ts"
import { inLine, type Paint } from "./paint.ts"
import { overview } from "./statusTable.ts"

/** A time without answers. */
export interface Outage {
  readonly since: DateTime.Utc
  readonly problem: string
}

/** Everything that the screen shows at one moment. */
export interface Frame {
  readonly url: string
  readonly every: Duration.Duration
  readonly now: DateTime.Utc
  /** As it was when the application last answered. */
  readonly status: ReadonlyArray<Api.Status>
  /** Since when it does not, and why. */
  readonly outage: Outage | undefined
  /** The last ones, the latest last. */
  readonly events: ReadonlyArray<Api.Event>
}

/** Lines that fit into a terminal with so many rows. */
export const lines = (
  { events, every, now, outage, status, url }: Frame,
  rows: number,
  paint: Paint
): ReadonlyArray<string> => {
  const above = [
    `${paint("bold", "effect-resilience")}  ${url}  ${timeOf(now)}, every ${Duration.format(every)}  ${paint("dim", "q quits")}`,
    outage === undefined ? "" : paint("red", inLine(`not reachable since ${timeOf(outage.since)}: ${outage.problem}`)),
    ...overview(status, paint)
  ]
  const room = Math.max(0, rows - above.length - 1)
  const below = room === 0 ? [] : ["", ...events.slice(-room).map((event) => eventLine(event, paint))]
  return [...above, ...below].slice(0, rows)
}

const timeOf = (date: DateTime.Utc): string => `${DateTime.formatIso(date).slice(11, 19)} UTC`

const ESCAPE = "\u001B["

/** Begins: another screen than that of the shell, without a cursor; lines that are too long are cut off. */
export const enter = `${ESCAPE}?1049h${ESCAPE}?25l${ESCAPE}?7l`

/** Ends: everything is as it was. */
export const leave = `${ESCAPE}?7h${ESCAPE}?25h${ESCAPE}?1049l`

/** Draws over what was there before. */
export const draw = (lines: ReadonlyArray<string>): string =>
  `${ESCAPE}H${lines.map((line) => `${line}${ESCAPE}K`).join("\r\n")}${ESCAPE}J`
