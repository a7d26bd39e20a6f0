/**
 * A `LanguageModel` that survives its provider.
 *
 * **Details**
 *
 * Every model has its own policies: those of the service that is called like its provider, with circuit and permits of its
 * own for each model. So `CIRCUIT_BREAKER_ANTHROPIC_FAIL_MAX` and `BULKHEAD_ANTHROPIC_LIMIT` configure them, and
 * {@link LanguageModelPresets} knows the usual providers. When a model does not answer, the next one is asked, all within the
 * deadline of the service "llm" (`DEADLINE_LLM`).
 *
 * `generateText` and `generateObject` are calls like any other. `streamText` is a protected stream: it starts again, or
 * another model answers, only before the first token.
 *
 * An overloaded provider (529), a rate limit and a quota that is used up are told apart: the first is tried again for long,
 * the second when the provider says, the third not at all. Which model answered is an attribute of the caller's span
 * (`resilience.model.name`); that it was not the first is an event (`FallbackUsed` of type "model") and a metric.
 *
 * **Gotchas**
 *
 * The error is an `AiError` always; see {@link rejectionOf}.
 *
 * A call that is made again calls its tools again; but one that somebody has approved runs once, whatever becomes of the call.
 *
 * The time that tools take belongs to the call. When a time limit ends it while one is running, it is not made again, and the
 * circuit of the provider does not count it. Nor does it count a bug of a tool.
 *
 * **Example** (A second model)
 *
 * ```ts import.meta.vitest
 * import { Effect, Layer, Stream } from "effect"
 * import { AiError, LanguageModel, Model } from "effect/ai"
 * import { Resilience } from "effect-resilience"
 * import { ResilientLanguageModel } from "effect-resilience/ai"
 *
 * const reason = new AiError.QuotaExhaustedError({})
 * const broke = LanguageModel.make({
 *   generateText: () => Effect.fail(AiError.make({ module: "example", method: "generateText", reason })),
 *   streamText: () => Stream.empty
 * })
 * const fine = LanguageModel.make({
 *   generateText: () => Effect.succeed([{ type: "text", text: "Hello" }]),
 *   streamText: () => Stream.empty
 * })
 *
 * const layer = ResilientLanguageModel.layerModels([
 *   Model.make("anthropic", "claude-haiku-4-5", Layer.effect(LanguageModel.LanguageModel, broke)),
 *   Model.make("openai", "gpt-5.1", Layer.effect(LanguageModel.LanguageModel, fine))
 * ]).pipe(Layer.provide(Resilience.layer()))
 *
 * const program = Effect.map(LanguageModel.generateText({ prompt: "Hi" }), ({ text }) => text)
 * await Effect.runPromise(program.pipe(Effect.provide(layer))) // => "Hello"
 * ```
 */
import * as LanguageModel from "effect/ai/LanguageModel"
import * as Model from "effect/ai/Model"
import * as Arr from "effect/Array"
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Stream from "effect/Stream"
import * as Policy from "../policy/Policy.ts"
import { type AnyEffect, type AnyStream, type Candidate, guard, type Guarded } from "./internal/Candidate.ts"
import * as FirstToAnswer from "./internal/firstToAnswer.ts"
import { toAiError } from "./internal/rejections.ts"
import * as Tools from "./internal/tools.ts"

export type { Candidate } from "./internal/Candidate.ts"
export { rejectionOf } from "./internal/rejections.ts"

/** What can be chosen. */
export interface Options {
  /** The name of all models together, for the deadline, events and metrics (default "llm"). */
  readonly service?: string | undefined
  /** Only after errors for which this is true, the next model is asked. */
  readonly when?: ((error: unknown) => boolean) | undefined
}

/** The layer of a model, such as `Model.make` makes it. */
export type ModelLayer<E = unknown, R = unknown> = Layer.Layer<
  LanguageModel.LanguageModel | Model.ProviderName | Model.ModelName,
  E,
  R
>

/** Makes a model of others, the first of which is asked first. */
export const make = (
  candidates: Arr.NonEmptyReadonlyArray<Candidate>,
  { service = "llm", when = () => true }: Options = {}
): Effect.Effect<LanguageModel.LanguageModel, never, Policy.ResilienceRegistry> =>
  Effect.map(Policy.ResilienceRegistry, (registry) => {
    const guarded = Arr.map(candidates, (candidate) => guard(registry, candidate))
    return decorate(FirstToAnswer.make(registry, service, guarded, when), candidates)
  })

/** Decorates the model in the context. */
export const layer = (
  options?: Options
): Layer.Layer<
  LanguageModel.LanguageModel,
  never,
  LanguageModel.LanguageModel | Model.ProviderName | Model.ModelName | Policy.ResilienceRegistry
> =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.contextWith((context: Context.Context<Provided>) => make([candidateIn(context)], options))
  )

/** Makes a model of others, the first of which is asked first. */
export const layerModels = <const Models extends Arr.NonEmptyReadonlyArray<ModelLayer>>(
  models: Models,
  options?: Options
): Layer.Layer<
  LanguageModel.LanguageModel,
  Layer.Error<Models[number]>,
  Layer.Services<Models[number]> | Policy.ResilienceRegistry
> =>
  Layer.effect(
    LanguageModel.LanguageModel,
    Effect.flatMap(
      Effect.forEach(models, (model) => Effect.map(Layer.build(model), candidateIn)),
      (candidates) => make(candidates as Arr.NonEmptyArray<Candidate>, options)
    ) as Effect.Effect<
      LanguageModel.LanguageModel,
      Layer.Error<Models[number]>,
      Layer.Services<Models[number]> | Policy.ResilienceRegistry
    >
  )

type Provided = LanguageModel.LanguageModel | Model.ProviderName | Model.ModelName

const candidateIn = (context: Context.Context<Provided>): Candidate => ({
  provider: Context.get(context, Model.ProviderName),
  model: Context.get(context, Model.ModelName),
  languageModel: Context.get(context, LanguageModel.LanguageModel)
})

type Method = "generateText" | "generateObject" | "streamText"

/** The methods of a model are generic and overloaded; what is done to them is the same for all types. */
const decorate = (
  { run, stream }: FirstToAnswer.FirstToAnswer,
  candidates: Arr.NonEmptyReadonlyArray<Candidate>
): LanguageModel.LanguageModel => {
  const ask = (method: Method, { languageModel }: Guarded, options: Tools.Options) =>
    (languageModel[method] as (options: Tools.Options) => AnyEffect & AnyStream)(options)
  const generate = (method: "generateText" | "generateObject") => (options: Tools.Options) =>
    Effect.suspend(() => {
      const tools = Tools.make(options)
      return run((candidate) => candidate.run(ask(method, candidate, tools.options), tools), tools)
    }).pipe(Effect.mapError((error) => toAiError(error, method)))
  const methods = {
    generateText: generate("generateText"),
    generateObject: generate("generateObject"),
    streamText: (options: Tools.Options) =>
      Stream.suspend(() => {
        const tools = Tools.make(options)
        return stream((candidate) => candidate.stream(ask("streamText", candidate, tools.options), tools), tools)
      }).pipe(Stream.mapError((error) => toAiError(error, "streamText")))
  }
  const supportsSystemMessagesInHistory = Effect.map(
    Effect.forEach(
      candidates,
      ({ languageModel }) => languageModel.supportsSystemMessagesInHistory ?? Effect.succeed(false)
    ),
    (answers) => answers.every(Boolean)
  )
  return { ...candidates[0].languageModel, ...methods, supportsSystemMessagesInHistory } as LanguageModel.LanguageModel
}
