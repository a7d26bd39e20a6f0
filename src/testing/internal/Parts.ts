/**
 * The parts of a subject, and what they have been told to be.
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import * as Bulkhead from "../../policy/Bulkhead.ts"
import * as CircuitBreaker from "../../policy/CircuitBreaker.ts"
import * as Deadline from "../../policy/Deadline.ts"
import * as Fallback from "../../policy/Fallback.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import type * as Policy from "../../policy/Policy.ts"
import * as Retry from "../../policy/Retry.ts"
import * as Timeout from "../../policy/Timeout.ts"

/** A pipeline, or a single policy. */
export interface Subject extends Policy.Instance {
  readonly execute: (self: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>
  readonly executeWith?: (
    call: Policy.CallOptions
  ) => (self: Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown, unknown>
}

export const isBulkhead = (part: Policy.Instance): part is Bulkhead.Bulkhead => part.kind === Bulkhead.Kind.id
export const isCircuitBreaker = (part: Policy.Instance): part is CircuitBreaker.CircuitBreaker =>
  part.kind === CircuitBreaker.Kind.id
export const isDeadline = (part: Policy.Instance): part is Deadline.Deadline => part.kind === Deadline.Kind.id
export const isFallback = (part: Policy.Instance): part is Fallback.Fallback => part.kind === Fallback.Kind.id
export const isPipeline = (part: Policy.Instance): part is Pipeline.Pipeline => part.kind === Pipeline.Kind.id
export const isRetry = (part: Policy.Instance): part is Retry.Retry => part.kind === Retry.Kind.id
export const isTimeout = (part: Policy.Instance): part is Timeout.Timeout => part.kind === Timeout.Kind.id

/** A subject and all that is inside of it, the outermost first. A pipeline comes before its parts. */
export const partsOf = (subject: Policy.Instance): ReadonlyArray<Policy.Instance> =>
  isPipeline(subject) ? [subject, ...subject.parts.flatMap(partsOf)] : [subject]

/** The time limit of a part in milliseconds. */
export const limitOf = (part: Deadline.Deadline | Timeout.Timeout): number =>
  Duration.toMillis(part.snapshot(0).duration)

/** The times among the options of the parts, in milliseconds. */
export const timesOf = (parts: ReadonlyArray<Policy.Instance>): ReadonlyArray<number> =>
  parts.flatMap((part) => ("options" in part ? durationsIn(part.options) : []))

const durationsIn = (value: unknown): ReadonlyArray<number> => {
  if (Duration.isDuration(value)) return Duration.isFinite(value) ? [Duration.toMillis(value)] : []
  return typeof value === "object" && value !== null ? Object.values(value).flatMap(durationsIn) : []
}

/** What operators can do to a part while it works. */
export const ordersOf = (part: Policy.Instance): ReadonlyArray<string> => {
  if (isCircuitBreaker(part)) return ["trip", "reset", "isolate", "release"]
  return isBulkhead(part) ? ["resize"] : []
}
