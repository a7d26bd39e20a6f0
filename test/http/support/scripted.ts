import { Effect } from "effect"
import { HttpClient, HttpClientError, type HttpClientRequest, HttpClientResponse } from "effect/http"

/** What a scripted server does with a request. */
export type Step = (
  request: HttpClientRequest.HttpClientRequest
) => Effect.Effect<HttpClientResponse.HttpClientResponse, HttpClientError.HttpClientError>

type Body = string | ReadableStream<Uint8Array> | null

export const respond =
  (status: number, body: Body | (() => Body) = `status ${status}`, headers: Record<string, string> = {}): Step =>
  (request) =>
    Effect.sync(() => {
      const content = typeof body === "function" ? body() : body
      return HttpClientResponse.fromWeb(request, new Response(content, { status, headers }))
    })

/** Fails as Node does, with a code. */
export const breakWith =
  (code: string, syscall?: string): Step =>
  (request) => {
    const socket = Object.assign(new Error(code), { code }, syscall === undefined ? {} : { syscall })
    const cause = new TypeError("fetch failed", { cause: socket })
    return Effect.fail(
      new HttpClientError.HttpClientError({ reason: new HttpClientError.TransportError({ request, cause }) })
    )
  }

export const hang: Step = () => Effect.never

/** A client of a server that does one thing after the other, and the last one for ever. */
export const make = (...steps: ReadonlyArray<Step>) => {
  const requests: Array<HttpClientRequest.HttpClientRequest> = []
  const client = HttpClient.make((request) => {
    requests.push(request)
    return steps[Math.min(requests.length, steps.length) - 1]!(request)
  })
  return { client, requests, headers: (name: string) => requests.map(({ headers }) => headers[name]) }
}

/** A body that is never read to its end by itself; it tells whether somebody let go of it. */
export const endlessBody = () => {
  const state = { cancelled: false, chunks: 0 }
  const stream = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      state.chunks++
      controller.enqueue(new Uint8Array(1024))
    },
    cancel: () => {
      state.cancelled = true
    }
  })
  return { state, stream }
}
