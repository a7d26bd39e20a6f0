/**
 * What an error can say about itself, and a helper that lets a `Schema.TaggedError` class say it.
 *
 * **When to use**
 *
 * For errors of your own that retries, circuits, metrics and HTTP responses are to understand without a line about them
 * anywhere else.
 *
 * **Details**
 *
 * {@link annotate} takes one thing that nobody can guess, the error code; the rest has defaults.
 *
 * | status                  | category         | retry policy  |
 * | ----------------------- | ---------------- | ------------- |
 * | 401, 403                | `auth_error`     | `never`       |
 * | 429                     | `rate_limit`     | `conditional` |
 * | 408, 425                | `client_error`   | `always`      |
 * | any other 4xx           | `client_error`   | `never`       |
 * | 502, 504, 529           | `external_error` | `always`      |
 * | 503                     | `server_error`   | `always`      |
 * | any other 5xx           | `server_error`   | `never`       |
 *
 * To a circuit breaker, errors in the categories `client_error` and `auth_error` are answers of a dependency that is well, but
 * for the statuses 408, 425 and 429.
 *
 * Without a status it is that of the category: 400 for `client_error`, 401 for `auth_error`, 429 for `rate_limit`, 503 for
 * `external_error`, and otherwise 500. What is wrong or contradicts itself, such as a 404 in the category `server_error`, is
 * an error when the class is defined.
 *
 * The class stays what it was: its fields, its codec, `catchTag`, `yield*` and `instanceof` are those of the schema, and the
 * traits are part of the instance's type, not of its encoding. `httpApiStatus` is set, so that `HttpApi` answers with the
 * status. A class made with `extend` inherits the traits, and `annotate` on it replaces single ones.
 *
 * **Gotchas**
 *
 * A field called `retryAfter` or `userMessage` is that trait. Other traits cannot be fields.
 *
 * **Example** (An error of one's own)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { Classifier, ErrorTraits } from "effect-resilience"
 *
 * class ModelNotFound extends Schema.TaggedError<ModelNotFound>()("ModelNotFound", { model: Schema.String }).pipe(
 *   ErrorTraits.annotate({
 *     errorCode: "llm.model_not_found",
 *     httpStatus: 404,
 *     userMessage: ({ model }) => `There is no model called ${model}.`
 *   })
 * ) {}
 *
 * const error = new ModelNotFound({ model: "gtp-5" })
 * error.userMessage // => "There is no model called gtp-5."
 * error.category // => "client_error"
 * Classifier.classify(error, 0) // => { kind: "not-retryable" }
 * ```
 */
import type * as Duration from "effect/Duration"
import { dual } from "effect/Function"
import * as Schema from "effect/Schema"
import * as SchemaGetter from "effect/SchemaGetter"
import * as AnnotatedClass from "./internal/annotatedClass.ts"

/** Who is at fault, coarsely: the label of dashboards. */
export type Category = "client_error" | "server_error" | "external_error" | "rate_limit" | "auth_error"

/** Whether another attempt makes sense; "conditional" means only after the time that the error itself names. */
export type RetryPolicy = "never" | "always" | "conditional"

/**
 * What an error can say about itself. Any error may implement this; the classifier reads it before anything else.
 */
export interface ErrorTraits {
  /** A stable name for machines, such as "resilience.timeout". */
  readonly errorCode: string
  readonly httpStatus: number
  readonly category: Category
  readonly retryPolicy: RetryPolicy
  /**
   * Whether a conditional error with the status 429 has to be left alone for as long as it names. By default it need not: a
   * rate limit fills again by itself. With any other status, a conditional error always has to.
   */
  readonly needsHint?: boolean | undefined
  /** The earliest sensible time for another attempt, from now. */
  readonly retryAfter?: Duration.Duration | undefined
  /** A message that may be shown to users: it says nothing about internals. */
  readonly userMessage: string
}

/** What a class says about its errors: the code, and what differs from the defaults. */
export interface Declaration<in A> {
  readonly errorCode: string
  /** From 400 to 599. */
  readonly httpStatus?: number | undefined
  readonly category?: Category | undefined
  readonly retryPolicy?: RetryPolicy | undefined
  readonly needsHint?: boolean | undefined
  /** The same for all errors of the class, or from the fields of each. */
  readonly retryAfter?: Duration.Input | ((fields: A) => Duration.Input | undefined) | undefined
  /** The same for all errors of the class, or from the fields of each. By default it follows from status and category. */
  readonly userMessage?: string | ((fields: A) => string | undefined) | undefined
}

/** The declaration of a class with these fields: one whose parent has traits inherits what it does not say. */
export type DeclarationFor<A, Parent> = Parent extends ErrorTraits ? Partial<Declaration<A>> : Declaration<A>

/** The schema of an error whose fields do not contradict its traits. */
export interface Annotatable extends Schema.Constraint {
  readonly fields: Schema.Struct.Fields & {
    readonly [name in Exclude<keyof ErrorTraits, "retryAfter" | "userMessage">]?: never
  } & {
    readonly retryAfter?: { readonly Type: Duration.Duration | undefined }
    readonly userMessage?: { readonly Type: string | undefined }
  }
}

/**
 * Gives traits to a class made by `Schema.TaggedError` or `Schema.Error`. Throws when they make no sense: every mistake is
 * named.
 */
export const annotate: {
  <Self, S extends Annotatable, Parent>(
    declaration: DeclarationFor<S["Type"], Parent>
  ): (self: Schema.Class<Self, S, Parent>) => Schema.Class<Self, S, Parent & ErrorTraits>
  <Self, S extends Annotatable, Parent>(
    self: Schema.Class<Self, S, Parent>,
    declaration: DeclarationFor<S["Type"], Parent>
  ): Schema.Class<Self, S, Parent & ErrorTraits>
} = /* @__PURE__ */ dual(2, AnnotatedClass.make)

/**
 * A field that stays in this process, because no encoding has it: for the details that developers need and users must not see.
 *
 * **Example** (A detail for logs)
 *
 * ```ts import.meta.vitest
 * import { Schema } from "effect"
 * import { ErrorTraits } from "effect-resilience"
 *
 * class Refused extends Schema.TaggedError<Refused>()("Refused", { cause: ErrorTraits.Internal(Schema.Unknown) }) {}
 *
 * const error = new Refused({ cause: "connect ECONNREFUSED 10.0.0.7:5432" })
 * error.cause // => "connect ECONNREFUSED 10.0.0.7:5432"
 * Schema.encodeSync(Refused)(error) // => { _tag: "Refused" }
 * ```
 */
export const Internal = <S extends Schema.Constraint>(
  schema: S
): Schema.decodeTo<Schema.optional<Schema.toType<S>>, Schema.optionalKey<Schema.Never>> =>
  Schema.optionalKey(Schema.Never).pipe(
    Schema.decodeTo(Schema.optional(Schema.toType(schema)), {
      decode: SchemaGetter.omit(),
      encode: SchemaGetter.omit()
    })
  )

/** Whether an error carries traits; by their shape, so that it may come from another copy of this package. */
export const hasTraits = (error: unknown): error is ErrorTraits =>
  typeof error === "object" &&
  error !== null &&
  typeof (error as ErrorTraits).errorCode === "string" &&
  typeof (error as ErrorTraits).httpStatus === "number" &&
  typeof (error as ErrorTraits).category === "string" &&
  typeof (error as ErrorTraits).retryPolicy === "string"
