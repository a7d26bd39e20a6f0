/**
 * Tells people when a circuit opens, closes or is isolated, and when a retry budget is exhausted.
 *
 * **Details**
 *
 * Where alerts go is an {@link AlertChannel}: `SlackAlerts` is one, and a webhook, a pager or e-mail is a function more. The
 * first alert of a service is sent at once. What follows within the throttle's time (default one minute) is sent as one
 * group at its end, so a flapping circuit, or a service with a circuit for each key, does not flood anybody. A circuit that
 * opens again because its probe failed is the same outage, and no alert; a breaker that only observes gives none at all.
 *
 * Sending happens in a fiber of its own: the guarded calls neither wait for it nor notice when it fails. A channel that
 * cannot be reached is logged once, as a warning, and once more when it can be again. At the end of the layer, what is held
 * is sent, within the time limit of one send.
 *
 * **Gotchas**
 *
 * Of an error of the channel only its tag, its reason and its HTTP status are logged: its message may contain the URL, which
 * is often a secret. A channel must be interruptible, otherwise its time limits do not work.
 *
 * **Example** (A channel of one's own)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer } from "effect"
 * import { CircuitBreaker, Resilience } from "effect-resilience"
 * import { Alerts } from "effect-resilience/telemetry"
 *
 * const sent: Array<string> = []
 * const channel = Layer.succeed(Alerts.AlertChannel, {
 *   name: "memory",
 *   send: (group) => Effect.sync(() => void sent.push(Alerts.summarize(group)))
 * })
 * const layer = Alerts.layer().pipe(Layer.provide(channel), Layer.provideMerge(Resilience.layer()))
 *
 * const program = Effect.gen(function* () {
 *   const breaker = yield* CircuitBreaker.make({ service: "llm", consecutiveFailures: 1 })
 *   yield* Effect.fail("down").pipe(breaker.execute, Effect.ignore)
 * })
 *
 * await Effect.runPromise(program.pipe(Effect.provide(layer)))
 * sent // => ["llm: circuit opened, calls are rejected for 1m"]
 * ```
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Schema from "effect/Schema"
import * as Fields from "../policy/internal/options.ts"
import * as Policy from "../policy/Policy.ts"
import * as Delivery from "./internal/alertDelivery.ts"
import { alertOf } from "./internal/alertOf.ts"
import * as Text from "./internal/alertText.ts"

/** What alerts of all kinds tell. */
export interface AnyAlert {
  readonly service: string
  readonly severity: Policy.Severity
  /** Wall-clock time, milliseconds since 1970. */
  readonly at: number
  /** How often it happened since the last group of the service. Everything else is that of the last time. */
  readonly count: number
}

/** A circuit opened: calls are rejected. */
export interface Opened extends AnyAlert {
  readonly kind: "opened"
  /** The time until the first probe; `undefined` when the circuit is open until it is reset. */
  readonly openTime: Duration.Duration | undefined
}

/** A circuit closed: calls pass again. */
export interface Closed extends AnyAlert {
  readonly kind: "closed"
  /** For how long it was not closed, failed probes included. */
  readonly outage: Duration.Duration
}

/** An operator isolated a circuit. */
export interface Isolated extends AnyAlert {
  readonly kind: "isolated"
}

/** A failed call was not tried again, because too large a share of the recent calls are retries already. */
export interface BudgetExhausted extends AnyAlert {
  readonly kind: "budget-exhausted"
}

/** Something that a person should know. */
export type Alert = Opened | Closed | Isolated | BudgetExhausted

/**
 * What is sent as one message: the alerts of one service, at least one and at most one of each kind. The one that happened
 * last is the last of them.
 */
export interface AlertGroup {
  readonly service: string
  readonly alerts: ReadonlyArray<Alert>
  /** Earlier alerts that could not be delivered. */
  readonly omitted: number
}

/**
 * Where alerts go.
 *
 * **Details**
 *
 * `send` may fail in any way, and may take as long as it likes: it is cut off by the time limit and tried again if the error
 * is one that passes (see `Classifier`, which also finds the time that a `Retry-After` asks for). It is never run twice at
 * once. `name` is how the channel is called in the log.
 */
export class AlertChannel extends Context.Service<
  AlertChannel,
  {
    readonly name: string
    readonly send: (group: AlertGroup) => Effect.Effect<void, unknown>
  }
>()("effect-resilience/AlertChannel") {}

/** The settings of alerts. */
export const Options = Schema.Struct({
  throttle: Fields.defaulted(Fields.DelayDuration, Duration.minutes(1), {
    description: "How long further alerts of a service are held after a group; zero: each is sent at once"
  }),
  sendTimeout: Fields.defaulted(Fields.FiniteDuration, Duration.seconds(10), {
    description: "Time for one attempt to send a group, and for everything that is left at the end"
  })
})
/** Valid settings. */
export type Options = typeof Options.Type
/** Settings as they are written: everything has a default. */
export type OptionsInput = typeof Options.Encoded

/** One alert in plain words: "circuit closed after 4m 12s". */
export const describe: (alert: Alert) => string = Text.describe

/** A group in one line: "llm: circuit opened, calls are rejected for 1m". */
export const summarize: (group: AlertGroup) => string = Text.summarize

/**
 * Sends alerts about all policies under the registry to the channel.
 *
 * **Gotchas**
 *
 * Wrong options are a defect when the layer is built. Two channels need two layers: call this once for each.
 */
export const layer = (
  options: OptionsInput = {}
): Layer.Layer<never, never, AlertChannel | Policy.ResilienceRegistry> =>
  Layer.effectDiscard(
    Effect.gen(function* () {
      const channel = yield* AlertChannel
      const settings = Fields.decodeOrThrow("Alerts.layer", { options: Options, ineffective: [] }, options)
      const offer = yield* Delivery.start(channel, settings)
      // Last, so that at the end it is over first: what happens while the rest is sent would not be.
      yield* Policy.subscribe((event) => {
        const alert = alertOf(event)
        if (alert !== undefined) offer(alert)
      })
    })
  )
