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

/** What an entry carries. It can be in one map; one that is in none needs no key. */
export interface Entry<E> extends LinkedList.Node<E> {
  readonly key: string | undefined
  usedAt: number
}

/** How many entries to keep, how long an unused one lives, and which must not be dropped. */
export interface Settings<in E> {
  readonly capacity: number
  readonly idleMillis: number
  readonly isBusy: (entry: E) => boolean
  /** Which entries are kept however long they are idle, as long as there is room. By default none. */
  readonly isKept?: ((entry: E, now: number) => boolean) | undefined
}

/** The map. */
export interface RecentlyUsed<E extends Entry<E>> {
  readonly entries: Map<string | undefined, E>
  readonly order: LinkedList.LinkedList<E>
}

const DROPPED_PER_LOOKUP = 2

/** An empty map. */
export const make = <E extends Entry<E>>(): RecentlyUsed<E> => ({ entries: new Map(), order: LinkedList.make() })

/** What every new entry carries. */
export const newEntry = (key: string | undefined) => ({ key, usedAt: 0, previous: undefined, next: undefined })

/** The entry of a key, made if it is missing; counts as use. */
export const getOrMake = <E extends Entry<E>>(
  self: RecentlyUsed<E>,
  settings: Settings<E>,
  key: string,
  now: number,
  orElse: () => E
): E => {
  const found = get(self, settings, key, now)
  if (found !== undefined) return found
  const entry = orElse()
  set(self, settings, entry, now)
  return entry
}

/** The entry of a key; counts as use. */
export const get = <E extends Entry<E>>(
  self: RecentlyUsed<E>,
  settings: Settings<E>,
  key: string,
  now: number
): E | undefined => {
  dropFromOldEnd(self, settings, now)
  const entry = self.entries.get(key)
  if (entry === undefined) return undefined
  if (isDroppable(entry, settings, now)) {
    drop(self, entry)
    return undefined
  }
  use(self, entry, now)
  return entry
}

/** The entry of a key, without counting as use. */
export const peek = <E extends Entry<E>>(
  self: RecentlyUsed<E>,
  settings: Settings<E>,
  key: string,
  now: number
): E | undefined => {
  const entry = self.entries.get(key)
  return entry === undefined || isDroppable(entry, settings, now) ? undefined : entry
}

/** Puts an entry in the place of that of its key, and drops the least recently used one when the map was full. */
export const set = <E extends Entry<E>>(self: RecentlyUsed<E>, settings: Settings<E>, entry: E, now: number): void => {
  const before = self.entries.get(entry.key)
  if (before !== undefined) drop(self, before)
  self.entries.set(entry.key, entry)
  use(self, entry, now)
  dropFromOldEnd(self, settings, now, entry)
}

/** All entries, the least recently used first. */
export const values = <E extends Entry<E>>(self: RecentlyUsed<E>): ReadonlyArray<E> => {
  const all: Array<E> = []
  for (let entry = self.order.head; entry !== undefined; entry = entry.next) all.push(entry)
  return all
}

/** The entries that a look-up would find, the least recently used first. */
export const alive = <E extends Entry<E>>(
  self: RecentlyUsed<E>,
  settings: Settings<E>,
  now: number
): ReadonlyArray<E> => values(self).filter((entry) => !isDroppable(entry, settings, now))

/** The time is kept in whole milliseconds: a small integer needs no box. */
const use = <E extends Entry<E>>(self: RecentlyUsed<E>, entry: E, now: number): void => {
  entry.usedAt = Math.floor(now)
  if (self.order.tail === entry) return
  LinkedList.remove(self.order, entry)
  LinkedList.append(self.order, entry)
}

const isIdle = <E extends Entry<E>>(entry: E, settings: Settings<E>, now: number): boolean =>
  now - entry.usedAt >= settings.idleMillis

const isDroppable = <E extends Entry<E>>(entry: E, settings: Settings<E>, now: number): boolean =>
  isIdle(entry, settings, now) && !mustStay(entry, settings, now)

const mustStay = <E extends Entry<E>>(entry: E, settings: Settings<E>, now: number): boolean =>
  settings.isBusy(entry) || settings.isKept?.(entry, now) === true

/** What is idle or, when a new entry has come, what there is no room for any more. */
const dropFromOldEnd = <E extends Entry<E>>(
  self: RecentlyUsed<E>,
  settings: Settings<E>,
  now: number,
  newest?: E
): void => {
  for (let i = 0; i < DROPPED_PER_LOOKUP; i++) {
    const oldest = self.order.head
    if (oldest === undefined || oldest === newest) return
    const isTooMuch = newest === undefined ? isIdle(oldest, settings, now) : self.entries.size > settings.capacity
    if (!isTooMuch) return
    if (newest === undefined ? mustStay(oldest, settings, now) : settings.isBusy(oldest)) use(self, oldest, now)
    else drop(self, oldest)
  }
}

const drop = <E extends Entry<E>>(self: RecentlyUsed<E>, entry: E): void => {
  LinkedList.remove(self.order, entry)
  self.entries.delete(entry.key)
}
