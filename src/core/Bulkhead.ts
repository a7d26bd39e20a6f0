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

/** Who waits in the queue: whatever the caller needs to continue later. */
export type Waiter<W> = LinkedList.Node<W>

/** The state of one bulkhead. */
export interface State<W extends Waiter<W>> {
  limit: number
  active: number
  readonly queue: LinkedList.LinkedList<W>
}

/** Nobody runs, nobody waits. */
export const initial = <W extends Waiter<W>>(settings: Settings): State<W> => ({
  limit: settings.maxConcurrent,
  active: 0,
  queue: LinkedList.make()
})

/** Takes a permit if one is free. */
export const tryAcquire = <W extends Waiter<W>>(state: State<W>): boolean => {
  if (state.active >= state.limit) return false
  state.active++
  return true
}

/** Joins the queue; returns `false` when it is full. */
export const enqueue = <W extends Waiter<W>>(state: State<W>, settings: Settings, waiter: W): boolean => {
  if (state.queue.length >= settings.maxQueue) return false
  LinkedList.append(state.queue, waiter)
  return true
}

/** Leaves the queue; returns whether the waiter was still in it. */
export const leave = <W extends Waiter<W>>(state: State<W>, waiter: W): boolean =>
  LinkedList.remove(state.queue, waiter)

/** Gives a permit back. Returns the waiter to whom it went, if it went to one. */
export const release = <W extends Waiter<W>>(state: State<W>): W | undefined => {
  state.active--
  return next(state)
}

/** Changes the limit. Returns the waiters who got a permit by it, in their order. */
export const resize = <W extends Waiter<W>>(state: State<W>, limit: number): ReadonlyArray<W> => {
  state.limit = limit
  const admitted: Array<W> = []
  for (let waiter = next(state); waiter !== undefined; waiter = next(state)) admitted.push(waiter)
  return admitted
}

const next = <W extends Waiter<W>>(state: State<W>): W | undefined => {
  const head = state.queue.head
  if (head === undefined || state.active >= state.limit) return undefined
  LinkedList.remove(state.queue, head)
  state.active++
  return head
}
