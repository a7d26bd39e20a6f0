/**
 * What it means to protect a `Stream`.
 *
 * **Details**
 *
 * The policies hold for the whole life of the stream. A permit of the bulkhead is held until the stream has ended, failed or
 * been given up, and how it ends is what the circuit breaker hears. Only before the first element can a stream start again,
 * or another one take its place: from then on a failure is passed on unchanged. The timeout of the service limits how long
 * the consumer waits, for the first element and from one to the next; time that the consumer takes for itself does not
 * count. The total deadline includes it; one that passes while the consumer is busy says nothing about the dependency.
 *
 * Elements are pulled when they are asked for, and come in the chunks in which they came.
 *
 * A consumer that stops early is no failure: it is a success of the dependency if it had got an element, and was not just
 * waiting for the next one; else it says nothing about the dependency, and so does a consumer that fails or is interrupted.
 *
 * **Example** (Starts again before the first element)
 *
 * ```ts import.meta.vitest
 * import { Effect, Stream } from "effect"
 * import { Pipeline, ProtectedStream } from "effect-resilience"
 *
 * let attempts = 0
 * const tokens = Stream.suspend(() => (++attempts === 1 ? Stream.fail("overloaded") : Stream.make("Hello", " ", "world")))
 *
 * const program = Effect.gen(function* () {
 *   const pipeline = yield* Pipeline.make({
 *     service: "llm",
 *     retry: { baseDelay: 0 },
 *     timeout: { firstElement: "20 seconds", idle: "5 seconds" }
 *   })
 *   return yield* tokens.pipe(ProtectedStream.protect(pipeline), Stream.mkString)
 * })
 *
 * await Effect.runPromise(program) // => "Hello world"
 * ```
 */
import * as Channel from "effect/Channel"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import { dual } from "effect/Function"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import type * as CircuitBreaker from "./CircuitBreaker.ts"
import * as Deadline from "./Deadline.ts"
import * as Fallback from "./Fallback.ts"
import { Handoff } from "./internal/Handoff.ts"
import * as Fields from "./internal/options.ts"
import * as Recovery from "./internal/Recovery.ts"
import * as StreamLimit from "./internal/StreamLimit.ts"
import { CurrentStream } from "./internal/StreamProgress.ts"
import { type AnyStream, firstToBegin } from "./internal/streamRecovery.ts"
import * as TimeLimit from "./internal/TimeLimit.ts"
import type { TimeoutExceededError } from "./internal/TimeoutExceededError.ts"
import * as Pipeline from "./Pipeline.ts"
import * as Policy from "./Policy.ts"
import type * as Retry from "./Retry.ts"

export { TimeoutExceededError } from "./internal/TimeoutExceededError.ts"

/** What every combinator for streams may choose. */
export interface BeginOptions<in A = unknown> {
  /**
   * Elements that only announce others, such as the metadata of an answer. Those before the first element that counts are
   * held back, and forgotten when the stream starts again.
   */
  readonly preamble?: ((element: A) => boolean) | undefined
}

/** What a single protected stream may choose. Functions go to the pattern that they are for. */
export interface Options<in A = unknown, in E = unknown> extends Policy.CallOptions, BeginOptions<A> {
  readonly retry?: Retry.Functions<E> | undefined
  readonly circuitBreaker?: CircuitBreaker.Functions | undefined
}

/** What a single protected stream may choose without a look at its errors. */
export interface PlainOptions<in A = unknown> extends Options<A> {
  readonly retry?: undefined
}

/** What can guard a stream. */
export type Guard = Pipeline.Part | Pipeline.Pipeline

/** The parts of what guards a stream: those of a pipeline, or itself. */
export type PartsOf<G> = G extends { readonly kind: "pipeline"; readonly parts: infer Parts } ? Parts : readonly [G]

/** The error of a stream behind parts: a fallback answers none that comes after the first element. */
export type ErrorsBehind<Parts, E> = Parts extends readonly [infer Outer, ...infer Inner]
  ? Outer extends Fallback.Fallback<infer _B, infer E2, infer _R2>
    ? E2 | ErrorsBehind<Inner, E>
    : Pipeline.ErrorBehind<Outer, ErrorsBehind<Inner, E>>
  : E | Pipeline.ErrorsBehind<Parts, E>

/** The elements of a stream behind parts: its own, or the answer of a fallback as the only one. */
export type ElementsBehind<Parts, A> = Parts extends ReadonlyArray<unknown> ? Pipeline.SuccessBehind<Parts, A> : A

/** What the fallbacks among the parts need. */
export type ServicesBehind<Parts> = Parts extends ReadonlyArray<unknown> ? Pipeline.ServicesBehind<Parts> : never

/**
 * Protects a stream: with everything that is configured for a service, in the order of `Resilience.protect`, or with a
 * pipeline or any other instance.
 *
 * **Gotchas**
 *
 * The stream may be run several times. A probe of the circuit breaker is alive as long as elements are asked for, at least
 * one in its `probeTimeout`.
 */
export const protect: {
  <A0 = unknown>(
    service: string,
    options?: PlainOptions<A0>
  ): <A extends A0, E, R>(
    self: Stream.Stream<A, E, R>
  ) => Stream.Stream<A, ErrorsBehind<Pipeline.AllParts, E>, R | Policy.ResilienceRegistry>
  <G extends Guard, A0 = unknown>(
    guard: G,
    options?: PlainOptions<A0>
  ): <A extends A0, E, R>(
    self: Stream.Stream<A, E, R>
  ) => Stream.Stream<ElementsBehind<PartsOf<G>, A>, ErrorsBehind<PartsOf<G>, E>, R | ServicesBehind<PartsOf<G>>>
  <A, E, R, G extends Guard>(
    self: Stream.Stream<A, E, R>,
    guard: G,
    options?: Options<NoInfer<A>, NoInfer<E>>
  ): Stream.Stream<ElementsBehind<PartsOf<G>, A>, ErrorsBehind<PartsOf<G>, E>, R | ServicesBehind<PartsOf<G>>>
  <A, E, R>(
    self: Stream.Stream<A, E, R>,
    service: string,
    options?: Options<NoInfer<A>, NoInfer<E>>
  ): Stream.Stream<A, ErrorsBehind<Pipeline.AllParts, E>, R | Policy.ResilienceRegistry>
  <A, E>(
    service: string,
    options: Options<NoInfer<A>, NoInfer<E>> | undefined
  ): <R>(
    self: Stream.Stream<A, E, R>
  ) => Stream.Stream<A, ErrorsBehind<Pipeline.AllParts, E>, R | Policy.ResilienceRegistry>
  <A, E, G extends Guard>(
    guard: G,
    options: Options<NoInfer<A>, NoInfer<E>> | undefined
  ): <R>(
    self: Stream.Stream<A, E, R>
  ) => Stream.Stream<ElementsBehind<PartsOf<G>, A>, ErrorsBehind<PartsOf<G>, E>, R | ServicesBehind<PartsOf<G>>>
  // last, because the messages of TypeScript are about the last form
  <A, E, G extends Guard>(
    target: string | G,
    options?: Options<NoInfer<A>, NoInfer<E>>
  ): <R>(
    self: Stream.Stream<A, E, R>
  ) => Stream.Stream<
    ElementsBehind<PartsOf<G>, A>,
    ErrorsBehind<Pipeline.AllParts | PartsOf<G>, E>,
    R | ServicesBehind<PartsOf<G>> | Policy.ResilienceRegistry
  >
} = dual(
  (args) => Stream.isStream(args[0]),
  (self: AnyStream, target: string | Policy.Guard<unknown>, options?: Options<never>) =>
    guarded(
      self,
      (run) =>
        Policy.withInstance<Policy.Guard<unknown>, Pipeline.Options, unknown, unknown, unknown, unknown>(
          Pipeline.Kind as unknown as Policy.Kind<Policy.Guard<unknown>, Pipeline.Options>,
          target,
          run,
          (guard) => Policy.apply(guard, run, callOf(guard, options))
        ),
      options
    )
)

/** The time limits of a stream. */
export interface Timeouts {
  /** For the first element. */
  readonly firstElement?: Duration.Input | undefined
  /** From one element to the next. */
  readonly idle?: Duration.Input | undefined
  /** For all of it, the time of the consumer included. */
  readonly total?: Duration.Input | undefined
}

/**
 * Limits the times of a stream. The `scope` of the error tells which was exceeded: "first element", "idle" or "total".
 *
 * **Gotchas**
 *
 * A time that was computed may be zero or less: then there is no limit for the waits, and the total has passed already.
 */
export const withTimeouts: {
  (timeouts: Timeouts): <A, E, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<A, E | TimeoutExceededError, R>
  <A, E, R>(self: Stream.Stream<A, E, R>, timeouts: Timeouts): Stream.Stream<A, E | TimeoutExceededError, R>
} = dual(2, (self: AnyStream, { firstElement, idle, total }: Timeouts) => {
  const limits = { firstElement: timeOf("firstElement", firstElement), idle: timeOf("idle", idle) }
  const wholeTime = total === undefined ? undefined : timeOf("total", total)
  return guarded(
    self,
    (run) => {
      const limited = Effect.withFiber((fiber) => {
        const progress = fiber.getRef(CurrentStream)
        if (progress === undefined) return run
        return StreamLimit.run(unnamed, fiber, run, Policy.monotonicMillis(fiber), progress, limits)
      })
      return wholeTime === undefined ? limited : Deadline.withDeadline(limited, wholeTime)
    },
    undefined
  )
})

/** What a fallback of a stream may choose. */
export interface OrElseOptions<in E = unknown, in A = unknown> extends Fallback.CallOptions, BeginOptions<A> {
  /** Only errors for which this is true are answered. */
  readonly when?: ((error: E) => boolean) | undefined
}

/**
 * Answers with another stream when one fails before its first element. It gets the error.
 *
 * **Example** (Another model)
 *
 * ```ts import.meta.vitest
 * import { Effect, Stream } from "effect"
 * import { ProtectedStream } from "effect-resilience"
 *
 * const primary: Stream.Stream<string, string> = Stream.fail("overloaded")
 * const answer = primary.pipe(ProtectedStream.orElse((error) => Stream.make("I am another model, ", `the first is ${error}`)))
 *
 * Effect.runSync(Stream.mkString(answer)) // => "I am another model, the first is overloaded"
 * ```
 */
export const orElse: {
  <E, A2, E2, R2>(
    answer: (error: E) => Stream.Stream<A2, E2, R2>,
    options?: undefined
  ): <A, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<A | A2, E | E2, R | R2>
  <A, E, R, A2, E2, R2>(
    self: Stream.Stream<A, E, R>,
    answer: (error: E) => Stream.Stream<A2, E2, R2>,
    options?: OrElseOptions<NoInfer<E>, A | A2>
  ): Stream.Stream<A | A2, E | E2, R | R2>
  // last, because the messages of TypeScript are about the last form
  <E, A2, E2, R2, A0 = unknown>(
    answer: (error: E) => Stream.Stream<A2, E2, R2>,
    options: OrElseOptions<NoInfer<E>, A0> | undefined
  ): <A extends A0, R>(self: Stream.Stream<A, E, R>) => Stream.Stream<A | A2, E | E2, R | R2>
} = dual(
  (args) => Stream.isStream(args[0]),
  (
    self: AnyStream,
    answer: (error: unknown) => AnyStream,
    { preamble, service = "default", when }: OrElseOptions<never, never> = {}
  ) =>
    firstToBegin(
      self,
      (open, reopen) =>
        Recovery.guard(
          open,
          {
            type: "function",
            service,
            when: when as Recovery.Condition,
            answer: (error) => ({ effect: Effect.suspend(() => reopen(answer(error))) })
          },
          (fiber) => Policy.registryOf(fiber)?.get(Fallback.Kind, service)
        ),
      preamble as BeginOptions["preamble"]
    )
)

/** Streams limited by bare durations, whoever makes them. */
const unnamed = new TimeLimit.LimitedCalls("default", "default")

type AnyEffect = Effect.Effect<unknown, unknown, unknown>

const guarded = (
  self: AnyStream,
  guard: (run: AnyEffect) => AnyEffect,
  options: BeginOptions<never> | undefined
): AnyStream =>
  Stream.fromChannel(
    Channel.fromTransform((_, scope) =>
      Effect.suspend(() => {
        const handoff = new Handoff(
          self as Stream.Stream<unknown, unknown>,
          guard,
          options?.preamble as BeginOptions["preamble"]
        )
        return Effect.as(
          Scope.addFinalizerExit(scope, (exit) => handoff.stop(exit)),
          handoff.take
        )
      })
    )
  )

/** A pipeline hands functions to the patterns that they are for; to any other instance they have no meaning. */
const callOf = (guard: Policy.Instance, options: Options<never> | undefined): Policy.CallOptions | undefined => {
  if (options === undefined || guard.kind === Fallback.Kind.id) return undefined
  const { circuitBreaker, key, retry } = options
  if (guard.kind === Pipeline.Kind.id) return options
  return { ...(guard.kind === "retry" ? retry : guard.kind === "circuit-breaker" ? circuitBreaker : {}), key } as object
}

const timeOf = (name: string, input: Duration.Input | undefined): Duration.Duration => {
  if (input === undefined) return Duration.infinity
  const duration = Fields.durationOfCall(input)
  if (duration !== undefined) return duration
  throw new TypeError(`ProtectedStream.withTimeouts: expected a duration for ${name}, got ${Fields.show(input)}`)
}
