/**
 * Limits how many calls run at once, and how many wait for their turn.
 *
 * **Details**
 *
 * Callers wait in the order of their arrival, and a permit that comes back is handed to the first of them. It comes back on
 * success, failure, defect and interruption. A caller that is interrupted while it waits leaves the queue. When its turn comes,
 * a circuit breaker right outside of the bulkhead may turn a call away; then the bulkhead does not count it.
 *
 * **Example** (Two at once, nobody waits)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Bulkhead } from "effect-resilience"
 *
 * const program = Effect.gen(function* () {
 *   const bulkhead = yield* Bulkhead.make({ maxConcurrent: 2, maxQueue: 0 })
 *   const call = Effect.yieldNow.pipe(Bulkhead.withBulkhead(bulkhead), Effect.as("done"))
 *   const settled = call.pipe(Effect.catchTag("BulkheadRejectedError", (error) => Effect.succeed(error.reason)))
 *   return yield* Effect.all([settled, settled, settled], { concurrency: "unbounded" })
 * })
 *
 * await Effect.runPromise(program) // => ["done", "done", "full"]
 * ```
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import type { BulkheadRejectedError } from "./internal/BulkheadRejectedError.ts"
import * as Gate from "./internal/Gate.ts"
import { command } from "./internal/commands.ts"
import { events, gauge } from "./internal/instruments.ts"
import * as Keyed from "./internal/Keyed.ts"
import * as Kinds from "./internal/kind.ts"
import { changed } from "./internal/live.ts"
import * as Fields from "./internal/options.ts"
import * as Stage from "./internal/Stage.ts"
import * as Policy from "./Policy.ts"

export { BulkheadRejectedError } from "./internal/BulkheadRejectedError.ts"

/** The settings of a bulkhead. */
export const Options = Schema.Struct({
  maxConcurrent: Fields.defaulted(Fields.PositiveInt, 10, {
    description: "Calls that may run at once",
    variable: "LIMIT"
  }),
  maxQueue: Fields.defaulted(Fields.NonNegativeInt, 1_000, {
    description: "Calls that may wait for their turn; 0: fail at once"
  }),
  queueTimeout: Fields.optional(Fields.PositiveDuration, {
    description:
      "The longest wait in the queue; by default only a deadline limits it, and in a configuration 30 seconds"
  }),
  ...Keyed.fields
})
/** Valid settings. */
export type Options = typeof Options.Type
/** Settings as they are written: everything has a default. */
export type OptionsInput = typeof Options.Encoded

/** The settings, and the name of the dependency (default "default"). */
export interface MakeOptions extends OptionsInput {
  readonly service?: string | undefined
}

/** A call was turned away. */
export interface Event extends Policy.Event {
  readonly _tag: "BulkheadRejection" | "BulkheadAdmission"
  readonly kind: "bulkhead"
}

/** What is true of a bulkhead now. The counts are those since it was made, and include the keys. */
export interface Snapshot extends Policy.Snapshot, Readonly<Gate.Totals> {
  readonly kind: "bulkhead"
  readonly limit: number
  readonly maxQueue: number
  /** Calls that run. */
  readonly active: number
  /** Calls that wait. */
  readonly queued: number
  /** How many keys have permits of their own; the limit is that of each of them, not that of all together. */
  readonly keys: number
  /** Calls turned away, for whatever reason. */
  readonly rejected: number
}

/** A limit to how many calls run at once. */
export interface Bulkhead extends Policy.Guard<BulkheadRejectedError> {
  readonly kind: "bulkhead"
  readonly options: Options
  /** Changes options while it runs. */
  readonly reconfigure: (changes: OptionsInput) => Effect.Effect<void>
  /** With a key, the calls of that key; without one, those of all keys together. */
  readonly snapshot: (now: number, key?: string) => Snapshot
  /**
   * Changes the limit, for all keys. A higher one admits waiting calls at once; a lower one takes effect as running calls
   * end. 0 lets nobody in until it is raised again.
   */
  readonly resize: (limit: number) => Effect.Effect<void>
}

/** The names of the metrics. */
export const metrics = {
  rejections: "bulkhead.rejections",
  activeOperations: "bulkhead.active_operations",
  queueDepth: "bulkhead.queue_depth"
} as const

/** Makes a bulkhead. Make it once and keep it. Wrong options are a defect that names each of them. */
export const make = (options?: MakeOptions): Effect.Effect<Bulkhead> => Effect.sync(() => makeUnsafe(options))

/** Makes a bulkhead outside of an effect; throws on wrong options. */
export const makeUnsafe = ({ service = "default", ...options }: MakeOptions = {}): Bulkhead =>
  fromOptions(service, Fields.decodeOrThrow("Bulkhead.make", decoding, options))

const labels = ({ service }: Bulkhead): Policy.Labels => ({ resource_type: service })
const rejectionLabels = ({ service }: Bulkhead | Policy.Event): Policy.Labels => ({
  resource_type: service,
  function: service
})

const decoding: Kinds.Decoding<Options> = {
  id: "bulkhead",
  options: Options,
  ineffective: [],
  fixed: ["maxKeys", "keyIdleTime"]
}

/** What the registry, metrics and operators' tools need to know about bulkheads. */
export const Kind: Policy.Kind<Bulkhead, Options> = /* @__PURE__ */ Kinds.declare(decoding, () => ({
  make: (service, options, home) => fromOptions(service, options, home?.observe),
  instruments: [
    gauge(metrics.activeOperations, "Calls that run", labels, (bulkhead, now) => bulkhead.snapshot(now).active),
    gauge(metrics.queueDepth, "Calls that wait", labels, (bulkhead, now) => bulkhead.snapshot(now).queued),
    events(metrics.rejections, "Calls turned away", "BulkheadRejection", rejectionLabels, {
      initial: (bulkhead) => [rejectionLabels(bulkhead)]
    })
  ],
  outcomes: (bulkhead, now) => {
    const { failures, interrupted, rejected, successes } = bulkhead.snapshot(now)
    return { success: successes, failure: failures, interrupted, rejected }
  },
  commands: [
    command({
      name: "resize",
      description: "Changes how many calls may run at once",
      parameters: { limit: Fields.NonNegativeInt },
      run: (bulkhead: Bulkhead, { limit }) => bulkhead.resize(limit)
    })
  ]
}))

/** Guards an effect with a bulkhead: that of a service, or an instance. */
export const withBulkhead: {
  (
    service: string,
    call?: Policy.CallOptions
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | BulkheadRejectedError, R | Policy.ResilienceRegistry>
  (
    bulkhead: Bulkhead,
    call?: Policy.CallOptions
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | BulkheadRejectedError, R>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    bulkhead: Bulkhead,
    call?: Policy.CallOptions
  ): Effect.Effect<A, E | BulkheadRejectedError, R>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    service: string,
    call?: Policy.CallOptions
  ): Effect.Effect<A, E | BulkheadRejectedError, R | Policy.ResilienceRegistry>
  // last, because the messages of TypeScript are about the last form
  (
    target: string | Bulkhead,
    call?: Policy.CallOptions
  ): <A, E, R>(
    self: Effect.Effect<A, E, R>
  ) => Effect.Effect<A, E | BulkheadRejectedError, R | Policy.ResilienceRegistry>
} = /* @__PURE__ */ dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    target: string | Bulkhead,
    call?: Policy.CallOptions
  ): Effect.Effect<A, E | BulkheadRejectedError, R | Policy.ResilienceRegistry> =>
    Policy.withInstance(Kind, target, self, (bulkhead) => Policy.apply(bulkhead, self, call))
)

const fromOptions = (service: string, initial: Options, home?: Policy.Observer): Bulkhead & Stage.Staged => {
  let options = initial
  const shared = Gate.makeShared(service, options, home)
  const main = Gate.make(shared)
  const keyed = Keyed.make(options, (key) => Gate.make(shared, key), Gate.isBusy)
  const gateOf = (key: string | undefined) => (fiber: Fiber.Fiber<unknown, unknown>) =>
    key === undefined ? main : keyed.get(fiber, key)
  return {
    kind: "bulkhead",
    service,
    get options() {
      return { ...options, maxConcurrent: shared.settings.maxConcurrent }
    },
    reconfigure: (changes) =>
      Effect.withFiber((fiber) => {
        options = changed(decoding, options, changes)
        Gate.obey(shared, options)
        if (changes.maxConcurrent !== undefined) {
          Gate.resize(shared, [main, ...keyed.values()], fiber, options.maxConcurrent)
        }
        return Effect.void
      }),
    execute: (self) => new Gate.Guarded(() => main, self),
    executeWith:
      ({ key }) =>
      (self) =>
        new Gate.Guarded(gateOf(key), self),
    [Stage.key]: (call: Policy.CallOptions | undefined) => Gate.stage(gateOf(call?.key)),
    describe: () => {
      const { maxConcurrent, maxQueue } = shared.settings
      const { queueTimeout = Duration.infinity } = options
      const wait = Duration.isFinite(queueTimeout) ? `, at most ${Duration.format(queueTimeout)}` : ""
      return `${maxConcurrent} calls at once, ${maxQueue === 0 ? "nobody waits" : `${maxQueue} wait${wait}`}`
    },
    snapshot: (now, key) => {
      const ofKeys = key === undefined ? keyed.alive(now) : []
      const gates = [key === undefined ? main : (keyed.peek(key, now) ?? Gate.make(shared)), ...ofKeys]
      return {
        kind: "bulkhead",
        service,
        limit: shared.settings.maxConcurrent,
        maxQueue: shared.settings.maxQueue,
        active: gates.reduce((sum, { state }) => sum + state.active, 0),
        queued: gates.reduce((sum, { state }) => sum + state.queue.length, 0),
        keys: ofKeys.length,
        rejected: shared.totals.rejectedFull + shared.totals.rejectedQueueTimeout,
        ...shared.totals
      }
    },
    resize: (limit) =>
      Effect.withFiber((fiber) => {
        Gate.resize(shared, [main, ...keyed.values()], fiber, limit)
        return Effect.void
      })
  }
}
