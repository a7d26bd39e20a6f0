import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Cause, Clock, type Duration, Effect, Exit, Fiber, Schema } from "effect"
import { TestClock } from "effect/testing"
import { Fallback } from "../../src/index.ts"
import { RecordedEvents, ScriptedService } from "../../src/testing/index.ts"

const down: Effect.Effect<never, string> = Effect.fail("down")

/** What a failed call of a key is answered with; "a miss" when it fails all the same. */
const recall = <A>(cache: Fallback.Cache<A>, key: string): Effect.Effect<A | string> =>
  Effect.catch(Fallback.cached(down as Effect.Effect<A, string>, cache, key), () => Effect.succeed("a miss"))

const remember = <A>(cache: Fallback.Cache<A>, key: string, value: A): Effect.Effect<A> =>
  Fallback.cached(Effect.succeed(value), cache, key)

describe("cached", () => {
  it.effect("remembers by itself what a call answered, and answers a failed call with it", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      const service = ScriptedService.make<string, string>(["Ada", down])
      const call = service.call.pipe(Fallback.cached(cache, "user-1"))
      expect([yield* call, yield* call, yield* call]).toEqual(["Ada", "Ada", "Ada"])
      expect(service.calls()).toBe(3)
    })
  )

  it.effect("answers with the last good value, not with the first", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      yield* remember(cache, "a", "old")
      yield* remember(cache, "a", "new")
      expect(yield* recall(cache, "a")).toBe("new")
    })
  )

  it.effect("lets a success pass, whatever it remembers", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      yield* remember(cache, "a", "old")
      expect(yield* remember(cache, "a", "new")).toBe("new")
    })
  )

  it.effect("re-raises the original error with its cause when it remembers nothing", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      const cause = Cause.combine(Cause.fail("down"), Cause.fail("down too"))
      const exit = yield* Effect.failCause(cause).pipe(Fallback.cached(cache, "a"), Effect.exit)
      expect(Exit.isFailure(exit) && exit.cause).toBe(cause)
    })
  )

  it.effect("keeps the values of different keys apart", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      yield* remember(cache, "a", "A")
      yield* remember(cache, "", "nobody")
      expect([yield* recall(cache, "a"), yield* recall(cache, ""), yield* recall(cache, "b")]).toEqual([
        "A",
        "nobody",
        "a miss"
      ])
    })
  )

  it.effect("takes any text for a key, also the names of properties", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      for (const key of ["__proto__", "constructor", "toString"]) {
        expect(yield* recall(cache, key)).toBe("a miss")
        yield* remember(cache, key, `of ${key}`)
        expect(yield* recall(cache, key)).toBe(`of ${key}`)
      }
    })
  )

  it.effect.each([undefined, null, false, 0, ""])("takes a remembered %s for a hit", (value) =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<unknown>()
      yield* remember(cache, "a", value)
      expect(yield* recall(cache, "a")).toBe(value)
    })
  )

  it.effect("answers with the very value that it remembers", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<object>()
      const profile = { name: "Ada" }
      yield* remember(cache, "a", profile)
      expect(yield* recall(cache, "a")).toBe(profile)
    })
  )

  it.effect("does not remember failures, nor what another fallback made of them", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      const answer = down.pipe(
        Fallback.cached(cache, "a"),
        Fallback.orElseSucceed(() => "default")
      )
      expect([yield* answer, yield* answer]).toEqual(["default", "default"])
      expect(yield* recall(cache, "a")).toBe("a miss")
    })
  )

  it.effect("keeps what it remembers when a call fails", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      yield* remember(cache, "a", "A")
      yield* Effect.die("bug").pipe(Fallback.cached(cache, "a"), Effect.exit)
      yield* Effect.interrupt.pipe(Fallback.cached(cache, "a"), Effect.exit)
      expect(yield* recall(cache, "a")).toBe("A")
    })
  )

  it.effect("does not answer a defect or an interruption, whatever it remembers", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      yield* remember(cache, "a", "A")
      for (const cause of [Cause.die("bug"), Cause.interrupt(1), Cause.combine(Cause.fail("down"), Cause.die("bug"))]) {
        const exit = yield* Effect.failCause(cause).pipe(Fallback.cached(cache, "a"), Effect.exit)
        expect(Exit.isFailure(exit) && exit.cause).toBe(cause)
      }
    })
  )

  it.effect("remembers nothing of a call that was interrupted", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      const slow = Effect.delay(Effect.succeed("late"), "1 second")
      const fiber = yield* slow.pipe(Fallback.cached(cache, "a"), Effect.forkChild({ startImmediately: true }))
      yield* Fiber.interrupt(fiber)
      yield* TestClock.adjust("1 minute")
      expect(yield* recall(cache, "a")).toBe("a miss")
    })
  )

  it.effect("shares what it remembers with all that use the cache, and with nobody else", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      const other = yield* Fallback.makeCache<string>()
      yield* Effect.succeed("A").pipe(Fallback.stale(cache, "a", { maxAge: "1 minute" }))
      expect([yield* recall(cache, "a"), yield* recall(other, "a")]).toEqual(["A", "a miss"])
    })
  )

  it.effect("of concurrent calls remembers the one that ended last", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      const ending = (value: string, at: Duration.Input) =>
        Effect.delay(Effect.succeed(value), at).pipe(Fallback.cached(cache, "a"))
      const fiber = yield* Effect.all([ending("slow", "2 seconds"), ending("fast", "1 second")], {
        concurrency: "unbounded"
      }).pipe(Effect.forkChild)
      yield* TestClock.adjust("1 second")
      expect(yield* recall(cache, "a")).toBe("fast")
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toEqual(["slow", "fast"])
      expect(yield* recall(cache, "a")).toBe("slow")
    })
  )

  it.effect("answers with what is known when the call fails, not when it begins", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      const fiber = yield* Effect.delay(down, "2 seconds").pipe(Fallback.cached(cache, "a"), Effect.forkChild)
      yield* TestClock.adjust("1 second")
      yield* remember(cache, "a", "A")
      yield* TestClock.adjust("1 second")
      expect(yield* Fiber.join(fiber)).toBe("A")
    })
  )

  it.effect("takes the effect as its first argument, too", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      yield* Fallback.cached(Effect.succeed("A"), cache, "a")
      expect(yield* Fallback.cached(down, cache, "a")).toBe("A")
    })
  )
})

describe("the time to live", () => {
  it.effect("ends at exactly its length, counted from the end of the call", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ timeToLive: "10 seconds" })
      const fiber = yield* Effect.delay(Effect.succeed("A"), "3 seconds").pipe(
        Fallback.cached(cache, "a"),
        Effect.forkChild
      )
      yield* TestClock.adjust("3 seconds")
      yield* Fiber.join(fiber)
      yield* TestClock.adjust("9999 millis")
      expect(yield* recall(cache, "a")).toBe("A")
      yield* TestClock.adjust("1 millis")
      expect(yield* recall(cache, "a")).toBe("a miss")
    })
  )

  it.effect("begins anew with each good value, and with nothing else", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ timeToLive: "10 seconds" })
      yield* remember(cache, "a", "A")
      yield* remember(cache, "b", "B")
      yield* TestClock.adjust("9 seconds")
      yield* remember(cache, "a", "A")
      expect(yield* recall(cache, "b")).toBe("B")
      yield* TestClock.adjust("1 second")
      expect([yield* recall(cache, "a"), yield* recall(cache, "b")]).toEqual(["A", "a miss"])
    })
  )

  it.effect("is an hour by default", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      yield* remember(cache, "a", "A")
      yield* TestClock.adjust("59 minutes")
      expect(yield* recall(cache, "a")).toBe("A")
      yield* TestClock.adjust("1 minute")
      expect(yield* recall(cache, "a")).toBe("a miss")
    })
  )

  it.effect("can be without an end", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ timeToLive: "Infinity" })
      yield* remember(cache, "a", "A")
      yield* TestClock.adjust("1000000 days")
      expect(yield* recall(cache, "a")).toBe("A")
    })
  )

  it.effect("is measured by a clock that nobody can set", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ timeToLive: "10 seconds" })
      const clock = yield* Clock.Clock
      const setTo = (millis: number) =>
        Effect.provideService(Clock.Clock, { ...clock, currentTimeMillisUnsafe: () => millis })
      yield* remember(cache, "a", "A").pipe(setTo(5_000))
      yield* TestClock.adjust("9 seconds")
      expect(yield* recall(cache, "a").pipe(setTo(3_600_000))).toBe("A")
      yield* TestClock.adjust("1 second")
      expect(yield* recall(cache, "a").pipe(setTo(0))).toBe("a miss")
    })
  )

  it.effect("is over for good: a value that was too old once is not an answer later", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ timeToLive: "1 second" })
      yield* remember(cache, "a", "A")
      yield* TestClock.adjust("1 second")
      expect([yield* recall(cache, "a"), yield* recall(cache, "a")]).toEqual(["a miss", "a miss"])
      yield* remember(cache, "a", "A2")
      expect(yield* recall(cache, "a")).toBe("A2")
    })
  )
})

describe("the capacity", () => {
  it.effect("is the number of keys that are remembered", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ capacity: 2 })
      for (const key of ["a", "b", "c"]) yield* remember(cache, key, key)
      expect([yield* recall(cache, "c"), yield* recall(cache, "b"), yield* recall(cache, "a")]).toEqual([
        "c",
        "b",
        "a miss"
      ])
    })
  )

  it.effect("of one remembers the last key", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ capacity: 1 })
      yield* remember(cache, "a", "A")
      expect(yield* recall(cache, "a")).toBe("A")
      yield* remember(cache, "b", "B")
      expect([yield* recall(cache, "a"), yield* recall(cache, "b")]).toEqual(["a miss", "B"])
    })
  )

  it.effect("is a thousand by default", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      for (let at = 0; at <= 1_000; at++) yield* remember(cache, `${at}`, "value")
      expect([yield* recall(cache, "1"), yield* recall(cache, "0")]).toEqual(["value", "a miss"])
    })
  )

  it.effect("forgets the key that was not used for the longest: to answer is to use, and so is to remember anew", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ capacity: 3 })
      for (const key of ["a", "b", "c"]) yield* remember(cache, key, key)
      yield* recall(cache, "a")
      yield* remember(cache, "b", "b")
      yield* remember(cache, "d", "d")
      const found = yield* Effect.forEach(["a", "b", "c", "d"], (key) => recall(cache, key))
      expect(found).toEqual(["a", "b", "a miss", "d"])
    })
  )

  it.effect("is not held by a value that is asked for in vain, because it is too old", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>({ capacity: 2, timeToLive: "10 seconds" })
      yield* remember(cache, "old", "old")
      yield* TestClock.adjust("8 seconds")
      yield* recall(cache, "old")
      yield* remember(cache, "young", "young")
      yield* TestClock.adjust("2 seconds")
      expect(yield* recall(cache, "old")).toBe("a miss")
      yield* remember(cache, "new", "new")
      expect([yield* recall(cache, "young"), yield* recall(cache, "new")]).toEqual(["young", "new"])
    })
  )

  const Steps = Arbitrary.array(
    Arbitrary.schema(
      Schema.Struct({
        step: Schema.Literals(["remember", "recall", "recall", "wait"]),
        n: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 3 }))
      })
    ),
    { minLength: 20, maxLength: 60 }
  )

  it.effect.prop(
    "and the time to live agree with a plain list of keys",
    [Schema.Literals([1, 2, 3]), Steps],
    ([capacity, steps]) =>
      Effect.gen(function* () {
        const cache = yield* Fallback.makeCache<number>({ capacity, timeToLive: "1 second" })
        let now = 0
        let known: ReadonlyArray<{ readonly key: string; readonly value: number; readonly at: number }> = []
        for (const [value, { n, step }] of steps.entries()) {
          const key = `key-${n}`
          const others = known.filter((entry) => entry.key !== key)
          const found = known.find((entry) => entry.key === key && now - entry.at < 1_000)
          if (step === "wait") {
            now += n * 150
            yield* TestClock.adjust(n * 150)
          } else if (step === "remember") {
            yield* remember(cache, key, value)
            known = [...others, { key, value, at: now }].slice(-capacity)
          } else {
            expect(yield* recall(cache, key)).toBe(found === undefined ? "a miss" : found.value)
            if (found !== undefined) known = [...others, found]
          }
        }
      }),
    { arbitrary: { runs: 100, seed: 11, size: 60 } }
  )
})

describe("makeCache", () => {
  it.effect("names each wrong option in a defect", () =>
    Effect.gen(function* () {
      const exit = yield* Effect.exit(Fallback.makeCache({ capacity: 0, timeToLive: "-1 seconds" }))
      const message = Exit.isFailure(exit) ? String(Cause.squash(exit.cause)) : ""
      expect(message).toContain("Fallback.makeCache")
      expect(message).toContain("capacity")
      expect(message).toContain("timeToLive")
    })
  )

  it.effect.each([
    { capacity: 0 },
    { capacity: -1 },
    { capacity: 1.5 },
    { capacity: Infinity },
    { capacity: Number.NaN },
    { timeToLive: 0 },
    { timeToLive: "-1 seconds" },
    { timeToLive: "-Infinity" },
    { ttl: "1 second" }
  ])("does not take %o", (options) =>
    Effect.gen(function* () {
      expect(Exit.hasDies(yield* Effect.exit(Fallback.makeCache(options as never)))).toBe(true)
    })
  )

  it.effect("takes an undefined option for one that was left out", () =>
    Effect.gen(function* () {
      const options = { service: undefined, capacity: undefined, timeToLive: undefined }
      const cache = yield* Fallback.makeCache<string>(options as never)
      expect(cache.service).toBe("default")
      yield* remember(cache, "a", "A")
      expect(yield* recall(cache, "a")).toBe("A")
    })
  )

  it.effect("makes a cache of its own each time that it is run", () =>
    Effect.gen(function* () {
      const make = Fallback.makeCache<string>()
      const [one, other] = [yield* make, yield* make]
      yield* remember(one, "a", "A")
      expect(yield* recall(other, "a")).toBe("a miss")
    })
  )
})

describe("stale", () => {
  const makeStale = Effect.gen(function* () {
    const cache = yield* Fallback.makeCache<string>({ service: "profiles", timeToLive: "1 hour" })
    yield* remember(cache, "a", "A")
    return <A extends string>(call: Effect.Effect<A, string>, maxAge: Duration.Input) =>
      call.pipe(Fallback.stale(cache, "a", { maxAge }))
  })

  it.effect("remembers and answers like cached", () =>
    Effect.gen(function* () {
      const stale = yield* makeStale
      expect(yield* stale(Effect.succeed("A2"), "1 minute")).toBe("A2")
      expect(yield* stale(down, "1 minute")).toBe("A2")
    })
  )

  it.effect("answers with a value that is younger than maxAge, and with none that is as old", () =>
    Effect.gen(function* () {
      const stale = yield* makeStale
      yield* TestClock.adjust("59999 millis")
      expect(yield* stale(down, "1 minute")).toBe("A")
      yield* TestClock.adjust("1 millis")
      expect(yield* Effect.exit(stale(down, "1 minute"))).toEqual(Exit.fail("down"))
    })
  )

  it.effect("does not forget what is too old for one call: another may be content with it", () =>
    Effect.gen(function* () {
      const stale = yield* makeStale
      yield* TestClock.adjust("1 minute")
      expect(yield* Effect.flip(stale(down, "1 second"))).toBe("down")
      expect(yield* stale(down, "2 minutes")).toBe("A")
    })
  )

  it.effect("never answers with a value beyond the time to live of the cache", () =>
    Effect.gen(function* () {
      const stale = yield* makeStale
      yield* TestClock.adjust("1 hour")
      expect(yield* Effect.flip(stale(down, "2 hours"))).toBe("down")
      expect(yield* Effect.flip(stale(down, "Infinity"))).toBe("down")
    })
  )

  it.effect.each([0, "-1 seconds", "-Infinity"] as const)("with a maxAge of %s answers never", (maxAge) =>
    Effect.gen(function* () {
      const stale = yield* makeStale
      expect(yield* Effect.flip(stale(down, maxAge))).toBe("down")
    })
  )

  it.effect("says so in a warning with the age of the value", () =>
    Effect.gen(function* () {
      const stale = yield* makeStale
      const recorded = RecordedEvents.make()
      yield* TestClock.adjust("30 seconds")
      yield* stale(down, "1 minute").pipe(recorded.record)
      expect(recorded.events()).toEqual([
        {
          _tag: "FallbackUsed",
          kind: "fallback",
          service: "profiles",
          severity: "Warn",
          at: 30_000,
          attributes: { fallback_type: "stale", exception_type: "string", age_millis: 30_000 },
          error: "down"
        }
      ])
    })
  )

  it.effect("says nothing when it has no answer", () =>
    Effect.gen(function* () {
      const stale = yield* makeStale
      const recorded = RecordedEvents.make()
      yield* TestClock.adjust("1 minute")
      yield* stale(down, "1 minute").pipe(Effect.exit, recorded.record)
      expect(recorded.events()).toEqual([])
    })
  )

  it.effect("takes the effect as its first argument, too", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      yield* Fallback.stale(Effect.succeed("A"), cache, "a", { maxAge: "1 second" })
      expect(yield* Fallback.stale(down, cache, "a", { maxAge: "1 second" })).toBe("A")
    })
  )
})

describe("an answer of cached", () => {
  it.effect("is no warning, but tells its age", () =>
    Effect.gen(function* () {
      const cache = yield* Fallback.makeCache<string>()
      const recorded = RecordedEvents.make()
      yield* remember(cache, "a", "A").pipe(recorded.record)
      yield* TestClock.adjust("90 seconds")
      yield* recall(cache, "a").pipe(recorded.record)
      yield* recall(cache, "b").pipe(recorded.record)
      expect(recorded.events()).toEqual([
        {
          _tag: "FallbackUsed",
          kind: "fallback",
          service: "default",
          severity: "Info",
          at: 90_000,
          attributes: { fallback_type: "cached", exception_type: "string", age_millis: 90_000 },
          error: "down"
        }
      ])
    })
  )
})
