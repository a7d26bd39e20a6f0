/**
 * The groups of options of a retry.
 */
import * as Duration from "effect/Duration"
import * as Schema from "effect/Schema"
import type * as Backoff from "../../core/Backoff.ts"
import * as Fields from "./options.ts"

const Strategy = Schema.Literals(["exponential", "linear", "fixed", "random"])
const Jitter = Schema.Literals(["none", "equal", "full", "decorrelated"])

/** The options of a back-off, with its defaults. */
export const backoffFields = (
  strategy: Backoff.Strategy,
  base: Duration.Duration,
  max: Duration.Duration,
  jitter: Backoff.Jitter
) => ({
  strategy: Fields.defaulted(Strategy, strategy, {
    description: "How delays grow: exponential, linear, fixed, or random between zero and an exponential delay"
  }),
  baseDelay: Fields.defaulted(Fields.DelayDuration, base, { description: "The first delay" }),
  factor: Fields.defaulted(Fields.Factor, 2, {
    description: "Growth of an exponential delay",
    variable: "EXPONENTIAL_BASE"
  }),
  maxDelay: Fields.defaulted(Fields.DelayDuration, max, {
    description: "The longest delay, a hint of the dependency excepted",
    variable: "EXPONENTIAL_MAX"
  }),
  jitter: Fields.defaulted(Jitter, jitter, {
    description:
      "How delays are spread: none, equal (a fifth to both sides), full (over everything below), decorrelated",
    variable: "JITTER_STRATEGY",
    off: { variable: "JITTER", value: "none" }
  })
})

/** How to retry what an overloaded dependency refused. */
export const Overload = Schema.Struct({
  maxAttempts: Fields.optional(Fields.PositiveInt, {
    description: "Calls, the first included; default 6, or `maxAttempts` if that is more"
  }),
  ...backoffFields("exponential", Duration.seconds(5), Duration.seconds(60), "decorrelated")
})

/** How to retry what went beyond a rate limit. */
export const RateLimit = Schema.Struct({
  maxAttempts: Fields.optional(Fields.PositiveInt, {
    description: "Calls, the first included; default `maxAttempts`"
  }),
  ...backoffFields("exponential", Duration.seconds(2), Duration.seconds(60), "equal")
})

/** How many retries there may be for all calls together. */
export const Budget = Schema.Struct({
  enabled: Fields.defaulted(Schema.Boolean, true, { description: "Whether the budget limits retries" }),
  ratio: Fields.defaulted(Fields.NonNegative, 0.2, { description: "Retries for each recent call" }),
  minimumPerSecond: Fields.defaulted(Fields.NonNegative, 10, { description: "Retries that are always possible" }),
  window: Fields.defaulted(Fields.FiniteDuration, Duration.seconds(10), { description: "What counts as recent" })
})
