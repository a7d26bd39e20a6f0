import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { Bulkhead, CircuitBreaker, Policy, Resilience, Retry } from "../../src/index.ts"

const provide = Effect.provide(Resilience.layer({ services: { llm: {}, api: {} } }))

const breakerOf = (service: string) => Effect.map(Policy.instanceOf(CircuitBreaker.Kind, service), (found) => found!)
const stateOf = (service: string) =>
  Effect.flatMap(breakerOf(service), (breaker) => Effect.map(Policy.snapshot(breaker), ({ state }) => state))

const circuit = (command: string, parameters?: object, by?: string) =>
  Resilience.command({ service: "llm", pattern: "circuit-breaker", command, parameters, by })

describe("a command", () => {
  it.effect("is run on the instance of the service, and on no other", () =>
    Effect.gen(function* () {
      yield* circuit("isolate", { reason: "maintenance", duration: "10 minutes" }, "anne")
      expect([yield* stateOf("llm"), yield* stateOf("api")]).toEqual(["Isolated", "Closed"])
      yield* circuit("release", {}, "anne")
      expect(yield* stateOf("llm")).toBe("Closed")
      yield* circuit("trip")
      expect(yield* stateOf("llm")).toBe("Open")
      yield* circuit("reset")
      expect(yield* stateOf("llm")).toBe("Closed")
      for (const mode of ["observe", "disabled", "enforce"]) {
        yield* circuit("mode", { mode })
        expect((yield* Policy.snapshot(yield* breakerOf("llm"))).mode).toBe(mode)
      }
      yield* Resilience.command({ service: "llm", pattern: "bulkhead", command: "resize", parameters: { limit: 3 } })
      const bulkhead = yield* Policy.instanceOf(Bulkhead.Kind, "llm")
      expect((yield* Policy.snapshot(bulkhead!)).limit).toBe(3)
    }).pipe(provide)
  )

  it.effect("takes no parameters that it does not know, so that its event tells what was done and by whom", () =>
    Effect.gen(function* () {
      for (const command of ["reset", "trip", "release", "isolate"]) {
        const { problem, reason } = yield* Effect.flip(circuit(command, { command: "nothing", by: "bob" }, "anne"))
        expect(reason).toBe("wrong-parameters")
        expect(problem).toContain('by: expected no such option, got "bob"')
      }
      expect(yield* stateOf("llm")).toBe("Closed")
    }).pipe(provide)
  )

  it.effect("changes an option of a running policy, also one in a group", () =>
    Effect.gen(function* () {
      const set = (pattern: string, option: string, value: unknown) =>
        Resilience.command({ service: "llm", pattern, command: "set", parameters: { option, value } })
      yield* set("timeout", "duration", "3 seconds")
      yield* set("retry", "overload.maxAttempts", 4)
      const [timeout] = yield* Effect.map(Resilience.status, (all) =>
        all.filter(({ pattern, service }) => service === "llm" && pattern === "timeout")
      )
      expect(timeout?.description).toBe("3s for an attempt")
      const retry = yield* Policy.instanceOf(Retry.Kind, "llm")
      expect(retry?.options.overload).toMatchObject({ maxAttempts: 4, strategy: "exponential" })
      const error = yield* Effect.flip(set("timeout", "duration", "soon"))
      expect([error.reason, error.problem]).toEqual(["wrong-parameters", expect.stringContaining('got "soon"')])
      const fixed = yield* Effect.flip(set("retry", "budget.ratio", 1))
      expect(fixed.problem).toContain("cannot change while it runs: budget")
      const noGroup = yield* Effect.flip(set("retry", "maxAttempts.most", 1))
      expect(noGroup.problem).toContain('maxAttempts: expected number, got {"most":1}')
      const unknown = yield* Effect.flip(set("timeout", "durration", 1))
      expect(unknown.problem).toContain('did you mean "duration"?')
    }).pipe(provide)
  )

  it.effect("of one operator does not undo that of another", () =>
    Effect.gen(function* () {
      yield* circuit("isolate", {}, "anne")
      yield* circuit("isolate", {}, "bob")
      yield* circuit("reset", {}, "bob")
      expect(yield* stateOf("llm")).toBe("Isolated")
      yield* circuit("reset", {}, "anne")
      expect(yield* stateOf("llm")).toBe("Closed")
    }).pipe(provide)
  )

  it.effect("is told as an event, with the operator and the parameters", () =>
    Effect.gen(function* () {
      yield* circuit("isolate", { reason: "maintenance", duration: "10 minutes" }, "anne")
      const registry = yield* Policy.ResilienceRegistry
      const told = registry.recent().find(({ _tag }) => _tag === "OperatorCommand")
      expect(told).toMatchObject({
        kind: "circuit-breaker",
        service: "llm",
        severity: "Warn",
        attributes: { command: "isolate", by: "anne", reason: "maintenance", duration: "10 minutes" }
      })
    }).pipe(provide)
  )

  it.effect.each([
    [{ pattern: "circuit-braker" }, 'no pattern is called "circuit-braker" (did you mean "circuit-breaker"?)'],
    [{ command: "isolat" }, 'no command of the pattern circuit-breaker is called "isolat" (did you mean "isolate"?)'],
    [{ service: "database" }, 'no service with the pattern circuit-breaker is called "database" (known: llm, api)'],
    [{ parameters: { duration: "soon" } }, "isolate: wrong parameters\n  duration: "],
    [{ parameters: { until: 1 } }, "isolate: wrong parameters\n  until: "]
  ] as const)("that is wrong says what would be right: %o", ([wrong, problem]) =>
    Effect.gen(function* () {
      const request = { service: "llm", pattern: "circuit-breaker", command: "isolate", ...wrong }
      const error = yield* Effect.flip(Resilience.command(request))
      expect(error.message).toContain(problem)
      expect(yield* stateOf("llm")).toBe("Closed")
      const registry = yield* Policy.ResilienceRegistry
      expect(registry.recent()).toEqual([])
    }).pipe(provide)
  )

  it("is listed with what it needs", () => {
    const names = Resilience.commands.map(({ name, pattern }) => `${pattern} ${name}`)
    expect(names).toEqual([
      "deadline set",
      "retry set",
      "circuit-breaker reset",
      "circuit-breaker trip",
      "circuit-breaker isolate",
      "circuit-breaker release",
      "circuit-breaker mode",
      "circuit-breaker set",
      "bulkhead resize",
      "bulkhead set",
      "timeout set"
    ])
  })
})

describe("the status", () => {
  it.effect("is that of every instance, service by service", () =>
    Effect.gen(function* () {
      const all = yield* Resilience.status
      expect(all.map(({ pattern, service }) => `${service} ${pattern}`)).toEqual(
        ["api", "llm"].flatMap((service) =>
          ["retry", "circuit-breaker", "bulkhead", "timeout", "pipeline", "fallback"].map(
            (pattern) => `${service} ${pattern}`
          )
        )
      )
      const breaker = all.find(({ pattern }) => pattern === "circuit-breaker")
      expect(breaker).toMatchObject({ description: expect.stringContaining("failures"), snapshot: { state: "Closed" } })
    }).pipe(provide)
  )
})
