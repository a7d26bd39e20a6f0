/**
 * What a timeout and a deadline have in common: the time that is left, and what is counted.
 */
import * as Cause from "effect/Cause"
import * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Histogram from "../../core/Histogram.ts"
import * as Policy from "../Policy.ts"
import { events, histogram, label } from "./instruments.ts"
import { perContext } from "./perContext.ts"
import { TimeoutExceededError } from "./TimeoutExceededError.ts"
import * as Timer from "./Timer.ts"

/** When all of it must be over. */
export interface Deadline {
  /** Monotonic time, in milliseconds. */
  readonly at: number
  /** Whose deadline it is, and how long it was at the start: for the error. */
  readonly service: string
  readonly duration: Duration.Duration
  /** Who hears that it passed. */
  readonly home?: Policy.Observer | undefined
}

/** The deadline of the running fiber, if it has one. */
export const CurrentDeadline = Context.Reference<Deadline | undefined>("effect-resilience/CurrentDeadline", {
  defaultValue: () => undefined
})

/** The deadline of a fiber, if it has one. */
export const deadlineOf = /* @__PURE__ */ perContext((context) => Context.get(context, CurrentDeadline))

/** The time to a fiber's deadline, negative when it has passed, `Infinity` without one. */
export const remainingMillis = (fiber: Fiber.Fiber<unknown, unknown>, now: number): number => {
  const deadline = deadlineOf(fiber)
  return deadline === undefined ? Infinity : deadline.at - now
}

/** The deadlines that interrupt now, each with the number of effects that have yet to end because of it. */
const interrupting = new WeakMap<Deadline, number>()

/** Counts an effect that has yet to end because of a deadline. */
export const countInterrupting = (deadline: Deadline, change: 1 | -1): void => {
  const count = (interrupting.get(deadline) ?? 0) + change
  if (count > 0) interrupting.set(deadline, count)
  else interrupting.delete(deadline)
}

/**
 * The deadline of a fiber while it interrupts what runs under it. That it has passed is not enough: a fiber that outlived
 * the effect it was forked in may be interrupted for any other reason.
 */
export const interruptingDeadline = (fiber: Fiber.Fiber<unknown, unknown>): Deadline | undefined => {
  const deadline = deadlineOf(fiber)
  return deadline !== undefined && interrupting.has(deadline) ? deadline : undefined
}

/** The error of a deadline that passed. */
export const deadlineExceeded = ({ duration, service }: Deadline, isStarted: boolean): TimeoutExceededError =>
  new TimeoutExceededError({ service, scope: "total", duration, isStarted })

/**
 * The counts since a limit was made. `exceeded` includes calls that came too late to be made, and those that a limit inside
 * ended because of the same deadline.
 */
export interface Totals {
  successes: number
  failures: number
  exceeded: number
  interrupted: number
}

/** The deadlines whose passing was told. */
const reported = new WeakSet<Deadline>()

/** The operation type of a deadline, which is about all operations together. */
export const TOTAL = "total"

/** What is counted for everything that limits time. */
export class LimitedCalls {
  readonly service: string
  readonly operationType: string
  readonly home: Policy.Observer | undefined
  readonly totals: Totals = { successes: 0, failures: 0, exceeded: 0, interrupted: 0 }
  readonly elapsedSeconds = Histogram.make(BOUNDS)
  private alarms = new Timer.Alarms(Infinity)

  constructor(service: string, operationType: string, home?: Policy.Observer) {
    this.service = service
    this.operationType = operationType
    this.home = home
  }

  /** Alarms at a time that hardly ever changes. */
  alarmsAfter(millis: number): Timer.Alarms {
    if (this.alarms.millis !== millis) {
      this.alarms.retire()
      this.alarms = new Timer.Alarms(millis)
    }
    return this.alarms
  }

  /** Records how long a call took, and returns when it ended. */
  time(fiber: Fiber.Fiber<unknown, unknown>, startedAt: number): number {
    const now = Policy.monotonicMillis(fiber)
    Histogram.record(this.elapsedSeconds, (now - startedAt) / 1000)
    return now
  }

  /** Counts a call that ended by itself. */
  end(exit: Exit.Exit<unknown, unknown>): void {
    if (exit._tag === "Success") this.totals.successes++
    else if (Cause.hasInterruptsOnly(exit.cause)) this.totals.interrupted++
    else this.totals.failures++
  }

  /**
   * Counts a call whose time was over. That a deadline passed is told once, and in the same words, whichever of the limits
   * inside it notices first.
   */
  exceed(fiber: Fiber.Fiber<unknown, unknown>, limit: Deadline, error: TimeoutExceededError): void {
    this.totals.exceeded++
    const isTotal = error.scope === "total"
    const home = isTotal ? limit.home : this.home
    if (!Policy.isObserved(fiber, home) || (isTotal && reported.has(limit))) return
    if (isTotal) reported.add(limit)
    Policy.emit(fiber, home, {
      _tag: "TimeoutExceeded",
      kind: isTotal ? "deadline" : "timeout",
      service: limit.service,
      severity: "Warn",
      attributes: {
        operation_type: isTotal ? TOTAL : this.operationType,
        timeout_seconds: Duration.toSeconds(error.duration),
        scope: error.scope
      },
      error
    })
  }
}

/** The names of the metrics. */
export const metrics = { exceeded: "timeout.exceeded", duration: "timeout.duration" } as const

/** An instance that limits time. */
interface Limited extends Policy.Instance {
  readonly elapsedSeconds: Histogram.Histogram
  readonly snapshot: (now: number) => Policy.Snapshot & { readonly duration: Duration.Duration }
}

/** The metrics of everything that limits time. */
export const instruments = <I extends Limited>(
  operationType: (instance: I) => string
): ReadonlyArray<Policy.Instrument<I>> => [
  events(
    metrics.exceeded,
    "Calls that exceeded their time",
    "TimeoutExceeded",
    (event) => ({
      function: event.service,
      operation_type: label(event, "operation_type"),
      timeout_seconds: label(event, "timeout_seconds")
    }),
    {
      initial: (instance: I) => {
        const timeout_seconds = String(Duration.toSeconds(instance.snapshot(0).duration))
        return [{ function: instance.service, operation_type: operationType(instance), timeout_seconds }]
      }
    }
  ),
  histogram(
    metrics.duration,
    "Time that limited calls took, whether or not they exceeded it",
    (instance: I) => ({ function: instance.service, operation_type: operationType(instance) }),
    (instance) => instance.elapsedSeconds
  )
]

/** How calls ended, for every instance that limits time. */
export const outcomes = ({ exceeded, failures, interrupted, successes }: Readonly<Totals>) => ({
  success: successes,
  failure: failures,
  exceeded,
  interrupted
})

/** Every call asks for this, and `Duration.toMillis` makes three objects to answer. */
export const millisOf = (duration: Duration.Duration): number =>
  duration.value._tag === "Millis" ? duration.value.millis : Duration.toMillis(duration)

/** A duration that a call gives may have been computed: zero or less means no limit. */
export const limitMillis = (duration: Duration.Duration): number => {
  const millis = millisOf(duration)
  return millis > 0 ? millis : Infinity
}

/** Upper bounds in seconds, from a cache on the same host to the slowest of models. */
const BOUNDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]
