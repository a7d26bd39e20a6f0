import { describe, expect, it } from "@effect/vitest"
import { CircuitBreaker } from "../../../src/index.ts"
import { minimumCallsOf, settingsOf } from "../../../src/policy/internal/circuitSettings.ts"

const optionsOf = (options?: CircuitBreaker.MakeOptions) => CircuitBreaker.makeUnsafe(options).options

describe("the settings of a breaker's machine", () => {
  it("are shared by breakers made one after the other with the same options", () => {
    const settings = settingsOf(optionsOf())
    expect(settingsOf(optionsOf())).toBe(settings)
    const others = settingsOf(optionsOf({ probes: 2 }))
    expect(others).toMatchObject({ probes: 2 })
    expect(settingsOf(optionsOf())).toEqual(settings)
  })
})

describe("the calls that a rate needs at least", () => {
  it("are 20, but not more than fit into a window of calls", () => {
    expect(minimumCallsOf({ tripPolicy: "count-window", windowSize: 100 })).toBe(20)
    expect(minimumCallsOf({ tripPolicy: "count-window", windowSize: 10 })).toBe(10)
    expect(minimumCallsOf({ tripPolicy: "time-window", windowSize: 10 })).toBe(20)
  })
})
