/**
 * The gate of a bulkhead, through which its calls pass.
 */
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import type * as Fiber from "effect/Fiber"
import * as Machine from "../../core/Bulkhead.ts"
import * as RecentlyUsed from "../../core/RecentlyUsed.ts"
import type { Options } from "../Bulkhead.ts"
import type * as Policy from "../Policy.ts"
import type { BulkheadRejectedError } from "./BulkheadRejectedError.ts"
import { FiberEffect } from "./FiberEffect.ts"
import { end, Passage } from "./Passage.ts"
import type * as Readmission from "./Readmission.ts"
import type * as Stage from "./Stage.ts"
import * as Turns from "./Turns.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>

/** Finds the gate of a call. */
type GateOf = (fiber: AnyFiber) => Gate

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
  readonly turns: Turns.Turns
}

/** Where calls of one bulkhead and key meet. */
export interface Gate extends RecentlyUsed.Entry<Gate> {
  readonly shared: Shared
  readonly state: Machine.State<Passage>
}

/** What the gates of a bulkhead share. */
export const makeShared = (service: string, options: Options, home: Policy.Observer | undefined): Shared => ({
  service,
  home,
  queueMillis: queueMillisOf(options),
  totals: { successes: 0, failures: 0, interrupted: 0, rejectedFull: 0, rejectedQueueTimeout: 0 },
  settings: { maxConcurrent: options.maxConcurrent, maxQueue: options.maxQueue },
  turns: Turns.make()
})

/** Follows other options from now on, but for the limit: see {@link resize}. */
export const obey = (shared: Shared, options: Options): void => {
  shared.settings = { ...shared.settings, maxQueue: options.maxQueue }
  shared.queueMillis = queueMillisOf(options)
}

const queueMillisOf = ({ queueTimeout = Duration.infinity }: Options): number => Duration.toMillis(queueTimeout)

/** A gate through which nobody has come. */
export const make = (shared: Shared, key?: string): Gate => ({
  ...RecentlyUsed.newEntry(key),
  shared,
  state: Machine.initial(shared.settings)
})

/** Whether calls run or wait. */
export const isBusy = ({ state }: Gate): boolean => state.active > 0 || state.queue.length > 0

/** Changes the limit of all gates. */
export const resize = (shared: Shared, gates: ReadonlyArray<Gate>, fiber: AnyFiber, limit: number): void => {
  if (!Number.isSafeInteger(limit) || limit < 0) {
    throw new Error(`Bulkhead.resize: expected a whole number of at least 0, got ${limit}`)
  }
  shared.settings = { ...shared.settings, maxConcurrent: limit }
  for (const { state } of gates) for (const passage of Machine.resize(state, limit)) passage.admit(fiber)
}

/** An effect behind a gate. The finalizer is there before the permit, so that no interruption comes between them. */
export class Guarded<A, E, R> extends FiberEffect<A, E | BulkheadRejectedError, R> {
  declare private readonly gateOf: GateOf
  declare private readonly self: Effect.Effect<A, E, R>

  constructor(gateOf: GateOf, self: Effect.Effect<A, E, R>) {
    super()
    this.gateOf = gateOf
    this.self = self
  }

  override run(
    _: AnyFiber,
    outside: Readmission.Readmission | undefined
  ): Effect.Effect<A, E | BulkheadRejectedError, R> {
    let passage: Passage | undefined
    return Effect.onExitPrimitive(
      Effect.withFiber<A, E | BulkheadRejectedError, R>((fiber) => {
        passage = new Passage(this.gateOf(fiber), fiber, outside)
        return passage.enter(this.self)
      }),
      (exit) => passage?.leave(exit)
    )
  }
}

/** The halves of {@link Guarded}. */
export const stage = (gateOf: GateOf): Stage.Admission<Gate> => ({
  _tag: "Admission",
  enter: (fiber) => {
    const gate = gateOf(fiber)
    return Machine.tryAcquire(gate.state) ? gate : undefined
  },
  withdraw: ({ state }, fiber) => Machine.release(state)?.admit(fiber),
  wait: (fiber, turn) => new Passage(gateOf(fiber), fiber, undefined).waitFor(turn),
  leave: end
})
