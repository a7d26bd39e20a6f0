/**
 * What is the same for all that happens in one context.
 *
 * **Details**
 *
 * A call asks its context a dozen times: for the clock, for the deadline, whether anybody observes. Each answer takes 30 ns, and
 * most of them say that there is nothing. A context never changes, so the last answer is kept with its context: it is usually
 * the same fiber that asks next, or one that has inherited from it.
 */
import * as Clock from "effect/Clock"
import * as Context from "effect/Context"
import type * as Fiber from "effect/Fiber"

/** Finds out something about the context of a fiber, and remembers the last answer. */
export const perContext = <A>(
  find: (context: Context.Context<never>) => A
): ((fiber: Fiber.Fiber<unknown, unknown>) => A) => {
  let last: Context.Context<never> | undefined
  let answer: A
  return ({ context }) => {
    if (context !== last) {
      answer = find(context)
      last = context
    }
    return answer
  }
}

/** The clock of a fiber. */
export const clockOf = /* @__PURE__ */ perContext((context) => Context.get(context, Clock.Clock))
