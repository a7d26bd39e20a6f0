import { describe, it } from "@effect/vitest"
import { Arbitrary, Effect, Schema } from "effect"
import { expectFullCapacity } from "./support/calls.ts"
import { KEYS, Load } from "./support/Load.ts"

const between = (minimum: number, maximum: number) => Schema.Int.check(Schema.isBetween({ minimum, maximum }))

describe("any load of arrivals, ends, interruptions and new limits", () => {
  const Step = Schema.Struct({
    action: Schema.Literals(["arrive", "arrive", "arrive", "arrive", "wait", "wait", "interrupt", "resize"]),
    key: Schema.Literals([0, 0, 1, 2]),
    millis: between(1, 6),
    ending: Schema.Literals(["success", "success", "failure", "defect"]),
    remaining: between(1, 12),
    isSettled: Schema.Boolean,
    n: between(0, 9)
  })
  const Options = Schema.Struct({
    maxConcurrent: between(1, 3),
    maxQueue: between(0, 5),
    queueTimeout: between(1, 12)
  })
  const orNever = (millis: number): number => (millis > 8 ? Infinity : millis)

  it.effect.prop(
    "goes as in the model at each step: who runs, who waits and what was counted, in the order of arrival",
    [Options, Arbitrary.array(Arbitrary.schema(Step), { minLength: 20, maxLength: 80 })],
    ([options, steps]) =>
      Effect.gen(function* () {
        const load = yield* Load.make({ ...options, queueTimeout: orNever(options.queueTimeout) })
        for (const { action, ending, isSettled, key, millis, n, remaining } of steps) {
          if (action === "arrive") load.arrive({ key: KEYS[key], millis, ending, remaining: orNever(remaining) })
          else if (action === "interrupt") load.interrupt(n)
          else if (action === "resize") load.resize(n % 5)
          load.check()
          if (action === "wait" || isSettled) yield* load.wait(action === "wait" ? millis : 0)
          load.check()
        }
        load.resize(2)
        yield* load.wait(1_000)
        load.check()
        for (const key of KEYS) yield* expectFullCapacity(load.bulkhead, key)
      }),
    { arbitrary: { runs: 120, seed: 11, size: 80 }, timeout: 60_000 }
  )
})
