/**
 * The table of all operations that are interrupted wherever they can be. A new policy is a file of rows here.
 */
import type { Operation } from "../../support/sweep.ts"
import { operations as bulkhead } from "./bulkhead.ts"
import { operations as circuitBreaker } from "./circuitBreaker.ts"
import { operations as fallback } from "./fallback.ts"
import { operations as limits } from "./limits.ts"
import { operations as pipeline } from "./pipeline.ts"
import { operations as registry } from "./registry.ts"
import { operations as retry } from "./retry.ts"
import { operations as stream } from "./stream.ts"

export const operations: ReadonlyArray<Operation> = [
  ...pipeline,
  ...circuitBreaker,
  ...bulkhead,
  ...retry,
  ...limits,
  ...fallback,
  ...stream,
  ...registry
]
