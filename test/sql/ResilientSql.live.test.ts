import { PgClient } from "@effect/sql-pg"
import { assert, layer } from "@effect/vitest"
import { Cause, Context, Duration, Effect, Exit, Fiber, Layer, Logger, Redacted, Ref, Schedule } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { Bulkhead, CircuitBreaker, Policy, Resilience, Retry } from "../../src/index.ts"
import { ResilientSql } from "../../src/sql/index.ts"
import * as PostgresServer from "../support/postgres.ts"
import { describeWith } from "../support/servers.ts"

const limit = 1_000

const db = {
  deadline: "5 seconds",
  timeout: limit,
  retry: {
    maxAttempts: 10,
    baseDelay: "10 millis",
    maxDelay: "200 millis",
    jitter: "full",
    budget: { minimumPerSecond: 1_000 }
  },
  circuitBreaker: { consecutiveFailures: 1_000 },
  bulkhead: { maxConcurrent: 20 }
} as const

/** A server, an application that is connected to it, and another connection past all policies. */
const start = Effect.fnUntraced(function* (settings: object = {}, pool: Partial<PgClient.PgPoolConfig> = {}) {
  const server = yield* PostgresServer.PostgresServer
  const Client = PgClient.layer({ url: Redacted.make(server.url), maxConnections: 10, ...pool })
  const other = Context.get(yield* Layer.build(Layer.fresh(Client)), SqlClient.SqlClient)
  const context = yield* Layer.build(
    ResilientSql.layer().pipe(
      Layer.provide(Client),
      Layer.provideMerge(Resilience.layer({ services: { db: { ...db, ...settings } } })),
      Layer.provideMerge(Logger.layer([]))
    )
  )
  // A frozen server would keep the pool from closing, and a failed test from ending.
  yield* Effect.addFinalizer(() => server.thaw)
  const registry = Context.get(context, Policy.ResilienceRegistry)
  const read = <I extends Policy.Instance, O>(kind: Policy.Kind<I, O>) =>
    registry.get(kind, "db") ?? assert.fail(`no ${kind.id}`)
  return {
    server,
    other,
    sql: Context.get(context, SqlClient.SqlClient),
    transaction: Context.get(context, ResilientSql.Transactions).run,
    circuit: Policy.snapshot(read(CircuitBreaker.Kind)),
    bulkhead: Policy.snapshot(read(Bulkhead.Kind)),
    retry: Policy.snapshot(read(Retry.Kind))
  }
})

const serializable = Effect.provideService(SqlClient.BeginTransaction, "BEGIN ISOLATION LEVEL SERIALIZABLE")

const repeated = (count: number) => Array.from({ length: count }, (_, index) => index)

const reasonOf = (exit: Exit.Exit<unknown, unknown>): SqlError.SqlErrorReason | undefined => {
  const error = Exit.isFailure(exit) ? Cause.squash(exit.cause) : undefined
  return SqlError.isSqlError(error) ? error.reason : undefined
}

const longest = (calls: ReadonlyArray<readonly [Duration.Duration, unknown]>): number =>
  Math.max(...calls.map(([time]) => Duration.toMillis(time)))

/** Ends the session that runs a statement with this text, from outside. */
const terminate = (other: SqlClient.SqlClient, text: string) =>
  other`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE ${`%${text}%`} AND pid <> pg_backend_pid()`.pipe(
    Effect.repeat({ until: (rows) => rows.length > 0, schedule: Schedule.spaced("20 millis") })
  )

describeWith("postgres")("PostgreSQL", () =>
  layer(PostgresServer.layer, { excludeTestServices: true })((it) => {
    it.effect("conflicts of serializable transactions are repeated until all are done", () =>
      Effect.gen(function* () {
        const { retry, sql, transaction } = yield* start()
        yield* sql`CREATE TABLE counter (n int)`
        yield* sql`INSERT INTO counter VALUES (0)`
        const increment = Effect.gen(function* () {
          const [row] = yield* sql<{ readonly n: number }>`SELECT n FROM counter`
          yield* Effect.sleep("50 millis")
          yield* sql`UPDATE counter SET n = ${(row?.n ?? 0) + 1}`
        })
        const plain = yield* Effect.forEach(
          repeated(6),
          () => Effect.exit(serializable(sql.withTransaction(increment))),
          { concurrency: 3 }
        )
        assert.include(
          plain.map(reasonOf).map((reason) => reason?._tag),
          "SerializationError"
        )
        assert.strictEqual((yield* retry).retries, 0)
        yield* sql`UPDATE counter SET n = 0`
        yield* Effect.forEach(repeated(12), () => serializable(transaction(increment)), { concurrency: 3 })
        assert.deepStrictEqual(yield* sql`SELECT n FROM counter`, [{ n: 12 }])
        assert.isAbove((yield* retry).retries, 0)
      }).pipe(Effect.scoped)
    )

    it.effect("a deadlock ends with both transactions done", () =>
      Effect.gen(function* () {
        const { retry, sql, transaction } = yield* start({ timeout: "10 seconds", deadline: "30 seconds" })
        yield* sql`CREATE TABLE account (id int PRIMARY KEY, n int)`
        yield* sql`INSERT INTO account VALUES (1, 0), (2, 0)`
        const both = (first: number, second: number) =>
          sql`UPDATE account SET n = n + 1 WHERE id = ${first}`.pipe(
            Effect.andThen(Effect.sleep("200 millis")),
            Effect.andThen(sql`UPDATE account SET n = n + 1 WHERE id = ${second}`),
            transaction
          )
        yield* Effect.all([both(1, 2), both(2, 1)], { concurrency: 2 })
        assert.deepStrictEqual(yield* sql`SELECT n FROM account`, [{ n: 2 }, { n: 2 }])
        assert.strictEqual((yield* retry).retries, 1)
      }).pipe(Effect.scoped)
    )

    it.effect("when a session is ended from outside, reads and transactions are repeated, a write is not", () =>
      Effect.gen(function* () {
        const { other, retry, sql, transaction } = yield* start({ timeout: "10 seconds", deadline: "30 seconds" })
        yield* sql`CREATE TABLE line (what text)`
        const ended = <A, E>(self: Effect.Effect<A, E>, text: string) =>
          Effect.map(Effect.all([Effect.exit(self), terminate(other, text)], { concurrency: 2 }), ([exit]) => exit)

        const read = yield* ended(sql`SELECT pg_sleep(1), 'read' AS what`, "'read'")
        assert.isTrue(Exit.isSuccess(read))
        assert.strictEqual((yield* retry).retries, 1)

        const write = yield* ended(sql`INSERT INTO line SELECT 'write' FROM pg_sleep(1)`, "'write'")
        assert.strictEqual(reasonOf(write)?._tag, "ConnectionError")
        assert.strictEqual((yield* retry).retries, 1)

        const body = sql`INSERT INTO line VALUES ('before')`.pipe(
          Effect.andThen(sql`INSERT INTO line SELECT 'within' FROM pg_sleep(1)`)
        )
        const plain = yield* ended(sql.withTransaction(body), "'within'")
        assert.strictEqual(reasonOf(plain)?._tag, "ConnectionError", "the rollback that fails too is no defect")
        assert.strictEqual((yield* retry).retries, 1)
        const whole = yield* ended(transaction(body), "'within'")
        assert.isTrue(Exit.isSuccess(whole))
        assert.strictEqual((yield* retry).retries, 2)
        assert.deepStrictEqual(yield* sql`SELECT what FROM line`, [{ what: "before" }, { what: "within" }])
      }).pipe(Effect.scoped)
    )

    it.effect("no transaction is lost or done twice, however often the server is killed under load", () =>
      Effect.gen(function* () {
        const { bulkhead, retry, server, sql, transaction } = yield* start()
        yield* sql`CREATE TABLE entry (id int, half int)`
        const ids = yield* Ref.make(0)
        const confirmed = new Set<number>()
        const one = Effect.gen(function* () {
          const id = yield* Ref.updateAndGet(ids, (id) => id + 1)
          const exit = yield* sql`INSERT INTO entry VALUES (${id}, 1)`.pipe(
            Effect.andThen(sql`INSERT INTO entry VALUES (${id}, 2)`),
            transaction,
            Effect.exit
          )
          if (Exit.isSuccess(exit)) confirmed.add(id)
          else {
            assert.isDefined(reasonOf(exit), "it fails with an error of the client")
            yield* Effect.sleep("20 millis")
          }
        })
        const load = yield* Effect.forkChild(
          Effect.forEach(repeated(8), () => Effect.forever(one), { concurrency: "unbounded" })
        )
        for (let round = 0; round < 2; round++) {
          yield* Effect.sleep("500 millis")
          yield* server.kill
          yield* Effect.sleep("50 millis")
          yield* server.start
        }
        yield* Effect.sleep("500 millis")
        assert.isUndefined(load.pollUnsafe())
        yield* Fiber.interrupt(load)
        yield* Effect.sleep("200 millis")
        const rows = yield* sql<{ readonly id: number; readonly n: number }>`
        SELECT id, count(*)::int AS n FROM entry GROUP BY id`
        assert.deepStrictEqual(
          rows.filter(({ n }) => n !== 2),
          [],
          "all or nothing, and once"
        )
        const found = new Set(rows.map(({ id }) => id))
        assert.deepStrictEqual(
          [...confirmed].filter((id) => !found.has(id)),
          [],
          "what was confirmed is there"
        )
        assert.isAbove(confirmed.size, 100)
        assert.isAbove((yield* retry).retries, 0)
        assert.strictEqual((yield* bulkhead).active, 0)
      }).pipe(Effect.scoped)
    )

    it.effect("nobody waits for a frozen server longer than the limit, not even with a commit on its way", () =>
      Effect.gen(function* () {
        const { bulkhead, circuit, server, sql, transaction } = yield* start({
          timeout: "300 millis",
          deadline: "2 seconds",
          circuitBreaker: { consecutiveFailures: 3, openDuration: "2500 millis" },
          retry: { maxAttempts: 1 }
        })
        yield* sql`CREATE TABLE mark (what text)`
        const committing = sql`INSERT INTO mark VALUES ('frozen')`.pipe(Effect.andThen(server.freeze), transaction)
        for (const self of [committing, sql`SELECT 1`, sql.withTransaction(sql`SELECT 1`)]) {
          const [time, exit] = yield* Effect.timed(Effect.exit(self as Effect.Effect<unknown, SqlError.SqlError>))
          assert.strictEqual(reasonOf(exit)?._tag, "StatementTimeoutError")
          assert.isBelow(Duration.toMillis(time), 2_000)
        }
        assert.strictEqual((yield* circuit).state, "Open")
        const [time, rejected] = yield* Effect.timed(Effect.exit(sql`SELECT 1`))
        assert.isBelow(Duration.toMillis(time), 200)
        assert.instanceOf(reasonOf(rejected)?.cause, CircuitBreaker.CircuitBreakerOpenError)
        yield* server.thaw
        yield* Effect.exit(sql`SELECT 1`).pipe(
          Effect.andThen(circuit),
          Effect.repeat({ until: ({ state }) => state === "Closed", schedule: Schedule.spaced("50 millis") }),
          Effect.timeout("20 seconds")
        )
        assert.strictEqual((yield* bulkhead).active, 0)
        assert.strictEqual((yield* sql`SELECT what FROM mark`).length, 1, "a commit that nobody waited for was done")
      }).pipe(Effect.scoped)
    )

    it.effect("a load beyond the pool is turned away, where it would wait without an end", () =>
      Effect.gen(function* () {
        const { bulkhead, other, sql } = yield* start(
          {
            bulkhead: { maxConcurrent: 20, maxQueue: 3, queueTimeout: "10 seconds" },
            retry: { maxAttempts: 1 },
            timeout: "10 seconds",
            deadline: "30 seconds"
          },
          { maxConnections: 3 }
        )
        assert.strictEqual((yield* bulkhead).limit, 3)
        const load = (client: SqlClient.SqlClient) =>
          Effect.forEach(repeated(40), () => Effect.timed(Effect.exit(client`SELECT pg_sleep(0.2)`)), {
            concurrency: "unbounded"
          })
        yield* Effect.forEach(repeated(3), () => Effect.all([sql`SELECT 1`, other`SELECT 1`], { concurrency: 2 }), {
          concurrency: 3
        })

        const without = yield* load(other)
        assert.isAbove(longest(without), 2_000)

        const within = yield* load(sql)
        assert.isBelow(longest(within), longest(without) / 2)
        const done = within.filter(([, exit]) => Exit.isSuccess(exit))
        assert.strictEqual(done.length, 6)
        const rejected = within.filter(([, exit]) => reasonOf(exit)?.cause instanceof Bulkhead.BulkheadRejectedError)
        assert.strictEqual(rejected.length, 34)
        assert.strictEqual((yield* bulkhead).active, 0)
      }).pipe(Effect.scoped)
    )
  })
)
