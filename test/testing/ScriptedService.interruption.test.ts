import { describe, expect, it } from "@effect/vitest"
import { Effect } from "effect"
import { ScriptedService } from "../../src/testing/index.ts"
import { sweep } from "../support/sweep.ts"

describe("a scripted service", () => {
  it.live.each([3, 5, 2_048])(
    "has no active call after one that was interrupted at any operation (live): %d",
    (operations) =>
      sweep(
        () => {
          const service = ScriptedService.make(["pong"])
          return {
            call: service.call,
            afterwards: () => Effect.sync(() => expect(service.active()).toBe(0))
          }
        },
        { maxOperationsBeforeYield: operations }
      )
  )
})
