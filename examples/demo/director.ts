/**
 * Plays the script of the day on the provider's process, and remembers when the provider was back.
 */
import { Effect } from "effect"
import type { Phase } from "./script-of-the-day.ts"
import type { Stopwatch } from "./stopwatch.ts"
import type { Upstream, UpstreamError } from "./upstream-process.ts"

export interface Director {
  readonly play: Effect.Effect<void, UpstreamError>
  /** The moment the restarted provider listened; `undefined` before. */
  readonly recoveredAtMillis: () => number | undefined
}

export const make = (plan: ReadonlyArray<Phase>, upstream: Upstream, stopwatch: Stopwatch): Director => {
  let recoveredAtMillis: number | undefined
  let isDead = false
  return {
    play: Effect.forEach(
      plan,
      Effect.fnUntraced(function* ({ behaviour, startMillis }: Phase) {
        yield* stopwatch.sleepUntil(startMillis)
        if (behaviour === undefined) {
          yield* upstream.kill
          isDead = true
          return
        }
        yield* upstream.behave(behaviour)
        if (isDead) recoveredAtMillis = stopwatch.elapsedMillis()
        isDead = false
      }),
      { discard: true }
    ),
    recoveredAtMillis: () => recoveredAtMillis
  }
}
