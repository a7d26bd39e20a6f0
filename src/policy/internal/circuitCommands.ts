/**
 * What operators can do to a circuit breaker.
 */
import * as Effect from "effect/Effect"
import * as Schema from "effect/Schema"
import type { CircuitBreaker } from "../CircuitBreaker.ts"
import * as Policy from "../Policy.ts"
import { command } from "./commands.ts"
import * as Fields from "./options.ts"

/** One operator does not undo what another one does: a circuit that others isolate is only released. */
const resetBy = (breaker: CircuitBreaker, by: string): Effect.Effect<void> =>
  Effect.withFiber((fiber) => {
    const { isolations } = breaker.snapshot(Policy.monotonicMillis(fiber))
    return isolations.length === 0 ? breaker.reset : breaker.release(by)
  })

/** The commands. */
export const commands = (): ReadonlyArray<Policy.Command<CircuitBreaker>> => [
  command({
    name: "reset",
    description: "Closes the circuit and forgets the failures; what others isolate stays isolated",
    parameters: {},
    run: (breaker, _, by) => resetBy(breaker, by)
  }),
  command({
    name: "trip",
    description: "Opens the circuit for its open time, for all keys",
    parameters: {},
    run: (breaker) => breaker.trip
  }),
  command({
    name: "isolate",
    description: "Opens the circuit until its time is over, or it is released or reset",
    parameters: {
      reason: Fields.optional(Schema.NonEmptyString, { description: "Why, for the others" }),
      duration: Fields.optional(Fields.PositiveDuration, { description: "For how long; without it, until released" })
    },
    run: (breaker, parameters, by) => breaker.isolateWith({ ...parameters, by })
  }),
  command({
    name: "release",
    description: "Ends your own isolation; after the last one of all, the circuit is closed",
    parameters: {},
    run: (breaker, _, by) => breaker.release(by)
  }),
  command({
    name: "mode",
    description: "Enforces what the breaker decides, only observes it, or switches it off",
    parameters: { mode: Schema.Literals(["enforce", "observe", "disabled"]) },
    run: (breaker, { mode }) => breaker.setMode(mode)
  })
]
