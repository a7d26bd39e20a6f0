/**
 * The command line of the programs: numbers and flags, with their defaults.
 */
import { parseArgs } from "node:util"

/** What a program understands: a number has a default number, a flag is `false` by default. */
export type Defaults = Readonly<Record<string, number | false>>

/** What was given. */
export type Given<D extends Defaults> = { readonly [K in keyof D]: D[K] extends false ? boolean : number }

/** Reads the command line; on a mistake, and on `--help`, prints the help and ends the program. */
export const read = <const D extends Defaults>(defaults: D, help: string): Given<D> => {
  try {
    const options = Object.entries(defaults).map(([name, byDefault]) => [
      name,
      { type: byDefault === false ? ("boolean" as const) : ("string" as const) }
    ])
    const parsed = parseArgs({ options: { ...Object.fromEntries(options), help: { type: "boolean" } } })
    const values: Readonly<Record<string, unknown>> = parsed.values
    if (values["help"] !== true) {
      const given = Object.entries(defaults).map(([name, byDefault]) => [name, valueOf(name, values[name], byDefault)])
      return Object.fromEntries(given) as Given<D>
    }
    console.log(help.trim())
    process.exit(0)
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${help.trim()}`)
    process.exit(2)
  }
}

const valueOf = (name: string, value: unknown, byDefault: number | false): number | boolean => {
  if (byDefault === false) return value === true
  const number = value === undefined ? byDefault : Number(value)
  if (Number.isFinite(number) && number >= 0) return number
  throw new Error(`--${name} is ${JSON.stringify(value)}: expected a number`)
}
