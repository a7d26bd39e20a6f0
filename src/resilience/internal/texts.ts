/**
 * What the text of a variable means.
 */
import * as Duration from "effect/Duration"
import * as SchemaAST from "effect/SchemaAST"
import * as Fields from "../../policy/internal/options.ts"

/** How to read a text. */
export interface Text {
  /** A value as it would be written in code; one that the option refuses when the text makes no sense. */
  readonly parse: (text: string) => unknown
  /** What the text should be, where the option itself would say something else. */
  readonly expected?: string
}

/** The value of an option that a variable switches on: what it would be otherwise, but not `off`. */
export class SwitchedOn {
  readonly off: unknown
  constructor(off: unknown) {
    this.off = off
  }
}

/** What no option can be. */
const NONSENSE = Symbol("nonsense")

/** Text that is true or false. */
const parseBoolean = (text: string): boolean | typeof NONSENSE => {
  if (/^(true|yes|on|1)$/i.test(text)) return true
  return /^(false|no|off|0)$/i.test(text) ? false : NONSENSE
}

const parseNumber = (text: string): number => (text.trim() === "" ? Number.NaN : Number(text))

const parseDuration = (text: string): Duration.Duration | string => durationIn(text) ?? text

/**
 * The duration that a text means: a number and a unit in words, as in code, or what `Duration.format` prints, such as
 * "1m 30s". A bare number is seconds, as the names have always meant.
 */
export const durationIn = (text: string): Duration.Duration | undefined => {
  const seconds = parseNumber(text)
  return Number.isNaN(seconds) ? (Fields.durationOf(text) ?? formatted(text)) : Duration.seconds(seconds)
}

/** The units of `Duration.format`, in its order. */
const units = ["d", "h", "m", "s", "ms", "ns"] as const
const words = { d: "days", h: "hours", m: "minutes", s: "seconds", ms: "millis", ns: "nanos" } as const

/** Each unit once, and only the last part may have a fraction. */
const FORMATTED = new RegExp(
  `^(-?)(?=\\d)${units.map((unit) => `(?:(\\d+(?:\\.\\d+(?=${unit}$))?)${unit}(?: (?=\\d)|$))?`).join("")}$`
)

const formatted = (text: string): Duration.Duration | undefined => {
  const match = FORMATTED.exec(text)
  if (match === null) return undefined
  const [, sign, ...numbers] = match
  const parts = units.map((unit, at) =>
    Duration.fromInputUnsafe(`${numbers[at] ?? "0"} ${words[unit]}` as Duration.Input)
  )
  const sum = parts.reduce(Duration.sum)
  return sign === "" ? sum : Duration.negate(sum)
}

/** The text of a variable for a duration. */
const duration: Text = { parse: parseDuration }

/** Whether a text is read as a duration. */
export const isDuration = ({ parse }: Text): boolean => parse === parseDuration

const trueOrFalse = (parse: Text["parse"]): Text => ({ parse, expected: "Expected true or false" })

/** The text of a variable that is true or false and nothing else. */
export const flag: Text = trueOrFalse(parseBoolean)

/** The text of a variable that switches an option off, to this value, or on. */
export const switchOf = (off: unknown): Text =>
  trueOrFalse((text) => {
    const isOn = parseBoolean(text)
    if (isOn === NONSENSE) return NONSENSE
    return isOn ? new SwitchedOn(off) : off
  })

/** The text of a variable for an option. */
export const textOf = (ast: SchemaAST.AST): Text => {
  switch (SchemaAST.toEncoded(ast)._tag) {
    case "Number":
      return { parse: parseNumber }
    case "Boolean":
      return flag
    case "Declaration":
      return duration
    default:
      return { parse: (text) => text }
  }
}
