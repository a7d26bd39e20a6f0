/**
 * What is answered where the API has nothing: a path that is not there, or a method that a path does not have.
 */
import * as Effect from "effect/Effect"
import * as HttpRouter from "effect/http/HttpRouter"
import { Api, MethodNotAllowed, NotFound } from "../Api.ts"
import { refuse } from "./Guard.ts"

/** Where the OpenAPI document is. */
export const DOCUMENT = "/resilience/openapi.json"

/** The router takes HEAD for GET where it has no route for it. */
const methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "QUERY"] as const

const endpoints = [
  { method: "GET", path: DOCUMENT },
  ...Object.values(Api.groups.resilience.endpoints).map(({ method, path }) => ({ method, path }))
]

const paths = [...new Set(endpoints.map(({ path }) => path))]

/** Routes for everything under "/resilience" that no endpoint answers. */
export const layer = HttpRouter.addAll(
  methods.map((method) =>
    HttpRouter.route(method, "/resilience/*", (request) => Effect.succeed(answer(method, request.url)))
  )
)

const answer = (method: string, url: string) => {
  const path = url.replace(/[?#].*/s, "")
  const allowed = endpoints.filter((endpoint) => matches(endpoint.path, path)).map((endpoint) => endpoint.method)
  if (allowed.length === 0) {
    return refuse(404, new NotFound({ problem: `there is no "${path}" (known: ${paths.join(", ")})` }))
  }
  // The router gives up on names that are longer than it allows.
  if (allowed.includes(method)) return refuse(404, new NotFound({ problem: "no service has so long a name" }))
  const allow = allowed.join(", ")
  return refuse(405, new MethodNotAllowed({ problem: `${path} has no ${method}, only ${allow}` }), { allow })
}

const matches = (pattern: string, path: string): boolean => {
  const [expected, given] = [pattern.split("/"), path.split("/")]
  return (
    expected.length === given.length &&
    expected.every((segment, index) => segment.startsWith(":") || segment === given[index])
  )
}
