/**
 * From the options of a retry, as people write them, to the settings of its machine.
 */
import * as Duration from "effect/Duration"
import type * as Backoff from "../../core/Backoff.ts"
import type * as Retry from "../../core/Retry.ts"
import type * as RetryBudget from "../../core/RetryBudget.ts"
import type { Options } from "../Retry.ts"

const OVERLOAD_ATTEMPTS = 6

/** The settings of the machine. */
export const settingsOf = (options: Options): Retry.Settings => {
  const { maxAttempts, overload, rateLimit, retryAfterMax } = options
  const atMost = (attempts: number): number => (maxAttempts === 1 ? 1 : attempts)
  return {
    retryable: { maxAttempts, backoff: backoffOf(options) },
    overloaded: {
      maxAttempts: atMost(overload.maxAttempts ?? Math.max(OVERLOAD_ATTEMPTS, maxAttempts)),
      backoff: backoffOf(overload)
    },
    "rate-limited": {
      maxAttempts: atMost(rateLimit.maxAttempts ?? maxAttempts),
      backoff: backoffOf(rateLimit)
    },
    hintMaxMillis: Duration.toMillis(retryAfterMax)
  }
}

/** The settings of the budget; `undefined` when retries have none. */
export const budgetOf = ({ budget }: Options): RetryBudget.Settings | undefined =>
  budget === undefined || !budget.enabled
    ? undefined
    : {
        ratio: budget.ratio,
        minimumPerSecond: budget.minimumPerSecond,
        windowMillis: Duration.toMillis(budget.window)
      }

const backoffOf = (
  options: Pick<Options, "baseDelay" | "factor" | "jitter" | "maxDelay" | "strategy">
): Backoff.Settings => ({
  strategy: options.strategy,
  baseMillis: Duration.toMillis(options.baseDelay),
  factor: options.factor,
  maxMillis: Duration.toMillis(options.maxDelay),
  jitter: options.jitter
})
