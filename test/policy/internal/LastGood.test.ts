import { expect, it } from "@effect/vitest"
import * as LastGood from "../../../src/policy/internal/LastGood.ts"

it("a remembered value is as old as the time since then", () => {
  const values = LastGood.make<string>(1, 1_000)
  values.remember("key", "value", 100)
  expect(values.recall("key", 150)).toEqual({ value: "value", ageMillis: 50 })
})
