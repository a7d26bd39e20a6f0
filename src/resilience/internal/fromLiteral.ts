/**
 * What a literal says, as far as its structure makes sense.
 */
import type * as Pipeline from "../../policy/Pipeline.ts"
import { bySlot, GROUP, isGroup, isTimeLimit, type Setting, type Settings, type Source } from "./Source.ts"
import * as Variables from "./variables.ts"

/** Whatever is not there says nothing; what is wrong with it is for others to report. */
export const fromLiteral = (literal: unknown): Source => {
  const { enabled, operationTypes, services, strict, ...all } = propertiesOf(literal)
  return {
    enabled: settingOf(enabled, "enabled"),
    strict: settingOf(strict, "strict"),
    all: bySlot((slot) => settingsOf(slot, all[slot], slot)),
    services: new Map(
      Object.entries(propertiesOf(services)).map(([service, patterns]) => {
        const written = propertiesOf(patterns)
        const of = bySlot((slot) => settingsOf(slot, written[slot], `services.${service}.${slot}`))
        return [Variables.toVariable(service), of]
      })
    ),
    times: new Map(
      Object.entries(propertiesOf(operationTypes)).map(([type, time]) => [
        Variables.toVariable(type),
        { value: time, shown: time, where: `operationTypes.${type}` }
      ])
    )
  }
}

const propertiesOf = (value: unknown): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(Object(value)).filter(([, property]) => property !== undefined))

const settingOf = (value: unknown, where: string): Setting | undefined =>
  value === undefined ? undefined : { value, shown: value, where }

const NOTHING: Settings = { enabled: undefined, options: new Map() }

/** `false` switches a pattern off, a duration is a time limit, and options switch it on. */
const settingsOf = (slot: Pipeline.Slot, written: unknown, where: string): Settings => {
  const enabled = { value: written !== false, shown: written, where }
  const options = new Map<string, Setting>()
  if (isTimeLimit(slot, written)) options.set("duration", { value: written, shown: written, where })
  else if (isGroup(written)) collect(options, written, [], where)
  else if (written !== false) return NOTHING
  return { enabled, options }
}

/** Options are in groups, and these in nothing else: what is deeper is wrong, and may be endless. */
const DEEPEST = 3

const collect = (into: Map<string, Setting>, value: unknown, path: ReadonlyArray<string>, where: string): void => {
  if (value === undefined) return
  if (!isGroup(value) || path.length === DEEPEST) {
    into.set(path.join("."), { value, shown: value, where })
    return
  }
  if (path.length > 0) into.set(path.join("."), { value: GROUP, shown: value, where })
  for (const [key, child] of Object.entries(value)) collect(into, child, [...path, key], `${where}.${key}`)
}
