/**
 * The last events, for those who come late. Each kind of event has its own room, so that a storm of rejections does not push
 * out the transition that it began with.
 */
import type * as Policy from "../../policy/Policy.ts"

/** How many events of a kind are kept. */
const CAPACITY = 100

/** The last events. */
export interface RecentEvents {
  readonly add: (event: Policy.Event) => void
  /** In the order in which they happened. */
  readonly all: () => ReadonlyArray<Policy.Event>
}

interface Numbered {
  readonly number: number
  readonly event: Policy.Event
}

/** Nothing has happened. */
export const make = (): RecentEvents => {
  const rooms = new Map<string, { readonly places: Array<Numbered>; next: number }>()
  let count = 0

  return {
    add: (event) => {
      const room = rooms.get(event._tag) ?? { places: [], next: 0 }
      rooms.set(event._tag, room)
      room.places[room.next] = { number: count++, event }
      room.next = (room.next + 1) % CAPACITY
    },
    all: () =>
      [...rooms.values()]
        .flatMap(({ places }) => places)
        .toSorted((a, b) => a.number - b.number)
        .map(({ event }) => event)
  }
}
