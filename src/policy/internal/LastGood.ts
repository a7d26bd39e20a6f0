/**
 * The last good values by key, for a limited time and in a limited number.
 */
import * as RecentlyUsed from "../../core/RecentlyUsed.ts"

/** A value and the time since it was good. */
export interface Found<A> {
  readonly value: A
  readonly ageMillis: number
}

interface Remembered<A> extends RecentlyUsed.Entry<Remembered<A>> {
  readonly value: A
  readonly at: number
}

/** The last good values. */
export interface LastGood<A> {
  readonly remember: (key: string, value: A, now: number) => void
  /** Counts as use, unless the value is too old: what is of no use must not push out what is. */
  readonly recall: (key: string, now: number) => Found<A> | undefined
}

/** Nothing was good yet. */
export const make = <A>(capacity: number, timeToLiveMillis: number): LastGood<A> => {
  const settings = { capacity, idleMillis: timeToLiveMillis, isBusy: () => false }
  const map = RecentlyUsed.make<Remembered<A>>()
  return {
    remember: (key, value, now) =>
      RecentlyUsed.set(map, settings, { ...RecentlyUsed.newEntry(key), value, at: now }, now),
    recall: (key, now) => {
      const entry = RecentlyUsed.peek(map, settings, key, now)
      if (entry === undefined || now - entry.at >= timeToLiveMillis) return undefined
      RecentlyUsed.get(map, settings, key, now)
      return { value: entry.value, ageMillis: now - entry.at }
    }
  }
}
