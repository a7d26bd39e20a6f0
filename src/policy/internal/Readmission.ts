/**
 * What a call that has waited for its turn needs before it may run.
 *
 * **Details**
 *
 * Who has let a call into a queue may have changed its mind when the turn of the call comes: by then the circuit can be
 * open. So a guarded effect is told who stands right around it, and a call that has waited in it asks there again. A call that
 * need not wait asks nobody.
 *
 * A refusal is an error that the effect inside does not know. That is sound, because only guards see it on its way to the one
 * that refuses, whose error it is: an effect that anything else has wrapped cannot be told.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type { ResilienceError } from "../ResilienceError.ts"
import { FiberEffect } from "./FiberEffect.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** Lets a call pass again. */
export interface Readmission {
  /** What is returned turns the call away. Then it is as if it had been turned away when it came: nobody inside counts it. */
  readmit(fiber: AnyFiber): ResilienceError | undefined
}

/** An effect inside of somebody who is asked again if a call waits in it; that of a guard is told so. */
export const within = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  outside: Readmission | undefined
): Effect.Effect<A, E, R> => {
  if (outside === undefined || !(self instanceof FiberEffect)) return self
  return Effect.withFiber((fiber) => self.run(fiber, outside))
}
