import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as TripPolicy from "../../src/core/TripPolicy.ts"

type Call = "good" | "failed" | "slow" | "slow failure"

const isFailed = (call: Call): boolean => call === "failed" || call === "slow failure"
const isSlow = (call: Call): boolean => call === "slow" || call === "slow failure"

const rate: Extract<TripPolicy.TripPolicy, { readonly kind: "rate" }> = {
  kind: "rate",
  window: { kind: "count", size: 10 },
  minimumCalls: 4,
  failureRate: 0.5,
  slowCallRate: 0.75
}

/** The number of calls after which the policy trips, or `undefined`. One millisecond passes between two calls. */
const tripsAfter = (policy: TripPolicy.TripPolicy, calls: ReadonlyArray<Call>): number | undefined => {
  let tally = TripPolicy.initial(policy)
  for (const [i, call] of calls.entries()) {
    const next = TripPolicy.record(tally, policy, i, isFailed(call), isSlow(call))
    if (next === undefined) return i + 1
    tally = next
  }
  return undefined
}

it("whether a result counts differently at another time is a matter of the window", () => {
  const timed = { ...rate, window: { kind: "time", durationMillis: 1_000, buckets: 4 } } as const
  expect([{ kind: "consecutive", failures: 3 } as const, rate, timed].map(TripPolicy.dependsOnTime)).toEqual([
    false,
    false,
    true
  ])
})

describe("consecutive failures", () => {
  const policy: TripPolicy.TripPolicy = { kind: "consecutive", failures: 3 }

  it.each<readonly [ReadonlyArray<Call>, number | undefined]>([
    [["failed", "failed"], undefined],
    [["failed", "failed", "failed"], 3],
    [["failed", "failed", "good", "failed", "failed"], undefined],
    [["failed", "failed", "slow", "failed", "failed"], undefined],
    [["failed", "slow failure", "failed"], 3],
    [["slow", "slow", "slow", "slow"], undefined],
    [["good", "good", "good", "good"], undefined]
  ])("trip when there are as many in a row as configured: %j after %d", (calls, expected) => {
    expect(tripsAfter(policy, calls)).toBe(expected)
  })

  it("trip at the first when one is enough", () => {
    expect(tripsAfter({ kind: "consecutive", failures: 1 }, ["good", "failed"])).toBe(2)
  })

  it("leave the tally as it is when a good call follows a good call", () => {
    const tally = TripPolicy.initial(policy)
    expect(TripPolicy.record(tally, policy, 0, false, true)).toBe(tally)
  })

  it("are not changed in place", () => {
    expect(TripPolicy.initial(policy)).toBe(0)
    expect(TripPolicy.record(0, policy, 0, true, false)).toBe(1)
  })

  it("have no rates", () => {
    const tally = TripPolicy.record(TripPolicy.initial(policy), policy, 0, true, true)!
    expect(TripPolicy.rates(tally, policy, 0)).toStrictEqual({ failureRate: undefined, slowCallRate: undefined })
  })
})

describe("a rate", () => {
  it("trips when it is equal to its threshold", () => {
    expect(tripsAfter(rate, ["good", "good", "failed", "failed"])).toBe(4)
  })

  it("does not trip just below its threshold", () => {
    expect(tripsAfter(rate, ["good", "good", "good", "failed", "failed"])).toBeUndefined()
  })

  it.each([
    [0.3, 10, 3],
    [0.7, 10, 7],
    [0.1, 30, 3],
    [0.29, 100, 29],
    [0.57, 100, 57]
  ])(
    "of %d is reached with %d calls by exactly %d failures, in spite of binary fractions",
    (failureRate, size, failures) => {
      const policy: TripPolicy.TripPolicy = {
        ...rate,
        window: { kind: "count", size },
        minimumCalls: size,
        failureRate
      }
      const calls = Array.from({ length: size }, (_, i): Call => (i < size - failures ? "good" : "failed"))
      expect(tripsAfter(policy, calls)).toBe(size)
      expect(
        tripsAfter(policy, ["good", ...calls.slice(0, size - failures), ...calls.slice(size - failures + 1)])
      ).toBe(undefined)
    }
  )

  it("does not trip below the minimum of calls, and trips at it", () => {
    expect(tripsAfter(rate, ["failed", "failed", "failed"])).toBeUndefined()
    expect(tripsAfter(rate, ["failed", "failed", "failed", "failed"])).toBe(4)
  })

  it("does not trip by the good call that completes the sample, but by the next failure", () => {
    expect(tripsAfter(rate, ["failed", "failed", "failed", "good", "good", "failed"])).toBe(6)
  })

  it("trips by the slow call that completes the sample", () => {
    expect(tripsAfter(rate, ["failed", "failed", "failed", "slow"])).toBe(4)
  })

  it("of slow calls trips when it is equal to its threshold", () => {
    expect(tripsAfter(rate, ["good", "slow", "slow"])).toBeUndefined()
    expect(tripsAfter(rate, ["good", "slow", "slow", "slow"])).toBe(4)
  })

  it("of slow calls counts slow failures and slow successes", () => {
    expect(tripsAfter({ ...rate, failureRate: 2 }, ["slow", "good", "slow failure", "slow failure"])).toBe(4)
  })

  it("of failures counts slow failures and no slow successes", () => {
    const policy = { ...rate, slowCallRate: 2 }
    expect(tripsAfter(policy, ["slow", "slow", "slow", "failed", "good", "slow failure"])).toBeUndefined()
    expect(tripsAfter(policy, ["slow", "slow", "failed", "slow failure"])).toBe(4)
  })

  it("above 1 is never reached", () => {
    const calls = Array.from({ length: 50 }, (): Call => "slow failure")
    expect(tripsAfter({ ...rate, failureRate: 2, slowCallRate: 2 }, calls)).toBeUndefined()
  })

  it("looks only at the calls in the window", () => {
    const policy: TripPolicy.TripPolicy = { ...rate, window: { kind: "count", size: 4 } }
    expect(tripsAfter(policy, ["failed", "good", "good", "good", "good", "failed"])).toBeUndefined()
    expect(tripsAfter(policy, ["failed", "good", "good", "good", "failed", "failed"])).toBe(6)
  })

  it("looks only at the recent past in a time window, and at a minimum of calls in it", () => {
    const policy: TripPolicy.TripPolicy = { ...rate, window: { kind: "time", durationMillis: 100, buckets: 10 } }
    const tally = TripPolicy.initial(policy)
    for (const at of [0, 1, 2]) TripPolicy.record(tally, policy, at, true, false)
    expect(TripPolicy.record(tally, policy, 100, true, false)).toBe(tally)
  })

  it("is undefined below the minimum of calls, and known from it on", () => {
    const tally = TripPolicy.initial(rate)
    for (const failed of [true, false, false]) TripPolicy.record(tally, rate, 0, failed, true)
    expect(TripPolicy.rates(tally, rate, 0)).toStrictEqual({ failureRate: undefined, slowCallRate: undefined })
    TripPolicy.record(tally, rate, 0, false, false)
    expect(TripPolicy.rates(tally, rate, 0)).toEqual({ failureRate: 0.25, slowCallRate: 0.75 })
  })

  it("is undefined without any call, even when no minimum is asked for", () => {
    const policy = { ...rate, minimumCalls: 0 }
    const rates = TripPolicy.rates(TripPolicy.initial(policy), policy, 0)
    expect(rates).toStrictEqual({ failureRate: undefined, slowCallRate: undefined })
  })

  it("is told for the time asked about, without moving the window", () => {
    const policy: TripPolicy.TripPolicy = { ...rate, window: { kind: "time", durationMillis: 100, buckets: 10 } }
    const tally = TripPolicy.initial(policy)
    for (const failed of [true, true, false, false]) TripPolicy.record(tally, policy, 5, failed, false)
    const before = JSON.stringify(tally)
    expect(TripPolicy.rates(tally, policy, 99).failureRate).toBe(0.5)
    expect(TripPolicy.rates(tally, policy, 100).failureRate).toBeUndefined()
    expect(JSON.stringify(tally)).toBe(before)
  })
})

describe("any sequence of calls", () => {
  const Calls = Arbitrary.array(Arbitrary.schema(Schema.Literals(["good", "failed", "slow", "slow failure"])), {
    maxLength: 60
  })
  const Small = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 8 }))
  const Rate = Schema.Literals([0.1, 0.25, 0.5, 0.6, 1, 2])

  it.prop(
    "trips a rate policy at the first bad call by which the last calls say so",
    { calls: Calls, size: Small, minimumCalls: Small, failureRate: Rate, slowCallRate: Rate },
    ({ calls, failureRate, minimumCalls, size, slowCallRate }) => {
      const policy = { ...rate, window: { kind: "count", size }, minimumCalls, failureRate, slowCallRate } as const
      const index = calls.findIndex((call, i) => {
        const recent = calls.slice(Math.max(0, i + 1 - size), i + 1)
        if (call === "good" || recent.length < minimumCalls) return false
        const share = (is: (call: Call) => boolean): number => recent.filter(is).length / recent.length
        return share(isFailed) >= failureRate || share(isSlow) >= slowCallRate
      })
      expect(tripsAfter(policy, calls)).toBe(index === -1 ? undefined : index + 1)
    },
    { arbitrary: { runs: 500, seed: 3, size: 60 } }
  )
})
