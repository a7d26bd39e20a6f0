import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as ProbeRound from "../../src/core/ProbeRound.ts"

type Outcome = "Success" | "Failure" | "Ignored"

const settingsOf = (probes: number, successesToClose: number): ProbeRound.Settings => ({
  probes,
  successesToClose,
  probeMillis: 100
})

/** A round in which probes are started and finished at once, up to its verdict. */
const play = (settings: ProbeRound.Settings, outcomes: ReadonlyArray<Outcome>): string => {
  let round = ProbeRound.initial
  for (const [i, outcome] of outcomes.entries()) {
    const admission = ProbeRound.admit(round, settings, 0)
    if (admission._tag === "Rejected") return `Rejected after ${i}`
    const verdict = ProbeRound.record(admission.round, settings, admission.probe, outcome)
    if (verdict._tag !== "Undecided") return `${verdict._tag} after ${i + 1}`
    round = verdict.round
  }
  return "Undecided"
}

const admitted = (round: ProbeRound.ProbeRound, settings: ProbeRound.Settings, now: number): ProbeRound.ProbeRound => {
  const admission = ProbeRound.admit(round, settings, now)
  if (admission._tag === "Rejected") throw new Error("rejected")
  return admission.round
}

const [S, F, I] = ["Success", "Failure", "Ignored"] as const
const ignored = (times: number): ReadonlyArray<Outcome> => Array.from({ length: times }, () => I)

describe("the verdict of a round", () => {
  it.each([
    [1, 1, [S], "Close after 1"],
    [1, 1, [F], "Reopen after 1"],
    [3, 1, [S, F], "Close after 1"],
    [3, 1, [F, F, S], "Close after 3"],
    [3, 1, [F, F, F], "Reopen after 3"],
    [3, 2, [S, S, S], "Close after 2"],
    [3, 2, [F, F, S], "Reopen after 2"],
    [3, 2, [S, F, S], "Close after 3"],
    [3, 2, [S, F, F], "Reopen after 3"],
    [3, 3, [F, S, S], "Reopen after 1"],
    [3, 3, [S, S, S], "Close after 3"],
    [5, 3, [S, F, S, F], "Undecided"],
    [5, 3, [F, F, F], "Reopen after 3"],
    [2, 1, [F, I, I, S], "Close after 4"],
    [2, 2, [S, I, F], "Reopen after 3"]
  ] as const)(
    "comes as soon as it cannot change: %d probes, %d to close, %j: %s",
    (probes, toClose, outcomes, verdict) => {
      expect(play(settingsOf(probes, toClose), outcomes)).toBe(verdict)
    }
  )

  it("is to reopen at the tenth ignored probe in a row", () => {
    expect(play(settingsOf(1, 1), ignored(9))).toBe("Undecided")
    expect(play(settingsOf(1, 1), ignored(12))).toBe("Reopen after 10")
  })

  it.each([S, F])("is not hurried by ignored probes before a %s", (between) => {
    expect(play(settingsOf(3, 2), [...ignored(9), between, ...ignored(9)])).toBe("Undecided")
    expect(play(settingsOf(3, 2), [...ignored(9), between, ...ignored(10)])).toBe("Reopen after 20")
  })

  const Outcomes = Arbitrary.array(Arbitrary.schema(Schema.Literals([S, F, I])), { maxLength: 40 })
  const Size = Schema.Int.check(Schema.isBetween({ minimum: 1, maximum: 6 }))
  it.prop(
    "is always the one of the results so far, and every round has one in the end",
    [Size, Size, Outcomes],
    ([probes, toClose, outcomes]) => {
      const need = Math.min(probes, toClose)
      const verdictAfter = (n: number): string | undefined => {
        const results = outcomes.slice(0, n)
        const good = results.filter((one) => one === S).length
        const bad = results.filter((one) => one === F).length
        if (good >= need) return `Close after ${n}`
        if (good + (probes - good - bad) < need) return `Reopen after ${n}`
        return n >= 10 && results.slice(-10).every((one) => one === I) ? `Reopen after ${n}` : undefined
      }
      const expected = outcomes.map((_, i) => verdictAfter(i + 1)).find((verdict) => verdict !== undefined)
      expect(play(settingsOf(probes, need), outcomes)).toBe(expected ?? "Undecided")
    },
    { arbitrary: { runs: 500, seed: 2, size: 40 } }
  )
})

describe("a round's slots", () => {
  const settings = settingsOf(3, 2)

  it("are as many as configured, and each probe has a number of its own", () => {
    const round = admitted(admitted(admitted(ProbeRound.initial, settings, 5), settings, 6), settings, 7)
    expect(round.running).toEqual([
      { id: 1, expiresAt: 105 },
      { id: 2, expiresAt: 106 },
      { id: 3, expiresAt: 107 }
    ])
    expect(ProbeRound.admit(round, settings, 50)).toEqual({ _tag: "Rejected", waitMillis: 55 })
  })

  it.each([S, F])("stay taken after a %s", (outcome) => {
    const two = admitted(admitted(ProbeRound.initial, settings, 0), settings, 1)
    const verdict = ProbeRound.record(two, settings, 1, outcome)
    if (verdict._tag !== "Undecided") throw new Error(verdict._tag)
    const full = admitted(verdict.round, settings, 2)
    expect(ProbeRound.admit(full, settings, 3)).toEqual({ _tag: "Rejected", waitMillis: 98 })
  })

  it("come back after an ignored probe, with a new number for the next one", () => {
    const verdict = ProbeRound.record(admitted(ProbeRound.initial, settings, 0), settings, 1, I)
    if (verdict._tag !== "Undecided") throw new Error(verdict._tag)
    expect(verdict.round).toEqual({ ...ProbeRound.initial, nextId: 2, ignoredInRow: 1 })
    expect(ProbeRound.admit(verdict.round, settings, 9)).toMatchObject({ _tag: "Admitted", probe: 2 })
  })

  it("are given back by the probe that finished, and by no other", () => {
    const two = admitted(admitted(ProbeRound.initial, settings, 0), settings, 1)
    const verdict = ProbeRound.record(two, settings, 1, S)
    if (verdict._tag !== "Undecided") throw new Error(verdict._tag)
    expect(ProbeRound.isRunning(verdict.round, 1)).toBe(false)
    expect(ProbeRound.isRunning(verdict.round, 2)).toBe(true)
    expect(ProbeRound.isRunning(verdict.round, 3)).toBe(false)
  })
})

describe("a lease", () => {
  const settings = settingsOf(2, 1)
  const round = admitted(admitted(ProbeRound.initial, settings, 0), settings, 30)

  it("has not lapsed before its end", () => {
    expect(ProbeRound.lapsed(round, 99)).toBeUndefined()
  })

  it("has lapsed at its end", () => {
    expect(ProbeRound.lapsed(round, 100)).toEqual({ id: 1, expiresAt: 100 })
  })

  it("that ended first is the first to be told", () => {
    expect(ProbeRound.lapsed(round, 1_000)).toEqual({ id: 1, expiresAt: 100 })
  })

  it("that ended first is the first to be told, even if its probe began later", () => {
    const renewed = ProbeRound.renew(round, settings, 1, 60)
    expect(ProbeRound.lapsed(renewed, 1_000)).toEqual({ id: 2, expiresAt: 130 })
    expect(ProbeRound.lapsed(renewed, 130)).toEqual({ id: 2, expiresAt: 130 })
    expect(ProbeRound.lapsed(renewed, 129)).toBeUndefined()
  })

  it("that is renewed begins anew, and that of no other probe", () => {
    const renewed = ProbeRound.renew(round, settings, 1, 60)
    expect(renewed.running).toEqual([
      { id: 1, expiresAt: 160 },
      { id: 2, expiresAt: 130 }
    ])
  })
})
