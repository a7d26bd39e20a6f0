/**
 * An attempt as a run says that it goes.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import type { Behaviour } from "./Command.ts"

/** The operation of one attempt. */
export const behave = (behaviour: Behaviour): Effect.Effect<unknown, unknown> => {
  const { after, stubborn } = behaviour
  const ending = endingOf(behaviour)
  const timely = after > 0 ? Effect.delay(ending, after) : ending
  return stubborn > 0 ? Effect.onInterrupt(timely, () => Effect.sleep(stubborn)) : timely
}

const endingOf = ({ does, error }: Behaviour): Effect.Effect<unknown, unknown> => {
  switch (does) {
    case "succeed":
      return Effect.succeed("up")
    case "fail":
      return Effect.fail(error)
    case "die":
      return Effect.die("bug")
    case "fail and die":
      return Effect.failCause(Cause.combine(Cause.fail(error), Cause.die("bug")))
    case "interrupt itself":
      return Effect.interrupt
    case "hang":
      return Effect.never
  }
}
