import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Http from "../../reliability/chaos/http.ts"
import { violations } from "./support/attack.ts"

describe("the client of undici and", () => {
  it.live.each(Http.names)("%s", (name) =>
    Effect.gen(function* () {
      const target = yield* Http.make("undici")
      expect(yield* violations(target, name)).toEqual([])
    }).pipe(Effect.scoped)
  )
})
