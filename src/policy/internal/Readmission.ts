/**
 * What a call that has waited for its turn needs before it may run.
 *
 * **Details**
 *
 * Who has let a call into a queue may have changed its mind when the turn of the call comes: by then the circuit can be
 * open. So a guard that lets calls wait says so of its effect, and the guard right around it is asked again. A call that need
 * not wait asks nobody.
 *
 * A refusal is an error that the effect inside does not know. That is sound, because only guards see it on its way to the one
 * that refuses, whose error it is: an effect that anything else has wrapped does not say that calls wait in it.
 */
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type * as Fiber from "effect/Fiber"
import type { ResilienceError } from "../ResilienceError.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** Lets a call pass again. */
export interface Readmission {
  /** What is returned turns the call away. Then it is as if it had been turned away when it came: nobody inside counts it. */
  readmit(fiber: AnyFiber): ResilienceError | undefined
}

type Run<A, E, R> = (fiber: AnyFiber, outside: Readmission | undefined) => Effect.Effect<A, E, R>

class Waiting<A, E, R> {
  readonly run: Run<A, E, R>
  constructor(run: Run<A, E, R>) {
    this.run = run
  }
}

interface WaitingEffect<A, E, R> extends Waiting<A, E, R>, Effect.Effect<A, E, R> {}

Object.setPrototypeOf(
  Waiting.prototype,
  Effectable.Prototype<WaitingEffect<unknown, unknown, unknown>>({
    label: "Waiting",
    evaluate(fiber) {
      return this.run(fiber, undefined)
    }
  })
)

/** An effect in which a call may wait, and then asks who stands right outside. */
export const waiting = <A, E, R>(run: Run<A, E, R>): Effect.Effect<A, E, R> =>
  new Waiting(run) as WaitingEffect<A, E, R>

/** An effect inside of somebody who is asked again if a call waits in it. */
export const within = <A, E, R>(
  self: Effect.Effect<A, E, R>,
  outside: Readmission | undefined
): Effect.Effect<A, E, R> => {
  if (outside === undefined || !(self instanceof Waiting)) return self
  const { run } = self as WaitingEffect<A, E, R>
  return Effect.withFiber((fiber) => run(fiber, outside))
}
