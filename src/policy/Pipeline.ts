/**
 * Several policies as one value.
 *
 * **Details**
 *
 * The recommended order, from the outside to the inside, is fallback, total deadline, retry, circuit breaker, bulkhead,
 * attempt timeout, operation. The breaker inside the retry sees every attempt, and its opening ends the loop. The attempt
 * timeout starts after the admission, so that our own queue never looks like a slow dependency. The fallback outside sees
 * every failure. Another order is possible with {@link inOrder}; {@link lint} tells what is harmful about it.
 *
 * **Example** (In the recommended order)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Pipeline } from "effect-resilience"
 *
 * const program = Effect.gen(function* () {
 *   const pipeline = yield* Pipeline.make({
 *     service: "prices",
 *     fallback: () => Effect.succeed("no price today"),
 *     deadline: "5 seconds",
 *     retry: { maxAttempts: 1 },
 *     circuitBreaker: { consecutiveFailures: 3 },
 *     bulkhead: { maxConcurrent: 10 },
 *     timeout: "1 second"
 *   })
 *   return yield* Effect.fail("down").pipe(pipeline.execute)
 * })
 *
 * Effect.runSync(program) // => "no price today"
 * ```
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Result from "effect/Result"
import * as Schema from "effect/Schema"
import * as Bulkhead from "./Bulkhead.ts"
import * as CircuitBreaker from "./CircuitBreaker.ts"
import * as Deadline from "./Deadline.ts"
import * as Fallback from "./Fallback.ts"
import { events, label } from "./internal/instruments.ts"
import { nearest } from "./internal/nearest.ts"
import * as Fields from "./internal/options.ts"
import * as Fused from "./internal/fusedCall.ts"
import { PipelineCalls, type Totals } from "./internal/pipelineCalls.ts"
import type { Execute, Part, Strict } from "./internal/pipelineParts.ts"
import * as Policy from "./Policy.ts"
import * as Retry from "./Retry.ts"
import * as Timeout from "./Timeout.ts"

export type { Totals } from "./internal/pipelineCalls.ts"
export { explain } from "./internal/pipelineExplain.ts"
export { type Finding, lint } from "./internal/pipelineLint.ts"
export type {
  ErrorBehind,
  ErrorsBehind,
  Execute,
  Part,
  ServicesBehind,
  SuccessBehind
} from "./internal/pipelineParts.ts"

/** The patterns that have a place in the recommended order, outermost first. The one closed list of patterns. */
export const order = {
  deadline: Deadline.Kind,
  retry: Retry.Kind,
  circuitBreaker: CircuitBreaker.Kind,
  bulkhead: Bulkhead.Kind,
  timeout: Timeout.Kind
} as const

/** The parts of a pipeline that has every pattern in the recommended order. */
export type AllParts = readonly [
  Deadline.Deadline,
  Retry.Retry,
  CircuitBreaker.CircuitBreaker,
  Bulkhead.Bulkhead,
  Timeout.Timeout
]

/** A name for each pattern in options and configuration. */
export type Slot = keyof typeof order

/** The settings of a pipeline: it has none of its own. */
export const Options = Schema.Struct({})
/** Valid settings. */
export type Options = typeof Options.Type

/** What to make a pipeline of. A pattern is given by its options, or by an instance that others share. */
export interface MakeOptions {
  /** The name of the dependency (default "default"). */
  readonly service?: string | undefined
  readonly fallback?: ((error: unknown) => Effect.Effect<unknown, unknown, unknown>) | undefined
  readonly deadline?: Duration.Input | Deadline.OptionsInput | Deadline.Deadline | undefined
  readonly retry?: Retry.OptionsInput | Retry.Retry<Retry.OnExhausted> | undefined
  readonly circuitBreaker?: CircuitBreaker.OptionsInput | CircuitBreaker.CircuitBreaker | undefined
  readonly bulkhead?: Bulkhead.OptionsInput | Bulkhead.Bulkhead | undefined
  readonly timeout?: Duration.Input | Timeout.OptionsInput | Timeout.Timeout | undefined
}

/** None, one, or either if that is not known. */
type PartIn<O, K extends string, P> = K extends keyof O
  ? O[K] extends infer V
    ? V extends undefined
      ? []
      : [P]
    : []
  : []

type FallbackOf<O> = O extends { readonly fallback?: infer F }
  ? F extends (error: unknown) => Effect.Effect<infer B, infer E2, infer R2>
    ? Fallback.Fallback<B, E2, R2>
    : never
  : never

type RetryOf<O> = O extends { readonly retry?: infer I }
  ? I extends Retry.Retry<infer OnExhausted>
    ? Retry.Retry<OnExhausted>
    : Retry.Retry
  : never

/** The parts of the pipeline that options make. */
export type PartsOf<O> = readonly [
  ...PartIn<O, "fallback", FallbackOf<O>>,
  ...PartIn<O, "deadline", Deadline.Deadline>,
  ...PartIn<O, "retry", RetryOf<O>>,
  ...PartIn<O, "circuitBreaker", CircuitBreaker.CircuitBreaker>,
  ...PartIn<O, "bulkhead", Bulkhead.Bulkhead>,
  ...PartIn<O, "timeout", Timeout.Timeout>
]

/** What a single call may choose; functions go to the pattern that they are for. */
export interface CallOptions extends Policy.CallOptions {
  readonly retry?: Retry.Functions | undefined
  readonly circuitBreaker?: CircuitBreaker.Functions | undefined
}

/** A call that something answers in the end, so that it has not failed. `Resilience.protect` knows the types. */
export interface AnsweredCall extends CallOptions {
  readonly fallback?: ((error: unknown) => Effect.Effect<unknown, unknown, unknown>) | undefined
}

/**
 * A call failed, in spite of all parts. With the attribute `enclosed`, it ran in a call of another pipeline, which may still
 * succeed: then the metric does not count it.
 */
export interface Event extends Policy.Event {
  readonly _tag: "CallFailed"
  readonly kind: "pipeline"
}

/** What is true of a pipeline now. */
export interface Snapshot extends Policy.Snapshot, Readonly<Totals> {
  readonly kind: "pipeline"
}

/** Several policies as one value; `parts` are in their order, outermost first. */
export interface Pipeline<out Parts extends ReadonlyArray<Part> = ReadonlyArray<Part>> extends Policy.Instance {
  readonly kind: "pipeline"
  readonly parts: Parts
  /** Guards an effect. */
  readonly execute: Execute<Parts>
  /** Guards an effect, with the options of one call. */
  readonly executeWith: (call: CallOptions) => Execute<Parts>
  readonly snapshot: (now: number) => Snapshot
}

/** The names of the metrics. */
export const metrics = { errors: "error.total" } as const

/**
 * Makes a pipeline in the recommended order. Make it once and keep it. Wrong options are a defect that names each of them.
 */
export const make = <const O extends MakeOptions>(
  options: O & Strict<O, MakeOptions>
): Effect.Effect<Pipeline<PartsOf<O>>> => Effect.sync(() => makeUnsafe<O>(options))

/** Makes a pipeline outside of an effect; throws on wrong options. */
export const makeUnsafe = <const O extends MakeOptions>(options: O & Strict<O, MakeOptions>): Pipeline<PartsOf<O>> => {
  const { fallback, service = "default", ...slots }: MakeOptions = options
  const made = Object.entries(order).map(([slot, kind]) => partOf(service, slot, kind, slots[slot as Slot]))
  const problems = [
    ...Object.keys(slots).filter(isUnknown).map(describeUnknown),
    ...(fallback === undefined || typeof fallback === "function" ? [] : [NO_FUNCTION]),
    ...made.flatMap((part) => (Result.isFailure(part) ? part.failure : []))
  ]
  if (problems.length > 0) throw new Error(`Pipeline.make: invalid options\n${problems.join("\n")}`)
  const parts = made.flatMap((part) => Result.getOrThrow(part))
  const all = fallback === undefined ? parts : [Fallback.makeUnsafe(fallback, { service }), ...parts]
  return fromParts(service, all) as Pipeline<PartsOf<O>>
}

/**
 * Makes a pipeline in any order, the outermost part first.
 *
 * **Gotchas**
 *
 * Most other orders do harm in some way: ask {@link lint}.
 */
export const inOrder = <const Parts extends ReadonlyArray<Part>>(
  parts: Parts,
  { service = "default" }: { readonly service?: string | undefined } = {}
): Pipeline<Parts> => fromParts(service, parts) as Pipeline<Parts>

/** What the registry, metrics and operators' tools need to know about pipelines. */
export const Kind: Policy.Kind<Pipeline<AllParts>, Options> = {
  id: "pipeline",
  options: Options,
  ineffective: [],
  make: (service, _, home) => {
    const siblings = Object.values(order).map((kind) =>
      home?.sibling(kind as Policy.Kind<Policy.Guard<unknown>, unknown>)
    )
    const parts = siblings.filter((part) => part !== undefined)
    return fromParts(service, parts, home?.observe) as unknown as Pipeline<AllParts>
  },
  instruments: [
    events(
      metrics.errors,
      "Calls that failed in spite of their policies",
      "CallFailed",
      (event) =>
        event.attributes["enclosed"] === undefined
          ? {
              error_code: label(event, "error_code"),
              category: label(event, "category"),
              status_code: label(event, "status_code"),
              retry_policy: label(event, "retry_policy")
            }
          : undefined,
      { unit: "{error}" }
    )
  ],
  outcomes: (pipeline, now) => {
    const { failures, interrupted, successes } = pipeline.snapshot(now)
    return { success: successes, failure: failures, interrupted }
  },
  commands: []
}

const isUnknown = (name: string): boolean => !Object.hasOwn(order, name)

const describeUnknown = (name: string): string => {
  const guess = nearest(name, ["service", "fallback", ...Object.keys(order)])
  return `  ${name}: there is no such part${guess === undefined ? "" : ` (did you mean "${guess}"?)`}`
}

const NO_FUNCTION = "  fallback: expected a function"

/** The part of one slot, if it is not empty; a failure has one line for each problem. */
const partOf = (
  service: string,
  slot: string,
  kind: AnyKind,
  value: unknown
): Result.Result<ReadonlyArray<Part>, ReadonlyArray<string>> => {
  const fail = (problems: ReadonlyArray<Fields.Problem>) => Result.fail(problems.map(Fields.render))
  if (value === undefined) return Result.succeed([])
  if (Policy.isInstance(value)) {
    if (value.kind === kind.id) return Result.succeed([value])
    return fail([{ path: [slot], message: `expected a ${kind.id}`, actual: value.kind }])
  }
  const isTime = kind.id === Deadline.Kind.id || kind.id === Timeout.Kind.id
  const isBare = isTime && (typeof value !== "object" || Fields.durationOf(value) !== undefined)
  const options = isBare ? { duration: value } : value
  const decoded = Fields.decodeEffective(kind, options, Object.keys(Object(options)))
  if (Result.isSuccess(decoded)) return Result.succeed([kind.make(service, decoded.success)])
  return fail(decoded.failure.map((problem) => ({ ...problem, path: isBare ? [slot] : [slot, ...problem.path] })))
}

/** The list of patterns has a different instance and different options in each place. */
type AnyKind = Policy.Kind<Policy.Guard<unknown>, unknown> & { readonly options: Fields.Pure }

const fromParts = (service: string, parts: ReadonlyArray<Part>, home?: Policy.Observer): Pipeline => {
  const calls = new PipelineCalls(service, home)
  const counted = (self: AnyEffect): AnyEffect =>
    Effect.withFiber((fiber) => calls.around(calls.begin(fiber), fiber, self))
  const guard = (call: AnsweredCall | undefined) => {
    const fallback = call?.fallback
    const answered = (self: AnyEffect): AnyEffect =>
      fallback === undefined ? self : Fallback.orElse(self, fallback, { service })
    const nested = (from: number, self: AnyEffect): AnyEffect => nest(parts.slice(from), self, call)
    const fusion = Fused.fuse(parts, (part) => callOf(part, call))
    if (fusion === undefined) return (self: AnyEffect) => counted(answered(nested(0, self)))
    const { outer } = fusion
    const from = outer.length
    const isWhole = from === 0 && fallback === undefined
    const fused: Fused.Fused = {
      fusion,
      calls: isWhole ? calls : undefined,
      inner: (recoveries, self) => nested(from + recoveries, self),
      innermost: (self) => nested(parts.length - 1, self),
      whole: (self) => (isWhole ? counted(nested(0, self)) : nested(from, self))
    }
    const run = (self: AnyEffect): AnyEffect => new Fused.Guarded(fused, self)
    return isWhole ? run : (self: AnyEffect) => counted(answered(nest(outer, run(self), call)))
  }
  return {
    kind: "pipeline",
    service,
    parts,
    execute: guard(undefined) as Pipeline["execute"],
    executeWith: guard as Pipeline["executeWith"],
    describe: () => parts.map(({ kind }) => kind).join(" > "),
    snapshot: () => ({ kind: "pipeline", service, ...calls.totals })
  }
}

type AnyEffect = Effect.Effect<unknown, unknown, unknown>

const nest = (parts: ReadonlyArray<Part>, self: AnyEffect, call: CallOptions | undefined): AnyEffect =>
  parts.reduceRight((inner, part) => apply(part, inner, callOf(part, call)), self)

const apply = (part: Part, self: AnyEffect, call: Policy.CallOptions | undefined): AnyEffect =>
  call === undefined || !("executeWith" in part) ? part.execute(self) : part.executeWith(call)(self)

/** The options of a call that are for one part; what answers when all else fails is for none of them. */
const callOf = (part: Part, call: CallOptions | undefined): Policy.CallOptions | undefined => {
  if (call === undefined) return undefined
  const functions: Readonly<Record<string, object | undefined>> = {
    retry: call.retry,
    "circuit-breaker": call.circuitBreaker,
    pipeline: { retry: call.retry, circuitBreaker: call.circuitBreaker }
  }
  return { ...functions[part.kind], key: call.key }
}
