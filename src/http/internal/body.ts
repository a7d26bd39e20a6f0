/**
 * What happens to the bodies of responses.
 */
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Stream from "effect/Stream"

type Response = HttpClientResponse.HttpClientResponse

const MOST_BYTES = 64 * 1024
const MOST_TIME = "1 second"
/** For these, the constructor of `Response` takes no body. */
const WITHOUT_BODY: ReadonlySet<number> = new Set([204, 205, 304])
/** A failure, for its constructor refuses the statuses above, though there are servers that send them. */
const HIGHEST_STATUS = 599

/**
 * Frees the connection of a response that nobody will read. Reading a short body to its end is what lets the connection be
 * used again; a long or slow one is given up with its connection.
 */
export const discard = (response: Response): Effect.Effect<void> =>
  Effect.suspend(() => {
    let bytes = 0
    return response.stream.pipe(
      Stream.takeUntil((chunk) => (bytes += chunk.byteLength) > MOST_BYTES),
      Stream.runDrain,
      Effect.timeoutOption(MOST_TIME),
      Effect.ignoreCause
    )
  })

/** Reads the body into memory. That it breaks off is a failure of the transport, like a connection that breaks earlier. */
export const buffer = (response: Response): Effect.Effect<Response, HttpClientError.HttpClientError> =>
  response.status === 101
    ? Effect.succeed(response)
    : response.arrayBuffer.pipe(
        Effect.map((bytes) => inMemory(response, bytes)),
        Effect.mapError(({ cause }) => {
          const { request } = response
          const description = "the body of the response broke off"
          return new HttpClientError.HttpClientError({
            reason: new HttpClientError.TransportError({ request, cause, description })
          })
        })
      )

const inMemory = (response: Response, bytes: ArrayBuffer): Response => {
  const { cookies, headers, remoteAddress, request, status, url } = response
  const body = WITHOUT_BODY.has(status) ? null : bytes
  const of = (value: unknown) => ({ value, enumerable: true })
  const web = new globalThis.Response(body, { status: Math.min(status, HIGHEST_STATUS), headers })
  if (web.status !== status) Object.defineProperty(web, "status", of(status))
  const copy = HttpClientResponse.fromWeb(request, web)
  return Object.create(copy, {
    url: of(url),
    headers: of(headers),
    cookies: of(cookies),
    remoteAddress: of(remoteAddress)
  })
}
