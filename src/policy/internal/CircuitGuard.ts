/**
 * A call through a circuit: let through and measured, or turned away.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import type { Circuit, Shared } from "./Circuit.ts"
import type { CircuitBreakerOpenError } from "./CircuitBreakerOpenError.ts"
import * as Readmission from "./Readmission.ts"
import type * as Stage from "./Stage.ts"
import { rejection, rejectionOf, Visit } from "./Visit.ts"

/** Guards an effect with a circuit. */
export const guard = <A, E, R>(
  shared: Shared,
  circuitOf: (fiber: Fiber.Fiber<unknown, unknown>) => Circuit,
  self: Effect.Effect<A, E, R>,
  classify: Outcome.Classify
): Effect.Effect<A, E | CircuitBreakerOpenError, R> =>
  Readmission.waiting<A, E | CircuitBreakerOpenError, R>((fiber, outside) => {
    if (shared.mode === "disabled") return Readmission.within(self, outside)
    const circuit = circuitOf(fiber)
    const generation = circuit.closedGeneration
    if (generation === -1) return guardNotClosed(circuit, fiber, self, classify, outside)
    const visit = new Visit(circuit, classify, outside).pass(fiber, generation)
    return Effect.onExitPrimitive(Readmission.within(self, visit), (exit) => {
      visit.end(fiber, exit)
      return undefined
    })
  })

/** A call through a closed circuit, or through a breaker that is switched off. */
type Entry = Visit | "disabled"

/** The halves of {@link guard}. A closed circuit holds nothing. */
export const stage = (
  shared: Shared,
  circuitOf: (fiber: Fiber.Fiber<unknown, unknown>) => Circuit,
  classify: Outcome.Classify
): Stage.Admission<Entry> => ({
  _tag: "Admission",
  enter: (fiber) => {
    if (shared.mode === "disabled") return "disabled"
    const circuit = circuitOf(fiber)
    const generation = circuit.closedGeneration
    return generation === -1 ? undefined : new Visit(circuit, classify, undefined).pass(fiber, generation)
  },
  withdraw: () => {},
  readmit: (entry, fiber) => (entry === "disabled" ? undefined : entry.readmit(fiber)),
  leave: (entry, fiber, exit) => {
    if (entry !== "disabled") entry.end(fiber, exit)
  }
})

/**
 * A rejection holds nothing. A probe holds a slot of the round, which an interruption must give back even if it comes right
 * after the admission: so the finalizer is there first.
 */
const guardNotClosed = <A, E, R>(
  circuit: Circuit,
  fiber: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E, R>,
  classify: Outcome.Classify,
  outside: Readmission.Readmission | undefined
): Effect.Effect<A, E | CircuitBreakerOpenError, R> => {
  const now = Policy.monotonicMillis(fiber)
  if (circuit.shared.mode === "enforce") {
    const openMillis = circuit.openMillis(now)
    if (openMillis > 0) return Effect.fail(rejection(circuit, fiber, "Open", openMillis))
    const preview = circuit.preview(fiber, now)
    if (preview._tag === "Rejected") return Effect.fail(rejectionOf(circuit, fiber, preview))
  }
  const visit = new Visit(circuit, classify, outside)
  return Effect.onExitPrimitive<A, E | CircuitBreakerOpenError, R>(
    Effect.suspend((): Effect.Effect<A, E | CircuitBreakerOpenError, R> => {
      const refusal = visit.admit(fiber)
      return refusal === undefined ? Readmission.within(self, visit) : Effect.fail(refusal)
    }),
    (exit) => {
      visit.end(fiber, exit)
      return undefined
    }
  )
}
