/**
 * The states of one policy by key: bounded in number, and without those that stay idle.
 */
import * as Duration from "effect/Duration"
import type * as Fiber from "effect/Fiber"
import * as RecentlyUsed from "../../core/RecentlyUsed.ts"
import * as Policy from "../Policy.ts"
import * as Fields from "./options.ts"

/** The options of every policy that keeps a state for each key. */
export const fields = {
  maxKeys: Fields.defaulted(Fields.PositiveInt, 10_000, {
    description: "How many keys have a state of their own; beyond it, the least recently used one is forgotten"
  }),
  keyIdleTime: Fields.defaulted(Fields.PositiveDuration, Duration.hours(1), {
    description: "How long a key's state is kept without use; an open circuit is kept until its time is over"
  })
}

/** What a policy's states have in common. */
export interface Options {
  readonly maxKeys: number
  readonly keyIdleTime: Duration.Duration
}

/** The states of one policy. */
export interface Keyed<S> {
  readonly get: (fiber: Fiber.Fiber<unknown, unknown>, key: string) => S
  readonly peek: (key: string, now: number) => S | undefined
  readonly values: () => ReadonlyArray<S>
  /** Without those that are forgotten as soon as somebody looks. */
  readonly alive: (now: number) => ReadonlyArray<S>
}

/** Nothing yet; `isBusy` tells which states must not be forgotten, `isKept` which not for being idle. */
export const make = <S extends RecentlyUsed.Entry<S>>(
  { keyIdleTime, maxKeys }: Options,
  orElse: (key: string) => S,
  isBusy: (state: S) => boolean,
  isKept?: (state: S, now: number) => boolean
): Keyed<S> => {
  const settings = { capacity: maxKeys, idleMillis: Duration.toMillis(keyIdleTime), isBusy, isKept }
  const map = RecentlyUsed.make<S>()
  return {
    get: (fiber, key) => RecentlyUsed.getOrMake(map, settings, key, Policy.monotonicMillis(fiber), () => orElse(key)),
    peek: (key, now) => RecentlyUsed.peek(map, settings, key, now),
    values: () => RecentlyUsed.values(map),
    alive: (now) => RecentlyUsed.alive(map, settings, now)
  }
}
