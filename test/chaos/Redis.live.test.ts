import { expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Redis from "../../reliability/chaos/redis.ts"
import { describeWith } from "../support/servers.ts"
import { violations } from "./support/attack.ts"

describeWith("redis-server")("Redis", () => {
  it.live.each(Redis.names)("%s", (name) =>
    Effect.gen(function* () {
      const target = yield* Redis.make
      expect(yield* violations(target, name)).toEqual([])
    }).pipe(Effect.scoped)
  )
})
