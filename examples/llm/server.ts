/**
 * A server that speaks the wire formats of Anthropic (`POST /v1/messages`) and OpenAI (`POST /v1/chat/completions`), whole
 * and streamed, and misbehaves in every way that the real ones do.
 */
import { Effect, type Scope } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { anthropic } from "./wireAnthropic.ts"
import { openAi } from "./wireOpenAi.ts"

/** What the server refuses a request for. */
export type Refusal =
  | "bad request"
  | "unauthorized"
  | "no such model"
  | "rate limited"
  | "out of quota"
  | "internal"
  | "overloaded"

/** How an answer goes. Without an accident, it goes well. */
export interface Answer {
  readonly tokens: ReadonlyArray<string>
  /** What happens after so many tokens: the stream hangs, the connection breaks, or an error is told in the stream. */
  readonly accident?: { readonly kind: "hang" | "truncate" | "error"; readonly after: number } | undefined
}

/** What happens to one request; "hang" sends not even headers, "reset" closes the connection, "garbage" is no JSON. */
export type Step = Refusal | Answer | "hang" | "reset" | "garbage"

/** One event of a stream, as it goes over the wire. */
export type Frame = string

/** How a provider says things. */
export interface WireFormat {
  readonly path: string
  readonly refuse: (refusal: Refusal) => {
    readonly status: number
    readonly headers: Readonly<Record<string, string>>
    readonly body: object
  }
  readonly whole: (model: string, text: string) => object
  /** The events before the first token, for each token, of a failure in the middle, and at the end. */
  readonly begin: (model: string) => ReadonlyArray<Frame>
  readonly token: (model: string, token: string) => Frame
  readonly error: Frame
  readonly end: (model: string, tokens: number) => ReadonlyArray<Frame>
}

/** A running server. */
export interface LlmServer {
  readonly url: string
  /** The models that were asked, in the order of the requests. */
  readonly asked: () => ReadonlyArray<string>
  /** Connections with a request that has not been answered to its end. */
  readonly open: () => number
}

const formats: ReadonlyArray<WireFormat> = [anthropic, openAi]

/**
 * Starts a server, which ends with the scope. The script says what happens to the requests for each model, in their order;
 * its last step happens again and again.
 */
export const start = (
  script: Readonly<Record<string, readonly [Step, ...ReadonlyArray<Step>]>>
): Effect.Effect<LlmServer, never, Scope.Scope> =>
  Effect.map(
    Effect.acquireRelease(
      Effect.callback<{ readonly server: LlmServer; readonly close: () => void }>((resume) => {
        const asked: Array<string> = []
        let open = 0
        const server = createServer((request, response) => {
          open++
          response.once("close", () => open--)
          void answer(request, response, (model) => {
            const steps = script[model] ?? (["no such model"] as const)
            const count = asked.filter((other) => other === model).length
            asked.push(model)
            return steps[Math.min(count, steps.length - 1)]!
          })
        })
        server.listen(0, "127.0.0.1", () => {
          const { port } = server.address() as AddressInfo
          const close = () => {
            server.closeAllConnections()
            server.close()
          }
          const running = { url: `http://127.0.0.1:${port}`, asked: () => asked, open: () => open }
          resume(Effect.succeed({ server: running, close }))
        })
      }),
      ({ close }) => Effect.sync(close)
    ),
    ({ server }) => server
  )

const answer = async (
  request: IncomingMessage,
  response: ServerResponse,
  next: (model: string) => Step
): Promise<void> => {
  const format = formats.find(({ path }) => path === request.url)
  if (format === undefined) return void response.writeHead(404).end()
  const chunks: Array<Buffer> = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  const { model, stream = false } = JSON.parse(Buffer.concat(chunks).toString()) as { model: string; stream?: boolean }
  const step = next(model)
  if (step === "hang") return
  if (step === "reset") return void request.socket.destroy()
  if (step === "garbage") return void response.writeHead(200, JSON_TYPE).end("<html>not JSON</html>")
  if (typeof step === "string") {
    const { body, headers, status } = format.refuse(step)
    return void response.writeHead(status, { ...JSON_TYPE, ...headers }).end(JSON.stringify(body))
  }
  if (stream) return sendStream(response, format, model, step)
  if (step.accident?.kind === "hang") return
  const whole = JSON.stringify(format.whole(model, step.tokens.join("")))
  response.writeHead(200, { ...JSON_TYPE, "content-length": String(Buffer.byteLength(whole)) })
  if (step.accident === undefined) return void response.end(whole)
  // A body that is shorter than was promised.
  response.write(whole.slice(0, whole.length / 2), () => response.destroy())
}

const sendStream = async (
  response: ServerResponse,
  format: WireFormat,
  model: string,
  { accident, tokens }: Answer
): Promise<void> => {
  const send = (...frames: ReadonlyArray<Frame>) =>
    new Promise<void>((resolve) => response.write(frames.join(""), () => setImmediate(resolve)))
  response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" })
  await send(...format.begin(model))
  for (const token of tokens.slice(0, accident?.after)) await send(format.token(model, token))
  switch (accident?.kind) {
    case "hang":
      return
    case "truncate":
      return void response.destroy()
    case "error":
      return void response.end(format.error)
    default:
      await send(...format.end(model, tokens.length))
      response.end()
  }
}

const JSON_TYPE = { "content-type": "application/json" }
