import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { AiError, type LanguageModel } from "effect/ai"
import { ResilientLanguageModel } from "../../src/ai/index.ts"
import { Fallback, Policy, Resilience } from "../../src/index.ts"

const internal = AiError.make({
  module: "test",
  method: "generateText",
  reason: new AiError.InternalProviderError({ description: "down" })
})

/** A model of which only some members are used. */
const model = (name: string, members: object): ResilientLanguageModel.Candidate => ({
  provider: name,
  model: name,
  languageModel: members as LanguageModel.LanguageModel
})

const failing = { generateText: () => Effect.fail(internal) }
const answering = { generateText: () => Effect.succeed({ text: "Hello!" }) }
const ask = (...candidates: readonly [ResilientLanguageModel.Candidate, ...Array<ResilientLanguageModel.Candidate>]) =>
  Effect.flatMap(
    ResilientLanguageModel.make(candidates),
    (made) => made.generateText({ prompt: "Hi" }) as Effect.Effect<{ readonly text: string }, AiError.AiError>
  )

describe("models in their order", () => {
  const provide = Effect.provide(Resilience.layer({ retry: { maxAttempts: 1 } }))
  const answered = Effect.flatMap(Policy.instanceOf(Fallback.Kind, "llm"), (fallback) => Policy.snapshot(fallback!))

  it.effect("are asked until one answers, and the call is counted once", () =>
    Effect.gen(function* () {
      const { text } = yield* ask(model("a", failing), model("b", failing), model("c", answering))
      expect(text).toBe("Hello!")
      expect(yield* answered).toMatchObject({ answered: 1 })
    }).pipe(provide)
  )

  it.effect("have all failed when the last one has", () =>
    Effect.gen(function* () {
      const error = yield* Effect.flip(ask(model("a", failing), model("b", failing), model("c", failing)))
      expect(error.reason._tag).toBe("InternalProviderError")
    }).pipe(provide)
  )

  it.effect("support system messages in the history if all of them do", () =>
    Effect.gen(function* () {
      const supports = (...answers: ReadonlyArray<boolean | undefined>) => {
        const [first, ...others] = answers.map((answer, number) =>
          model(
            String(number),
            answer === undefined ? answering : { ...answering, supportsSystemMessagesInHistory: Effect.succeed(answer) }
          )
        )
        return Effect.flatMap(
          ResilientLanguageModel.make([first!, ...others]),
          (made) => made.supportsSystemMessagesInHistory!
        )
      }
      expect(yield* supports(true, true)).toBe(true)
      expect(yield* supports(true, false)).toBe(false)
      expect(yield* supports(true, undefined)).toBe(false)
    }).pipe(provide)
  )
})
