import type { PgClient } from "@effect/sql-pg"
import { Effect, type Layer } from "effect"
import type { SqlClient, SqlError } from "effect/sql"
import { expectTypeOf, it } from "vitest"
import type { Policy } from "../../src/index.ts"
import { ResilientSql } from "../../src/sql/index.ts"

it("a guarded client has the type of the client", () => {
  expectTypeOf(ResilientSql.layer()).toEqualTypeOf<
    Layer.Layer<SqlClient.SqlClient | ResilientSql.Transactions, never, SqlClient.SqlClient | Policy.ResilienceRegistry>
  >()
  const make = (client: PgClient.PgClient) => ResilientSql.make(client)
  expectTypeOf<Effect.Success<ReturnType<typeof make>>["client"]>().toEqualTypeOf<PgClient.PgClient>()
})

it("a transaction keeps the errors of its body, and needs the layer", () => {
  const body: Effect.Effect<number, "poor", SqlClient.SqlClient> = Effect.fail("poor")
  expectTypeOf(ResilientSql.transaction(body)).toEqualTypeOf<
    Effect.Effect<number, "poor" | SqlError.SqlError, SqlClient.SqlClient | ResilientSql.Transactions>
  >()
  // @ts-expect-error -- nobody runs it
  void Effect.runPromise(ResilientSql.transaction(Effect.void))
})

it("saying what may be run twice changes no type", () => {
  const body: Effect.Effect<number, "poor", SqlClient.SqlClient> = Effect.fail("poor")
  expectTypeOf(ResilientSql.repeatable(body)).toEqualTypeOf(body)
  expectTypeOf(ResilientSql.once(body)).toEqualTypeOf(body)
})
