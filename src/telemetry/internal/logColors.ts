/**
 * Colours for the states of a circuit, for people who read the log on a terminal.
 */

/** Whether to write in colour; "auto": if the output is a terminal, and nobody asked for none (https://no-color.org). */
export type Colors = boolean | "auto"

interface Process {
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly stdout?: { readonly isTTY?: boolean }
}

/** Whether to write in colour here. */
export const isColored = (colors: Colors): boolean => {
  if (colors !== "auto") return colors
  // Where there is no Node, there is no such variable.
  const process: Process | undefined = Reflect.get(globalThis, "process")
  return process?.stdout?.isTTY === true && (process.env?.["NO_COLOR"] ?? "") === ""
}

const codes: Readonly<Record<string, number>> = { Closed: 32, HalfOpen: 33, Open: 31, Isolated: 35 }

const words: Readonly<Record<string, string>> = { HalfOpen: "half-open" }

/** The name of a state as people write it. */
export const stateName = (state: string, isColored: boolean): string => {
  const name = words[state] ?? state.toLowerCase()
  const code = codes[state]
  return isColored && code !== undefined ? `\u001b[${code}m${name}\u001b[39m` : name
}
