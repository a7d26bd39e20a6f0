import { describe, expect, it } from "@effect/vitest"
import { Effect, Schedule } from "effect"
import { Bulkhead, CircuitBreaker, Deadline, Fallback, Pipeline, Policy, Retry, Timeout } from "../../../src/index.ts"
import { fuse } from "../../../src/policy/internal/fusedCall.ts"

const parts = {
  fallback: Fallback.makeUnsafe(() => Effect.succeed("answer")),
  retry: Retry.makeUnsafe({ maxAttempts: 2, jitter: "none" }),
  circuitBreaker: CircuitBreaker.makeUnsafe(),
  bulkhead: Bulkhead.makeUnsafe(),
  timeout: Timeout.makeUnsafe(),
  deadline: Deadline.makeUnsafe()
}
type Name = keyof typeof parts

/** The parts that stand around, and how many parts of each sort are fused. */
const fusionOf = (...names: ReadonlyArray<Name>) => {
  const fusion = fuse(
    names.map((name) => parts[name]),
    () => undefined
  )
  if (fusion === undefined) return undefined
  const { admissions, outer, recoveries } = fusion
  return { outer: outer.map(({ kind }) => kind), recoveries: recoveries.length, admissions: admissions.length }
}

describe("the parts that are fused", () => {
  it("are recoveries around admissions around a timeout", () => {
    expect(fusionOf("fallback", "retry", "circuitBreaker", "bulkhead", "timeout")).toEqual({
      outer: [],
      recoveries: 2,
      admissions: 2
    })
    expect(fusionOf("timeout")).toEqual({ outer: [], recoveries: 0, admissions: 0 })
  })

  it("begin where the order is another one", () => {
    expect(fusionOf("bulkhead", "retry", "circuitBreaker", "timeout")).toEqual({
      outer: ["bulkhead"],
      recoveries: 1,
      admissions: 1
    })
    expect(fusionOf("fallback", "deadline", "retry", "timeout")).toEqual({
      outer: ["fallback", "deadline"],
      recoveries: 1,
      admissions: 0
    })
  })

  it("are none without a timeout innermost", () => {
    expect(fusionOf("retry", "circuitBreaker", "bulkhead")).toBeUndefined()
    expect(fusionOf("timeout", "retry")).toBeUndefined()
    expect(fusionOf()).toBeUndefined()
  })
})

describe("a fused call", () => {
  const pipeline = Pipeline.inOrder([parts.retry, parts.bulkhead, parts.timeout])

  it.effect("does not show the operation what a schedule outside does", () =>
    Effect.gen(function* () {
      const seen: Array<number> = []
      const call = Effect.withFiber((fiber) => {
        seen.push(fiber.getRef(Schedule.CurrentMetadata).attempt)
        return Effect.void
      }).pipe(pipeline.execute)
      yield* Effect.repeat(call, Schedule.recurs(2))
      expect(seen).toEqual([0, 0, 0])
    })
  )

  it.effect("gives back what it holds when its operation throws", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(
        pipeline.execute(
          Effect.sync(() => {
            throw new Error("broken")
          })
        )
      )
      expect(exit._tag).toBe("Failure")
      expect(yield* Policy.snapshot(parts.bulkhead)).toMatchObject({ active: 0, failures: 1 })
    })
  )
})
