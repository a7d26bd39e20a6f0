/**
 * What the log is told about a channel: that it fails, once, and that it works again.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Classifier from "../../policy/Classifier.ts"
import { isResilienceError, labelOf } from "../../policy/ResilienceError.ts"

/** Tells the log how deliveries end. */
export interface Report {
  /** A group is lost. */
  readonly lost: (reason: string) => Effect.Effect<void>
  readonly delivered: Effect.Effect<void>
}

/** Nothing has gone wrong yet. */
export const make = (channel: string): Report => {
  let lost = 0
  return {
    lost: (reason) =>
      Effect.suspend(() => {
        lost++
        if (lost > 1) return Effect.void
        const message = `effect-resilience: an alert could not be delivered to ${channel}: ${reason}`
        return Effect.logWarning(`${message}. Further failures are not logged.`)
      }),
    delivered: Effect.suspend(() => {
      if (lost === 0) return Effect.void
      const groups = lost === 1 ? "1 group of alerts was" : `${lost} groups of alerts were`
      lost = 0
      return Effect.logInfo(`effect-resilience: alerts are delivered to ${channel} again; ${groups} lost`)
    })
  }
}

/** Why a group is lost, without the message of the error: that of an HTTP error has the URL in it. */
export const reasonOf = (cause: Cause.Cause<unknown>): string => {
  if (Cause.hasInterruptsOnly(cause)) return "interrupted"
  const error = Cause.squash(cause)
  const status = isResilienceError(error) ? undefined : Classifier.statusOf(error)
  const reason = typeof error === "object" && error !== null && "reason" in error ? [labelOf(error.reason)] : []
  return [labelOf(error), ...reason, ...(status === undefined ? [] : [`HTTP ${status}`])].join(", ")
}
