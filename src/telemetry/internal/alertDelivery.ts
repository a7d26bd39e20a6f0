/**
 * Brings alerts to a channel: throttled for each service, in the background, one group at a time.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"
import * as Option from "effect/Option"
import * as Queue from "effect/Queue"
import type * as Scope from "effect/Scope"
import * as Tracer from "effect/Tracer"
import * as Throttle from "../../core/Throttle.ts"
import * as Deadline from "../../policy/Deadline.ts"
import * as Policy from "../../policy/Policy.ts"
import * as Retry from "../../policy/Retry.ts"
import * as Timeout from "../../policy/Timeout.ts"
import type { Alert, AlertChannel, Options } from "../Alerts.ts"
import * as Report from "./alertReport.ts"

/** Starts the delivery; it ends with the scope. The answer takes an alert and returns at once. */
export const start = (
  channel: AlertChannel["Service"],
  options: Options
): Effect.Effect<(alert: Alert) => void, never, Scope.Scope> =>
  Effect.gen(function* () {
    const clock = yield* Clock.Clock
    const now = () => Policy.monotonicMillisOf(clock)
    const settings = { windowMillis: Duration.toMillis(options.throttle), maxEntries: KINDS }
    const throttles = new Map<string, Throttle.State<Alert>>()
    // Who offers to a queue does not run the fiber that takes, unlike who opens a latch.
    const wake = yield* Queue.sliding<void>(1)
    const report = Report.make(channel.name)
    let isClosing = false

    const offer = (alert: Alert): void => {
      const state = throttles.get(alert.service) ?? Throttle.initial()
      throttles.set(alert.service, state)
      if (state.held.length === 0) Queue.offerUnsafe(wake, undefined)
      Throttle.offer(state, settings, now(), alert.kind, alert)
    }

    const send = (service: string, state: Throttle.State<Alert>, group: Throttle.Group<Alert>): Effect.Effect<void> => {
      const alerts = group.entries.map(({ count, item }) => ({ ...item, count }))
      return Effect.suspend(() => channel.send({ service, alerts, omitted: group.omitted })).pipe(
        Timeout.withTimeout(options.sendTimeout),
        Retry.withRetry(retry),
        Effect.matchCauseEffect({
          onSuccess: () => report.delivered,
          onFailure: (cause) => {
            Throttle.omit(state, group.omitted + alerts.reduce((sum, { count }) => sum + count, 0))
            return report.lost(Report.reasonOf(cause))
          }
        })
      )
    }

    const sendDue = Effect.gen(function* () {
      for (const [service, state] of throttles) {
        const group = Throttle.take(state, settings, isClosing ? Infinity : now())
        if (group !== undefined) yield* send(service, state, group)
        else if (Throttle.isIdle(state, now())) throttles.delete(service)
      }
    })

    const wait = Effect.suspend(() => {
      const millis = Math.min(...Array.from(throttles.values(), Throttle.dueAt)) - now()
      if (millis <= 0) return Effect.void
      return millis === Infinity ? Queue.take(wake) : Effect.timeoutOption(Queue.take(wake), millis)
    })

    const work: Effect.Effect<void> = Effect.andThen(sendDue, wait).pipe(
      Effect.repeat({ until: () => isClosing }),
      // Everything that is still held.
      Effect.andThen(sendDue)
    )

    const worker = yield* Effect.forkScoped(Effect.updateContext<void, never, never, never>(work, onItsOwn))
    yield* Effect.addFinalizer(() =>
      Effect.gen(function* () {
        isClosing = true
        Queue.offerUnsafe(wake, undefined)
        const ended = yield* Effect.timeoutOption(Fiber.await(worker), options.sendTimeout)
        if (Option.isNone(ended)) yield* report.lost("there was no time left at the end")
      })
    )
    return offer
  })

/** "opened", "closed", "isolated", "budget-exhausted". */
const KINDS = 4

/** Few: what could not be sent in half a minute is old. */
const retry = Retry.makeUnsafe({ service: "alerts", maxAttempts: 3 })

/**
 * Nobody hears of what happens on the way: an alert about alerts would be an endless loop, and the errors may contain
 * secrets. A deadline or a span of whoever made the layer is not that of its fiber.
 */
const onItsOwn: (context: Context.Context<never>) => Context.Context<never> = Context.omit(
  Policy.ResilienceRegistry,
  Policy.Observers,
  Deadline.CurrentDeadline,
  Tracer.ParentSpan
)
