/**
 * A configuration for people and for programs: every option with its value and where it comes from, and what is wrong.
 */
import * as Duration from "effect/Duration"
import * as Fields from "../../policy/internal/options.ts"
import type { Effective, Option, Origin, Pattern, Service, Switch } from "./effective.ts"
import { type Paint, type Style, visible } from "./paint.ts"
import { type Cell, table } from "./table.ts"

/** What there is to report. */
export interface Report extends Effective {
  /** One line for each mistake. */
  readonly mistakes: ReadonlyArray<string>
  /** One line for each thing that is odd; what is wrong is said first, and alone. */
  readonly warnings: ReadonlyArray<string>
}

/** For people. */
export const text = ({ mistakes, services, switches, warnings }: Report, paint: Paint): string =>
  [
    ...table(switches.map(switchRow), paint),
    ...services.flatMap((service) => ["", ...serviceLines(service, paint)]),
    "",
    ...mistakeLines(mistakes, paint),
    ...warnings.map((warning) => `${paint("yellow", "!")} ${visible(warning)}`)
  ].join("\n")

/** What is wrong, one line each under a line that counts them. */
export const mistakeLines = (mistakes: ReadonlyArray<string>, paint: Paint): ReadonlyArray<string> => {
  if (mistakes.length === 0) return [paint("green", "✓ no mistakes")]
  const count = mistakes.length === 1 ? "1 mistake" : `${mistakes.length} mistakes`
  return [paint("red", `✗ ${count}`), ...mistakes.map((mistake) => `  ${visible(mistake)}`)]
}

/** For programs: durations in milliseconds. */
export const json = ({ mistakes, services, switches, warnings }: Report) => ({
  valid: mistakes.length === 0,
  mistakes,
  warnings,
  switches,
  services: services.map(({ patterns, service = null }) => ({
    service,
    patterns: patterns.map((pattern) => ({
      ...pattern,
      options: pattern.options.map((option) => ({ ...option, value: jsonOf(option.value) }))
    }))
  }))
})

const jsonOf = (value: unknown): unknown => {
  if (!Duration.isDuration(value)) return value
  return Duration.isFinite(value) ? Duration.toMillis(value) : "Infinity"
}

const serviceLines = ({ patterns, service }: Service, paint: Paint): ReadonlyArray<string> => [
  paint("bold", service ?? "every other service"),
  ...table(patterns.flatMap(patternRows), paint)
]

const patternRows = (pattern: Pattern): ReadonlyArray<ReadonlyArray<Cell>> =>
  pattern.isEnabled
    ? pattern.options.map((option, at) => [`  ${at === 0 ? pattern.pattern : ""}`, ...optionCells(option)])
    : [[`  ${pattern.pattern}`, dim("off"), "", originCell(pattern.origin)]]

const optionCells = (option: Option): ReadonlyArray<Cell> => {
  const { isRead, isWrong, origin, value, variable } = option
  const shown = typeof value === "string" && !isWrong ? value : Fields.show(value)
  const isOwn = origin.from === "variable" && origin.name === variable
  const name = dim(isOwn ? "" : (variable ?? ""))
  if (!isRead) return [...[option.option, shown, `${originText(origin)}, not read`].map(dim), name]
  return [option.option, isWrong ? { text: `${shown} ✗`, style: "red" } : shown, originCell(origin), name]
}

const dim = (text: string): Cell => ({ text, style: "dim" })

const switchRow = ({ origin, value, variable }: Switch): ReadonlyArray<Cell> => [
  variable,
  String(value),
  originCell(origin)
]

const styles: Readonly<Record<Origin["from"], Style>> = {
  variable: "cyan",
  preset: "yellow",
  "other settings": "yellow",
  default: "dim"
}

const originCell = (origin: Origin): Cell => ({ text: originText(origin), style: styles[origin.from] })

const originText = (origin: Origin): string => (origin.from === "variable" ? `variable ${origin.name}` : origin.from)
