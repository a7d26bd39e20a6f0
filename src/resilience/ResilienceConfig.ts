/**
 * The configuration of all services: what can be written, where it comes from, and what it comes to.
 *
 * **Details**
 *
 * What is said about one service counts more than what is said about all, and the environment more than the literal in
 * code. Presets are what is known about services of common names: "llm", "openfga", "redis", "keycloak", "prometheus", "db".
 * By default, the probe of a circuit may take as long as an attempt and a wait in the queue together. In code, a bare number
 * is milliseconds, as everywhere in Effect; in a variable it is seconds. Everything is checked when the layer is built, and
 * all mistakes are reported together.
 */
import type * as Duration from "effect/Duration"
import * as Result from "effect/Result"
import type * as Pipeline from "../policy/Pipeline.ts"
import type * as Policy from "../policy/Policy.ts"
import { fromLiteral } from "./internal/fromLiteral.ts"
import { fromVariables } from "./internal/fromVariables.ts"
import { didYouMean } from "./internal/lines.ts"
import { Merged } from "./internal/Merged.ts"
import { problemsAmong, problemsIn, problemsOf } from "./internal/problems.ts"
import type { Setting } from "./internal/Source.ts"
import { isKnown, namesIn, type Slip, slipsFor, strangersIn } from "./internal/strangers.ts"
import { checkStructure } from "./internal/structure.ts"
import { suggestionsFor } from "./internal/suggestions.ts"
import { toVariable } from "./internal/variables.ts"

/** The options of a pattern; `false` switches it off. */
export type PatternInput<S extends Pipeline.Slot> =
  | Exclude<Pipeline.MakeOptions[S], Policy.Instance | undefined>
  | false
  | undefined

/** What can be said about one service, or about all. */
export type PatternsInput = { readonly [S in Pipeline.Slot]?: PatternInput<S> }

/** The configuration as it is written. */
export interface ConfigInput extends PatternsInput {
  /** `false`: every policy lets its calls through (default true). */
  readonly enabled?: boolean | undefined
  /** A call of a service that is not declared is an error instead of a warning (default false). */
  readonly strict?: boolean | undefined
  /** Time limits of attempts by operation type. */
  readonly operationTypes?: Readonly<Record<string, Duration.Input>> | undefined
  readonly services?: Readonly<Record<string, PatternsInput>> | undefined
}

/** The configuration as it counts. */
export interface ResilienceConfig {
  readonly enabled: boolean
  readonly strict: boolean
  /** The services that the literal names, as they are written there. */
  readonly declared: ReadonlyArray<string>
  /** What is odd but no mistake: that everything is switched off, and variables of services that are not declared. */
  readonly warnings: ReadonlyArray<string>
  /** Whether a service is declared, has a preset, or is named in the environment; anything is known if none is declared. */
  readonly isKnown: (service: string) => boolean
  /** Services that only variables name, by names that may be misspelt: the given service may be meant. */
  readonly slipsFor: (service: string) => ReadonlyArray<Slip>
  /** The options of a pattern for a service; `undefined` where the pattern is switched off. */
  readonly optionsOf: (slot: Pipeline.Slot, service: string) => unknown
}

/**
 * Puts together what a literal and the variables of an environment say. A failure has one line for everything that is wrong.
 */
export const resolve = (
  literal: ConfigInput,
  variables: ReadonlyMap<string, string> = new Map()
): Result.Result<ResilienceConfig, ReadonlyArray<string>> => {
  const code = fromLiteral(literal)
  const { overruled, repeated, source: environment, unknown } = fromVariables(variables, namesIn(literal))
  const merged = new Merged(code, environment)
  const strict = flagOf(false, environment.strict, code.strict)
  const strangers = strangersIn(merged)
  const suggestionFor = suggestionsFor(merged.services)
  const problems = new Set([
    ...checkStructure(literal),
    ...unknown.map((name) => `${name}: there is no such variable${didYouMean(suggestionFor(name))}`),
    ...[...repeated].map(([name, same]) => `${name}: the same as ${same}`),
    ...problemsIn(code),
    ...problemsIn(environment),
    ...problemsAmong(overruled),
    ...problemsOf(merged),
    ...(strict ? strangers : [])
  ])
  if (problems.size > 0) return Result.fail([...problems])
  const declared = Object.entries(literal.services ?? {}).flatMap(([name, patterns]) =>
    patterns === undefined ? [] : name
  )
  const enabled = flagOf(true, environment.enabled, code.enabled)
  const { where } = environment.enabled ?? code.enabled ?? { where: "enabled" }
  return Result.succeed({
    enabled,
    strict,
    declared,
    warnings: [...(enabled ? [] : [`${where}: everything is switched off: no policy guards any call`]), ...strangers],
    isKnown: (service) => declared.length === 0 || isKnown(merged, service),
    slipsFor: (service) => slipsFor(merged, service),
    optionsOf: (slot, service) => optionsOf(merged, slot, toVariable(service))
  })
}

const optionsOf = (merged: Merged, slot: Pipeline.Slot, service: string): unknown => {
  if (!merged.isEnabled(slot, service)) return undefined
  if (slot === "deadline" && !merged.settingsOf(slot, service).has("duration")) return undefined
  return Result.getOrThrow(merged.decode(slot, service))
}

const flagOf = (byDefault: boolean, ...settings: ReadonlyArray<Setting | undefined>): boolean => {
  const value = settings.find((setting) => setting !== undefined)?.value
  return typeof value === "boolean" ? value : byDefault
}
