/**
 * How long a fiber has waited for its turn: time in our own queues says nothing about a dependency.
 *
 * **Details**
 *
 * Only a fiber that had to wait is in the table, so a call that need not wait pays nothing, and one that is measured a
 * look-up. Waits of one fiber add up, so that of queues one inside the other all count. A table with ten thousand waiting
 * fibers is dear to the garbage collector, so there is none before somebody asks for it.
 */
import type * as Fiber from "effect/Fiber"

let waited: WeakMap<Fiber.Fiber<unknown, unknown>, number> | undefined

/** Somebody will ask: from now on waits are noted. */
export const noteWaits = (): void => {
  waited ??= new WeakMap()
}

/** The time that a fiber has spent in queues so far, in milliseconds. */
export const queuedMillis = (fiber: Fiber.Fiber<unknown, unknown>): number => waited?.get(fiber) ?? 0

/** Notes that a fiber has waited. */
export const addQueued = (fiber: Fiber.Fiber<unknown, unknown>, millis: number): void => {
  waited?.set(fiber, queuedMillis(fiber) + millis)
}
