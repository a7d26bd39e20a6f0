/**
 * Two models behind their policies, against a real server that speaks the wire formats of Anthropic and OpenAI: the first is
 * overloaded, so the second answers; and a stream that hangs before its first token starts again.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Console, Effect, Layer, Stream } from "effect"
import { LanguageModel } from "effect/ai"
import { Policy, Resilience } from "effect-resilience"
import { LanguageModelPresets, ResilientLanguageModel } from "effect-resilience/ai"
import * as Models from "./llm/languageModels.ts"
import * as LlmServer from "./llm/server.ts"

const Hello: LlmServer.Answer = { tokens: ["Hello", " from", " the", " model"] }

/** Tells when another model is asked. */
const tellFallbacks: Policy.Observer = ({ _tag, attributes }) => {
  if (_tag !== "FallbackUsed") return
  console.log(`${attributes["exception_type"]}: now ${attributes["model"]} of ${attributes["provider"]} is asked`)
}

/** What is known about the providers; the times are short, since nobody wants to wait for an example. */
const { anthropic, openai } = LanguageModelPresets.services
const ResilienceLive = Resilience.layerEnvWith({
  services: {
    llm: { deadline: "20 seconds" },
    anthropic: { ...anthropic, retry: { overload: { maxAttempts: 2, baseDelay: "20 millis", jitter: "none" } } },
    openai: {
      ...openai,
      retry: { baseDelay: "20 millis" },
      timeout: { firstElement: "200 millis", operationType: "llm" }
    }
  }
})

const program = Effect.gen(function* () {
  const server = yield* LlmServer.start({ "claude-haiku-4-5": ["overloaded"], "gpt-5.1": ["hang", Hello] })
  const models = ResilientLanguageModel.layerModels([
    Models.anthropic("claude-haiku-4-5", server),
    Models.openAi("gpt-5.1", server)
  ])

  const talk = Effect.gen(function* () {
    yield* LanguageModel.streamText({ prompt: "Who are you?" }).pipe(
      Stream.filter((part) => part.type === "text-delta"),
      Stream.runForEach(({ delta }) => Console.log(`token: ${JSON.stringify(delta)}`))
    )
    const { text } = yield* LanguageModel.generateText({ prompt: "And as a whole?" })
    yield* Console.log(text)
  })
  yield* talk.pipe(Effect.provide(models))
  yield* Console.log(`asked: ${server.asked().join(", ")}`)
})

await Effect.runPromise(
  program.pipe(
    Effect.scoped,
    Effect.provide(Policy.layerObservers([tellFallbacks])),
    Effect.provide(Layer.merge(ResilienceLive, NodeHttpClient.layerUndici))
  )
)
