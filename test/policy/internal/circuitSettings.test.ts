import { describe, expect, it } from "@effect/vitest"
import { CircuitBreaker } from "../../../src/index.ts"
import { settingsOf } from "../../../src/policy/internal/circuitSettings.ts"

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
