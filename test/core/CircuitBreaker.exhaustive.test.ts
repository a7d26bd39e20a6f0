import { describe, expect, it } from "@effect/vitest"
import * as CircuitBreaker from "../../src/core/CircuitBreaker.ts"
import { explore, type Scope } from "./support/explore.ts"

const success: CircuitBreaker.Observation = { outcome: "Success", slow: false, hintMillis: 0 }
const failure: CircuitBreaker.Observation = { ...success, outcome: "Failure" }
const ignored: CircuitBreaker.Observation = { ...success, outcome: "Ignored" }
const slow: CircuitBreaker.Observation = { ...success, slow: true }

const one: CircuitBreaker.Settings = {
  tripPolicy: { kind: "consecutive", failures: 2 },
  openMillis: 100,
  openFactor: 2,
  openMaxMillis: 300,
  openJitter: 0,
  hintMaxMillis: 250,
  probes: 1,
  successesToClose: 1,
  probeMillis: 60
}
const twoOfThree: CircuitBreaker.Settings = {
  ...one,
  probes: 3,
  successesToClose: 2,
  tripPolicy: { kind: "consecutive", failures: 1 }
}
const countWindow: CircuitBreaker.Settings = {
  ...one,
  tripPolicy: {
    kind: "rate",
    window: { kind: "count", size: 3 },
    minimumCalls: 2,
    failureRate: 2 / 3,
    slowCallRate: 1
  }
}
const timeWindow: CircuitBreaker.Settings = {
  ...one,
  openJitter: 0.5,
  tripPolicy: {
    kind: "rate",
    window: { kind: "time", durationMillis: 90, buckets: 3 },
    minimumCalls: 2,
    failureRate: 0.75,
    slowCallRate: 1
  }
}

const broad: Scope = {
  settings: one,
  results: [success, failure, ignored],
  waits: [30, 60, 100, 130],
  random: 0,
  depth: 10,
  mostCalls: 10,
  merges: true
}

const scopes: ReadonlyArray<readonly [name: string, scope: Scope]> = [
  ["one probe decides, two failures in a row trip", broad],
  ["two of three probes must succeed", { ...broad, settings: twoOfThree }],
  ["one of three probes must succeed", { ...broad, settings: { ...twoOfThree, successesToClose: 1 } }],
  ["all of two probes must succeed", { ...broad, settings: { ...twoOfThree, probes: 2 } }],
  [
    "few calls at once, but long enough to ignore ten probes in a row",
    { ...broad, settings: twoOfThree, waits: [100], mostCalls: 2, depth: 23 }
  ],
  [
    "a count window with slow calls",
    {
      ...broad,
      settings: countWindow,
      results: [success, failure, ignored, slow],
      waits: [60, 100],
      mostCalls: 3,
      depth: 9
    }
  ],
  [
    "a time window with slow calls, hints and jitter",
    {
      ...broad,
      settings: timeWindow,
      results: [success, { ...failure, hintMillis: 200 }, { ...failure, slow: true, hintMillis: 400 }, ignored],
      waits: [20, 30, 60, 100],
      random: 0.25,
      mostCalls: 3,
      depth: 8
    }
  ],
  ["no two interleavings taken for the same", { ...broad, settings: twoOfThree, depth: 5, merges: false }]
]

type Ending = CircuitBreaker.Observation | "lapse"

/** Admits calls into every free slot of a round. */
const fill = (state: CircuitBreaker.State, settings: CircuitBreaker.Settings, now: number): CircuitBreaker.State => {
  const admission = CircuitBreaker.admit(state, settings, now)
  return admission._tag === "Admitted" ? fill(admission.state, settings, now) : state
}

/** Ends every running probe of a round in one way. */
const finishAll = (
  state: CircuitBreaker.HalfOpen,
  settings: CircuitBreaker.Settings,
  now: number,
  ending: Ending
): CircuitBreaker.State =>
  ending === "lapse"
    ? CircuitBreaker.advance(state, settings, now + settings.probeMillis, 0)
    : state.round.running.reduce<CircuitBreaker.State>(
        (current, { id }) =>
          CircuitBreaker.record(current, settings, now, { generation: state.generation, probe: id }, ending, 0),
        state
      )

/** How often all slots must be filled and all probes ended until a half-open circuit has decided. */
const roundsToDecide = (
  state: CircuitBreaker.State,
  settings: CircuitBreaker.Settings,
  now: number,
  ending: Ending
): number => {
  if (state._tag !== "HalfOpen") return 0
  const full = fill(state, settings, now)
  if (full._tag !== "HalfOpen" || full.round.running.length === 0) throw new Error("no probe can decide")
  return 1 + roundsToDecide(finishAll(full, settings, now, ending), settings, now, ending)
}

/** All rounds that are undecided: successes, failures and running probes. */
const undecidedRounds = ({ mostCalls, settings }: Scope): ReadonlyArray<string> => {
  const rounds: Array<string> = []
  for (let successes = 0; successes < settings.successesToClose; successes++) {
    for (let failures = 0; failures <= settings.probes - settings.successesToClose; failures++) {
      const most = Math.min(settings.probes - successes - failures, mostCalls)
      for (let running = 0; running <= most; running++) rounds.push(`${successes} ${failures} ${running}`)
    }
  }
  return rounds.toSorted()
}

/** All changes that an event can make. */
const changes: ReadonlyArray<string> = [
  "Closed -> Closed by Start",
  "Closed -> Closed by Finish",
  "Closed -> Open by Finish",
  "Closed -> Closed by Renew",
  "Closed -> Closed by Reset",
  "Closed -> Open by Trip",
  "Closed -> Isolated by Isolate",
  "Open -> Open by Start",
  "Open -> HalfOpen by Start",
  "Open -> Open by Finish",
  "Open -> Open by Renew",
  "Open -> Closed by Reset",
  "Open -> Open by Trip",
  "Open -> Isolated by Isolate",
  "HalfOpen -> HalfOpen by Start",
  "HalfOpen -> Open by Start",
  "HalfOpen -> HalfOpen by Finish",
  "HalfOpen -> Open by Finish",
  "HalfOpen -> Closed by Finish",
  "HalfOpen -> HalfOpen by Renew",
  "HalfOpen -> Open by Renew",
  "HalfOpen -> Closed by Reset",
  "HalfOpen -> Open by Trip",
  "HalfOpen -> Isolated by Isolate",
  "Isolated -> Isolated by Start",
  "Isolated -> Isolated by Finish",
  "Isolated -> Isolated by Renew",
  "Isolated -> Closed by Reset",
  "Isolated -> Isolated by Trip",
  "Isolated -> Isolated by Isolate"
]

describe("every interleaving", () => {
  for (const [name, scope] of scopes) {
    const { settings } = scope

    it(`agrees with the naive breaker: ${name}`, () => {
      const seen = explore(scope, () => {})
      expect(seen.steps).toBeGreaterThan(10_000)
      if (scope.merges) expect([...seen.changes].toSorted()).toEqual(changes.toSorted())
    })

    it(`leads to a decision: ${name}`, () => {
      const rounds = new Set<string>()
      explore(scope, (reached, now) => {
        const state = CircuitBreaker.advance(reached, settings, now, 0)
        if (state._tag !== "HalfOpen") return
        const { failures, running, successes } = state.round
        rounds.add(`${successes} ${failures} ${running.length}`)
        for (const ending of [success, failure, "lapse"] as const) {
          expect(roundsToDecide(state, settings, now, ending)).toBe(1)
        }
        expect(roundsToDecide(state, settings, now, ignored)).toBeLessThanOrEqual(10)
      })
      if (scope.merges) expect([...rounds].toSorted()).toEqual(undecidedRounds(scope))
    })
  }
})
