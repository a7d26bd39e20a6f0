/**
 * Authorization by OpenFGA: may this user do that? And what to answer when nobody can be asked.
 *
 * A check is critical unless the caller says otherwise. When OpenFGA is out of reach, a critical check is denied and any
 * other is allowed: whether the circuit is open, the attempts ran out, the queue was full or the time was up. A wrong
 * question (an unknown type, a store that is not there) is no outage: it fails, and opens no door. A defect stays one.
 */
import { Context, Effect, Layer, Schema } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import { Classifier, Fallback, Resilience, ResilienceError } from "effect-resilience"
import { Keycloak } from "./keycloak.ts"

/** The name under which it is known to configuration, metrics, log and alerts. */
const service = "openfga"

export interface Question {
  /** "user:anne" */
  readonly user: string
  /** "reader" */
  readonly relation: string
  /** "document:budget" */
  readonly object: string
}

export interface CheckOptions {
  /** Whether a door that should be closed would be worse than one that should be open (default true). */
  readonly critical?: boolean
}

export interface Settings {
  readonly url: string
  readonly store: string
}

const Decision = Schema.Struct({ allowed: Schema.Boolean })

/** Nobody could be asked, on our side or on theirs; anything else is an answer, or a mistake of ours. */
const isOutOfReach = (error: unknown): boolean =>
  ResilienceError.isResilienceError(error) || Classifier.classify(error, 0).kind !== "not-retryable"

const make = Effect.fnUntraced(function* ({ store, url }: Settings) {
  const client = yield* HttpClient.HttpClient
  const keycloak = yield* Keycloak

  const ask = ({ object, relation, user }: Question) =>
    keycloak.withToken((token) =>
      HttpClientRequest.post(`${url}/stores/${store}/check`).pipe(
        HttpClientRequest.bearerToken(token),
        HttpClientRequest.bodyJsonUnsafe({ tuple_key: { user, relation, object } }),
        client.execute,
        Effect.tap((response) => response.text),
        Effect.flatMap(HttpClientResponse.filterStatusOk),
        Effect.flatMap(HttpClientResponse.schemaBodyJson(Decision)),
        Effect.map(({ allowed }) => allowed)
      )
    )

  return {
    check: (question: Question, { critical = true }: CheckOptions = {}) => {
      const options = { service, when: isOutOfReach }
      const answer = ask(question).pipe(Resilience.protect(service))
      return critical ? Fallback.failClosed(answer, options) : Fallback.failOpen(answer, options)
    }
  }
})

/** Asks OpenFGA. */
export class OpenFga extends Context.Service<OpenFga, Effect.Success<ReturnType<typeof make>>>()("example/OpenFga") {
  static readonly layer = (settings: Settings) => Layer.effect(OpenFga, make(settings))
}
