/**
 * What is known about the providers of language models before anybody says anything.
 *
 * **Details**
 *
 * The figures are for the lowest paid tier of each. Whoever has a higher one says so in the environment, for example with
 * `BULKHEAD_ANTHROPIC_LIMIT=25`.
 *
 * **Gotchas**
 *
 * `requestsPerMinute` and `burst` are for a rate limiter of your own, such as that of `effect/persistence`: none of the
 * patterns here limits rates.
 *
 * **Example** (Two providers, and what the environment says)
 *
 * ```ts import.meta.vitest
 * import { Effect } from "effect"
 * import { Bulkhead, Policy, Resilience } from "effect-resilience"
 * import { LanguageModelPresets } from "effect-resilience/ai"
 *
 * const { anthropic, openai } = LanguageModelPresets.services
 * const layer = Resilience.layerEnvWith({ services: { anthropic, openai } })
 *
 * const limit = Effect.gen(function* () {
 *   const bulkhead = yield* Policy.instanceOf(Bulkhead.Kind, "openai")
 *   return bulkhead?.snapshot(0).limit
 * })
 *
 * await Effect.runPromise(limit.pipe(Effect.provide(layer))) // => 15
 * ```
 */
import type { PatternsInput } from "../resilience/ResilienceConfig.ts"

/** What a provider lets a customer do. */
export interface Provider {
  readonly maxConcurrent: number
  readonly requestsPerMinute: number
  /** The time for which the rate may be used up at once. */
  readonly burst: "10 seconds" | "15 seconds" | "30 seconds"
}

/** The providers by the names that their layers have in `effect/ai/Model`. */
export const providers = {
  anthropic: { maxConcurrent: 8, requestsPerMinute: 50, burst: "10 seconds" },
  openai: { maxConcurrent: 15, requestsPerMinute: 500, burst: "10 seconds" },
  google: { maxConcurrent: 15, requestsPerMinute: 300, burst: "10 seconds" },
  vertex_ai: { maxConcurrent: 15, requestsPerMinute: 600, burst: "15 seconds" },
  vertex_ai_anthropic: { maxConcurrent: 15, requestsPerMinute: 1_000, burst: "10 seconds" },
  "amazon-bedrock": { maxConcurrent: 8, requestsPerMinute: 50, burst: "10 seconds" },
  /** The same, for a layer of your own with the short name. */
  bedrock: { maxConcurrent: 8, requestsPerMinute: 50, burst: "10 seconds" },
  ollama: { maxConcurrent: 50, requestsPerMinute: 1_000, burst: "30 seconds" },
  azure: { maxConcurrent: 15, requestsPerMinute: 500, burst: "10 seconds" }
} as const satisfies Readonly<Record<string, Provider>>

/** A provider about which nothing is known. */
export const otherProvider: Provider = { maxConcurrent: 10, requestsPerMinute: 60, burst: "10 seconds" }

/** The policies of a provider as the configuration of a service; its operation type is "llm". */
export const toService = ({ maxConcurrent }: Provider): PatternsInput => ({
  bulkhead: { maxConcurrent },
  timeout: { operationType: "llm" }
})

/** The providers as services of a configuration: for `Resilience.layer` and `Resilience.layerEnvWith`. */
export const services = Object.fromEntries(
  Object.entries(providers).map(([name, provider]) => [name, toService(provider)])
) as { readonly [Name in keyof typeof providers]: PatternsInput }
