/**
 * What a stream says before its first element that counts.
 */
import * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"

/** Whether an element only announces others. */
export type IsPreamble = (element: unknown) => boolean

/**
 * Holds elements back until there is one that counts; then all come together, and from then on chunks come as they are. A
 * stream that ends without such an element gives what it has.
 */
export const skip = <A, E, R>(
  pull: Pull.Pull<Arr.NonEmptyReadonlyArray<A>, E, void, R>,
  isPreamble: ((element: A) => boolean) | undefined
): Pull.Pull<Arr.NonEmptyReadonlyArray<A>, E, void, R> => {
  if (isPreamble === undefined) return pull
  let held: ReadonlyArray<A> = []
  let isOver = false
  const release = Pull.catchDone(
    Effect.flatMap(pull, (chunk) => {
      held = [...held, ...chunk]
      isOver = !chunk.every(isPreamble)
      return Effect.void
    }),
    () => {
      isOver = true
      return Effect.void
    }
  )
  const first = Effect.flatMap(Effect.whileLoop({ while: () => !isOver, body: () => release, step: () => {} }), () => {
    const chunk = held
    held = []
    return Arr.isReadonlyArrayNonEmpty(chunk) ? Effect.succeed(chunk) : Cause.done()
  })
  return Effect.suspend(() => (isOver ? pull : first))
}
