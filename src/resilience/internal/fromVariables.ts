/**
 * What the variables of an environment say.
 */
import type * as Pipeline from "../../policy/Pipeline.ts"
import { bySlot, type Setting, type Source } from "./Source.ts"
import * as Variables from "./variables.ts"

/** What they say together, and which of them are of no use. */
export interface Understood {
  readonly source: Source
  /** Names that look like ours and mean nothing. */
  readonly unknown: ReadonlyArray<string>
  /** Names that mean the same as another one, with that one. */
  readonly repeated: ReadonlyMap<string, string>
}

/** Understands variables by their names; those of others are left alone. */
export const fromVariables = (values: ReadonlyMap<string, string>): Understood => {
  const all = noPatterns()
  const services = new Map<string, MutablePatterns>()
  const times = new Map<string, Setting>()
  const unknown: Array<string> = []
  const repeated = new Map<string, string>()
  const names = new Map<string, string>()
  for (const [name, text] of [...values].toSorted(switchesLast)) {
    if (!Variables.isOurs(name) || name === Variables.ENABLED || name === Variables.STRICT) continue
    const meaning = Variables.meaningOf(name)
    if (meaning === undefined) {
      unknown.push(name)
      continue
    }
    const { service, variable } = meaning
    const proper = Variables.nameOf(meaning)
    const same = values.has(proper) ? proper : (names.get(proper) ?? name)
    if (same !== name) {
      repeated.set(name, same)
      continue
    }
    names.set(proper, name)
    const setting = { value: variable.parse(text.trim()), shown: text, where: name, expected: variable.expected }
    if (service !== undefined && variable.slot === "timeout" && variable.suffix === "") {
      times.set(service, setting)
      continue
    }
    const patterns = service === undefined ? all : (services.get(service) ?? noPatterns())
    if (service !== undefined) services.set(service, patterns)
    const settings = patterns[variable.slot]
    const path = variable.path.join(".")
    if (path === "") settings.enabled = setting
    else if (!settings.options.has(path) || !(setting.value instanceof Variables.SwitchedOn)) {
      settings.options.set(path, setting)
    }
  }
  const flag = (name: string): Setting | undefined => {
    const text = values.get(name)
    return text === undefined ? undefined : { value: Variables.parseBoolean(text.trim()), shown: text, where: name }
  }
  const source = { enabled: flag(Variables.ENABLED), strict: flag(Variables.STRICT), all, services, times }
  return { source, unknown, repeated }
}

type MutablePatterns = Record<Pipeline.Slot, { enabled: Setting | undefined; readonly options: Map<string, Setting> }>

const noPatterns = (): MutablePatterns => bySlot(() => ({ enabled: undefined, options: new Map() }))

/** `RETRY_JITTER=false` counts, whatever `RETRY_JITTER_STRATEGY` says. */
const switchesLast = ([a]: readonly [string, string], [b]: readonly [string, string]): number =>
  b.length - a.length || (a < b ? -1 : 1)
