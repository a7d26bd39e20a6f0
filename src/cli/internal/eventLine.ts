/**
 * An event as a line.
 */
import * as DateTime from "effect/DateTime"
import type { Api } from "../../admin/index.ts"
import { type Paint, type Style, visible } from "./paint.ts"

const styles: Readonly<Record<Api.Event["severity"], Style>> = {
  Debug: "dim",
  Info: "green",
  Warn: "yellow",
  Error: "red"
}

/** When, how serious, about what, and the rest as it is. */
export const eventLine = ({ at, attributes, pattern, service, severity, tag }: Api.Event, paint: Paint): string => {
  const rest = Object.entries(attributes).map(([name, value]) => `${name}=${shown(value)}`)
  return [
    paint("dim", DateTime.formatIso(DateTime.makeUnsafe(at))),
    paint(styles[severity], severity.toUpperCase().padEnd(5)),
    paint("bold", visible(service)),
    visible(pattern),
    visible(tag),
    ...(rest.length === 0 ? [] : [paint("dim", visible(rest.join(" ")))])
  ].join(" ")
}

const shown = (value: string | number): string =>
  typeof value === "string" && !/^[\w.:-]+$/.test(value) ? JSON.stringify(value) : String(value)
