/**
 * Calls that have waited, and whose turn has come.
 *
 * **Details**
 *
 * They run in a task of the scheduler, because a long queue would otherwise become a deep stack. All that are admitted until
 * then share it: a task for each would need a dispatcher of its own, which costs more than all the rest of its wait.
 *
 * A host may drop a task: fake timers of a test are gone with the test, and some runtimes end what a request has scheduled
 * with the request. So nobody waits for one that is overdue.
 */
import type * as Fiber from "effect/Fiber"
import type * as Scheduler from "effect/Scheduler"
import * as Policy from "../Policy.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** A call that runs when its turn comes. */
interface Call {
  come(): void
}

/** A task that is late by more than this many milliseconds has been dropped, or runs as soon as the process is less busy. */
const LATEST_TASK = 1_000

/** Those whose turn has come since a task ran, and the task that was scheduled last, unless it has run. */
export interface Turns {
  readonly calls: Array<Call>
  task: { readonly scheduler: Scheduler.Scheduler; readonly due: number } | undefined
}

/** Nobody's turn. */
export const make = (): Turns => ({ calls: [], task: undefined })

/** Lets a call run soon. */
export const add = (turns: Turns, call: Call, fiber: AnyFiber): void => {
  turns.calls.push(call)
  check(turns, fiber)
}

/**
 * Sees to it that nobody's turn is forgotten. A fiber with a scheduler of its own may not be able to wait for that of another
 * one, so each of them has a task. The first that runs is enough.
 */
export const check = (turns: Turns, fiber: AnyFiber): void => {
  if (turns.calls.length === 0) return
  const now = Policy.monotonicMillis(fiber)
  const { scheduler } = fiber.cache
  if (turns.task?.scheduler === scheduler && now < turns.task.due) return
  const task = { scheduler, due: now + LATEST_TASK }
  turns.task = task
  fiber.currentDispatcher.scheduleTask(() => {
    if (turns.task === task) turns.task = undefined
    comeAll(turns.calls.splice(0))
  }, 0)
}

/** In the order in which they were admitted, whatever becomes of one of them: the last that throws is told when all have come. */
const comeAll = (calls: ReadonlyArray<Call>): void => {
  let thrown: { readonly defect: unknown } | undefined
  for (const call of calls) {
    try {
      call.come()
    } catch (defect) {
      thrown = { defect }
    }
  }
  if (thrown !== undefined) throw thrown.defect
}
