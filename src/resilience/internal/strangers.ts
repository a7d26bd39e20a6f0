/**
 * Services that nobody knows.
 */
import { isNearly, nearest } from "../../policy/internal/nearest.ts"
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

/**
 * A line for each variable of a service that the code does not declare. Where it declares none, only for those that nearly
 * have the name of a preset.
 */
export const strangersIn = (merged: Merged): Lines => {
  const { code, environment } = merged
  const services = [...code.services.keys(), ...PRESETS.services.keys()]
  const types = [...services, ...typesOf(merged, services), Variables.DEFAULT]
  const line = code.services.size === 0 ? lineOfSlip : lineOfStranger
  return [
    ...settingsOf(merged).flatMap(([name, setting]) => line(setting, name, services)),
    ...[...environment.times].flatMap(([name, setting]) => line(setting, name, types))
  ]
}

/** What the variables say about each service, their time limits aside. */
const settingsOf = ({ environment }: Merged): ReadonlyArray<readonly [name: string, setting: Setting]> =>
  [...environment.services].flatMap(([name, patterns]) =>
    slots
      .flatMap((slot) => [patterns[slot].enabled ?? [], ...patterns[slot].options.values()].flat())
      .map((setting) => [name, setting] as const)
  )

const lineOfStranger = ({ where }: Setting, name: string, known: Lines): Lines => {
  if (known.includes(name)) return []
  return [`${where}: no service called ${name} is declared${didYouMean(nearest(name, known))}`]
}

const lineOfSlip = ({ where }: Setting, name: string, known: Lines): Lines => {
  const meant = known.includes(name) ? undefined : known.find((one) => isSlip(name, one))
  return meant === undefined ? [] : [`${where}: only variables name a service called ${name}${didYouMean(meant)}`]
}

/** Services may be numbered, and names of two letters are similar to many. */
const isSlip = (name: string, meant: string): boolean =>
  meant.length > 2 && isNearly(name, meant) && name.replaceAll(/\d/g, "") !== meant.replaceAll(/\d/g, "")

/** A service that only variables name, and what to say if it is none. */
export interface Slip {
  readonly service: string
  readonly line: string
}

/** The services that variables may mean for another one, of which nothing is said anywhere. */
export const slipsFor = (merged: Merged, service: string): ReadonlyArray<Slip> => {
  if (merged.code.services.size > 0 || isKnown(merged, service)) return []
  const meant = Variables.toVariable(service)
  return [...settingsOf(merged), ...merged.environment.times].flatMap(([name, { where }]) => {
    const line = `${where}: no service called ${name} has been used so far${didYouMean(meant)}`
    return isSlip(name, meant) ? [{ service: name, line }] : []
  })
}

/** The operation types that have a time limit, and those of services. */
const typesOf = (merged: Merged, services: Iterable<string>): ReadonlyArray<string> => [
  ...merged.code.times.keys(),
  ...PRESETS.times.keys(),
  ...[...services].map((service) => merged.operationTypeOf(service))
]
