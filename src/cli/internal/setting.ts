/**
 * From an option that somebody wants to change to the command that changes it.
 */
import * as Result from "effect/Result"
import type { Api } from "../../admin/index.ts"
import { nearest } from "../../policy/internal/nearest.ts"
import { Failure } from "./Failure.ts"

/** What to send. */
export type Setting = Required<Pick<Api.Request, "pattern" | "command" | "parameters">>

/**
 * An option can be changed where a command of its pattern takes it, and nothing else. So what can be set is what the
 * application says it can do.
 */
export const commandFor = (
  commands: ReadonlyArray<Api.Command>,
  option: string,
  value: string
): Result.Result<Setting, Failure> => {
  const settable = new Map(commands.flatMap(optionsOf))
  const found = settable.get(option)
  if (found !== undefined) {
    const { command, name, schema } = found
    const parameters = { [name]: valueOf(schema, value) }
    return Result.succeed({ pattern: command.pattern, command: command.name, parameters })
  }
  const known = [...settable.keys()]
  const guess = nearest(option, known)
  const hint = guess === undefined ? `can be set: ${known.join(", ")}` : `did you mean ${guess}?`
  return Result.fail(
    new Failure({ reason: "usage", problem: `${option} cannot be set while the application runs (${hint})` })
  )
}

interface Settable {
  readonly command: Api.Command
  /** The only parameter. */
  readonly name: string
  readonly schema: unknown
}

const optionsOf = (command: Api.Command): ReadonlyArray<readonly [option: string, settable: Settable]> => {
  const { properties, required } = command.parameters
  const [only, ...others] = Object.entries(Object(properties))
  if (only === undefined || others.length > 0 || !Array.isArray(required) || required.length !== 1) return []
  const [name, schema] = only
  return [[`${command.pattern}.${name}`, { command, name, schema }]]
}

/** A number where one is expected, if it is one: what is wrong with others is for the application to say. */
const valueOf = (schema: unknown, value: string): string | number | boolean => {
  const types = typesOf(schema)
  if (types.includes("boolean") && (value === "true" || value === "false")) return value === "true"
  const isNumber = value.trim() !== "" && Number.isFinite(Number(value))
  return isNumber && (types.includes("number") || types.includes("integer")) ? Number(value) : value
}

const typesOf = (schema: unknown): ReadonlyArray<unknown> => {
  const { anyOf, type } = Object(schema)
  return [type, ...(Array.isArray(anyOf) ? anyOf.flatMap(typesOf) : [])]
}
