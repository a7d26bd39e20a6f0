/** All mutants of some source files, each behind a switch in one instrumented text. The mutators are those of Stryker. */
import { readFile } from "node:fs/promises"
import { Instrumenter } from "@stryker-mutator/instrumenter"

/** One change of the source. `line` is the text of the line in which it begins, so that a mutant is found again when code moves. */
export interface Mutant {
  readonly id: string
  readonly file: string
  readonly mutator: string
  readonly lineNumber: number
  readonly line: string
  readonly original: string
  readonly replacement: string
  readonly from: Position
  readonly to: Position
}

/** A place in a text. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** The mutants, and the instrumented text of each file. */
export interface Instrumented {
  readonly mutants: ReadonlyArray<Mutant>
  readonly sources: ReadonlyMap<string, string>
}

const ignore = (): void => {}
const never = (): boolean => false
const logger = {
  isTraceEnabled: never,
  isDebugEnabled: never,
  isInfoEnabled: never,
  isWarnEnabled: never,
  isErrorEnabled: never,
  isFatalEnabled: never,
  trace: ignore,
  debug: ignore,
  info: ignore,
  warn: ignore,
  error: ignore,
  fatal: ignore
}

/** Stryker knows one active mutant at a time; a group of them saves time. */
const withGroups = (text: string): string => {
  const changed = text.replace("if (ns.activeMutant === id) {", "if (ns.isActive(id)) {")
  if (changed === text && text.includes("stryMutAct")) throw new Error("The instrumented text has an unknown form.")
  return changed
}

const LONGEST = 160

const oneLine = (text: string): string => {
  const line = text.replaceAll(/\s+/g, " ").trim()
  return line.length <= LONGEST ? line : `${line.slice(0, LONGEST)}…`
}

/** Mutates the files, whose paths are relative to the working directory. */
export const instrument = async (files: ReadonlyArray<string>): Promise<Instrumented> => {
  const contents = new Map<string, string>()
  for (const file of files) contents.set(file, await readFile(file, "utf8"))
  const result = await new Instrumenter(logger).instrument(
    files.map((name) => ({ name, content: contents.get(name)!, mutate: true })),
    { plugins: null, excludedMutations: [], ignorers: [] }
  )
  const mutants = result.mutants.map(({ fileName: file, id, location, mutatorName: mutator, replacement }): Mutant => {
    const lines = contents.get(file)!.split("\n")
    const { end, start } = location
    const touched = lines.slice(start.line, end.line + 1)
    touched[touched.length - 1] = touched.at(-1)!.slice(0, end.column)
    touched[0] = touched[0]!.slice(start.column)
    return {
      id,
      file,
      mutator,
      lineNumber: start.line + 1,
      line: oneLine(lines[start.line]!),
      original: oneLine(touched.join("\n")),
      replacement: oneLine(replacement),
      from: start,
      to: end
    }
  })
  return { mutants, sources: new Map(result.files.map(({ content, name }) => [name, withGroups(content)])) }
}
