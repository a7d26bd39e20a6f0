/**
 * Answers in another way when a call has failed.
 *
 * **Details**
 *
 * Only typed errors are answered, never defects or interruption; `when` narrows further. An error that is answered leaves
 * the type. A fallback that has no answer fails with the original error.
 *
 * **Example** (Another way, and a last one)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Fallback } from "effect-resilience"
 *
 * const primary: Effect.Effect<string, "down"> = Effect.fail("down")
 * const secondary: Effect.Effect<string, "down too"> = Effect.fail("down too")
 *
 * const answer: Effect.Effect<string> = primary.pipe(
 *   Fallback.orElse(() => secondary),
 *   Fallback.orElseSucceed((error) => `the default, since it is ${error}`)
 * )
 *
 * Effect.runSync(answer) // => "the default, since it is down too"
 * ```
 */
import type * as Arr from "effect/Array"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import type { Answering, CallOptions, ErrorOfLast, OrElse, OrElseSucceed, WhenAny } from "./internal/fallbackForms.ts"
import { events, label } from "./internal/instruments.ts"
import * as LastGood from "./internal/LastGood.ts"
import * as Fields from "./internal/options.ts"
import * as Recovery from "./internal/Recovery.ts"
import * as Stage from "./internal/Stage.ts"
import * as Policy from "./Policy.ts"

export type {
  Answerable,
  Answered,
  Answering,
  CallOptions,
  ErrorOfLast,
  OrElse,
  OrElseSucceed,
  Tags,
  Unanswered,
  When,
  WhenAny,
  WhenSome,
  WithTag
} from "./internal/fallbackForms.ts"

/** The settings of a fallback: it has none. What it answers is code. */
export const Options = Schema.Struct({})
/** Valid settings. */
export type Options = typeof Options.Type

/** A fallback answered, or tried to. */
export interface Event extends Policy.Event {
  readonly _tag: "FallbackUsed"
  readonly kind: "fallback"
}

/** What is true of the fallbacks of a service. The counts are those since the first of them was used. */
export interface Snapshot extends Policy.Snapshot, Readonly<Recovery.Totals> {
  readonly kind: "fallback"
}

/** A fallback as a part of a pipeline. */
export interface Fallback<out B = never, out E2 = never, out R2 = never> extends Policy.Instance {
  readonly kind: "fallback"
  /** Guards an effect. */
  readonly execute: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, E2, R | R2>
  readonly snapshot: (now: number) => Snapshot
}

/** The counts of all fallbacks of a service. */
export interface FallbackRecord extends Policy.Instance {
  readonly kind: "fallback"
  readonly snapshot: (now: number) => Snapshot
  readonly totals: Recovery.Totals
  /** The registry that it belongs to hears about every answer. */
  readonly home: Policy.Observer | undefined
}

/** The names of the metrics. */
export const metrics = { used: "fallback.used", cacheHits: "fallback.cache_hits" } as const

/** Makes a fallback for a pipeline. */
export const make = <B, E2 = never, R2 = never>(
  answer: (error: unknown) => Effect.Effect<B, E2, R2>,
  options?: CallOptions
): Effect.Effect<Fallback<B, E2, R2>> => Effect.sync(() => makeUnsafe(answer, options))

/** Makes a fallback for a pipeline, outside of an effect. */
export const makeUnsafe = <B, E2 = never, R2 = never>(
  answer: (error: unknown) => Effect.Effect<B, E2, R2>,
  { service = "default" }: CallOptions = {}
): Fallback<B, E2, R2> => {
  const record = makeRecord(service, undefined)
  const recovery: Recovery.Recovery = {
    type: "function",
    service,
    when: undefined,
    answer: (error) => ({ effect: Effect.suspend(() => answer(error)) })
  }
  const execute = (self: AnyEffect) => Recovery.guard(self, recovery, () => record)
  const fallback: Fallback<B, E2, R2> & Stage.Staged = {
    kind: "fallback",
    service,
    describe,
    snapshot: record.snapshot,
    execute: execute as Fallback<B, E2, R2>["execute"],
    [Stage.key]: () => Recovery.stage(recovery, record)
  }
  return fallback
}

/** What the registry, metrics and operators' tools need to know about fallbacks. */
export const Kind: Policy.Kind<FallbackRecord, Options> = {
  id: "fallback",
  options: Options,
  ineffective: [],
  make: (service, _, home) => makeRecord(service, home?.observe),
  instruments: [
    events(metrics.used, "Calls that a fallback answered, or tried to", "FallbackUsed", (event) => ({
      function: event.service,
      exception_type: label(event, "exception_type"),
      fallback_type: label(event, "fallback_type")
    })),
    events(metrics.cacheHits, "Calls answered with an earlier value", "FallbackUsed", (event) =>
      event.attributes["age_millis"] === undefined
        ? undefined
        : { function: event.service, exception_type: label(event, "exception_type") }
    )
  ],
  outcomes: (record, now) => {
    const { answered, failures, successes } = record.snapshot(now)
    return { success: successes, fallback: answered, failure: failures }
  },
  commands: []
}

const describe = (): string => "answers typed errors"

type AnyEffect = Effect.Effect<unknown, unknown, unknown>

interface AnyOptions extends CallOptions {
  readonly when?: Recovery.Condition
}

const makeRecord = (service: string, home: Policy.Observer | undefined): FallbackRecord => {
  const totals = Recovery.noTotals()
  const snapshot = (): Snapshot => ({ kind: "fallback", service, ...totals })
  return { kind: "fallback", service, home, totals, describe, snapshot }
}

const guard = (self: AnyEffect, type: Recovery.Type, options: AnyOptions = {}, answer: Recovery.Answer): AnyEffect => {
  const { service = "default", when } = options
  return Recovery.guard(self, { type, service, when, answer }, recordOf(service))
}

/** Counts are kept where a registry collects them. */
const recordOf = (service: string) => (fiber: Fiber.Fiber<unknown, unknown>) =>
  Policy.registryOf(fiber)?.get(Kind, service)

const answering = (type: Recovery.Type, value: () => unknown) =>
  dual(
    (args) => Effect.isEffect(args[0]),
    (self: AnyEffect, options?: AnyOptions) => guard(self, type, options, () => ({ effect: Effect.sync(value) }))
  )

/**
 * Answers with another effect. It gets the error.
 *
 * **Gotchas**
 *
 * TypeScript reads from left to right: a predicate for `when` that is written in place, after an answer that is written in
 * place, comes too late to tell which errors the answer gets and which remain. Name a tag, or a refinement.
 *
 * **Example** (By tag)
 *
 * ```ts import.meta.vitest
 * import { Data, Effect } from "effect"
 * import { Fallback } from "effect-resilience"
 *
 * class Busy extends Data.TaggedError("Busy")<{ readonly queue: number }> {}
 * class Wrong extends Data.TaggedError("Wrong") {}
 *
 * const call = Effect.fail(new Busy({ queue: 7 })) as Effect.Effect<string, Busy | Wrong>
 * const answer: Effect.Effect<string, Wrong> = call.pipe(
 *   Fallback.orElse((busy) => Effect.succeed(`${busy.queue} before you`), { when: "Busy" })
 * )
 *
 * Effect.runSync(answer) // => "7 before you"
 * ```
 */
export const orElse: OrElse = dual(
  (args) => Effect.isEffect(args[0]),
  (self: AnyEffect, answer: (error: unknown) => AnyEffect, options?: AnyOptions) =>
    guard(self, "function", options, (error) => ({ effect: Effect.suspend(() => answer(error)) }))
)

/** Answers with a value, computed anew for each call. `null` and `undefined` are values. It gets the error. */
export const orElseSucceed: OrElseSucceed = dual(
  (args) => Effect.isEffect(args[0]),
  (self: AnyEffect, value: (error: unknown) => unknown, options?: AnyOptions) =>
    guard(self, "value", options, (error) => ({ effect: Effect.sync(() => value(error)) }))
)

/**
 * Tries other effects in their order; the first that succeeds answers. If none does, the error is that of the last.
 */
export const chain: {
  <const Others extends Arr.NonEmptyReadonlyArray<AnyEffect>>(
    others: Others,
    options?: undefined
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A | Effect.Success<Others[number]>, ErrorOfLast<Others>, R | Effect.Services<Others[number]>>
  <A, E, R, const Others extends Arr.NonEmptyReadonlyArray<AnyEffect>>(
    self: Effect.Effect<A, E, R>,
    others: Others,
    options?: WhenAny
  ): Effect.Effect<A | Effect.Success<Others[number]>, ErrorOfLast<Others>, R | Effect.Services<Others[number]>>
  // last, because the messages of TypeScript are about the last form
  <const Others extends Arr.NonEmptyReadonlyArray<AnyEffect>>(
    others: Others,
    options: WhenAny | undefined
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A | Effect.Success<Others[number]>, ErrorOfLast<Others>, R | Effect.Services<Others[number]>>
} = dual(
  (args) => Effect.isEffect(args[0]),
  (self: AnyEffect, others: ReadonlyArray<AnyEffect>, options?: CallOptions) =>
    guard(self, "chain", options, () => firstOf(others, options?.service))
)

/** The call is counted once, by the first guard; the others only tell of themselves. */
const firstOf = ([first, ...others]: ReadonlyArray<AnyEffect>, service = "default"): ReturnType<Recovery.Answer> => {
  if (first === undefined) return undefined
  const step = (before: AnyEffect, effect: AnyEffect): AnyEffect =>
    Recovery.guard(before, { type: "chain", service, when: undefined, answer: () => ({ effect }) }, () => undefined)
  return { effect: others.reduce(step, first) }
}

/** Answers `true`: allow when nobody can be asked. */
export const failOpen: Answering<boolean, boolean> = answering("fail_open", () => true)

/** Answers `false`: deny when nobody can be asked. */
export const failClosed: Answering<boolean, boolean> = answering("fail_closed", () => false)

/** Answers with an empty array, a new one for each call. */
export const orEmpty: Answering<ReadonlyArray<unknown>, Array<never>> = answering("empty", () => [])

/** The settings of a cache of last good values. */
export const CacheOptions = Schema.Struct({
  capacity: Fields.defaulted(Fields.PositiveInt, 1_000, {
    description: "How many keys are remembered; beyond it, the least recently used one is forgotten"
  }),
  timeToLive: Fields.defaulted(Fields.PositiveDuration, Duration.hours(1), {
    description: "How long a value is an answer"
  })
})

/** The last good values of a service by key. */
export interface Cache<in out A> {
  readonly service: string
  readonly values: LastGood.LastGood<A>
}

/**
 * Makes a cache of last good values for {@link cached} and {@link stale}. Make it once and keep it. Wrong options are a
 * defect that names each of them.
 */
export const makeCache = <A>({
  service = "default",
  ...options
}: CallOptions & typeof CacheOptions.Encoded = {}): Effect.Effect<Cache<A>> =>
  Effect.sync(() => {
    const { capacity, timeToLive } = Fields.decodeOrThrow(
      "Fallback.makeCache",
      { options: CacheOptions, ineffective: [] },
      options
    )
    return { service, values: LastGood.make<A>(capacity, Duration.toMillis(timeToLive)) }
  })

/**
 * Remembers the values of successful calls, and answers with the last one of the same key. Without one, or once it is as old
 * as the cache's `timeToLive`, the original error remains.
 *
 * **Gotchas**
 *
 * Callers share the remembered value: do not change it.
 *
 * **Example** (The last good profile)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Fallback } from "effect-resilience"
 *
 * const program = Effect.gen(function* () {
 *   const profiles = yield* Fallback.makeCache<string>({ service: "profiles", timeToLive: "10 minutes" })
 *   yield* Effect.succeed("Ada").pipe(Fallback.cached(profiles, "user-1"))
 *   return yield* Effect.fail("down").pipe(Fallback.cached(profiles, "user-1"))
 * })
 *
 * Effect.runSync(program) // => "Ada"
 * ```
 */
export const cached: {
  <A>(cache: Cache<A>, key: string): <E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(self: Effect.Effect<A, E, R>, cache: Cache<A>, key: string): Effect.Effect<A, E, R>
} = dual(3, <A, E, R>(self: Effect.Effect<A, E, R>, cache: Cache<A>, key: string) =>
  recalling(self, "cached", cache, key, Infinity)
)

/**
 * Like {@link cached}, but says so: each answer is a warning with the age of the value, which is less than `maxAge`.
 *
 * **Gotchas**
 *
 * The cache forgets after its `timeToLive`, by default an hour: make it at least as long as `maxAge`.
 */
export const stale: {
  <A>(
    cache: Cache<A>,
    key: string,
    options: { readonly maxAge: Duration.Input }
  ): <E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    cache: Cache<A>,
    key: string,
    options: { readonly maxAge: Duration.Input }
  ): Effect.Effect<A, E, R>
} = dual(
  4,
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    cache: Cache<A>,
    key: string,
    { maxAge }: { readonly maxAge: Duration.Input }
  ) => recalling(self, "stale", cache, key, Duration.toMillis(maxAge))
)

const recalling = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  type: "cached" | "stale",
  { service, values }: Cache<A>,
  key: string,
  maxAgeMillis: number
): Effect.Effect<A, E, R> => {
  const recovery: Recovery.Recovery = {
    type,
    service,
    when: undefined,
    severity: type === "stale" ? "Warn" : "Info",
    onSuccess: (value, fiber) => values.remember(key, value as A, Policy.monotonicMillis(fiber)),
    answer: (_, fiber) => {
      const found = values.recall(key, Policy.monotonicMillis(fiber))
      if (found === undefined || found.ageMillis >= maxAgeMillis) return undefined
      return { effect: Effect.succeed(found.value), attributes: { age_millis: found.ageMillis } }
    }
  }
  return Recovery.guard(self, recovery, recordOf(service)) as Effect.Effect<A, E, R>
}
