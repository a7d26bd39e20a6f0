/**
 * Effect's `SqlClient` with the policies of a service around every statement and every transaction.
 *
 * **Details**
 *
 * Whatever driver is behind it, types and statements stay as they are, also as fragments of others; a refusal by a policy is
 * a `SqlError` too, with the policy's error as the cause of its reason and its traits. The circuit sees connections and time
 * limits; a server that finds fault with a statement is well.
 *
 * A statement is tried again when it has not been run, or was undone: no connection could be made, a deadlock, a conflict
 * with others. When the connection or the time ran out while it waited for its answer, nobody knows, and then it is
 * repeated only if its text says that it reads, or {@link repeatable} says so. A statement inside of a transaction is never
 * repeated, nor guarded by itself. {@link transaction} repeats the whole; `sql.withTransaction` begins again as long as its
 * body has not started. When a time limit ends it while none of its statements is running, the circuit does not count that.
 *
 * Nobody waits longer than the time limit, even where the driver would: its cleaning up goes on in the background.
 *
 * No more calls run at once than there are connections in the pool: where the bulkhead's limit is higher, it is lowered.
 * With `multiplex`, as many as may share the connections; transactions share none, so say `maxConnections` if there are many.
 *
 * **Gotchas**
 *
 * A time limit is also one for long migrations: give these the client itself. Not guarded are `stream`, the commands on a
 * connection from `reserve` (reserving one is), and whatever a driver adds, as `listen` does: leave room for them in the pool.
 *
 * **Example** (With PostgreSQL)
 *
 * ```ts no-run
 * import { PgClient } from "@effect/sql-pg"
 * import { Effect, Layer, Redacted } from "effect"
 * import { SqlClient } from "effect/sql"
 * import { Resilience } from "effect-resilience"
 * import { ResilientSql } from "effect-resilience/sql"
 *
 * const SqlLive = ResilientSql.layer().pipe(
 *   Layer.provide(PgClient.layer({ url: Redacted.make("postgres://127.0.0.1/shop") })),
 *   Layer.provide(Resilience.layer({ services: { db: { timeout: "2 seconds" } } }))
 * )
 *
 * const move = (amount: number) =>
 *   Effect.gen(function* () {
 *     const sql = yield* SqlClient.SqlClient
 *     yield* sql`UPDATE account SET balance = balance - ${amount} WHERE id = 1`
 *     yield* sql`UPDATE account SET balance = balance + ${amount} WHERE id = 2`
 *   }).pipe(ResilientSql.transaction)
 *
 * export const program = move(10).pipe(Effect.provide(SqlLive))
 * ```
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type * as Policy from "../policy/Policy.ts"
import * as Resilience from "../resilience/Resilience.ts"
import { abandonable } from "./internal/abandon.ts"
import * as Failures from "./internal/failures.ts"
import { guardClient } from "./internal/guardedClient.ts"
import { fitIntoPool, poolSizeOf } from "./internal/pool.ts"
import { asSqlError } from "./internal/refusal.ts"
import { isRead } from "./internal/statements.ts"
import { Attempt, CurrentAttempt } from "./internal/transaction.ts"

/** Runs transactions as wholes. */
export class Transactions extends Context.Service<
  Transactions,
  { readonly run: <A, E, R>(self: Effect.Effect<A, E, R>) => Effect.Effect<A, E | SqlError, R> }
>()("effect-resilience/sql/Transactions") {}

/** What cannot be known from the client. */
export interface Options {
  /** How many connections of the pool are for what is guarded; by default what the client says, if it does. */
  readonly maxConnections?: number | undefined
}

/** Guards whatever `SqlClient` is provided to it with the policies of a service. */
export const layer = (
  service = "db",
  options?: Options
): Layer.Layer<SqlClient | Transactions, never, SqlClient | Policy.ResilienceRegistry> =>
  Layer.effectContext(
    Effect.gen(function* () {
      const { client, transactions } = yield* make(yield* SqlClient, service, options)
      return Context.make(SqlClient, client).pipe(Context.add(Transactions, transactions))
    })
  )

/** Guards one client, of whatever kind. See {@link layer}. */
export const make = <C extends SqlClient>(
  client: C,
  service = "db",
  { maxConnections = poolSizeOf(client) }: Options = {}
): Effect.Effect<
  { readonly client: C; readonly transactions: Transactions["Service"] },
  never,
  Policy.ResilienceRegistry
> =>
  Effect.gen(function* () {
    const pipeline = yield* Resilience.pipeline(service)
    if (pipeline === undefined) return { client, transactions: { run: client.withTransaction } }
    yield* fitIntoPool(service, maxConnections)
    const isInTransaction = (context: Context.Context<never>) =>
      Context.getOrUndefined(context, client.transactionService) !== undefined
    const [once, again] = [false, true].map((isRepeatable) =>
      pipeline.executeWith({
        retry: { classify: (error) => Failures.classify(isRepeatable, error) },
        circuitBreaker: { classify: Failures.judge }
      })
    ) as [typeof pipeline.execute, typeof pipeline.execute]
    const run =
      (isRepeatable: boolean) =>
      <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R> =>
        Effect.withFiber((fiber) => {
          if (isInTransaction(fiber.context)) return client.withTransaction(self)
          let attempt = new Attempt()
          const guard = pipeline.executeWith({
            retry: { classify: (error) => attempt.classify(isRepeatable, error) },
            circuitBreaker: { classify: (exit) => attempt.judge(exit) }
          })
          const attempts = Effect.suspend(() => {
            attempt = new Attempt()
            return attempt.run(client, self)
          })
          return Effect.mapError(guard(attempts), (error) =>
            attempt.isForeign(error) ? (error as E) : asSqlError(error as E | Resilience.Rejections)
          )
        })
    const guarded = guardClient(client, {
      statement: (self, sql) =>
        Effect.withFiber((fiber) => {
          if (isInTransaction(fiber.context)) return fiber.getRef(CurrentAttempt)?.runStatement(self) ?? self
          const guard = (fiber.getRef(SaidRepeatable) ?? isRead(sql())) ? again : once
          return Effect.mapError(guard(abandonable(self)), asSqlError)
        }),
      transaction: run(false),
      reserve: Effect.mapError(again(client.reserve), asSqlError)
    })
    return { client: guarded, transactions: { run: run(true) } }
  })

/**
 * Runs an effect in a transaction, and all of it again when nothing of it has remained: a conflict with others, a deadlock,
 * a connection that was lost before the commit. When nobody knows whether the commit was done, it is not repeated.
 *
 * **Details**
 *
 * Inside of another transaction it is a part of that one, and not repeated by itself. The isolation level is that of
 * `SqlClient.BeginTransaction`.
 *
 * **Gotchas**
 *
 * What the effect does elsewhere, such as sending a mail, is done again too: do that after it, or in `sql.afterCommit`.
 */
export const transaction = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E | SqlError, R | Transactions> =>
  Transactions.use(({ run }) => run(self))

/** Statements in this effect may be run twice. */
export const repeatable = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(self, SaidRepeatable, true)

/** Statements in this effect must not be run twice, though they look as if they only read: they call functions that write. */
export const once = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(self, SaidRepeatable, false)

const SaidRepeatable = Context.Reference<boolean | undefined>("effect-resilience/sql/SaidRepeatable", {
  defaultValue: () => undefined
})
