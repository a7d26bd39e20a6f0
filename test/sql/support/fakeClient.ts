/**
 * A client without a server: what it is asked is written down, and answered by the test.
 */
import { Effect, type Scope, Stream } from "effect"
import { Reactivity } from "effect/reactivity"
import { SqlClient, SqlError, Statement } from "effect/sql"

/** What a server would answer to a statement; by default no rows. */
export type Answer = (sql: string) => Effect.Effect<ReadonlyArray<object>, SqlError.SqlError> | undefined

export interface Fake {
  readonly client: SqlClient.SqlClient
  readonly asked: Array<string>
}

export const make = (
  answer: Answer,
  connect: Effect.Effect<void, SqlError.SqlError, Scope.Scope> = Effect.void
): Effect.Effect<Fake> =>
  Effect.gen(function* () {
    const asked: Array<string> = []
    const run = (sql: string, params: ReadonlyArray<unknown> = []) =>
      Effect.suspend(() => {
        asked.push(params.length === 0 ? sql : `${sql} [${params.join(" ")}]`)
        return answer(sql) ?? Effect.succeed([])
      })
    const connection = {
      execute: run,
      executeRaw: run,
      executeStream: (sql: string, params: ReadonlyArray<unknown>) => Stream.fromIterableEffect(run(sql, params)),
      executeValues: (sql: string, params: ReadonlyArray<unknown>) => Effect.as(run(sql, params), []),
      executeValuesUnprepared: (sql: string, params: ReadonlyArray<unknown>) => Effect.as(run(sql, params), []),
      executeUnprepared: run
    }
    const client = yield* SqlClient.make({
      acquirer: Effect.as(connect, connection),
      compiler: Statement.makeCompilerSqlite(),
      driver: "fake",
      spanAttributes: []
    })
    return { client, asked }
  }).pipe(Effect.provide(Reactivity.layer))

/** An error of a client; `code` is that of the server, or of the socket. */
export const error = (tag: SqlError.SqlErrorReason["_tag"], code?: string, operation = "query"): SqlError.SqlError => {
  const cause = Object.assign(new Error(code ?? tag), code === undefined ? {} : { code })
  const { [tag]: Reason } = SqlError
  return new SqlError.SqlError({ reason: new Reason({ cause, operation, constraint: "key" }) })
}
