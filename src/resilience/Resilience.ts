/**
 * Configuration and telemetry for all policies of an application, as layers.
 *
 * **Example** (A protected call)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Resilience } from "effect-resilience"
 *
 * const generate = (prompt: string) => Effect.succeed(`an answer to: ${prompt}`)
 *
 * const program = generate("why?").pipe(Resilience.protect("llm"))
 *
 * const layer = Resilience.layer({
 *   services: { llm: { circuitBreaker: { consecutiveFailures: 3 }, timeout: "20 seconds" } }
 * })
 *
 * Effect.runSync(program.pipe(Effect.provide(layer))) // => "an answer to: why?"
 * ```
 */
import * as Config from "effect/Config"
import * as ConfigProvider from "effect/ConfigProvider"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Layer from "effect/Layer"
import * as Queue from "effect/Queue"
import * as Result from "effect/Result"
import type * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as CircuitBreaker from "../policy/CircuitBreaker.ts"
import * as Fallback from "../policy/Fallback.ts"
import * as Pipeline from "../policy/Pipeline.ts"
import * as Policy from "../policy/Policy.ts"
import type * as Retry from "../policy/Retry.ts"
import * as Environment from "./internal/environment.ts"
import { declaredBy, names } from "./internal/Metrics.ts"
import type { Misplaced } from "./internal/misplaced.ts"
import * as Registry from "./internal/Registry.ts"
import { namesIn } from "./internal/strangers.ts"
import * as ResilienceConfig from "./ResilienceConfig.ts"

export { type Command, CommandError, commands, type Request, run as command } from "./internal/Command.ts"

/** The names of the metrics that every pattern has. */
export const metrics = names

/** A metric, as it is declared. */
export interface Instrument {
  readonly name: string
  readonly type: "counter" | "gauge" | "histogram"
  /** In the notation of UCUM, as OpenTelemetry writes it: "s", "1" for a share, and what is counted in braces. */
  readonly unit: string
  readonly description: string
}

/** All metrics of all patterns, each once. They are in Effect's metric registry as soon as an instance is made. */
export const instruments: ReadonlyArray<Instrument> = declaredBy(Registry.kinds)

/**
 * Policies for all services, configured by a literal.
 *
 * **Details**
 *
 * A service that the literal does not name gets the defaults and, where services are named, one warning (with `strict`, an
 * error).
 *
 * **Gotchas**
 *
 * A wrong literal is a mistake in the program, so it is a defect when the layer is built; it names everything that is wrong.
 * Each call makes a layer of its own, with circuits and permits of its own: make it once. Where two are alive in one process
 * and guard the same service, counters show both together, and gauges the newer one.
 */
export const layer = (config: ResilienceConfig.ConfigInput = {}): Layer.Layer<Policy.ResilienceRegistry> =>
  Layer.effect(
    Policy.ResilienceRegistry,
    Effect.suspend(() => {
      const resolved = ResilienceConfig.resolve(config)
      if (Result.isSuccess(resolved)) return start(resolved.success)
      return Effect.die(new Error(explainProblems("Resilience.layer", resolved.failure)))
    })
  )

/**
 * Policies for all services, configured by a literal that the environment can change.
 *
 * **Details**
 *
 * The variables are read from the current `ConfigProvider`, so any source that Effect's `Config` can read will do. A wrong
 * value, and a name that looks like one of ours and means nothing, is a `ConfigError`; it names everything that is wrong. A
 * literal that is wrong by itself is a defect, as with {@link layer}.
 */
export const layerEnvWith = (
  config: ResilienceConfig.ConfigInput
): Layer.Layer<Policy.ResilienceRegistry, Config.ConfigError> =>
  Layer.effect(
    Policy.ResilienceRegistry,
    Effect.gen(function* () {
      const provider = yield* ConfigProvider.ConfigProvider
      const variables = yield* Environment.read(provider, namesIn(config))
      const resolved = ResilienceConfig.resolve(config, variables)
      if (Result.isSuccess(resolved)) return yield* start(resolved.success)
      const message = explainProblems("Resilience.layerEnv", resolved.failure)
      if (Result.isFailure(ResilienceConfig.resolve(config))) return yield* Effect.die(new Error(message))
      return yield* Effect.fail(new Config.ConfigError(new ConfigProvider.SourceError({ message })))
    })
  )

/** Policies for all services, configured by the environment. See {@link layerEnvWith}. */
export const layerEnv: Layer.Layer<Policy.ResilienceRegistry, Config.ConfigError> = layerEnvWith({})

/** What can still fail about a protected effect, besides its own errors. */
export type Rejections = Pipeline.ErrorsBehind<Pipeline.AllParts, never>

/** What a protected call may choose. Functions get the errors that reach the pattern that they are for. */
export interface ProtectOptions<in A = unknown, in E = unknown> extends Policy.CallOptions {
  readonly retry?: Retry.Functions<Pipeline.ErrorsBehind<AroundAttempt, E>> | undefined
  readonly circuitBreaker?: CircuitBreaker.Functions<A, Pipeline.ErrorsBehind<InCircuit, E>> | undefined
}

/** What answers in the end. */
export interface WithFallback<in E, out B, out E2, out R2> {
  readonly fallback: (error: E | Rejections) => Effect.Effect<B, E2, R2>
}

/** Nothing answers in the end. */
export interface WithoutFallback {
  readonly fallback?: undefined
}

/** What a protected call may choose without a look at how it ends. */
export interface PlainProtectOptions extends Policy.CallOptions {
  readonly retry?: undefined
  readonly circuitBreaker?: undefined
}

type AroundAttempt = Pipeline.AllParts extends readonly [infer _Deadline, infer _Retry, ...infer Parts] ? Parts : never
type InCircuit = AroundAttempt extends readonly [infer _CircuitBreaker, ...infer Parts] ? Parts : never

/**
 * Guards an effect with everything that is configured for a service, in the recommended order: total deadline, retry,
 * circuit breaker, bulkhead, attempt timeout. A `fallback` stands around all of it.
 *
 * **Gotchas**
 *
 * The effect may run several times.
 */
export const protect: {
  (
    service: string,
    options?: PlainProtectOptions & WithoutFallback
  ): <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Rejections, R | Policy.ResilienceRegistry>
  <E, B, E2, R2>(
    service: string,
    options: PlainProtectOptions & WithFallback<E, B, E2, R2>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, E2, R | R2 | Policy.ResilienceRegistry>
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    service: string,
    options?: NoInfer<ProtectOptions<A, E>> & WithoutFallback
  ): Effect.Effect<A, E | Rejections, R | Policy.ResilienceRegistry>
  <A, E, R, B, E2, R2>(
    self: Effect.Effect<A, E, R>,
    service: string,
    options: NoInfer<ProtectOptions<A, E>> & WithFallback<E, B, E2, R2> & Misplaced
  ): Effect.Effect<A | B, E2, R | R2 | Policy.ResilienceRegistry>
  <A, E>(
    service: string,
    options: (NoInfer<ProtectOptions<A, E>> & WithoutFallback) | undefined
  ): <R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | Rejections, R | Policy.ResilienceRegistry>
  // last, because the messages of TypeScript are about the last form
  <A, E, B, E2, R2>(
    service: string,
    options: NoInfer<ProtectOptions<A, E>> & WithFallback<E, B, E2, R2> & Misplaced
  ): <R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, E2, R | R2 | Policy.ResilienceRegistry>
} = dual(
  (args) => Effect.isEffect(args[0]),
  <A, E, R>(
    self: Effect.Effect<A, E, R>,
    service: string,
    options?: ProtectOptions & { readonly fallback?: (error: E | Rejections) => Effect.Effect<A, E, R> }
  ) => {
    const unguarded = options?.fallback === undefined ? self : Fallback.orElse(self, options.fallback, { service })
    return Policy.withInstance(Pipeline.Kind, service, unguarded, (pipeline) =>
      options === undefined ? pipeline.execute(self) : pipeline.executeWith(options)(self)
    )
  }
)

/** The pipeline of a service, as {@link protect} uses it; `undefined` where `enabled` is false. */
export const pipeline = (
  service: string
): Effect.Effect<Pipeline.Pipeline<Pipeline.AllParts> | undefined, never, Policy.ResilienceRegistry> =>
  Policy.instanceOf(Pipeline.Kind, service)

/** Tells what {@link protect} does for a service. See {@link Pipeline.explain}. */
export const explain = (service: string): Effect.Effect<string, never, Policy.ResilienceRegistry> =>
  Effect.map(pipeline(service), (found) => Pipeline.explain(found ?? { service, parts: [] }))

/** Whether policies guard anything: not where `enabled` is false. */
export const isEnabled: Effect.Effect<boolean, never, Policy.ResilienceRegistry> = Policy.ResilienceRegistry.useSync(
  ({ enabled }) => enabled !== false
)

/** What is true now of every instance that has been made. */
export const snapshots: Effect.Effect<
  ReadonlyArray<Policy.Snapshot>,
  never,
  Policy.ResilienceRegistry
> = Effect.flatMap(Policy.ResilienceRegistry, (registry) => Effect.forEach(registry.instances(), Policy.snapshot))

/** One instance: what it does, and what is true of it now. */
export interface Status {
  readonly service: string
  /** "circuit-breaker" */
  readonly pattern: string
  /** One line for people. */
  readonly description: string
  readonly snapshot: Policy.Snapshot
}

/** Every instance of every pattern, service by service. */
export const status: Effect.Effect<ReadonlyArray<Status>, never, Policy.ResilienceRegistry> = Effect.flatMap(
  Policy.ResilienceRegistry,
  (registry) =>
    Effect.map(
      Effect.forEach(registry.instances(), (instance) =>
        Effect.map(Policy.snapshot(instance), (snapshot) => ({
          service: instance.service,
          pattern: instance.kind,
          description: instance.describe(),
          snapshot
        }))
      ),
      (all) => all.toSorted((a, b) => (a.service < b.service ? -1 : a.service > b.service ? 1 : 0))
    )
)

/** What a reader of events may choose. */
export interface EventsOptions {
  /** Whether the last events come first, at most 100 of each kind of event (default true). */
  readonly replay?: boolean | undefined
  /** How many events a slow reader may be behind, before the oldest of them are lost to it (default 1,000). */
  readonly capacity?: number | undefined
}

/**
 * Everything rare that happens under the registry: the last events, and then each as it happens.
 *
 * **Details**
 *
 * A reader cannot slow down what it reads about: one that is too far behind loses the oldest events. The stream does not end
 * by itself.
 */
export const eventsWith = ({
  capacity = 1_000,
  replay = true
}: EventsOptions): Stream.Stream<Policy.Event, never, Policy.ResilienceRegistry> =>
  Stream.callback(
    (queue) =>
      Effect.acquireRelease(
        // In one step: what happened between the two would be lost.
        Policy.ResilienceRegistry.useSync((registry) => {
          if (replay) for (const event of registry.recent()) Queue.offerUnsafe(queue, event)
          return registry.subscribe((event) => void Queue.offerUnsafe(queue, event))
        }),
        (unsubscribe) => Effect.sync(unsubscribe)
      ),
    { bufferSize: capacity, strategy: "sliding" }
  )

/** Everything rare that happens under the registry, the last events first. See {@link eventsWith}. */
export const events: Stream.Stream<Policy.Event, never, Policy.ResilienceRegistry> = eventsWith({})

const start = (
  config: ResilienceConfig.ResilienceConfig
): Effect.Effect<Policy.ResilienceRegistry["Service"], never, Scope.Scope> =>
  Effect.gen(function* () {
    for (const warning of config.warnings) yield* Effect.logWarning(`effect-resilience: ${warning}`)
    const context = yield* Effect.context<never>()
    const registry = Registry.make(config, context)
    yield* Effect.addFinalizer(() => Effect.sync(registry.close))
    return registry.service
  })

const explainProblems = (label: string, problems: ReadonlyArray<string>): string => {
  const count = problems.length === 1 ? "1 problem" : `${problems.length} problems`
  return `${label}: ${count} in the configuration\n${problems.map((problem) => `  ${problem}`).join("\n")}`
}
