/**
 * The environment variables of every pattern, derived from the schemas of its options.
 *
 * **Details**
 *
 * `<PATTERN>_<OPTION>` is for all services, `<PATTERN>_<SERVICE>_<OPTION>` for one. The option whose variable is empty is the
 * main one of its pattern: `TIMEOUT_DEFAULT` and `TIMEOUT_<SERVICE>`. Of several readings the one with the longest option
 * counts, so `RETRY_OVERLOAD_MAX_ATTEMPTS` is not an option of a service called "overload".
 */
import type * as Schema from "effect/Schema"
import { isNearly } from "../../policy/internal/nearest.ts"
import * as Fields from "../../policy/internal/options.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import { bySlot } from "./Source.ts"
import { flag, switchOf, type Text, textOf } from "./texts.ts"

/** The last part of a variable, and what it sets. */
export interface Variable extends Text {
  readonly slot: Pipeline.Slot
  /** "" for the main option of a pattern. */
  readonly suffix: string
  /** The parts of the suffix: that of the group, if there is one, and its own. */
  readonly parts: ReadonlyArray<string>
  /** Where the value goes in the options of the pattern; empty for the switch of the pattern itself. */
  readonly path: ReadonlyArray<string>
}

/** The meaning of a name: a variable of all services, or of one, whose name is in the form of variables. */
export interface Meaning {
  readonly variable: Variable
  readonly service: string | undefined
}

/** Stands for all services in `TIMEOUT_DEFAULT` and the like. */
export const DEFAULT = "DEFAULT"

/** `paymentApi`, `payment-api` and `payment_api` are all PAYMENT_API, and what is in that form stays as it is: K8S. */
export const toVariable = (name: string): string =>
  (name === name.toUpperCase() ? name : name.replaceAll(/([\p{Ll}\p{N}])(\p{Lu})/gu, "$1_$2"))
    .replaceAll(/[^\p{L}\p{M}\p{N}]+/gu, "_")
    .replaceAll(/^_|_$/g, "")
    .toUpperCase()

const variablesOf = (
  slot: Pipeline.Slot,
  fields: Readonly<Record<string, Schema.Constraint>>,
  group: ReadonlyArray<string> = [],
  groupPath: ReadonlyArray<string> = []
): ReadonlyArray<Variable> =>
  Object.entries(fields).flatMap(([name, field]): ReadonlyArray<Variable> => {
    const { group: inner, off, variable = toVariable(name) } = Fields.aboutOf(field)
    const path = [...groupPath, name]
    if (inner !== undefined) return variablesOf(slot, inner.fields, [...group, variable], path)
    const main = makeVariable(slot, [...group, variable], path, textOf(field.ast))
    return off === undefined ? [main] : [main, makeVariable(slot, [...group, off.variable], path, switchOf(off.value))]
  })

const makeVariable = (
  slot: Pipeline.Slot,
  names: ReadonlyArray<string>,
  path: ReadonlyArray<string>,
  text: Text
): Variable => {
  const parts = names.filter((name) => name !== "")
  return { slot, suffix: parts.join("_"), parts, path, ...text }
}

const prefixOf = bySlot((slot) => toVariable(Pipeline.order[slot].id))

/** The variables of a pattern. */
export interface Family {
  readonly prefix: string
  readonly variables: ReadonlyArray<Variable>
}

/** The variables of each pattern, those with the longest suffix first. */
export const families: ReadonlyArray<Family> = Object.entries(Pipeline.order).map(([name, { options }]) => {
  const slot = name as Pipeline.Slot
  const { fields } = options as unknown as { readonly fields: Readonly<Record<string, Schema.Constraint>> }
  const own = makeVariable(slot, ["ENABLED"], [], flag)
  const variables = [own, ...variablesOf(slot, fields)]
  return { prefix: prefixOf[slot], variables: variables.toSorted((a, b) => b.suffix.length - a.suffix.length) }
})

/** How many names lead to an option: its own, and those of the groups that it is in. */
export const DEEPEST = Math.max(...families.flatMap(({ variables }) => variables.map(({ path }) => path.length)))

/** The switch of everything. */
export const ENABLED = "RESILIENCE_ENABLED"
/** The switch of strictness. */
export const STRICT = "RESILIENCE_STRICT"
/** The variables that concern all patterns. */
export const flags: ReadonlyArray<string> = [ENABLED, STRICT]

const prefixes = ["RESILIENCE", ...families.map(({ prefix }) => prefix)]

/** What operators' tools read: how they reach a running application. */
const ADMIN = "RESILIENCE_ADMIN_"

/** Whether a name begins like one of ours. */
export const isOurs = (name: string): boolean =>
  prefixes.some((prefix) => name.startsWith(`${prefix}_`)) && !name.startsWith(ADMIN)

/** Whether a name is one of ours, or the beginning of one. */
export const isRelated = (name: string): boolean =>
  isOurs(name) || prefixes.some((prefix) => prefix === name || prefix.startsWith(`${name}_`))

/**
 * What a name means, whatever the spelling of the service in it; `undefined` if it means nothing. Services that are known may
 * have names that would otherwise be taken for a slip.
 */
export const meaningOf = (name: string, known: ReadonlySet<string> = new Set()): Meaning | undefined => {
  for (const { prefix, variables } of families) {
    if (!name.startsWith(`${prefix}_`)) continue
    const rest = name.slice(prefix.length + 1)
    for (const variable of variables) {
      const service = serviceIn(rest, variable, known)
      if (service !== undefined) return { variable, service: service === ALL ? undefined : service }
    }
  }
  return undefined
}

const ALL = ""

/** The service that stands before the last part of a name; `undefined` if the name does not end like the variable. */
const serviceIn = (rest: string, variable: Variable, known: ReadonlySet<string>): string | undefined => {
  const { suffix } = variable
  if (rest === (suffix === "" ? DEFAULT : suffix)) return ALL
  const ending = suffix === "" ? "" : `_${suffix}`
  if (!rest.endsWith(ending)) return undefined
  const service = toVariable(rest.slice(0, rest.length - ending.length))
  if (service === "" || (suffix === "" && !known.has(service) && isSlip(service, variable))) return undefined
  return service
}

/** `TIMEOUT_DEFUALT` and `TIMEOUT_LLM_DURATION` are hardly about services of these names. */
const isSlip = (service: string, variable: Variable): boolean =>
  isNearly(service, DEFAULT) || `_${service}`.endsWith(`_${optionIn(variable)}`)

/** The option of a variable, as it would stand at the end of a name if it had to. */
const optionIn = ({ path }: Variable): string => toVariable(path.at(-1)!)

/** The name of a variable, for all services or for one. */
export const nameOf = ({ service, variable: { slot, suffix } }: Meaning): string => {
  const prefix = prefixOf[slot]
  if (suffix === "") return `${prefix}_${service ?? DEFAULT}`
  return service === undefined ? `${prefix}_${suffix}` : `${prefix}_${service}_${suffix}`
}

/** The variable that sets an option of a pattern; `undefined` if none does. */
export const variableOf = (slot: Pipeline.Slot, path: ReadonlyArray<string>): Variable | undefined =>
  families
    .flatMap(({ variables }) => variables)
    .find((one) => one.slot === slot && one.path.join(".") === path.join("."))

/** All names for all services, and for those given. */
export const namesFor = (services: Iterable<string>): ReadonlyArray<string> => [
  ...flags,
  ...meaningsFor(services).map(nameOf)
]

/** The same as paths: whole names, and names cut into pattern, service, group and option. */
export const pathsFor = (services: Iterable<string>): ReadonlyArray<ReadonlyArray<string>> => {
  const cut = meaningsFor(services).map(({ service, variable: { parts, slot } }) => {
    const option = parts.length === 0 && service === undefined ? [DEFAULT] : parts
    return [prefixOf[slot], ...(service === undefined ? [] : [service]), ...option]
  })
  return [...prefixes.map((prefix) => [prefix]), ...namesFor(services).map((name) => [name]), ...cut]
}

const meaningsFor = (services: Iterable<string>): ReadonlyArray<Meaning> =>
  families.flatMap(({ variables }) =>
    variables.flatMap((variable) => [undefined, ...services].map((service) => ({ variable, service })))
  )
