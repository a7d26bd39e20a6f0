/**
 * A doubly linked list: append, look at the head and remove any node, each in O(1).
 *
 * **Details**
 *
 * Queues of waiters and least-recently-used orders need to drop entries from the middle. A `Map` in insertion order looks
 * like the shorter way, but engines keep holes for deleted entries and finding the first live one then costs O(n). The nodes
 * are the values themselves, which carry their links: a box around each would be most of the memory of a small one.
 */

/** What a value in a list carries. It can be in one list at a time. */
export interface Node<N> {
  previous: N | undefined
  next: N | undefined
}

/** The list. */
export interface LinkedList<N extends Node<N>> {
  head: N | undefined
  tail: N | undefined
  length: number
}

/** An empty list. */
export const make = <N extends Node<N>>(): LinkedList<N> => ({ head: undefined, tail: undefined, length: 0 })

/** Puts a node that is in no list at the end. */
export const append = <N extends Node<N>>(list: LinkedList<N>, node: N): void => {
  node.previous = list.tail
  if (list.tail === undefined) list.head = node
  else list.tail.next = node
  list.tail = node
  list.length++
}

/** Takes a node out; returns whether it was in. */
export const remove = <N extends Node<N>>(list: LinkedList<N>, node: N): boolean => {
  if (node.previous === undefined && list.head !== node) return false
  if (node.previous === undefined) list.head = node.next
  else node.previous.next = node.next
  if (node.next === undefined) list.tail = node.previous
  else node.next.previous = node.previous
  node.previous = undefined
  node.next = undefined
  list.length--
  return true
}
