/**
 * The loops in which operations are timed: one fiber, or one promise after the other.
 */
import { Effect } from "effect"

/** Runs an operation so many times. */
export type Loop = (times: number) => Promise<void>

/** One way to guard an operation, and the operation alone. */
export interface Loops {
  readonly bare: Loop
  readonly guarded: Loop
  /** Untimed, before each batch. */
  readonly open?: (() => void) | undefined
  /** Untimed, after each batch. */
  readonly close?: (() => void) | undefined
}

/** What surrounds a loop: services, a span. */
export type Enclosing<R> = (loop: Effect.Effect<void, unknown, R>) => Effect.Effect<void, unknown>

/** Evaluates an effect again and again in one fiber; it is built anew each time, as by a function with arguments. */
export const inFiber =
  <R>(make: () => Effect.Effect<unknown, unknown, R>, enclosing: Enclosing<R>): Loop =>
  (times) => {
    let left = times
    return Effect.runPromise(
      enclosing(
        Effect.whileLoop({
          while: () => left-- > 0,
          body: make,
          step: () => {}
        })
      )
    )
  }

/** Awaits a promise again and again. */
export const awaiting =
  (call: () => Promise<unknown>): Loop =>
  async (times) => {
    for (let left = times; left > 0; left--) await call()
  }
