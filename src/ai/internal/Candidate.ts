/**
 * One of the models that may answer, behind its policies.
 */
import type * as LanguageModel from "effect/ai/LanguageModel"
import * as Effect from "effect/Effect"
import * as Stream from "effect/Stream"
import * as Pipeline from "../../policy/Pipeline.ts"
import type * as Policy from "../../policy/Policy.ts"
import * as ProtectedStream from "../../policy/ProtectedStream.ts"
import { failing, isPreamble } from "./errorPart.ts"
import { classify, judge } from "./judgement.ts"

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
  readonly run: (effect: AnyEffect) => AnyEffect
  readonly stream: (stream: AnyStream) => AnyStream
}

/** The policies are those of the provider, with a state of its own for each model. */
export const guard = (registry: Policy.ResilienceRegistry["Service"], candidate: Candidate): Guarded => {
  const pipeline = registry.get(Pipeline.Kind, candidate.provider)
  const call = { key: candidate.model, retry: { classify }, circuitBreaker: { classify: judge } }
  const attributes = { "resilience.model.provider": candidate.provider, "resilience.model.name": candidate.model }
  const note = Effect.annotateCurrentSpan(attributes)
  return {
    ...candidate,
    run: (effect) => Effect.tap(pipeline === undefined ? effect : pipeline.executeWith(call)(effect), note),
    stream: (stream) => {
      const parts = failing(stream)
      const guarded =
        pipeline === undefined ? parts : ProtectedStream.protect(parts, pipeline, { ...call, preamble: isPreamble })
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
