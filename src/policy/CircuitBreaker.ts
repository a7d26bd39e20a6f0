/**
 * Stops calling a dependency that keeps failing, and finds out with a few probes when it is well again.
 *
 * **Example** (A breaker of one's own)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { CircuitBreaker } from "effect-resilience"
 *
 * const program = Effect.gen(function* () {
 *   const breaker = yield* CircuitBreaker.make({ service: "prices", consecutiveFailures: 2 })
 *   const call = Effect.fail("down").pipe(CircuitBreaker.withCircuitBreaker(breaker))
 *   yield* Effect.ignore(call)
 *   yield* Effect.ignore(call)
 *   return yield* Effect.flip(call)
 * })
 *
 * const rejection = Effect.runSync(program)
 * typeof rejection === "string" ? rejection : rejection._tag // => "CircuitBreakerOpenError"
 * ```
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import type * as Option from "effect/Option"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import type * as Machine from "../core/CircuitBreaker.ts"
import { Breaker } from "./internal/Breaker.ts"
import type { Totals } from "./internal/circuitTotals.ts"
import type { Transition } from "./internal/circuitEvents.ts"
import { CircuitBreakerOpenError } from "./internal/CircuitBreakerOpenError.ts"
import { instruments } from "./internal/circuitMetrics.ts"
import { conflicts, ineffective } from "./internal/circuitSettings.ts"
import * as Keyed from "./internal/Keyed.ts"
import type { KeyStates } from "./internal/keyStates.ts"
import { commands } from "./internal/circuitCommands.ts"
import * as Kinds from "./internal/kind.ts"
import { changed } from "./internal/live.ts"
import * as Fields from "./internal/options.ts"
import * as Outcome from "./Outcome.ts"
import * as Policy from "./Policy.ts"

/** Whether the breaker acts ("enforce"), only measures and reports ("observe"), or does nothing ("disabled"). */
export type Mode = typeof Mode.Type
/** Schema of {@link Mode}. */
export const Mode = Schema.Literals(["enforce", "observe", "disabled"])

const fields = Schema.Struct({
  mode: Fields.defaulted(Mode, "enforce", {
    description: "enforce; observe: let everything pass, measure, and report what it would have done; disabled"
  }),
  tripPolicy: Fields.defaulted(Schema.Literals(["consecutive", "count-window", "time-window"]), "consecutive", {
    description: "What opens the circuit: failures in a row, or a rate over the last calls or the last stretch of time"
  }),
  consecutiveFailures: Fields.defaulted(Fields.PositiveInt, 5, {
    description: "Failures in a row that open the circuit",
    variable: "FAIL_MAX"
  }),
  windowSize: Fields.defaulted(Fields.PositiveInt, 100, { description: "Calls in a count window" }),
  windowDuration: Fields.defaulted(Fields.FiniteDuration, Duration.seconds(30), {
    description: "Length of a time window"
  }),
  windowBuckets: Fields.defaulted(Fields.PositiveInt, 10, {
    description: "Parts of a time window; one leaves at a time"
  }),
  minimumCalls: Fields.optional(Fields.PositiveInt, {
    description: "Calls in the window before a rate exists; default 20, in a smaller count window its size"
  }),
  failureRate: Fields.defaulted(Fields.Rate, 0.5, { description: "Share of failed calls that opens the circuit" }),
  slowCallDuration: Fields.optional(Fields.PositiveDuration, {
    description: "A call that takes longer, waits in a queue aside, is slow; without it, slow calls are not watched"
  }),
  slowCallRate: Fields.defaulted(Fields.Rate, 0.5, { description: "Share of slow calls that opens the circuit" }),
  openDuration: Fields.defaulted(Fields.PositiveDuration, Duration.seconds(60), {
    description: "How long the circuit stays open before it lets probes through; Infinity: until it is reset",
    variable: "TIMEOUT"
  }),
  openDurationFactor: Fields.defaulted(Fields.Factor, 1, {
    description: "Growth of the open time for repeated openings"
  }),
  openDurationMax: Fields.optional(Fields.PositiveDuration, {
    description: "The longest open time; default 10 minutes, or the open time itself if that is longer"
  }),
  openDurationJitter: Fields.defaulted(Fields.Share, 0, { description: "Share by which the open time is spread" }),
  retryAfterMax: Fields.defaulted(Fields.LimitDuration, Duration.minutes(10), {
    description: "The longest open time that a failure's own hint can ask for; zero: hints do not count"
  }),
  probes: Fields.defaulted(Fields.PositiveInt, 1, { description: "Calls that a half-open circuit admits at once" }),
  successesToClose: Fields.defaulted(Fields.PositiveInt, 1, {
    description: "Successful probes that close the circuit, at most `probes`"
  }),
  probeTimeout: Fields.defaulted(Fields.FiniteDuration, Duration.seconds(30), {
    description: "A probe without a result after this time, waits in a queue included, counts as failed"
  }),
  ...Keyed.fields
})

/**
 * The settings of a breaker.
 *
 * **Details**
 *
 * `tripPolicy` chooses which of the settings below it count: "consecutive" reads `consecutiveFailures`; "count-window" the
 * last `windowSize` calls and "time-window" the last `windowDuration`, cut into `windowBuckets`, both with `minimumCalls`,
 * `failureRate` and, if `slowCallDuration` is set, `slowCallRate`. A setting that the trip policy does not read is an error.
 *
 * The time that a call waits in the queue of a bulkhead inside the breaker is not the dependency's, so it makes no call slow.
 * It counts where a timeout or a deadline stands between the two, and against `probeTimeout`. If the circuit has not stayed
 * closed meanwhile, the call asks again when its turn comes, unless something else than guards of these two kinds stands between.
 *
 * The open time grows by `openDurationFactor` with every opening that follows too soon on the one before, up to
 * `openDurationMax`; `openDurationJitter` spreads it. A failure with a `retryAfter` lengthens it up to `retryAfterMax`.
 */
export const Options: typeof fields = Fields.related(fields, conflicts)
/** Valid settings. */
export type Options = typeof Options.Type
/** Settings as they are written: everything has a default. */
export type OptionsInput = typeof Options.Encoded

/** The settings, and the name of the dependency (default "default"). */
export interface MakeOptions extends OptionsInput {
  readonly service?: string | undefined
}

/** What cannot be written as data. */
export interface Functions<in A = unknown, in E = unknown> {
  /** Judges a finished call; the default is {@link Outcome.classify}. An interruption alone is never asked about. */
  readonly classify?: Outcome.Classify<A, E> | undefined
}

/** What a single call may choose. */
export interface CallOptions<in A = unknown, in E = unknown> extends Policy.CallOptions, Functions<A, E> {}

/** What a single call may choose without a look at how it ends. */
export interface PlainCallOptions extends Policy.CallOptions {
  readonly classify?: undefined
}

export { CircuitBreakerOpenError, type Transition }

/**
 * What the breaker did: `from` and `to` for a transition, the error's label for a failure, the state for a rejection.
 *
 * **Details**
 *
 * A transition to "Open" says for how long that will be (`open_millis`), one to "Closed" for how long the circuit was not
 * closed (`outage_millis`), and both the `mode` unless that is "enforce". A command for all keys is told once, not for each of them. A probe is an event for calls with a sampled span only.
 */
export interface Event extends Policy.Event {
  readonly _tag:
    | "CircuitBreakerTransition"
    | "CircuitBreakerFailure"
    | "CircuitBreakerRejection"
    | "CircuitBreakerProbe"
  readonly kind: "circuit-breaker"
}

/**
 * What is true of a breaker now. The counts are those since it was made, and include the keys; `state` and what belongs to it
 * are those of the circuit without a key. No key is in it.
 */
export interface Snapshot extends Policy.Snapshot, KeyStates, Readonly<Totals> {
  readonly kind: "circuit-breaker"
  readonly mode: Mode
  readonly state: Machine.State["_tag"]
  /** Repeated openings without a quiet spell in between. */
  readonly openings: number
  readonly failuresInRow: number
  /** Missing below `minimumCalls`, while not closed, and for a breaker that counts consecutive failures. */
  readonly failureRate: Option.Option<number>
  readonly slowCallRate: Option.Option<number>
  /** Probes under way. */
  readonly probing: number
  /** Time until the next probe is possible; missing unless open. */
  readonly retryAfter: Option.Option<Duration.Duration>
  /** Who isolates the circuit. */
  readonly isolations: ReadonlyArray<Isolation>
}

/** How somebody isolates a circuit. */
export interface IsolateOptions {
  /** In whose name; nobody's by default. A second isolation of the same operator replaces the first. */
  readonly by?: string | undefined
  readonly reason?: string | undefined
  /** For how long; by default until it is released or reset. */
  readonly duration?: Duration.Input | undefined
}

/** Somebody isolates a circuit. */
export interface Isolation {
  /** Empty for nobody in particular. */
  readonly by: string
  readonly reason: Option.Option<string>
  /** The time that is left; missing when it has no end. */
  readonly remaining: Option.Option<Duration.Duration>
}

/** A circuit breaker. */
export interface CircuitBreaker extends Policy.Guard<CircuitBreakerOpenError>, Policy.Reconfigurable<Options> {
  readonly kind: "circuit-breaker"
  readonly options: Options
  /** Changes options while it runs. The kind of the window and its size cannot change. */
  readonly reconfigure: (changes: OptionsInput) => Effect.Effect<void>
  /** Guards an effect, with a circuit of its own for a key, or another classifier. */
  readonly executeWith: (call: CallOptions) => Policy.Policy<CircuitBreakerOpenError>
  /** The counts of the snapshot, without a look at the circuits: for metrics. */
  readonly totals: Readonly<Totals>
  /** With a key, the circuit of that key alone. Without one it looks at each key: for dashboards, not for calls. */
  readonly snapshot: (now: number, key?: string) => Snapshot
  /**
   * The worst state of all circuits, keys included: closed is better than half-open, that than open, that than isolated. Where
   * there are keys, a circuit whose open time is over counts as half-open: its next call is a probe, and may never come. It
   * looks at each of them: for dashboards, not for calls.
   */
  readonly worstState: (now: number) => Machine.State["_tag"]
  /** Closes the circuit, ends all isolations and forgets the failures, for all keys. */
  readonly reset: Effect.Effect<void>
  /**
   * Opens the circuit for its open time, for all keys; what is isolated stays so. A key that nobody uses in that time goes on
   * as it was.
   */
  readonly trip: Effect.Effect<void>
  /** Opens the circuit until it is reset, for all keys. */
  readonly isolate: Effect.Effect<void>
  /**
   * Opens the circuit for all keys, in somebody's name. Several may: it is isolated until the last of them has released it, or
   * until the time of the last is over. Then it closes, as after a reset. A duration of zero or less is a defect.
   */
  readonly isolateWith: (options: IsolateOptions) => Effect.Effect<void>
  /**
   * Ends the isolation of one operator. Those of others go on; after the last one the circuit is closed, whatever it was before.
   * For somebody who does not isolate it, nothing changes.
   */
  readonly release: (by?: string) => Effect.Effect<void>
  /** Changes the mode, for all keys. What was counted so far remains. */
  readonly setMode: (mode: Mode) => Effect.Effect<void>
  /** Calls a listener at every transition, also of keys, until the function that is returned is called. */
  readonly onTransition: (listener: (transition: Transition) => void) => () => void
}

/**
 * Makes a breaker.
 *
 * **Gotchas**
 *
 * Make it once and keep it: a breaker made for each call protects nothing. Wrong options are a defect that names each of
 * them.
 */
export const make = (options?: MakeOptions, functions?: Functions): Effect.Effect<CircuitBreaker> =>
  Effect.sync(() => makeUnsafe(options, functions))

/** Makes a breaker outside of an effect; throws on wrong options. */
export const makeUnsafe = (
  { service = "default", ...options }: MakeOptions = {},
  functions?: Functions
): CircuitBreaker =>
  new WrittenBreaker(
    service,
    options,
    Fields.decodeOrThrow("CircuitBreaker.make", decoding, options),
    functions?.classify ?? Outcome.classify
  )

export { metrics } from "./internal/circuitMetrics.ts"

/** Keeps the options as they were written, which are fewer, and often shared by many breakers. */
class WrittenBreaker extends Breaker {
  private written: OptionsInput | undefined
  constructor(
    service: string,
    written: OptionsInput,
    options: Options,
    classify: Outcome.Classify,
    home?: Policy.Observer
  ) {
    super(service, options, classify, home)
    this.written = Object.keys(written).length === 0 ? undefined : written
  }
  get options(): Options {
    return { ...Result.getOrThrow(Fields.decode(Options, this.written ?? {})), mode: this.mode }
  }
  get reconfigure(): CircuitBreaker["reconfigure"] {
    return (changes) =>
      Effect.sync(() => {
        const options = changed(decoding, this.options, changes)
        this.written = options
        this.obey(options)
        this.mode = options.mode
      })
  }
}

const decoding: Kinds.Decoding<Options> = {
  id: "circuit-breaker",
  options: Options,
  ineffective,
  fixed: ["tripPolicy", "windowSize", "windowDuration", "windowBuckets", "maxKeys", "keyIdleTime"]
}

/** What the registry, metrics and operators' tools need to know about circuit breakers. */
export const Kind: Policy.Kind<CircuitBreaker, Options> = /* @__PURE__ */ Kinds.declare(decoding, () => ({
  make: (service, options, home) => new WrittenBreaker(service, options, options, Outcome.classify, home?.observe),
  instruments: instruments(),
  outcomes: ({ totals: { failures, ignored, rejections, successes } }) => ({
    success: successes,
    failure: failures,
    ignored,
    rejected: rejections
  }),
  commands: commands()
}))

/**
 * Guards an effect with a breaker: that of a service, or an instance.
 *
 * **Details**
 *
 * Every call that reaches the breaker is measured. Inside a retry it sees every attempt, and its opening ends the loop.
 */
export const withCircuitBreaker: {
  (
    service: string,
    call?: PlainCallOptions
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | CircuitBreakerOpenError, R | Policy.ResilienceRegistry>
  <A, E>(
    service: string,
    call: CallOptions<NoInfer<A>, NoInfer<E>> | undefined
  ): <R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | CircuitBreakerOpenError, R | Policy.ResilienceRegistry>
  (
    breaker: CircuitBreaker,
    call?: PlainCallOptions
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | CircuitBreakerOpenError, R>
  <A, E>(
    breaker: CircuitBreaker,
    call: CallOptions<NoInfer<A>, NoInfer<E>> | undefined
  ): <R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | CircuitBreakerOpenError, R>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    breaker: CircuitBreaker,
    call?: CallOptions<NoInfer<A>, NoInfer<E>>
  ): Effect.Effect<A, E | CircuitBreakerOpenError, R>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    service: string,
    call?: CallOptions<NoInfer<A>, NoInfer<E>>
  ): Effect.Effect<A, E | CircuitBreakerOpenError, R | Policy.ResilienceRegistry>
  // last, because the messages of TypeScript are about the last form
  <A, E>(
    target: string | CircuitBreaker,
    call?: CallOptions<NoInfer<A>, NoInfer<E>>
  ): <R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | CircuitBreakerOpenError, R | Policy.ResilienceRegistry>
} = /* @__PURE__ */ dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    target: string | CircuitBreaker,
    call?: CallOptions
  ): Effect.Effect<A, E | CircuitBreakerOpenError, R | Policy.ResilienceRegistry> =>
    Policy.withInstance(Kind, target, self, (breaker) => Policy.apply(breaker, self, call))
)
