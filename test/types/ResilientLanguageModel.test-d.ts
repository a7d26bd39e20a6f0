import type { Layer } from "effect"
import type { LanguageModel, Model } from "effect/ai"
import { describe, expectTypeOf, it } from "vitest"
import { ResilientLanguageModel } from "../../src/ai/index.ts"
import type { Policy, ResilienceError } from "../../src/index.ts"

type Provided = LanguageModel.LanguageModel | Model.ProviderName | Model.ModelName

declare const claude: Model.Model<"anthropic", LanguageModel.LanguageModel, "http">
declare const gpt: Layer.Layer<Provided, "no key", "http" | "key">

describe("the layers of a model", () => {
  it("decorate the model in the context", () => {
    expectTypeOf(ResilientLanguageModel.layer()).toEqualTypeOf<
      Layer.Layer<LanguageModel.LanguageModel, never, Provided | Policy.ResilienceRegistry>
    >()
  })

  it("need what their models need", () => {
    expectTypeOf(ResilientLanguageModel.layerModels([claude, gpt])).toEqualTypeOf<
      Layer.Layer<LanguageModel.LanguageModel, "no key", "http" | "key" | Policy.ResilienceRegistry>
    >()
    // @ts-expect-error -- no model
    ResilientLanguageModel.layerModels([])
  })

  it("give errors back", () => {
    expectTypeOf(ResilientLanguageModel.rejectionOf).returns.toEqualTypeOf<
      ResilienceError.ResilienceError | undefined
    >()
  })
})
