/**
 * A Redis server to attack, and the client of Node.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { Context, Effect, Layer, Logger, type Scope } from "effect"
import { Redis } from "effect/persistence"
import { ResilientRedis } from "effect-resilience/redis"
import * as RedisServer from "../../test/support/redis.ts"
import type { Fault, Target } from "./target.ts"

const faults: Readonly<Record<string, (server: RedisServer.RedisServer) => Fault>> = {
  "a Redis server that is killed and started again": ({ kill, start }) => ({ begin: kill, end: start }),
  "a Redis server that is frozen": ({ freeze, thaw }) => ({ begin: freeze, end: thaw })
}

/** All faults by name. */
export const names: ReadonlyArray<string> = Object.keys(faults)

/** Starts the server; it ends with the scope. */
export const make: Effect.Effect<Target, never, Scope.Scope> = Effect.gen(function* () {
  const server = yield* RedisServer.start
  // A frozen server would keep the client from closing.
  yield* Effect.addFinalizer(() => server.thaw)
  const layer = ResilientRedis.layer().pipe(
    Layer.provide(
      NodeRedis.layer({ url: server.url, disableOfflineQueue: true, socket: { reconnectStrategy: () => 20 } })
    ),
    // The client warns of each of its attempts to connect again.
    Layer.provide(Logger.layer([]))
  )
  return {
    service: "redis",
    connect: Effect.map(Layer.build(Layer.orDie(layer)), (context) =>
      Context.get(context, Redis.Redis).send("GET", "key")
    ),
    requests: Effect.succeed(0),
    connections: Effect.succeed(0),
    faults: names,
    fault: (name) => faults[name]!(server)
  }
})
