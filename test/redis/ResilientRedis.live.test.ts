import * as NodeRedis from "@effect/platform-node/NodeRedis"
import { assert, it } from "@effect/vitest"
import { Context, Duration, Effect, Exit, Fiber, Layer, Logger, Schedule } from "effect"
import { Redis } from "effect/persistence"
import { Bulkhead, CircuitBreaker, Fallback, Policy, Resilience } from "../../src/index.ts"
import { ResilientRedis } from "../../src/redis/index.ts"
import * as RedisServer from "../support/redis.ts"
import { describeWith } from "../support/servers.ts"

const limit = 300

const config = {
  services: {
    redis: {
      deadline: "1 second",
      timeout: limit,
      retry: { maxAttempts: 2, baseDelay: "20 millis" },
      circuitBreaker: { consecutiveFailures: 5, openDuration: "1500 millis" },
      bulkhead: { maxConcurrent: 50 }
    }
  }
} as const

/** A circuit that does not open. */
const patient = { consecutiveFailures: 1_000_000 }

/** A server, and an application that is connected to it. */
const start = Effect.fnUntraced(function* (settings: Parameters<typeof Resilience.layer>[0] = config) {
  const server = yield* RedisServer.start
  const context = yield* Layer.build(
    ResilientRedis.layer().pipe(
      Layer.provide(NodeRedis.layer({ url: server.url, disableOfflineQueue: true })),
      Layer.provideMerge(Resilience.layer(settings)),
      // The client warns of each of its attempts to connect again.
      Layer.provideMerge(Logger.layer([]))
    )
  )
  // A frozen server would keep the client from closing, and a failed test from ending.
  yield* Effect.addFinalizer(() => server.thaw)
  const redis = Context.get(context, Redis.Redis)
  const registry = Context.get(context, Policy.ResilienceRegistry)
  const circuit = Policy.snapshot(registry.get(CircuitBreaker.Kind, "redis") ?? assert.fail("no breaker"))
  const bulkhead = Policy.snapshot(registry.get(Bulkhead.Kind, "redis") ?? assert.fail("no bulkhead"))
  const until = (state: string) =>
    redis
      .send("PING")
      .pipe(
        Effect.exit,
        Effect.andThen(circuit),
        Effect.repeat({ until: (circuit) => circuit.state === state, schedule: Schedule.spaced("20 millis") }),
        Effect.timeout("10 seconds")
      )
  return { server, redis, circuit, bulkhead, until }
})

const longest = (times: ReadonlyArray<Duration.Duration>) => Math.max(...times.map(Duration.toMillis))

describeWith("redis-server")("Redis", () => {
  it.live("sessions stay readable while the server is killed and started again under load", () =>
    Effect.gen(function* () {
      const { bulkhead, redis, server, until } = yield* start()
      const users = Array.from({ length: 20 }, (_, user) => `session:${user}`)
      yield* Effect.forEach(users, (user) => redis.send("SET", user, "1"))
      const sessions = yield* Fallback.makeCache<string>({ service: "sessions", timeToLive: "1 hour" })
      const read = (user: string) =>
        redis.send<string>("GET", user).pipe(Fallback.stale(sessions, user, { maxAge: "1 hour" }))
      const times: Array<Duration.Duration> = []
      const request = Effect.gen(function* () {
        const user = users[Math.floor(times.length % users.length)] ?? ""
        const [time, session] = yield* Effect.timed(read(user))
        times.push(time)
        yield* Effect.sleep("5 millis")
        return session
      })
      yield* Effect.forEach(users, read)
      const load = yield* Effect.forEach(users, () => Effect.forever(request), { concurrency: "unbounded" }).pipe(
        Effect.forkChild
      )
      yield* Effect.sleep("200 millis")
      yield* server.kill
      yield* until("Open")
      const answered = times.length
      yield* Effect.sleep("200 millis")
      assert.isAbove(times.length, answered, "requests are answered while the server is away")
      yield* server.start
      yield* until("Closed")
      yield* redis.send("SET", "session:7", "2")
      assert.strictEqual(yield* read("session:7"), "2", "sessions are fresh again")
      assert.isUndefined(load.pollUnsafe(), "no request has failed")
      yield* Fiber.interrupt(load)
      assert.isBelow(longest(times), 4_000)
      assert.strictEqual((yield* bulkhead).active, 0)
      assert.strictEqual((yield* bulkhead).queued, 0)
    }).pipe(Effect.scoped)
  )

  it.live("no command of a frozen server lasts longer than its limit", () =>
    Effect.gen(function* () {
      const { bulkhead, circuit, redis, server, until } = yield* start()
      yield* server.freeze
      const write = redis.send("INCR", "counter")
      const first = yield* Effect.forEach([1, 2, 3, 4, 5], () => Effect.timed(Effect.exit(write)), {
        concurrency: "unbounded"
      })
      assert.isTrue(first.every(([, exit]) => Exit.isFailure(exit)))
      assert.isBelow(longest(first.map(([time]) => time)), limit + 1_000)
      assert.isAtLeast(longest(first.map(([time]) => time)), limit)
      assert.strictEqual((yield* circuit).state, "Open")
      const [rejected, error] = yield* Effect.timed(Effect.flip(write))
      assert.isBelow(Duration.toMillis(rejected), 200)
      assert.instanceOf(error.cause, CircuitBreaker.CircuitBreakerOpenError)
      yield* server.thaw
      yield* until("Closed")
      assert.strictEqual((yield* bulkhead).active, 0)
      assert.strictEqual(yield* redis.send("GET", "counter"), "5", "what was sent before is run after the thaw")
    }).pipe(Effect.scoped)
  )

  it.live("reserving a connection of a frozen server has a limit too", () =>
    Effect.gen(function* () {
      const { redis, server } = yield* start()
      yield* server.freeze
      const [time, exit] = yield* Effect.timed(Effect.exit(Effect.scoped(redis.reserve)))
      yield* server.thaw
      assert.isTrue(Exit.isFailure(exit))
      assert.isBelow(Duration.toMillis(time), 2 * limit + 2_000)
    }).pipe(Effect.scoped)
  )

  it.live("a write is never run twice, however often the server is killed", () =>
    Effect.gen(function* () {
      const { redis, server } = yield* start({
        services: {
          redis: {
            ...config.services.redis,
            circuitBreaker: patient,
            retry: { ...config.services.redis.retry, maxAttempts: 5 }
          }
        }
      })
      let acknowledged = 0
      let failed = 0
      const one = Effect.matchEffect(redis.send("INCR", "counter"), {
        onSuccess: () => Effect.sync(() => acknowledged++),
        onFailure: () =>
          Effect.andThen(
            Effect.sync(() => failed++),
            Effect.sleep("5 millis")
          )
      })
      const load = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 20 }), () => Effect.forever(one), { concurrency: "unbounded" })
      )
      for (let round = 0; round < 3; round++) {
        yield* Effect.sleep("200 millis")
        yield* server.kill
        yield* Effect.sleep("50 millis")
        yield* server.start
      }
      yield* Effect.sleep("500 millis")
      yield* Fiber.interrupt(load)
      const count = Number(
        yield* redis.send("GET", "counter").pipe(Effect.retry({ times: 20, schedule: Schedule.spaced("100 millis") }))
      )
      assert.isAbove(acknowledged, 20)
      assert.isAbove(failed, 0)
      assert.isAtLeast(count, acknowledged, "what was acknowledged is there")
      assert.isAtMost(count, acknowledged + failed + 20, "and what failed was run at most once")
    }).pipe(Effect.scoped)
  )

  it.live("mistakes in commands are neither repeated nor held against the server", () =>
    Effect.gen(function* () {
      const { circuit, redis } = yield* start()
      yield* redis.send("SET", "text", "value")
      for (let n = 0; n < 10; n++) {
        const error = yield* Effect.flip(redis.send("LRANGE", "text", "0", "1"))
        assert.match(String(error.cause), /WRONGTYPE/)
      }
      assert.strictEqual((yield* circuit).state, "Closed")
      const statistics = yield* redis.send<string>("INFO", "commandstats")
      assert.match(statistics, /cmdstat_lrange:calls=10,.*failed_calls=10/)
    }).pipe(Effect.scoped)
  )

  it.live("a server that is busy with a script is waited for", () =>
    Effect.gen(function* () {
      const { redis, server } = yield* start({
        services: {
          redis: {
            ...config.services.redis,
            deadline: "5 seconds",
            retry: { maxAttempts: 30, strategy: "fixed", baseDelay: "50 millis" },
            circuitBreaker: patient
          }
        }
      })
      yield* redis.send("CONFIG", "SET", "busy-reply-threshold", "10")
      const other = Context.get(yield* Layer.build(NodeRedis.layer({ url: server.url })), Redis.Redis)
      const busy = yield* Effect.forkChild(Effect.exit(other.send("EVAL", "while true do end", "0")), {
        startImmediately: true
      })
      yield* Effect.sleep("100 millis")
      const waiting = yield* Effect.forkChild(redis.send("INCR", "counter"), { startImmediately: true })
      yield* Effect.sleep("200 millis")
      assert.isUndefined(waiting.pollUnsafe())
      yield* Effect.exit(redis.send("SCRIPT", "KILL"))
      assert.strictEqual(yield* Fiber.join(waiting), 1)
      yield* Fiber.await(busy)
    }).pipe(Effect.scoped)
  )

  it.live("a script is loaded again after a restart", () =>
    Effect.gen(function* () {
      const { redis, server, until } = yield* start()
      const script = Redis.script((key: string) => [key], {
        numberOfKeys: 1,
        lua: "return redis.call('INCR', KEYS[1])"
      }).withReturnType<number>()
      assert.strictEqual(yield* redis.eval(script)("counter"), 1)
      yield* server.kill
      yield* server.start
      yield* until("Closed")
      yield* redis.send("PING").pipe(Effect.retry({ times: 20, schedule: Schedule.spaced("100 millis") }))
      assert.strictEqual(yield* redis.eval(script)("counter"), 2)
    }).pipe(Effect.scoped)
  )
})
