/**
 * OpenFGA and Keycloak on one local server, as far as a check and a login go: their paths, their JSON, their errors. It can
 * be told to misbehave.
 */
import { Effect, type Scope } from "effect"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"

/** How OpenFGA treats its callers. */
export type Mood = "well" | "failing" | "hanging" | "overloaded"

export interface Servers {
  readonly url: string
  /** What OpenFGA does from now on. */
  mood: Mood
  /** How many checks and logins have come. */
  readonly counts: { checks: number; logins: number }
  /** Makes Keycloak and OpenFGA forget all tokens, as a restart does. */
  readonly forgetTokens: () => void
}

export const store = "01ARZ3NDEKTSV4RRFFQ69G5FAV"
export const realm = "example"

/** Who may do what; a tuple is "user relation object". */
const tuples = new Set(["user:anne reader document:budget", "user:anne writer document:budget"])
const relations = new Set(["reader", "writer"])

const answer = (response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) =>
  void response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let body = ""
  for await (const chunk of request) body += String(chunk)
  return body
}

/** Listens until the scope closes. */
export const start: Effect.Effect<Servers, never, Scope.Scope> = Effect.gen(function* () {
  const tokens = new Set<string>()
  const counts = { checks: 0, logins: 0 }

  const login = (body: string, response: ServerResponse): void => {
    counts.logins++
    const form = new URLSearchParams(body)
    if (form.get("grant_type") !== "client_credentials" || form.get("client_secret") !== "secret") {
      return answer(response, 401, {
        error: "unauthorized_client",
        error_description: "Invalid client or Invalid client credentials"
      })
    }
    const access_token = `token-${counts.logins}`
    tokens.add(access_token)
    answer(response, 200, { access_token, expires_in: 300, token_type: "Bearer", "not-before-policy": 0 })
  }

  const check = (body: string, authorization: string | undefined, response: ServerResponse): void => {
    counts.checks++
    if (servers.mood === "hanging") return
    if (servers.mood === "failing") return answer(response, 500, { code: "internal_error", message: "Internal Error" })
    if (servers.mood === "overloaded") {
      return answer(
        response,
        429,
        { code: "rate_limit_exceeded", message: "Rate Limit Exceeded" },
        { "retry-after": "1" }
      )
    }
    if (!tokens.has(authorization?.replace("Bearer ", "") ?? "")) {
      return answer(response, 401, { code: "invalid_bearer_token", message: "invalid bearer token" })
    }
    const { object, relation, user } = (JSON.parse(body) as { tuple_key: Record<string, string> }).tuple_key
    if (!relations.has(relation ?? "")) {
      return answer(response, 400, { code: "validation_error", message: `relation 'document#${relation}' not found` })
    }
    answer(response, 200, { allowed: tuples.has(`${user} ${relation} ${object}`), resolution: "" })
  }

  const server = createServer(async (request, response) => {
    const body = await bodyOf(request)
    switch (request.url) {
      case `/realms/${realm}/protocol/openid-connect/token`:
        return login(body, response)
      case `/stores/${store}/check`:
        return check(body, request.headers.authorization, response)
      default:
        return answer(response, 404, { code: "undefined_endpoint", message: "Not Found" })
    }
  })
  yield* Effect.acquireRelease(
    Effect.callback<void>((resume) => void server.listen(0, "127.0.0.1", () => resume(Effect.void))),
    () =>
      Effect.sync(() => {
        server.closeAllConnections()
        server.close()
      })
  )
  const { port } = server.address() as AddressInfo
  const servers: Servers = { url: `http://127.0.0.1:${port}`, mood: "well", counts, forgetTokens: () => tokens.clear() }
  return servers
})
