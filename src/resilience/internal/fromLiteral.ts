/**
 * What a literal says, as far as its structure makes sense.
 */
import * as Fields from "../../policy/internal/options.ts"
import { bySlot, GROUP, type Setting, type Settings, type Source } from "./Source.ts"
import * as Variables from "./variables.ts"

/** Whatever is not there says nothing; what is wrong with it is for others to report. */
export const fromLiteral = (literal: unknown): Source => {
  const { enabled, operationTypes, services, strict, ...all } = propertiesOf(literal)
  return {
    enabled: settingOf(enabled, "enabled"),
    strict: settingOf(strict, "strict"),
    all: bySlot((slot) => settingsOf(all[slot], slot)),
    services: new Map(
      Object.entries(propertiesOf(services)).map(([service, patterns]) => {
        const written = propertiesOf(patterns)
        const of = bySlot((slot) => settingsOf(written[slot], `services.${service}.${slot}`))
        return [Variables.toVariable(service), of]
      })
    ),
    times: new Map(
      Object.entries(propertiesOf(operationTypes)).flatMap(([type, time]) => {
        const setting = settingOf(time, `operationTypes.${type}`)
        return setting === undefined ? [] : [[Variables.toVariable(type), setting]]
      })
    )
  }
}

const propertiesOf = (value: unknown): Readonly<Record<string, unknown>> => ({ ...Object(value) })

const settingOf = (value: unknown, where: string): Setting | undefined =>
  value === undefined ? undefined : { value, shown: value, where }

const NOTHING: Settings = { enabled: undefined, options: new Map() }

/** `false` switches a pattern off, a duration is its main option, and options switch it on. */
const settingsOf = (written: unknown, where: string): Settings => {
  const isDuration = Fields.durationOf(written) !== undefined
  if (written !== false && !isDuration && !isGroup(written)) return NOTHING
  const enabled = { value: written !== false, shown: written, where }
  const options = new Map<string, Setting>()
  if (isDuration) options.set("duration", { value: written, shown: written, where })
  else if (written !== false) collect(options, written, [], where)
  return { enabled, options }
}

const collect = (into: Map<string, Setting>, value: unknown, path: ReadonlyArray<string>, where: string): void => {
  if (value === undefined) return
  if (!isGroup(value)) {
    into.set(path.join("."), { value, shown: value, where })
    return
  }
  if (path.length > 0) into.set(path.join("."), { value: GROUP, shown: value, where })
  for (const [key, child] of Object.entries(value)) collect(into, child, [...path, key], `${where}.${key}`)
}

const isGroup = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Fields.durationOf(value) === undefined
