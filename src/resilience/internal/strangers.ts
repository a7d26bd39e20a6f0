/**
 * Services that nobody knows.
 */
import { nearest } from "../../policy/internal/nearest.ts"
import { fromLiteral } from "./fromLiteral.ts"
import { fromVariables } from "./fromVariables.ts"
import { didYouMean, type Lines } from "./lines.ts"
import { Merged, PRESETS } from "./Merged.ts"
import { type Setting, slots } from "./Source.ts"
import * as Variables from "./variables.ts"

/** The services and operation types that a literal and the presets name. */
export const namesIn = (literal: unknown): ReadonlySet<string> => {
  const merged = new Merged(fromLiteral(literal), fromVariables(new Map()).source)
  return new Set([...merged.services, ...typesOf(merged, merged.services)])
}

/** Whether somebody says something about a service, or about an operation type of that name. */
export const isKnown = (merged: Merged, service: string): boolean => {
  const name = Variables.toVariable(service)
  return (
    merged.services.has(name) || merged.environment.times.has(name) || typesOf(merged, merged.services).includes(name)
  )
}

/** A line for each variable of a service that the code does not declare, if it declares any. */
export const strangersIn = (merged: Merged): Lines => {
  const { code, environment } = merged
  if (code.services.size === 0) return []
  const services = [...code.services.keys(), ...PRESETS.services.keys()]
  const types = [...services, ...typesOf(merged, services), Variables.DEFAULT]
  return [
    ...[...environment.services].flatMap(([name, patterns]) => {
      const said = slots.flatMap((slot) => [patterns[slot].enabled ?? [], ...patterns[slot].options.values()].flat())
      return said.flatMap((setting) => complain(setting, name, services))
    }),
    ...[...environment.times].flatMap(([name, setting]) => complain(setting, name, types))
  ]
}

const complain = ({ where }: Setting, name: string, known: Lines): Lines => {
  if (known.includes(name)) return []
  return [`${where}: no service called ${name} is declared${didYouMean(nearest(name, known))}`]
}

/** The operation types that have a time limit, and those of services. */
const typesOf = (merged: Merged, services: Iterable<string>): ReadonlyArray<string> => [
  ...merged.code.times.keys(),
  ...PRESETS.times.keys(),
  ...[...services].map((service) => merged.operationTypeOf(service))
]
