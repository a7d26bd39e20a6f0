/**
 * What is wrong with what is said: with single values, and with the options to which they come together.
 */
import * as Result from "effect/Result"
import * as Fields from "../../policy/internal/options.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import type * as Policy from "../../policy/Policy.ts"
import type { Overruled } from "./fromVariables.ts"
import { expected, type Lines, render } from "./lines.ts"
import { type Merged, written } from "./Merged.ts"
import { type Setting, slots, type Source } from "./Source.ts"

type Problems = ReadonlyArray<Fields.Problem>
/** A service; `undefined` stands for those that nobody says anything about. */
type Service = string | undefined

/** What is wrong with the switches and the time limits of one place. */
export const problemsIn = ({ all, enabled, services, strict, times }: Source): Lines => {
  const switches = [all, ...services.values()].flatMap((patterns) => slots.map((slot) => patterns[slot].enabled))
  return [...[enabled, strict, ...switches].flatMap(checkFlag), ...[...times.values()].flatMap(checkTime)]
}

const checkFlag = (setting: Setting | undefined): Lines =>
  setting === undefined || typeof setting.value === "boolean"
    ? []
    : [expected(setting.where, "true or false", setting.shown)]

const checkTime = ({ shown, value, where }: Setting): Lines =>
  failureOf(Fields.decode(Fields.PositiveDuration, value)).map(({ message }) => render(where, message, shown))

/** What is wrong with values that do not count: a switch that sets their option does not make them right. */
export const problemsAmong = (overruled: ReadonlyArray<Overruled>): Lines =>
  overruled.flatMap(({ setting: { expected, shown, value, where }, variable: { path, slot } }) => {
    const options = written(new Map([[path.join("."), { value, shown, where }]]))
    const problems = failureOf(Fields.decode(Pipeline.order[slot].options, options))
    return problems.map(({ message }) => render(where, expected ?? message, shown))
  })

/** What is wrong with the options of all patterns. What concerns several services may be there several times. */
export const problemsOf = (merged: Merged): Lines =>
  slots.flatMap((slot) => {
    const forAll = [...invalid(merged, slot, undefined), ...unused(merged, slot)].map((problem) =>
      lineFor(merged, slot, undefined, problem)
    )
    const forOne = (service: string): Lines =>
      [...invalid(merged, slot, service), ...ineffective(merged, slot, service, saidFor(merged, slot, service))].map(
        (problem) => {
          const line = lineFor(merged, slot, service, problem)
          return forAll.includes(line) || isOwn(merged, slot, service, problem) ? line : `${line} (for ${service})`
        }
      )
    return [...forAll, ...[...merged.services].flatMap(forOne)]
  })

const invalid = (merged: Merged, slot: Pipeline.Slot, service: Service): Problems =>
  failureOf(merged.decode(slot, service))

/** Of these options, those that others make meaningless. */
const ineffective = (merged: Merged, slot: Pipeline.Slot, service: Service, names: Iterable<string>): Problems => {
  const kind: Policy.AnyKind = Pipeline.order[slot]
  return Fields.ineffective(kind, written(merged.settingsOf(slot, service)), names)
}

/** What is said for all services may be meaningless for some of them, but not for all. */
const unused = (merged: Merged, slot: Pipeline.Slot): Problems => {
  const isUsedBy = (name: string) => (service: string) => ineffective(merged, slot, service, [name]).length === 0
  return ineffective(merged, slot, undefined, saidFor(merged, slot, undefined)).filter(
    ({ path }) => ![...merged.services].some(isUsedBy(path[0]!))
  )
}

/** The options that somebody has set; presets do not count. */
const saidFor = ({ code, environment }: Merged, slot: Pipeline.Slot, service: Service): ReadonlySet<string> => {
  const places = [code, environment].map(({ all, services }) => (service === undefined ? all : services.get(service)))
  const paths = places.flatMap((patterns) => [...(patterns?.[slot].options.keys() ?? [])])
  return new Set(paths.map((path) => path.split(".")[0]!))
}

const settingOf = (merged: Merged, slot: Pipeline.Slot, service: Service, { path }: Fields.Problem) =>
  merged.settingsOf(slot, service).get(path.join("."))

/** Whether a problem is about what is said of the service alone. */
const isOwn = (merged: Merged, slot: Pipeline.Slot, service: Service, problem: Fields.Problem): boolean =>
  settingOf(merged, slot, service, problem) !== settingOf(merged, slot, undefined, problem)

const lineFor = (merged: Merged, slot: Pipeline.Slot, service: Service, problem: Fields.Problem): string => {
  const { actual, message, path } = problem
  const setting = settingOf(merged, slot, service, problem)
  const { expected = message, shown = actual, where = [slot, ...path].join(".") } = setting ?? {}
  return render(where, expected, shown)
}

const failureOf = (decoded: Result.Result<unknown, Problems>): Problems =>
  Result.isFailure(decoded) ? decoded.failure : []
