/**
 * What the text of a variable means.
 */
import * as Duration from "effect/Duration"
import * as SchemaAST from "effect/SchemaAST"

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

/** A bare number is seconds, as the names have always meant. */
const parseDuration = (text: string): Duration.Duration | string => {
  const seconds = parseNumber(text)
  return Number.isNaN(seconds) ? text : Duration.seconds(seconds)
}

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
      return { parse: parseDuration }
    default:
      return { parse: (text) => text }
  }
}
