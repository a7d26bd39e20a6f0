/**
 * Runs an effect for a limited time.
 */
import * as Cause from "effect/Cause"
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import * as TimeLimit from "./TimeLimit.ts"
import * as Timer from "./Timer.ts"

/** Who limits a run of which fiber, when it began, and when it must be over. */
export interface Limited {
  readonly calls: TimeLimit.LimitedCalls
  readonly fiber: Fiber.Fiber<unknown, unknown>
  readonly now: number
  readonly scope: TimeLimit.Scope
  readonly limit: TimeLimit.Deadline
}

/**
 * Runs an effect in a child fiber and interrupts it when the time is over; then waits for its finalizers.
 */
export const run = <A, E, R>(
  limited: Limited,
  self: Effect.Effect<A, E, R>,
  context: Context.Context<never>
): Effect.Effect<A, E | TimeLimit.TimeoutExceededError, R> =>
  Effect.callback<A, E | TimeLimit.TimeoutExceededError, R>((resume) => start(limited, self, context, resume))

/**
 * Starts a run, and tells how it ended. What is returned abandons it; nothing is returned if it is over already.
 *
 * **Details**
 *
 * An effect that ends without waiting never needs the alarm. The alarm only interrupts: the child's observer decides, so
 * that the caller sees the error of the limit and not the interruption that carried it out. A caller who is interrupted
 * from outside cancels the alarm first: from then on it does not matter how long the finalizers take.
 */
export const start = <A, E, R>(
  limited: Limited,
  self: Effect.Effect<A, E, R>,
  context: Context.Context<never>,
  onEnd: (exit: Exit.Exit<A, E | TimeLimit.TimeoutExceededError>) => void
): Effect.Effect<void> | undefined => {
  const { calls, fiber, limit, now } = limited
  const child = Effect.runForkWith(context as Context.Context<R>)(self)
  let isExceeded = false
  let cancel: (() => void) | undefined
  const onExit = (exit: Exit.Exit<A, E>): void => {
    cancel?.()
    onEnd(isExceeded ? cutOff(limited, exit) : finished(limited, exit))
  }
  const exit = child.pollUnsafe()
  if (exit !== undefined) {
    onExit(exit)
    return undefined
  }
  const ring = (): void => {
    isExceeded = true
    TimeLimit.countInterrupting(limit, 1)
    child.interruptUnsafe(fiber.id)
  }
  const ownMillis = Duration.toMillis(limit.duration)
  const isWhole = limit.at === now + ownMillis
  cancel = isWhole
    ? calls.alarmsAfter(ownMillis).after(fiber, now, ring)
    : Timer.after(fiber, now, limit.at - now, ring)
  child.addObserver(onExit)
  return Effect.suspend(() => {
    cancel?.()
    return Fiber.interrupt(child)
  })
}

/** Runs an effect until a deadline; if that has passed, it fails without running it. */
export const runUntil = <A, E, R>(
  calls: TimeLimit.LimitedCalls,
  fiber: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E, R>,
  context: Context.Context<never>,
  now: number,
  deadline: TimeLimit.Deadline
): Effect.Effect<A, E | TimeLimit.TimeoutExceededError, R> => {
  if (deadline.at > now) return run({ calls, fiber, now, scope: "total", limit: deadline }, self, context)
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
  error: TimeLimit.TimeoutExceededError
): Exit.Exit<never, TimeLimit.TimeoutExceededError> => {
  const defects = exit._tag === "Failure" ? exit.cause.reasons.filter(Cause.isDieReason) : []
  if (defects.length === 0) return Exit.fail(error)
  return Exit.failCause(Cause.fromReasons([...defects, Cause.makeFailReason(error)]))
}

const cutOff = (
  { calls, fiber, limit, now, scope }: Limited,
  exit: Exit.Exit<unknown, unknown>
): Exit.Exit<never, TimeLimit.TimeoutExceededError> => {
  calls.time(fiber, now)
  TimeLimit.countInterrupting(limit, -1)
  const { duration, service } = limit
  const error = new TimeLimit.TimeoutExceededError({ service, scope, duration })
  calls.exceed(fiber, limit, error)
  return exceeded(exit, error)
}

const finished = <A, E>({ calls, fiber, limit, now, scope }: Limited, exit: Exit.Exit<A, E>): Exit.Exit<A, E> => {
  const endedAt = calls.time(fiber, now)
  const error = endedAt >= limit.at && scope === "total" ? noticedInside(exit, limit) : undefined
  if (error === undefined) calls.end(exit)
  else calls.exceed(fiber, limit, error)
  return exit
}

/** The error of a deadline that a limit inside noticed first: which of the two it is must not matter to the counts. */
const noticedInside = (
  exit: Exit.Exit<unknown, unknown>,
  { duration }: TimeLimit.Deadline
): TimeLimit.TimeoutExceededError | undefined => {
  const error = exit._tag === "Failure" ? Outcome.firstError(exit.cause) : undefined
  const isSame =
    error instanceof TimeLimit.TimeoutExceededError && error.scope === "total" && error.duration === duration
  return isSame ? error : undefined
}
