/**
 * A call's way through the gate of a bulkhead: it runs at once, waits for its turn, or is turned away.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Machine from "../../core/Bulkhead.ts"
import * as Policy from "../Policy.ts"
import { labelOf } from "../ResilienceError.ts"
import { isTraced } from "./attemptSpan.ts"
import { BulkheadRejectedError } from "./BulkheadRejectedError.ts"
import type { Gate } from "./Gate.ts"
import { addQueued } from "./queueTime.ts"
import type * as Stage from "./Stage.ts"
import * as TimeLimit from "./TimeLimit.ts"
import * as Timer from "./Timer.ts"

/** A call that was let in is over. */
export const end = (
  { shared: { totals }, state }: Gate,
  fiber: Fiber.Fiber<unknown, unknown>,
  exit: Exit.Exit<unknown, unknown>
): void => {
  if (exit._tag === "Success") totals.successes++
  else if (Cause.hasInterruptsOnly(exit.cause)) totals.interrupted++
  else totals.failures++
  Machine.release(state)?.admit(fiber)
}

type Turn = Stage.Turn<Gate, BulkheadRejectedError>

/** One call on its way. */
export class Passage implements Stage.Wait {
  private gate: Gate | undefined
  private fiber: Fiber.Fiber<unknown, unknown> | undefined
  private isAdmitted = false
  private queuedAt = 0
  /** Its place in the queue. */
  previous: Passage | undefined
  next: Passage | undefined
  private turn: Turn | undefined
  private cancel: (() => void) | undefined

  enter<A, E, R>(
    gate: Gate,
    fiber: Fiber.Fiber<unknown, unknown>,
    self: Effect.Effect<A, E, R>
  ): Effect.Effect<A, E | BulkheadRejectedError, R> {
    this.gate = gate
    this.fiber = fiber
    if (Machine.tryAcquire(gate.state)) {
      this.isAdmitted = true
      return self
    }
    const full = this.join(gate, fiber)
    if (full !== undefined) return Effect.fail(full)
    return Effect.callback<A, E | BulkheadRejectedError, R>((resume) =>
      this.wait(gate, fiber, { come: () => resume(self), fail: (error) => resume(Effect.fail(error)) })
    )
  }

  /** Waits without an effect of its own. */
  waitFor(turn: Turn, gate: Gate, fiber: Fiber.Fiber<unknown, unknown>): this {
    this.gate = gate
    this.fiber = fiber
    const full = this.join(gate, fiber)
    if (full === undefined) this.wait(gate, fiber, turn)
    else turn.fail(full)
    return this
  }

  giveUp(): Exit.Exit<never, unknown> {
    const interrupted = Exit.interrupt(this.fiber?.id)
    return this.leave(interrupted) ?? interrupted
  }

  /** Runs the call; from a task of its own, because a long queue would otherwise become a deep stack. */
  admit(releaser: Fiber.Fiber<unknown, unknown>): void {
    this.isAdmitted = true
    this.cancel?.()
    releaser.currentDispatcher.scheduleTask(() => this.come(), 0)
  }

  /** A wait that the deadline cuts off is our own rejection, not an interruption that could be blamed on the dependency. */
  leave(exit: Exit.Exit<unknown, unknown>): Exit.Exit<never, BulkheadRejectedError> | undefined {
    this.cancel?.()
    this.turn = undefined
    const { fiber, gate } = this
    if (gate === undefined || fiber === undefined) return undefined
    if (this.isAdmitted) end(gate, fiber, exit)
    else if (Machine.leave(gate.state, this)) {
      if (TimeLimit.interruptingDeadline(fiber) !== undefined) {
        return Exit.fail(this.reject(gate, fiber, "queue-timeout"))
      }
      gate.shared.totals.interrupted++
    }
    return undefined
  }

  private wait(gate: Gate, fiber: Fiber.Fiber<unknown, unknown>, turn: Turn): void {
    this.turn = turn
    if (this.isAdmitted) return this.come()
    const millis = Math.min(gate.shared.queueMillis, TimeLimit.remainingMillis(fiber, this.queuedAt))
    this.cancel = Timer.after(fiber, this.queuedAt, Math.max(0, millis), () => {
      if (Machine.leave(gate.state, this)) {
        this.endWait(fiber)
        turn.fail(this.reject(gate, fiber, "queue-timeout"))
      }
    })
  }

  private join(gate: Gate, fiber: Fiber.Fiber<unknown, unknown>): BulkheadRejectedError | undefined {
    if (!Machine.enqueue(gate.state, gate.shared.settings, this)) return this.reject(gate, fiber, "full")
    this.queuedAt = Policy.monotonicMillis(fiber)
    return undefined
  }

  private come(): void {
    const { fiber, gate, turn } = this
    if (fiber === undefined || gate === undefined || turn === undefined) return
    this.turn = undefined
    const waitMillis = this.endWait(fiber)
    if (isTraced(fiber)) this.tellAdmission(gate, fiber, waitMillis)
    turn.come(gate)
  }

  private endWait(fiber: Fiber.Fiber<unknown, unknown>): number {
    const waitMillis = Policy.monotonicMillis(fiber) - this.queuedAt
    addQueued(fiber, waitMillis)
    return waitMillis
  }

  /** Only a trace wants to know about every wait. */
  private tellAdmission({ shared }: Gate, fiber: Fiber.Fiber<unknown, unknown>, waitMillis: number): void {
    const { home, service } = shared
    if (!Policy.isObserved(fiber, home)) return
    Policy.emit(fiber, home, {
      _tag: "BulkheadAdmission",
      kind: "bulkhead",
      service,
      severity: "Debug",
      attributes: { wait_millis: waitMillis }
    })
  }

  private reject(
    { shared }: Gate,
    fiber: Fiber.Fiber<unknown, unknown>,
    reason: BulkheadRejectedError["reason"]
  ): BulkheadRejectedError {
    const { home, service, settings, totals } = shared
    if (reason === "full") totals.rejectedFull++
    else totals.rejectedQueueTimeout++
    const error = new BulkheadRejectedError({ service, reason, limit: settings.maxConcurrent })
    if (Policy.isObserved(fiber, home)) {
      Policy.emit(fiber, home, {
        _tag: "BulkheadRejection",
        kind: "bulkhead",
        service,
        severity: "Warn",
        attributes: { reason, limit: error.limit, exception_type: labelOf(error) },
        error
      })
    }
    return error
  }
}
