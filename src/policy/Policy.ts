/**
 * The contract that every pattern fulfils. It knows no pattern.
 */
import type * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Formatter from "effect/Formatter"
import * as Layer from "effect/Layer"
import type * as Schema from "effect/Schema"
import type * as Scope from "effect/Scope"
import type * as Histogram from "../core/Histogram.ts"
import { clockOf, perContext } from "./internal/perContext.ts"
import { FiberEffect } from "./internal/FiberEffect.ts"
import * as Readmission from "./internal/Readmission.ts"

/**
 * A policy is a function from an effect to a guarded effect. Composition is `pipe`; the error type is the union of what can
 * still fail.
 */
export type Policy<out E2 = never, out R2 = never> = <A, E, R>(
  self: Effect.Effect<A, E, R>
) => Effect.Effect<A, E | E2, R | R2>

/** What a dashboard or an operator reads about an instance: plain data, true at the moment of reading. */
export interface Snapshot {
  readonly kind: string
  readonly service: string
}

/** What every running policy offers. */
export interface Instance {
  readonly kind: string
  readonly service: string
  /** One line for people: what it does, with its numbers. */
  readonly describe: () => string
  /** A preview at the monotonic time `now` (milliseconds); it moves nothing. See {@link snapshot}. */
  readonly snapshot: (now: number) => Snapshot
}

/** What a single call may choose. */
export interface CallOptions {
  /**
   * A separate state with the options of the service, for example for each tenant. States that stay idle are dropped and
   * their number is bounded, so keys may come from users.
   */
  readonly key?: string | undefined
}

/** An instance that can guard an effect on its own. */
export interface Guard<out E2 = never> extends Instance {
  /** Guards an effect. */
  readonly execute: Policy<E2>
  /** Guards an effect, with the options of one call. */
  readonly executeWith: (call: CallOptions) => Policy<E2>
}

/** Whether a value is a policy's instance rather than a name or a number. */
export const isInstance = (value: unknown): value is Guard<unknown> =>
  typeof value === "object" && value !== null && "kind" in value && "execute" in value

/** Labels of a metric. They are bounded: names of services and tags of errors, never a user's key. */
export type Labels = Readonly<Record<string, string>>

/**
 * A metric that a pattern declares. It is either read from instances when somebody scrapes, which costs a call nothing, or
 * counted from events, which are rare.
 */
export type Instrument<I extends Instance = Instance> = {
  readonly name: string
  readonly description: string
  readonly unit: string
} & (
  | { readonly type: "counter" | "gauge"; labels(instance: I): Labels; read(instance: I, now: number): number }
  | { readonly type: "histogram"; labels(instance: I): Labels; read(instance: I): Histogram.Histogram }
  | {
      readonly type: "events"
      labels(event: Event): Labels | undefined
      /** Labels that are known before anything happened: they are shown from the start, with zero. */
      initial(instance: I): ReadonlyArray<Labels>
    }
)

/**
 * What a pattern declares once, so that the registry, configuration, metrics and operators' tools need no line about it.
 *
 * **Details**
 *
 * What takes an instance or options is written as a method, so that kinds of different patterns fit into one list.
 */
export interface Kind<out I extends Instance, out Options> {
  /** "circuit-breaker". */
  readonly id: string
  readonly options: Schema.Codec<Options, unknown>
  /** Options that others make meaningless. To set one of these is a mistake, and reported as such. */
  readonly ineffective: ReadonlyArray<Relation<Options>>
  /** Makes the instance of a service from valid options; without a home, it belongs to no registry. */
  make(service: string, options: Options, home?: Home): I
  readonly instruments: ReadonlyArray<Instrument<I>>
  /** How calls ended, by outcome, since the instance was made. "success" counts as effective. */
  outcomes(instance: I, now: number): Readonly<Record<string, number>>
  /** What operators can do to an instance. */
  readonly commands: ReadonlyArray<Command<I>>
  /** Options that are part of an instance's state, so that they cannot change while it runs; without it, none can. */
  readonly fixed?: ReadonlyArray<string>
}

/** An instance whose options can change while it runs. */
export interface Reconfigurable<in out Options extends object> {
  /** Those that it has now. */
  readonly options: Options
  /**
   * Changes some of them; one that is undefined stays as it is. What was counted so far, and who runs or waits, stays. Wrong
   * options are a defect that names each of them, and so is an option that cannot change.
   */
  readonly reconfigure: (changes: object) => Effect.Effect<void>
}

/** What one option must be, or whether it means anything, because of what others are. */
export interface Relation<out Options> {
  readonly option: string
  /** The other options that the check looks at: where one of them is wrong by itself, it is not asked. */
  readonly others: ReadonlyArray<string>
  /** What is wrong, if something is. */
  check(options: Options): string | undefined
}

/** One thing that operators can do to an instance. */
export interface Command<out I extends Instance> {
  readonly name: string
  readonly description: string
  /** What it needs to know: a struct, written as JSON. */
  readonly parameters: Schema.Struct<Readonly<Record<string, Schema.Codec<unknown, unknown>>>>
  /** Runs it, with valid parameters, in the name of an operator. */
  run(instance: I, parameters: unknown, by: string): Effect.Effect<void>
}

/** A kind of whatever pattern. */
export type AnyKind = Kind<Instance, unknown>

/** The registry that an instance belongs to, wherever it is used. */
export interface Home {
  readonly sibling: Sibling
  /** Hears the events of the instance. */
  readonly observe: Observer
}

/** Finds the instance of another pattern for the same service; `undefined` where that pattern is switched off. */
export type Sibling = <I extends Instance, Options>(kind: Kind<I, Options>) => I | undefined

/** How much an event matters. */
export type Severity = "Debug" | "Info" | "Warn" | "Error"

/**
 * Something rare that happened: a transition, a failure, a rejection, a retry. An open envelope that a pattern narrows.
 */
export interface Event {
  readonly _tag: string
  readonly kind: string
  readonly service: string
  readonly severity: Severity
  /** Wall-clock time, milliseconds since 1970. */
  readonly at: number
  readonly attributes: Readonly<Record<string, string | number>>
  /** The error that the event is about, if it is about one. */
  readonly error?: unknown
}

/**
 * Somebody who is told about events, and about the fiber in which they happened. What it throws is dropped: an observer
 * cannot fail, delay or reorder a call.
 */
export type Observer = (event: Event, fiber: Fiber.Fiber<unknown, unknown>) => void

/**
 * The observers of the running fiber.
 *
 * **Gotchas**
 *
 * Install a list with {@link layerObservers}: of two layers merged side by side, one would replace the other.
 */
export const Observers = Context.Reference<ReadonlyArray<Observer>>("effect-resilience/Observers", {
  defaultValue: () => []
})

/** Installs observers for everything that runs under the layer. */
export const layerObservers = (observers: ReadonlyArray<Observer>): Layer.Layer<never> =>
  Layer.succeed(Observers, observers)

/**
 * The port through which `withX("llm")` finds its instance. `Resilience.layer` and `Resilience.layerEnv` implement it.
 */
export class ResilienceRegistry extends Context.Service<
  ResilienceRegistry,
  {
    /** The instance of a service, made at its first use; `undefined` where the pattern is switched off. */
    readonly get: <I extends Instance, Options>(kind: Kind<I, Options>, service: string) => I | undefined
    /** All instances that have been made. */
    readonly instances: () => ReadonlyArray<Instance>
    /** Hears the events of the fibers under the layer that are about instances of no registry. */
    readonly observe: Observer
    /** Passes on the events of the registry's own instances, and what {@link observe} hears, until the result is called. */
    readonly subscribe: (observer: Observer) => () => void
    /** `false`: everything is switched off, and there are no instances. */
    readonly enabled?: boolean | undefined
    /** The last events that were passed on, at most 100 of each kind of event, in their order. */
    readonly recent: () => ReadonlyArray<Event>
  }
>()("effect-resilience/ResilienceRegistry") {}

/**
 * Tells an observer the events of the registry's instances, and those of other instances that are used under it, until the
 * scope closes. Any number may subscribe.
 */
export const subscribe = (observer: Observer): Effect.Effect<void, never, ResilienceRegistry | Scope.Scope> =>
  Effect.asVoid(
    Effect.acquireRelease(
      ResilienceRegistry.useSync((registry) => registry.subscribe(observer)),
      (unsubscribe) => Effect.sync(unsubscribe)
    )
  )

/** Reads the clock and takes a snapshot. */
export const snapshot = <S extends Snapshot>(instance: { readonly snapshot: (now: number) => S }): Effect.Effect<S> =>
  Effect.withFiber((fiber) => Effect.succeed(instance.snapshot(monotonicMillis(fiber))))

/** The instance of a pattern for a service; `undefined` where the pattern is switched off. */
export const instanceOf = <I extends Instance, Options>(
  kind: Kind<I, Options>,
  service: string
): Effect.Effect<I | undefined, never, ResilienceRegistry> =>
  ResilienceRegistry.useSync((registry) => registry.get(kind, service))

/** The fiber's monotonic time in milliseconds: for durations and windows. */
export const monotonicMillis = (fiber: Fiber.Fiber<unknown, unknown>): number => monotonicMillisOf(clockOf(fiber))

/** The monotonic time of a clock in milliseconds. */
export const monotonicMillisOf = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe()) / 1e6

/** The fiber's wall-clock time, milliseconds since 1970: for dates. */
export const wallMillis = (fiber: Fiber.Fiber<unknown, unknown>): number => clockOf(fiber).currentTimeMillisUnsafe()

const hasObservers = /* @__PURE__ */ perContext(
  (context) =>
    Context.getOrUndefined(context, ResilienceRegistry) !== undefined || Context.get(context, Observers).length > 0
)

/** Whether anybody would hear an event of an instance; ask before making one. */
export const isObserved = (fiber: Fiber.Fiber<unknown, unknown>, home: Observer | undefined): boolean =>
  home !== undefined || hasObservers(fiber)

/** Tells everybody who listens, first the registry that the instance belongs to; the event is completed with the time. */
export const emit = (
  fiber: Fiber.Fiber<unknown, unknown>,
  home: Observer | undefined,
  event: Omit<Event, "at">
): void => emission(fiber, home, event)()

/** What tells everybody who listens now, of what happens now, but later. */
export const emission = (
  fiber: Fiber.Fiber<unknown, unknown>,
  home: Observer | undefined,
  event: Omit<Event, "at">
): (() => void) => {
  const dated: Event = { ...event, at: wallMillis(fiber) }
  const registry = home ?? registryOf(fiber)?.observe
  const observers = fiber.getRef(Observers)
  return () => {
    if (registry !== undefined) tell(registry, dated, fiber)
    for (const observer of observers) tell(observer, dated, fiber)
  }
}

/** The registry of a fiber, if it has one. */
export const registryOf: (fiber: Fiber.Fiber<unknown, unknown>) => ResilienceRegistry["Service"] | undefined =
  /* @__PURE__ */ perContext((context) => Context.getOrUndefined(context, ResilienceRegistry))

/**
 * Applies an instance, or that of a service; where the service's is switched off, the effect passes through. Anything else
 * is a defect.
 */
export const withInstance = <I extends Instance, Options, A, E, R, E2>(
  kind: Kind<I, Options>,
  target: string | I,
  self: Effect.Effect<A, E, R>,
  apply: (instance: I) => Effect.Effect<A, E2, R>
): Effect.Effect<A, E | E2, R | ResilienceRegistry> => {
  if (typeof target === "string") {
    return new Named(kind, target, self, apply)
  }
  if (isInstance(target)) return apply(target)
  const got = Formatter.format(target)
  return Effect.die(new TypeError(`${kind.id}: expected an instance or the name of a service, got ${got}`))
}

/** An effect behind the instance of a service. */
class Named<I extends Instance, Options, A, E, R, E2> extends FiberEffect<A, E | E2, R | ResilienceRegistry> {
  declare private readonly kind: Kind<I, Options>
  declare private readonly service: string
  declare private readonly self: Effect.Effect<A, E, R>
  declare private readonly apply: (instance: I) => Effect.Effect<A, E2, R>

  constructor(
    kind: Kind<I, Options>,
    service: string,
    self: Effect.Effect<A, E, R>,
    apply: (instance: I) => Effect.Effect<A, E2, R>
  ) {
    super()
    this.kind = kind
    this.service = service
    this.self = self
    this.apply = apply
  }

  override run(
    fiber: Fiber.Fiber<unknown, unknown>,
    outside: Readmission.Readmission | undefined
  ): Effect.Effect<A, E | E2, R | ResilienceRegistry> {
    const registry = registryOf(fiber) ?? Context.getUnsafe(fiber.context, ResilienceRegistry)
    const instance = registry.get(this.kind, this.service)
    return Readmission.within<A, E | E2, R>(instance === undefined ? this.self : this.apply(instance), outside)
  }
}

/** Guards an effect with an instance, with the options of the call if there are any. */
export const apply = <A, E, R, E2>(
  guard: Guard<E2>,
  self: Effect.Effect<A, E, R>,
  call: CallOptions | undefined
): Effect.Effect<A, E | E2, R> => (call === undefined ? guard.execute(self) : guard.executeWith(call)(self))

/** Tells one observer. */
export const tell = (observer: Observer, event: Event, fiber: Fiber.Fiber<unknown, unknown>): void => {
  try {
    observer(event, fiber)
  } catch {
    // An observer's failure must not become the failure of the call that it only watches.
  }
}
