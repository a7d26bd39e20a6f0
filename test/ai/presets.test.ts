import { describe, expect, it } from "@effect/vitest"
import { ConfigProvider, Effect, Layer } from "effect"
import { LanguageModelPresets } from "../../src/ai/index.ts"
import { Bulkhead, Policy, Resilience, Timeout } from "../../src/index.ts"

const { otherProvider, providers, services, toService } = LanguageModelPresets

const limits = (env: Record<string, string>) =>
  Effect.gen(function* () {
    const registry = yield* Policy.ResilienceRegistry
    return Object.fromEntries(
      Object.keys(services).map((name) => [name, registry.get(Bulkhead.Kind, name)?.snapshot(0).limit])
    )
  }).pipe(Effect.provide(layerWith(env)))

const layerWith = (env: Record<string, string>) =>
  Resilience.layerEnvWith({ services }).pipe(
    Layer.provide(Layer.succeed(ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env })))
  )

describe("the presets of providers", () => {
  it.effect("are a configuration", () =>
    Effect.gen(function* () {
      expect(yield* limits({})).toEqual(
        Object.fromEntries(Object.entries(providers).map(([name, { maxConcurrent }]) => [name, maxConcurrent]))
      )
    })
  )

  it.effect("count less than the environment", () =>
    Effect.gen(function* () {
      const env = {
        BULKHEAD_ANTHROPIC_LIMIT: "25",
        BULKHEAD_VERTEX_AI_LIMIT: "7",
        BULKHEAD_VERTEX_AI_ANTHROPIC_LIMIT: "9"
      }
      expect(yield* limits(env)).toMatchObject({ anthropic: 25, vertex_ai: 7, vertex_ai_anthropic: 9, openai: 15 })
    })
  )

  it.effect("have the time limits of models", () =>
    Effect.gen(function* () {
      const timeout = yield* Policy.instanceOf(Timeout.Kind, "openai")
      expect(timeout?.describe()).toContain("1m 30s")
    }).pipe(Effect.provide(layerWith({ TIMEOUT_LLM: "90" })))
  )

  it.effect("know Amazon's Bedrock by the name that its models have in Effect", () =>
    Effect.gen(function* () {
      expect(yield* limits({ BULKHEAD_AMAZON_BEDROCK_LIMIT: "9" })).toMatchObject({ "amazon-bedrock": 9, bedrock: 8 })
      expect(providers["amazon-bedrock"]).toEqual(providers.bedrock)
    })
  )

  it("can be made for any other provider", () => {
    expect(toService(otherProvider)).toEqual({ bulkhead: { maxConcurrent: 10 }, timeout: { operationType: "llm" } })
  })
})
