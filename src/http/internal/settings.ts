/**
 * From the options of a protected client to what its calls need to know.
 */
import * as HttpClientRequest from "effect/http/HttpClientRequest"
import type * as HttpClientResponse from "effect/http/HttpClientResponse"
import * as Option from "effect/Option"
import type { Options, Target } from "../ResilientHttpClient.ts"
import * as Headers from "./headers.ts"
import { isFailure } from "./outcomes.ts"
import { isIdempotent } from "./replay.ts"

/** Options with nothing left open. */
export interface Settings extends Headers.Names {
  readonly target: (request: HttpClientRequest.HttpClientRequest) => Target
  readonly isFailure: (response: HttpClientResponse.HttpClientResponse) => boolean
  readonly isRepeatable: (request: HttpClientRequest.HttpClientRequest) => boolean
  readonly isBuffered: (response: HttpClientResponse.HttpClientResponse) => boolean
}

/** Fills in the defaults. */
export const settingsOf = ({ buffer = false, service = byHost, ...options }: Options = {}): Settings => ({
  target: (request) => {
    const found = typeof service === "string" ? service : service(request)
    return typeof found === "string" ? { service: found } : found
  },
  isFailure: options.isFailure ?? isFailure,
  isRepeatable: options.isRepeatable ?? isIdempotent,
  isBuffered: typeof buffer === "boolean" ? () => buffer : buffer,
  timeoutHeader: options.timeoutHeader ?? Headers.TIMEOUT,
  attemptHeader: options.attemptHeader ?? Headers.ATTEMPT
})

const byHost = (request: HttpClientRequest.HttpClientRequest): Target => ({
  service: "http",
  key: Option.getOrUndefined(Option.map(HttpClientRequest.toUrl(request), ({ host }) => host))
})
