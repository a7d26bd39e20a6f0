/**
 * An effect with a value, errors and needs of its own, on which types are tested.
 */
import { Context, Data, Effect } from "effect"

export class Busy extends Data.TaggedError("Busy")<{ readonly queue: number }> {}
export class Wrong extends Data.TaggedError("Wrong")<{ readonly field: string }> {}

export class Database extends Context.Service<Database, { readonly url: string }>()("test/Database") {}
export class Cache extends Context.Service<Cache, { readonly size: number }>()("test/Cache") {}

export interface User {
  readonly name: string
}

export const user: User = { name: "Ada" }

/** May fail in two ways and needs a service. */
export const call: Effect.Effect<User, Busy | Wrong, Database> = Effect.as(Database, user)

/** Cannot fail and needs nothing. */
export const safe: Effect.Effect<User> = Effect.succeed(user)
