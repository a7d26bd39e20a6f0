/**
 * What the policies did, in the log.
 *
 * **Details**
 *
 * A line each for a change of a circuit's state, a retry whose attempts ran out or that was given up, a rejection, and an
 * answer that may be wrong: one that is stale, with its age, and a yes or a no because nobody could be asked. A dead dependency does not flood the log: the first of a kind is logged at once, and
 * what follows for the same service within the window (default 10 seconds) becomes one line at its end, which tells how
 * often it happened. Transitions and operators' commands are never held back. Everything else, such as each retry and each timeout, is there for who
 * lets "Debug" pass.
 *
 * Levels: "Warn" when calls are turned away, fail for good or get an old value; "Info" when a circuit is on its way back;
 * "Debug" for the rest. Lines carry the attributes of the event as annotations, named as in spans, so that a structured
 * logger shows them as fields. On a terminal the circuit's state is coloured.
 *
 * Nothing is logged without {@link layer}, and below {@link layerSilent}.
 *
 * **Example** (A circuit opens)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Logger } from "effect"
 * import { CircuitBreaker, Resilience } from "effect-resilience"
 * import { Logs } from "effect-resilience/telemetry"
 *
 * const lines: Array<string> = []
 * const logger = Logger.layer([Logger.make(({ logLevel, message }) => void lines.push(`${logLevel} ${message}`))])
 *
 * const program = Effect.gen(function* () {
 *   const breaker = yield* CircuitBreaker.make({ service: "llm", consecutiveFailures: 1 })
 *   yield* Effect.fail("down").pipe(breaker.execute, Effect.ignore)
 * })
 *
 * const layer = Layer.mergeAll(Logs.layer(), logger).pipe(Layer.provideMerge(Resilience.layer()))
 * Effect.runSync(program.pipe(Effect.provide(layer)))
 * lines // => ["Warn llm: circuit closed -> open, the next probe is in 1m"]
 * ```
 */
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as FiberSet from "effect/FiberSet"
import * as Layer from "effect/Layer"
import * as LogLevel from "effect/LogLevel"
import * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import * as Throttle from "../core/Throttle.ts"
import * as Fields from "../policy/internal/options.ts"
import * as Policy from "../policy/Policy.ts"
import * as Attributes from "./internal/attributes.ts"
import { isColored } from "./internal/logColors.ts"
import { textOf, visible } from "./internal/logText.ts"

/** The settings of the log. */
export const Options = Schema.Struct({
  window: Fields.defaulted(Fields.DelayDuration, Duration.seconds(10), {
    description: "How long repetitions are held after a line; zero: each is a line"
  }),
  colors: Fields.defaulted(Schema.Union([Schema.Boolean, Schema.Literal("auto")]), "auto", {
    description: "Whether states are coloured; auto: on a terminal, unless NO_COLOR is set"
  })
})
/** Valid settings. */
export type Options = typeof Options.Type
/** Settings as they are written: everything has a default. */
export type OptionsInput = typeof Options.Encoded

/** Whether the fiber's policies log nothing. */
const IsSilent = Context.Reference<boolean>("effect-resilience/Logs/IsSilent", { defaultValue: () => false })

/** What happened, and the loggers and annotations that were there: a fiber's context is another one later. */
interface Line {
  readonly event: Policy.Event
  readonly context: Context.Context<never>
}

/** Makes an observer for fibers without a registry: see `Policy.layerObservers`. What it holds is logged before the scope closes. */
export const make = (options: OptionsInput = {}): Effect.Effect<Policy.Observer, never, Scope.Scope> =>
  Effect.gen(function* () {
    const { colors, window } = Fields.decodeOrThrow("Logs.layer", { options: Options, ineffective: [] }, options)
    const settings: Throttle.Settings = { windowMillis: Duration.toMillis(window), maxEntries: 1 }
    const inColor = isColored(colors)
    const throttles = new Map<string, Throttle.State<Line>>()

    const log = ({ context, event: told }: Line, count: number): void => {
      const event = visible(told)
      const times = count === 1 ? "" : `, ${count} times more`
      const attributes = { ...Attributes.ofEvent(event), ...(count > 1 && { "resilience.count": count }) }
      Effect.logWithLevel(levelOf(event))(`${event.service}: ${textOf(event, inColor)}${times}`).pipe(
        Effect.annotateLogs(attributes),
        Effect.runSyncWith(context)
      )
    }
    const logDue = (state: Throttle.State<Line>, now: number): void => {
      for (const { count, item } of Throttle.take(state, settings, now)?.entries ?? []) log(item, count)
    }
    yield* Effect.addFinalizer(() => Effect.sync(() => throttles.forEach((state) => logDue(state, Infinity))))
    const runFork = yield* FiberSet.makeRuntime<never>()

    const throttle = (subject: string, line: Line, now: number): void => {
      const state = throttles.get(subject) ?? Throttle.initial()
      throttles.set(subject, state)
      const isFirst = state.held.length === 0
      const dueAt = Throttle.offer(state, settings, now, subject, line)
      if (dueAt <= now) logDue(state, now)
      else if (isFirst)
        runFork(
          Effect.delay(
            Effect.sync(() => logDue(state, dueAt)),
            dueAt - now
          )
        )
    }

    return (event, fiber) => {
      if (fiber.getRef(IsSilent)) return
      const level = levelOf(event)
      if (LogLevel.isLessThan(level, fiber.cache.minimumLogLevel)) return
      const line = { event, context: fiber.context }
      if (level === "Debug" || alwaysTold.has(event._tag)) log(line, 1)
      else throttle(subjectOf(event), line, Policy.monotonicMillis(fiber))
    }
  })

/** Logs what happens under a registry. Wrong options are a defect when the layer is built. */
export const layer = (options?: OptionsInput): Layer.Layer<never, never, Policy.ResilienceRegistry> =>
  Layer.effectDiscard(Effect.flatMap(make(options), Policy.subscribe))

/** Logs nothing of what happens in the part of the program below it. */
export const layerSilent: Layer.Layer<never> = Layer.succeed(IsSilent, true)

/** Events of one subject say the same. */
const subjectOf = ({ _tag, attributes, service }: Policy.Event): string =>
  [_tag, service, attributes["fallback_type"], attributes["reason"]].join(" ")

const TRANSITION = "CircuitBreakerTransition"
const COMMAND = "OperatorCommand"

/** What is never held back. */
const alwaysTold = new Set([TRANSITION, COMMAND])

/** What calls a person's attention, and is not just a step on the way of one call. */
const notable = new Set([
  ...alwaysTold,
  "CircuitBreakerRejection",
  "BulkheadRejection",
  "RetryExhausted",
  "RetryAbandoned"
])

/** Answers that may be wrong. */
const degraded: ReadonlySet<unknown> = new Set(["stale", "fail_open", "fail_closed"])

const levelOf = ({ _tag, attributes, severity }: Policy.Event): "Debug" | "Info" | "Warn" => {
  if (_tag === TRANSITION && severity === "Info") return "Info"
  return notable.has(_tag) || degraded.has(attributes["fallback_type"]) ? "Warn" : "Debug"
}
