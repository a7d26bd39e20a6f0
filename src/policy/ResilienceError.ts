/**
 * What the errors of all patterns have in common. The traits that they carry can be given to any error: see `ErrorTraits`.
 */
import type * as Cause from "effect/Cause"
import * as Data from "effect/Data"
import type * as Duration from "effect/Duration"
import type { Category, ErrorTraits, RetryPolicy } from "./ErrorTraits.ts"

export { hasTraits, type Category, type ErrorTraits, type RetryPolicy } from "./ErrorTraits.ts"

/** The label for an error in metrics and events: its tag, or the name of its class. */
export const labelOf = (error: unknown): string => {
  if (typeof error !== "object" || error === null) return typeof error
  try {
    if ("_tag" in error && typeof error._tag === "string") return error._tag
    const name: unknown = error.constructor.name
    return typeof name === "string" && name !== "" ? name : "object"
  } catch {
    // An error that cannot be read is told all the same, and stays the error of its call.
    return "object"
  }
}

/**
 * The parent of all errors that the patterns raise.
 *
 * **Details**
 *
 * It is an `Error` that can be yielded in `Effect.gen`, but it captures no stack trace: a rejection happens most when
 * everything is on fire, and the stack would be nine tenths of its price. Where it happened is in the trace of the span.
 */
// oxlint-disable-next-line typescript/no-unsafe-declaration-merging -- the prototype of the parent is set below
export abstract class ResilienceError implements ErrorTraits {
  abstract readonly _tag: string
  // Declared and not defined, like all fields here: fields that are defined before they are assigned are a tenth of a rejection.
  /** The name of the service whose call failed. */
  declare readonly service: string
  declare readonly retryAfter: Duration.Duration | undefined
  declare readonly errorCode: string
  declare readonly httpStatus: number
  declare readonly category: Category
  declare readonly retryPolicy: RetryPolicy
  declare readonly userMessage: string
  constructor(service: string, retryAfter: Duration.Duration | undefined) {
    this.service = service
    this.retryAfter = retryAfter
  }
  /** For developers and logs; {@link userMessage} is for users. */
  abstract get message(): string
  /** True when we refused on our own side, so that it says nothing about the health of the dependency. */
  get isOwnSide(): boolean {
    return false
  }
  get name(): string {
    return this._tag
  }
  get stack(): string {
    return `${this._tag}: ${this.message}`
  }
  toJSON(): object {
    return { ...this, message: this.message }
  }
}

export interface ResilienceError extends Cause.YieldableError {}

// `extends` would run the constructor of `Error`, which is what captures the stack.
Object.setPrototypeOf(ResilienceError.prototype, Data.Error.prototype)

/** A parent class whose errors all have the same traits. */
export const withTraits = (traits: Omit<ErrorTraits, "retryAfter">): typeof ResilienceError => {
  abstract class WithTraits extends ResilienceError {}
  Object.assign(WithTraits.prototype, traits)
  return WithTraits
}

/** Whether an error was raised by one of the patterns. */
export const isResilienceError = (error: unknown): error is ResilienceError => error instanceof ResilienceError
