/**
 * Effect's `Redis` service with the policies of a service around every command.
 *
 * **Details**
 *
 * Whatever client is behind it, types and calls stay as they are: a refusal by a policy is a `RedisError` too, with the
 * policy's error as its cause and its traits. The circuit sees connections and time limits, and replies of a server that is
 * not well (`LOADING`, `READONLY`, `OOM` and the like); any other reply proves that it is.
 *
 * A command is tried again when it has not been run: the server refused it for now, or it could not be sent. When the
 * connection or the time ran out while it waited for its reply, nobody knows, and then only commands are repeated that
 * can be run twice without anybody noticing: reads, `SET` without `NX` and its like, `EXPIRE`, `HMSET`. Scripts and
 * everything else are not, unless {@link repeatable} says so.
 *
 * **Gotchas**
 *
 * `NodeRedis` keeps commands while it is offline and sends them later, also those whose caller has given up. Its option
 * `disableOfflineQueue: true` makes them fail at once instead, which is proof that they were not sent. When its layer closes, it
 * waits for the replies of commands on their way, also from a server that is frozen.
 *
 * The commands of a reserved connection are not guarded, because they may block on purpose; reserving one is, but a wait for
 * one that is too long does not count against the server. Nor is `subscribe`, which cannot fail.
 *
 * **Example** (With the client of Node)
 *
 * ```ts no-run
 * import * as NodeRedis from "@effect/platform-node/NodeRedis"
 * import { Effect, Layer } from "effect"
 * import { Redis } from "effect/persistence"
 * import { Resilience } from "effect-resilience"
 * import { ResilientRedis } from "effect-resilience/redis"
 *
 * const RedisLive = ResilientRedis.layer().pipe(
 *   Layer.provide(NodeRedis.layer({ url: "redis://127.0.0.1", disableOfflineQueue: true }))
 * )
 *
 * export const program = Redis.Redis.use((redis) => redis.send<string>("GET", "greeting")).pipe(
 *   Effect.provide(RedisLive),
 *   Effect.provide(Resilience.layer({ services: { redis: { timeout: "500 millis" } } }))
 * )
 * ```
 */
import * as Context from "effect/Context"
import * as Effect from "effect/Effect"
import * as Layer from "effect/Layer"
import * as Redis from "effect/persistence/Redis"
import { withTraitsOf } from "../policy/internal/wrappedRejection.ts"
import type * as Outcome from "../policy/Outcome.ts"
import type * as Policy from "../policy/Policy.ts"
import * as Resilience from "../resilience/Resilience.ts"
import { isRepeatable } from "./internal/commands.ts"
import * as Failures from "./internal/failures.ts"

/** Guards whatever `Redis` is provided to it with the policies of a service. */
export const layer = (service = "redis"): Layer.Layer<Redis.Redis, never, Redis.Redis | Policy.ResilienceRegistry> =>
  Layer.effect(
    Redis.Redis,
    Effect.flatMap(Redis.Redis, (redis) => make(redis, service))
  )

/** Guards one `Redis`. See {@link layer}. */
export const make = (
  redis: Redis.Redis["Service"],
  service = "redis"
): Effect.Effect<Redis.Redis["Service"], never, Policy.ResilienceRegistry> =>
  Effect.map(Resilience.pipeline(service), (pipeline) => {
    if (pipeline === undefined) return redis
    const executeWith = (isRepeatable: boolean, judge: Outcome.Classify) =>
      pipeline.executeWith({
        retry: { classify: Failures.classify(isRepeatable) },
        circuitBreaker: { classify: judge }
      })
    const once = executeWith(false, Failures.judge)
    const again = executeWith(true, Failures.judge)
    const reserving = executeWith(true, Failures.judgeReservation)
    const guard = <A, R>(self: Effect.Effect<A, Redis.RedisError, R>, isRepeatable: boolean) =>
      Effect.withFiber<A, Redis.RedisError, R>((fiber) =>
        Effect.mapError(isRepeatable || fiber.getRef(SaidRepeatable) ? again(self) : once(self), asRedisError)
      )
    return Redis.Redis.of({
      send: <A>(command: string, ...args: ReadonlyArray<string>) =>
        guard(redis.send<A>(command, ...args), isRepeatable(command, args)),
      eval: (script) => {
        const run = redis.eval(script)
        return (...params) => guard(run(...params), false)
      },
      reserve: Effect.mapError(reserving(redis.reserve), asRedisError),
      subscribe: redis.subscribe
    })
  })

/**
 * Commands and scripts in this effect may be run twice.
 *
 * **When to use**
 *
 * Where a lost reply does no harm: `DEL`, `SADD` or `HSET` whose count nobody looks at, or a script that sets what it is
 * told.
 */
export const repeatable = <A, E, R>(self: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
  Effect.provideService(self, SaidRepeatable, true)

const SaidRepeatable = Context.Reference<boolean>("effect-resilience/redis/SaidRepeatable", {
  defaultValue: () => false
})

const asRedisError = (error: Redis.RedisError | Resilience.Rejections): Redis.RedisError =>
  Failures.isRedisError(error) ? error : withTraitsOf(error, new Redis.RedisError({ cause: error }))
