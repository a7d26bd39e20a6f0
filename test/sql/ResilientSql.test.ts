import { assert, describe, it } from "@effect/vitest"
import { Data, Effect, Exit, Fiber, Layer } from "effect"
import { SqlClient, SqlError } from "effect/sql"
import { TestClock } from "effect/testing"
import {
  Bulkhead,
  CircuitBreaker,
  Classifier,
  Policy,
  Resilience,
  ResilienceError,
  Retry,
  Timeout
} from "../../src/index.ts"
import { ResilientSql } from "../../src/sql/index.ts"
import * as Fake from "./support/fakeClient.ts"

const { error } = Fake

const config = {
  services: {
    db: {
      retry: { maxAttempts: 3, baseDelay: "1 millis", jitter: "none" },
      circuitBreaker: { consecutiveFailures: 100 },
      timeout: "1 second"
    }
  }
} as const

/** Runs it with a server that answers in some way, and tells what it was asked. */
const against = Effect.fnUntraced(function* <A, E>(
  answer: Fake.Answer,
  self: Effect.Effect<A, E, SqlClient.SqlClient | ResilientSql.Transactions | Policy.ResilienceRegistry>,
  settings: Parameters<typeof Resilience.layer>[0] = config,
  connect?: Effect.Effect<void, SqlError.SqlError>
) {
  const { asked, client } = yield* Fake.make(answer, connect)
  const live = ResilientSql.layer().pipe(
    Layer.provide(Layer.succeed(SqlClient.SqlClient, client)),
    Layer.provideMerge(Resilience.layer(settings))
  )
  const fiber = yield* Effect.forkChild(Effect.exit(self).pipe(Effect.provide(live)))
  yield* TestClock.adjust("1 minute")
  return { asked, exit: yield* Fiber.join(fiber) }
})

const use = <A, E, R>(f: (sql: SqlClient.SqlClient) => Effect.Effect<A, E, R>) => SqlClient.SqlClient.use(f)

const errorOf = <A, E>(exit: Exit.Exit<A, E>): unknown => {
  const [reason] = Exit.isFailure(exit) ? exit.cause.reasons : []
  return reason?._tag === "Fail" ? reason.error : assert.fail(`not failed: ${String(exit)}`)
}

const always = (failure: SqlError.SqlError) => () => Effect.fail(failure)

/** Fails the first time it is asked something, then no more. */
const onceAt = (sql: string, failure: SqlError.SqlError): Fake.Answer => {
  let isDone = false
  return (asked) => {
    if (isDone || asked !== sql) return undefined
    isDone = true
    return Effect.fail(failure)
  }
}

describe("statements", () => {
  const attempts = (
    statement: Effect.Effect<unknown, SqlError.SqlError, SqlClient.SqlClient>,
    failure: SqlError.SqlError
  ) => Effect.map(against(always(failure), statement), ({ asked }) => asked.length)

  const read = use((sql) => sql`SELECT name FROM person`)
  const write = use((sql) => sql`INSERT INTO person (name) VALUES (${"Ada"})`)

  const lost = error("ConnectionError", "ECONNRESET")
  const table = [
    {
      what: "may have been run",
      failures: [
        lost,
        error("UnknownError", "57P01"),
        error("UnknownError", "57P02"),
        error("ConnectionError", "08007")
      ],
      reads: 3,
      writes: 1
    },
    {
      what: "was undone",
      failures: [
        error("SerializationError", "40001"),
        error("DeadlockError", "40P01"),
        error("LockTimeoutError", "55P03"),
        error("StatementTimeoutError", "57014")
      ],
      reads: 3,
      writes: 3
    },
    {
      what: "was refused for now",
      failures: [error("UnknownError", "53300"), error("UnknownError", "57P03"), error("UnknownError", "25006")],
      reads: 3,
      writes: 3
    },
    {
      what: "cannot be run",
      failures: [
        error("SqlSyntaxError", "42601"),
        error("UniqueViolation", "23505"),
        error("ConstraintError", "23503"),
        error("AuthenticationError", "28P01"),
        error("AuthorizationError", "42501"),
        error("UnknownError", "22012"),
        error("UnknownError")
      ],
      reads: 1,
      writes: 1
    }
  ]
  for (const { failures, reads, what, writes } of table) {
    it.effect(`a read that ${what} is run ${reads} times, a write ${writes} times`, () =>
      Effect.gen(function* () {
        for (const failure of failures) {
          assert.strictEqual(yield* attempts(read, failure), reads, `read: ${failure.message}`)
          assert.strictEqual(yield* attempts(write, failure), writes, `write: ${failure.message}`)
        }
      })
    )
  }

  it.effect("while no connection can be made, a write is tried again", () =>
    Effect.gen(function* () {
      let attempts = 0
      const connect = Effect.suspend(() =>
        ++attempts < 3 ? Effect.fail(error("ConnectionError", "ECONNREFUSED", "connect")) : Effect.void
      )
      const { asked, exit } = yield* against(() => undefined, write, config, connect)
      assert.isTrue(Exit.isSuccess(exit))
      assert.lengthOf(asked, 1)
    })
  )

  it.effect("the text tells whether a statement reads", () =>
    Effect.gen(function* () {
      for (const text of [
        "select 1",
        "  -- why\n /* and how */ (SELECT updated_at FROM deleted)",
        "WITH recent AS (SELECT 1) SELECT * FROM recent;",
        "VALUES (1)",
        "TABLE person",
        "SHOW server_version"
      ])
        assert.strictEqual(
          yield* attempts(
            use((sql) => sql.unsafe(text)),
            lost
          ),
          3,
          text
        )
      for (const text of [
        "WITH gone AS (DELETE FROM person RETURNING *) SELECT * FROM gone",
        "SELECT * INTO copy FROM person",
        "SELECT nextval('numbers')",
        "SELECT pg_advisory_lock(1)",
        "SELECT pg_notify('channel', '')",
        "SELECT 1; DROP TABLE person",
        "SELECT * FROM person FOR UPDATE",
        "EXPLAIN ANALYZE SELECT 1",
        "UPDATE person SET name = ''",
        "CALL clean()",
        "SELECTED"
      ])
        assert.strictEqual(
          yield* attempts(
            use((sql) => sql.unsafe(text)),
            lost
          ),
          1,
          text
        )
    })
  )

  it.effect("the caller may say what the text does not", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* attempts(ResilientSql.repeatable(write), lost), 3)
      assert.strictEqual(yield* attempts(ResilientSql.once(read), lost), 1)
    })
  )

  it.effect("they are parts of others, in all ways", () =>
    Effect.gen(function* () {
      const { asked } = yield* against(
        () => undefined,
        use((sql) => {
          const isAdult = sql`age > ${18}`
          const where = sql.and([isAdult, sql.in("name", ["Ada", "Bob"]), sql`${sql("city")} = ${"Bern"}`])
          return Effect.all([
            sql`SELECT * FROM ${sql("person")} WHERE ${where}`,
            sql`INSERT INTO person ${sql.insert({ name: "Ada", age: 36 })}`,
            sql.unsafe("SELECT ?", [1]),
            sql.safe`SELECT 2`,
            sql.withoutTransforms()`SELECT 3`,
            Effect.sync(() => assert.deepStrictEqual(sql`SELECT ${4}`.compile(), ["SELECT ?", [4]]))
          ])
        })
      )
      assert.deepStrictEqual(asked, [
        'SELECT * FROM "person" WHERE (age > ? AND "name" IN (?,?) AND "city" = ?) [18 Ada Bob Bern]',
        'INSERT INTO person ("name","age") VALUES (?,?) [Ada 36]',
        "SELECT ? [1]",
        "SELECT 2",
        "SELECT 3"
      ])
    })
  )

  for (const way of ["raw", "values", "unprepared", "valuesUnprepared", "withoutTransform"] as const) {
    it.effect(`${way} is guarded`, () =>
      Effect.gen(function* () {
        assert.strictEqual(
          yield* attempts(
            use((sql) => sql`SELECT 1`[way]),
            lost
          ),
          3
        )
      })
    )
  }

  it.effect("so are those of another client that is the copy without transformations", () =>
    Effect.gen(function* () {
      const [plain, transforming] = [yield* Fake.make(always(lost)), yield* Fake.make(() => undefined)]
      const client = Object.assign(transforming.client, { withoutTransforms: () => plain.client })
      const run = Effect.exit(use((sql) => sql.withoutTransforms()`SELECT 1`)).pipe(
        Effect.provide(
          ResilientSql.layer().pipe(
            Layer.provide(Layer.succeed(SqlClient.SqlClient, client)),
            Layer.provide(Resilience.layer(config))
          )
        )
      )
      const fiber = yield* Effect.forkChild(run)
      yield* TestClock.adjust("1 minute")
      yield* Fiber.join(fiber)
      assert.deepStrictEqual([plain.asked.length, transforming.asked.length], [3, 0])
    })
  )

  it.effect("a connection of which nobody says how it broke may have been lost in the middle", () =>
    Effect.gen(function* () {
      const unknown = new SqlError.SqlError({ reason: new SqlError.ConnectionError({ cause: new Error("broken") }) })
      const write = use((sql) => sql`INSERT INTO a VALUES (1)`)
      assert.strictEqual(yield* attempts(write, unknown), 1)
      assert.strictEqual(yield* attempts(write, error("ConnectionError", "ECONNREFUSED", "connect")), 3)
    })
  )

  it.effect("so are those of a copy without transformations", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* attempts(
          use((sql) => sql.withoutTransforms()`SELECT 1`),
          lost
        ),
        3
      )
      assert.strictEqual(
        yield* attempts(
          use((sql) => sql.safe`SELECT 1`),
          lost
        ),
        3
      )
    })
  )

  it.effect("a statement that is never answered fails in time; a read is tried again, a write is not", () =>
    Effect.gen(function* () {
      let told = 0
      const hanging = Effect.onInterrupt(Effect.never, () => Effect.sync(() => told++))
      assert.lengthOf((yield* against(() => hanging, read)).asked, 3)
      assert.strictEqual(told, 3, "the driver is told that nobody waits any more")
      const { asked, exit } = yield* against(() => Effect.uninterruptible(Effect.never), write)
      assert.lengthOf(asked, 1)
      const failure = errorOf(exit)
      assert.isTrue(SqlError.isSqlError(failure) && failure.reason._tag === "StatementTimeoutError")
      assert.strictEqual(Classifier.statusOf(failure), 504)
    })
  )
})

describe("the circuit", () => {
  const fragile = {
    services: { db: { ...config.services.db, retry: false, circuitBreaker: { consecutiveFailures: 2 } } }
  } as const

  const after = (failure: SqlError.SqlError) =>
    Effect.map(
      against(
        always(failure),
        Effect.forEach([1, 2, 3, 4], () => Effect.exit(use((sql) => sql`SELECT 1`))),
        fragile
      ),
      ({ asked, exit }) => ({ asked, last: Exit.isSuccess(exit) ? errorOf(exit.value[3]!) : assert.fail("died") })
    )

  it.effect("opens for a server that is away or has no room", () =>
    Effect.gen(function* () {
      for (const failure of [error("ConnectionError", "ECONNRESET"), error("UnknownError", "53300")]) {
        const { asked, last } = yield* after(failure)
        assert.lengthOf(asked, 2)
        assert.isTrue(SqlError.isSqlError(last) && last.reason._tag === "ConnectionError")
        assert.isTrue(ResilienceError.hasTraits(last))
        assert.instanceOf((last as SqlError.SqlError).reason.cause, CircuitBreaker.CircuitBreakerOpenError)
      }
    })
  )

  it.effect("stays closed for a server that finds fault with statements", () =>
    Effect.gen(function* () {
      for (const failure of [
        error("UniqueViolation", "23505"),
        error("SqlSyntaxError", "42601"),
        error("SerializationError", "40001"),
        error("UnknownError", "22012")
      ])
        assert.lengthOf((yield* after(failure)).asked, 4)
    })
  )
})

describe("transactions", () => {
  class Poor extends Data.TaggedError("Poor") {}

  const A = "UPDATE a SET n = 1"
  const B = "UPDATE b SET n = 1"
  const body = use((sql) => Effect.andThen(sql.unsafe(A), sql.unsafe(B)))
  const whole = ResilientSql.transaction(body)
  const plain = use((sql) => sql.withTransaction(body))

  const lost = error("ConnectionError", "ECONNRESET")
  const conflict = error("SerializationError", "40001")

  it.effect("a conflict repeats all of it, and no statement by itself", () =>
    Effect.gen(function* () {
      for (const failure of [conflict, error("DeadlockError", "40P01"), lost, error("UnknownError", "57P01")]) {
        const { asked, exit } = yield* against(onceAt(B, failure), whole)
        assert.deepStrictEqual(asked, ["BEGIN", A, B, "ROLLBACK", "BEGIN", A, B, "COMMIT"])
        assert.isTrue(Exit.isSuccess(exit))
      }
    })
  )

  it.effect("a commit that the server has refused repeats all of it", () =>
    Effect.gen(function* () {
      const { asked } = yield* against(onceAt("COMMIT", conflict), whole)
      assert.deepStrictEqual(asked, ["BEGIN", A, B, "COMMIT", "BEGIN", A, B, "COMMIT"])
    })
  )

  it.effect("a commit that nobody has confirmed is not repeated", () =>
    Effect.gen(function* () {
      for (const failure of [lost, error("UnknownError", "57P01"), error("UnknownError", "40003")]) {
        const { asked, exit } = yield* against(onceAt("COMMIT", failure), whole)
        assert.deepStrictEqual(asked, ["BEGIN", A, B, "COMMIT"])
        assert.strictEqual(errorOf(exit), failure)
      }
      const { asked, exit } = yield* against((sql) => (sql === "COMMIT" ? Effect.never : undefined), whole)
      assert.deepStrictEqual(asked, ["BEGIN", A, B, "COMMIT"])
      assert.strictEqual((errorOf(exit) as SqlError.SqlError).reason._tag, "StatementTimeoutError")
    })
  )

  it.effect("mistakes are not repeated", () =>
    Effect.gen(function* () {
      const { asked } = yield* against(onceAt(B, error("UniqueViolation", "23505")), whole)
      assert.deepStrictEqual(asked, ["BEGIN", A, B, "ROLLBACK"])
    })
  )

  it.effect("those of the client that is guarded are left to it, and no statement in them is repeated", () =>
    Effect.gen(function* () {
      const { asked, client } = yield* Fake.make(onceAt(B, lost))
      const guarded = ResilientSql.layer().pipe(Layer.provide(Layer.succeed(SqlClient.SqlClient, client)))
      const exit = yield* client
        .withTransaction(body)
        .pipe(Effect.exit, Effect.provide(Layer.provide(guarded, Resilience.layer(config))))
      assert.deepStrictEqual(asked, ["BEGIN", A, B, "ROLLBACK"])
      assert.strictEqual(errorOf(exit), lost)
    })
  )

  it.effect("with sql.withTransaction, only what has not started is tried again", () =>
    Effect.gen(function* () {
      const { asked } = yield* against(onceAt("BEGIN", lost), plain)
      assert.deepStrictEqual(asked, ["BEGIN", "BEGIN", A, B, "COMMIT"])
      for (const failure of [lost, conflict]) {
        assert.deepStrictEqual((yield* against(onceAt(A, failure), plain)).asked, ["BEGIN", A, "ROLLBACK"])
        assert.deepStrictEqual((yield* against(onceAt("COMMIT", failure), plain)).asked, ["BEGIN", A, B, "COMMIT"])
      }
    })
  )

  it.effect("where the rollback fails with the connection, the error is what the body failed with", () =>
    Effect.gen(function* () {
      const { asked, exit } = yield* against(
        (sql) => (sql === B || sql === "ROLLBACK" ? Effect.fail(lost) : undefined),
        whole
      )
      assert.strictEqual(asked.filter((sql) => sql === "BEGIN").length, 3)
      assert.strictEqual(errorOf(exit), lost)
    })
  )

  it.effect("inside of another one it is a part of it", () =>
    Effect.gen(function* () {
      const nested = use((sql) => Effect.andThen(sql.unsafe(A), ResilientSql.transaction(sql.unsafe(B))))
      const { asked } = yield* against(onceAt(B, conflict), ResilientSql.transaction(nested))
      assert.deepStrictEqual(asked, [
        "BEGIN",
        A,
        "SAVEPOINT effect_sql_1",
        B,
        "ROLLBACK TO SAVEPOINT effect_sql_1",
        "ROLLBACK",
        "BEGIN",
        A,
        "SAVEPOINT effect_sql_1",
        B,
        "COMMIT"
      ])
    })
  )

  it.effect("the program's own errors pass unchanged, are not repeated, and say nothing about the database", () =>
    Effect.gen(function* () {
      const settings = { services: { db: { ...config.services.db, circuitBreaker: { consecutiveFailures: 1 } } } }
      const foreign = new Timeout.TimeoutExceededError({ service: "other", duration: 1, scope: "attempt" } as never)
      for (const own of [new Poor(), foreign]) {
        const failing = use((sql) => Effect.andThen(sql.unsafe(A), Effect.fail(own)))
        const { asked, exit } = yield* against(
          () => undefined,
          Effect.all([Effect.flip(ResilientSql.transaction(failing)), Effect.exit(whole)]),
          settings
        )
        assert.deepStrictEqual(asked, ["BEGIN", A, "ROLLBACK", "BEGIN", A, B, "COMMIT"])
        assert.strictEqual(Exit.isSuccess(exit) && exit.value[0], own)
      }
    })
  )

  it.effect("defects of the program say nothing about the database either, unless they are its errors", () =>
    Effect.gen(function* () {
      const settings = { services: { db: { ...config.services.db, circuitBreaker: { consecutiveFailures: 1 } } } }
      const stateAfter = (defect: unknown) =>
        Effect.gen(function* () {
          const dying = use((sql) => Effect.andThen(sql.unsafe(A), Effect.die(defect)))
          const state = Effect.gen(function* () {
            yield* Effect.exit(ResilientSql.transaction(dying))
            return (yield* Policy.snapshot((yield* Policy.instanceOf(CircuitBreaker.Kind, "db"))!)).state
          })
          const { exit } = yield* against(() => undefined, state, settings)
          return Exit.isSuccess(exit) ? exit.value : assert.fail("failed")
        })
      assert.strictEqual(yield* stateAfter(new Error("a bug")), "Closed")
      assert.strictEqual(yield* stateAfter(error("UniqueViolation", "23505")), "Closed")
      assert.strictEqual(yield* stateAfter(lost), "Open")
    })
  )

  it.effect("time that its body takes for something else is not held against the database", () =>
    Effect.gen(function* () {
      const settings = { services: { db: { ...config.services.db, circuitBreaker: { consecutiveFailures: 1 } } } }
      const stateAfter = (answer: Fake.Answer, slow: typeof body) =>
        Effect.gen(function* () {
          const state = Effect.gen(function* () {
            yield* Effect.exit(ResilientSql.transaction(slow))
            return (yield* Policy.snapshot((yield* Policy.instanceOf(CircuitBreaker.Kind, "db"))!)).state
          })
          const { exit } = yield* against(answer, state, settings)
          return Exit.isSuccess(exit) ? exit.value : assert.fail("failed")
        })
      const elsewhere = use((sql) => Effect.andThen(sql.unsafe(A), Effect.never))
      assert.strictEqual(yield* stateAfter(() => undefined, elsewhere), "Closed")
      for (const hanging of ["BEGIN", A, B, "COMMIT"])
        assert.strictEqual(
          yield* stateAfter((sql) => (sql === hanging ? Effect.never : undefined), body),
          "Open",
          hanging
        )
    })
  )

  it.effect("one that takes too long is undone, and repeated", () =>
    Effect.gen(function* () {
      const { asked } = yield* against((sql) => (sql === B ? Effect.never : undefined), whole)
      assert.deepStrictEqual(
        asked,
        [1, 2, 3].flatMap(() => ["BEGIN", A, B, "ROLLBACK"])
      )
    })
  )

  it.effect("one that was given up is not committed after all", () =>
    Effect.gen(function* () {
      const settings = { services: { db: { ...config.services.db, retry: false } } } as const
      let isDone = false
      const stubborn = Effect.uninterruptible(
        Effect.andThen(
          Effect.sleep("5 seconds"),
          Effect.sync(() => (isDone = true))
        )
      )
      const { asked, exit } = yield* against(() => undefined, ResilientSql.transaction(stubborn), settings)
      assert.isTrue(isDone)
      assert.deepStrictEqual(asked, ["BEGIN", "ROLLBACK"])
      assert.strictEqual((errorOf(exit) as SqlError.SqlError).reason._tag, "StatementTimeoutError")
    })
  )

  it.effect("each run of the same effect has attempts of its own", () =>
    Effect.gen(function* () {
      const { exit } = yield* against(
        () => undefined,
        Effect.gen(function* () {
          const retry = (yield* Policy.instanceOf(Retry.Kind, "db"))!
          yield* Effect.all([whole, whole, whole], { concurrency: "unbounded" })
          return yield* Policy.snapshot(retry)
        })
      )
      assert.isTrue(Exit.isSuccess(exit) && exit.value.successes === 3 && exit.value.retries === 0)
    })
  )
})

describe("the pool", () => {
  const limitWith = (service: string, client: object, options?: ResilientSql.Options) =>
    Effect.gen(function* () {
      const fake = yield* Fake.make(() => undefined)
      yield* ResilientSql.make(Object.assign(fake.client, client), service, options)
      return (yield* Policy.snapshot((yield* Policy.instanceOf(Bulkhead.Kind, service))!)).limit
    }).pipe(Effect.provide(Resilience.layer({ services: { db: { bulkhead: { maxConcurrent: 20 } } } })))

  it.effect("is never smaller than the bulkhead", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* limitWith("db", {}), 20)
      assert.strictEqual(yield* limitWith("db", { driver: "pg" }), 10)
      assert.strictEqual(yield* limitWith("db", { driver: "pg", config: { maxConnections: 5 } }), 5)
      assert.strictEqual(yield* limitWith("db", { config: { maxConnections: 50 } }), 20)
      const multiplex = { maxConnections: 2, multiplex: true }
      assert.strictEqual(yield* limitWith("db", { driver: "pg", config: multiplex }), 20)
      assert.strictEqual(yield* limitWith("db", { driver: "pg", config: { ...multiplex, multiplexConcurrency: 4 } }), 8)
      assert.strictEqual(yield* limitWith("db", { config: multiplex }, { maxConnections: 2 }), 2)
      assert.strictEqual(yield* limitWith("db", { config: { maxConnections: 50 } }, { maxConnections: 4 }), 4)
    })
  )

  it.effect.each([0, -1, 1.5, Number.NaN])("of %d connections is an error when the client is made", (maxConnections) =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(limitWith("db", {}, { maxConnections }))
      const message = `ResilientSql: maxConnections: expected a whole number of at least 1, got ${maxConnections}`
      assert.include(String(exit), message)
    })
  )
})

describe("layer", () => {
  it.effect("what only one kind of client has is still there", () =>
    Effect.gen(function* () {
      const { client } = yield* Fake.make(() => undefined)
      const special = Object.assign(client, { listen: () => "listening" })
      const { client: guarded } = yield* ResilientSql.make(special).pipe(Effect.provide(Resilience.layer({})))
      assert.strictEqual(guarded.listen(), "listening")
      assert.strictEqual(guarded.driver, "fake")
    })
  )

  it.effect("where all policies are off, the client is the client", () =>
    Effect.gen(function* () {
      const { client } = yield* Fake.make(() => undefined)
      const made = yield* ResilientSql.make(client).pipe(Effect.provide(Resilience.layer({ enabled: false })))
      assert.strictEqual(made.client, client)
    })
  )
})
