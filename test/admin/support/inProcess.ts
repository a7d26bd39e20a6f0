/**
 * The admin API without a network, for many requests.
 */
import { Effect, Layer, Logger, Option, Redacted } from "effect"
import { HttpRouter, HttpServerRequest } from "effect/http"
import { Admin } from "../../../src/admin/index.ts"
import { Policy, Resilience, type ResilienceConfig } from "../../../src/index.ts"

export const token = Redacted.make("s3cr3t-canary-token")

/** Every request comes from this machine. */
const local = HttpRouter.middleware(
  (effect) =>
    Effect.updateService(effect, HttpServerRequest.HttpServerRequest, (request) =>
      request.modify({ remoteAddress: Option.some("127.0.0.1") })
    ),
  { global: true }
)

/** The handler, and the registry behind it. */
export const start = (
  options: Admin.Options = {},
  services: Readonly<Record<string, ResilienceConfig.PatternsInput>> = { llm: {}, "payment-api": {} },
  forAll: ResilienceConfig.ConfigInput = {}
) => {
  let registry: Policy.ResilienceRegistry["Service"] | undefined
  const Registry = Resilience.layer({ ...forAll, services })
  const Watched = Layer.effectDiscard(Policy.ResilienceRegistry.useSync((found) => void (registry = found)))
  const { dispose, handler } = HttpRouter.toWebHandler(
    Layer.mergeAll(Admin.routes({ token, ...options }), local, Watched).pipe(
      Layer.provide(Registry),
      Layer.provide(Logger.layer([]))
    ),
    { disableLogger: true }
  )
  const ask = (path: string, init: RequestInit = {}): Promise<Response> => {
    const request = new Request("http://localhost/", init)
    request.headers.set("host", request.headers.get("host") ?? "localhost")
    // The constructor of `Request` would tidy the path up.
    Object.defineProperty(request, "url", { value: `http://localhost${path}` })
    return handler(request)
  }
  /** The names of everything that has been made. */
  const instances = (): ReadonlyArray<string> =>
    (registry?.instances() ?? []).map(({ kind, service }) => `${service} ${kind}`).toSorted()
  /** Something that the application does. */
  const run = <A, E>(effect: Effect.Effect<A, E, Policy.ResilienceRegistry>): Promise<A> =>
    Effect.runPromise(Effect.provideService(effect, Policy.ResilienceRegistry, registry!))
  return { ask, dispose, instances, run }
}
