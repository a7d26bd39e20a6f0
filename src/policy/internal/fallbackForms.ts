/**
 * The types of the fallbacks: which errors are answered decides which remain in the type.
 */
import type * as Effect from "effect/Effect"

/** The tags of the errors of a union. */
export type Tags<E> = E extends { readonly _tag: infer Tag extends string } ? Tag : never

/** The errors of a union that have one of the tags. */
export type WithTag<E, Tag extends string> = Extract<E, { readonly _tag: Tag }>

/** The error of the last effect of a list. */
export type ErrorOfLast<Effects extends ReadonlyArray<unknown>> = Effects extends readonly [...infer _, infer Last]
  ? Effect.Error<Last>
  : Effect.Error<Effects[number]>

/** What every fallback may choose. */
export interface CallOptions {
  /** The name of the service, for events and metrics (default "default"). */
  readonly service?: string | undefined
}

/** Only errors with one of these tags are answered; they leave the type. */
export interface WhenTag<Tag> extends CallOptions {
  readonly when: Tag | ReadonlyArray<Tag>
}

/** Only errors that a refinement accepts are answered; they leave the type. */
export interface WhenRefined<in E, out EB extends E> extends CallOptions {
  readonly when: (error: E) => error is EB
}

/** Only errors for which a predicate holds are answered; the type cannot tell which these are. */
export interface WhenTrue<in E> extends CallOptions {
  readonly when: (error: E) => boolean
}

/** The forms of `Fallback.orElse`. */
export interface OrElse {
  <E, EB extends E, B, E2, R2>(
    answer: (error: EB) => Effect.Effect<B, E2, R2>,
    options: WhenRefined<E, EB>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, Exclude<E, EB> | E2, R | R2>
  <E, B, E2, R2>(
    answer: (error: NoInfer<E>) => Effect.Effect<B, E2, R2>,
    options: WhenTrue<NoInfer<E>>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, E | E2, R | R2>
  <E, B, E2, R2, const Tag extends Tags<E>>(
    answer: (error: WithTag<E, Tag>) => Effect.Effect<B, E2, R2>,
    options: WhenTag<Tag>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, Exclude<E, WithTag<E, Tag>> | E2, R | R2>
  <E, B, E2, R2>(
    answer: (error: E) => Effect.Effect<B, E2, R2>,
    options?: CallOptions
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, E2, R | R2>
  <A, E, R, EB extends E, B, E2, R2>(
    self: Effect.Effect<A, E, R>,
    answer: (error: EB) => Effect.Effect<B, E2, R2>,
    options: WhenRefined<E, EB>
  ): Effect.Effect<A | B, Exclude<E, EB> | E2, R | R2>
  <A, E, R, B, E2, R2>(
    self: Effect.Effect<A, E, R>,
    answer: (error: E) => Effect.Effect<B, E2, R2>,
    options: WhenTrue<E>
  ): Effect.Effect<A | B, E | E2, R | R2>
  <A, E, R, B, E2, R2, const Tag extends Tags<E>>(
    self: Effect.Effect<A, E, R>,
    answer: (error: WithTag<E, Tag>) => Effect.Effect<B, E2, R2>,
    options: WhenTag<Tag>
  ): Effect.Effect<A | B, Exclude<E, WithTag<E, Tag>> | E2, R | R2>
  <A, E, R, B, E2, R2>(
    self: Effect.Effect<A, E, R>,
    answer: (error: E) => Effect.Effect<B, E2, R2>,
    options?: CallOptions
  ): Effect.Effect<A | B, E2, R | R2>
}

/** The forms of `Fallback.orElseSucceed`. */
export interface OrElseSucceed {
  <E, EB extends E, B>(
    value: (error: EB) => B,
    options: WhenRefined<E, EB>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, Exclude<E, EB>, R>
  <E, B>(
    value: (error: NoInfer<E>) => B,
    options: WhenTrue<NoInfer<E>>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, E, R>
  <E, B, const Tag extends Tags<E>>(
    value: (error: WithTag<E, Tag>) => B,
    options: WhenTag<Tag>
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, Exclude<E, WithTag<E, Tag>>, R>
  <E, B>(
    value: (error: E) => B,
    options?: CallOptions
  ): <A, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, never, R>
  <A, E, R, EB extends E, B>(
    self: Effect.Effect<A, E, R>,
    value: (error: EB) => B,
    options: WhenRefined<E, EB>
  ): Effect.Effect<A | B, Exclude<E, EB>, R>
  <A, E, R, B>(self: Effect.Effect<A, E, R>, value: (error: E) => B, options: WhenTrue<E>): Effect.Effect<A | B, E, R>
  <A, E, R, B, const Tag extends Tags<E>>(
    self: Effect.Effect<A, E, R>,
    value: (error: WithTag<E, Tag>) => B,
    options: WhenTag<Tag>
  ): Effect.Effect<A | B, Exclude<E, WithTag<E, Tag>>, R>
  <A, E, R, B>(
    self: Effect.Effect<A, E, R>,
    value: (error: E) => B,
    options?: CallOptions
  ): Effect.Effect<A | B, never, R>
}

/** The forms of a fallback that always gives the same kind of answer. */
export interface Answering<in A0, out B> {
  <A extends A0, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A | B, never, R>
  <E, EB extends E>(
    options: WhenRefined<E, EB>
  ): <A extends A0, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, Exclude<E, EB>, R>
  <E>(options: WhenTrue<NoInfer<E>>): <A extends A0, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, E, R>
  <E, const Tag extends Tags<E>>(
    options: WhenTag<Tag>
  ): <A extends A0, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, Exclude<E, WithTag<E, Tag>>, R>
  (options: CallOptions): <A extends A0, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A | B, never, R>
  <A extends A0, E, R, EB extends E>(
    self: Effect.Effect<A, E, R>,
    options: WhenRefined<E, EB>
  ): Effect.Effect<A | B, Exclude<E, EB>, R>
  <A extends A0, E, R>(self: Effect.Effect<A, E, R>, options: WhenTrue<E>): Effect.Effect<A | B, E, R>
  <A extends A0, E, R, const Tag extends Tags<E>>(
    self: Effect.Effect<A, E, R>,
    options: WhenTag<Tag>
  ): Effect.Effect<A | B, Exclude<E, WithTag<E, Tag>>, R>
  <A extends A0, E, R>(self: Effect.Effect<A, E, R>, options?: CallOptions): Effect.Effect<A | B, never, R>
}
