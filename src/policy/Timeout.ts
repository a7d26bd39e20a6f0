/**
 * Limits the time of one attempt.
 *
 * **Details**
 *
 * The effect is interrupted and fails with `TimeoutExceededError`. Only the own limit becomes that error: a timeout from
 * inside passes unchanged. Under a deadline the limit is what is left of it, if that is less.
 *
 * Of a protected stream (see `ProtectedStream`), it limits how long the consumer waits: for the first element, and then for
 * each next one. What is recorded as its time is the time to the first element.
 *
 * **Gotchas**
 *
 * An interruption waits for finalizers, and work that cannot be interrupted is waited for. Its late value is dropped.
 *
 * **Example** (By duration)
 *
 * ```ts import.meta.vitest
 * import { Effect, Fiber } from "effect"
 * import { TestClock } from "effect/testing"
 * import { Timeout } from "effect-resilience"
 *
 * const program = Effect.gen(function* () {
 *   const fiber = yield* Effect.never.pipe(Timeout.withTimeout("500 millis"), Effect.flip, Effect.forkChild)
 *   yield* TestClock.adjust("500 millis")
 *   const error = yield* Fiber.join(fiber)
 *   return error.message
 * })
 *
 * const message = await Effect.runPromise(program.pipe(Effect.provide(TestClock.layer())))
 * message // => 'the call of "default" exceeded its time limit of 500ms'
 * ```
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import type * as Histogram from "../core/Histogram.ts"
import * as Kinds from "./internal/kind.ts"
import { changed } from "./internal/live.ts"
import * as LimitedRun from "./internal/limitedRun.ts"
import * as LimitTarget from "./internal/limitTarget.ts"
import * as Fields from "./internal/options.ts"
import * as StreamLimit from "./internal/StreamLimit.ts"
import { streamOf } from "./internal/StreamProgress.ts"
import * as TimeLimit from "./internal/TimeLimit.ts"
import type { TimeoutExceededError } from "./internal/TimeoutExceededError.ts"
import * as Stage from "./internal/Stage.ts"
import * as Policy from "./Policy.ts"

export { TimeoutExceededError } from "./internal/TimeoutExceededError.ts"

/** The settings of a timeout. */
export const Options = Schema.Struct({
  duration: Fields.defaulted(Fields.PositiveDuration, Duration.seconds(30), {
    description: "Time for one attempt; Infinity: no limit",
    variable: ""
  }),
  firstElement: Fields.optional(Fields.PositiveDuration, {
    description: "Of a stream: time to the first element; by default that for one attempt"
  }),
  idle: Fields.optional(Fields.PositiveDuration, {
    description: "Of a stream: time from one element to the next; by default that for one attempt"
  }),
  operationType: Fields.optional(Schema.NonEmptyString, {
    description: "Kind of operation, for defaults and metrics; by default the service's own name"
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

/** A call exceeded the time of an attempt. When a deadline shortened that, the event is the deadline's. */
export interface Event extends Policy.Event {
  readonly _tag: "TimeoutExceeded"
  readonly kind: "timeout"
}

/** What is true of a timeout now. The counts are those since it was made. */
export interface Snapshot extends Policy.Snapshot, Readonly<TimeLimit.Totals> {
  readonly kind: "timeout"
  readonly duration: Duration.Duration
  readonly operationType: string
}

/** A time limit for attempts. */
export interface Timeout extends Policy.Guard<TimeoutExceededError> {
  readonly kind: "timeout"
  readonly options: Options
  /** Changes options for calls that begin later. */
  readonly reconfigure: (changes: OptionsInput) => Effect.Effect<void>
  readonly operationType: string
  readonly snapshot: (now: number) => Snapshot
  /** How long the limited calls took, in seconds. */
  readonly elapsedSeconds: Histogram.Histogram
}

/** The names of the metrics. */
export const metrics = TimeLimit.metrics

/** Makes a timeout. Wrong options are a defect that names each of them. */
export const make = (options?: MakeOptions): Effect.Effect<Timeout> => Effect.sync(() => makeUnsafe(options))

/** Makes a timeout outside of an effect; throws on wrong options. */
export const makeUnsafe = ({ service = "default", ...options }: MakeOptions = {}): Timeout =>
  fromOptions(service, Fields.decodeOrThrow("Timeout.make", decoding, options))

const decoding: Kinds.Decoding<Options> = {
  id: "timeout",
  options: Options,
  ineffective: [],
  fixed: ["operationType"]
}

/** What the registry, metrics and operators' tools need to know about timeouts. */
export const Kind: Policy.Kind<Timeout, Options> = /* @__PURE__ */ Kinds.declare(decoding, () => ({
  make: (service, options, home) => fromOptions(service, options, home?.observe),
  instruments: TimeLimit.instruments(({ operationType }) => operationType),
  outcomes: (timeout, now) => TimeLimit.outcomes(timeout.snapshot(now)),
  commands: []
}))

/**
 * Limits the time of an effect: by the timeout of a service, an instance, or a duration.
 *
 * **Gotchas**
 *
 * A duration given here may have been computed: zero or less means no limit, and so does NaN. In options it is an error. A text
 * that tries to be a duration, such as "1s", is a defect.
 */
export const withTimeout: {
  (
    duration: Duration.Input | Timeout
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | TimeoutExceededError, R>
  (
    service: string
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TimeoutExceededError, R | Policy.ResilienceRegistry>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    duration: Duration.Input | Timeout
  ): Effect.Effect<A, E | TimeoutExceededError, R>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    service: string
  ): Effect.Effect<A, E | TimeoutExceededError, R | Policy.ResilienceRegistry>
  // last, because the messages of TypeScript are about the last form
  (
    target: Duration.Input | Timeout | string
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | TimeoutExceededError, R | Policy.ResilienceRegistry>
} = /* @__PURE__ */ dual(
  2,
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    target: Duration.Input | string | Timeout
  ): Effect.Effect<A, E | TimeoutExceededError, R | Policy.ResilienceRegistry> =>
    LimitTarget.apply(Kind, target, self, (duration) => guard(self, () => ({ duration }), unnamed))
)

/** Calls limited by a bare duration, whoever makes them. */
const unnamed = new TimeLimit.LimitedCalls("default", "default")

const fromOptions = (service: string, initial: Options, home?: Policy.Observer): Timeout & Stage.Staged => {
  let options = initial
  const { operationType = service } = initial
  const calls = new TimeLimit.LimitedCalls(service, operationType, home)
  const execute: Timeout["execute"] = (self) => guard(self, () => options, calls)
  return {
    kind: "timeout",
    service,
    operationType,
    get options() {
      return options
    },
    reconfigure: (changes) =>
      Effect.sync(() => {
        options = changed(decoding, options, changes)
      }),
    execute,
    executeWith: () => execute,
    [Stage.key]: () => stage(() => options.duration, calls),
    describe: () => described(options),
    snapshot: () => ({ kind: "timeout", service, duration: options.duration, operationType, ...calls.totals }),
    elapsedSeconds: calls.elapsedSeconds
  }
}

const described = ({ duration, firstElement, idle }: Options): string => {
  const attempt = `${Duration.format(duration)} for an attempt`
  const first = firstElement === undefined ? [] : [`${Duration.format(firstElement)} to the first element of a stream`]
  const next = idle === undefined ? [] : [`${Duration.format(idle)} to each next element of a stream`]
  return [attempt, ...first, ...next].join(", ")
}

/** The part of {@link guard} that limits a single value by the own duration, since that is over before any deadline. */
const stage = (durationNow: () => Duration.Duration, calls: TimeLimit.LimitedCalls): Stage.Limit => ({
  _tag: "Limit",
  calls,
  limit: (fiber, now) => {
    const duration = durationNow()
    const millis = TimeLimit.limitMillis(duration)
    const deadline = TimeLimit.deadlineOf(fiber)
    if (millis === Infinity || streamOf(fiber) !== undefined) return undefined
    const at = now + millis
    if (deadline !== undefined && deadline.at <= at) return undefined
    return { at, service: calls.service, duration }
  }
})

const guard = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  limitsNow: () => Pick<Options, "duration" | "firstElement" | "idle">,
  calls: TimeLimit.LimitedCalls
): Effect.Effect<A, E | TimeoutExceededError, R> =>
  Effect.withFiber<A, E | TimeoutExceededError, R>((fiber) => {
    const { duration, firstElement = duration, idle = duration } = limitsNow()
    const deadline = TimeLimit.deadlineOf(fiber)
    const stream = streamOf(fiber)
    if (stream !== undefined) {
      const now = Policy.monotonicMillis(fiber)
      if (deadline !== undefined && deadline.at <= now) {
        return LimitedRun.runUntil(calls, fiber, self, fiber.context, now, deadline)
      }
      return StreamLimit.run(calls, fiber, self, now, stream, { firstElement, idle })
    }
    const limit = TimeLimit.limitMillis(duration)
    if (deadline === undefined && limit === Infinity) {
      return calls === unnamed ? self : LimitedRun.measure(calls, fiber, self)
    }
    const now = Policy.monotonicMillis(fiber)
    const remaining = deadline === undefined ? Infinity : deadline.at - now
    if (deadline === undefined || limit < remaining) {
      const at = now + limit
      return LimitedRun.run(calls, fiber, self, fiber.context, now, "attempt", { at, service: calls.service, duration })
    }
    return LimitedRun.runUntil(calls, fiber, self, fiber.context, now, deadline)
  })
