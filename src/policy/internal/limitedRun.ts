/**
 * Runs an effect for a limited time.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import * as TimeLimit from "./TimeLimit.ts"
import { type Scope, TimeoutExceededError } from "./TimeoutExceededError.ts"
import * as Timer from "./Timer.ts"

/** Hears how an effect ended. */
export interface Caller {
  end(exit: Exit.Exit<unknown, unknown>): void
}

/**
 * An effect in a child fiber, which is interrupted when its time is over; then its finalizers are waited for.
 *
 * **Details**
 *
 * An effect that ends without waiting never needs the alarm. The alarm only interrupts: the end of the child decides, so
 * that the caller sees the error of the limit and not the interruption that carried it out. A caller who is interrupted
 * from outside cancels the alarm first: from then on it does not matter how long the finalizers take.
 *
 * There is one for every call that waits, so it is its own alarm.
 */
export class LimitedRun implements Timer.Alarm {
  private readonly calls: TimeLimit.LimitedCalls
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private readonly now: number
  private readonly scope: Scope
  private readonly limit: TimeLimit.Deadline
  private readonly caller: Caller
  private child: Fiber.Fiber<unknown, unknown> | undefined
  private isExceeded = false
  private alarms: Timer.Alarms | undefined
  private cancelTimer: (() => void) | undefined
  previous: Timer.Alarm | undefined
  next: Timer.Alarm | undefined

  constructor(
    calls: TimeLimit.LimitedCalls,
    fiber: Fiber.Fiber<unknown, unknown>,
    now: number,
    scope: Scope,
    limit: TimeLimit.Deadline,
    caller: Caller
  ) {
    this.calls = calls
    this.fiber = fiber
    this.now = now
    this.scope = scope
    this.limit = limit
    this.caller = caller
  }

  /** Starts it. What is returned is its fiber, unless it is over already. */
  start(
    self: Effect.Effect<unknown, unknown, unknown>,
    context: Context.Context<never>
  ): Fiber.Fiber<unknown, unknown> | undefined {
    const child = Effect.runForkWith(context as Context.Context<unknown>)(self)
    const exit = child.pollUnsafe()
    if (exit !== undefined) {
      this.finish(exit)
      return undefined
    }
    this.child = child
    this.setAlarm()
    child.addObserver((exit) => this.finish(exit))
    return child
  }

  /** Nobody wants to know any more how it ends. */
  abandon(child: Fiber.Fiber<unknown, unknown>): Effect.Effect<void> {
    this.cancelAlarm()
    return Fiber.interrupt(child)
  }

  get due(): number {
    return this.limit.at
  }

  ring(): void {
    this.isExceeded = true
    TimeLimit.countInterrupting(this.limit, 1)
    this.child?.interruptUnsafe(this.fiber.id)
  }

  private setAlarm(): void {
    const { calls, fiber, limit, now } = this
    const ownMillis = TimeLimit.millisOf(limit.duration)
    const alarms = limit.at === now + ownMillis ? calls.alarmsAfter(ownMillis) : undefined
    if (alarms?.add(fiber, this)) this.alarms = alarms
    else this.cancelTimer = Timer.after(fiber, now, limit.at - now, () => this.ring())
  }

  private cancelAlarm(): void {
    if (this.alarms === undefined) this.cancelTimer?.()
    else this.alarms.remove(this)
  }

  private finish(exit: Exit.Exit<unknown, unknown>): void {
    this.cancelAlarm()
    this.caller.end(this.isExceeded ? this.cutOff(exit) : this.finished(exit))
  }

  private cutOff(exit: Exit.Exit<unknown, unknown>): Exit.Exit<never, TimeoutExceededError> {
    const { calls, fiber, limit, now, scope } = this
    calls.time(fiber, now)
    TimeLimit.countInterrupting(limit, -1)
    const { duration, service } = limit
    const error = new TimeoutExceededError({ service, scope, duration })
    calls.exceed(fiber, limit, error)
    return exceeded(exit, error)
  }

  private finished(exit: Exit.Exit<unknown, unknown>): Exit.Exit<unknown, unknown> {
    const { calls, fiber, limit, now, scope } = this
    const endedAt = calls.time(fiber, now)
    const error = endedAt >= limit.at && scope === "total" ? noticedInside(exit, limit) : undefined
    if (error === undefined) calls.end(exit)
    else calls.exceed(fiber, limit, error)
    return exit
  }
}

/** Runs an effect for a limited time. */
export const run = <A, E, R>(
  calls: TimeLimit.LimitedCalls,
  fiber: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E, R>,
  context: Context.Context<never>,
  now: number,
  scope: Scope,
  limit: TimeLimit.Deadline
): Effect.Effect<A, E | TimeoutExceededError, R> =>
  Effect.callback<A, E | TimeoutExceededError, R>((resume) => {
    const end = resume as (exit: Exit.Exit<unknown, unknown>) => void
    const limited = new LimitedRun(calls, fiber, now, scope, limit, { end })
    const child = limited.start(self, context)
    return child === undefined ? undefined : Effect.suspend(() => limited.abandon(child))
  })

/** Runs an effect until a deadline; if that has passed, it fails without running it. */
export const runUntil = <A, E, R>(
  calls: TimeLimit.LimitedCalls,
  fiber: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E, R>,
  context: Context.Context<never>,
  now: number,
  deadline: TimeLimit.Deadline
): Effect.Effect<A, E | TimeoutExceededError, R> => {
  if (deadline.at > now) return run(calls, fiber, self, context, now, "total", deadline)
  const error = TimeLimit.deadlineExceeded(deadline, false)
  calls.exceed(fiber, deadline, error)
  return Effect.fail(error)
}

/** Runs an effect that nothing limits, and records how it ended. */
export const measure = <A, E, R>(
  calls: TimeLimit.LimitedCalls,
  fiber: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E, R> => {
  const now = Policy.monotonicMillis(fiber)
  return Effect.onExitPrimitive(self, (exit) => {
    calls.time(fiber, now)
    calls.end(exit)
    return undefined
  })
}

/** The error of the limit; defects of finalizers are not lost. */
export const exceeded = (
  exit: Exit.Exit<unknown, unknown>,
  error: TimeoutExceededError
): Exit.Exit<never, TimeoutExceededError> => {
  const defects = exit._tag === "Failure" ? exit.cause.reasons.filter(Cause.isDieReason) : []
  if (defects.length === 0) return Exit.fail(error)
  return Exit.failCause(Cause.fromReasons([...defects, Cause.makeFailReason(error)]))
}

/** The error of a deadline that a limit inside noticed first: which of the two it is must not matter to the counts. */
const noticedInside = (
  exit: Exit.Exit<unknown, unknown>,
  { duration }: TimeLimit.Deadline
): TimeoutExceededError | undefined => {
  const error = exit._tag === "Failure" ? Outcome.firstError(exit.cause) : undefined
  const isSame = error instanceof TimeoutExceededError && error.scope === "total" && error.duration === duration
  return isSame ? error : undefined
}
