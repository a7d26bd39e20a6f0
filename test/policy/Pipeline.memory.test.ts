import { setImmediate } from "node:timers/promises"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import { describe, expect, it } from "@effect/vitest"
import { Effect, type Fiber } from "effect"
import { Pipeline } from "../../src/index.ts"

describe("what a call leaves behind", () => {
  setFlagsFromString("--expose-gc")
  const collect: () => void = runInNewContext("gc")
  // What is looked at by a weak reference stays until the turn of the event loop is over.
  const collectLater = Effect.promise(async () => {
    await setImmediate()
    collect()
  })

  it.effect.each([
    { form: "in one frame", options: { timeout: "1 minute" } },
    { form: "nested", options: { circuitBreaker: {} } }
  ] as const)("does not keep the value of the call in memory, $form", ({ options }) =>
    Effect.gen(function* () {
      const pipeline = yield* Pipeline.make(options)
      const values: Array<WeakRef<object>> = []
      const left: Array<Fiber.Fiber<never>> = []
      const call = Effect.gen(function* () {
        left.push(yield* Effect.forkDetach(Effect.never, { startImmediately: true }))
        yield* Effect.yieldNow
        const value = { body: new Uint8Array(1_000) }
        values.push(new WeakRef(value))
        return value
      })
      for (let calls = 0; calls < 5; calls++) yield* pipeline.execute(call)
      yield* pipeline.execute(Effect.void)
      yield* collectLater
      yield* collectLater
      expect(left).toHaveLength(5)
      expect(values.map((value) => value.deref())).toEqual(Array.from({ length: 5 }, () => undefined))
    })
  )
})
