import { assert, describe, it } from "@effect/vitest"
import { Effect, Exit, Fiber, Layer, type Scope } from "effect"
import { Redis } from "effect/persistence"
import { TestClock } from "effect/testing"
import { Bulkhead, CircuitBreaker, Classifier, type Policy, Resilience, ResilienceError } from "../../src/index.ts"
import { ResilientRedis } from "../../src/redis/index.ts"

/** As node-redis names and words them: only the names of its classes and the code of a reply tell them apart. */
const named = (name: string, message = ""): Error =>
  new ({ [name]: class extends Error {} }[name] as typeof Error)(message)
const coded = (code: string): Error => Object.assign(new Error(`connect ${code} 127.0.0.1:6379`), { code })
const reply = (code: string): Error => named("SimpleError", `${code} and what it says about it`)

const failing = (cause: unknown) => Effect.fail(new Redis.RedisError({ cause }))

/** A client whose commands all end in the same way; `sent` is what it was asked. */
const fake = (answer: Effect.Effect<unknown, Redis.RedisError>) => {
  const sent: Array<string> = []
  const send = (...command: ReadonlyArray<string>) =>
    Effect.suspend(() => {
      sent.push(command.join(" "))
      return answer as Effect.Effect<never, Redis.RedisError>
    })
  const redis = Redis.Redis.of({
    send,
    eval: () => () => send("EVALSHA"),
    reserve: Effect.map(send("reserve"), () => ({ send, eval: () => () => send("EVALSHA") })),
    subscribe: () => Effect.die("not used")
  })
  return { sent, layer: Layer.succeed(Redis.Redis, redis) }
}

const config = {
  services: {
    redis: {
      retry: { maxAttempts: 3, baseDelay: "1 millis", jitter: "none" },
      circuitBreaker: { consecutiveFailures: 100 },
      timeout: "1 second"
    }
  }
} as const

type Live = Redis.Redis | Policy.ResilienceRegistry | Scope.Scope

/** Runs it with a client that answers everything in one way, and tells what was sent. */
const against = <A>(
  answer: Effect.Effect<unknown, Redis.RedisError>,
  self: Effect.Effect<A, Redis.RedisError, Live>,
  settings: Parameters<typeof Resilience.layer>[0] = config
) =>
  Effect.gen(function* () {
    const { layer, sent } = fake(answer)
    const live = ResilientRedis.layer().pipe(Layer.provide(layer), Layer.provideMerge(Resilience.layer(settings)))
    const fiber = yield* Effect.forkChild(Effect.exit(Effect.scoped(self)).pipe(Effect.provide(live)))
    yield* TestClock.adjust("1 minute")
    return { sent, exit: yield* Fiber.join(fiber) }
  })

const errorOf = <A>(exit: Exit.Exit<A, Redis.RedisError>) =>
  Exit.isFailure(exit)
    ? (exit.cause.reasons[0] as { readonly error: Redis.RedisError }).error
    : assert.fail("succeeded")

const send = (...[command, ...args]: readonly [string, ...Array<string>]) =>
  Redis.Redis.use((redis) => redis.send(command, ...args))

const script = Redis.script((key: string) => [key], { numberOfKeys: 1, lua: "return redis.call('INCR', KEYS[1])" })

const read = send("GET", "key")
const write = send("INCR", "key")

describe("commands", () => {
  const attempts = (command: Effect.Effect<unknown, Redis.RedisError, Live>, cause: unknown) =>
    Effect.map(against(failing(cause), command), ({ sent }) => sent.length)

  const unsent = [
    coded("ECONNREFUSED"),
    coded("ENOTFOUND"),
    named("ClientOfflineError"),
    named("ConnectionTimeoutError")
  ]
  const unknown = [coded("ECONNRESET"), coded("EPIPE"), named("SocketClosedUnexpectedlyError"), named("TimeoutError")]
  const refused = ["LOADING", "BUSY", "READONLY", "CLUSTERDOWN", "MASTERDOWN", "NOREPLICAS", "TRYAGAIN"].map(reply)
  const wrong = ["WRONGTYPE", "ERR", "NOAUTH", "NOPERM", "MOVED", "OOM", "MISCONF", "BUSYGROUP"].map(reply)
  const over = [named("ClientClosedError"), named("ReconnectStrategyError", "connect ECONNREFUSED")]

  const table = [
    { what: "was not sent", causes: unsent, read: 3, write: 3 },
    { what: "may have been run", causes: unknown, read: 3, write: 1 },
    { what: "was refused for now", causes: refused, read: 3, write: 3 },
    { what: "cannot be run", causes: wrong, read: 1, write: 1 },
    { what: "is for a client that is closed", causes: over, read: 1, write: 1 }
  ]
  for (const { causes, read: reads, what, write: writes } of table) {
    it.effect(`a read that ${what} is sent ${reads} times, a write ${writes} times`, () =>
      Effect.gen(function* () {
        for (const cause of causes) {
          assert.strictEqual(yield* attempts(read, cause), reads, `read: ${cause.message}`)
          assert.strictEqual(yield* attempts(write, cause), writes, `write: ${cause.message}`)
        }
      })
    )
  }

  const lost = named("SocketClosedUnexpectedlyError")

  it.effect("what nobody would notice is repeated after a lost reply", () =>
    Effect.gen(function* () {
      for (const command of [
        send("set", "key", "value"),
        send("SET", "key", "value", "ex", "60"),
        send("SET", "key", "NX"),
        send("EXPIRE", "key", "60"),
        send("HGETALL", "key")
      ])
        assert.strictEqual(yield* attempts(command, lost), 3)
      for (const command of [
        send("SET", "key", "value", "NX"),
        send("SET", "key", "value", "PX", "10", "get"),
        send("EXPIRE", "key", "60", "GT"),
        send("DEL", "key"),
        send("LPUSH", "key", "value"),
        send("UNHEARDOF")
      ])
        assert.strictEqual(yield* attempts(command, lost), 1)
    })
  )

  it.effect("the caller may say that a command or a script can be run twice", () =>
    Effect.gen(function* () {
      const run = Redis.Redis.use((redis) => redis.eval(script)("key"))
      assert.strictEqual(yield* attempts(run, lost), 1)
      assert.strictEqual(yield* attempts(ResilientRedis.repeatable(run), lost), 3)
      assert.strictEqual(yield* attempts(ResilientRedis.repeatable(send("DEL", "key")), lost), 3)
    })
  )

  it.effect("reserving a connection is tried again, its commands are not", () =>
    Effect.gen(function* () {
      assert.strictEqual(
        yield* attempts(
          Redis.Redis.use(({ reserve }) => reserve),
          lost
        ),
        3
      )
      const blocking = Effect.flatMap(
        Redis.Redis.use(({ reserve }) => reserve),
        (connection) => connection.send("BLPOP", "key", "0")
      )
      const { sent } = yield* against(
        Effect.suspend(() => (calls++ === 0 ? Effect.void : failing(coded("ECONNREFUSED")))),
        blocking
      )
      assert.deepStrictEqual(sent, ["reserve", "BLPOP key 0"])
    })
  )
  let calls = 0
})

describe("time", () => {
  it.effect("a command that is never answered fails; a read is tried again, a write is not", () =>
    Effect.gen(function* () {
      const reading = yield* against(Effect.never, read)
      assert.strictEqual(reading.sent.length, 3)
      const writing = yield* against(Effect.never, write)
      assert.strictEqual(writing.sent.length, 1)
      const error = errorOf(writing.exit)
      assert.strictEqual(error._tag, "RedisError")
      assert.propertyVal(error.cause, "_tag", "TimeoutExceededError")
    })
  )
})

describe("the circuit", () => {
  const fragile = {
    services: { redis: { ...config.services.redis, retry: false, circuitBreaker: { consecutiveFailures: 2 } } }
  } as const

  const after = (cause: unknown) =>
    Effect.map(
      against(
        failing(cause),
        Effect.forEach([1, 2, 3, 4], () => Effect.exit(read)),
        fragile
      ),
      ({ exit, sent }) => ({
        sent,
        last: Exit.isSuccess(exit) ? errorOf(exit.value[3]!) : assert.fail("died")
      })
    )

  it.effect("opens for a server that is away or not well", () =>
    Effect.gen(function* () {
      for (const cause of [coded("ECONNREFUSED"), named("ClientOfflineError"), reply("LOADING"), reply("OOM")]) {
        const { last, sent } = yield* after(cause)
        assert.strictEqual(sent.length, 2)
        assert.instanceOf(last, Redis.RedisError)
        assert.instanceOf(last.cause, CircuitBreaker.CircuitBreakerOpenError)
      }
    })
  )

  it.effect("stays closed for a server that finds fault with the commands", () =>
    Effect.gen(function* () {
      for (const cause of ["WRONGTYPE", "ERR", "NOAUTH"].map(reply)) assert.lengthOf((yield* after(cause)).sent, 4)
    })
  )

  it.effect.each([undefined, "100 millis"] as const)(
    "stays closed while this program holds all connections that can be reserved, with an acquire timeout of %s",
    (acquireTimeout) => {
      const send = () => Effect.succeed("value" as never)
      const client = Redis.make({
        send,
        subscribe: () => Effect.die("not used"),
        connect: Effect.succeed({ send, close: Effect.void }),
        pool: { maxConnections: 1, acquireTimeout }
      })
      const live = ResilientRedis.layer().pipe(
        Layer.provide(Layer.effect(Redis.Redis, client)),
        Layer.provideMerge(Resilience.layer(fragile))
      )
      return Effect.gen(function* () {
        const redis = yield* Redis.Redis
        yield* redis.reserve
        const late = Effect.forEach([1, 2, 3], () => Effect.exit(Effect.scoped(redis.reserve)))
        const fiber = yield* Effect.forkChild(late)
        yield* TestClock.adjust("5 seconds")
        assert.isTrue((yield* Fiber.join(fiber)).every(Exit.isFailure))
        assert.strictEqual(yield* read, "value")
      }).pipe(Effect.scoped, Effect.provide(live))
    }
  )

  it.effect("a refusal has the traits of the policy's error", () =>
    Effect.gen(function* () {
      const { last } = yield* after(coded("ECONNREFUSED"))
      assert.isTrue(ResilienceError.hasTraits(last))
      assert.strictEqual(Classifier.statusOf(last), 503)
      assert.propertyVal(Classifier.classify(last, 0), "needsHint", true)
    })
  )
})

describe("layer", () => {
  it.effect("guards with the policies of whatever service is named", () =>
    Effect.gen(function* () {
      const { layer, sent } = fake(Effect.succeed("value"))
      const live = ResilientRedis.layer("sessions").pipe(
        Layer.provide(layer),
        Layer.provideMerge(Resilience.layer({ services: { sessions: {} } }))
      )
      const snapshot = yield* Effect.gen(function* () {
        assert.strictEqual(yield* send("GET", "key"), "value")
        return (yield* Resilience.snapshots).find(({ kind }) => kind === Bulkhead.Kind.id)
      }).pipe(Effect.provide(live))
      assert.deepStrictEqual(sent, ["GET key"])
      assert.propertyVal(snapshot, "service", "sessions")
      assert.propertyVal(snapshot, "successes", 1)
    })
  )

  it.effect("where all policies are off, the client is the client", () =>
    Effect.gen(function* () {
      const { layer } = fake(Effect.void)
      const redis = yield* Redis.Redis.pipe(Effect.provide(layer))
      const made = ResilientRedis.make(redis).pipe(Effect.provide(Resilience.layer({ enabled: false })))
      assert.strictEqual(yield* made, redis)
    })
  )
})
