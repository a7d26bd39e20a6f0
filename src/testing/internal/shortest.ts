/**
 * The shortest list that still fails, found by leaving out parts, first large and then ever smaller ones.
 *
 * **Details**
 *
 * This is delta debugging (Zeller and Hildebrandt, "Simplifying and Isolating Failure-Inducing Input", 2002) without its
 * tests of the parts themselves. The result is the shortest in the sense that no single element can be left out.
 */
import * as Effect from "effect/Effect"

/** Leaves out what is not needed for a list to fail. */
export const shortest = <A, E, R>(
  list: ReadonlyArray<A>,
  fails: (list: ReadonlyArray<A>) => Effect.Effect<boolean, E, R>
): Effect.Effect<ReadonlyArray<A>, E, R> =>
  Effect.gen(function* () {
    let current = list
    for (let size = Math.ceil(list.length / 2); size >= 1;) {
      const before = current.length
      for (let at = 0; at < current.length;) {
        const fewer = [...current.slice(0, at), ...current.slice(at + size)]
        if (yield* fails(fewer)) current = fewer
        else at += size
      }
      if (size > 1) size = Math.ceil(size / 2)
      else if (current.length === before) return current
    }
    return current
  })
