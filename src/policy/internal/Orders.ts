/**
 * What operators order all circuits of a breaker to do. There may be many circuits, so each obeys when it is used next, and
 * only the latest order is kept, with the one before it where the latest only adds to that.
 */
import * as Machine from "../../core/CircuitBreaker.ts"

/** What an order that was given at a time makes of a circuit that hears of it now. */
export type Change = (state: Machine.State, settings: Machine.Settings, at: number, now: number) => Machine.State

/** A command for all circuits of a breaker, also for those that are not there yet. */
export interface Order {
  readonly number: number
  /** When it was given. */
  readonly at: number
  readonly change: Change
  /** The order that it adds to; without one, those before it do not matter any more. */
  readonly before: Order | undefined
  /** Whether somebody has heard what it does: it is told once, not again for each of the circuits. */
  isTold: boolean
}

/** No command yet. */
export const NO_ORDER: Order = { number: 0, at: 0, change: (state) => state, before: undefined, isTold: true }

/** Makes the order that follows on the last one. */
export type Give = (last: Order, at: number) => Order

/** Those before it do not matter any more. */
export const anew =
  (change: Change): Give =>
  ({ number }, at) => ({ number: number + 1, at, change, before: undefined, isTold: false })

/** It adds to the one before, which may be such a one itself, and then is not needed any more. */
export const added =
  (change: Change): Give =>
  (last, at) => ({ number: last.number + 1, at, change, before: last.before ?? last, isTold: false })

/** What becomes of a circuit that has heard of orders up to a number: the last one, and what that adds to, each at its time. */
export const obey = (
  { at, before, change }: Order,
  heard: number,
  state: Machine.State,
  settings: Machine.Settings,
  now: number,
  random: number
): Machine.State => {
  const isBehind = before !== undefined && heard < before.number
  const earlier = isBehind ? obey(before, heard, state, settings, at, random) : state
  const then = Machine.advance(earlier, settings, at, random)
  return Machine.advance(change(then, settings, at, now), settings, now, random)
}

/** Opens circuits, with the settings of then. One that was not open, and is not used until that is over, goes on as it was. */
export const trip =
  (settings: Machine.Settings, random: number): Change =>
  (state, _, at, now) => {
    const tripped = Machine.trip(state, settings, at, random)
    return state._tag === "Open" || now < tripped.until ? tripped : state
  }
