/**
 * An event as a line.
 */
import * as DateTime from "effect/DateTime"
import * as Option from "effect/Option"
import type { Api } from "../../admin/index.ts"
import { inLine, type Paint, type Style } from "./paint.ts"

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
    paint("dim", timeOf(at)),
    paint(styles[severity], severity.toUpperCase().padEnd(5)),
    paint("bold", inLine(service)),
    inLine(pattern),
    inLine(tag),
    ...(rest.length === 0 ? [] : [paint("dim", inLine(rest.join(" ")))])
  ].join(" ")
}

/** Not every number is a date. */
const timeOf = (at: number): string =>
  Option.match(DateTime.make(at), { onNone: () => String(at), onSome: DateTime.formatIso })

const shown = (value: string | number): string =>
  typeof value === "string" && !/^[\w.:-]+$/.test(value) ? JSON.stringify(value) : String(value)
