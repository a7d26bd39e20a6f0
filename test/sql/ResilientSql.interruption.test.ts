import { assert, describe, it } from "@effect/vitest"
import { Context, Effect, Layer, type Exit } from "effect"
import { SqlClient } from "effect/sql"
import { Bulkhead, Policy, Resilience } from "../../src/index.ts"
import { ResilientSql } from "../../src/sql/index.ts"
import { type Scenario, sweep } from "../support/sweep.ts"
import * as Fake from "./support/fakeClient.ts"

const config = { services: { db: { retry: { maxAttempts: 1 }, timeout: "1 minute" } } } as const

const yields = (times: number): Effect.Effect<void> => Effect.forEach(Array(times), () => Effect.yieldNow)

interface World {
  readonly sql: SqlClient.SqlClient
  readonly transaction: ResilientSql.Transactions["Service"]["run"]
}

/** A new client whose statements take a few turns, and one call of it. */
const scenario = (call: (world: World) => Effect.Effect<unknown, unknown>): Scenario => {
  const open = { connections: 0 }
  const { asked, client } = Effect.runSync(
    Fake.make(
      () => Effect.as(yields(2), []),
      Effect.asVoid(
        Effect.acquireRelease(
          Effect.sync(() => open.connections++),
          () => Effect.sync(() => open.connections--)
        )
      )
    )
  )
  const context = Effect.runSync(
    Effect.scoped(
      Layer.build(
        ResilientSql.layer().pipe(
          Layer.provide(Layer.succeed(SqlClient.SqlClient, client)),
          Layer.provideMerge(Resilience.layer(config))
        )
      )
    )
  )
  const bulkhead = Context.get(context, Policy.ResilienceRegistry).get(Bulkhead.Kind, "db")!
  const sql = Context.get(context, SqlClient.SqlClient)
  const transaction = Context.get(context, ResilientSql.Transactions).run
  const count = (statement: string) => asked.filter((sql) => sql === statement).length
  return {
    call: call({ sql, transaction }),
    afterwards: (exit: Exit.Exit<unknown, unknown>) =>
      Effect.gen(function* () {
        assert.strictEqual((yield* Policy.snapshot(bulkhead)).active, 0)
        for (let turn = 0; turn < 1_000 && open.connections > 0; turn++) yield* Effect.yieldNow
        assert.strictEqual(open.connections, 0)
        assert.strictEqual(count("BEGIN"), count("COMMIT") + count("ROLLBACK"))
        if (exit._tag === "Success") assert.strictEqual(count("ROLLBACK"), 0)
      })
  }
}

const calls = {
  statement: ({ sql }: World) => sql`SELECT 1`,
  transaction: ({ sql, transaction }: World) => transaction(Effect.andThen(sql`SELECT 1`, sql`SELECT 2`)),
  "sql.withTransaction": ({ sql }: World) => sql.withTransaction(Effect.andThen(sql`SELECT 1`, sql`SELECT 2`))
}

describe("interrupted at any operation, it gives back what it holds, and what was begun is ended", () => {
  for (const [name, call] of Object.entries(calls)) {
    for (const maxOperationsBeforeYield of [2_048, 3]) {
      it.live(`${name}, yielding after ${maxOperationsBeforeYield} operations`, () =>
        Effect.gen(function* () {
          const { interrupted, runs } = yield* sweep(() => scenario(call), { maxOperationsBeforeYield })
          assert.isAbove(interrupted, 20)
          assert.isAbove(runs, interrupted)
        })
      )
    }
  }
})
