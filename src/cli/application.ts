/**
 * The running application: where it is, and what goes wrong on the way there.
 */
import * as Flag from "effect/cli/Flag"
import * as GlobalFlag from "effect/cli/GlobalFlag"
import * as Config from "effect/Config"
import * as Duration from "effect/Duration"
import * as Effect from "effect/Effect"
import * as HttpClientError from "effect/http/HttpClientError"
import * as Option from "effect/Option"
import * as Redacted from "effect/Redacted"
import * as Api from "../admin/Api.ts"
import { Failure } from "./internal/Failure.ts"

const URL_VARIABLE = Config.String("RESILIENCE_ADMIN_URL")

/** Where the application is, if somebody said so. */
export const Url = GlobalFlag.Setting("url")({
  flag: Flag.String("url").pipe(
    Flag.withFallbackConfig(URL_VARIABLE),
    Flag.optional,
    Flag.withDescription("The address of the application's admin API (or RESILIENCE_ADMIN_URL)")
  )
})

/** What the application knows its operators by. */
export const Token = GlobalFlag.Setting("token")({
  flag: Flag.Redacted("token").pipe(
    Flag.withFallbackConfig(Config.Redacted("RESILIENCE_ADMIN_TOKEN")),
    Flag.optional,
    Flag.withDescription("The operators' token (better in RESILIENCE_ADMIN_TOKEN, where no list of processes shows it)")
  )
})

const DEFAULT_URL = "http://127.0.0.1:9090"

const ANSWER_TIME = Duration.seconds(10)

/** The address, the default one if nobody said otherwise. It is shown, so it must not hold what only friends should know. */
export const address = Effect.flatMap(Url, (url) => {
  const written = Option.getOrElse(url, () => DEFAULT_URL)
  const full = (written.includes("://") ? written : `http://${written}`).replace(/(?<!\/)\/+$/, "")
  return isAddress(full) ? Effect.succeed(full) : Effect.fail(new Failure({ reason: "usage", problem: NO_ADDRESS }))
})

const isAddress = (text: string): boolean => /^https?:\/\/[^@?#\s\p{Cc}]+$/iu.test(text) && URL.canParse(text)

const NO_ADDRESS = `--url (or RESILIENCE_ADMIN_URL): expected an address such as ${DEFAULT_URL}, without a user, a password or a query`

/** Refuses an address that was written for a command that asks no application; the variable may be there for others. */
export const withoutAddress = (command: string) =>
  Effect.gen(function* () {
    const written = Option.getOrUndefined(yield* Url)
    const fromVariable = Option.getOrUndefined(yield* Effect.option(URL_VARIABLE))
    if (written === undefined || written === fromVariable) return
    const problem = `${command} reads the environment and asks no application: leave --url off`
    return yield* new Failure({ reason: "usage", problem })
  })

/** Asks the application something. It has to answer in time. */
export const ask = <A, E, R>(question: (client: Api.Client) => Effect.Effect<A, E, R>) =>
  Effect.gen(function* () {
    const url = yield* address
    const answer = question(yield* connect(url)).pipe(
      Effect.catchDefect((defect) =>
        defect instanceof URIError
          ? Effect.fail(new Failure({ reason: "refused", problem: NO_NAME }))
          : Effect.die(defect)
      ),
      Effect.timeoutOrElse({
        duration: ANSWER_TIME,
        orElse: () => Effect.fail(unreachable(`${url} does not answer within ${Duration.format(ANSWER_TIME)}`))
      })
    )
    return yield* Effect.mapError(answer, (error) => failureOf(url, error))
  })

/** Half of a character, for example, comes from a server only. */
const NO_NAME = "a service has a name that no address can carry, so that nobody can ask for it"

/** Whether everything is switched off in the application. One of an older version does not say, which is no reason to fail. */
export const isSwitchedOff = ask((client) => client.switches()).pipe(
  Effect.map(({ enabled }) => !enabled),
  Effect.orElseSucceed(() => false)
)

/** A client for the application at an address. */
export const connect = (url: string) =>
  Effect.flatMap(Token, (found) => {
    const token = Option.getOrUndefined(found)
    return token === undefined || SENDABLE.test(Redacted.value(token))
      ? Api.client({ baseUrl: url, token })
      : Effect.fail(new Failure({ reason: "usage", problem: NOT_SENDABLE }))
  })

/** What a header can carry. Who tries all the same gets an error that shows the token. */
const SENDABLE = /^[ -~]*$/

const NOT_SENDABLE = "--token (or RESILIENCE_ADMIN_TOKEN): expected printable ASCII, without line breaks"

/** What to say when the application could not be asked, or does not want to answer. */
export const failureOf = (url: string, error: unknown): Failure => {
  if (error instanceof Failure) return error
  if (isRefusal(error)) {
    const hint = HINTS[error._tag] ?? pathHint(url)
    return new Failure({ reason: "refused", problem: `${error.problem}${hint}`, mayPass: error._tag === BUSY })
  }
  if (!HttpClientError.isHttpClientError(error) || error.response !== undefined) {
    const status = HttpClientError.isHttpClientError(error) ? error.response?.status : undefined
    const answer = status === undefined ? "" : ` (HTTP ${status})`
    return new Failure({
      reason: "refused",
      problem: `${url} does not answer as an admin API of this version does${answer}${pathHint(url)}`,
      mayPass: status !== undefined && status >= 500
    })
  }
  const problem = isCausedBy(error.reason, /^ECONNREFUSED$/)
    ? `nothing listens at ${url}`
    : `${url} cannot be reached (${causeOf(error.reason)})`
  return unreachable(`${problem}: is the application running with Admin.serve? --url tells where it is`)
}

/** Nobody is there. */
export const unreachable = (problem: string): Failure => new Failure({ reason: "unreachable", problem, mayPass: true })

/** The paths of the API begin with "/resilience" anyway. */
const pathHint = (url: string): string =>
  url.endsWith("/resilience") ? ' (leave "/resilience" off the address: it is added)' : ""

const HINTS: Readonly<Record<string, string>> = { Unauthorized: " (--token, or RESILIENCE_ADMIN_TOKEN)" }

/** The refusal of which others are the reason, who may go. */
const BUSY = "TooManyReaders"

/** The refusals of the admin API all say what the problem is. */
const isRefusal = (error: unknown): error is { readonly _tag: string; readonly problem: string } =>
  error instanceof Error && typeof Reflect.get(error, "problem") === "string"

/** Why a connection failed is in the cause, or in the cause of the cause. */
const causesOf = (error: Error): ReadonlyArray<Error> => [
  error,
  ...(error.cause instanceof Error ? causesOf(error.cause) : [])
]

const isCausedBy = (error: Error, code: RegExp): boolean =>
  causesOf(error).some((cause) => code.test(String(Reflect.get(cause, "code"))))

/** What OpenSSL says of a server that speaks something else is for those who know its source. */
const causeOf = (error: Error): string =>
  isCausedBy(error, /^(?:EPROTO$|ERR_SSL_)/)
    ? "it does not speak TLS: maybe http:// instead of https://"
    : causesOf(error).at(-1)!.message
