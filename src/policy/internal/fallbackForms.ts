/**
 * The types of the fallbacks: which errors are answered decides which remain in the type.
 */
import type * as Effect from "effect/Effect"

/** What every fallback may choose. */
export interface CallOptions {
  /** The name of the service, for events and metrics (default "default"). */
  readonly service?: string | undefined
}

/** All errors are answered. */
export interface WhenAny extends CallOptions {
  readonly when?: undefined
}

/** Only some errors are answered. */
export interface WhenSome<E> extends CallOptions {
  readonly when?: When<E> | undefined
}

/**
 * Which errors are answered: those with a tag, or that a refinement accepts, which leave the type; or those for which a
 * predicate holds, where the type cannot tell which these are.
 */
export type When<E> = Tags<E> | ReadonlyArray<Tags<E>> | ((error: E) => boolean)

/** The tags of the errors of a union. */
export type Tags<E> = E extends { readonly _tag: infer Tag extends string } ? Tag : never

/** The errors of a union that have one of the tags. */
export type WithTag<E, Tag extends string> = Extract<E, { readonly _tag: Tag }>

/** Options with a refinement, whatever it is a refinement of: the parameter of a method is compared in both directions. */
interface Refining<EB> {
  when(error: unknown): error is EB
}

/** Options with tags. */
interface Tagged<Tag extends string> {
  readonly when: Tag | ReadonlyArray<Tag>
}

/** The errors that options let a fallback answer. */
export type Answerable<E, Options> =
  Options extends Refining<infer EB> ? Refined<E, EB> : Options extends Tagged<infer Tag> ? WithTag<E, Tag> : E

/** The errors that remain behind a fallback with options. */
export type Unanswered<E, Options> =
  Options extends Refining<infer EB>
    ? Exclude<E, EB>
    : Options extends Tagged<string>
      ? Exclude<E, WithTag<E, CertainTags<Options["when"]>>>
      : Options extends WhenAny
        ? never
        : E

/** The tags that are answered for certain: of a union of tags or a list of unknown length it is none of them. */
type CertainTags<When> = [When] extends [readonly [infer Head, ...infer Tail]]
  ? CertainTag<Head> | CertainTags<Tail>
  : CertainTag<When>

type CertainTag<Tag, All = Tag> = Tag extends string ? ([All] extends [Tag] ? Tag : never) : never

/** A refinement may know more than the errors of this union, such as a whole family. */
type Refined<E, EB> = EB extends E ? EB : Extract<E, EB>

/** The error of the last effect of a list. */
export type ErrorOfLast<Effects extends ReadonlyArray<unknown>> = Effects extends readonly [...infer _, infer Last]
  ? Effect.Error<Last>
  : Effect.Error<Effects[number]>

/** The forms of `Fallback.orElse`. */
export interface OrElse {
  <E, B, E2, R2>(
    answer: (error: E) => Effect.Effect<B, E2, R2>,
    options?: WhenAny
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, E2, R | R2>
  <A, E, R, B, E2, R2>(
    self: Effect.Effect<A, E, R>,
    answer: (error: E) => Effect.Effect<B, E2, R2>,
    options?: WhenAny
  ): Effect.Effect<A | B, E2, R | R2>
  <A, E, R, B, E2, R2, const Options extends WhenSome<E>>(
    self: Effect.Effect<A, E, R>,
    answer: (error: NoInfer<Answerable<E, Options>>) => Effect.Effect<B, E2, R2>,
    options: Options
  ): Effect.Effect<A | B, Unanswered<E, Options> | E2, R | R2>
  // last, because the messages of TypeScript are about the last form
  <E, B, E2, R2, const Options extends WhenSome<E>>(
    answer: (error: NoInfer<Answerable<E, Options>>) => Effect.Effect<B, E2, R2>,
    options: Options
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, Unanswered<E, Options> | E2, R | R2>
}

/** The forms of `Fallback.orElseSucceed`. */
export interface OrElseSucceed {
  <E, B>(
    value: (error: E) => B,
    options?: WhenAny
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, never, R>
  <A, E, R, B>(self: Effect.Effect<A, E, R>, value: (error: E) => B, options?: WhenAny): Effect.Effect<A | B, never, R>
  <A, E, R, B, const Options extends WhenSome<E>>(
    self: Effect.Effect<A, E, R>,
    value: (error: NoInfer<Answerable<E, Options>>) => B,
    options: Options
  ): Effect.Effect<A | B, Unanswered<E, Options>, R>
  // last, because the messages of TypeScript are about the last form
  <E, B, const Options extends WhenSome<E>>(
    value: (error: NoInfer<Answerable<E, Options>>) => B,
    options: Options
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, Unanswered<E, Options>, R>
}

/** The value, or the answer; only the value if its type covers the answer. */
export type Answered<A, B> = [B] extends [A] ? A : A | B

/** The error of an effect; none if it is none. */
type ErrorIn<Arg> = Arg extends Effect.Effect<unknown, infer E, unknown> ? E : never

/**
 * The forms of a fallback that always gives the same kind of answer. It is one signature and no overloads, because only then
 * can TypeScript infer through `effect.pipe(Fallback.failOpen)`.
 */
export interface Answering<in A0, out B> {
  <
    E,
    const Arg extends Effect.Effect<A0, unknown, unknown> | WhenSome<E>,
    const Options extends CallOptions & { readonly when?: unknown } = {}
  >(
    effectOrOptions: Arg,
    options?: Options & WhenSome<ErrorIn<Arg>>
  ): [Arg] extends [Effect.Effect<infer A, infer E1, infer R>]
    ? Effect.Effect<Answered<A, B>, Unanswered<E1, Options>, R>
    : <A extends A0, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<Answered<A, B>, Unanswered<E, Arg>, R>
}
