/**
 * A call through a circuit: let through and measured, or turned away.
 */
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import type * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import type { Circuit, Shared } from "./Circuit.ts"
import type { CircuitBreakerOpenError } from "./CircuitBreakerOpenError.ts"
import { FiberEffect } from "./FiberEffect.ts"
import * as Readmission from "./Readmission.ts"
import type * as Stage from "./Stage.ts"
import { rejection, rejectionOf, Visit } from "./Visit.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** Finds the circuit of a call. */
type CircuitOf = (fiber: AnyFiber) => Circuit

/** An effect behind a circuit. */
export class Guarded<A, E, R> extends FiberEffect<A, E | CircuitBreakerOpenError, R> {
  declare private readonly shared: Shared
  declare private readonly circuitOf: CircuitOf
  declare private readonly self: Effect.Effect<A, E, R>
  declare private readonly classify: Outcome.Classify

  constructor(shared: Shared, circuitOf: CircuitOf, self: Effect.Effect<A, E, R>, classify: Outcome.Classify) {
    super()
    this.shared = shared
    this.circuitOf = circuitOf
    this.self = self
    this.classify = classify
  }

  override run(
    fiber: AnyFiber,
    outside: Readmission.Readmission | undefined
  ): Effect.Effect<A, E | CircuitBreakerOpenError, R> {
    const { circuitOf, classify, self, shared } = this
    if (shared.mode === "disabled") return Readmission.within(self, outside)
    const circuit = circuitOf(fiber)
    const generation = circuit.closedGeneration
    if (generation === -1) return guardNotClosed(circuit, fiber, self, classify, outside)
    const visit = new Visit(circuit, classify, outside).pass(fiber, generation)
    return Effect.onExitPrimitive(Readmission.within(self, visit), (exit) => {
      visit.end(fiber, exit)
      return undefined
    })
  }
}

/** A call through a closed circuit, or through a breaker that is switched off. */
type Entry = Visit | "disabled"

/** The halves of {@link Guarded}. A closed circuit holds nothing. */
export const stage = (shared: Shared, circuitOf: CircuitOf, classify: Outcome.Classify): Stage.Admission<Entry> => ({
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
  fiber: AnyFiber,
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
