/**
 * A subject under random commands, and what was seen of it from the outside and from the inside.
 */
import type * as Context from "effect/Context"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as CircuitBreaker from "../../policy/CircuitBreaker.ts"
import * as Deadline from "../../policy/Deadline.ts"
import type * as Policy from "../../policy/Policy.ts"
import * as RecordedEvents from "../RecordedEvents.ts"
import type { Behaviour, Call, Command } from "./Command.ts"
import { behave } from "./behave.ts"
import { isBulkhead, isCircuitBreaker, partsOf, type Subject } from "./Parts.ts"
import { Simulation } from "./Simulation.ts"

/** One run of the operation that is guarded. */
export interface Operation {
  readonly call: Call
  readonly callAt: number
  readonly startedAt: number
  /** The deadline that it sees, on the monotonic clock. */
  readonly deadline: number | undefined
  readonly behaviour: Behaviour
  end: { readonly at: number; readonly isSuccess: boolean } | undefined
}

/** One call as its caller sees it. */
export interface Started {
  readonly call: Call
  readonly at: number
  readonly fiber: Fiber.Fiber<unknown, unknown>
  isInterrupted: boolean
  endedAt: number | undefined
}

/** How an experiment is made. */
export interface Options {
  readonly context: Context.Context<never>
  readonly random: () => number
  readonly operationsBeforeYield: number
}

/** A subject in the laboratory. */
export class Experiment {
  readonly parts: ReadonlyArray<Policy.Instance>
  readonly calls = new Map<number, Started>()
  readonly operations: Array<Operation> = []
  /** The highest limit that each bulkhead has had. */
  readonly limits = new Map<Policy.Instance, number>()
  private readonly initialLimits = new Map<Policy.Instance, number>()
  private readonly subject: Subject
  private readonly simulation: Simulation
  private readonly recorded = RecordedEvents.make()

  constructor(subject: Subject, options: Options) {
    this.subject = subject
    this.simulation = new Simulation(options)
    this.parts = partsOf(subject)
    for (const part of this.parts.filter(isBulkhead)) {
      const { limit } = part.snapshot(0)
      this.limits.set(part, limit)
      this.initialLimits.set(part, limit)
    }
  }

  get now(): number {
    return this.simulation.now
  }

  get events(): ReadonlyArray<Policy.Event> {
    return this.recorded.events()
  }

  /** How many calls were interrupted from outside. */
  get interruptions(): number {
    return [...this.calls.values()].filter(({ isInterrupted }) => isInterrupted).length
  }

  perform(command: Command): void {
    switch (command._tag) {
      case "Call":
        this.begin(command)
        this.simulation.settle(command.steps)
        if (command.isInterrupted) this.interrupt(command.id)
        return
      case "Interrupt":
        this.interrupt(command.id)
        return this.simulation.settle(command.steps)
      case "Wait":
        return this.simulation.advance(command.millis)
      case "Order":
        return void this.run(this.order(this.parts[command.part]!, command.order, command.value))
    }
  }

  /** All calls end, and operators leave everything as it was in the beginning. */
  rest(): void {
    for (const part of this.parts) {
      if (isCircuitBreaker(part)) this.run(part.reset)
      if (isBulkhead(part)) this.run(part.resize(this.initialLimits.get(part)!))
    }
    for (const id of this.calls.keys()) this.interrupt(id)
    this.advance(LATER)
  }

  /** Runs something beside the calls, whose events are heard as well. */
  run<A, E>(effect: Effect.Effect<A, E>): Fiber.Fiber<A, E> {
    const fiber = this.simulation.start(this.recorded.record(effect))
    this.simulation.settle()
    return fiber
  }

  advance(millis: number): void {
    this.simulation.advance(millis)
  }

  private begin(call: Call): void {
    const { key, remaining } = call
    const { execute, executeWith } = this.subject
    const guard = key === undefined || executeWith === undefined ? execute : executeWith({ key })
    const at = this.now
    const guarded = guard(this.operationOf(call, at)) as Effect.Effect<unknown, unknown>
    const limited =
      remaining === undefined
        ? guarded
        : Effect.provideService(guarded, Deadline.CurrentDeadline, {
            at: at + remaining,
            service: "caller",
            duration: Duration.millis(remaining)
          })
    const fiber = this.simulation.start(this.recorded.record(limited))
    const started: Started = { call, at, fiber, isInterrupted: false, endedAt: undefined }
    this.calls.set(call.id, started)
    fiber.addObserver(() => {
      started.endedAt = this.now
    })
  }

  private interrupt(id: number): void {
    const started = this.calls.get(id)
    if (started === undefined || started.endedAt !== undefined) return
    started.isInterrupted = true
    started.fiber.interruptUnsafe()
  }

  private operationOf(call: Call, callAt: number): Effect.Effect<unknown, unknown> {
    let attempts = 0
    return Effect.suspend(() => {
      let operation: Operation | undefined
      const body = Effect.withFiber((fiber) => {
        const behaviour = call.behaviours[Math.min(attempts++, call.behaviours.length - 1)]!
        const deadline = fiber.getRef(Deadline.CurrentDeadline)?.at
        operation = { call, callAt, startedAt: this.now, deadline, behaviour, end: undefined }
        this.operations.push(operation)
        return behave(behaviour)
      })
      const end = (exit: Exit.Exit<unknown, unknown>): undefined => {
        if (operation !== undefined) operation.end = { at: this.now, isSuccess: exit._tag === "Success" }
      }
      return Effect.onExitPrimitive(body, end)
    })
  }

  private order(part: Policy.Instance, order: string, value: number): Effect.Effect<void> {
    if (isBulkhead(part)) {
      this.limits.set(part, Math.max(value, this.limits.get(part)!))
      return part.resize(value)
    }
    // No other part takes orders.
    const { isolate, release, reset, trip } = part as CircuitBreaker.CircuitBreaker
    if (order === "trip") return trip
    if (order === "reset") return reset
    return order === "isolate" ? isolate : release()
  }
}

/** By then, everything is over. */
export const LATER = 3_600_000
