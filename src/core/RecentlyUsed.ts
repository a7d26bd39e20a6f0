/**
 * A map that forgets: entries idle for too long, and the least recently used one when it is full.
 *
 * **Details**
 *
 * Keys often come from users, so a map by key must be bounded. Every step is O(1): a look-up drops at most two idle entries
 * from the old end, which outruns the one entry that it can add; there is no timer and no sweep.
 */
import * as LinkedList from "./LinkedList.ts"

/** How many entries to keep and how long an unused one lives. */
export interface Settings {
  readonly capacity: number
  readonly idleMillis: number
}

interface Entry<A> {
  readonly key: string
  value: A
  usedAt: number
}

/** The map. */
export interface RecentlyUsed<A> {
  readonly entries: Map<string, LinkedList.Node<Entry<A>>>
  readonly order: LinkedList.LinkedList<Entry<A>>
}

const DROPPED_PER_LOOKUP = 2

/** An empty map. */
export const make = <A>(): RecentlyUsed<A> => ({ entries: new Map(), order: LinkedList.make() })

/** The value of a key, made if it is missing; counts as use. */
export const getOrMake = <A>(
  self: RecentlyUsed<A>,
  settings: Settings,
  key: string,
  now: number,
  orElse: () => A
): A => {
  const found = get(self, settings, key, now)
  if (found !== undefined) return found
  const value = orElse()
  set(self, settings, key, value, now)
  return value
}

/** The value of a key; counts as use. */
export const get = <A>(self: RecentlyUsed<A>, settings: Settings, key: string, now: number): A | undefined => {
  dropIdle(self, settings, now)
  const node = self.entries.get(key)
  if (node === undefined) return undefined
  if (isIdle(node.value, settings, now)) {
    drop(self, node)
    return undefined
  }
  use(self, node, now)
  return node.value.value
}

/** Puts a value, and drops the least recently used entry when the map was full. */
export const set = <A>(self: RecentlyUsed<A>, settings: Settings, key: string, value: A, now: number): void => {
  const node = self.entries.get(key)
  if (node !== undefined) {
    node.value.value = value
    use(self, node, now)
    return
  }
  const fresh = LinkedList.makeNode<Entry<A>>({ key, value, usedAt: now })
  self.entries.set(key, fresh)
  LinkedList.append(self.order, fresh)
  if (self.entries.size > settings.capacity) drop(self, self.order.head!)
}

/** All values, the least recently used first. */
export const values = <A>(self: RecentlyUsed<A>): ReadonlyArray<A> => {
  const all: Array<A> = []
  for (let node = self.order.head; node !== undefined; node = node.next) all.push(node.value.value)
  return all
}

const use = <A>(self: RecentlyUsed<A>, node: LinkedList.Node<Entry<A>>, now: number): void => {
  node.value.usedAt = now
  if (self.order.tail === node) return
  LinkedList.remove(self.order, node)
  LinkedList.append(self.order, node)
}

const isIdle = <A>(entry: Entry<A>, settings: Settings, now: number): boolean =>
  now - entry.usedAt >= settings.idleMillis

const dropIdle = <A>(self: RecentlyUsed<A>, settings: Settings, now: number): void => {
  for (let i = 0; i < DROPPED_PER_LOOKUP; i++) {
    const oldest = self.order.head
    if (oldest === undefined || !isIdle(oldest.value, settings, now)) return
    drop(self, oldest)
  }
}

const drop = <A>(self: RecentlyUsed<A>, node: LinkedList.Node<Entry<A>>): void => {
  LinkedList.remove(self.order, node)
  self.entries.delete(node.value.key)
}
