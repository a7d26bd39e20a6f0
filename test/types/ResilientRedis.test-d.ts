import type { Effect, Layer } from "effect"
import { Redis } from "effect/persistence"
import { expectTypeOf, it } from "vitest"
import type { Policy } from "../../src/index.ts"
import { ResilientRedis } from "../../src/redis/index.ts"

it("a guarded client has the types of the client", () => {
  expectTypeOf(ResilientRedis.layer()).toEqualTypeOf<
    Layer.Layer<Redis.Redis, never, Redis.Redis | Policy.ResilienceRegistry>
  >()
  expectTypeOf(ResilientRedis.make).returns.toEqualTypeOf<
    Effect.Effect<Redis.Redis["Service"], never, Policy.ResilienceRegistry>
  >()
})

it("saying that something can be run twice changes no type", () => {
  const send = Redis.Redis.use((redis) => redis.send<number>("DEL", "key"))
  expectTypeOf(ResilientRedis.repeatable(send)).toEqualTypeOf<typeof send>()
})
