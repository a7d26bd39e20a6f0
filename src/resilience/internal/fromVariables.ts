/**
 * What the variables of an environment say.
 */
import type * as Pipeline from "../../policy/Pipeline.ts"
import { shownOf } from "./shown.ts"
import { bySlot, type Setting, type Source } from "./Source.ts"
import { flag, SwitchedOn, type Text } from "./texts.ts"
import * as Variables from "./variables.ts"

/** What they say together, and which of them are of no use. */
export interface Understood {
  readonly source: Source
  /** Names that look like ours and mean nothing. */
  readonly unknown: ReadonlyArray<string>
  /** Names that mean the same as another one, with that one. */
  readonly repeated: ReadonlyMap<string, string>
  /** Values that do not count, because a switch sets the same option. */
  readonly overruled: ReadonlyArray<Overruled>
}

/** A value that does not count, and the variable that it was for. */
export interface Overruled {
  readonly variable: Variables.Variable
  readonly setting: Setting
}

/** Understands variables by their names; those of others are left alone. Services are known by their names in variables. */
export const fromVariables = (
  values: ReadonlyMap<string, string>,
  known: ReadonlySet<string> = new Set()
): Understood => {
  const settingOf = (name: string, { expected, parse }: Text): Setting | undefined => {
    const text = values.get(name)
    if (text === undefined) return undefined
    return { value: parse(text.trim()), shown: shownOf(name, text), where: name, expected }
  }
  const ours = [...values.keys()].filter((name) => Variables.isOurs(name) && !Variables.flags.includes(name))
  const meanings = new Map(ours.toSorted(switchesLast).map((name) => [name, Variables.meaningOf(name, known)]))
  const repeated = repeatedAmong(meanings)
  const patterns = new MutablePatterns()
  for (const [name, meaning] of meanings) {
    if (meaning !== undefined && !repeated.has(name)) patterns.set(meaning, settingOf(name, meaning.variable)!)
  }
  return {
    source: {
      enabled: settingOf(Variables.ENABLED, flag),
      strict: settingOf(Variables.STRICT, flag),
      all: patterns.all,
      services: patterns.services,
      times: patterns.times
    },
    unknown: ours.filter((name) => meanings.get(name) === undefined).toSorted(),
    repeated,
    overruled: patterns.overruled
  }
}

/** `RETRY_JITTER=false` counts, whatever `RETRY_JITTER_STRATEGY` says. */
const switchesLast = (a: string, b: string): number => b.length - a.length || (a < b ? -1 : 1)

/** Of several spellings the proper one counts, or else the first. */
const repeatedAmong = (meanings: ReadonlyMap<string, Variables.Meaning | undefined>): ReadonlyMap<string, string> => {
  const firsts = new Map<string, string>()
  const repeated = new Map<string, string>()
  for (const [name, meaning] of meanings) {
    if (meaning === undefined) continue
    const proper = Variables.nameOf(meaning)
    const first = meanings.has(proper) ? proper : (firsts.get(proper) ?? name)
    firsts.set(proper, first)
    if (first !== name) repeated.set(name, first)
  }
  return repeated
}

interface MutableSettings {
  enabled: Setting | undefined
  readonly options: Map<string, Setting>
}

/** What is said about every pattern, as far as the variables have been read. */
class MutablePatterns {
  readonly all = noSettings()
  readonly services = new Map<string, Record<Pipeline.Slot, MutableSettings>>()
  readonly times = new Map<string, Setting>()
  readonly overruled: Array<Overruled> = []

  set({ service, variable }: Variables.Meaning, setting: Setting): void {
    const { path, slot, suffix } = variable
    if (service !== undefined && slot === "timeout" && suffix === "") {
      this.times.set(service, setting)
      return
    }
    const settings = this.patternsOf(service)[slot]
    const key = path.join(".")
    const before = settings.options.get(key)
    if (key === "") settings.enabled = setting
    else if (before === undefined || !(setting.value instanceof SwitchedOn)) {
      settings.options.set(key, setting)
      if (before !== undefined) this.overruled.push({ variable, setting: before })
    }
  }

  private patternsOf(service: string | undefined): Record<Pipeline.Slot, MutableSettings> {
    if (service === undefined) return this.all
    const patterns = this.services.get(service) ?? noSettings()
    this.services.set(service, patterns)
    return patterns
  }
}

const noSettings = (): Record<Pipeline.Slot, MutableSettings> =>
  bySlot(() => ({ enabled: undefined, options: new Map() }))
