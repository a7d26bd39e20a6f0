/**
 * A throttle for messages about one subject: the first goes out at once, what follows within the window is held and goes
 * out as one group at its end.
 *
 * **Details**
 *
 * The window starts again with every group that is taken. Items with the same key become one entry: it has the latest item
 * and counts all of them. Entries are in the order of their latest item, so that the last one tells how things stand. When
 * there are too many, the oldest entry is only counted. Nothing here waits: a caller who holds a group takes it when it is
 * due. Each subject has a state of its own.
 *
 * **Example** (The first at once, the rest together)
 *
 * ```ts import.meta.vitest
 * import * as Throttle from "effect-resilience/core/Throttle"
 *
 * const settings: Throttle.Settings = { windowMillis: 60_000, maxEntries: 10 }
 * const state = Throttle.initial<string>()
 *
 * Throttle.offer(state, settings, 1_000, "state", "opened") // => 1_000
 * Throttle.take(state, settings, 1_000)?.entries // => [{ key: "state", item: "opened", count: 1 }]
 *
 * Throttle.offer(state, settings, 2_000, "state", "closed") // => 61_000
 * Throttle.offer(state, settings, 3_000, "state", "opened") // => 61_000
 * Throttle.take(state, settings, 3_000) // => undefined
 * Throttle.take(state, settings, 61_000)?.entries // => [{ key: "state", item: "opened", count: 2 }]
 * ```
 */

/** How long the rest is held after a group has gone out, and how many entries a group can have. */
export interface Settings {
  readonly windowMillis: number
  readonly maxEntries: number
}

/** All items with one key: the latest of them, and how many there were. */
export interface Entry<out Item> {
  readonly key: string
  readonly item: Item
  readonly count: number
}

/** What goes out together. `omitted` items are in none of the entries. */
export interface Group<out Item> {
  readonly entries: ReadonlyArray<Entry<Item>>
  readonly omitted: number
}

/** What is held about one subject. */
export interface State<Item> {
  held: ReadonlyArray<Entry<Item>>
  omitted: number
  /** Before this time no group goes out. */
  opensAt: number
}

/** Nothing is held, and the first item can go out at once. */
export const initial = <Item>(): State<Item> => ({ held: [], omitted: 0, opensAt: 0 })

/** Holds an item; the answer is the time from which {@link take} gives it, `now` if that is at once. */
export const offer = <Item>(state: State<Item>, settings: Settings, now: number, key: string, item: Item): number => {
  const others = state.held.filter((entry) => entry.key !== key)
  const earlier = state.held.find((entry) => entry.key === key)?.count ?? 0
  const held = [...others, { key, item, count: earlier + 1 }]
  const tooMany = Math.max(0, held.length - settings.maxEntries)
  for (const { count } of held.slice(0, tooMany)) state.omitted += count
  state.held = held.slice(tooMany)
  return Math.max(now, state.opensAt)
}

/** The group that is due at `now`, if one is. A new window starts with it. At `Infinity` everything is due. */
export const take = <Item>(state: State<Item>, settings: Settings, now: number): Group<Item> | undefined => {
  if (state.held.length === 0 || now < state.opensAt) return undefined
  const group = { entries: state.held, omitted: state.omitted }
  state.held = []
  state.omitted = 0
  state.opensAt = now + settings.windowMillis
  return group
}

/** When {@link take} gives a group; `Infinity` when nothing is held. */
export const dueAt = (state: State<unknown>): number => (state.held.length === 0 ? Infinity : state.opensAt)

/** Counts items that will not go out, for example because their group got lost: the next group tells of them. */
export const omit = (state: State<unknown>, count: number): void => {
  state.omitted += count
}

/** Whether the state is as good as a new one, so that a caller with many subjects can forget it. */
export const isIdle = (state: State<unknown>, now: number): boolean =>
  state.held.length === 0 && state.omitted === 0 && now >= state.opensAt
