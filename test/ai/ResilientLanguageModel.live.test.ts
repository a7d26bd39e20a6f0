import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { describe, expect, it } from "@effect/vitest"
import { Effect, Layer, Schema, Stream, Tracer } from "effect"
import { AiError, Chat, LanguageModel } from "effect/ai"
import * as Models from "../../examples/llm/languageModels.ts"
import * as LlmServer from "../../examples/llm/server.ts"
import { LanguageModelPresets, ResilientLanguageModel } from "../../src/ai/index.ts"
import {
  Bulkhead,
  CircuitBreaker,
  Policy,
  Resilience,
  type ResilienceConfig,
  ResilienceError,
  Timeout
} from "../../src/index.ts"
import { RecordedEvents } from "../../src/testing/index.ts"

const hello: LlmServer.Answer = { tokens: ["Hel", "lo", "!"] }
const CLAUDE = "claude-haiku-4-5"
const GPT = "gpt-5.1"
const both = { anthropic: [CLAUDE, Models.anthropic], openai: [GPT, Models.openAi] } as const
type Provider = keyof typeof both
type Steps = readonly [LlmServer.Step, ...ReadonlyArray<LlmServer.Step>]

const fast = {
  retry: {
    maxAttempts: 3,
    baseDelay: "10 millis",
    jitter: "none",
    retryAfterMax: "50 millis",
    overload: { baseDelay: "10 millis", jitter: "none" },
    rateLimit: { baseDelay: "10 millis", jitter: "none" }
  }
} as const satisfies ResilienceConfig.PatternsInput

/** Only what hangs is waited for: long enough that a busy machine has answered everything else by then. */
const timeoutFor = (steps: Steps): ResilienceConfig.PatternsInput["timeout"] => {
  const isHanging = steps.some(
    (step) => step === "hang" || (typeof step === "object" && step.accident?.kind === "hang")
  )
  return isHanging ? "1500 millis" : "20 seconds"
}

interface Setup {
  readonly script: Partial<Record<Provider, Steps>>
  readonly services?: Readonly<Record<string, ResilienceConfig.PatternsInput>>
  readonly options?: ResilientLanguageModel.Options
}

/** Runs a program with the models of the script, the first of which is asked first. */
const withModels = <A, E>(
  { options, script, services = {} }: Setup,
  program: (server: LlmServer.LlmServer) => Effect.Effect<A, E, LanguageModel.LanguageModel | Policy.ResilienceRegistry>
): Effect.Effect<A, E> =>
  Effect.gen(function* () {
    const entries = Object.entries(script) as ReadonlyArray<[Provider, Steps]>
    const server = yield* LlmServer.start(Object.fromEntries(entries.map(([name, steps]) => [both[name][0], steps])))
    const timeouts = Object.fromEntries(
      entries.map(([name, steps]) => [name, { ...fast, ...services[name], timeout: timeoutFor(steps) }])
    )
    const [first, ...others] = entries.map(([name]) => both[name][1](both[name][0], server))
    return yield* Effect.provide(
      program(server),
      ResilientLanguageModel.layerModels([first!, ...others], options).pipe(
        Layer.provideMerge(Resilience.layer({ services: { ...services, ...timeouts } })),
        Layer.provide(NodeHttpClient.layerUndici)
      )
    )
  }).pipe(Effect.scoped)

const text = Effect.map(LanguageModel.generateText({ prompt: "Hi" }), ({ text }) => text)
const stream = LanguageModel.streamText({ prompt: "Hi" })
const tokens = Stream.runFold(
  stream,
  () => "",
  (all, part) => (part.type === "text-delta" ? all + part.delta : all)
)

/** What came before it failed, and how it failed. */
const broken = Effect.gen(function* () {
  let got = ""
  const error = yield* Stream.runForEach(stream, (part) =>
    Effect.sync(() => {
      if (part.type === "text-delta") got += part.delta
    })
  ).pipe(Effect.flip)
  return { got, error }
})

const reasonOf = (error: unknown) => (AiError.isAiError(error) ? error.reason._tag : error)
const snapshotOf = <I extends Policy.Instance, O>(kind: Policy.Kind<I, O>, provider: Provider) =>
  Effect.flatMap(Policy.instanceOf(kind, provider), (instance) =>
    Policy.snapshot(
      instance as unknown as { readonly snapshot: (now: number) => ReturnType<I["snapshot"]> & Policy.Snapshot }
    )
  )
const breakerOf = (provider: Provider) => snapshotOf(CircuitBreaker.Kind, provider)

for (const provider of ["anthropic", "openai"] as const) {
  const [model] = both[provider]
  const one = (...steps: Steps) => ({ script: { [provider]: steps } })
  describe(`a model of ${provider}`, () => {
    for (const [how, ask] of [
      ["whole", text],
      ["streamed", tokens]
    ] as const) {
      it.live(`answers, ${how}`, () =>
        withModels(one({ tokens: ["Hel", "lo", "!"] }), (server) =>
          Effect.gen(function* () {
            expect(yield* ask).toBe("Hello!")
            expect(server.asked()).toEqual([model])
            expect((yield* breakerOf(provider)).successes).toBe(1)
          })
        )
      )

      it.live.each(["overloaded", "internal", "rate limited", "reset", "hang"] as const)(
        `is asked again after: %s, ${how}`,
        (step) =>
          withModels(one(step, step, hello), (server) =>
            Effect.gen(function* () {
              expect(yield* ask).toBe("Hello!")
              expect(server.asked().length).toBe(3)
              const { failures, successes } = yield* breakerOf(provider)
              expect([failures, successes]).toEqual([2, 1])
            })
          )
      )

      it.live.each([
        ["bad request", "InvalidRequestError"],
        ["unauthorized", "AuthenticationError"],
        ["no such model", "InvalidRequestError"],
        ["out of quota", "QuotaExhaustedError"]
      ] as const)(`is not asked again after: %s, ${how}`, ([step, reason]) =>
        withModels(one(step, hello), (server) =>
          Effect.gen(function* () {
            const error = yield* Effect.flip(ask)
            expect(reasonOf(error)).toBe(reason)
            expect(server.asked().length).toBe(1)
          })
        )
      )

      it.live(`is tried longer when it is overloaded than when it fails, ${how}`, () =>
        withModels({ ...one("overloaded"), services: { [provider]: { circuitBreaker: false } } }, (server) =>
          Effect.gen(function* () {
            yield* Effect.flip(ask)
            // OpenAI has a mere 503 for it.
            expect(server.asked().length).toBe(provider === "anthropic" ? 6 : 3)
          })
        )
      )

      it.live(`that hangs costs the caller the time limit, ${how}`, () =>
        withModels({ ...one("hang"), services: { [provider]: { retry: { maxAttempts: 1 } } } }, (server) =>
          Effect.gen(function* () {
            const error = yield* Effect.flip(ask)
            const rejection = ResilientLanguageModel.rejectionOf(error)
            expect(rejection).toBeInstanceOf(Timeout.TimeoutExceededError)
            expect((rejection as Timeout.TimeoutExceededError).scope).toBe(
              how === "whole" ? "attempt" : "first element"
            )
            expect(ResilienceError.hasTraits(error)).toBe(true)
            yield* Effect.sleep("50 millis")
            expect(server.open()).toBe(0)
          })
        )
      )

      it.live(`is left alone once its circuit has opened, ${how}`, () =>
        withModels(
          { ...one("internal"), services: { [provider]: { circuitBreaker: { consecutiveFailures: 2 } } } },
          (server) =>
            Effect.gen(function* () {
              yield* Effect.flip(ask)
              const error = yield* Effect.flip(ask)
              expect(ResilientLanguageModel.rejectionOf(error)).toBeInstanceOf(CircuitBreaker.CircuitBreakerOpenError)
              expect(AiError.isAiError(error) && error.retryAfter !== undefined).toBe(true)
              expect(server.asked().length).toBe(2)
            })
        )
      )
    }

    it.live("its mistaken requests do not open its circuit", () =>
      withModels(one("bad request"), () =>
        Effect.gen(function* () {
          for (let time = 0; time < 10; time++) yield* Effect.flip(text)
          const { failures, ignored, state } = yield* breakerOf(provider)
          expect([failures, ignored, state]).toEqual([0, 10, "Closed"])
        })
      )
    )

    it.live.each(["hang", "truncate", "error"] as const)(
      "whose stream comes to grief before the first token starts again: %s",
      (kind) =>
        withModels(one({ ...hello, accident: { kind, after: 0 } }, hello), (server) =>
          Effect.gen(function* () {
            expect(yield* tokens).toBe("Hello!")
            expect(server.asked().length).toBe(2)
          })
        )
    )

    it.live.each([
      ["hang", "idle"],
      ["truncate", "NetworkError"],
      ["error", "InternalProviderError"]
    ] as const)("whose stream comes to grief after it does not start again: %s", ([kind, how]) =>
      withModels(one({ ...hello, accident: { kind, after: 2 } }, hello), (server) =>
        Effect.gen(function* () {
          const { error, got } = yield* broken
          expect([got, server.asked().length]).toEqual(["Hello", 1])
          const rejection = ResilientLanguageModel.rejectionOf(error)
          expect(rejection === undefined ? reasonOf(error) : (rejection as Timeout.TimeoutExceededError).scope).toBe(
            how
          )
          expect((yield* breakerOf(provider)).failures).toBe(1)
          expect((yield* snapshotOf(Bulkhead.Kind, provider)).active).toBe(0)
        })
      )
    )

    it.live("that answers no JSON is wrong as a whole, and cut off as a stream", () =>
      Effect.gen(function* () {
        expect(reasonOf(yield* withModels(one("garbage", hello), () => Effect.flip(text)))).toBe("InvalidResponseError")
        expect(yield* withModels(one("garbage", hello), () => tokens)).toBe("Hello!")
      })
    )

    it.live("whose whole answer breaks off is asked again", () =>
      withModels(one({ ...hello, accident: { kind: "truncate", after: 1 } }, hello), (server) =>
        Effect.gen(function* () {
          expect(yield* text).toBe("Hello!")
          expect(server.asked().length).toBe(2)
        })
      )
    )

    it.live("holds a permit as long as its stream lives, and gives it back when nobody reads on", () =>
      withModels(one({ ...hello, accident: { kind: "hang", after: 2 } }), (server) =>
        Effect.gen(function* () {
          let active = -1
          yield* stream.pipe(
            Stream.filter((part) => part.type === "text-delta"),
            Stream.tap(() =>
              Effect.map(snapshotOf(Bulkhead.Kind, provider), (bulkhead) => {
                active = bulkhead.active
              })
            ),
            Stream.take(2),
            Stream.runDrain
          )
          expect(active).toBe(1)
          expect((yield* snapshotOf(Bulkhead.Kind, provider)).active).toBe(0)
          expect((yield* breakerOf(provider)).failures).toBe(0)
          yield* Effect.sleep("50 millis")
          expect(server.open()).toBe(0)
        })
      )
    )
  })
}

describe("several models", () => {
  const once = { anthropic: { retry: { maxAttempts: 1 } } } as const
  for (const [how, ask] of [
    ["whole", text],
    ["streamed", tokens]
  ] as const) {
    it.live.each([
      "overloaded",
      "internal",
      "rate limited",
      "out of quota",
      "unauthorized",
      "no such model",
      "reset",
      "hang"
    ] as const)(`the second answers when the first does not: %s, ${how}`, (step) =>
      withModels({ script: { anthropic: [step], openai: [hello] }, services: once }, (server) =>
        Effect.gen(function* () {
          expect(yield* ask).toBe("Hello!")
          expect(server.asked().filter((name) => name === GPT).length).toBe(1)
          const { failures, successes } = yield* breakerOf("openai")
          expect([failures, successes]).toEqual([0, 1])
        })
      )
    )

    it.live(`each has its own retries, ${how}`, () =>
      withModels({ script: { anthropic: ["internal"], openai: ["internal", "internal", hello] } }, (server) =>
        Effect.gen(function* () {
          expect(yield* ask).toBe("Hello!")
          expect(server.asked()).toEqual([CLAUDE, CLAUDE, CLAUDE, GPT, GPT, GPT])
        })
      )
    )

    it.live(`none answers: the error is that of the last, ${how}`, () =>
      withModels({ script: { anthropic: ["internal"], openai: ["out of quota"] } }, () =>
        Effect.gen(function* () {
          expect(reasonOf(yield* Effect.flip(ask))).toBe("QuotaExhaustedError")
        })
      )
    )

    it.live(`all together have one deadline, ${how}`, () =>
      withModels(
        { script: { anthropic: ["hang"], openai: ["hang"] }, services: { llm: { deadline: "400 millis" } } },
        (server) =>
          Effect.gen(function* () {
            const rejection = ResilientLanguageModel.rejectionOf(yield* Effect.flip(ask))
            expect((rejection as Timeout.TimeoutExceededError).scope).toBe("total")
            yield* Effect.sleep("50 millis")
            expect(server.open()).toBe(0)
          })
      )
    )

    it.live(`who answered is told, ${how}`, () =>
      withModels({ script: { anthropic: ["out of quota"], openai: [hello] } }, () =>
        Effect.gen(function* () {
          const recorded = RecordedEvents.make()
          const attributes: Record<string, unknown> = {}
          const tracer = Tracer.make({
            span: (options) => {
              const span = new Tracer.NativeSpan(options)
              const attribute = span.attribute.bind(span)
              span.attribute = (key, value) => {
                if (options.name === "caller") attributes[key] = value
                attribute(key, value)
              }
              return span
            }
          })
          yield* ask.pipe(Effect.withSpan("caller"), Effect.withTracer(tracer), recorded.record)
          expect(attributes).toMatchObject({ "resilience.model.provider": "openai", "resilience.model.name": GPT })
          const used = recorded.events().filter(({ _tag }) => _tag === "FallbackUsed")
          expect(used.map(({ attributes, service }) => ({ service, ...attributes }))).toEqual([
            { service: "llm", fallback_type: "model", provider: "openai", model: GPT, exception_type: "AiError" }
          ])
        })
      )
    )
  }

  it.live("the second answers when the first one breaks off before its first token, and not after it", () =>
    Effect.gen(function* () {
      const early = { ...hello, accident: { kind: "error", after: 0 } } as const
      expect(yield* withModels({ script: { anthropic: [early], openai: [hello] } }, () => tokens)).toBe("Hello!")
      const late = { ...hello, accident: { kind: "error", after: 1 } } as const
      const { got } = yield* withModels({ script: { anthropic: [late], openai: [hello] } }, () => broken)
      expect(got).toBe("Hel")
    })
  )

  it.live("the next one is asked only when that is wanted", () =>
    withModels({ script: { anthropic: ["out of quota"], openai: [hello] }, options: { when: () => false } }, (server) =>
      Effect.gen(function* () {
        expect(reasonOf(yield* Effect.flip(text))).toBe("QuotaExhaustedError")
        expect(server.asked()).toEqual([CLAUDE])
      })
    )
  )

  it.live("objects come from the second, too, and conversations go on", () =>
    withModels({ script: { anthropic: ["internal"], openai: [{ tokens: ['{"answer":', "42}"] }] } }, () =>
      Effect.gen(function* () {
        const schema = Schema.Struct({ answer: Schema.Number })
        const { value } = yield* LanguageModel.generateObject({ prompt: "Hi", schema })
        expect(value).toEqual({ answer: 42 })
        const chat = yield* Chat.empty
        expect((yield* chat.generateText({ prompt: "Hi" })).text).toBe('{"answer":42}')
      })
    )
  )

  it.live("an answer of the wrong form is asked for again and opens no circuit", () =>
    withModels({ script: { anthropic: [{ tokens: ["no object"] }, { tokens: ['{"answer":42}'] }] } }, (server) =>
      Effect.gen(function* () {
        const schema = Schema.Struct({ answer: Schema.Number })
        const { value } = yield* LanguageModel.generateObject({ prompt: "Hi", schema })
        expect([value, server.asked().length]).toEqual([{ answer: 42 }, 2])
        expect((yield* breakerOf("anthropic")).failures).toBe(0)
      })
    )
  )
})

describe("layer", () => {
  it.live("decorates the model in the context", () =>
    Effect.gen(function* () {
      const server = yield* LlmServer.start({ [CLAUDE]: ["internal", hello] })
      const layer = ResilientLanguageModel.layer().pipe(
        Layer.provide(Models.anthropic(CLAUDE, server)),
        Layer.provide(Resilience.layer({ services: { anthropic: fast } })),
        Layer.provide(NodeHttpClient.layerUndici)
      )
      expect(yield* Effect.provide(text, layer)).toBe("Hello!")
    }).pipe(Effect.scoped)
  )

  it.live("lets everything through where policies are switched off", () =>
    Effect.gen(function* () {
      const server = yield* LlmServer.start({ [CLAUDE]: ["internal", hello] })
      const layer = ResilientLanguageModel.layer().pipe(
        Layer.provide(Models.anthropic(CLAUDE, server)),
        Layer.provide(Resilience.layer({ enabled: false })),
        Layer.provide(NodeHttpClient.layerUndici)
      )
      expect(reasonOf(yield* Effect.flip(Effect.provide(text, layer)))).toBe("InternalProviderError")
      expect(yield* Effect.provide(tokens, layer)).toBe("Hello!")
    }).pipe(Effect.scoped)
  )

  it.live("each model of a provider has a circuit of its own", () =>
    Effect.gen(function* () {
      const server = yield* LlmServer.start({ one: ["internal"], other: [hello] })
      const resilience = Resilience.layer({
        services: {
          anthropic: {
            ...LanguageModelPresets.services.anthropic,
            circuitBreaker: { consecutiveFailures: 1 },
            retry: { maxAttempts: 1 }
          }
        }
      })
      const layer = (model: string) =>
        ResilientLanguageModel.layer().pipe(Layer.provide(Models.anthropic(model, server)))
      yield* Effect.gen(function* () {
        yield* Effect.flip(Effect.provide(text, layer("one")))
        const rejected = yield* Effect.flip(Effect.provide(text, layer("one")))
        expect(ResilientLanguageModel.rejectionOf(rejected)).toBeInstanceOf(CircuitBreaker.CircuitBreakerOpenError)
        expect(yield* Effect.provide(text, layer("other"))).toBe("Hello!")
      }).pipe(Effect.provide(Layer.merge(resilience, NodeHttpClient.layerUndici)))
    }).pipe(Effect.scoped)
  )
})
