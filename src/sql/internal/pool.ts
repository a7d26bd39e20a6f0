import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Bulkhead from "../../policy/Bulkhead.ts"
import * as Policy from "../../policy/Policy.ts"

/** The configuration that `PgClient` has with it. */
interface Config {
  readonly maxConnections?: number
  readonly multiplex?: boolean
  readonly multiplexConcurrency?: number
}

/** How many statements have room in the pool, with the defaults of `PgClient` for what its configuration does not say. */
export const poolSizeOf = (client: SqlClient & { readonly config?: Config }): number => {
  const { maxConnections, multiplex = false, multiplexConcurrency = 32 } = client.config ?? {}
  const connections = maxConnections ?? (client.driver === "pg" ? 10 : Infinity)
  return multiplex ? connections * multiplexConcurrency : connections
}

/** Lowers the limit of a bulkhead that would let more calls in than there are connections. */
export const fitIntoPool = (
  service: string,
  maxConnections: number
): Effect.Effect<void, never, Policy.ResilienceRegistry> =>
  Effect.gen(function* () {
    const bulkhead = yield* Policy.instanceOf(Bulkhead.Kind, service)
    if (bulkhead === undefined || (yield* Policy.snapshot(bulkhead)).limit <= maxConnections) return
    yield* Effect.logDebug(
      `effect-resilience: the bulkhead of "${service}" has the size of the pool, ${maxConnections}`
    )
    yield* bulkhead.resize(maxConnections)
  })
