/**
 * The loops in which operations are timed: one fiber, or one promise after the other.
 */
import { Context, Effect } from "effect"
import type { Loop } from "./runner.ts"

/** Evaluates an effect again and again in one fiber; it is built anew each time, as by a function with arguments. */
export const inFiber = (make: () => Effect.Effect<unknown, unknown>): Loop => inFiberWith(Context.empty(), make)

/** The same with services. */
export const inFiberWith =
  <R>(context: Context.Context<R>, make: () => Effect.Effect<unknown, unknown, R>): Loop =>
  (times) => {
    let left = times
    return Effect.runPromiseWith(context)(
      Effect.whileLoop({
        while: () => left-- > 0,
        body: make,
        step: () => {}
      })
    )
  }

/** Awaits a promise again and again. */
export const awaiting =
  (call: () => Promise<unknown>): Loop =>
  async (times) => {
    for (let left = times; left > 0; left--) await call()
  }
