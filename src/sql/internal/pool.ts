import * as Effect from "effect/Effect"
import type { SqlClient } from "effect/sql/SqlClient"
import * as Bulkhead from "../../policy/Bulkhead.ts"
import * as Fields from "../../policy/internal/options.ts"
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
  return multiplex ? connections * Math.max(1, multiplexConcurrency) : connections
}

/** Lowers the limit of a bulkhead that would let more calls in than there are connections; a wrong number of them is a defect. */
export const fitIntoPool = (
  service: string,
  maxConnections: number
): Effect.Effect<void, never, Policy.ResilienceRegistry> =>
  Effect.gen(function* () {
    if (!(maxConnections === Infinity || (Number.isInteger(maxConnections) && maxConnections >= 1))) {
      throw new Error(
        `ResilientSql: maxConnections: expected a whole number of at least 1, got ${Fields.show(maxConnections)}`
      )
    }
    const bulkhead = yield* Policy.instanceOf(Bulkhead.Kind, service)
    if (bulkhead === undefined || (yield* Policy.snapshot(bulkhead)).limit <= maxConnections) return
    yield* Effect.logDebug(
      `effect-resilience: the bulkhead of "${service}" has the size of the pool, ${maxConnections}`
    )
    yield* bulkhead.resize(maxConnections)
  })
