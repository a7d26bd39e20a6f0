/**
 * One of the models that may answer, behind its policies.
 */
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import type * as Exit from "effect/Exit"
import * as Stream from "effect/Stream"
import * as Classifier from "../../policy/Classifier.ts"
import * as Outcome from "../../policy/Outcome.ts"
import * as Pipeline from "../../policy/Pipeline.ts"
import type * as Policy from "../../policy/Policy.ts"
import * as ProtectedStream from "../../policy/ProtectedStream.ts"
import { failing, isPreamble } from "./errorPart.ts"
import { classify, judge } from "./judgement.ts"
import type { Tools } from "./tools.ts"

/** A model, and who provides it. */
export interface Candidate {
  readonly provider: string
  readonly model: string
  readonly languageModel: LanguageModel.LanguageModel
}

export type AnyEffect = Effect.Effect<unknown, unknown>
export type AnyStream = Stream.Stream<unknown, unknown>

/** The calls of a model behind its policies. */
export interface Guarded extends Candidate {
  readonly run: (effect: AnyEffect, tools: Tools) => AnyEffect
  readonly stream: (stream: AnyStream, tools: Tools) => AnyStream
}

/** The policies are those of the provider, with a state of its own for each model. */
export const guard = (registry: Policy.ResilienceRegistry["Service"], candidate: Candidate): Guarded => {
  const pipeline = registry.get(Pipeline.Kind, candidate.provider)
  const callOf = (tools: Tools) => ({
    key: candidate.model,
    retry: {
      classify: (error: unknown, now: number) =>
        tools.areToBlame(error) ? Classifier.notRetryable : classify(error, now)
    },
    circuitBreaker: {
      classify: (exit: Exit.Exit<unknown, unknown>) =>
        exit._tag === "Failure" && tools.areToBlame(Outcome.subjectOf(exit.cause)) ? Outcome.ignored : judge(exit)
    }
  })
  const attributes = { "resilience.model.provider": candidate.provider, "resilience.model.name": candidate.model }
  const note = Effect.annotateCurrentSpan(attributes)
  return {
    ...candidate,
    run: (effect, tools) =>
      Effect.tap(pipeline === undefined ? effect : pipeline.executeWith(callOf(tools))(effect), note),
    stream: (stream, tools) => {
      const parts = failing(stream)
      const guarded =
        pipeline === undefined
          ? parts
          : ProtectedStream.protect(parts, pipeline, { ...callOf(tools), preamble: isPreamble })
      return noting(guarded, note)
    }
  }
}

/** Runs an effect when a stream begins. */
const noting = (self: AnyStream, note: Effect.Effect<void>): AnyStream =>
  Stream.suspend(() => {
    let isNoted = false
    const once = Effect.suspend(() => {
      if (isNoted) return Effect.void
      isNoted = true
      return note
    })
    return Stream.mapArrayEffect(self, (parts) => Effect.as(once, parts))
  })
