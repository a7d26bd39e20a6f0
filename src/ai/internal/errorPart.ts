/**
 * Errors that a model tells as a part of its answer.
 */
import * as AiError from "effect/ai/AiError"
import * as Arr from "effect/Array"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"

type Part = { readonly type: string; readonly error?: unknown }

/** Parts that only announce others: an answer that has come no further can still start again. */
export const isPreamble = (part: unknown): boolean => PREAMBLE.has((part as Part).type)

const PREAMBLE = new Set(["response-metadata", "text-start", "reasoning-start", "tool-params-start"])

/** Lets a stream fail where it tells of an error: nothing else follows, and policies hear of failures only. */
export const failing = <A, E, R>(self: Stream.Stream<A, E, R>): Stream.Stream<A, E | AiError.AiError, R> =>
  Stream.suspend(() => {
    let error: AiError.AiError | undefined
    const parts = Stream.mapArrayEffect(Stream.takeUntil(self, isError), (parts) => {
      const last: unknown = parts.at(-1)
      if (!isError(last)) return Effect.succeed(parts)
      error = toAiError(last.error)
      const before = parts.slice(0, -1)
      return Arr.isReadonlyArrayNonEmpty(before) ? Effect.succeed(before) : Effect.fail(error)
    })
    return Stream.concat(
      parts,
      Stream.suspend(() => (error === undefined ? Stream.empty : Stream.fail(error)))
    )
  })

const isError = (part: unknown): part is Part => (part as Part).type === "error"

const toAiError = (error: unknown): AiError.AiError => {
  if (AiError.isAiError(error)) return error
  const { code, message, type } = Object(error) as Readonly<Record<string, unknown>>
  return AiError.make({
    module: "ResilientLanguageModel",
    method: "streamText",
    reason: new AiError.InternalProviderError({
      description: textOf(message) ?? "The model broke its answer off",
      metadata: { stream: { errorType: textOf(type), errorCode: textOf(code) } }
    })
  })
}

/** What providers send is not always what they document. */
const textOf = (value: unknown): string | null => {
  if (typeof value === "string") return value
  return typeof value === "number" ? String(value) : null
}
