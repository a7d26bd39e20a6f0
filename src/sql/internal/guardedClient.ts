/**
 * A client whose statements and transactions go through guards.
 */
import * as Effect from "effect/Effect"
import * as Effectable from "effect/Effectable"
import type { SqlClient } from "effect/sql/SqlClient"
import type { SqlError } from "effect/sql/SqlError"
import type { Statement } from "effect/sql/Statement"

/** What the parts of a client go through. */
export interface Guards {
  /** One way to run a statement with this text. */
  readonly statement: <A>(self: Effect.Effect<A, SqlError>, sql: () => string) => Effect.Effect<A, SqlError>
  readonly transaction: SqlClient["withTransaction"]
  readonly reserve: SqlClient["reserve"]
}

/** The ways to run a statement, besides the statement itself. A stream is not among them: it can be read for any time. */
const WAYS = ["raw", "unprepared", "values", "valuesUnprepared", "withoutTransform"] as const

/** The statement remains what it is, so that it can be a part of others; only what runs it is another. */
const guardStatement = (statement: Statement<unknown>, guards: Guards): Statement<unknown> => {
  const sql = () => statement.compile()[0]
  const guarded = Object.assign(
    Object.create(statement),
    Effectable.Prototype<Effect.Effect<ReadonlyArray<unknown>, SqlError>>({
      label: "GuardedStatement",
      evaluate: () => guards.statement(statement, sql)
    })
  )
  for (const way of WAYS)
    Object.defineProperty(guarded, way, { get: () => guards.statement<unknown>(statement[way], sql) })
  return guarded
}

/** Everything else of the client stays as it is, also what only this kind of client has. */
export const guardClient = <C extends SqlClient>(client: C, guards: Guards): C => {
  const call = (...args: Parameters<SqlClient>) => {
    const made: unknown = client(...args)
    return Effect.isEffect(made) ? guardStatement(made as Statement<unknown>, guards) : made
  }
  const guarded = Object.assign(call, client, {
    unsafe: (...args: Parameters<SqlClient["unsafe"]>) => guardStatement(client.unsafe(...args), guards),
    withTransaction: guards.transaction,
    reserve: guards.reserve,
    withoutTransforms: () => {
      const plain = client.withoutTransforms()
      return plain === client ? guarded : guardClient(plain, guards)
    }
  })
  return Object.assign(guarded, { safe: guarded }) as unknown as C
}
