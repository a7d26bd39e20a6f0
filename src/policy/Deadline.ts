/**
 * The time in which all of a call must be over: attempts, waits and queues together.
 *
 * **Details**
 *
 * A deadline is a value in the context. Whatever runs under it can see how much time is left: a timeout shortens itself, a
 * retry does not sleep past it, and a deadline inside can only be earlier. When it passes, the effect is interrupted. A
 * call under a deadline that has already passed is not made.
 *
 * **Gotchas**
 *
 * A fiber inherits the deadline that it is forked under. One that goes on after the call has ended, such as a worker in the
 * background, keeps it, and once it has passed every call with a limit fails there. Fork such work with
 * {@link withoutDeadline}, and detached or in a scope: a child is interrupted when the call ends.
 *
 * **Example** (A total for all attempts)
 *
 * ```ts import.meta.vitest
 * import { Effect, Fiber } from "effect"
 * import { TestClock } from "effect/testing"
 * import { Deadline } from "effect-resilience"
 *
 * const program = Effect.gen(function* () {
 *   const fiber = yield* Effect.never.pipe(Deadline.withDeadline("2 seconds"), Effect.flip, Effect.forkChild)
 *   yield* TestClock.adjust("2 seconds")
 *   const error = yield* Fiber.join(fiber)
 *   return error.scope
 * })
 *
 * await Effect.runPromise(program.pipe(Effect.provide(TestClock.layer()))) // => "total"
 * ```
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Option from "effect/Option"
import * as Schema from "effect/Schema"
import type * as Histogram from "../core/Histogram.ts"
import * as Kinds from "./internal/kind.ts"
import { changed } from "./internal/live.ts"
import * as LimitedRun from "./internal/limitedRun.ts"
import * as LimitTarget from "./internal/limitTarget.ts"
import * as Fields from "./internal/options.ts"
import * as TimeLimit from "./internal/TimeLimit.ts"
import type { TimeoutExceededError } from "./internal/TimeoutExceededError.ts"
import * as Policy from "./Policy.ts"

export { CurrentDeadline } from "./internal/TimeLimit.ts"
export { TimeoutExceededError } from "./internal/TimeoutExceededError.ts"

/** The settings of a deadline. */
export const Options = Schema.Struct({
  duration: Fields.defaulted(Fields.PositiveDuration, Duration.infinity, {
    description: "Time for all attempts and waits together; Infinity: no limit",
    variable: ""
  })
})
/** Valid settings. */
export type Options = typeof Options.Type
/** Settings as they are written: everything has a default. */
export type OptionsInput = typeof Options.Encoded

/** The settings, and the name of the dependency (default "default"). */
export interface MakeOptions extends OptionsInput {
  readonly service?: string | undefined
}

/** A deadline passed: told once, whichever of the limits inside it notices first. */
export interface Event extends Policy.Event {
  readonly _tag: "TimeoutExceeded"
  readonly kind: "deadline"
}

/** What is true of a deadline now. The counts are those since it was made. */
export interface Snapshot extends Policy.Snapshot, Readonly<TimeLimit.Totals> {
  readonly kind: "deadline"
  readonly duration: Duration.Duration
}

/** A deadline that starts with each call. */
export interface Deadline extends Policy.Guard<TimeoutExceededError> {
  readonly kind: "deadline"
  readonly options: Options
  /** Changes options for calls that begin later. */
  readonly reconfigure: (changes: OptionsInput) => Effect.Effect<void>
  readonly snapshot: (now: number) => Snapshot
  /** How long the limited calls took, in seconds. */
  readonly elapsedSeconds: Histogram.Histogram
}

/** Makes a deadline. Wrong options are a defect that names each of them. */
export const make = (options?: MakeOptions): Effect.Effect<Deadline> => Effect.sync(() => makeUnsafe(options))

/** Makes a deadline outside of an effect; throws on wrong options. */
export const makeUnsafe = ({ service = "default", ...options }: MakeOptions = {}): Deadline =>
  fromOptions(service, Fields.decodeOrThrow("Deadline.make", decoding, options))

const decoding: Kinds.Decoding<Options> = {
  id: "deadline",
  options: Options,
  ineffective: [],
  fixed: []
}

/** What the registry, metrics and operators' tools need to know about deadlines. */
export const Kind: Policy.Kind<Deadline, Options> = /* @__PURE__ */ Kinds.declare(decoding, () => ({
  make: (service, options, home) => fromOptions(service, options, home?.observe),
  instruments: TimeLimit.instruments(() => TimeLimit.TOTAL),
  outcomes: (deadline, now) => TimeLimit.outcomes(deadline.snapshot(now)),
  commands: []
}))

/** The time that is left to the running fiber; none without a deadline. Never negative. */
export const remaining: Effect.Effect<Option.Option<Duration.Duration>> = Effect.withFiber((fiber) => {
  const millis = TimeLimit.remainingMillis(fiber, Policy.monotonicMillis(fiber))
  return Effect.succeed(millis === Infinity ? Option.none() : Option.some(Duration.millis(Math.max(0, millis))))
})

/**
 * Limits the total time of an effect: by the deadline of a service, an instance, or a duration that starts with the call.
 *
 * **Gotchas**
 *
 * A duration of zero or less has passed already, and so has NaN: the effect is not run. A text that tries to be a duration, such
 * as "1s", is a defect.
 */
export const withDeadline: {
  (
    duration: Duration.Input | Deadline
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | TimeoutExceededError, R>
  (
    service: string
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TimeoutExceededError, R | Policy.ResilienceRegistry>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    duration: Duration.Input | Deadline
  ): Effect.Effect<A, E | TimeoutExceededError, R>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    service: string
  ): Effect.Effect<A, E | TimeoutExceededError, R | Policy.ResilienceRegistry>
  // last, because the messages of TypeScript are about the last form
  (
    target: Duration.Input | Deadline | string
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TimeoutExceededError, R | Policy.ResilienceRegistry>
} = /* @__PURE__ */ dual(
  2,
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    target: Duration.Input | string | Deadline
  ): Effect.Effect<A, E | TimeoutExceededError, R | Policy.ResilienceRegistry> =>
    LimitTarget.apply(Kind, target, self, (duration) => guard(self, () => duration, unnamed))
)

/**
 * Frees an effect from the deadline that it runs under.
 *
 * **When to use**
 *
 * For work that the call only starts and does not wait for, and for clean-up that must be done in any case. An effect that
 * the call waits for is still interrupted with it.
 *
 * **Example** (Work in the background)
 *
 * ```ts import.meta.vitest
 * import { Effect, Fiber, Option } from "effect"
 * import { Deadline } from "effect-resilience"
 *
 * const refresh = Effect.map(Deadline.remaining, Option.isSome)
 * const program = Effect.forkDetach(Deadline.withoutDeadline(refresh)).pipe(
 *   Deadline.withDeadline("1 second"),
 *   Effect.flatMap(Fiber.join)
 * )
 *
 * await Effect.runPromise(program) // => false
 * ```
 */
export const withoutDeadline = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(self, TimeLimit.CurrentDeadline, undefined)

/** Calls limited by a bare duration, whoever makes them. */
const unnamed = new TimeLimit.LimitedCalls("default", TimeLimit.TOTAL)

const fromOptions = (service: string, initial: Options, home?: Policy.Observer): Deadline => {
  let options = initial
  const calls = new TimeLimit.LimitedCalls(service, TimeLimit.TOTAL, home)
  const execute: Deadline["execute"] = (self) => guard(self, () => options.duration, calls)
  return {
    kind: "deadline",
    service,
    get options() {
      return options
    },
    reconfigure: (changes) =>
      Effect.sync(() => {
        options = changed(decoding, options, changes)
      }),
    execute,
    executeWith: () => execute,
    describe: () => `${Duration.format(options.duration)} for all attempts and waits`,
    snapshot: () => ({ kind: "deadline", service, duration: options.duration, ...calls.totals }),
    elapsedSeconds: calls.elapsedSeconds
  }
}

const guard = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  durationNow: () => Duration.Duration,
  calls: TimeLimit.LimitedCalls
): Effect.Effect<A, E | TimeoutExceededError, R> =>
  Effect.withFiber<A, E | TimeoutExceededError, R>((fiber) => {
    const now = Policy.monotonicMillis(fiber)
    const { home, service } = calls
    const duration = durationNow()
    const own: TimeLimit.Deadline = { at: now + Duration.toMillis(duration), service, duration, home }
    const outer = TimeLimit.deadlineOf(fiber)
    const deadline = outer !== undefined && outer.at <= own.at ? outer : own
    if (deadline.at === Infinity) return calls === unnamed ? self : LimitedRun.measure(calls, fiber, self)
    const context = deadline === own ? Context.add(fiber.context, TimeLimit.CurrentDeadline, own) : fiber.context
    return LimitedRun.runUntil(calls, fiber, self, context, now, deadline)
  })
