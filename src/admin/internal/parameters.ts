/**
 * What the parameters of a command mean that was written as JSON.
 *
 * **Details**
 *
 * In JSON a number has no unit, and it is seconds for some and milliseconds for others. So a duration is a text there, which
 * means what it would mean in a variable.
 */
import * as Result from "effect/Result"
import * as Fields from "../../policy/internal/options.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import { isGroup, slots } from "../../resilience/internal/Source.ts"
import { durationIn, isDuration, textOf } from "../../resilience/internal/texts.ts"
import * as Variables from "../../resilience/internal/variables.ts"
import * as Resilience from "../../resilience/Resilience.ts"
import { BadCommand, type Request } from "../Api.ts"

/** The command with its durations; what else is wrong with it is for others to say. */
export const understand = (request: Request): Result.Result<Resilience.Request, BadCommand> => {
  const { command, parameters = {}, pattern } = request
  const known = Resilience.commands.find((one) => one.name === command && one.pattern === pattern)
  const slot = slots.find((slot) => Pipeline.order[slot].id === pattern)
  const problems: Array<Fields.Problem> = []

  const readDuration = (path: ReadonlyArray<string>, value: unknown): unknown => {
    if (typeof value === "number") problems.push({ path, message: EXPECTED, actual: value })
    return typeof value === "string" ? (durationIn(value.trim()) ?? value) : value
  }
  const readOption = (path: ReadonlyArray<string>, option: ReadonlyArray<string>, value: unknown): unknown => {
    if (option.length > Variables.DEEPEST) return value
    const variable = slot && Variables.variableOf(slot, option)
    if (variable !== undefined) return isDuration(variable) ? readDuration(path, value) : value
    return isGroup(value) ? mapped(value, (key, one) => readOption([...path, key], [...option, key], one)) : value
  }

  const { option } = parameters
  const fields = new Map(Object.entries(known?.parameters.fields ?? {}))
  const understood = mapped(parameters, (name, value) => {
    const field = fields.get(name)
    if (field !== undefined && isDuration(textOf(field.ast))) return readDuration([name], value)
    return name === "value" && typeof option === "string" ? readOption([name], option.split("."), value) : value
  })
  if (problems.length === 0) return Result.succeed({ ...request, parameters: understood })
  const problem = `${command}: wrong parameters\n${problems.map(Fields.render).join("\n")}`
  return Result.fail(new BadCommand({ reason: "wrong-parameters", problem }))
}

const EXPECTED = 'Expected a duration as a text with its unit, such as "5 seconds"'

const mapped = (fields: object, map: (name: string, value: unknown) => unknown): object =>
  Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, map(name, value)]))
