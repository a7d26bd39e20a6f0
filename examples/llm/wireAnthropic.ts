/**
 * How Anthropic's Messages API says things.
 */
import type { Refusal, WireFormat } from "./server.ts"

const frame = (event: { readonly type: string }): string => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`

const failure = (type: string, message: string) => ({
  type: "error",
  error: { type, message },
  request_id: "req_011CSHoEeqs5C35K2UUqR7Fy"
})

const refusals: Readonly<Record<Refusal, readonly [status: number, type: string, message: string]>> = {
  "bad request": [400, "invalid_request_error", "max_tokens: Field required"],
  unauthorized: [401, "authentication_error", "invalid x-api-key"],
  "no such model": [404, "not_found_error", "model: no-such-model"],
  "rate limited": [
    429,
    "rate_limit_error",
    "This request would exceed your organization's rate limit of 50 requests per minute"
  ],
  "out of quota": [402, "billing_error", "Your credit balance is too low to access the Anthropic API"],
  internal: [500, "api_error", "Internal server error"],
  overloaded: [529, "overloaded_error", "Overloaded"]
}

const limits = {
  "retry-after": "1",
  "anthropic-ratelimit-requests-limit": "50",
  "anthropic-ratelimit-requests-remaining": "0",
  "anthropic-ratelimit-requests-reset": "2026-01-01T00:00:01Z",
  "anthropic-ratelimit-tokens-limit": "50000",
  "anthropic-ratelimit-tokens-remaining": "12000",
  "anthropic-ratelimit-tokens-reset": "2026-01-01T00:00:01Z"
}

const message = (model: string) => ({
  id: "msg_01XFDUDYJgAACzvnptvVoYEL",
  type: "message",
  role: "assistant",
  model,
  stop_sequence: null
})

export const anthropic: WireFormat = {
  path: "/v1/messages",
  refuse: (refusal) => {
    const [status, type, text] = refusals[refusal]
    const headers = { "request-id": "req_011CSHoEeqs5C35K2UUqR7Fy", ...(refusal === "rate limited" ? limits : {}) }
    return { status, headers, body: failure(type, text) }
  },
  whole: (model, text) => ({
    ...message(model),
    content: [{ type: "text", text }],
    stop_reason: "end_turn",
    usage: { input_tokens: 12, output_tokens: 6 }
  }),
  begin: (model) => [
    frame({
      type: "message_start",
      message: { ...message(model), content: [], stop_reason: null, usage: { input_tokens: 12, output_tokens: 1 } }
    } as { readonly type: string }),
    frame({ type: "content_block_start", index: 0, content_block: { type: "text", text: "" } } as { type: string }),
    frame({ type: "ping" })
  ],
  token: (_, text) =>
    frame({ type: "content_block_delta", index: 0, delta: { type: "text_delta", text } } as { readonly type: string }),
  error: frame(failure("overloaded_error", "Overloaded")),
  end: (_, tokens) => [
    frame({ type: "content_block_stop", index: 0 } as { readonly type: string }),
    frame({
      type: "message_delta",
      delta: { stop_reason: "end_turn", stop_sequence: null },
      usage: { output_tokens: tokens }
    } as { readonly type: string }),
    frame({ type: "message_stop" })
  ]
}
