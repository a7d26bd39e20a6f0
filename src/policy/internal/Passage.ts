/**
 * A call's way through the gate of a bulkhead: it runs at once, waits for its turn, or is turned away.
 */
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Machine from "../../core/Bulkhead.ts"
import * as Policy from "../Policy.ts"
import type { ResilienceError } from "../ResilienceError.ts"
import { isTraced } from "./attemptSpan.ts"
import { BulkheadRejectedError } from "./BulkheadRejectedError.ts"
import type { Gate } from "./Gate.ts"
import { addQueued } from "./queueTime.ts"
import * as Readmission from "./Readmission.ts"
import type * as Stage from "./Stage.ts"
import * as TimeLimit from "./TimeLimit.ts"
import * as Timer from "./Timer.ts"
import * as Turns from "./Turns.ts"

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
export class Passage implements Stage.Wait, Readmission.Readmission {
  private readonly gate: Gate
  private readonly fiber: Fiber.Fiber<unknown, unknown>
  private readonly outside: Readmission.Readmission | undefined
  private isAdmitted = false
  private queuedAt = 0
  /** Its place in the queue. */
  previous: Passage | undefined
  next: Passage | undefined
  private turn: Turn | undefined
  private cancel: (() => void) | undefined

  constructor(gate: Gate, fiber: Fiber.Fiber<unknown, unknown>, outside: Readmission.Readmission | undefined) {
    this.gate = gate
    this.fiber = fiber
    this.outside = outside
  }

  /** Gets in line in the same step as it asks for the gate: one through which nobody goes may be forgotten with its key. */
  enter<A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | BulkheadRejectedError, R> {
    const inner = Readmission.within(self, this.outside && this)
    if (Machine.tryAcquire(this.gate.state)) {
      this.isAdmitted = true
      return inner
    }
    const full = this.join()
    if (full !== undefined) return Effect.fail(full)
    // In the fiber of the call, so that an observer who interrupts it does so between two steps.
    const asked = Effect.withFiber<A, E, R>((fiber) => {
      const refusal = this.readmit(fiber)
      // It is among the errors of who stands outside.
      return refusal === undefined ? inner : (Effect.fail(refusal) as Effect.Effect<never, never>)
    })
    return Effect.callback<A, E | BulkheadRejectedError, R>((resume) =>
      this.wait({ come: () => resume(asked), fail: (error) => resume(Effect.fail(error)) })
    )
  }

  /** Waits without an effect of its own. */
  waitFor(turn: Turn): this {
    const full = this.join()
    if (full === undefined) this.wait(turn)
    else turn.fail(full)
    return this
  }

  giveUp(): Exit.Exit<never, unknown> | undefined {
    return this.leave(Exit.interrupt(this.fiber.id))
  }

  /** Has waited, here or further inside. */
  readmit(fiber: Fiber.Fiber<unknown, unknown>): ResilienceError | undefined {
    const refusal = this.outside?.readmit(fiber)
    if (refusal !== undefined) this.withdraw()
    return refusal
  }

  /** It has got a permit, and runs soon. */
  admit(releaser: Fiber.Fiber<unknown, unknown>): void {
    this.isAdmitted = true
    this.cancel?.()
    Turns.add(this.gate.shared.turns, this, releaser)
  }

  /** Runs the call, unless it has given up. */
  come(): void {
    const { turn } = this
    if (turn === undefined) return
    this.turn = undefined
    const waitMillis = this.endWait()
    // Only a trace wants to know about every wait.
    if (isTraced(this.fiber)) this.tell("BulkheadAdmission", "Debug", { wait_millis: waitMillis })
    turn.come(this.gate)
  }

  /** A wait that the deadline cuts off is our own rejection, not an interruption that could be blamed on the dependency. */
  leave(exit: Exit.Exit<unknown, unknown>): Exit.Exit<never, BulkheadRejectedError> | undefined {
    this.cancel?.()
    this.turn = undefined
    const { fiber, gate } = this
    if (this.isAdmitted) end(gate, fiber, exit)
    else if (Machine.leave(gate.state, this)) {
      if (TimeLimit.interruptingDeadline(fiber) !== undefined) {
        return Exit.fail(this.reject("queue-timeout"))
      }
      gate.shared.totals.interrupted++
    }
    return undefined
  }

  private wait(turn: Turn): void {
    this.turn = turn
    if (this.isAdmitted) return this.come()
    const { fiber, gate } = this
    const millis = Math.min(gate.shared.queueMillis, TimeLimit.remainingMillis(fiber, this.queuedAt))
    this.cancel = Timer.after(fiber, this.queuedAt, millis, () => {
      if (Machine.leave(gate.state, this)) {
        this.endWait()
        turn.fail(this.reject("queue-timeout"))
      }
    })
  }

  private join(): BulkheadRejectedError | undefined {
    const { shared, state } = this.gate
    // Also where there is no room, because there would never be any if the task was dropped that makes it.
    Turns.check(shared.turns, this.fiber)
    if (!Machine.enqueue(state, shared.settings, this)) return this.reject("full")
    this.queuedAt = Policy.monotonicMillis(this.fiber)
    return undefined
  }

  private reject(reason: BulkheadRejectedError["reason"]): BulkheadRejectedError {
    const { service, settings, totals } = this.gate.shared
    if (reason === "full") totals.rejectedFull++
    else totals.rejectedQueueTimeout++
    const error = new BulkheadRejectedError({ service, reason, limit: settings.maxConcurrent })
    this.tell("BulkheadRejection", "Warn", { reason, limit: error.limit, exception_type: error._tag }, error)
    return error
  }

  private tell(
    _tag: string,
    severity: Policy.Severity,
    attributes: Policy.Event["attributes"],
    error?: BulkheadRejectedError
  ): void {
    const { fiber, gate } = this
    const { home, service } = gate.shared
    if (!Policy.isObserved(fiber, home)) return
    Policy.emit(fiber, home, { _tag, kind: "bulkhead", service, severity, attributes, error })
  }

  /** As if it had never come. The next in line gets its permit. */
  private withdraw(): void {
    this.isAdmitted = false
    Machine.release(this.gate.state)?.admit(this.fiber)
  }

  private endWait(): number {
    const waitMillis = Policy.monotonicMillis(this.fiber) - this.queuedAt
    addQueued(this.fiber, waitMillis)
    return waitMillis
  }
}
