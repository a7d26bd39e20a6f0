import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import type * as Backoff from "../../src/core/Backoff.ts"
import * as Retry from "../../src/core/Retry.ts"

const backoff = (baseMillis: number, jitter: Backoff.Jitter = "none"): Backoff.Settings => ({
  strategy: "exponential",
  baseMillis,
  factor: 2,
  maxMillis: 60_000,
  jitter
})

const settings: Retry.Settings = {
  retryable: { maxAttempts: 3, backoff: backoff(1_000) },
  overloaded: { maxAttempts: 6, backoff: backoff(5_000) },
  "rate-limited": { maxAttempts: 4, backoff: backoff(2_000) },
  hintMaxMillis: 120_000
}

interface Circumstances {
  readonly hintMillis?: number
  readonly needsHint?: boolean
  readonly remainingMillis?: number
  readonly random?: number
}

/** One call that fails again and again. */
class Call {
  readonly settings: Retry.Settings
  state = Retry.initial

  constructor(changes: Partial<Retry.Settings> = {}) {
    this.settings = { ...settings, ...changes }
  }

  /** The wait before the next attempt, or why there is none. */
  fail(kind: Retry.FailureKind = "retryable", circumstances: Circumstances = {}): number | string {
    const { hintMillis = 0, needsHint = false, random = 0, remainingMillis = Infinity } = circumstances
    const failure = { kind, hintMillis, needsHint }
    const decision = Retry.decide(this.state, this.settings, failure, remainingMillis, random)
    switch (decision._tag) {
      case "GiveUp":
        return decision.reason
      case "Retry":
        this.state = decision.state
        return decision.waitMillis
    }
  }

  failAll(...kinds: ReadonlyArray<Retry.FailureKind>): ReadonlyArray<number | string> {
    return kinds.map((kind) => this.fail(kind))
  }
}

describe("the attempts", () => {
  it("count calls, the first included", () => {
    expect(new Call().failAll("retryable", "retryable", "retryable")).toEqual([1_000, 2_000, "attempts"])
  })

  it.each(["retryable", "overloaded", "rate-limited"] as const)(
    "that are limited to one allow no retry: %s",
    (kind) => {
      const once = { maxAttempts: 1, backoff: backoff(1_000) }
      expect(new Call({ [kind]: once }).fail(kind)).toBe("attempts")
    }
  )

  it("are counted for all classes together, and limited by the class of the failure", () => {
    const call = new Call()
    expect(call.failAll("overloaded", "overloaded", "overloaded", "rate-limited")).toEqual([
      5_000,
      10_000,
      20_000,
      "attempts"
    ])
    expect(call.fail("overloaded")).toBe(40_000)
    expect(call.state.attempts).toBe(5)
  })

  it("do not change when the call gives up", () => {
    const call = new Call()
    call.failAll("not-retryable", "retryable", "not-retryable")
    call.fail("retryable", { remainingMillis: 0 })
    expect(call.state).toEqual({ attempts: 2, progress: { retryable: { retries: 1, delayMillis: 1_000 } } })
  })

  it("begin with one that is under way", () => {
    expect(Retry.initial).toEqual({ attempts: 1, progress: {} })
  })
})

describe("a class of failures", () => {
  it("that cannot be tried again gives up at the first", () => {
    expect(new Call().fail("not-retryable", { hintMillis: 1_000 })).toBe("not-retryable")
  })

  it("has a back-off of its own, which takes no notice of failures of other classes", () => {
    expect(new Call().failAll("retryable", "overloaded", "retryable", "overloaded", "overloaded")).toEqual([
      1_000,
      5_000,
      "attempts",
      10_000,
      20_000
    ])
    expect(new Call().failAll("rate-limited", "retryable", "rate-limited")).toEqual([2_000, 1_000, 4_000])
  })

  it("remembers its own last delay for a random walk, not a hint nor the delay of another class", () => {
    const walking = { maxAttempts: 9, backoff: backoff(1_000, "decorrelated") }
    const call = new Call({ retryable: walking })
    expect(call.fail("retryable", { random: 0.5, hintMillis: 50_000 })).toBe(52_500)
    call.fail("overloaded")
    expect(call.state.progress).toMatchObject({ retryable: { retries: 1, delayMillis: 2_000 } })
    expect(call.fail("retryable", { random: 0.5 })).toBe(3_500)
  })
})

describe("a hint", () => {
  it("is waited for when the delay is shorter", () => {
    expect(new Call().fail("retryable", { hintMillis: 1_001 })).toBe(1_001)
  })

  it("does not shorten a delay that is longer", () => {
    expect(new Call().fail("retryable", { hintMillis: 999 })).toBe(1_000)
    expect(new Call().fail("overloaded", { hintMillis: 1_000 })).toBe(5_000)
  })

  it.each(["retryable", "overloaded", "rate-limited"] as const)("counts for every class: %s", (kind) => {
    expect(new Call().fail(kind, { hintMillis: 30_000 })).toBe(30_000)
  })

  it("does not move the back-off", () => {
    const call = new Call()
    call.fail("retryable", { hintMillis: 30_000 })
    expect(call.fail("retryable")).toBe(2_000)
  })

  it("counts up to its maximum", () => {
    expect(new Call().fail("retryable", { hintMillis: 120_000 })).toBe(120_000)
    expect(new Call().fail("retryable", { hintMillis: 120_001 })).toBe(120_000)
  })

  it("does not count when its maximum is zero", () => {
    expect(new Call({ hintMaxMillis: 0 }).fail("retryable", { hintMillis: 30_000 })).toBe(1_000)
  })

  it("counts however long it is when it has no maximum", () => {
    expect(new Call({ hintMaxMillis: Infinity }).fail("retryable", { hintMillis: 1e9 })).toBe(1e9)
  })

  it.each([
    [0, 30_000],
    [0.5, 31_500],
    [0.25, 30_750]
  ])("is spread upwards by a tenth where delays are spread (chance %d gives %d)", (random, expected) => {
    const spread = { maxAttempts: 3, backoff: backoff(1_000, "equal") }
    expect(new Call({ retryable: spread }).fail("retryable", { hintMillis: 30_000, random })).toBeCloseTo(expected, 6)
  })

  it("is exact where delays are exact, whatever the other classes do", () => {
    const overloaded = { maxAttempts: 6, backoff: backoff(5_000, "full") }
    const call = new Call({ overloaded })
    expect(call.fail("retryable", { hintMillis: 30_000, random: 0.9 })).toBe(30_000)
    expect(call.fail("overloaded", { hintMillis: 30_000, random: 0.5 })).toBe(31_500)
  })

  it("is spread beyond its maximum too, so that those who were told too long a time do not come together", () => {
    const spread = { maxAttempts: 3, backoff: backoff(1_000, "full") }
    expect(new Call({ retryable: spread }).fail("retryable", { hintMillis: 1e6, random: 0.5 })).toBe(126_000)
  })
})

describe("a failure that is in vain to retry without a hint", () => {
  const inVain = { needsHint: true }

  it("gives up without one", () => {
    expect(new Call().fail("retryable", { ...inVain, remainingMillis: 60_000 })).toBe("not-retryable")
  })

  it("gives up without a deadline that says how long the caller can wait", () => {
    expect(new Call().fail("retryable", { ...inVain, hintMillis: 10_000 })).toBe("not-retryable")
  })

  it("waits for a hint that fits the deadline", () => {
    expect(new Call().fail("retryable", { ...inVain, hintMillis: 10_000, remainingMillis: 10_001 })).toBe(10_000)
  })

  it("gives up for want of time when the hint does not fit the deadline", () => {
    expect(new Call().fail("retryable", { ...inVain, hintMillis: 10_000, remainingMillis: 10_000 })).toBe("deadline")
  })

  it("gives up when the hint lies beyond its maximum, because coming earlier would be in vain", () => {
    const remainingMillis = 1e6
    expect(new Call().fail("retryable", { ...inVain, hintMillis: 120_000, remainingMillis })).toBe(120_000)
    expect(new Call().fail("retryable", { ...inVain, hintMillis: 120_001, remainingMillis })).toBe("not-retryable")
  })

  it("gives up when hints do not count", () => {
    const circumstances = { ...inVain, hintMillis: 1, remainingMillis: 1e6 }
    expect(new Call({ hintMaxMillis: 0 }).fail("retryable", circumstances)).toBe("not-retryable")
  })
})

describe("a deadline", () => {
  it("is not slept past, nor up to", () => {
    expect(new Call().fail("retryable", { remainingMillis: 1_001 })).toBe(1_000)
    expect(new Call().fail("retryable", { remainingMillis: 1_000 })).toBe("deadline")
    expect(new Call().fail("retryable", { remainingMillis: 999 })).toBe("deadline")
  })

  it("that has passed allows no retry, not even one without a delay", () => {
    const call = new Call({ retryable: { maxAttempts: 3, backoff: backoff(0) } })
    expect(call.fail("retryable", { remainingMillis: -1 })).toBe("deadline")
    expect(call.fail("retryable", { remainingMillis: 0 })).toBe("deadline")
    expect(call.fail("retryable", { remainingMillis: 1 })).toBe(0)
  })

  it("ends the call at once when a hint lies beyond it", () => {
    expect(new Call().fail("retryable", { hintMillis: 30_000, remainingMillis: 20_000 })).toBe("deadline")
  })

  it("is compared with the wait as it is spread", () => {
    const spread = { maxAttempts: 3, backoff: backoff(1_000, "equal") }
    const wait = (random: number) =>
      new Call({ retryable: spread }).fail("retryable", { remainingMillis: 1_000, random })
    expect([wait(0), wait(0.5)]).toEqual([800, "deadline"])
  })

  it("is asked about after the class and the attempts", () => {
    const call = new Call({ retryable: { maxAttempts: 1, backoff: backoff(1_000) } })
    expect(call.fail("retryable", { remainingMillis: 0 })).toBe("attempts")
    expect(call.fail("not-retryable", { remainingMillis: 0 })).toBe("not-retryable")
  })
})

describe("the worst case", () => {
  const once = { maxAttempts: 1, backoff: backoff(1_000) }
  const only = (retryable: Retry.Profile): Retry.Settings => ({
    retryable,
    overloaded: once,
    "rate-limited": once,
    hintMaxMillis: 0
  })

  it("of one attempt has no wait", () => {
    expect(Retry.worstCase(only(once))).toEqual({ attempts: 1, waitMillis: 0 })
  })

  it("adds up the delays", () => {
    expect(Retry.worstCase(only({ maxAttempts: 4, backoff: backoff(1_000) }))).toEqual({
      attempts: 4,
      waitMillis: 7_000
    })
  })

  it("takes delays as long as chance can make them", () => {
    const waitMillis = (jitter: Backoff.Jitter) =>
      Retry.worstCase(only({ maxAttempts: 4, backoff: { ...backoff(1_000, jitter), maxMillis: 10_000 } })).waitMillis
    expect(waitMillis("equal")).toBe(1_200 + 2_400 + 4_800)
    expect(waitMillis("full")).toBe(1_000 + 2_000 + 4_000)
    expect(waitMillis("decorrelated")).toBe(3_000 + 9_000 + 10_000)
  })

  it("of one class alone is that of its attempts", () => {
    expect(Retry.worstCase(settings)).toEqual({ attempts: 6, waitMillis: 5_000 + 10_000 + 20_000 + 40_000 + 60_000 })
  })

  it("of classes in turn can be longer than that of each: a few long delays, then many short ones", () => {
    const fixed = (baseMillis: number): Backoff.Settings => ({ ...backoff(baseMillis), strategy: "fixed" })
    const mixed: Retry.Settings = {
      retryable: once,
      overloaded: { maxAttempts: 6, backoff: fixed(1_000) },
      "rate-limited": { maxAttempts: 3, backoff: fixed(60_000) },
      hintMaxMillis: 0
    }
    expect(Retry.worstCase(mixed)).toEqual({ attempts: 6, waitMillis: 2 * 60_000 + 3 * 1_000 })
  })

  it("of attempts without a practical limit is worked out at once", () => {
    const maxAttempts = Number.MAX_SAFE_INTEGER
    const waitMillis = (backoff: Backoff.Settings) => Retry.worstCase(only({ maxAttempts, backoff })).waitMillis
    expect(waitMillis(backoff(0))).toBe(0)
    expect(waitMillis({ ...backoff(1), strategy: "fixed" })).toBe(maxAttempts - 1)
    expect(waitMillis(backoff(1_000))).toBeCloseTo(60_000 * maxAttempts, -9)
    expect(waitMillis({ ...backoff(1_000), strategy: "linear" })).toBeCloseTo(60_000 * maxAttempts, -9)
    expect(waitMillis(backoff(1_000, "decorrelated"))).toBeCloseTo(60_000 * maxAttempts, -9)
  })

  const Profile = Schema.Struct({
    maxAttempts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 5 })),
    strategy: Schema.Literals(["exponential", "linear", "fixed", "random"]),
    jitter: Schema.Literals(["none", "equal", "full", "decorrelated"]),
    baseMillis: Schema.Literals([0, 1, 10, 35]),
    maxMillis: Schema.Literals([15, 100])
  })
  it.prop(
    "is the worst of all possible sequences of failures",
    { profiles: Schema.Tuple([Profile, Profile, Profile]) },
    ({ profiles }) => {
      const [retryable, overloaded, rateLimited] = profiles.map(({ maxAttempts, ...backoff }): Retry.Profile => ({
        maxAttempts,
        backoff: { ...backoff, factor: 2 }
      }))
      const settings: Retry.Settings = {
        retryable: retryable!,
        overloaded: overloaded!,
        "rate-limited": rateLimited!,
        hintMaxMillis: 0
      }
      const longest = (state: Retry.State): { readonly attempts: number; readonly waitMillis: number } => {
        let worst = { attempts: state.attempts, waitMillis: 0 }
        for (const kind of ["retryable", "overloaded", "rate-limited"] as const) {
          const decision = Retry.decide(state, settings, { kind, hintMillis: 0, needsHint: false }, Infinity, 1)
          if (decision._tag === "GiveUp") continue
          const rest = longest(decision.state)
          worst = {
            attempts: Math.max(worst.attempts, rest.attempts),
            waitMillis: Math.max(worst.waitMillis, decision.waitMillis + rest.waitMillis)
          }
        }
        return worst
      }
      const { attempts, waitMillis } = longest(Retry.initial)
      const found = Retry.worstCase(settings)
      expect(found.attempts).toBe(attempts)
      expect(found.waitMillis).toBeCloseTo(waitMillis, 6)
    },
    { arbitrary: { runs: 300, seed: 8 } }
  )
})

describe("any call", () => {
  const kinds = ["retryable", "overloaded", "rate-limited", "not-retryable"] as const
  const Failures = Arbitrary.array(
    Arbitrary.schema(
      Schema.Struct({
        kind: Schema.Literals(["retryable", "retryable", "overloaded", "overloaded", "rate-limited", "not-retryable"]),
        hint: Schema.Literals([0, 0, 0, 500, 3_000, 20_000, 200_000]),
        needsHint: Schema.Literals([false, false, false, true]),
        percent: Schema.Int.check(Schema.isBetween({ minimum: 0, maximum: 99 })),
        takes: Schema.Literals([0, 100, 4_000])
      })
    ),
    { maxLength: 12 }
  )
  const Profile = Schema.Struct({
    maxAttempts: Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 })),
    jitter: Schema.Literals(["none", "full"])
  })

  it.prop(
    "agrees with a list of its failures, from which everything is worked out anew",
    {
      profiles: Schema.Tuple([Profile, Profile, Profile]),
      hintMax: Schema.Literals([0, 10_000, 120_000]),
      time: Schema.Literals([0, 5_000, 60_000, "unlimited", "unlimited"]),
      failures: Failures
    },
    ({ failures, hintMax, profiles, time }) => {
      const bases = [1_000, 5_000, 2_000]
      const profileOf = (kind: Retry.FailureKind): Retry.Profile => {
        const index = kinds.indexOf(kind)
        const { jitter, maxAttempts } = profiles[index]!
        return { maxAttempts, backoff: { ...backoff(bases[index]!, jitter), maxMillis: 30_000 } }
      }
      const call = new Call({
        retryable: profileOf("retryable"),
        overloaded: profileOf("overloaded"),
        "rate-limited": profileOf("rate-limited"),
        hintMaxMillis: hintMax
      })
      let elapsed = 0
      const past: Array<Retry.FailureKind> = []
      for (const { hint, kind, needsHint, percent, takes } of failures) {
        elapsed += takes
        const remaining = time === "unlimited" ? Infinity : time - elapsed
        const random = percent / 100
        const answer = call.fail(kind, { hintMillis: hint, needsHint, remainingMillis: remaining, random })
        const isInVain = needsHint && (hint === 0 || hint > hintMax || remaining === Infinity)
        if (kind === "not-retryable" || isInVain) return expect(answer).toBe("not-retryable")
        if (past.length + 1 >= profileOf(kind).maxAttempts) return expect(answer).toBe("attempts")
        const { baseMillis, jitter } = profileOf(kind).backoff
        const grown = Math.min(30_000, baseMillis * 2 ** past.filter((one) => one === kind).length)
        const delay = jitter === "none" ? grown : random * grown
        const least = Math.min(hint, hintMax) * (jitter === "none" ? 1 : 1 + random / 10)
        if (Math.max(delay, least) >= remaining) return expect(answer).toBe("deadline")
        expect(answer).toBeCloseTo(Math.max(delay, least), 6)
        past.push(kind)
        expect(call.state.attempts).toBe(past.length + 1)
        elapsed += Number(answer)
      }
    },
    { arbitrary: { runs: 2_000, seed: 7, size: 12 } }
  )
})
