/**
 * One call at a circuit, from its admission to its end.
 */
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Machine from "../../core/CircuitBreaker.ts"
import * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import type { ResilienceError } from "../ResilienceError.ts"
import { isTraced } from "./attemptSpan.ts"
import { type Circuit, NOT_TIMED } from "./Circuit.ts"
import { CircuitBreakerOpenError } from "./CircuitBreakerOpenError.ts"
import { waitOf } from "./circuitEvents.ts"
import { queuedMillis } from "./queueTime.ts"
import type { Readmission } from "./Readmission.ts"
import { streamOf } from "./StreamProgress.ts"

/** The generation of a call without a permit. */
const NONE = -1

/** There is one for every call, so it holds the two numbers of its permit itself. */
export class Visit implements Readmission {
  private readonly circuit: Circuit
  private readonly classify: Outcome.Classify
  private readonly outside: Readmission | undefined
  private generation = NONE
  private probe = 0
  private isLetThrough = false
  private startedAt = NOT_TIMED
  private unwatch: (() => void) | undefined = undefined

  constructor(circuit: Circuit, classify: Outcome.Classify, outside: Readmission | undefined) {
    this.circuit = circuit
    this.classify = classify
    this.outside = outside
  }

  /** Goes through a closed circuit, which needs not be asked. */
  pass(fiber: Fiber.Fiber<unknown, unknown>, generation: number): this {
    this.generation = generation
    this.isLetThrough = true
    // Measured on a clock that stands still while it waits for its turn, if somebody asks for it.
    if (this.circuit.shared.slowMillis !== undefined) {
      this.startedAt = Policy.monotonicMillis(fiber) - queuedMillis(fiber)
    }
    return this
  }

  /** Asks for admission. What is returned turns the call away. */
  admit(fiber: Fiber.Fiber<unknown, unknown>): CircuitBreakerOpenError | undefined {
    const { circuit } = this
    const now = Policy.monotonicMillis(fiber)
    const admission = circuit.admit(fiber, now)
    if (admission._tag === "Admitted") this.take(fiber, admission.permit)
    else if (circuit.shared.mode === "enforce") return rejectionOf(circuit, fiber, admission)
    else circuit.countRejection(fiber, undefined)
    this.isLetThrough = true
    this.startedAt = now - queuedMillis(fiber)
    return undefined
  }

  /** It asks again, like a call that comes now, unless its permit is still good. Who stands further outside is asked first. */
  readmit(fiber: Fiber.Fiber<unknown, unknown>): ResilienceError | undefined {
    const refusal = this.outside?.readmit(fiber)
    if (refusal === undefined && this.isStillGood(fiber)) return undefined
    this.withdraw(fiber)
    return refusal ?? this.admit(fiber)
  }

  /** The call is over, or has been turned away. */
  end(fiber: Fiber.Fiber<unknown, unknown>, exit: Exit.Exit<unknown, unknown>): void {
    this.unwatch?.()
    if (!this.isLetThrough) return
    const { circuit, classify, generation, startedAt } = this
    const isPlain = exit._tag === "Success" && classify === Outcome.classify && generation !== NONE
    if (!isPlain || !circuit.succeed(fiber, generation)) circuit.settle(fiber, this.permit, startedAt, exit, classify)
  }

  private withdraw(fiber: Fiber.Fiber<unknown, unknown>): void {
    const { circuit, permit } = this
    this.unwatch?.()
    this.unwatch = undefined
    if (permit !== undefined) circuit.withdraw(fiber, permit)
    this.generation = NONE
    this.probe = 0
    this.isLetThrough = false
  }

  private take(fiber: Fiber.Fiber<unknown, unknown>, permit: Machine.Permit): void {
    const { circuit } = this
    this.generation = permit.generation
    this.probe = permit.probe
    if (permit.probe === 0) return
    if (isTraced(fiber)) circuit.tellProbe(fiber)
    this.unwatch = streamOf(fiber)?.watch({ onWait: (now) => circuit.renew(fiber, permit, now) })
  }

  /** A call that a breaker which observes would have turned away is not counted twice. */
  private isStillGood(fiber: Fiber.Fiber<unknown, unknown>): boolean {
    const { circuit, generation, permit } = this
    const { mode } = circuit.shared
    if (permit === undefined) return mode !== "enforce"
    if (mode === "disabled" || circuit.closedGeneration === generation) return true
    circuit.preview(fiber, Policy.monotonicMillis(fiber))
    return Machine.isCurrent(circuit.state, permit)
  }

  private get permit(): Machine.Permit | undefined {
    const { generation, probe } = this
    return generation === NONE ? undefined : { generation, probe }
  }
}

/** Turns a call away. */
export const rejectionOf = (
  circuit: Circuit,
  fiber: Fiber.Fiber<unknown, unknown>,
  { state, waitMillis }: Extract<Machine.Admission, { readonly _tag: "Rejected" }>
): CircuitBreakerOpenError => rejection(circuit, fiber, state._tag, waitMillis)

/** Turns a call away, in a state and for a time. */
export const rejection = (
  circuit: Circuit,
  fiber: Fiber.Fiber<unknown, unknown>,
  state: CircuitBreakerOpenError["state"],
  waitMillis: number
): CircuitBreakerOpenError => {
  const error = new CircuitBreakerOpenError({
    service: circuit.shared.service,
    state,
    retryAfter: waitOf(waitMillis)
  })
  circuit.countRejection(fiber, error)
  return error
}
