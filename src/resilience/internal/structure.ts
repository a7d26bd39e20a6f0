/**
 * Whether a literal has the structure of a configuration. What its values are worth is not asked here.
 */
import { nearest } from "../../policy/internal/nearest.ts"
import * as Fields from "../../policy/internal/options.ts"
import { didYouMean, expected, type Lines } from "./lines.ts"
import { isGroup, isTimeLimit, slots } from "./Source.ts"
import * as Variables from "./variables.ts"

/** The lines of everything that is wrong. */
export const checkStructure = (literal: unknown): Lines => {
  if (!isRecord(literal)) return [`expected an object, got ${Fields.show(literal)}`]
  const { enabled: _, operationTypes = {}, services = {}, strict: __, ...patterns } = literal
  return [
    ...checkPatterns(patterns, "", ["enabled", "strict", "operationTypes", "services"]),
    ...checkEach("operationTypes", operationTypes, () => []),
    ...checkEach("services", services, (where, patterns) =>
      isRecord(patterns) ? checkPatterns(patterns, `${where}.`, []) : [expected(where, "an object", patterns)]
    )
  ]
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

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

const checkPatterns = (patterns: Readonly<Record<string, unknown>>, where: string, others: Lines): Lines =>
  Object.entries(patterns).flatMap(([name, value]) => {
    const slot = slots.find((slot) => slot === name)
    if (slot === undefined) {
      const guess = nearest(name, [...slots, ...others])
      return [`${where}${name}: there is no such setting${didYouMean(guess && JSON.stringify(guess))}`]
    }
    return value === undefined || value === false || isGroup(value) || isTimeLimit(slot, value)
      ? []
      : [expected(`${where}${name}`, "options, or false", value)]
  })
