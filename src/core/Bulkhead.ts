/**
 * The bulkhead as a deterministic machine: permits, and a queue in the order of arrival.
 *
 * **Details**
 *
 * A permit that comes back is handed to the head of the queue at once, so nobody overtakes and no wake-up is wasted. Every
 * step is O(1), a waiter that leaves from the middle of the queue included. A limit lowered below the number of permits in
 * use takes effect as these come back.
 */
import * as LinkedList from "./LinkedList.ts"

/** How many may run and how many may wait. */
export interface Settings {
  readonly maxConcurrent: number
  readonly maxQueue: number
}

/** A place in the queue; `waiter` is whatever the caller needs to continue later. */
export type Ticket<Waiter> = LinkedList.Node<Waiter>

/** The state of one bulkhead. */
export interface State<Waiter> {
  limit: number
  active: number
  readonly queue: LinkedList.LinkedList<Waiter>
}

/** Nobody runs, nobody waits. */
export const initial = <Waiter>(settings: Settings): State<Waiter> => ({
  limit: settings.maxConcurrent,
  active: 0,
  queue: LinkedList.make()
})

/** Takes a permit if one is free. */
export const tryAcquire = <Waiter>(state: State<Waiter>): boolean => {
  if (state.active >= state.limit) return false
  state.active++
  return true
}

/** Joins the queue; `undefined` when it is full. */
export const enqueue = <Waiter>(
  state: State<Waiter>,
  settings: Settings,
  waiter: Waiter
): Ticket<Waiter> | undefined => {
  if (state.queue.length >= settings.maxQueue) return undefined
  const ticket = LinkedList.makeNode(waiter)
  LinkedList.append(state.queue, ticket)
  return ticket
}

/** Leaves the queue; returns whether the ticket was still waiting. */
export const leave = <Waiter>(state: State<Waiter>, ticket: Ticket<Waiter>): boolean =>
  LinkedList.remove(state.queue, ticket)

/** Gives a permit back. Returns the waiter to whom it went, if it went to one. */
export const release = <Waiter>(state: State<Waiter>): Waiter | undefined => {
  state.active--
  return next(state)
}

/** Changes the limit. Returns the waiters who got a permit by it, in their order. */
export const resize = <Waiter>(state: State<Waiter>, limit: number): ReadonlyArray<Waiter> => {
  state.limit = limit
  const admitted: Array<Waiter> = []
  for (let waiter = next(state); waiter !== undefined; waiter = next(state)) admitted.push(waiter)
  return admitted
}

const next = <Waiter>(state: State<Waiter>): Waiter | undefined => {
  const head = state.queue.head
  if (head === undefined || state.active >= state.limit) return undefined
  LinkedList.remove(state.queue, head)
  state.active++
  return head.value
}
