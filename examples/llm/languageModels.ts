/**
 * Small models over HTTP, for as long as the provider packages of Effect are not there for its version 4.1: text only, whole
 * and streamed, with the errors as those packages report them.
 */
import { Duration, Effect, Layer, Stream } from "effect"
import { AiError, LanguageModel, Model, type Prompt, type Response } from "effect/ai"
import { Sse } from "effect/encoding"
import { HttpClient, type HttpClientError, HttpClientRequest, type HttpClientResponse } from "effect/http"

type Usage = typeof Response.Usage.Encoded

/** What is different between providers: how they answer, and the events of a streamed answer. */
interface Protocol<Answer, Event> {
  readonly provider: "anthropic" | "openai"
  readonly path: string
  readonly headers: (apiKey: string) => Readonly<Record<string, string>>
  readonly body: (text: string) => object
  readonly textOf: (answer: Answer) => string
  readonly usageOf: (answer: Answer) => Usage
  /** The parts that one event of a stream means; `undefined` for the last one. */
  readonly partsOf: (event: Event) => ReadonlyArray<Response.StreamPartEncoded> | undefined
}

const usage = (input?: number, output?: number): Usage => ({
  inputTokens: { uncached: input, total: input, cacheRead: undefined, cacheWrite: undefined },
  outputTokens: { total: output, text: output, reasoning: undefined }
})

const ID = "0"

interface AnthropicAnswer {
  readonly content: ReadonlyArray<{ readonly text: string }>
  readonly usage: { readonly input_tokens: number; readonly output_tokens: number }
}

type AnthropicEvent =
  | { readonly type: "message_start"; readonly message: { readonly id: string; readonly model: string } }
  | { readonly type: "content_block_start" | "content_block_stop" | "message_stop" | "ping" }
  | { readonly type: "content_block_delta"; readonly delta: { readonly text: string } }
  | { readonly type: "message_delta"; readonly usage: { readonly output_tokens: number } }
  | { readonly type: "error"; readonly error: unknown }

const anthropicProtocol: Protocol<AnthropicAnswer, AnthropicEvent> = {
  provider: "anthropic",
  path: "/v1/messages",
  headers: (apiKey) => ({ "x-api-key": apiKey, "anthropic-version": "2023-06-01" }),
  body: (text) => ({ max_tokens: 1_024, messages: [{ role: "user", content: text }] }),
  textOf: ({ content }) => content.map(({ text }) => text).join(""),
  usageOf: (answer) => usage(answer.usage.input_tokens, answer.usage.output_tokens),
  partsOf: (event) => {
    switch (event.type) {
      case "message_start":
        return [{ type: "response-metadata", id: event.message.id, modelId: event.message.model }]
      case "content_block_start":
        return [{ type: "text-start", id: ID }]
      case "content_block_delta":
        return [{ type: "text-delta", id: ID, delta: event.delta.text }]
      case "content_block_stop":
        return [{ type: "text-end", id: ID }]
      case "message_delta":
        return [
          { type: "finish", reason: "stop", usage: usage(undefined, event.usage.output_tokens), response: undefined }
        ]
      case "error":
        return [{ type: "error", error: event.error }]
      case "message_stop":
        return undefined
      default:
        return []
    }
  }
}

interface OpenAiUsage {
  readonly prompt_tokens: number
  readonly completion_tokens: number
}

interface OpenAiAnswer {
  readonly choices: readonly [{ readonly message: { readonly content: string } }]
  readonly usage: OpenAiUsage
}

type OpenAiEvent =
  | "[DONE]"
  | { readonly error: object }
  | {
      readonly error?: undefined
      readonly id: string
      readonly model: string
      readonly choices: ReadonlyArray<{ readonly delta: { readonly role?: string; readonly content?: string } }>
      readonly usage: OpenAiUsage | null
    }

const openAiProtocol: Protocol<OpenAiAnswer, OpenAiEvent> = {
  provider: "openai",
  path: "/v1/chat/completions",
  headers: (apiKey) => ({ authorization: `Bearer ${apiKey}` }),
  body: (text) => ({ messages: [{ role: "user", content: text }], stream_options: { include_usage: true } }),
  textOf: ({ choices }) => choices[0].message.content,
  usageOf: (answer) => usage(answer.usage.prompt_tokens, answer.usage.completion_tokens),
  partsOf: (event) => {
    if (event === "[DONE]") return undefined
    if (event.error !== undefined) return [{ type: "error", error: event.error }]
    const [choice] = event.choices
    if (choice === undefined) {
      const counted = usage(event.usage?.prompt_tokens, event.usage?.completion_tokens)
      return [{ type: "finish", reason: "stop", usage: counted, response: undefined }]
    }
    if (choice.delta.role !== undefined) {
      return [
        { type: "response-metadata", id: event.id, modelId: event.model },
        { type: "text-start", id: ID }
      ]
    }
    if (choice.delta.content !== undefined) return [{ type: "text-delta", id: ID, delta: choice.delta.content }]
    return [{ type: "text-end", id: ID }]
  }
}

/** Where a provider is, and who asks. */
export interface Options {
  readonly url: string
  readonly apiKey?: string
}

/** A model of Anthropic. */
export const anthropic = (model: string, options: Options) => modelOf(anthropicProtocol, model, options)

/** A model of OpenAI. */
export const openAi = (model: string, options: Options) => modelOf(openAiProtocol, model, options)

const modelOf = <Answer, Event>(
  protocol: Protocol<Answer, Event>,
  model: string,
  { apiKey = "secret", url }: Options
) =>
  Model.make(
    protocol.provider,
    model,
    Layer.effect(
      LanguageModel.LanguageModel,
      Effect.gen(function* () {
        const client = yield* HttpClient.HttpClient
        const send = (method: string, prompt: Prompt.Prompt, stream: boolean) =>
          HttpClientRequest.post(`${url}${protocol.path}`).pipe(
            HttpClientRequest.setHeaders(protocol.headers(apiKey)),
            HttpClientRequest.bodyJsonUnsafe({ model, stream, ...protocol.body(textIn(prompt)) }),
            client.execute,
            Effect.mapError(networkError(method)),
            Effect.flatMap((response) =>
              response.status === 200 ? Effect.succeed(response) : refused(method, response)
            )
          )
        return yield* LanguageModel.make({
          generateText: ({ prompt }) =>
            Effect.gen(function* () {
              const response = yield* send("generateText", prompt, false)
              const text = yield* Effect.mapError(response.text, networkError("generateText"))
              const answer = yield* parse<Answer>("generateText", text)
              return [
                { type: "text", text: protocol.textOf(answer) },
                { type: "finish", reason: "stop", usage: protocol.usageOf(answer), response: undefined }
              ]
            }),
          streamText: ({ prompt }) => {
            let isOver = false
            return Stream.unwrap(
              Effect.map(send("streamText", prompt, true), (response) =>
                response.stream.pipe(Stream.mapError(networkError("streamText")), Stream.decodeText())
              )
            ).pipe(
              Stream.pipeThroughChannel(Sse.decode()),
              Stream.mapError((error) => (AiError.isAiError(error) ? error : invalid("streamText", "no event stream"))),
              Stream.mapEffect(({ data }) =>
                data === "[DONE]" ? Effect.succeed(data as Event) : parse<Event>("streamText", data)
              ),
              Stream.takeWhile((event) => !(isOver = protocol.partsOf(event) === undefined)),
              Stream.flatMap((event) => Stream.fromIterable(protocol.partsOf(event) ?? [])),
              // A stream that ends without saying so was cut off.
              Stream.concat(
                Stream.suspend(() =>
                  isOver ? Stream.empty : Stream.fail(cutOff("streamText", `${url}${protocol.path}`))
                )
              )
            )
          }
        })
      })
    )
  )

const textIn = (prompt: Prompt.Prompt): string =>
  prompt.content
    .flatMap(({ content }) =>
      typeof content === "string" ? content : content.map((part) => ("text" in part ? part.text : ""))
    )
    .join("\n")

const fail = (method: string, reason: AiError.AiErrorReason) => AiError.make({ module: "example", method, reason })

const invalid = (method: string, description: string) => fail(method, new AiError.InvalidResponseError({ description }))

const cutOff = (method: string, url: string) =>
  fail(
    method,
    new AiError.NetworkError({ reason: "TransportError", method: "POST", url, description: "the stream was cut off" })
  )

const networkError = (method: string) => (error: HttpClientError.HttpClientError) =>
  error.reason._tag === "TransportError"
    ? fail(method, AiError.NetworkError.fromRequestError(error.reason))
    : cutOff(method, error.request.url)

const parse = <A>(method: string, text: string): Effect.Effect<A, AiError.AiError> =>
  Effect.try({ try: () => JSON.parse(text) as A, catch: () => invalid(method, "no JSON") })

const QUOTA = new Set(["insufficient_quota", "billing_error"])

interface Refused {
  readonly error?: { readonly type?: string; readonly message?: string }
}

const refused = (method: string, response: HttpClientResponse.HttpClientResponse) =>
  Effect.gen(function* () {
    const { headers, status } = response
    const body = yield* Effect.orElseSucceed(response.text, () => "")
    const { error } = yield* Effect.orElseSucceed(parse<Refused>(method, body), (): Refused => ({}))
    const http = { response: { status, headers: { ...headers } }, body }
    if (error?.type !== undefined && QUOTA.has(error.type))
      return yield* Effect.fail(fail(method, new AiError.QuotaExhaustedError({ http })))
    if (status === 429) {
      const seconds = Number(headers["retry-after"])
      const retryAfter = Number.isFinite(seconds) ? Duration.seconds(seconds) : undefined
      return yield* Effect.fail(fail(method, new AiError.RateLimitError({ http, retryAfter })))
    }
    if (status === 404) {
      return yield* Effect.fail(fail(method, new AiError.InvalidRequestError({ http, description: error?.message })))
    }
    const description = error?.message ?? `status ${status}`
    return yield* Effect.fail(fail(method, AiError.reasonFromHttpStatus({ status, http, description })))
  })
