/**
 * Another stream in the place of one that fails before its first element.
 */
import type * as Arr from "effect/Array"
import * as Cause from "effect/Cause"
import * as Channel from "effect/Channel"
import * as Effect from "effect/Effect"
import * as Pull from "effect/Pull"
import * as Scope from "effect/Scope"
import * as Stream from "effect/Stream"
import * as Preamble from "./Preamble.ts"
import type * as Recovery from "./Recovery.ts"

/** A stream, whatever of. */
export type AnyStream = Stream.Stream<unknown, unknown, unknown>

type AnyPull = Pull.Pull<Arr.NonEmptyReadonlyArray<unknown>, unknown, void, unknown>

/** What a stream begins with: its first elements, unless it has none, and the rest. */
interface Opened {
  readonly first: Arr.NonEmptyReadonlyArray<unknown> | undefined
  readonly rest: AnyPull
}

/**
 * Opens streams until one begins. `recover` is a fallback for the effect of opening, which gets the way to open others.
 */
export const firstToBegin = (
  self: AnyStream,
  recover: (
    open: Effect.Effect<unknown, unknown, unknown>,
    reopen: (other: AnyStream) => Effect.Effect<unknown, unknown, unknown>
  ) => ReturnType<typeof Recovery.guard>,
  isPreamble: Preamble.IsPreamble | undefined
): AnyStream =>
  Stream.fromChannel(
    Channel.fromTransform((_, scope) =>
      Effect.sync((): AnyPull => {
        const reopen = (stream: AnyStream) => open(stream, scope, isPreamble)
        const opened = recover(reopen(self), reopen) as Effect.Effect<Opened, unknown, unknown>
        let rest: AnyPull | undefined
        const begin = Effect.flatMap(opened, (opened) => {
          rest = opened.rest
          return opened.first === undefined ? Cause.done() : Effect.succeed(opened.first)
        })
        return Effect.suspend(() => rest ?? begin)
      })
    )
  )

/** A stream that does not begin is closed before another one is opened. */
const open = (
  stream: AnyStream,
  outer: Scope.Scope,
  isPreamble: Preamble.IsPreamble | undefined
): Effect.Effect<Opened, unknown, unknown> =>
  Effect.suspend(() => {
    const scope = Scope.forkUnsafe(outer)
    const begun = Effect.flatMap(Channel.toPullScoped(stream.channel, scope), (pull) => {
      const rest = Preamble.skip(pull, isPreamble) as AnyPull
      return Pull.catchDone(
        Effect.map(rest, (first): Opened => ({ first, rest })),
        () => Effect.succeed<Opened>({ first: undefined, rest: Cause.done() })
      )
    })
    return Effect.onError(begun, (cause) => Scope.close(scope, Pull.doneExitFromCause(cause)))
  })
