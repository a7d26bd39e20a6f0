/**
 * Tokens from Keycloak. A call that is refused because its token has expired is made again with a fresh one, once; one that
 * is refused for any other reason is not, for the answer would be the same.
 */
import { Clock, Context, Effect, Layer, Redacted, Schema, Semaphore } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import { Classifier, Resilience } from "effect-resilience"

export interface Settings {
  readonly url: string
  readonly realm: string
  readonly clientId: string
  readonly clientSecret: Redacted.Redacted
}

const Answer = Schema.Struct({ access_token: Schema.String, expires_in: Schema.Number })

interface Token {
  readonly value: Redacted.Redacted
  readonly expiresAt: number
}

/** A token that is about to expire would do so on its way. */
const LEEWAY_MILLIS = 5_000

const isUnauthorized = (error: unknown): boolean => Classifier.statusOf(error) === 401

const make = Effect.fnUntraced(function* ({ clientId, clientSecret, realm, url }: Settings) {
  const client = yield* HttpClient.HttpClient
  const oneAtATime = yield* Semaphore.make(1)
  let current: Token | undefined

  const login = HttpClientRequest.post(`${url}/realms/${realm}/protocol/openid-connect/token`).pipe(
    HttpClientRequest.bodyUrlParams({
      grant_type: "client_credentials",
      client_id: clientId,
      client_secret: Redacted.value(clientSecret)
    }),
    client.execute,
    Effect.tap((response) => response.text),
    Effect.flatMap(HttpClientResponse.filterStatusOk),
    Effect.flatMap(HttpClientResponse.schemaBodyJson(Answer)),
    Resilience.protect("keycloak")
  )

  /** A token other than `refused`. Who comes while another one fetches it waits, and gets the same. */
  const fresh = (refused: Token | undefined) =>
    Effect.gen(function* () {
      const now = yield* Clock.currentTimeMillis
      if (current !== undefined && current !== refused && now < current.expiresAt) return current
      const { access_token, expires_in } = yield* login
      current = { value: Redacted.make(access_token), expiresAt: now + expires_in * 1000 - LEEWAY_MILLIS }
      return current
    }).pipe(oneAtATime.withPermits(1))

  return {
    /** Makes a call with a token; again with a fresh one, if it was refused for its token. */
    withToken: <A, E, R>(call: (token: Redacted.Redacted) => Effect.Effect<A, E, R>) =>
      Effect.flatMap(fresh(undefined), (token) =>
        Effect.catchIf(call(token.value), isUnauthorized, () =>
          Effect.flatMap(fresh(token), ({ value }) => call(value))
        )
      )
  }
})

/** Has tokens. */
export class Keycloak extends Context.Service<Keycloak, Effect.Success<ReturnType<typeof make>>>()("example/Keycloak") {
  static readonly layer = (settings: Settings) => Layer.effect(Keycloak, make(settings))
}
