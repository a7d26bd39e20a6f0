/**
 * What the dependency does with a call, by the number of the call: so what must become of each is known beforehand.
 */
import { Effect } from "effect"

/** One way to behave, how many of a hundred calls meet it, and how such a call must end. */
interface Behaviour {
  readonly share: number
  readonly ending: string
  readonly call: () => Effect.Effect<void, string>
}

const failsOnce = (): Effect.Effect<void, string> => {
  let attempts = 0
  return Effect.suspend(() => (attempts++ === 0 ? Effect.fail("busy") : Effect.void))
}

const behaviours: ReadonlyArray<Behaviour> = [
  { share: 83, ending: "success", call: () => Effect.void },
  { share: 8, ending: "success", call: () => Effect.sleep("20 millis") },
  { share: 3, ending: "success", call: failsOnce },
  // three failures in a row open the circuit of the key
  { share: 3, ending: "down", call: () => Effect.fail("down") },
  { share: 1, ending: "TimeoutExceededError", call: () => Effect.never },
  { share: 1, ending: "defect", call: () => Effect.die("bug") },
  { share: 1, ending: "interruption", call: () => Effect.never }
]

const hundred = behaviours.flatMap((behaviour) => Array.from({ length: behaviour.share }, () => behaviour))

/** 37 has no factor in common with 100: all behaviours take turns. */
const behaviourOf = (n: number): Behaviour => hundred[(n * 37) % 100]!

/** The call of a number. */
export const call = (n: number): Effect.Effect<void, string> => behaviourOf(n).call()

/** How the call of a number must end. */
export const endingOf = (n: number): string => behaviourOf(n).ending

/** The callers of these go away before there is an answer. */
export const isGivenUp = (n: number): boolean => endingOf(n) === "interruption"

/** The circuits of these keys open. */
export const isDown = (n: number): boolean => ["down", "TimeoutExceededError"].includes(endingOf(n))
