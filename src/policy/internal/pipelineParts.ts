/**
 * What can stand in a pipeline, and what a list of such parts does to the types of an effect.
 */
import * as Duration from "effect/Duration"
import type * as Effect from "effect/Effect"
import type * as Bulkhead from "../Bulkhead.ts"
import type * as CircuitBreaker from "../CircuitBreaker.ts"
import type * as Deadline from "../Deadline.ts"
import type * as Fallback from "../Fallback.ts"
import type * as Pipeline from "../Pipeline.ts"
import type * as Policy from "../Policy.ts"
import type * as Retry from "../Retry.ts"
import type * as Timeout from "../Timeout.ts"

/** An instance that can stand in a pipeline. A pipeline that has no fallback can, too. */
export type Part = Policy.Guard<unknown> | Retry.Retry<Retry.OnExhausted> | Fallback.Fallback<unknown, unknown, unknown>

/** The error of an effect behind one part. */
export type ErrorBehind<P, E> =
  P extends Fallback.Fallback<infer _B, infer E2, infer _R2>
    ? E2
    : P extends Retry.Retry<infer O>
      ? Retry.Exhausted<E, O>
      : P extends { readonly kind: "pipeline"; readonly parts: infer Inner }
        ? ErrorsBehind<Inner, E>
        : P extends Policy.Guard<infer E2>
          ? E | E2
          : E

/** The error of an effect behind all parts, the outermost first. Behind parts in an unknown number, it may be any of theirs. */
export type ErrorsBehind<Parts, E> = Parts extends readonly [infer Outer, ...infer Inner]
  ? ErrorBehind<Outer, ErrorsBehind<Inner, E>>
  : Parts extends readonly []
    ? E
    : Parts extends ReadonlyArray<infer Any>
      ? ErrorBehindSome<Any, E>
      : E

type ErrorBehindSome<Any, E> =
  | E
  | ErrorBehind<Exclude<Any, AnyRetry>, E>
  | ErrorBehind<Extract<Any, AnyRetry>, E | ErrorBehind<Exclude<Any, AnyRetry>, E>>

type AnyRetry = Retry.Retry<Retry.OnExhausted>

/** The value of an effect behind all parts: its own, or that of a fallback. */
export type SuccessBehind<Parts extends ReadonlyArray<unknown>, A> =
  | A
  | (Parts[number] extends infer P ? (P extends Fallback.Fallback<infer B, infer _E2, infer _R2> ? B : never) : never)

/** What fallbacks need. */
export type ServicesBehind<Parts extends ReadonlyArray<unknown>> = Parts[number] extends infer P
  ? P extends Fallback.Fallback<infer _B, infer _E2, infer R2>
    ? R2
    : never
  : never

/** Guards an effect with all parts. */
export type Execute<Parts extends ReadonlyArray<unknown>> = <A, E, R>(
  self: Effect.Effect<A, E, R>
) => Effect.Effect<SuccessBehind<Parts, A>, ErrorsBehind<Parts, E>, R | ServicesBehind<Parts>>

export const isDeadline = (part: Policy.Instance): part is Deadline.Deadline => part.kind === "deadline"
export const isRetry = (part: Policy.Instance): part is Retry.Retry => part.kind === "retry"
export const isCircuitBreaker = (part: Policy.Instance): part is CircuitBreaker.CircuitBreaker =>
  part.kind === "circuit-breaker"
export const isBulkhead = (part: Policy.Instance): part is Bulkhead.Bulkhead => part.kind === "bulkhead"
export const isTimeout = (part: Policy.Instance): part is Timeout.Timeout => part.kind === "timeout"
const isPipeline = (part: Policy.Instance): part is Pipeline.Pipeline => part.kind === "pipeline"

/** The parts with those of a pipeline among them in its place. */
export const flatten = (parts: ReadonlyArray<Policy.Instance>): ReadonlyArray<Policy.Instance> =>
  parts.flatMap((part) => (isPipeline(part) ? flatten(part.parts) : [part]))

/** The time limit of a part in milliseconds: `Infinity` for one that has none. */
export const limitMillis = (part: Policy.Instance): number =>
  isTimeout(part) || isDeadline(part) ? Duration.toMillis(part.snapshot(0).duration) : Infinity

/** The time limit of a part in milliseconds, or that for an element of a stream if that is longer, though not endless. */
export const limitMillisOfAny = (part: Policy.Instance): number => {
  const { firstElement, idle } = isTimeout(part) ? part.options : {}
  const ofStreams = [firstElement, idle].filter((duration) => duration !== undefined)
  return Math.max(
    limitMillis(part),
    ...ofStreams.filter(Duration.isFinite).map((duration) => Duration.toMillis(duration))
  )
}

/** The longest wait in the queue of a part in milliseconds: 0 for one that has none, `Infinity` without a limit. */
export const queueMillis = (part: Policy.Instance): number => {
  if (!isBulkhead(part) || part.options.maxQueue === 0) return 0
  return part.options.queueTimeout === undefined ? Infinity : Duration.toMillis(part.options.queueTimeout)
}

/** The longest time that parts can take, from the inside to the outside: what limits, what waits, and what repeats. */
export const longestMillis = (parts: ReadonlyArray<Policy.Instance>, limitOf = limitMillis): number =>
  parts.reduceRight((inner, part) => {
    if (isRetry(part)) return part.worstCase.attempts * inner + part.worstCase.waitMillis
    return Math.min(inner, limitOf(part)) + queueMillis(part)
  }, Infinity)

/**
 * Options without a key that is not known, however deep: written as a type parameter, TypeScript would not look for such.
 */
export type Strict<Given, Known> = Given extends Leaf
  ? unknown
  : { readonly [K in keyof Given]: K extends KeysOf<Known> ? Strict<Given[K], ValueOf<Known, K>> : never }

type Leaf = string | number | bigint | boolean | undefined | Function | ReadonlyArray<unknown> | Policy.Instance

type KeysOf<Known> = Known extends Leaf ? never : keyof Known

type ValueOf<Known, K> = Known extends Leaf ? never : K extends keyof Known ? Known[K] : never
