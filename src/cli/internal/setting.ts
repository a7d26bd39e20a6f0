/**
 * From an option that somebody wants to change to the command that changes it.
 */
import * as Result from "effect/Result"
import type { Api } from "../../admin/index.ts"
import { nearest } from "../../policy/internal/nearest.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import { slots } from "../../resilience/internal/Source.ts"
import { isDuration } from "../../resilience/internal/texts.ts"
import * as Variables from "../../resilience/internal/variables.ts"
import { Failure } from "./Failure.ts"

/** What to send. */
export type Setting = Required<Pick<Api.Request, "pattern" | "command" | "parameters">>

/**
 * The command that changes an option, written "pattern.option": one that takes this and nothing else, or else the one that
 * changes any option of its pattern. What can be done is what the application says it can do.
 */
export const commandFor = (
  commands: ReadonlyArray<Api.Command>,
  written: string,
  value: string
): Result.Result<Setting, Failure> => {
  const [pattern = "", ...path] = written.split(".")
  const option = path.join(".")
  const own = commands.filter((command) => command.pattern === pattern)
  const special = own.find((command) => onlyParameterOf(command) === option)
  if (special !== undefined) {
    const parameters = { [option]: numberOr(value) }
    return Result.succeed({ pattern, command: special.name, parameters })
  }
  if (option !== "" && own.some(({ name }) => name === "set")) {
    return Result.succeed({ pattern, command: "set", parameters: { option, value: valueOf(pattern, path, value) } })
  }
  return Result.fail(new Failure({ reason: "usage", problem: refusal(commands, written) }))
}

const refusal = (commands: ReadonlyArray<Api.Command>, written: string): string => {
  const patterns = [...new Set(commands.filter(canSet).map(({ pattern }) => pattern))]
  const guess = nearest(written.split(".", 1)[0]!, patterns)
  const hint = guess === undefined ? `patterns: ${patterns.join(", ")}` : `did you mean ${guess}.…?`
  return `${written} is no option that can be set: expected <pattern>.<option> (${hint})`
}

const canSet = (command: Api.Command): boolean => command.name === "set" || onlyParameterOf(command) !== undefined

/** The parameter of a command that needs this one, and takes no other. */
const onlyParameterOf = ({ parameters: { properties, required } }: Api.Command): string | undefined => {
  const [only, ...others] = Object.keys(Object(properties))
  return others.length === 0 && Array.isArray(required) && required.length === 1 ? only : undefined
}

/** What is wrong with a value is for the application to say. */
const numberOr = (value: string): string | number => {
  const isNumber = value.trim() !== "" && Number.isFinite(Number(value))
  return isNumber ? Number(value) : value
}

/** A text means what it would mean in a variable. Which time it means is for the application to say: there, too, it is seconds. */
const valueOf = (pattern: string, path: ReadonlyArray<string>, text: string): string | number | boolean => {
  const slot = slots.find((slot) => Pipeline.order[slot].id === pattern)
  const variable = slot === undefined ? undefined : Variables.variableOf(slot, path)
  if (variable === undefined) return numberOr(text)
  if (isDuration(variable)) return text.trim()
  const value = variable.parse(text.trim())
  return typeof value === "boolean" || Number.isFinite(value) ? (value as boolean | number) : text
}
