import { describe, expect, it } from "@effect/vitest"
import { sweepOperation } from "../support/sweep.ts"
import { operations as bulkhead } from "./operations/bulkhead.ts"
import { operations as circuitBreaker } from "./operations/circuitBreaker.ts"
import { operations as pipeline } from "./operations/pipeline.ts"

const operations = [...pipeline, ...circuitBreaker, ...bulkhead]

describe("wherever it is interrupted, nothing is left behind by", () => {
  it.each(operations.map((operation) => [operation.name, operation] as const))("%s", (_, operation) => {
    const { interrupted, operations, runs } = sweepOperation(operation)
    process.stdout.write(`${operation.name}: ${operations} operations, ${runs} runs, ${interrupted} interrupted\n`)
    expect(interrupted).toBeGreaterThan(operations)
  })
})
