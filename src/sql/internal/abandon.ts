import * as Effect from "effect/Effect"
import * as Fiber from "effect/Fiber"

/**
 * When it is interrupted, the effect is told so and goes on to clean up, but nobody waits for that: a client waits
 * for a server that does not answer before it lets go, and cannot be interrupted in a commit or a rollback. `onAbandon` is
 * called before anything is cleaned up.
 */
export const abandonable = <A, E, R>(self: Effect.Effect<A, E, R>, onAbandon?: () => void): Effect.Effect<A, E, R> =>
  Effect.uninterruptibleMask((restore) =>
    Effect.flatMap(Effect.forkDetach(restore(self), { startImmediately: true }), (fiber) =>
      Effect.onInterrupt(restore(Fiber.join(fiber)), () =>
        Effect.sync(() => {
          onAbandon?.()
          fiber.interruptUnsafe()
        })
      )
    )
  )
