import { describe, expect, expectTypeOf, it } from "@effect/vitest"
import { Duration, Effect, Exit } from "effect"
import { type Policy, Resilience, Timeout } from "../../src/index.ts"
import { ended } from "./support/ended.ts"

const limitOf = <R>(call: Effect.Effect<never, Timeout.TimeoutExceededError, R>, within: Duration.Input = "5 weeks") =>
  Effect.map(ended(Effect.flip(call), within), ({ at, exit }) => {
    if (Exit.isFailure(exit)) throw new Error("not a timeout")
    return { at, error: exit.value }
  })

describe("a duration given by the call", () => {
  const inputs: ReadonlyArray<readonly [string, Duration.Input, number]> = [
    ["milliseconds", 250, 250],
    ["nanoseconds", 2_000_000_000n, 2_000],
    ["a Duration", Duration.minutes(2), 120_000],
    ["seconds and nanoseconds", [1, 500_000_000], 1_500],
    ["units", { minutes: 1, seconds: 30 }, 90_000],
    ["weeks, days, hours and the rest", { weeks: 1, days: 1, hours: 1, milliseconds: 5 }, 694_800_005],
    ["microseconds", { microseconds: 3_000 }, 3],
    ["text in nanos", "5000000 nanos", 5],
    ["text in micros", "2000 micros", 2],
    ["text in millis", "500 millis", 500],
    ["text in seconds", "2 seconds", 2_000],
    ["text with one second", "1 second", 1_000],
    ["text with a fraction", "1.5 seconds", 1_500],
    ["text in minutes", "3 minutes", 180_000],
    ["text in hours", "1 hour", 3_600_000],
    ["text in days", "2 days", 172_800_000],
    ["text in weeks", "1 week", 604_800_000]
  ]
  for (const [form, input, millis] of inputs) {
    it.effect(`may be ${form}`, () =>
      Effect.gen(function* () {
        const { at, error } = yield* limitOf(Timeout.withTimeout(Effect.never, input))
        expect(at).toBe(millis)
        expect(Duration.toMillis(error.duration)).toBe(millis)
      })
    )
  }

  const unlimited: ReadonlyArray<readonly [string, Duration.Input]> = [
    ["zero", 0],
    ["minus zero", -0],
    ["zero nanoseconds", 0n],
    ["zero as text", "0 seconds"],
    ["Duration.zero", Duration.zero],
    ["a negative number", -5],
    ["negative nanoseconds", -1n],
    ["negative text", "-5 seconds"],
    ["a negative Duration", Duration.seconds(-1)],
    ["a negative pair", [-1, 0]],
    ["minus infinity", -Infinity],
    ["minus infinity as text", "-Infinity"],
    ["NaN", NaN],
    ["a pair with NaN", [NaN, 0]],
    ["infinity", Infinity],
    ["infinity as text", "Infinity"],
    ["Duration.infinity", Duration.infinity]
  ]
  for (const [what, input] of unlimited) {
    it.effect(`means no limit when it is ${what}`, () =>
      Effect.gen(function* () {
        const call = Effect.delay(Effect.succeed("value"), "100 days").pipe(Timeout.withTimeout(input))
        expect(yield* ended(call, "101 days")).toEqual({ at: 8_640_000_000, exit: Exit.succeed("value") })
      })
    )
  }

  it.effect("may be computed from one call to the next", () =>
    Effect.gen(function* () {
      const call = (attempt: number) => Timeout.withTimeout(Effect.never, 100 * attempt)
      expect((yield* limitOf(call(1))).at).toBe(100)
      expect((yield* limitOf(call(3))).at).toBe(300)
    })
  )

  it.effect("has no name but the default one", () =>
    Effect.gen(function* () {
      expect((yield* limitOf(Timeout.withTimeout(Effect.never, 1))).error.service).toBe("default")
    })
  )
})

describe("withTimeout", () => {
  it.effect("takes the effect first or last, with a duration", () =>
    Effect.gen(function* () {
      expect((yield* limitOf(Timeout.withTimeout(Effect.never, 40))).at).toBe(40)
      expect((yield* limitOf(Effect.never.pipe(Timeout.withTimeout(40)))).at).toBe(40)
      expect((yield* limitOf(Timeout.withTimeout([0, 40_000_000])(Effect.never))).at).toBe(40)
    })
  )

  it.effect("takes the effect first or last, with an instance", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: 40 })
      expect((yield* limitOf(Timeout.withTimeout(Effect.never, timeout))).at).toBe(40)
      expect((yield* limitOf(Effect.never.pipe(Timeout.withTimeout(timeout)))).at).toBe(40)
      expect((yield* limitOf(timeout.execute(Effect.never))).at).toBe(40)
      expect((yield* limitOf(timeout.executeWith({ key: "tenant" })(Effect.never))).at).toBe(40)
      expect(timeout.snapshot(0).exceeded).toBe(4)
    })
  )

  it.effect("takes the effect first or last, with the name of a service", () =>
    Effect.gen(function* () {
      const layer = Resilience.layer({ services: { llm: { timeout: 40 } } })
      const dataFirst = Timeout.withTimeout(Effect.never, "llm")
      const dataLast = Effect.never.pipe(Timeout.withTimeout("llm"))
      for (const call of [dataFirst, dataLast]) {
        const { at, error } = yield* limitOf(Effect.provide(call, layer))
        expect([at, error.service]).toEqual([40, "llm"])
      }
    })
  )

  it.effect("reads text as a duration only if it is one", () =>
    Effect.gen(function* () {
      const names = ["second", "five seconds", "seconds 5", "infinity", "5-seconds", "NaN seconds"]
      const services = Object.fromEntries(names.map((name, i) => [name, { timeout: i + 1 }]))
      const layer = Resilience.layer({ services })
      const limits = yield* Effect.forEach(names, (name) => limitOf(Effect.never.pipe(Timeout.withTimeout(name)))).pipe(
        Effect.provide(layer)
      )
      expect(limits.map(({ at }) => at)).toEqual(names.map((_, i) => i + 1))
      expect(limits.map(({ error }) => error.service)).toEqual(names)
    })
  )

  it.effect("passes everything through where the service's timeout is switched off", () =>
    Effect.gen(function* () {
      const call = Effect.delay(Effect.succeed("value"), "1 day").pipe(Timeout.withTimeout("llm"))
      const off = Resilience.layer({ services: { llm: { timeout: false } } })
      expect((yield* ended(Effect.provide(call, off), "2 days")).exit).toEqual(Exit.succeed("value"))
    })
  )

  it.effect("says which service is missing when there is no registry", () =>
    Effect.gen(function* () {
      const call = Effect.never.pipe(Timeout.withTimeout("llm")) as Effect.Effect<never>
      const exit = yield* Effect.exit(call)
      expect(String(Exit.isFailure(exit) && exit.cause.reasons[0])).toContain("ResilienceRegistry")
    })
  )

  it("adds its error to the type, and asks for the registry only with a name", () => {
    const work = Effect.fail("error" as const).pipe(Effect.as(1))
    const byDuration = work.pipe(Timeout.withTimeout("2 seconds"))
    const byName = work.pipe(Timeout.withTimeout("llm"))
    const byInstance = Timeout.withTimeout(work, Timeout.makeUnsafe())
    type Errors = "error" | Timeout.TimeoutExceededError
    expectTypeOf(byDuration).toEqualTypeOf<Effect.Effect<number, Errors>>()
    expectTypeOf(byName).toEqualTypeOf<Effect.Effect<number, Errors, Policy.ResilienceRegistry>>()
    expectTypeOf(byInstance).toEqualTypeOf<Effect.Effect<number, Errors>>()
  })
})

describe("options", () => {
  it("have defaults", () => {
    const timeout = Timeout.makeUnsafe()
    expect(timeout).toMatchObject({ kind: "timeout", service: "default", operationType: "default" })
    expect(timeout.snapshot(0).duration).toEqual(Duration.seconds(30))
  })

  it("take the service's own name for the kind of operation", () => {
    expect(Timeout.makeUnsafe({ service: "llm" }).operationType).toBe("llm")
    expect(Timeout.makeUnsafe({ service: "llm", operationType: "http" }).operationType).toBe("http")
  })

  it.effect("take a duration in every form", () =>
    Effect.gen(function* () {
      const forms: ReadonlyArray<Duration.Input> = [
        300,
        300_000_000n,
        [0, 300_000_000],
        { milliseconds: 300 },
        "300 millis",
        Duration.millis(300)
      ]
      for (const duration of forms) {
        const timeout = yield* Timeout.make({ duration })
        expect((yield* limitOf(timeout.execute(Effect.never))).at).toBe(300)
      }
    })
  )

  it.effect("may say that there is no limit", () =>
    Effect.gen(function* () {
      const timeout = yield* Timeout.make({ duration: "Infinity" })
      const call = Effect.delay(Effect.succeed("value"), "9 weeks").pipe(timeout.execute)
      expect((yield* ended(call, "10 weeks")).exit).toEqual(Exit.succeed("value"))
      expect(timeout.describe()).toBe("Infinity for an attempt")
    })
  )

  const wrong: ReadonlyArray<readonly [string, unknown]> = [
    ["zero", 0],
    ["zero as text", "0 seconds"],
    ["a negative duration", "-1 seconds"],
    ["minus infinity", -Infinity],
    ["NaN", NaN],
    ["text that is no duration", "soon"],
    ["bare number as text", "30"],
    ["an unknown unit", { fortnights: 1 }],
    ["an empty object", {}],
    ["null", null],
    ["true", true]
  ]
  for (const [what, duration] of wrong) {
    it(`refuse a duration that is ${what}`, () => {
      expect(() => Timeout.makeUnsafe({ duration: duration as never })).toThrow(
        /Timeout\.make: invalid options\n {2}duration: /
      )
    })
  }

  it.effect("that are wrong are a defect of make", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Timeout.make({ duration: 0 }))
      expect(exit).toMatchObject({
        cause: { reasons: [{ _tag: "Die", defect: { message: /greater than zero, got 0/ } }] }
      })
    })
  )

  it("are all named when several are wrong", () => {
    const make = () => Timeout.makeUnsafe({ duration: -1, operationType: "", durration: 5 } as never)
    expect(make).toThrow(/duration: expected a duration greater than zero/)
    expect(make).toThrow(/operationType: /)
    expect(make).toThrow(/durration: expected no such option \(did you mean "duration"\?\)/)
  })

  it("are told to people", () => {
    expect(Timeout.makeUnsafe({ duration: "90 seconds" }).describe()).toBe("1m 30s for an attempt")
    expect(Timeout.makeUnsafe({ firstElement: "1 minute" }).describe()).toBe(
      "30s for an attempt, 1m to the first element of a stream"
    )
    expect(Timeout.makeUnsafe({ idle: "5 seconds" }).describe()).toBe(
      "30s for an attempt, 5s to each next element of a stream"
    )
  })

  it("are told to people as they are now", () => {
    const timeout = Timeout.makeUnsafe({ firstElement: "1 minute", idle: "5 seconds" })
    expect(timeout.describe()).toBe(
      "30s for an attempt, 1m to the first element of a stream, 5s to each next element of a stream"
    )
    Effect.runSync(timeout.reconfigure({ idle: "6 seconds" }))
    expect(timeout.describe()).toContain("6s to each next element")
  })
})
