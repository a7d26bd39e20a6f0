/**
 * Who may ask at all: nobody from another site, and only this machine unless names for others are given.
 */
import * as Effect from "effect/Effect"
import * as HttpEffect from "effect/http/HttpEffect"
import * as HttpRouter from "effect/http/HttpRouter"
import * as HttpServerRequest from "effect/http/HttpServerRequest"
import * as HttpServerResponse from "effect/http/HttpServerResponse"
import * as HttpApiBuilder from "effect/http-api/HttpApiBuilder"
import * as HttpApiSecurity from "effect/http-api/HttpApiSecurity"
import * as NetAddress from "effect/net/NetAddress"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Result from "effect/Result"
import { Forbidden, type MethodNotAllowed, NotFound, Unauthorized } from "../Api.ts"
import type { Settings } from "./Settings.ts"
import { isSame } from "./token.ts"

/** A refusal outside of the described API, in its form. */
export const refuse = (
  status: number,
  { _tag, problem }: Forbidden | MethodNotAllowed | NotFound | Unauthorized,
  headers: Readonly<Record<string, string>> = {}
): HttpServerResponse.HttpServerResponse => HttpServerResponse.jsonUnsafe({ _tag, problem }, { status, headers })

/** Whether a credential is the token. */
export const isToken = (credential: Redacted.Redacted, token: Redacted.Redacted): boolean =>
  isSame(Redacted.value(credential), Redacted.value(token))

/** Refuses requests that nobody of this machine, or of the named hosts, has made on purpose; guards the answers. */
export const make = (settings: Settings) =>
  HttpRouter.middleware((effect) =>
    HttpEffect.withPreResponseHandler(
      Effect.gen(function* () {
        const request = yield* HttpServerRequest.HttpServerRequest
        const problem = problemOf(request, settings.hosts)
        if (problem !== undefined) return refuse(403, new Forbidden({ problem }))
        if (!isPlain(request.url)) return refuse(404, new NotFound({ problem: NOT_PLAIN }))
        if (settings.protectReads && !(yield* isOperator(settings))) {
          return refuse(401, new Unauthorized({ problem: "the token is missing or wrong" }))
        }
        return yield* effect
      }),
      (_, response) => Effect.succeed(guarded(response))
    )
  )

const isOperator = ({ token }: Settings) =>
  Effect.map(
    HttpApiBuilder.securityDecode(HttpApiSecurity.bearer),
    (credential) => token !== undefined && isToken(credential, token)
  )

const problemOf = (
  { headers, remoteAddress }: HttpServerRequest.HttpServerRequest,
  hosts: ReadonlyArray<string>
): string | undefined => {
  const host = headers.host?.toLowerCase() ?? ""
  const name = nameOf(host)
  if (!hosts.some((known) => known.toLowerCase() === name)) {
    if (!isLoopback(name)) return `only this machine may ask, and the request is for "${host}"; ${hint}`
    const sender = Option.getOrElse(remoteAddress, () => "")
    if (!isLoopback(sender)) return `only this machine may ask, and the request is from "${sender}"; ${hint}`
  }
  const site = headers["sec-fetch-site"]
  if (site === "cross-site" || site === "same-site") return "the request is from another site"
  const origin = headers.origin?.toLowerCase()
  return origin === undefined || origin === `http://${host}` || origin === `https://${host}`
    ? undefined
    : `the request is from another site, "${origin}"`
}

/**
 * Routers also find "//resilience", "/Resilience" and "/%72esilience". A proxy that keeps people away from "/resilience" may
 * not know them.
 */
const isPlain = (url: string): boolean => /^\/resilience(?:\/[^/?#]+)*\/?(?:[?#]|$)/.test(url)

const NOT_PLAIN = 'expected a path that begins with "/resilience", in these letters, and has no empty parts'

const hint = 'the option "hosts" lists names for others'

/** The name in a Host header, without its port. */
const nameOf = (host: string): string =>
  host
    .replace(/:\d*$/, "")
    .replace(/^\[(.*)\]$/, "$1")
    .replace(/\.$/, "")

const isLoopback = (host: string): boolean => {
  if (host === "localhost" || host.endsWith(".localhost")) return true
  const address = NetAddress.ipFromString(host)
  return Result.isSuccess(address) && NetAddress.isLoopback(NetAddress.toCanonical(address.success))
}

const challenges: Readonly<Record<number, Readonly<Record<string, string>>>> = {
  401: { "www-authenticate": "Bearer" },
  503: { "retry-after": "10" }
}

/** An answer that browsers neither keep, nor guess about, nor show to other sites, whatever the application allows them. */
const guarded = (response: HttpServerResponse.HttpServerResponse): HttpServerResponse.HttpServerResponse =>
  Object.keys(response.headers)
    .filter((name) => name.startsWith("access-control-"))
    .reduce((answer, name) => HttpServerResponse.removeHeader(answer, name), response)
    .pipe(
      HttpServerResponse.setHeaders({
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "cross-origin-resource-policy": "same-origin",
        ...challenges[response.status]
      })
    )
