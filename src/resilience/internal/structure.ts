/**
 * Whether a literal has the structure of a configuration.
 */
import { nearest } from "../../policy/internal/nearest.ts"
import * as Fields from "../../policy/internal/options.ts"
import { isGroup, isTimeLimit, slots } from "./Source.ts"
import * as Variables from "./variables.ts"

/** The lines of everything that is wrong. */
export const checkStructure = (literal: unknown): ReadonlyArray<string> => {
  if (!isRecord(literal)) return [`expected an object, got ${Fields.show(literal)}`]
  const { enabled, operationTypes = {}, services = {}, strict, ...patterns } = literal
  return [
    ...checkFlag("enabled", enabled),
    ...checkFlag("strict", strict),
    ...checkPatterns(patterns, "", ["enabled", "strict", "operationTypes", "services"]),
    ...checkEach("operationTypes", operationTypes, checkTime),
    ...checkEach("services", services, (where, patterns) =>
      isRecord(patterns) ? checkPatterns(patterns, `${where}.`, []) : [expected(where, "an object", patterns)]
    )
  ]
}

type Lines = ReadonlyArray<string>

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const expected = (where: string, what: string, value: unknown): string =>
  `${where}: expected ${what}, got ${Fields.show(value)}`

const checkFlag = (where: string, value: unknown): Lines =>
  value === undefined || typeof value === "boolean" ? [] : [expected(where, "true or false", value)]

const checkEach = (where: string, value: unknown, check: (where: string, value: unknown) => Lines): Lines => {
  if (!isRecord(value)) return [expected(where, "an object", value)]
  const entries = Object.entries(value).filter(([, child]) => child !== undefined)
  const names = entries.map(([key]) => Variables.toVariable(key))
  return entries.flatMap(([key, child], at) => {
    const [first] = entries[names.indexOf(names[at]!)]!
    const same = first === key ? [] : [`${where}.${key}: the same as ${where}.${first}`]
    return [...same, ...check(`${where}.${key}`, child)]
  })
}

const checkTime = (where: string, time: unknown): Lines => {
  const decoded = Fields.decode(Fields.PositiveDuration, time)
  return decoded._tag === "Success"
    ? []
    : decoded.failure.map((problem) => Fields.render({ ...problem, path: [where] }).trim())
}

const checkPatterns = (patterns: Readonly<Record<string, unknown>>, where: string, others: Lines): Lines =>
  Object.entries(patterns).flatMap(([name, value]) => {
    const slot = slots.find((slot) => slot === name)
    if (slot === undefined) {
      const guess = nearest(name, [...slots, ...others])
      return [`${where}${name}: there is no such setting${guess === undefined ? "" : ` (did you mean "${guess}"?)`}`]
    }
    return value === undefined || value === false || isGroup(value) || isTimeLimit(slot, value)
      ? []
      : [expected(`${where}${name}`, "options, or false", value)]
  })
