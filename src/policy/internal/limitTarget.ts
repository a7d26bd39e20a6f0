/**
 * What a time limit is asked to follow: a duration, an instance, or the name of a service.
 */
import type * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as Policy from "../Policy.ts"
import * as Fields from "./options.ts"

/** Limits an effect by whatever is meant. A text that tries to be a duration names no service: that would be no limit. */
export const apply = <I extends Policy.Guard<E2>, Options, A, E, R, E2>(
  kind: Policy.Kind<I, Options>,
  target: Duration.Input | string | I,
  self: Effect.Effect<A, E, R>,
  limited: (duration: Duration.Duration) => Effect.Effect<A, E | E2, R>
): Effect.Effect<A, E | E2, R | Policy.ResilienceRegistry> => {
  if (Policy.isInstance(target)) return (target as I).execute(self)
  const duration = Fields.durationOfCall(target)
  if (duration !== undefined) return limited(duration)
  if (typeof target === "string" && TIME.test(target)) {
    const expected = 'a duration such as "1 second", or the name of a service'
    return Effect.die(new TypeError(`${kind.id}: expected ${expected}, got ${Fields.show(target)}`))
  }
  return Policy.withInstance(kind, target as string, self, (limit) => limit.execute(self))
}

const UNIT = "(?:[nuµ]?s|ms|[mhdwy]|(?:nano|micro|milli|sec|min|hour|hr|day|week|month|year)[a-z]*)"

/** Nothing; numbers with or without units, such as "1s", "10ms", "5 secs." and "1h 30m"; "PT1S". */
const TIME = new RegExp(
  `^\\s*(?:[+-]?\\.?\\d[\\d.,]*(?:\\s*${UNIT}\\.?(?=[\\d\\s]|$)|(?=\\s|$))\\s*)*$|^P(?=T?\\d)[\\dTHMSDWY.,]+$`,
  "iu"
)
