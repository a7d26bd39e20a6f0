/**
 * The parts of a pipeline in halves: what happens before a call, and what after it.
 *
 * **Details**
 *
 * A guard that wraps an effect costs a frame of its own. Most calls need none of what the frames are for: the circuit is
 * closed, a permit is free, and the first attempt is enough. For these a pipeline asks the parts for their halves, and runs
 * them around the effect itself, in one frame for all.
 */
import type * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import type * as Fiber from "effect/Fiber"
import type * as Policy from "../Policy.ts"
import type { ResilienceError } from "../ResilienceError.ts"
import type { Deadline, LimitedCalls } from "./TimeLimit.ts"

type AnyFiber = Fiber.Fiber<unknown, unknown>
type AnyEffect = Effect.Effect<unknown, unknown, unknown>

/** Lets a call pass at once, and looks at its end. */
export interface Admission<Entry = unknown> {
  readonly _tag: "Admission"
  /** Lets a call pass; `undefined` when that is not possible at once and without more ado. */
  enter(fiber: AnyFiber): Entry | undefined
  /** Takes an entry back, as if nothing had been. */
  withdraw(entry: Entry, fiber: AnyFiber): void
  /** Gets in line, where there is one. `turn` hears it at once when there is no room. */
  readonly wait?: ((fiber: AnyFiber, turn: Turn<Entry>) => Wait) | undefined
  /** Lets a call pass again that has waited in the line of another part since; what is returned turns it away. */
  readmit?(entry: Entry, fiber: AnyFiber): ResilienceError | undefined
  /** The call is over. What it throws is a defect of the call. */
  leave(entry: Entry, fiber: AnyFiber, exit: Exit.Exit<unknown, unknown>): void
}

/** Hears how a wait ends, unless it is given up before. */
export interface Turn<in Entry, in E = unknown> {
  /** The call passes. */
  come(entry: Entry): void
  /** It is turned away. */
  fail(error: E): void
}

/** A call in line. */
export interface Wait {
  /** Gives up; returns how that ended, unless by the interruption of who waits. */
  giveUp(): Exit.Exit<never, unknown> | undefined
}

/** Does something about failures. */
export interface Recovery<Begun = unknown> {
  readonly _tag: "Recovery"
  /** Whether a call that succeeds by itself is only counted. */
  isPlain(fiber: AnyFiber): boolean
  /** A call begins. */
  begin(fiber: AnyFiber): Begun
  /** A call has succeeded by itself. */
  succeed(): void
  /** Goes on from the first result of a call; `again` makes the call once more. */
  goOn(begun: Begun, fiber: AnyFiber, first: AnyEffect, again: AnyEffect): AnyEffect
}

/** Limits the time of a call. */
export interface Limit {
  readonly _tag: "Limit"
  readonly calls: LimitedCalls
  /** The limit of a call that begins now; `undefined` when it has none, or one of another kind. */
  limit(fiber: AnyFiber, now: number): Deadline | undefined
}

export type Stage = Admission | Recovery | Limit

/** The key under which an instance keeps its halves. */
export const key: unique symbol = Symbol("effect-resilience/stage")

/** An instance that has halves. */
export interface Staged {
  /** Those for a call with the given options. */
  readonly [key]: (call: Policy.CallOptions | undefined) => Stage
}

/** The halves of an instance, if it has any. */
export const of = (instance: object, call: Policy.CallOptions | undefined): Stage | undefined =>
  key in instance ? (instance as Staged)[key](call) : undefined
