/**
 * The configuration reference, from the schemas of the options and the list of variables.
 */
import { Duration, Option, Result, type Schema } from "effect"
import * as Fields from "../../src/policy/internal/options.ts"
import { Fallback, Pipeline, type Policy, ResilienceConfig } from "../../src/index.ts"
import { Options as AdminOptions } from "../../src/admin/internal/Settings.ts"
import { presets } from "../../src/resilience/internal/presets.ts"
import * as Variables from "../../src/resilience/internal/variables.ts"
import { Alerts, Logs, SlackAlerts } from "../../src/telemetry/index.ts"
import { after, before } from "./configurationText.ts"
import { table } from "./markdown.ts"

type Fields = Readonly<Record<string, Schema.Constraint>>
type Slot = Pipeline.Slot
type Options = Readonly<Record<string, unknown>>

interface Pattern {
  readonly options: Fields.Pure
  readonly fields: Fields
  readonly ineffective: ReadonlyArray<Policy.Relation<unknown>>
  /** What cannot change while a policy runs. */
  readonly fixed: ReadonlyArray<string>
}

const slots = Object.keys(Pipeline.order) as ReadonlyArray<Slot>

const patternOf = (slot: Slot): Pattern => {
  const kind = Pipeline.order[slot] as unknown as Policy.AnyKind & { readonly options: Fields.Pure }
  const { fixed = [], ineffective, options } = kind
  return { options, ineffective, fixed, fields: fieldsOf(options) }
}

const fieldsOf = (schema: object): Fields => (schema as { readonly fields: Fields }).fields

/** A value as it is written in code. */
export const written = (value: unknown): string => {
  if (Duration.isDuration(value)) return writtenDuration(Duration.toMillis(value))
  if (Array.isArray(value)) return `[${value.map(written).join(", ")}]`
  return typeof value === "string" ? `"${value}"` : String(value)
}

const units = [
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1_000]
] as const

const writtenDuration = (millis: number): string => {
  if (millis === Infinity) return "Infinity"
  const [unit, size] = units.find(([, size]) => millis > 0 && millis % size === 0) ?? ["milli", 1]
  return `"${millis / size} ${unit}${millis === size ? "" : "s"}"`
}

/** What an option must be, in the words in which it refuses anything else. */
const mustBe = (schema: Fields.Pure, path: ReadonlyArray<string>): string => {
  const [first = "", second] = path
  const decoded = Fields.decode(schema, { [first]: second === undefined ? -1 : { [second]: -1 } })
  const [problem] = Result.isFailure(decoded) ? decoded.failure : []
  return (problem?.message ?? "")
    .replace(/^Expected /, "")
    .replace(/^boolean$/, "true or false")
    .replaceAll(/("[^"]*")/g, "`$1`")
    .replaceAll(" | ", ", ")
}

const at = (options: unknown, path: ReadonlyArray<string>): unknown =>
  path.reduce<unknown>((value, key) => (Object(value) === value ? (value as Options)[key] : undefined), options)

/** What counts for a service about which nobody says anything. */
const configured = Result.getOrThrow(ResilienceConfig.resolve({}))
const NOBODY = "nobody"

const code = (text: string): string => `\`${text}\``

const defaultOf = (slot: Slot, path: ReadonlyArray<string>): string => {
  const { options } = patternOf(slot)
  const byItself = at(Result.getOrThrow(Fields.decode(options, {})), path)
  const inConfiguration = at(configured.optionsOf(slot, NOBODY), path)
  const own = byItself === undefined ? "none" : code(written(byItself))
  if (inConfiguration === undefined || written(byItself) === written(inConfiguration)) return own
  return `${code(written(inConfiguration))}; \`make\`: ${own}`
}

/** The variables for all services that set an option, or a pattern as a whole; a switch comes after the value. */
const variablesOf = (slot: Slot, path: ReadonlyArray<string>): ReadonlyArray<string> =>
  Variables.namesFor([])
    .filter((name) => {
      const variable = Variables.meaningOf(name)?.variable
      return variable?.slot === slot && variable.path.join(".") === path.join(".")
    })
    .toSorted((a, b) => b.length - a.length)

/** The variable of one service, which stands for those of all. */
const forOne = (name: string): string => {
  const meaning = Variables.meaningOf(name)
  return meaning === undefined ? name : Variables.nameOf({ ...meaning, service: "PRICES" })
}

const onlyWith = ({ fields, ineffective, options }: Pattern, name: string): string => {
  const relation = ineffective.find(({ option, others }) => option === name && others.includes("tripPolicy"))
  const tripPolicy = fields["tripPolicy"]
  if (relation === undefined || tripPolicy === undefined) return ""
  const kinds = mustBe(options, ["tripPolicy"]).replaceAll(/[`"]/g, "").split(", ")
  const means = kinds.filter((kind) => relation.check({ tripPolicy: kind }) === undefined)
  return `. Only with \`tripPolicy\` ${means.map((kind) => code(written(kind))).join(" or ")}`
}

const rowsOf = (slot: Slot, fields: Fields, group: ReadonlyArray<string> = []): ReadonlyArray<ReadonlyArray<string>> =>
  Object.entries(fields).flatMap(([name, field]) => {
    const { description = "", group: inner } = Fields.aboutOf(field)
    const path = [...group, name]
    if (inner !== undefined) {
      return [[code(path.join(".")), "", "", "options", description], ...rowsOf(slot, inner.fields, path)]
    }
    const pattern = patternOf(slot)
    const [variable = "", ...switches] = variablesOf(slot, path).map(code)
    const shown = [variable, ...switches.map((name) => `${name} (true or false)`)].join(", ")
    const isFixed = pattern.fixed.includes(path[0] ?? "")
    const meaning = [description, group.length === 0 ? onlyWith(pattern, name) : "", isFixed ? ". Fixed" : ""].join("")
    const value = defaultOf(slot, path)
    const isTold = value === "none" && description.includes("default")
    return [[code(path.join(".")), shown, isTold ? "" : value, mustBe(pattern.options, path), meaning]]
  })

const titles: Readonly<Record<Slot, string>> = {
  deadline: "Deadline",
  retry: "Retry",
  circuitBreaker: "Circuit breaker",
  bulkhead: "Bulkhead",
  timeout: "Timeout"
}

const chapter = (slot: Slot): string => {
  const { fields } = patternOf(slot)
  const off = variablesOf(slot, []).map((name) => `\`${name}=false\``)
  const [first = ""] = Object.keys(fields).flatMap((option) => variablesOf(slot, [option]))
  return [
    `## ${titles[slot]}`,
    `\`${slot}\` in code. Switched off by \`${slot}: false\` or ${off.join(", ")}. For one service: ${code(first)} becomes ${code(forOne(first))}.`,
    table(["option", "variable", "default", "must be", "meaning"], rowsOf(slot, fields))
  ].join("\n\n")
}

const flat = (options: unknown, path: ReadonlyArray<string> = []): ReadonlyArray<readonly [string, string]> =>
  Duration.isDuration(options) || Object(options) !== options
    ? [[path.join("."), written(options)]]
    : Object.entries(options as Options).flatMap(([key, value]) => flat(value, [...path, key]))

/** What differs for the services of the presets from those that nobody knows. */
const presetRows = (): ReadonlyArray<ReadonlyArray<string>> =>
  Object.keys(presets.services).map((service) => {
    const differences = slots.flatMap((slot) => {
      const usual = new Map(flat(configured.optionsOf(slot, NOBODY), [slot]))
      return flat(configured.optionsOf(slot, service), [slot]).filter(([path, value]) => usual.get(path) !== value)
    })
    return [code(service), differences.map(([path, value]) => code(`${path}: ${value}`)).join(", ")]
  })

const typeRows = Object.entries(presets.operationTypes).map(([type, time]) => {
  const variable = `TIMEOUT_${Variables.toVariable(type)}`
  return [code(type), code(variable), code(`"${time}"`)]
})

/** A table of options that have no variables. */
const plain = (schema: Fields.Pure): string => {
  const defaults = Option.getOrThrow(Result.getSuccess(Fields.decode(schema, {})))
  return table(
    ["option", "default", "meaning"],
    Object.entries(fieldsOf(schema)).map(([name, field]) => [
      code(name),
      code(written(at(defaults, [name]))),
      Fields.aboutOf(field).description ?? ""
    ])
  )
}

const flags = [
  ["enabled", Variables.ENABLED, configured.enabled, "false: every policy lets its calls through"],
  ["strict", Variables.STRICT, configured.strict, "true: a service that nobody declared is an error, not a warning"]
].map(([option, variable, value, meaning]) =>
  [option, variable, value].map((cell) => code(String(cell))).concat(String(meaning))
)

/** The document. */
export const configuration = `${[
  "<!-- Generated by `npm run docs` from the schemas of the options. Changes made here are lost. -->",
  "# Configuration",
  before,
  "## All patterns",
  table(["option", "variable", "default", "meaning"], flags),
  ...slots.map(chapter),
  "## Presets",
  "Services of these names begin with other numbers. `probeTimeout` follows from the longest of `duration`, `firstElement` and `idle`, and from the time of the queue.",
  table(["service", "what differs"], presetRows()),
  "Kinds of operations have limits of their own for an attempt. A service is its own kind, unless its `operationType` says otherwise.",
  table(["operation type", "variable", "time for an attempt"], typeRows),
  "## What has no variables",
  "Options of layers and caches are given in code.",
  "### Cache of last good values: `Fallback.makeCache`",
  plain(Fallback.CacheOptions),
  "### Log: `Logs.layer`",
  plain(Logs.Options),
  `### Alerts: \`Alerts.layer\`, \`SlackAlerts.layerWith\``,
  plain(Alerts.Options),
  `\`SlackAlerts\` reads the URL of its webhook from \`${SlackAlerts.variable}\`.`,
  "### Operators' API: `Admin.routes`, `Admin.serve`",
  "And a `token`, without which nobody can give commands.",
  plain(AdminOptions),
  after
].join("\n\n")}\n`
