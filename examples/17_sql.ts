/**
 * Money that is moved around in a real PostgreSQL, by many at once, while the server is killed and started again: conflicts
 * and lost connections are repeated, and no cent is lost.
 */
import { PgClient } from "@effect/sql-pg"
import { Console, Effect, Layer, Redacted, References } from "effect"
import { SqlClient } from "effect/sql"
import { Policy, Resilience, Retry } from "effect-resilience"
import { ResilientSql } from "effect-resilience/sql"
import * as PostgresServer from "../test/support/postgres.ts"
import { isInstalled } from "../test/support/programs.ts"

const SqlLive = (url: string) =>
  ResilientSql.layer().pipe(
    Layer.provide(PgClient.layer({ url: Redacted.make(url), maxConnections: 5 })),
    Layer.provideMerge(
      Resilience.layer({
        services: {
          db: {
            timeout: "2 seconds",
            retry: { maxAttempts: 20, baseDelay: "10 millis", maxDelay: "300 millis", jitter: "full" },
            circuitBreaker: { consecutiveFailures: 20, openDuration: "200 millis" }
          }
        }
      })
    )
  )

const move = (amount: number) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`UPDATE account SET balance = balance - ${amount} WHERE name = 'Ada'`
    yield* sql`UPDATE account SET balance = balance + ${amount} WHERE name = 'Bob'`
  }).pipe(
    ResilientSql.transaction,
    Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL SERIALIZABLE")
  )

const business = (server: PostgresServer.PostgresServer["Service"]) =>
  Effect.gen(function* () {
    const sql = yield* SqlClient.SqlClient
    yield* sql`CREATE TABLE account (name text, balance int)`
    yield* sql`INSERT INTO account VALUES ('Ada', 100), ('Bob', 100)`

    const outage = Effect.andThen(server.kill, server.start)
    const moves = Effect.forEach([1, 2, 3, 4, 5, 6, 7, 8], move, { concurrency: 5 })
    yield* Effect.all([Effect.exit(moves), outage], { concurrency: 2 })
    yield* moves

    const accounts = yield* sql<{ readonly name: string; readonly balance: number }>`SELECT * FROM account`
    const retry = yield* Policy.instanceOf(Retry.Kind, "db")
    const repeated = retry === undefined ? 0 : (yield* Policy.snapshot(retry)).retries
    yield* Console.log(`together they have ${accounts.reduce((sum, { balance }) => sum + balance, 0)}`)
    yield* Console.log(repeated > 0 ? "some attempts had to be repeated" : "nothing had to be repeated")
  })

const program = Effect.gen(function* () {
  const server = yield* PostgresServer.start
  yield* business(server).pipe(Effect.provide(SqlLive(server.url)))
})

if (isInstalled("postgres")) {
  await Effect.runPromise(Effect.scoped(Effect.provideService(program, References.MinimumLogLevel, "Error")))
} else {
  console.log("This example needs a PostgreSQL server. On Debian: apt-get install postgresql")
}
