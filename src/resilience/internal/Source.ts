/**
 * What one place says about the configuration: a literal in code, the environment, or the presets.
 */
import * as Fields from "../../policy/internal/options.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import * as Variables from "./variables.ts"

/** One value, and how to speak of it when it is wrong. */
export interface Setting {
  readonly value: unknown
  /** The value as it was written. */
  readonly shown: unknown
  /** Where it was written: the name of a variable, or a path in a literal. */
  readonly where: string
}

/** What is said about one pattern; the keys of `options` are paths such as "overload.maxAttempts". */
export interface Settings {
  readonly enabled: Setting | undefined
  readonly options: ReadonlyMap<string, Setting>
}

/** What is said about every pattern. */
export type Patterns = Readonly<Record<Pipeline.Slot, Settings>>

/** One place. Services and operation types have the names that they have in variables. */
export interface Source {
  readonly enabled: Setting | undefined
  readonly strict: Setting | undefined
  readonly all: Patterns
  readonly services: ReadonlyMap<string, Patterns>
  /** Time limits by operation type. */
  readonly times: ReadonlyMap<string, Setting>
}

/** The names of the patterns in a literal. */
export const slots = Object.keys(Pipeline.order) as ReadonlyArray<Pipeline.Slot>

/** Nothing is said about a pattern. */
export const NOTHING: Settings = { enabled: undefined, options: new Map() }

const bySlot = (of: (slot: Pipeline.Slot) => Settings): Patterns =>
  Object.fromEntries(slots.map((slot) => [slot, of(slot)])) as Record<Pipeline.Slot, Settings>

/** A place that says nothing. */
export const EMPTY: Source = {
  enabled: undefined,
  strict: undefined,
  all: bySlot(() => NOTHING),
  services: new Map(),
  times: new Map()
}

type Written = Readonly<Record<string, unknown>>

/** What a literal says, as far as its structure makes sense. */
export const fromLiteral = (literal: object): Source => {
  const { enabled, operationTypes, services, strict, ...all } = literal as Written
  return {
    enabled: settingOf(enabled, "enabled"),
    strict: settingOf(strict, "strict"),
    all: bySlot((slot) => settingsOf(all[slot], slot)),
    services: new Map(
      entriesOf(services).map(([service, patterns]) => {
        const written = Object(patterns) as Written
        const of = (slot: Pipeline.Slot) => settingsOf(written[slot], `services.${service}.${slot}`)
        return [Variables.toVariable(service), bySlot(of)]
      })
    ),
    times: new Map(
      entriesOf(operationTypes).flatMap(([type, time]) => {
        const setting = settingOf(time, `operationTypes.${type}`)
        return setting === undefined ? [] : [[Variables.toVariable(type), setting]]
      })
    )
  }
}

const entriesOf = (written: unknown): ReadonlyArray<readonly [string, unknown]> => Object.entries(Object(written))

const settingOf = (value: unknown, where: string): Setting | undefined =>
  value === undefined ? undefined : { value, shown: value, where }

/** `false` switches a pattern off, a duration is its main option, and options switch it on. */
const settingsOf = (written: unknown, where: string): Settings => {
  if (written !== false && !isGroup(written) && Fields.durationOf(written) === undefined) return NOTHING
  const enabled = { value: written !== false, shown: written, where }
  const options = new Map<string, Setting>()
  if (Fields.durationOf(written) !== undefined) options.set("duration", { value: written, shown: written, where })
  else if (written !== false) collect(options, written, [], where)
  return { enabled, options }
}

const collect = (into: Map<string, Setting>, value: unknown, path: ReadonlyArray<string>, where: string): void => {
  if (value === undefined) return
  if (!isGroup(value)) {
    into.set(path.join("."), { value, shown: value, where })
    return
  }
  if (path.length > 0) into.set(path.join("."), { value: {}, shown: value, where })
  for (const [key, child] of Object.entries(value)) collect(into, child, [...path, key], `${where}.${key}`)
}

const isGroup = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Fields.durationOf(value) === undefined

/** What the environment says, and the names in it that look like ours and mean nothing. */
export const fromEnvironment = (
  values: ReadonlyMap<string, string>
): { readonly source: Source; readonly unknown: ReadonlyArray<string> } => {
  const services = new Map<string, Record<Pipeline.Slot, MutableSettings>>()
  const all = mutablePatterns()
  const times = new Map<string, Setting>()
  const unknown: Array<string> = []
  for (const [name, text] of [...values].toSorted(([a], [b]) => switchesLast(a, b))) {
    if (name === Variables.ENABLED || name === Variables.STRICT) continue
    const meaning = Variables.meaningOf(name)
    if (meaning === undefined) {
      unknown.push(name)
      continue
    }
    const { service, variable } = meaning
    const setting = { value: variable.parse(text), shown: text, where: name }
    if (setting.value === Variables.UNCHANGED) continue
    if (service !== undefined && variable.slot === "timeout" && variable.suffix === "") {
      times.set(service, setting)
      continue
    }
    const patterns = service === undefined ? all : (services.get(service) ?? mutablePatterns())
    if (service !== undefined) services.set(service, patterns)
    const settings = patterns[variable.slot]
    if (variable.path.length === 0) settings.enabled = setting
    else settings.options.set(variable.path.join("."), setting)
  }
  const flag = (name: string): Setting | undefined => {
    const text = values.get(name)
    return text === undefined ? undefined : { value: Variables.parseBoolean(text), shown: text, where: name }
  }
  const source = { enabled: flag(Variables.ENABLED), strict: flag(Variables.STRICT), all, services, times }
  return { source, unknown }
}

interface MutableSettings {
  enabled: Setting | undefined
  readonly options: Map<string, Setting>
}

const mutablePatterns = (): Record<Pipeline.Slot, MutableSettings> =>
  bySlot(() => ({ enabled: undefined, options: new Map() })) as Record<Pipeline.Slot, MutableSettings>

/** `RETRY_JITTER=false` counts, whatever `RETRY_JITTER_STRATEGY` says. */
const switchesLast = (a: string, b: string): number => b.length - a.length || (a < b ? -1 : 1)

/** The options of a pattern as they would be written in code, from the settings of several places. */
export const written = (settings: ReadonlyMap<string, Setting>): Record<string, unknown> => {
  const options: Record<string, unknown> = {}
  for (const [path, { value }] of [...settings].toSorted(([a], [b]) => a.length - b.length)) {
    const keys = path.split(".")
    const last = keys.pop()!
    let at = options
    for (const key of keys) at = (at[key] ??= {}) as Record<string, unknown>
    at[last] = typeof value === "object" && value !== null && isGroup(value) ? { ...value } : value
  }
  return options
}
