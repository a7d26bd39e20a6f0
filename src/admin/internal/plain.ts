/**
 * Values as plain JSON.
 */
import * as Duration from "effect/Duration"
import * as Option from "effect/Option"
import type * as Schema from "effect/Schema"

/** A value as JSON: a duration in milliseconds; null for what is not there, and for numbers that JSON does not have. */
export const plain = (value: unknown): Schema.Json => {
  if (Option.isOption(value)) return plain(Option.getOrNull(value))
  if (Duration.isDuration(value)) return plain(Duration.toMillis(value))
  if (typeof value === "number") return Number.isFinite(value) ? value : null
  if (typeof value === "string" || typeof value === "boolean") return value
  if (Array.isArray(value)) return value.map(plain)
  return typeof value === "object" && value !== null ? plainFields(value) : null
}

/** The fields of an object as JSON, without those that have no value. */
export const plainFields = (value: object): Readonly<Record<string, Schema.Json>> =>
  Object.fromEntries(
    Object.entries(value)
      .filter(([, field]) => field !== undefined)
      .map(([name, field]) => [name, plain(field)])
  )
