/**
 * What one place says about the configuration: a literal in code, the environment, or the presets.
 */
import type * as Duration from "effect/Duration"
import * as Fields from "../../policy/internal/options.ts"
import * as Pipeline from "../../policy/Pipeline.ts"

/** One value, and how to speak of it when it is wrong. */
export interface Setting {
  readonly value: unknown
  /** The value as it was written. */
  readonly shown: unknown
  /** Where it was written: the name of a variable, or a path in a literal. */
  readonly where: string
  /** What was expected, where the option itself would say something else. */
  readonly expected?: string | undefined
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

/** Something for every pattern. */
export const bySlot = <A>(of: (slot: Pipeline.Slot) => A): Record<Pipeline.Slot, A> =>
  Object.fromEntries(slots.map((slot) => [slot, of(slot)])) as Record<Pipeline.Slot, A>

/** The value of a group of options, each of which is a setting of its own. */
export const GROUP: object = Object.freeze({})

/** Whether a value is a group of options. */
export const isGroup = (value: unknown): value is object =>
  typeof value === "object" && value !== null && !Array.isArray(value) && Fields.durationOf(value) === undefined

/** Whether a value says everything about a pattern by being a duration. */
export const isTimeLimit = (slot: Pipeline.Slot, value: unknown): value is Duration.Input =>
  (slot === "deadline" || slot === "timeout") && Fields.durationOf(value) !== undefined
