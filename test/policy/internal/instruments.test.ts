import { expect, it } from "vitest"
import { events } from "../../../src/policy/internal/instruments.ts"

it("a counter of events has no series before the first event, unless it says which", () => {
  const counter = events("calls", "Calls", "CallFailed", () => ({}))
  expect("initial" in counter ? counter.initial({} as never) : undefined).toEqual([])
})
