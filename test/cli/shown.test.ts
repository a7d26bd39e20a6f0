import { describe, expect, it } from "@effect/vitest"
import type { Api } from "effect-resilience/admin"
import * as Shown from "../../src/cli/internal/shown.ts"

const event = (tag: string, at: number): Api.Event => ({
  tag,
  pattern: "circuit-breaker",
  service: "llm",
  severity: "Warn",
  at,
  attributes: {}
})

const many = (tag: string, count: number) => Array.from({ length: count }, (_, at) => event(tag, at))

describe("events that have been shown", () => {
  it("are remembered by kind: a storm of one kind does not make another be shown again", () => {
    const connect = Shown.make()
    const first = [event("OperatorCommand", 1), ...many("CircuitBreakerRejection", 10_000)]
    expect(first.filter(connect())).toEqual(first)
    const again = [event("OperatorCommand", 1), ...many("CircuitBreakerRejection", 10_000).slice(-100)]
    expect(again.filter(connect())).toEqual([])
    expect([event("OperatorCommand", 2)].filter(connect())).toHaveLength(1)
  })

  it("may be the same in one connection: they happened so", () => {
    const connect = Shown.make()
    const same = [event("CircuitBreakerRejection", 1), event("CircuitBreakerRejection", 1)]
    expect(same.filter(connect())).toEqual(same)
    expect(same.filter(connect())).toEqual([])
  })

  it("are forgotten in the end, the oldest first, and so are kinds that a server makes up", () => {
    const connect = Shown.make()
    const made = [...many("Old", 1_001), ...Array.from({ length: 999 }, (_, at) => event(`Made${at}`, 0))]
    expect(made.filter(connect())).toEqual(made)
    expect(made.filter(connect())).toEqual([event("Old", 0)])
    expect([event("Made999", 0)].filter(connect())).toHaveLength(1)
    expect(many("Old", 2).filter(connect())).toHaveLength(2)
  })
})
