/**
 * What alerts are about, and somebody who gets them.
 */
import { Effect, Layer, Logger } from "effect"
import { TestClock } from "effect/testing"
import { CircuitBreaker, Resilience, Retry } from "../../../src/index.ts"
import { Alerts } from "../../../src/telemetry/index.ts"

/** A breaker that opens at the first failure, for ten seconds. */
export const breakerOf = (service: string) =>
  CircuitBreaker.make({ service, consecutiveFailures: 1, openDuration: "10 seconds" })

export const fail = (breaker: CircuitBreaker.CircuitBreaker, key?: string) =>
  Effect.fail("down").pipe(breaker.executeWith({ key }), Effect.ignore)

export const succeed = (breaker: CircuitBreaker.CircuitBreaker, key?: string) =>
  Effect.void.pipe(breaker.executeWith({ key }), Effect.ignore)

/** Failed calls that are not tried again for want of budget. */
export const exhaustBudget = (service: string, times = 1) =>
  Effect.gen(function* () {
    const budget = { ratio: 0, minimumPerSecond: 0 }
    const retry = yield* Retry.make({ service, budget })
    yield* Effect.fail("down").pipe(Retry.withRetry(retry), Effect.ignore, Effect.repeat({ times: times - 1 }))
  })

/** Lets the fibers in the background run. */
export const settle = TestClock.adjust(0)

/** Remembers what it gets. `answer` is how it answers; it hears the number of the call, from 1. */
export const recording = (answer: (call: number) => Effect.Effect<void, unknown> = () => Effect.void) => {
  const groups: Array<Alerts.AlertGroup> = []
  let calls = 0
  const layer = Layer.succeed(Alerts.AlertChannel, {
    name: "test",
    send: (group) =>
      Effect.suspend(() =>
        Effect.tap(
          answer(++calls),
          Effect.sync(() => void groups.push(group))
        )
      )
  })
  return {
    layer,
    groups,
    calls: () => calls,
    /** What arrived, a line for each group. */
    lines: () => groups.map(Alerts.summarize)
  }
}

/** Writes down what is logged. */
export const logInto = (lines: Array<string>) =>
  Logger.layer([
    Logger.make(({ cause, logLevel, message }) => {
      lines.push(`${logLevel}: ${String(message)}${cause.reasons.length === 0 ? "" : String(cause)}`)
    })
  ])

/** Alerts to a channel, with a registry for whatever runs under the layer. */
export const alertsTo = <E, R>(channel: Layer.Layer<Alerts.AlertChannel, E, R>, options?: Alerts.OptionsInput) =>
  Alerts.layer(options).pipe(Layer.provide(channel), Layer.provideMerge(Resilience.layer()))
