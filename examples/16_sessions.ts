/**
 * Sessions on a real Redis that is killed and started again: while it is away, sessions are slightly old instead of errors.
 */
import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { Console, Effect, Layer, References, Schedule } from "effect"
import { Redis } from "effect/persistence"
import { Fallback, Resilience } from "effect-resilience"
import { ResilientRedis } from "effect-resilience/redis"
import { isInstalled } from "../test/support/programs.ts"
import * as RedisServer from "../test/support/redis.ts"

const makeSessions = Effect.gen(function* () {
  const redis = yield* Redis.Redis
  const lastGood = yield* Fallback.makeCache<string | null>({ service: "sessions", timeToLive: "1 hour" })
  return {
    write: (id: string, session: string) => redis.send("SET", id, session, "EX", "3600"),
    read: (id: string) =>
      redis.send<string | null>("GET", id).pipe(Fallback.stale(lastGood, id, { maxAge: "5 minutes" }))
  }
})

const RedisLive = (url: string) =>
  ResilientRedis.layer().pipe(
    Layer.provide(NodeRedis.layer({ url, disableOfflineQueue: true })),
    Layer.provide(
      Resilience.layer({
        services: {
          redis: {
            timeout: "200 millis",
            retry: { maxAttempts: 2, baseDelay: "20 millis" },
            circuitBreaker: { openDuration: "500 millis" }
          }
        }
      })
    )
  )

const requests = (server: RedisServer.RedisServer) =>
  Effect.gen(function* () {
    const sessions = yield* makeSessions
    yield* sessions.write("ada", "logged in")
    yield* Console.log(`with Redis: Ada is ${yield* sessions.read("ada")}`)

    yield* server.kill
    yield* Console.log(`without Redis, read: Ada is ${yield* sessions.read("ada")}`)
    const error = yield* Effect.flip(sessions.write("ada", "logged out"))
    yield* Console.log(`without Redis, write: ${String(error.cause)}`)

    yield* server.start
    yield* sessions
      .write("ada", "logged out")
      .pipe(Effect.retry({ schedule: Schedule.spaced("50 millis"), times: 100 }))
    yield* Console.log(`with Redis again: Ada is ${yield* sessions.read("ada")}`)
  })

const program = Effect.gen(function* () {
  const server = yield* RedisServer.start
  yield* requests(server).pipe(Effect.provide(RedisLive(server.url)))
})

if (isInstalled("redis-server")) {
  // The client warns of each of its attempts to connect again.
  const quiet = Effect.provideService(program, References.MinimumLogLevel, "Error")
  await Effect.runPromise(Effect.scoped(quiet))
} else {
  console.log("This example needs a Redis server. On Debian: apt-get install redis-server")
}
