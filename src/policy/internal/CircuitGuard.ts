/**
 * A call through a circuit: let through and measured, or turned away.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Machine from "../../core/CircuitBreaker.ts"
import * as Outcome from "../Outcome.ts"
import * as Policy from "../Policy.ts"
import { withTraits } from "../ResilienceError.ts"
import { isTraced } from "./attemptSpan.ts"
import { type Circuit, NOT_TIMED, type Shared } from "./Circuit.ts"
import { waitOf } from "./circuitEvents.ts"
import { queuedMillis } from "./queueTime.ts"
import type * as Stage from "./Stage.ts"
import { streamOf } from "./StreamProgress.ts"

/**
 * The call was not made, because the circuit is not closed. `retryAfter` is the time until the next probe is possible; while
 * one is under way, at most a second, because it answers soon; or the time until an isolation ends. It is missing for one that
 * ends only by hand.
 */
export class CircuitBreakerOpenError extends withTraits({
  errorCode: "resilience.circuit_breaker_open",
  httpStatus: 503,
  category: "external_error",
  retryPolicy: "conditional",
  userMessage: "The service is temporarily unavailable. Please try again later."
}) {
  readonly _tag = "CircuitBreakerOpenError"
  readonly state: "Open" | "HalfOpen" | "Isolated"
  constructor(fields: {
    readonly service: string
    readonly state: "Open" | "HalfOpen" | "Isolated"
    readonly retryAfter?: Duration.Duration | undefined
  }) {
    super(fields.service, fields.retryAfter)
    this.state = fields.state
  }
  get message(): string {
    const wait = this.retryAfter === undefined ? "until it is reset" : `for ${Duration.format(this.retryAfter)}`
    return `the circuit of "${this.service}" rejects calls ${wait} (${this.state})`
  }
  override get isOwnSide(): boolean {
    return true
  }
}

/** Guards an effect with a circuit. */
export const guard = <A, E, R>(
  shared: Shared,
  circuitOf: (fiber: Fiber.Fiber<unknown, unknown>) => Circuit,
  self: Effect.Effect<A, E, R>,
  classify: Outcome.Classify
): Effect.Effect<A, E | CircuitBreakerOpenError, R> =>
  Effect.withFiber<A, E | CircuitBreakerOpenError, R>((fiber) => {
    if (shared.mode === "disabled") return self
    const circuit = circuitOf(fiber)
    const generation = circuit.closedGeneration
    if (generation === -1) return guardNotClosed(circuit, fiber, self, classify)
    const startedAt = startOf(shared, fiber)
    return Effect.onExitPrimitive(self, (exit) => {
      end(circuit, fiber, generation, startedAt, exit, classify)
      return undefined
    })
  })

/** A call through a closed circuit. */
interface Entry {
  /** Nothing for a breaker that is switched off. */
  readonly circuit: Circuit | undefined
  readonly generation: number
  readonly startedAt: number
}

/** The halves of {@link guard}. A closed circuit holds nothing. */
export const stage = (
  shared: Shared,
  circuitOf: (fiber: Fiber.Fiber<unknown, unknown>) => Circuit,
  classify: Outcome.Classify
): Stage.Admission<Entry> => ({
  _tag: "Admission",
  enter: (fiber) => {
    if (shared.mode === "disabled") return NO_ENTRY
    const circuit = circuitOf(fiber)
    const generation = circuit.closedGeneration
    return generation === -1 ? undefined : { circuit, generation, startedAt: startOf(shared, fiber) }
  },
  withdraw: () => {},
  leave: ({ circuit, generation, startedAt }, fiber, exit) => {
    if (circuit !== undefined) end(circuit, fiber, generation, startedAt, exit, classify)
  }
})

const NO_ENTRY: Entry = { circuit: undefined, generation: 0, startedAt: 0 }

/** A call through a closed circuit is over. */
const end = (
  circuit: Circuit,
  fiber: Fiber.Fiber<unknown, unknown>,
  generation: number,
  startedAt: number,
  exit: Exit.Exit<unknown, unknown>,
  classify: Outcome.Classify
): void => {
  if (exit._tag === "Success" && classify === Outcome.classify && circuit.succeed(fiber, generation)) return
  circuit.settle(fiber, { generation, probe: 0 }, startedAt, exit, classify)
}

/**
 * A rejection holds nothing. A probe holds a slot of the round, which an interruption must give back even if it comes right
 * after the admission: so the finalizer is there first.
 */
const guardNotClosed = <A, E, R>(
  circuit: Circuit,
  fiber: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E, R>,
  classify: Outcome.Classify
): Effect.Effect<A, E | CircuitBreakerOpenError, R> => {
  const now = Policy.monotonicMillis(fiber)
  if (circuit.shared.mode === "enforce") {
    const openMillis = circuit.openMillis(now)
    if (openMillis > 0) return Effect.fail(rejection(circuit, fiber, "Open", openMillis))
    const preview = circuit.preview(fiber, now)
    if (preview._tag === "Rejected") return Effect.fail(rejectionOf(circuit, fiber, preview))
  }
  return probeWith(circuit, fiber, self, classify)
}

const probeWith = <A, E, R>(
  circuit: Circuit,
  fiber: Fiber.Fiber<unknown, unknown>,
  self: Effect.Effect<A, E, R>,
  classify: Outcome.Classify
): Effect.Effect<A, E | CircuitBreakerOpenError, R> => {
  let startedAt: number | undefined
  let permit: Machine.Permit | undefined
  let unwatch: (() => void) | undefined
  return Effect.onExitPrimitive<A, E | CircuitBreakerOpenError, R>(
    Effect.suspend((): Effect.Effect<A, E | CircuitBreakerOpenError, R> => {
      const now = Policy.monotonicMillis(fiber)
      const admission = circuit.admit(fiber, now)
      if (admission._tag === "Admitted") {
        const admitted = admission.permit
        permit = admitted
        if (admitted.probe > 0) {
          if (isTraced(fiber)) circuit.tellProbe(fiber)
          unwatch = streamOf(fiber)?.watch({ onWait: (now) => circuit.renew(fiber, admitted, now) })
        }
      } else if (circuit.shared.mode === "enforce") return Effect.fail(rejectionOf(circuit, fiber, admission))
      else circuit.countRejection(fiber, undefined)
      startedAt = now - queuedMillis(fiber)
      return self
    }),
    (exit) => {
      unwatch?.()
      if (startedAt !== undefined) circuit.settle(fiber, permit, startedAt, exit, classify)
      return undefined
    }
  )
}

/** The start of a call on a clock that stands still while it waits for its turn, if somebody asks for it. */
const startOf = ({ slowMillis }: Shared, fiber: Fiber.Fiber<unknown, unknown>): number =>
  slowMillis === undefined ? NOT_TIMED : Policy.monotonicMillis(fiber) - queuedMillis(fiber)

const rejectionOf = (
  circuit: Circuit,
  fiber: Fiber.Fiber<unknown, unknown>,
  { state, waitMillis }: Extract<Machine.Admission, { readonly _tag: "Rejected" }>
): CircuitBreakerOpenError => rejection(circuit, fiber, state._tag, waitMillis)

const rejection = (
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
