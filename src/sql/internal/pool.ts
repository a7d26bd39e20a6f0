import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Bulkhead from "../../policy/Bulkhead.ts"
import * as Policy from "../../policy/Policy.ts"

/** `PgClient` has its configuration with it, but not the default of its pool. */
export const poolSizeOf = (client: SqlClient & { readonly config?: { readonly maxConnections?: number } }): number =>
  client.config?.maxConnections ?? (client.driver === "pg" ? 10 : Infinity)

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
