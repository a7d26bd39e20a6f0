/**
 * Errors that almost every service needs, ready to be raised, caught, retried and answered with.
 *
 * **Details**
 *
 * | error                     | code                   | status | category         | retry policy                            |
 * | ------------------------- | ---------------------- | ------ | ---------------- | --------------------------------------- |
 * | {@link InvalidInput}      | `input.invalid`        | 400    | `client_error`   | `never`                                 |
 * | {@link Unauthenticated}   | `auth.unauthenticated` | 401    | `auth_error`     | `never`                                 |
 * | {@link Forbidden}         | `auth.forbidden`       | 403    | `auth_error`     | `never`                                 |
 * | {@link NotFound}          | `resource.not_found`   | 404    | `client_error`   | `never`                                 |
 * | {@link RateLimited}       | `rate_limit.exceeded`  | 429    | `rate_limit`     | `conditional`: the limit fills again    |
 * | {@link QuotaExceeded}     | `quota.exceeded`       | 429    | `rate_limit`     | `conditional`: only at the time it names |
 * | {@link Unavailable}       | `service.unavailable`  | 503    | `external_error` | `always`                                |
 * | {@link TimedOut}          | `service.timeout`      | 504    | `external_error` | `always`                                |
 * | {@link Overloaded}        | `service.overloaded`   | 529    | `external_error` | `always`: later and more often          |
 *
 * Each is a schema and has an encoding in JSON. The `cause` and the `detail` stay in this process: they are for logs, and no
 * encoding has them.
 *
 * **Example** (Told apart by the classifier)
 *
 * ```ts import.meta.vitest
 * import { Duration } from "effect"
 * import { Classifier, ServiceError } from "effect-resilience"
 *
 * const retryAfter = Duration.hours(1)
 * Classifier.classify(new ServiceError.RateLimited({ service: "llm" }), 0) // => { kind: "rate-limited" }
 *
 * const quota = Classifier.classify(new ServiceError.QuotaExceeded({ service: "llm", retryAfter }), 0)
 * quota // => { kind: "rate-limited", needsHint: true, retryAfter }
 * ```
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import { annotate, Internal } from "./ErrorTraits.ts"

const internal = {
  /** For developers and logs. */
  detail: Internal(Schema.String),
  /** What went wrong underneath. */
  cause: Internal(Schema.Unknown)
}

const ofService = {
  /** The service that was called. */
  service: Schema.String,
  /** The earliest sensible time for another attempt, in milliseconds where it is encoded. */
  retryAfter: Schema.optional(Schema.DurationFromMillis),
  ...internal
}

const describe = (what: string, { detail }: { readonly detail?: string | undefined }): string =>
  detail === undefined ? what : `${what}: ${detail}`

const waiting = (reason: string) => (error: { readonly retryAfter?: Duration.Duration | undefined }) => {
  const seconds = error.retryAfter && Math.ceil(Duration.toSeconds(error.retryAfter))
  if (seconds === undefined || seconds <= 0 || seconds === Infinity) return undefined
  return `${reason} Please try again in ${seconds === 1 ? "a second" : `${seconds} seconds`}.`
}

/** The input is wrong: 400. The name of the field is shown to the user. */
export class InvalidInput extends Schema.TaggedError<InvalidInput>()("InvalidInput", {
  field: Schema.optional(Schema.String),
  ...internal
}).pipe(
  annotate({
    errorCode: "input.invalid",
    httpStatus: 400,
    userMessage: ({ field }) => (field === undefined ? undefined : `The value of "${field}" is not valid.`)
  })
) {
  override get message(): string {
    return describe(this.field === undefined ? "invalid input" : `invalid input in "${this.field}"`, this)
  }
}

/** It is not known who asks: 401. */
export class Unauthenticated extends Schema.TaggedError<Unauthenticated>()("Unauthenticated", internal).pipe(
  annotate({ errorCode: "auth.unauthenticated", httpStatus: 401 })
) {
  override get message(): string {
    return describe("not authenticated", this)
  }
}

/** Whoever asks is known, and may not: 403. */
export class Forbidden extends Schema.TaggedError<Forbidden>()("Forbidden", internal).pipe(
  annotate({ errorCode: "auth.forbidden", httpStatus: 403 })
) {
  override get message(): string {
    return describe("not permitted", this)
  }
}

/** There is no such thing: 404. The kind of thing is shown to the user, its identifier is not. */
export class NotFound extends Schema.TaggedError<NotFound>()("NotFound", {
  resource: Schema.String,
  id: Schema.optional(Schema.String),
  ...internal
}).pipe(
  annotate({
    errorCode: "resource.not_found",
    httpStatus: 404,
    userMessage: ({ resource }) => `The ${resource} was not found.`
  })
) {
  override get message(): string {
    return describe(this.id === undefined ? `no such ${this.resource}` : `no ${this.resource} "${this.id}"`, this)
  }
}

/** Too many requests in a short time: 429. The limit fills again by itself. */
export class RateLimited extends Schema.TaggedError<RateLimited>()("RateLimited", ofService).pipe(
  annotate({ errorCode: "rate_limit.exceeded", httpStatus: 429, userMessage: waiting("Too many requests.") })
) {
  override get message(): string {
    return describe(`the rate limit of "${this.service}" is used up`, this)
  }
}

/** The share of a day or a month is used up: 429. It is tried again only at the time that it names itself. */
export class QuotaExceeded extends Schema.TaggedError<QuotaExceeded>()("QuotaExceeded", ofService).pipe(
  annotate({
    errorCode: "quota.exceeded",
    httpStatus: 429,
    needsHint: true,
    userMessage: "Your quota is used up. Please try again once it has been renewed."
  })
) {
  override get message(): string {
    return describe(`the quota of "${this.service}" is used up`, this)
  }
}

/** A dependency cannot be reached, or does not work: 503. */
export class Unavailable extends Schema.TaggedError<Unavailable>()("Unavailable", ofService).pipe(
  annotate({ errorCode: "service.unavailable", httpStatus: 503, category: "external_error" })
) {
  override get message(): string {
    return describe(`"${this.service}" is not available`, this)
  }
}

/** A dependency took too long: 504. */
export class TimedOut extends Schema.TaggedError<TimedOut>()("TimedOut", ofService).pipe(
  annotate({ errorCode: "service.timeout", httpStatus: 504 })
) {
  override get message(): string {
    return describe(`"${this.service}" took too long to answer`, this)
  }
}

/** A dependency has more work than it can do: 529. */
export class Overloaded extends Schema.TaggedError<Overloaded>()("Overloaded", ofService).pipe(
  annotate({ errorCode: "service.overloaded", httpStatus: 529 })
) {
  override get message(): string {
    return describe(`"${this.service}" is overloaded`, this)
  }
}
