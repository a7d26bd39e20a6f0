/**
 * A map that forgets: entries idle for too long, and the least recently used one when it is full.
 *
 * **Details**
 *
 * Keys often come from users, so a map by key must be bounded. Every step is O(1): a look-up drops at most two entries from
 * the old end, which outruns the one entry that it can add; there is no timer and no sweep. An entry that is busy, such as
 * one with permits in use, is not dropped but counts as used, so the map can exceed its capacity by what is busy.
 */
import * as LinkedList from "./LinkedList.ts"

/** How many entries to keep, how long an unused one lives, and which must not be dropped. */
export interface Settings<A> {
  readonly capacity: number
  readonly idleMillis: number
  readonly isBusy: (value: A) => boolean
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
  settings: Settings<A>,
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
export const get = <A>(self: RecentlyUsed<A>, settings: Settings<A>, key: string, now: number): A | undefined => {
  dropFromOldEnd(self, settings, now, (oldest) => isIdle(oldest, settings, now))
  const node = self.entries.get(key)
  if (node === undefined) return undefined
  if (isDroppable(node.value, settings, now)) {
    drop(self, node)
    return undefined
  }
  use(self, node, now)
  return node.value.value
}

/** The value of a key, without counting as use. */
export const peek = <A>(self: RecentlyUsed<A>, settings: Settings<A>, key: string, now: number): A | undefined => {
  const node = self.entries.get(key)
  return node === undefined || isDroppable(node.value, settings, now) ? undefined : node.value.value
}

/** Puts a value, and drops the least recently used entry when the map was full. */
export const set = <A>(self: RecentlyUsed<A>, settings: Settings<A>, key: string, value: A, now: number): void => {
  let node = self.entries.get(key)
  if (node === undefined) {
    node = LinkedList.makeNode<Entry<A>>({ key, value, usedAt: now })
    self.entries.set(key, node)
    LinkedList.append(self.order, node)
  } else {
    node.value.value = value
    use(self, node, now)
  }
  const fresh = node.value
  dropFromOldEnd(self, settings, now, (oldest) => oldest !== fresh && self.entries.size > settings.capacity)
}

/** All values, the least recently used first. */
export const values = <A>(self: RecentlyUsed<A>): ReadonlyArray<A> => {
  const all: Array<A> = []
  for (let node = self.order.head; node !== undefined; node = node.next) all.push(node.value.value)
  return all
}

/** The values that a look-up would find, the least recently used first. */
export const alive = <A>(self: RecentlyUsed<A>, settings: Settings<A>, now: number): ReadonlyArray<A> => {
  const all: Array<A> = []
  for (let node = self.order.head; node !== undefined; node = node.next) {
    if (!isDroppable(node.value, settings, now)) all.push(node.value.value)
  }
  return all
}

const use = <A>(self: RecentlyUsed<A>, node: LinkedList.Node<Entry<A>>, now: number): void => {
  node.value.usedAt = now
  if (self.order.tail === node) return
  LinkedList.remove(self.order, node)
  LinkedList.append(self.order, node)
}

const isIdle = <A>(entry: Entry<A>, settings: Settings<A>, now: number): boolean =>
  now - entry.usedAt >= settings.idleMillis

const isDroppable = <A>(entry: Entry<A>, settings: Settings<A>, now: number): boolean =>
  isIdle(entry, settings, now) && !settings.isBusy(entry.value)

const dropFromOldEnd = <A>(
  self: RecentlyUsed<A>,
  settings: Settings<A>,
  now: number,
  isTooMuch: (oldest: Entry<A>) => boolean
): void => {
  for (let i = 0; i < DROPPED_PER_LOOKUP; i++) {
    const oldest = self.order.head
    if (oldest === undefined || !isTooMuch(oldest.value)) return
    if (settings.isBusy(oldest.value.value)) use(self, oldest, now)
    else drop(self, oldest)
  }
}

const drop = <A>(self: RecentlyUsed<A>, node: LinkedList.Node<Entry<A>>): void => {
  LinkedList.remove(self.order, node)
  self.entries.delete(node.value.key)
}
