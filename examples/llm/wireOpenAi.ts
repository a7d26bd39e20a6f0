/**
 * How OpenAI's Chat Completions API says things.
 */
import type { Refusal, WireFormat } from "./server.ts"

const frame = (data: object): string => `data: ${JSON.stringify(data)}\n\n`

const failure = (type: string, code: string | null, message: string) => ({
  error: { message, type, param: null, code }
})

const refusals: Readonly<
  Record<Refusal, readonly [status: number, type: string, code: string | null, message: string]>
> = {
  "bad request": [400, "invalid_request_error", null, "you must provide a model parameter"],
  unauthorized: [401, "invalid_request_error", "invalid_api_key", "Incorrect API key provided"],
  "no such model": [404, "invalid_request_error", "model_not_found", "The model does not exist"],
  "rate limited": [429, "requests", "rate_limit_exceeded", "Rate limit reached for requests per min"],
  "out of quota": [429, "insufficient_quota", "insufficient_quota", "You exceeded your current quota"],
  internal: [500, "server_error", null, "The server had an error while processing your request"],
  overloaded: [503, "server_error", null, "That model is currently overloaded with other requests"]
}

const limits = {
  "retry-after": "1",
  "x-ratelimit-limit-requests": "500",
  "x-ratelimit-remaining-requests": "0",
  "x-ratelimit-reset-requests": "1s",
  "x-ratelimit-limit-tokens": "30000",
  "x-ratelimit-remaining-tokens": "29000",
  "x-ratelimit-reset-tokens": "2s"
}

const completion = (object: string, model: string) => ({
  id: "chatcmpl-B9MBs8CjcvOU2jLn4n570S5qMJKcT",
  object,
  created: 1_767_225_600,
  model,
  system_fingerprint: "fp_44709d6fcb"
})

const chunk = (model: string, delta: object, finish_reason: string | null = null): string =>
  frame({
    ...completion("chat.completion.chunk", model),
    choices: [{ index: 0, delta, logprobs: null, finish_reason }],
    usage: null
  })

const usage = (tokens: number) => ({
  prompt_tokens: 12,
  completion_tokens: tokens,
  total_tokens: 12 + tokens,
  prompt_tokens_details: { cached_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0 }
})

export const openAi: WireFormat = {
  path: "/v1/chat/completions",
  refuse: (refusal) => {
    const [status, type, code, text] = refusals[refusal]
    const headers = { "x-request-id": "req_4f3a", ...(refusal === "rate limited" ? limits : {}) }
    return { status, headers, body: failure(type, code, text) }
  },
  whole: (model, content) => ({
    ...completion("chat.completion", model),
    choices: [
      { index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null, finish_reason: "stop" }
    ],
    usage: usage(6)
  }),
  begin: (model) => [chunk(model, { role: "assistant", content: "", refusal: null })],
  token: (model, content) => chunk(model, { content }),
  error: frame(failure("server_error", null, "The server had an error while processing your request")),
  end: (model, tokens) => [
    chunk(model, {}, "stop"),
    frame({ ...completion("chat.completion.chunk", model), choices: [], usage: usage(tokens) }),
    "data: [DONE]\n\n"
  ]
}
