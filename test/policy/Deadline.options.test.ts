import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { Duration, Effect, Exit } from "effect"
import { Deadline, type Policy, Resilience } from "../../src/index.ts"
import { ScriptedService } from "../../src/testing/index.ts"
import { ended } from "./support/ended.ts"

const limitOf = (call: Effect.Effect<never, Deadline.TimeoutExceededError>, within: Duration.Input = "5 weeks") =>
  Effect.map(ended(Effect.flip(call), within), ({ at, exit }) => {
    if (Exit.isFailure(exit)) throw new Error("not a deadline")
    return { at, error: exit.value }
  })

describe("a duration given by the call", () => {
  const inputs: ReadonlyArray<readonly [string, Duration.Input, number]> = [
    ["milliseconds", 250, 250],
    ["nanoseconds", 2_000_000_000n, 2_000],
    ["a Duration", Duration.minutes(2), 120_000],
    ["seconds and nanoseconds", [1, 500_000_000], 1_500],
    ["units", { minutes: 1, seconds: 30 }, 90_000],
    ["text", "500 millis", 500],
    ["text with a fraction", "1.5 hours", 5_400_000]
  ]
  for (const [form, input, millis] of inputs) {
    it.effect(`may be ${form}`, () =>
      Effect.gen(function* () {
        const { at, error } = yield* limitOf(Deadline.withDeadline(Effect.never, input))
        expect(at).toBe(millis)
        expect(Duration.toMillis(error.duration)).toBe(millis)
      })
    )
  }

  const passed: ReadonlyArray<readonly [string, Duration.Input]> = [
    ["zero", 0],
    ["zero as text", "0 seconds"],
    ["Duration.zero", Duration.zero],
    ["a negative number", -5],
    ["a negative Duration", Duration.seconds(-1)],
    ["minus infinity", -Infinity],
    ["NaN", NaN]
  ]
  for (const [what, input] of passed) {
    it.effect(`has passed already when it is ${what}, so that the call is not made`, () =>
      Effect.gen(function* () {
        const service = ScriptedService.make(["value"])
        const { at, exit } = yield* ended(service.call.pipe(Deadline.withDeadline(input), Effect.flip))
        expect([at, service.calls()]).toEqual([0, 0])
        expect(exit).toMatchObject({ value: { scope: "total", isStarted: false, isOwnSide: true } })
      })
    )
  }

  for (const input of [Infinity, "Infinity", Duration.infinity] as const) {
    it.effect(
      `means no deadline when it is ${typeof input === "object" ? "Duration.infinity" : JSON.stringify(input)}`,
      () =>
        Effect.gen(function* () {
          const call = Effect.delay(Effect.succeed("value"), "100 days").pipe(Deadline.withDeadline(input))
          expect(yield* ended(call, "101 days")).toEqual({ at: 8_640_000_000, exit: Exit.succeed("value") })
        })
    )
  }
})

describe("withDeadline", () => {
  it.effect("takes the effect first or last, with a duration", () =>
    Effect.gen(function* () {
      expect((yield* limitOf(Deadline.withDeadline(Effect.never, 40))).at).toBe(40)
      expect((yield* limitOf(Effect.never.pipe(Deadline.withDeadline(40)))).at).toBe(40)
    })
  )

  it.effect("takes the effect first or last, with an instance", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make({ service: "llm", duration: 40 })
      expect((yield* limitOf(Deadline.withDeadline(Effect.never, deadline))).at).toBe(40)
      expect((yield* limitOf(Effect.never.pipe(Deadline.withDeadline(deadline)))).at).toBe(40)
      expect((yield* limitOf(deadline.execute(Effect.never))).at).toBe(40)
      expect((yield* limitOf(deadline.executeWith({ key: "tenant" })(Effect.never))).error.service).toBe("llm")
      expect(deadline.snapshot(0).exceeded).toBe(4)
    })
  )

  it.effect("takes the effect first or last, with the name of a service", () =>
    Effect.gen(function* () {
      const layer = Resilience.layer({ services: { llm: { deadline: 40 }, "5-seconds": { deadline: 70 } } })
      const calls = [
        Deadline.withDeadline(Effect.never, "llm"),
        Effect.never.pipe(Deadline.withDeadline("llm")),
        Effect.never.pipe(Deadline.withDeadline("5-seconds"))
      ]
      const limits = yield* Effect.forEach(calls, (call) => limitOf(Effect.provide(call, layer)))
      expect(limits.map(({ at, error }) => [at, error.service])).toEqual([
        [40, "llm"],
        [40, "llm"],
        [70, "5-seconds"]
      ])
    })
  )

  it.effect("passes everything through where the service has no deadline", () =>
    Effect.gen(function* () {
      const call = Effect.delay(Effect.succeed("value"), "1 day").pipe(Deadline.withDeadline("llm"))
      const off = Resilience.layer({ services: { llm: { deadline: false } } })
      expect((yield* ended(Effect.provide(call, off), "2 days")).exit).toEqual(Exit.succeed("value"))
    })
  )

  it("adds its error to the type, and asks for the registry only with a name", () => {
    const work = Effect.fail("error" as const).pipe(Effect.as(1))
    const byDuration = work.pipe(Deadline.withDeadline("2 seconds"))
    const byName = work.pipe(Deadline.withDeadline("llm"))
    const byInstance = Deadline.withDeadline(work, Deadline.makeUnsafe())
    type Errors = "error" | Deadline.TimeoutExceededError
    expectTypeOf(byDuration).toEqualTypeOf<Effect.Effect<number, Errors>>()
    expectTypeOf(byName).toEqualTypeOf<Effect.Effect<number, Errors, Policy.ResilienceRegistry>>()
    expectTypeOf(byInstance).toEqualTypeOf<Effect.Effect<number, Errors>>()
  })
})

describe("options", () => {
  it.effect("have defaults: no deadline", () =>
    Effect.gen(function* () {
      const deadline = yield* Deadline.make()
      expect(deadline).toMatchObject({ kind: "deadline", service: "default" })
      expect(deadline.snapshot(0).duration).toEqual(Duration.infinity)
      const call = Effect.delay(Effect.succeed("value"), "9 weeks").pipe(deadline.execute)
      expect((yield* ended(call, "10 weeks")).exit).toEqual(Exit.succeed("value"))
    })
  )

  const wrong: ReadonlyArray<readonly [string, unknown]> = [
    ["zero", 0],
    ["a negative duration", "-1 seconds"],
    ["NaN", NaN],
    ["text that is no duration", "soon"],
    ["null", null]
  ]
  for (const [what, duration] of wrong) {
    it(`refuse a duration that is ${what}`, () => {
      expect(() => Deadline.makeUnsafe({ duration: duration as never })).toThrow(
        /Deadline\.make: invalid options\n {2}duration: /
      )
    })
  }

  it.effect("that are wrong are a defect of make, which names each of them", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Deadline.make({ duration: 0, operationType: "llm" } as never))
      expect(String(Exit.isFailure(exit) && exit.cause.reasons[0])).toMatch(/duration: .*, got 0/)
      expect(String(Exit.isFailure(exit) && exit.cause.reasons[0])).toMatch(/operationType: expected no such option/)
      expect(exit).toMatchObject({ cause: { reasons: [{ _tag: "Die" }] } })
    })
  )

  it("are told to people", () => {
    expect(Deadline.makeUnsafe({ duration: "90 seconds" }).describe()).toBe("1m 30s for all attempts and waits")
  })
})
