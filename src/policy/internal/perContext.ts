/**
 * What is the same for all that happens in one context.
 *
 * **Details**
 *
 * A call asks its context a dozen times: for the clock, for the deadline, whether anybody observes. Each answer takes 30 ns, and
 * most of them say that there is nothing. A context never changes, so the answers are kept for the last one: it is usually
 * the same fiber that asks next, or one that has inherited from it.
 *
 * **Gotchas**
 *
 * The last context stays in memory until a call comes with another one. It is one for all answers together. An answer stays
 * until it is asked for in another context: that can be the registry of a layer that is closed.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"

let last: Context.Context<never> | undefined
let number = 0

/** Finds out something about the context of a fiber, once for as long as no other context is asked. */
export const perContext = <A>(
  find: (context: Context.Context<never>) => A
): ((fiber: Fiber.Fiber<unknown, unknown>) => A) => {
  let answer: A
  let answered = -1
  return ({ context }) => {
    if (context !== last) {
      last = context
      number++
    }
    if (answered !== number) {
      answer = find(context)
      answered = number
    }
    return answer
  }
}

/** The clock of a fiber. */
export const clockOf = /* @__PURE__ */ perContext((context) => Context.get(context, Clock.Clock))
