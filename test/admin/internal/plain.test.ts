import { Duration, Option } from "effect"
import { expect, it } from "vitest"
import { plain } from "../../../src/admin/internal/plain.ts"

it("makes JSON of everything that a snapshot holds", () => {
  const snapshot = {
    service: "llm",
    count: 1,
    open: true,
    rate: Option.none(),
    retryAfter: Option.some(Duration.seconds(2)),
    limit: Infinity,
    forever: Duration.infinity,
    nothing: undefined,
    isolations: [{ by: "anna", until: Option.some(3) }]
  }
  expect(plain(snapshot)).toEqual({
    service: "llm",
    count: 1,
    open: true,
    rate: null,
    retryAfter: 2_000,
    limit: null,
    forever: null,
    isolations: [{ by: "anna", until: 3 }]
  })
})
