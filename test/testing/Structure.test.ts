import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import {
  Bulkhead,
  CircuitBreaker,
  Deadline,
  Fallback,
  Pipeline,
  Policy,
  Resilience,
  Retry,
  Timeout
} from "../../src/index.ts"
import { Structure } from "../../src/testing/index.ts"
import { tracing } from "../support/tracing.ts"

const prices = Pipeline.makeUnsafe({
  service: "prices",
  fallback: () => Effect.succeed("no price today"),
  retry: { maxAttempts: 2, budget: { ratio: 0.1 } },
  circuitBreaker: { probes: 3, successesToClose: 2 },
  timeout: "2 seconds"
})
const kinds = [Fallback.Kind, Retry.Kind, CircuitBreaker.Kind, Timeout.Kind]

describe("the parts", () => {
  it("are listed from the outside to the inside, with their options as they are now", () => {
    expect(Structure.of(prices).map(({ kind, service }) => [kind, service])).toEqual([
      ["fallback", "prices"],
      ["retry", "prices"],
      ["circuit-breaker", "prices"],
      ["timeout", "prices"]
    ])
    expect(Structure.of(prices).map(({ options }) => options)).toMatchObject([
      undefined,
      { maxAttempts: 2 },
      { probes: 3 },
      {}
    ])
    const timeout = Timeout.makeUnsafe({ operationType: "quick" })
    Effect.runSync(timeout.reconfigure({ duration: 5 }))
    Structure.expectOptions(timeout, Timeout.Kind, { duration: "5 millis" })
  })

  it("of a pipeline inside are those of the one outside", () => {
    const inner = Pipeline.inOrder([Bulkhead.makeUnsafe(), Pipeline.inOrder([Timeout.makeUnsafe()])])
    const outer = Pipeline.inOrder([Deadline.makeUnsafe(), inner, tracing("own", [])])
    Structure.expectOrder(outer, [Deadline.Kind, Bulkhead.Kind, Timeout.Kind, "own"])
  })

  it("of a single policy is that policy, of an empty pipeline are none", () => {
    const retry = Retry.makeUnsafe()
    expect(Structure.of(retry).map(({ instance }) => instance)).toEqual([retry])
    Structure.expectOrder(Pipeline.inOrder([]), [])
  })

  it("are there or not", () => {
    expect([Structure.has(prices, Retry.Kind), Structure.has(prices, Bulkhead.Kind)]).toEqual([true, false])
    expect([Structure.has(prices, "retry"), Structure.has(prices, "pipeline")]).toEqual([true, false])
  })

  it("are found by their pattern, if there is one of it", () => {
    expect(Structure.get(prices, Retry.Kind)).toBe(prices.parts[1])
    expect(() => Structure.get(prices, Bulkhead.Kind)).toThrow(
      'the pipeline of "prices": expected one bulkhead, got fallback > retry > circuit-breaker > timeout'
    )
    const two = Pipeline.inOrder([Timeout.makeUnsafe(), Timeout.makeUnsafe()])
    expect(() => Structure.get(two, Timeout.Kind)).toThrow("expected one timeout, got timeout > timeout")
    expect(() => Structure.get(Pipeline.inOrder([]), Timeout.Kind)).toThrow("expected one timeout, got no parts")
  })

  it.effect("of a service are those that its registry has made", () =>
    Effect.gen(function* () {
      const llm = (yield* Policy.instanceOf(Pipeline.Kind, "llm"))!
      Structure.expectOrder(llm, [CircuitBreaker.Kind, Bulkhead.Kind, Timeout.Kind])
      Structure.expectOptions(llm, Timeout.Kind, { duration: "7 seconds" })
    }).pipe(
      Effect.provide(Resilience.layer({ retry: false, deadline: false, services: { llm: { timeout: "7 seconds" } } }))
    )
  )
})

describe("an expectation throws", () => {
  it("when another order, a missing part or one too many is there", () => {
    Structure.expectOrder(prices, kinds)
    for (const other of [kinds.toReversed(), kinds.slice(1), [...kinds, Bulkhead.Kind], []]) {
      expect(() => Structure.expectOrder(prices, other)).toThrow(Structure.StructureError)
    }
    expect(() => Structure.expectOrder(prices, [])).toThrow(
      'the pipeline of "prices": expected no parts, got fallback > retry > circuit-breaker > timeout'
    )
  })

  it("unless one pattern is around another in all its parts", () => {
    Structure.expectAround(prices, Retry.Kind, Timeout.Kind)
    expect(() => Structure.expectAround(prices, Timeout.Kind, Retry.Kind)).toThrow("expected timeout around retry")
    expect(() => Structure.expectAround(prices, Retry.Kind, Bulkhead.Kind)).toThrow("expected retry around bulkhead")
    expect(() => Structure.expectAround(prices, Bulkhead.Kind, Retry.Kind)).toThrow("expected bulkhead around retry")
    const mixed = Pipeline.inOrder([Retry.makeUnsafe(), Timeout.makeUnsafe(), Retry.makeUnsafe()])
    expect(() => Structure.expectAround(mixed, Retry.Kind, Timeout.Kind)).toThrow(Structure.StructureError)
  })

  it("when an option is another one", () => {
    Structure.expectOptions(prices, Retry.Kind, { maxAttempts: 2, baseDelay: "1 second", budget: { ratio: 0.1 } })
    Structure.expectOptions(prices, CircuitBreaker.Kind, { successesToClose: 2 })
    Structure.expectOptions(prices, Timeout.Kind, {})
    expect(() => Structure.expectOptions(prices, Timeout.Kind, { duration: 3_000 })).toThrow(
      'timeout of "prices": expected duration 3000 millis, got 2000 millis'
    )
    expect(() => Structure.expectOptions(prices, Retry.Kind, { budget: { ratio: 0.2 } })).toThrow("expected budget")
    expect(() => Structure.expectOptions(prices, Bulkhead.Kind, {})).toThrow("expected one bulkhead")
  })

  it("when something harmful is not named, or is named and is not there", () => {
    const sound = Pipeline.makeUnsafe({ retry: { budget: {} }, circuitBreaker: {}, timeout: "1 second" })
    Structure.expectSound(sound)
    const harmful = Pipeline.inOrder([Timeout.makeUnsafe(), Retry.makeUnsafe({ budget: {} })])
    expect(() => Structure.expectSound(harmful)).toThrow(/retry-inside-timeout: The timeout is around the retry/)
    Structure.expectSound(harmful, { except: ["retry-inside-timeout"] })
    expect(() => Structure.expectSound(sound, { except: ["retry-inside-timeout"] })).toThrow(
      "retry-inside-timeout: not broken"
    )
  })
})
