import { Cause, Effect, Exit, Stream } from "effect"
import { AiError } from "effect/ai"
import { describe, expect } from "vitest"
import { failing, isPreamble } from "../../src/ai/internal/errorPart.ts"
import { classify, isAnswerable, judge } from "../../src/ai/internal/judgement.ts"
import { anyError } from "../support/errors.ts"
import { property } from "../support/property.ts"
import { json, objectOf, text } from "../support/texts.ts"

const NOW = 1_800_000_000_000

describe("whatever a provider sends", () => {
  property(
    "in the middle of an answer, the stream goes on or fails with an error of models",
    (dice) =>
      dice.many(4, () => ({ type: dice.pick(["text-delta", "error", "text-start"]), error: anyError(dice, 2) })),
    async (parts) => {
      const exit = await Effect.runPromiseExit(Stream.runCollect(failing(Stream.fromIterable(parts))))
      const hasError = parts.some(({ type }) => type === "error")
      expect(Exit.isFailure(exit)).toBe(hasError)
      if (Exit.isFailure(exit)) expect(AiError.isAiError(Cause.squash(exit.cause))).toBe(true)
      for (const part of parts) expect(isPreamble(part)).toBe(part.type === "text-start")
    },
    { runs: 500 }
  )

  property(
    "as an error, it is classified and judged",
    (dice) => ({
      metadata: objectOf(dice.many(2, () => [dice.pick(["openai", "anthropic", "x"]), json(dice, 2)])),
      body: dice.oneOf(
        () => text(dice),
        () => JSON.stringify(json(dice, 3)),
        () => JSON.stringify({ error: json(dice, 2) }),
        () => JSON.stringify({ error: { type: "overloaded_error" } }).slice(0, dice.integer(0, 40))
      )
    }),
    ({ body, metadata }) => {
      const reason = new AiError.InternalProviderError({ description: "x", metadata: {} })
      Object.defineProperties(reason, { metadata: { value: metadata }, http: { value: { body } } })
      const error = AiError.make({ module: "m", method: "generateText", reason })
      expect([undefined, "not-retryable", "overloaded"]).toContain(classify(error, NOW)?.kind)
      expect(judge(Exit.fail(error))._tag).toBe("Failure")
      expect(isAnswerable(error)).toBe(true)
    },
    { runs: 1_000 }
  )
})
