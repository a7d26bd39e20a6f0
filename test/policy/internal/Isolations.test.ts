import { describe, expect, it } from "@effect/vitest"
import * as Machine from "../../../src/core/CircuitBreaker.ts"
import * as Isolations from "../../../src/policy/internal/Isolations.ts"

const by = (by: string, until: number): Isolations.Isolation => ({ by, reason: undefined, until })

describe("isolations", () => {
  it("end at exactly their time", () => {
    const isolations = Isolations.make()
    isolations.set(by("ann", 100))
    isolations.set(by("bob", 200))
    expect([99, 100, 199, 200].map((now) => isolations.at(now).map(({ by }) => by))).toEqual([
      ["ann", "bob"],
      ["bob"],
      ["bob"],
      []
    ])
  })

  it("end one by one or together when their operators say so", () => {
    const isolations = Isolations.make()
    for (const name of ["ann", "bob", "eve"]) isolations.set(by(name, 100))
    isolations.delete("bob")
    expect(isolations.at(0).map(({ by }) => by)).toEqual(["ann", "eve"])
    isolations.clear()
    expect(isolations.at(0)).toEqual([])
  })

  it("reset a circuit when there are none, and isolate it until the last of them ends", () => {
    expect(Isolations.changeBy([])).toBe(Machine.reset)
    const closed: Machine.State = {
      _tag: "Closed",
      generation: 1,
      tally: 0,
      history: { openings: 0, openMillis: 0, closedAt: 0 }
    }
    const change = Isolations.changeBy([by("ann", 100), by("bob", 300), by("eve", 200)])
    expect((change as (state: Machine.State) => Machine.State)(closed)).toMatchObject({ _tag: "Isolated", until: 300 })
  })
})
