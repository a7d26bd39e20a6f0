/**
 * Tries a failed call again, when that makes sense.
 *
 * **Details**
 *
 * Whether it does is decided by classification (see `Classifier`), never by hope: in this order, the class of the error, the
 * attempts, the deadline, the budget. Then it waits. When attempts run out, the last error is returned unchanged. A defect or
 * an interruption is never retried.
 *
 * The wait follows the class. An overloaded dependency (529) and a used-up rate limit (429) have profiles of their own, and
 * any error can name the earliest time for another attempt (`Retry-After`).
 *
 * **Example** (A flaky call)
 *
 * ```ts import.meta.vitest
 * import { Effect, Fiber, Ref } from "effect"
 * import { TestClock } from "effect/testing"
 * import { Retry } from "effect-resilience"
 *
 * const program = Effect.gen(function* () {
 *   const calls = yield* Ref.make(0)
 *   const flaky = Ref.updateAndGet(calls, (n) => n + 1).pipe(
 *     Effect.filterOrFail((n) => n === 3, () => "not yet")
 *   )
 *   const retry = yield* Retry.make({ maxAttempts: 3, jitter: "none" })
 *   const fiber = yield* flaky.pipe(Retry.withRetry(retry), Effect.forkChild)
 *   yield* TestClock.adjust("3 seconds")
 *   return yield* Fiber.join(fiber)
 * })
 *
 * await Effect.runPromise(program.pipe(Effect.provide(TestClock.layer()))) // => 3
 * ```
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import * as Random from "effect/Random"
import * as Schedule from "effect/Schedule"
import * as Schema from "effect/Schema"
import * as Backoff from "../core/Backoff.ts"
import * as Machine from "../core/Retry.ts"
import * as RecentlyUsed from "../core/RecentlyUsed.ts"
import * as RetryBudget from "../core/RetryBudget.ts"
import type * as Classifier from "./Classifier.ts"
import * as Attempts from "./internal/Attempts.ts"
import { noTotals, succeedIn, type Totals } from "./internal/retryTotals.ts"
import * as Keyed from "./internal/Keyed.ts"
import * as Kinds from "./internal/kind.ts"
import { changed } from "./internal/live.ts"
import * as Fields from "./internal/options.ts"
import { instruments } from "./internal/retryMetrics.ts"
import type { RetryExhaustedError } from "./internal/RetryExhaustedError.ts"
import { backoffFields, Budget, Overload, RateLimit } from "./internal/retryFields.ts"
import { budgetOf, settingsOf } from "./internal/retrySettings.ts"
import * as Stage from "./internal/Stage.ts"
import * as Policy from "./Policy.ts"

export { metrics } from "./internal/retryMetrics.ts"
export { RetryExhaustedError } from "./internal/RetryExhaustedError.ts"

/**
 * The settings of a retry.
 *
 * **Details**
 *
 * `overload` and `rateLimit` are for failures of these classes. The attempts of all classes count together, and
 * `maxAttempts: 1` switches all retries off. Without `budget`, retries are not limited by the number of calls; the
 * configuration of `Resilience` always sets one.
 */
export const Options = Schema.Struct({
  maxAttempts: Fields.defaulted(Fields.PositiveInt, 3, { description: "Calls, the first included" }),
  ...backoffFields("exponential", Duration.seconds(1), Duration.seconds(10), "equal"),
  retryAfterMax: Fields.defaulted(Fields.LimitDuration, Duration.seconds(120), {
    description: "The longest wait that a dependency's own hint can ask for; zero: hints do not count"
  }),
  overload: Fields.group(Overload, { description: "Retries of calls that an overloaded dependency refused" }),
  rateLimit: Fields.group(RateLimit, { description: "Retries of calls beyond a rate limit" }),
  budget: Fields.optionalGroup(Budget, { description: "Bounds retries to a share of the recent calls plus a floor" }),
  ...Keyed.fields
})
/** Valid settings. */
export type Options = typeof Options.Type
/** Settings as they are written: everything has a default. */
export type OptionsInput = typeof Options.Encoded

/** What happens when attempts run out: the last error as it was, or a wrapper with the causes of all attempts. */
export type OnExhausted = "last" | "wrap"

/** The errors of a retried effect. */
export type Exhausted<E, O extends OnExhausted> = O extends "wrap" ? E | RetryExhaustedError<E> : E

/** The settings, and the name of the dependency (default "default"). */
export interface MakeOptions<out O extends OnExhausted = OnExhausted> extends OptionsInput {
  readonly service?: string | undefined
  /** Default "last". */
  readonly onExhausted?: O | undefined
}

/** What cannot be written as data. What these functions throw is a defect of the call. */
export interface Functions<in E = unknown> {
  /** Classifies an error at a wall-clock time; `undefined` leaves it to {@link Classifier.classify}. */
  readonly classify?: ((error: E, now: number) => Classifier.Classification | undefined) | undefined
  /** Only errors for which this is true are retried, if their class allows it. */
  readonly while?: ((error: E) => boolean) | undefined
}

/** What a single call may choose. A key has a budget of its own. */
export interface CallOptions<in E = unknown, out O extends OnExhausted = OnExhausted>
  extends Policy.CallOptions, Functions<E> {
  readonly onExhausted?: O | undefined
}

/** What a single call may choose without a look at its errors. */
export interface PlainCallOptions<out O extends OnExhausted = OnExhausted> extends Policy.CallOptions {
  readonly onExhausted?: O | undefined
  readonly classify?: undefined
  readonly while?: undefined
}

/** A retry was scheduled, the attempts ran out, or a retry was not made for want of budget or time. */
export interface Event extends Policy.Event {
  readonly _tag: "RetryScheduled" | "RetryExhausted" | "RetryAbandoned"
  readonly kind: "retry"
}

/** What is true of a retry now. The counts are those since it was made, and include the keys. */
export interface Snapshot extends Policy.Snapshot, Readonly<Totals> {
  readonly kind: "retry"
  readonly maxAttempts: number
  /** Retries that the budget allows now; missing without a budget. */
  readonly budget: Option.Option<number>
}

/** A retry. */
export interface Retry<O extends OnExhausted = "last"> extends Policy.Instance {
  readonly kind: "retry"
  readonly options: Options
  /** Changes options while it runs. The budget cannot change. */
  readonly reconfigure: (changes: OptionsInput) => Effect.Effect<void>
  /** The most attempts and the most waiting that one call can cause, hints of the dependency aside. */
  readonly worstCase: { readonly attempts: number; readonly waitMillis: number }
  /** Guards an effect. */
  readonly execute: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, Exhausted<E, O>, R>
  /** Guards an effect, with the options of one call. */
  readonly executeWith: <O2 extends OnExhausted = O>(
    call: CallOptions<unknown, O2>
  ) => <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, Exhausted<E, O2>, R>
  /** With a key, the budget of that key. */
  readonly snapshot: (now: number, key?: string) => Snapshot
}

/** Makes a retry. Wrong options are a defect that names each of them. */
export const make = <const O extends OnExhausted = "last">(
  options?: MakeOptions<O>,
  functions?: Functions
): Effect.Effect<Retry<O>> => Effect.sync(() => makeUnsafe(options, functions))

/** Makes a retry outside of an effect; throws on wrong options. */
export const makeUnsafe = <const O extends OnExhausted = "last">(
  { onExhausted, service = "default", ...options }: MakeOptions<O> = {},
  functions?: Functions
): Retry<O> =>
  fromOptions<O>(service, Fields.decodeOrThrow("Retry.make", decoding, options), functions, onExhausted === "wrap")

const decoding: Kinds.Decoding<Options> = {
  id: "retry",
  options: Options,
  ineffective: [],
  fixed: ["budget", "maxKeys", "keyIdleTime"]
}

/** What the registry, metrics and operators' tools need to know about retries. */
export const Kind: Policy.Kind<Retry, Options> = /* @__PURE__ */ Kinds.declare(decoding, () => ({
  make: (service, options, home) => fromOptions(service, options, undefined, false, home?.observe),
  instruments: instruments(),
  outcomes: (retry, now) => {
    const { exhausted, failures, interrupted, successes } = retry.snapshot(now)
    return { success: successes, failure: failures, exhausted, interrupted }
  },
  commands: []
}))

/**
 * Retries an effect: with the retry of a service, or an instance.
 *
 * **Gotchas**
 *
 * The effect runs again from its start: what it did before it failed is done again.
 */
export const withRetry: {
  <const O extends OnExhausted = "last">(
    service: string,
    call?: PlainCallOptions<O>
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, Exhausted<E, O>, R | Policy.ResilienceRegistry>
  <E, const O extends OnExhausted = "last">(
    service: string,
    call: CallOptions<NoInfer<E>, O> | undefined
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, Exhausted<E, O>, R | Policy.ResilienceRegistry>
  <O extends OnExhausted, const O2 extends OnExhausted = O>(
    retry: Retry<O>,
    call?: PlainCallOptions<O2>
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, Exhausted<E, O2>, R>
  <E, O extends OnExhausted, const O2 extends OnExhausted = O>(
    retry: Retry<O>,
    call: CallOptions<NoInfer<E>, O2> | undefined
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, Exhausted<E, O2>, R>
  <A, E, R, O extends OnExhausted, const O2 extends OnExhausted = O>(
    self: Effect.Effect<A, E, R>,
    retry: Retry<O>,
    call?: CallOptions<NoInfer<E>, O2>
  ): Effect.Effect<A, Exhausted<E, O2>, R>
  <A, E, R, const O extends OnExhausted = "last">(
    self: Effect.Effect<A, E, R>,
    service: string,
    call?: CallOptions<NoInfer<E>, O>
  ): Effect.Effect<A, Exhausted<E, O>, R | Policy.ResilienceRegistry>
  // last, because the messages of TypeScript are about the last form
  <E, O extends OnExhausted = "last", const O2 extends OnExhausted = O>(
    target: string | Retry<O>,
    call?: CallOptions<NoInfer<E>, O2>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, Exhausted<E, O2>, R | Policy.ResilienceRegistry>
} = /* @__PURE__ */ dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    target: string | Retry<OnExhausted>,
    call?: CallOptions
  ): Effect.Effect<A, Exhausted<E, OnExhausted>, R | Policy.ResilienceRegistry> =>
    Policy.withInstance(Kind, target, self, (retry) => apply(retry, self, call))
)

const apply = <A, E, R, O extends OnExhausted>(
  retry: Retry<O>,
  self: Effect.Effect<A, E, R>,
  call: CallOptions<unknown, OnExhausted> | undefined
): Effect.Effect<A, Exhausted<E, OnExhausted>, R> =>
  call === undefined ? retry.execute(self) : retry.executeWith(call)(self)

/** What a schedule of delays needs to know. */
export type ScheduleOptions = Pick<
  OptionsInput,
  "maxAttempts" | "strategy" | "baseDelay" | "factor" | "maxDelay" | "jitter"
>

/**
 * The delays as a `Schedule`, for `Effect.retry`, `Effect.repeat` and everything else that takes one. It recurs
 * `maxAttempts - 1` times and gives the delay. Classification, budget and deadline are not part of it.
 */
export const schedule = (options: ScheduleOptions = {}): Schedule.Schedule<Duration.Duration> => {
  const { backoff, maxAttempts } = settingsOf(Fields.decodeOrThrow("Retry.schedule", decoding, options)).retryable
  return Schedule.fromStepWithMetadata(
    Effect.sync(() => {
      let previous = 0
      return ({ attempt }) => {
        if (attempt >= maxAttempts) return Cause.done(Duration.millis(previous))
        return Effect.map(Random.next, (random) => {
          previous = Backoff.delayMillis(backoff, attempt, previous, random)
          const delay = Duration.millis(previous)
          return [delay, delay] satisfies [Duration.Duration, Duration.Duration]
        })
      }
    })
  )
}

/** The classes of failures after which there are more attempts than usual, or fewer. */
const exceptions = ({ overloaded, "rate-limited": rateLimited, retryable }: Machine.Settings): string => {
  const all = [
    { maxAttempts: overloaded.maxAttempts, when: "when overloaded" },
    { maxAttempts: rateLimited.maxAttempts, when: "beyond a rate limit" }
  ].filter(({ maxAttempts }) => maxAttempts !== retryable.maxAttempts)
  return all.length === 0 ? "" : ` (${all.map(({ maxAttempts, when }) => `${maxAttempts} ${when}`).join(", ")})`
}

/** The budget of a key, if there are budgets. */
interface KeyedBudget extends RecentlyUsed.Entry<KeyedBudget> {
  readonly state: RetryBudget.State | undefined
}

const fromOptions = <O extends OnExhausted>(
  service: string,
  initial: Options,
  functions: Functions | undefined,
  wraps: boolean,
  home?: Policy.Observer
): Retry<O> & Stage.Staged => {
  let options = initial
  const budget = budgetOf(options)
  const totals = noTotals()
  const settings = settingsOf(options)
  const shared: Attempts.Shared = { service, home, settings, budget, totals, succeed: succeedIn(totals) }
  const makeBudget = () => budget && RetryBudget.initial(budget)
  const main = makeBudget()
  const keyed = Keyed.make<KeyedBudget>(
    options,
    (key) => ({ ...RecentlyUsed.newEntry(key), state: makeBudget() }),
    ({ state }) => state !== undefined && state.reserved > 0
  )
  const own: Attempts.Choices = { classify: functions?.classify, isWanted: functions?.while, wraps }
  const choicesOf = (call: CallOptions | undefined): Attempts.Choices => ({
    classify: call?.classify ?? own.classify,
    isWanted: call?.while ?? own.isWanted,
    wraps: call?.onExhausted === undefined ? wraps : call.onExhausted === "wrap"
  })
  const budgetFor = (key: string | undefined) => (fiber: Fiber.Fiber<unknown, unknown>) =>
    key === undefined ? main : keyed.get(fiber, key).state
  const guard = (call: CallOptions | undefined) => {
    const choices = choicesOf(call)
    const budgetOf = budgetFor(call?.key)
    return <A, E, R>(self: Effect.Effect<A, E, R>) => new Attempts.Guarded(shared, budgetOf, self, choices)
  }
  return {
    kind: "retry",
    service,
    get options() {
      return options
    },
    reconfigure: (changes) =>
      Effect.sync(() => {
        options = changed(decoding, options, changes)
        shared.settings = settingsOf(options)
      }),
    get worstCase() {
      return Machine.worstCase(shared.settings)
    },
    describe: () => {
      const { baseDelay, jitter, maxAttempts, maxDelay, strategy } = options
      const delays = `${strategy} delays from ${Duration.format(baseDelay)} to ${Duration.format(maxDelay)}`
      const limit = budget === undefined ? "no budget" : `a budget of ${Number((budget.ratio * 100).toFixed(2))} %`
      const attempts = maxAttempts === 1 ? "1 attempt" : `${maxAttempts} attempts`
      return `${attempts}${exceptions(shared.settings)}, ${delays}, jitter ${jitter}, ${limit}`
    },
    execute: guard(undefined) as Retry<O>["execute"],
    executeWith: guard as Retry<O>["executeWith"],
    [Stage.key]: (call: CallOptions | undefined) => Attempts.stage(shared, budgetFor(call?.key), choicesOf(call)),
    snapshot: (now, key) => {
      const state = key === undefined ? main : (keyed.peek(key, now)?.state ?? makeBudget())
      return {
        kind: "retry",
        service,
        maxAttempts: options.maxAttempts,
        budget: Option.fromUndefinedOr(state && budget && RetryBudget.available(state, budget, now)),
        ...totals
      }
    }
  }
}
