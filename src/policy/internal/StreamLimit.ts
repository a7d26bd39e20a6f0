/**
 * Limits how long a stream keeps its consumer waiting.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Fiber from "effect/Fiber"
import * as Policy from "../Policy.ts"
import type { StreamProgress } from "./StreamProgress.ts"
import * as LimitedRun from "./limitedRun.ts"
import * as TimeLimit from "./TimeLimit.ts"
import { TimeoutExceededError } from "./TimeoutExceededError.ts"
import * as Timer from "./Timer.ts"

/** The time to the first element, and from one element to the next, in milliseconds. */
export interface Limits {
  readonly firstElement: Duration.Duration
  readonly idle: Duration.Duration
}

/**
 * Runs a stream in a child fiber and interrupts it when the consumer has waited too long.
 *
 * **Details**
 *
 * An alarm per element would cost more than the element. So there is one alarm; when it rings too early, it is set again
 * for the wait that is on by then, and while the consumer is busy there is none.
 */
export const run = <A, E, R>(
  calls: TimeLimit.LimitedCalls,
  fiber: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E, R>,
  now: number,
  progress: StreamProgress,
  limits: Limits
): Effect.Effect<A, E | TimeoutExceededError, R> =>
  Effect.callback<A, E | TimeoutExceededError, R>((resume) => {
    let error: TimeoutExceededError | undefined
    let isTimed = false
    let cancel: (() => void) | undefined
    const { service } = calls
    const time = (): void => {
      if (!isTimed) calls.time(fiber, now)
      isTimed = true
    }
    const stopAlarm = (): void => {
      cancel?.()
      cancel = undefined
    }
    const exceed = (): void => {
      const scope = progress.firstAt === undefined ? "first element" : "idle"
      error = new TimeoutExceededError({ service, scope, duration: limitOf(progress, limits) })
      child.interruptUnsafe(fiber.id)
    }
    const watch = (now: number): void => {
      const since = progress.waitingSince
      stopAlarm()
      if (since === undefined) return
      const left = since + TimeLimit.limitMillis(limitOf(progress, limits)) - now
      cancel = Timer.after(fiber, now, left, () => {
        if (progress.waitingSince === since) exceed()
        else watch(Policy.monotonicMillis(fiber))
      })
    }
    const unwatch = progress.watch({
      onFirst: () => {
        time()
        stopAlarm()
      },
      onWait: (now) => {
        if (cancel === undefined) watch(now)
      }
    })
    progress.waitingSince = now
    const child = Effect.runForkWith(fiber.context as Parameters<typeof Effect.runForkWith<R>>[0])(self)
    const onExit = (exit: Exit.Exit<A, E>): void => {
      unwatch()
      stopAlarm()
      time()
      if (error === undefined) {
        calls.end(exit)
        resume(exit)
      } else {
        calls.exceed(fiber, { at: now, service, duration: error.duration }, error)
        resume(LimitedRun.exceeded(exit, error))
      }
    }
    watch(now)
    child.addObserver(onExit)
    return Effect.suspend(() => {
      stopAlarm()
      return Fiber.interrupt(child)
    })
  })

const limitOf = ({ firstAt }: StreamProgress, { firstElement, idle }: Limits): Duration.Duration =>
  firstAt === undefined ? firstElement : idle
