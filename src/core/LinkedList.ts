/**
 * A doubly linked list: append, look at the head and remove any node, each in O(1).
 *
 * **Details**
 *
 * Queues of waiters and least-recently-used orders need to drop entries from the middle. A `Map` in insertion order looks
 * like the shorter way, but engines keep holes for deleted entries and finding the first live one then costs O(n).
 */

/** A value in a list. */
export interface Node<A> {
  value: A
  previous: Node<A> | undefined
  next: Node<A> | undefined
  linked: boolean
}

/** The list. */
export interface LinkedList<A> {
  head: Node<A> | undefined
  tail: Node<A> | undefined
  length: number
}

/** An empty list. */
export const make = <A>(): LinkedList<A> => ({ head: undefined, tail: undefined, length: 0 })

/** A node that is in no list yet. */
export const makeNode = <A>(value: A): Node<A> => ({ value, previous: undefined, next: undefined, linked: false })

/** Puts a free node at the end. */
export const append = <A>(list: LinkedList<A>, node: Node<A>): void => {
  node.linked = true
  node.previous = list.tail
  if (list.tail === undefined) list.head = node
  else list.tail.next = node
  list.tail = node
  list.length++
}

/** Takes a node out; returns whether it was in. */
export const remove = <A>(list: LinkedList<A>, node: Node<A>): boolean => {
  if (!node.linked) return false
  if (node.previous === undefined) list.head = node.next
  else node.previous.next = node.next
  if (node.next === undefined) list.tail = node.previous
  else node.next.previous = node.previous
  node.previous = undefined
  node.next = undefined
  node.linked = false
  list.length--
  return true
}
