/**
 * The call to the provider, as any team would write it: post the question, insist on a 2xx, read the answer.
 *
 * Both sides use exactly this code, each with a connection pool of its own, so that the trouble of one side cannot use
 * up the connections of the other.
 */
import * as NodeHttpClient from "@effect/platform-node/NodeHttpClient"
import { Effect, Schema } from "effect"
import type { Scope } from "effect"
import { HttpClient, HttpClientRequest, HttpClientResponse } from "effect/http"
import type { HttpClientError } from "effect/http"
import type { Side } from "./statistics.ts"

const Answer = Schema.Struct({ text: Schema.String })

export interface Provider {
  readonly ask: (question: string) => Effect.Effect<string, HttpClientError.HttpClientError | Schema.SchemaError>
}

/** A client for one address, with its own pool of kept-alive connections. */
export const makeClient = (baseUrl: string): Effect.Effect<HttpClient.HttpClient, never, Scope.Scope> =>
  Effect.gen(function* () {
    const agent = yield* NodeHttpClient.makeAgent({ keepAlive: true })
    const client = yield* Effect.provideService(NodeHttpClient.makeNodeHttp, NodeHttpClient.HttpAgent, agent)
    return HttpClient.mapRequest(client, HttpClientRequest.prependUrl(baseUrl))
  })

export const makeProvider = (baseUrl: string, caller: Side): Effect.Effect<Provider, never, Scope.Scope> =>
  Effect.map(makeClient(baseUrl), (client) => ({
    ask: (question) =>
      HttpClientRequest.post("/v1/messages").pipe(
        HttpClientRequest.setHeader("x-caller", caller),
        HttpClientRequest.bodyJsonUnsafe({ question }),
        client.execute,
        // reading the body, whatever the status, is what gives the connection back to the pool
        Effect.tap((response) => response.text),
        Effect.flatMap(HttpClientResponse.filterStatusOk),
        Effect.flatMap(HttpClientResponse.schemaBodyJson(Answer)),
        Effect.map((answer) => answer.text)
      )
  }))
