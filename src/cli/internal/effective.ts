/**
 * What the variables of an environment come to, option by option, and where each value comes from.
 */
import * as Result from "effect/Result"
import * as Fields from "../../policy/internal/options.ts"
import type * as Policy from "../../policy/Policy.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import { fromLiteral } from "../../resilience/internal/fromLiteral.ts"
import { fromVariables } from "../../resilience/internal/fromVariables.ts"
import { Merged, PRESETS, type Settings, written } from "../../resilience/internal/Merged.ts"
import { isGroup, type Setting, slots } from "../../resilience/internal/Source.ts"
import * as Variables from "../../resilience/internal/variables.ts"

/** Where a value comes from: a variable by its name, what is known about services of that name, or nobody. */
export type Origin =
  | { readonly from: "variable"; readonly name: string }
  | { readonly from: "preset" | "other settings" | "default" }

/** One option as it counts. */
export interface Option {
  /** "overload.maxAttempts" */
  readonly option: string
  readonly value: unknown
  readonly origin: Origin
  /** The variable that sets it. */
  readonly variable: string | undefined
  /** Whether it means anything, other options being what they are. */
  readonly isRead: boolean
  /** Whether the value cannot count, because it is wrong. */
  readonly isWrong: boolean
}

/** One pattern for one service. */
export interface Pattern {
  /** "circuit-breaker" */
  readonly pattern: string
  readonly isEnabled: boolean
  /** Who says whether it is enabled. */
  readonly origin: Origin
  /** Empty where the pattern is off. */
  readonly options: ReadonlyArray<Option>
}

/** One service, by its name in variables but in small letters; `undefined` stands for all that nobody says anything about. */
export interface Service {
  readonly service: string | undefined
  readonly patterns: ReadonlyArray<Pattern>
}

/** A switch of everything. */
export interface Switch {
  readonly variable: string
  readonly value: unknown
  readonly origin: Origin
}

/** Everything that counts. */
export interface Effective {
  readonly switches: ReadonlyArray<Switch>
  readonly services: ReadonlyArray<Service>
}

/** What variables come to, with nothing said in code. */
export const effective = (variables: ReadonlyMap<string, string>): Effective => {
  const { source } = fromVariables(variables, new Set([...PRESETS.services.keys(), ...PRESETS.times.keys()]))
  const merged = new Merged(fromLiteral({}), source)
  const services = [...servicesIn(merged)].toSorted()
  return {
    switches: [switchOf(Variables.ENABLED, source.enabled, true), switchOf(Variables.STRICT, source.strict, false)],
    services: [...services, undefined].map((service) => ({
      service: service?.toLowerCase(),
      patterns: slots.map((slot) => patternOf(merged, slot, service))
    }))
  }
}

/** A time limit of its own name is about a service, unless it is about the operation type of others. */
const servicesIn = (merged: Merged): ReadonlySet<string> => {
  const types = new Set([...PRESETS.times.keys(), ...[...merged.services].map((name) => merged.operationTypeOf(name))])
  const timed = [...merged.environment.times.keys()].filter((name) => !types.has(name))
  return new Set([...merged.services, ...timed])
}

/** A service that nobody can say anything about: no variable has room for its name. */
const NOBODY = ""

const DEFAULT: Origin = { from: "default" }

const switchOf = (variable: string, setting: Setting | undefined, byDefault: boolean): Switch => ({
  variable,
  value: setting?.shown ?? byDefault,
  origin: setting === undefined ? DEFAULT : { from: "variable", name: variable }
})

const patternOf = (merged: Merged, slot: Pipeline.Slot, service: string | undefined): Pattern => {
  const { all, services } = merged.environment
  const own = service === undefined ? undefined : services.get(service)?.[slot].enabled
  const enabled = own ?? all[slot].enabled
  const settings = merged.settingsOf(slot, service ?? NOBODY)
  const isEnabled = enabled?.value !== false && (slot !== "deadline" || settings.has("duration"))
  return {
    pattern: Pipeline.order[slot].id,
    isEnabled,
    origin: enabled === undefined ? DEFAULT : { from: "variable", name: enabled.where },
    options: isEnabled ? optionsOf(slot, service, settings) : []
  }
}

const optionsOf = (slot: Pipeline.Slot, service: string | undefined, settings: Settings): ReadonlyArray<Option> => {
  const [options, wrong] = decode(slot, settings)
  const unread = ineffectiveIn(slot, options)
  const values = new Map([...leavesOf(options), ...[...wrong].map(([path, { shown }]) => [path, shown] as const)])
  return [...values].map(([path, value]) => {
    const variable = Variables.variableOf(slot, path.split("."))
    return {
      option: path,
      value,
      origin: originOf(slot, settings.get(path)),
      variable: variable && Variables.nameOf({ variable, service }),
      isRead: wrong.has(path) || !unread.has(path),
      isWrong: wrong.has(path)
    }
  })
}

/** The options that others make meaningless. */
const ineffectiveIn = (slot: Pipeline.Slot, options: unknown): ReadonlySet<string> => {
  const relations: Policy.AnyKind["ineffective"] = Pipeline.order[slot].ineffective
  return new Set(relations.filter(({ check }) => check(options) !== undefined).map(({ option }) => option))
}

/** The options without those that are wrong, and these. */
const decode = (slot: Pipeline.Slot, settings: Settings): readonly [options: unknown, wrong: Settings] => {
  const right = new Map(settings)
  const wrong = new Map<string, Setting>()
  for (;;) {
    const decoded = Fields.decode(Pipeline.order[slot].options, written(right))
    if (Result.isSuccess(decoded)) return [decoded.success, wrong]
    const paths = decoded.failure.map(({ path }) => path.join(".")).filter((path) => right.has(path))
    if (paths.length === 0) return [{}, settings]
    for (const path of paths) {
      wrong.set(path, right.get(path)!)
      right.delete(path)
    }
  }
}

function* leavesOf(
  value: unknown,
  path: ReadonlyArray<string> = []
): Generator<readonly [path: string, value: unknown]> {
  if (!isGroup(value)) yield [path.join("."), value]
  else for (const [key, child] of Object.entries(value)) yield* leavesOf(child, [...path, key])
}

/** A setting that some pattern's own rules make has the name of the pattern, one of the presets has a path. */
const originOf = (slot: Pipeline.Slot, setting: Setting | undefined): Origin => {
  if (setting === undefined) return DEFAULT
  if (Variables.isOurs(setting.where)) return { from: "variable", name: setting.where }
  return { from: setting.where === slot ? "other settings" : "preset" }
}
