import { describe, expect, it } from "@effect/vitest"
import { Effect, Stream } from "effect"
import { AiError } from "effect/ai"
import { failing, isPreamble } from "../../../src/ai/internal/errorPart.ts"

const delta = (delta: string) => ({ type: "text-delta", delta })
const told = (error: unknown) => ({ type: "error", error })

/** The parts that came, and the error after them. */
const read = (self: Stream.Stream<object, AiError.AiError>) =>
  Effect.gen(function* () {
    const parts: Array<object> = []
    const error = yield* Effect.flip(Stream.runForEach(failing(self), (part) => Effect.sync(() => parts.push(part))))
    return { parts, error }
  })

describe("an error that is a part of a stream", () => {
  it.effect("is a failure, after the parts before it", () =>
    Effect.gen(function* () {
      for (const size of [1, 2, 3, 4]) {
        const stream = Stream.make(
          delta("a"),
          delta("b"),
          told({ type: "overloaded_error", message: "Overloaded" })
        ).pipe(Stream.rechunk(size))
        const { error, parts } = yield* read(stream)
        expect(parts).toEqual([delta("a"), delta("b")])
        expect(error).toMatchObject({
          reason: {
            _tag: "InternalProviderError",
            description: "Overloaded",
            metadata: { stream: { errorType: "overloaded_error" } }
          }
        })
      }
    })
  )

  it.effect("is a failure also when parts come after it", () =>
    Effect.gen(function* () {
      const stream = Stream.fromArrays([delta("a"), told("odd"), delta("b")], [delta("c")])
      const { error, parts } = yield* read(stream)
      expect([parts, error.reason._tag]).toEqual([[delta("a")], "InternalProviderError"])
    })
  )

  it.effect("ends a stream that its provider leaves open", () =>
    Effect.gen(function* () {
      const stream = Stream.concat(Stream.make(delta("a"), told("odd")), Stream.never)
      const { error, parts } = yield* read(stream)
      expect([parts, error.reason._tag]).toEqual([[delta("a")], "InternalProviderError"])
    })
  )

  it.effect("stays what it is when it is one of Effect's", () =>
    Effect.gen(function* () {
      const known = AiError.make({ module: "m", method: "streamText", reason: new AiError.RateLimitError({}) })
      expect((yield* read(Stream.make(told(known)))).error).toBe(known)
    })
  )

  it.effect("makes no difference where there is none", () =>
    Effect.gen(function* () {
      const chunks = Stream.fromArrays([delta("a"), delta("b")], [delta("c")])
      expect(yield* Stream.runCollect(Stream.chunks(failing(chunks)))).toEqual([[delta("a"), delta("b")], [delta("c")]])
    })
  )
})

describe("a preamble", () => {
  it.each([
    ["response-metadata", true],
    ["text-start", true],
    ["reasoning-start", true],
    ["tool-params-start", true],
    ["text-delta", false],
    ["tool-call", false],
    ["finish", false]
  ])("%s: %s", (type, expected) => {
    expect(isPreamble({ type })).toBe(expected)
  })
})
