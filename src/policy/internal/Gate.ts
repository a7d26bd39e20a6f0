/**
 * The gate of a bulkhead, and a call's way through it: it runs at once, waits for its turn, or is turned away.
 */
import * as Cause from "effect/Cause"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import * as Machine from "../../core/Bulkhead.ts"
import * as RecentlyUsed from "../../core/RecentlyUsed.ts"
import type { Options } from "../Bulkhead.ts"
import * as Policy from "../Policy.ts"
import { labelOf, withTraits } from "../ResilienceError.ts"
import { isTraced } from "./attemptSpan.ts"
import { addQueued } from "./queueTime.ts"
import type * as Stage from "./Stage.ts"
import * as TimeLimit from "./TimeLimit.ts"
import * as Timer from "./Timer.ts"

/**
 * The call was not made: as many calls as allowed ran already, and the queue was full or the wait in it too long. `limit` is
 * the number of calls that may run at once.
 */
export class BulkheadRejectedError extends withTraits({
  errorCode: "resilience.bulkhead_rejected",
  httpStatus: 503,
  category: "server_error",
  retryPolicy: "conditional",
  userMessage: "The service is under heavy load. Please try again later."
}) {
  readonly _tag = "BulkheadRejectedError"
  readonly reason: "full" | "queue-timeout"
  readonly limit: number
  constructor(fields: {
    readonly service: string
    readonly reason: "full" | "queue-timeout"
    readonly limit: number
    readonly retryAfter?: Duration.Duration | undefined
  }) {
    super(fields.service, fields.retryAfter)
    this.reason = fields.reason
    this.limit = fields.limit
  }
  get message(): string {
    const why = this.reason === "full" ? "its queue is full" : "the wait in its queue took too long"
    return `the bulkhead of "${this.service}" lets ${this.limit} calls run at once, and ${why}`
  }
  override get isOwnSide(): boolean {
    return true
  }
}

/** The counts of a bulkhead since it was made; those of its keys are included. `interrupted` includes waiting calls. */
export interface Totals {
  successes: number
  failures: number
  interrupted: number
  rejectedFull: number
  rejectedQueueTimeout: number
}

/** What the gates of one bulkhead share, whatever their key. */
export interface Shared {
  readonly service: string
  readonly home: Policy.Observer | undefined
  queueMillis: number
  readonly totals: Totals
  settings: Machine.Settings
}

/** Where calls of one bulkhead and key meet. */
export interface Gate extends RecentlyUsed.Entry<Gate> {
  readonly shared: Shared
  readonly state: Machine.State<Passage>
}

/** What the gates of a bulkhead share. */
export const makeShared = (
  service: string,
  { maxConcurrent, maxQueue, queueTimeout }: Options,
  home: Policy.Observer | undefined
): Shared => ({
  service,
  home,
  queueMillis: queueMillisOf(queueTimeout),
  totals: { successes: 0, failures: 0, interrupted: 0, rejectedFull: 0, rejectedQueueTimeout: 0 },
  settings: { maxConcurrent, maxQueue }
})

/** Follows other options from now on, but for the limit: see {@link resize}. */
export const obey = (shared: Shared, { maxQueue, queueTimeout }: Options): void => {
  shared.settings = { ...shared.settings, maxQueue }
  shared.queueMillis = queueMillisOf(queueTimeout)
}

const queueMillisOf = (timeout: Duration.Duration | undefined): number =>
  timeout === undefined ? Infinity : Duration.toMillis(timeout)

/** A gate through which nobody has come. */
export const make = (shared: Shared, key?: string): Gate => ({
  ...RecentlyUsed.newEntry(key),
  shared,
  state: Machine.initial(shared.settings)
})

/** Whether calls run or wait. */
export const isBusy = ({ state }: Gate): boolean => state.active > 0 || state.queue.length > 0

/** Changes the limit of all gates. */
export const resize = (
  shared: Shared,
  gates: ReadonlyArray<Gate>,
  fiber: Fiber.Fiber<unknown, unknown>,
  limit: number
): void => {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new Error(`Bulkhead.resize: expected a whole number of at least 0, got ${limit}`)
  }
  shared.settings = { ...shared.settings, maxConcurrent: limit }
  for (const { state } of gates) for (const passage of Machine.resize(state, limit)) passage.admit(fiber)
}

/** Guards an effect with a gate. The finalizer is there before the permit, so that no interruption comes between them. */
export const guard = <A, E, R>(
  gateOf: (fiber: Fiber.Fiber<unknown, unknown>) => Gate,
  self: Effect.Effect<A, E, R>
): Effect.Effect<A, E | BulkheadRejectedError, R> =>
  Effect.suspend(() => {
    const passage = new Passage()
    return Effect.onExitPrimitive(
      Effect.withFiber<A, E | BulkheadRejectedError, R>((fiber) => passage.enter(gateOf(fiber), fiber, self)),
      (exit) => passage.leave(exit)
    )
  })

/** The halves of {@link guard}. */
export const stage = (gateOf: (fiber: Fiber.Fiber<unknown, unknown>) => Gate): Stage.Admission<Gate> => ({
  _tag: "Admission",
  enter: (fiber) => {
    const gate = gateOf(fiber)
    return Machine.tryAcquire(gate.state) ? gate : undefined
  },
  withdraw: ({ state }, fiber) => Machine.release(state)?.admit(fiber),
  wait: (fiber, turn) => new Passage().waitFor(turn, gateOf(fiber), fiber),
  leave: end
})

/** A call that was let in is over. */
const end = (
  { shared: { totals }, state }: Gate,
  fiber: Fiber.Fiber<unknown, unknown>,
  exit: Exit.Exit<unknown, unknown>
): void => {
  if (exit._tag === "Success") totals.successes++
  else if (Cause.hasInterruptsOnly(exit.cause)) totals.interrupted++
  else totals.failures++
  Machine.release(state)?.admit(fiber)
}

/** One call on its way. */
class Passage implements Stage.Wait {
  private gate: Gate | undefined
  private fiber: Fiber.Fiber<unknown, unknown> | undefined
  private isAdmitted = false
  private queuedAt = 0
  /** Its place in the queue. */
  previous: Passage | undefined
  next: Passage | undefined
  private resume: ((error: BulkheadRejectedError | undefined) => void) | undefined
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
    const turn = Effect.callback<void, BulkheadRejectedError>((resume) =>
      this.wait(gate, fiber, (error) => resume(error === undefined ? Effect.void : Effect.fail(error)))
    )
    return Effect.flatMap(turn, () => {
      this.passOn(gate, fiber)
      return self
    })
  }

  /** Waits without an effect of its own. */
  waitFor(turn: Stage.Turn<Gate>, gate: Gate, fiber: Fiber.Fiber<unknown, unknown>): this | undefined {
    this.gate = gate
    this.fiber = fiber
    const full = this.join(gate, fiber)
    if (full !== undefined) {
      turn.fail(full)
      return undefined
    }
    this.wait(gate, fiber, (error) => {
      if (error !== undefined) return turn.fail(error)
      this.passOn(gate, fiber)
      turn.come(gate)
    })
    return this
  }

  giveUp(): Exit.Exit<never, unknown> {
    this.resume = undefined
    const interrupted = Exit.interrupt(this.fiber?.id)
    return this.leave(interrupted) ?? interrupted
  }

  /** Runs the call; from a task of its own, because a long queue would otherwise become a deep stack. */
  admit(releaser: Fiber.Fiber<unknown, unknown>): void {
    this.isAdmitted = true
    this.cancel?.()
    releaser.currentDispatcher.scheduleTask(() => this.resume?.(undefined), 0)
  }

  /** A wait that the deadline cuts off is our own rejection, not an interruption that could be blamed on the dependency. */
  leave(exit: Exit.Exit<unknown, unknown>): Exit.Exit<never, BulkheadRejectedError> | undefined {
    this.cancel?.()
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

  private wait(
    gate: Gate,
    fiber: Fiber.Fiber<unknown, unknown>,
    resume: (error: BulkheadRejectedError | undefined) => void
  ): void {
    if (this.isAdmitted) return resume(undefined)
    this.resume = resume
    const millis = Math.min(gate.shared.queueMillis, TimeLimit.remainingMillis(fiber, this.queuedAt))
    this.cancel = Timer.after(fiber, this.queuedAt, Math.max(0, millis), () => {
      if (Machine.leave(gate.state, this)) {
        this.endWait(fiber)
        resume(this.reject(gate, fiber, "queue-timeout"))
      }
    })
  }

  private join(gate: Gate, fiber: Fiber.Fiber<unknown, unknown>): BulkheadRejectedError | undefined {
    if (!Machine.enqueue(gate.state, gate.shared.settings, this)) return this.reject(gate, fiber, "full")
    this.queuedAt = Policy.monotonicMillis(fiber)
    return undefined
  }

  private passOn(gate: Gate, fiber: Fiber.Fiber<unknown, unknown>): void {
    const waitMillis = this.endWait(fiber)
    if (isTraced(fiber)) this.tellAdmission(gate, fiber, waitMillis)
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
