import { describe, expect, it } from "@effect/vitest"
import { Arbitrary, Schema } from "effect"
import * as CircuitBreaker from "../../src/core/CircuitBreaker.ts"
import * as TripPolicy from "../../src/core/TripPolicy.ts"
import * as Pair from "./support/Pair.ts"
import { seeded } from "../../src/testing/internal/Seeded.ts"

const defaults: CircuitBreaker.Settings = {
  tripPolicy: { kind: "consecutive", failures: 3 },
  openMillis: 1_000,
  openFactor: 1,
  openMaxMillis: 60_000,
  openJitter: 0,
  hintMaxMillis: 5_000,
  probes: 1,
  successesToClose: 1,
  probeMillis: 400
}
const timeWindow: TripPolicy.TripPolicy = {
  kind: "rate",
  window: { kind: "time", durationMillis: 1_000, buckets: 4 },
  minimumCalls: 4,
  failureRate: 0.5,
  slowCallRate: 0.5
}
const twoOfThree: CircuitBreaker.Settings = { ...defaults, probes: 3, successesToClose: 2 }
const growing: CircuitBreaker.Settings = { ...defaults, openFactor: 2 }

const success: CircuitBreaker.Observation = { outcome: "Success", slow: false, hintMillis: 0 }
const failure: CircuitBreaker.Observation = { ...success, outcome: "Failure" }
const ignored: CircuitBreaker.Observation = { ...success, outcome: "Ignored" }
const slow: CircuitBreaker.Observation = { ...success, slow: true }
const hinted = (hintMillis: number): CircuitBreaker.Observation => ({ ...failure, hintMillis })

/** A circuit with a clock, used as the machine asks to be used: time first, then the event. */
class Circuit {
  readonly settings: CircuitBreaker.Settings
  now = 10_000
  random = 0.5
  state: CircuitBreaker.State

  constructor(settings: CircuitBreaker.Settings = defaults) {
    this.settings = settings
    this.state = CircuitBreaker.initial(settings)
  }
  wait(millis: number): this {
    this.now += millis
    this.state = CircuitBreaker.advance(this.state, this.settings, this.now, this.random)
    return this
  }
  admit(): CircuitBreaker.Admission {
    const admission = CircuitBreaker.admit(this.state, this.settings, this.now)
    this.state = admission.state
    return admission
  }
  start(): CircuitBreaker.Permit {
    const admission = this.admit()
    if (admission._tag === "Admitted") return admission.permit
    throw new Error(`rejected for ${admission.waitMillis}`)
  }
  finish(permit: CircuitBreaker.Permit, observation: CircuitBreaker.Observation): this {
    this.state = CircuitBreaker.record(this.state, this.settings, this.now, permit, observation, this.random)
    return this
  }
  call(observation: CircuitBreaker.Observation): this {
    return this.finish(this.start(), observation)
  }
  calls(...observations: ReadonlyArray<CircuitBreaker.Observation>): this {
    for (const observation of observations) this.call(observation)
    return this
  }
  trip(): this {
    this.state = CircuitBreaker.trip(this.state, this.settings, this.now, this.random)
    return this
  }
  reset(): this {
    this.state = CircuitBreaker.reset(this.state, this.settings)
    return this
  }
  isolate(until = CircuitBreaker.FOREVER): this {
    this.state = CircuitBreaker.isolate(this.state, until)
    return this
  }
  withdraw(permit: CircuitBreaker.Permit): this {
    this.state = CircuitBreaker.withdraw(this.state, this.settings, this.now, permit, this.random)
    return this
  }
  renew(permit: CircuitBreaker.Permit): this {
    this.state = CircuitBreaker.renew(this.state, this.settings, this.now, permit)
    return this
  }
  /** Lets enough calls fail to trip a closed circuit, or the probes of a half-open one. */
  fail(): this {
    while (this.state._tag === "Closed") this.call(failure)
    return this
  }
  /** Lets time pass until probes are possible. */
  waitForProbes(): this {
    return this.wait(this.openFor)
  }
  /** How much longer the circuit is open. */
  get openFor(): number {
    if (this.state._tag !== "Open") throw new Error(`not open but ${this.state._tag}`)
    return this.state.until - this.now
  }
  get round() {
    if (this.state._tag !== "HalfOpen") throw new Error(`not half-open but ${this.state._tag}`)
    return this.state.round
  }
  get waitMillis(): number {
    const admission = this.admit()
    return admission._tag === "Rejected" ? admission.waitMillis : 0
  }
}

/** A circuit in each state; the half-open one has a probe under way. */
const circuits: Record<CircuitBreaker.State["_tag"], (settings?: CircuitBreaker.Settings) => Circuit> = {
  Closed: (settings) => new Circuit(settings).calls(failure, failure),
  Open: (settings) => new Circuit(settings).trip(),
  HalfOpen: (settings) => {
    const circuit = new Circuit(settings).trip().waitForProbes()
    circuit.start()
    return circuit
  },
  Isolated: (settings) => new Circuit(settings).trip().isolate()
}
const tags = ["Closed", "Open", "HalfOpen", "Isolated"] as const

describe("a closed circuit", () => {
  it("admits every call without a change, however many are under way", () => {
    const circuit = new Circuit()
    const before = circuit.state
    const permits = Array.from({ length: 100 }, () => circuit.start())
    expect(circuit.state).toBe(before)
    expect(permits.at(-1)).toEqual({ generation: 0, probe: 0 })
  })

  it("opens at the last of the configured failures in a row, for the open time", () => {
    const circuit = new Circuit().calls(failure, failure)
    expect(circuit.state._tag).toBe("Closed")
    circuit.call(failure)
    expect(circuit.state._tag).toBe("Open")
    expect(circuit.openFor).toBe(1_000)
  })

  it("starts the row anew after a success", () => {
    const circuit = new Circuit().calls(failure, failure, success, failure, failure)
    expect(circuit.state._tag).toBe("Closed")
    expect(circuit.call(failure).state._tag).toBe("Open")
  })

  it("neither counts an ignored call nor lets it break a row of failures", () => {
    const circuit = new Circuit().calls(failure, ignored, failure, ignored, ignored)
    expect(circuit.state._tag).toBe("Closed")
    expect(circuit.call(failure).state._tag).toBe("Open")
  })

  it("is the same state after a result that changes nothing", () => {
    const circuit = new Circuit()
    const before = circuit.state
    expect(circuit.calls(success, ignored, slow).state).toBe(before)
  })

  it("is changed by a quick success as by its record, or not at all", () => {
    const none = new Circuit().state as CircuitBreaker.Closed
    expect(CircuitBreaker.succeed(none, defaults, 0)).toBe(none)
    const failed = new Circuit().call(failure).state as CircuitBreaker.Closed
    expect(CircuitBreaker.succeed(failed, defaults, 0)).toEqual({ ...failed, tally: 0 })
  })

  it("keeps ignored calls out of a window", () => {
    const tripPolicy = {
      kind: "rate",
      window: { kind: "count", size: 4 },
      minimumCalls: 2,
      failureRate: 0.5,
      slowCallRate: 2
    } as const
    const circuit = new Circuit({ ...defaults, tripPolicy }).calls(ignored, ignored, ignored, failure)
    expect(circuit.state._tag).toBe("Closed")
    expect(circuit.call(failure).state._tag).toBe("Open")
  })

  it("opens when a slow success reaches the slow-call rate", () => {
    const tripPolicy = {
      kind: "rate",
      window: { kind: "count", size: 4 },
      minimumCalls: 2,
      failureRate: 2,
      slowCallRate: 1
    } as const
    const circuit = new Circuit({ ...defaults, tripPolicy })
    expect(circuit.call(slow).state._tag).toBe("Closed")
    expect(circuit.call(slow).state._tag).toBe("Open")
  })

  it("has forgotten the failures from before it was open", () => {
    const circuit = new Circuit().fail().waitForProbes().calls(success, failure, failure)
    expect(circuit.state._tag).toBe("Closed")
  })
})

describe("an open circuit", () => {
  it("rejects with the time that is left, and stays the same", () => {
    const circuit = circuits.Open().wait(300)
    const before = circuit.state
    expect(circuit.admit()).toEqual({ _tag: "Rejected", state: before, waitMillis: 700 })
    expect(circuit.state).toBe(before)
  })

  it("ends exactly when its time is over", () => {
    const circuit = circuits.Open().wait(999)
    expect(circuit.waitMillis).toBe(1)
    expect(circuit.wait(1).admit()._tag).toBe("Admitted")
    expect(circuit.state._tag).toBe("HalfOpen")
  })

  it("turns half-open only when a call comes", () => {
    const circuit = circuits.Open()
    const before = circuit.state
    expect(circuit.wait(1_000_000).state).toBe(before)
  })

  it("takes no notice of calls that were admitted while it was closed", () => {
    const circuit = new Circuit()
    const permits = [circuit.start(), circuit.start()] as const
    const open = circuit.fail().state
    expect(circuit.finish(permits[0], hinted(4_000)).finish(permits[1], success).state).toBe(open)
  })
})

describe("a half-open circuit", () => {
  it("closes at the first success when one is enough", () => {
    expect(circuits.Open().waitForProbes().call(success).state._tag).toBe("Closed")
  })

  it("opens again at the first failure when all probes must succeed", () => {
    const circuit = circuits.Open().waitForProbes().call(failure)
    expect(circuit.openFor).toBe(1_000)
  })

  it("rejects calls beyond its slots until the first lease ends, and stays the same", () => {
    const circuit = circuits.Open(twoOfThree).waitForProbes()
    circuit.start()
    circuit.wait(100).start()
    circuit.start()
    const full = circuit.wait(50).state
    expect(circuit.admit()).toEqual({ _tag: "Rejected", state: full, waitMillis: 250 })
    expect(circuit.state).toBe(full)
  })

  it("closes as soon as there are enough successes, with a probe still under way", () => {
    const circuit = circuits.HalfOpen(twoOfThree).calls(success, success)
    expect(circuit.state._tag).toBe("Closed")
  })

  it("opens again as soon as the successes can no longer be reached, with a probe still under way", () => {
    const circuit = circuits.HalfOpen(twoOfThree).call(failure)
    expect(circuit.state._tag).toBe("HalfOpen")
    expect(circuit.call(failure).state._tag).toBe("Open")
  })

  it("closes in spite of a failure when enough slots are left", () => {
    expect(circuits.Open(twoOfThree).waitForProbes().calls(success, failure, success).state._tag).toBe("Closed")
  })

  it("takes no notice of a call that was admitted before it opened", () => {
    const circuit = new Circuit(twoOfThree)
    const early = circuit.start()
    circuit.fail().waitForProbes().start()
    const before = circuit.state
    expect(circuit.finish(early, success).finish(early, failure).state).toBe(before)
  })

  it("takes no notice of a second result of the same probe", () => {
    const circuit = circuits.Open(twoOfThree).waitForProbes()
    const probe = circuit.start()
    const once = circuit.finish(probe, success).state
    expect(circuit.finish(probe, success).state).toBe(once)
  })

  it("takes no notice of the probes of an earlier round", () => {
    const circuit = circuits.Open(twoOfThree).waitForProbes()
    const early = circuit.start()
    circuit.calls(failure, failure).waitForProbes().start()
    const before = circuit.state
    expect(circuit.finish(early, failure).state).toBe(before)
  })

  it("gives the slot of an ignored probe to the next call", () => {
    const circuit = circuits.Open().waitForProbes().call(ignored)
    expect(circuit.round.running).toEqual([])
    expect(circuit.call(success).state._tag).toBe("Closed")
  })

  it("takes a slow success for a failed probe", () => {
    expect(circuits.Open().waitForProbes().call(slow).openFor).toBe(1_000)
  })

  it("takes a slow result without a verdict for no verdict", () => {
    const circuit = circuits
      .Open()
      .waitForProbes()
      .call({ ...ignored, slow: true })
    expect(circuit.round).toMatchObject({ failures: 0, ignoredInRow: 1 })
  })

  it("opens again at the tenth probe in a row that is ignored", () => {
    const circuit = circuits.Open().waitForProbes()
    for (let i = 1; i <= 9; i++) expect(circuit.call(ignored).state._tag).toBe("HalfOpen")
    expect(circuit.call(ignored).openFor).toBe(1_000)
  })

  it("lengthens the next open time by the hint of the probe that failed", () => {
    expect(circuits.Open().waitForProbes().call(hinted(3_000)).openFor).toBe(3_000)
  })
})

describe("a probe's lease", () => {
  it("has lapsed at exactly its end, and the probe counts as failed", () => {
    const circuit = circuits.HalfOpen().wait(399)
    expect(circuit.state._tag).toBe("HalfOpen")
    expect(circuit.wait(1).state._tag).toBe("Open")
  })

  it("opens the circuit at the moment of its end, not when somebody notices", () => {
    expect(circuits.HalfOpen().wait(400 + 250).openFor).toBe(750)
  })

  it("lets the next round begin when even the open time after it is over", () => {
    const circuit = circuits.HalfOpen().wait(400 + 1_000)
    expect(circuit.call(success).state._tag).toBe("Closed")
  })

  it("makes a result after its end late", () => {
    const circuit = circuits.Open(twoOfThree).waitForProbes()
    const probe = circuit.start()
    const lapsed = circuit.wait(400).state
    expect(circuit.round).toEqual({ running: [], nextId: 2, successes: 0, failures: 1, ignoredInRow: 0 })
    expect(circuit.finish(probe, success).state).toBe(lapsed)
  })

  it("counts with all others that have ended, however late anybody looks", () => {
    const circuit = circuits.HalfOpen(twoOfThree)
    circuit.wait(100).start()
    circuit.wait(100).start()
    expect(circuit.wait(700).openFor).toBe(1_000 - 400)
  })

  it("counts with all others that have ended when the round goes on", () => {
    const settings = { ...twoOfThree, successesToClose: 1 }
    const circuit = circuits.HalfOpen(settings)
    circuit.start()
    circuit.wait(1).start()
    expect(circuit.wait(399).round).toMatchObject({ failures: 2, running: [{ id: 3 }] })
    expect(CircuitBreaker.advance(circuit.state, settings, circuit.now, 0)).toBe(circuit.state)
  })

  it("ends when the call is withdrawn, as if the probe had never been", () => {
    const circuit = circuits.HalfOpen({ ...twoOfThree, probes: 1, successesToClose: 1 })
    const permit = { generation: circuit.state.generation, probe: circuit.round.running[0]!.id }
    expect(circuit.waitMillis).toBeGreaterThan(0)
    const withdrawn = circuit.withdraw(permit).state
    expect(circuit.round).toMatchObject({ running: [], successes: 0, failures: 0 })
    expect(circuit.withdraw(permit).state).toBe(withdrawn)
    expect(circuit.call(success).state._tag).toBe("Closed")
    const closed = circuit.state
    expect(circuit.withdraw(circuit.start()).state).toBe(closed)
  })

  it("can begin anew, and then ends later", () => {
    const circuit = circuits.HalfOpen(twoOfThree)
    const permit = circuit.start()
    expect(
      circuit
        .wait(300)
        .renew(permit)
        .round.running.map(({ expiresAt }) => expiresAt - circuit.now)
    ).toEqual([100, 400])
    expect(circuit.finish(permit, success).round.successes).toBe(1)
  })

  it("that began anew counts after those that ended before it, however late anybody looks", () => {
    const circuit = circuits.Open({ ...twoOfThree, probes: 2, successesToClose: 1 }).waitForProbes()
    const first = circuit.start()
    circuit.wait(100).start()
    circuit.wait(200).renew(first)
    expect(circuit.wait(600).openFor).toBe(1_000 - 200)
  })

  it("does not begin anew once it has ended, nor without a probe", () => {
    const halfOpen = circuits.HalfOpen(twoOfThree)
    const permit = halfOpen.start()
    const lapsed = halfOpen.finish(permit, ignored).state
    expect(halfOpen.renew(permit).state).toBe(lapsed)
    const closed = circuits.Closed()
    const before = closed.state
    expect(closed.renew(closed.start()).state).toBe(before)
  })

  it("is no longer than configured for a probe that starts later in the round", () => {
    const circuit = circuits.HalfOpen(twoOfThree).wait(399)
    const second = circuit.start()
    expect(circuit.wait(399).round.failures).toBe(1)
    expect(CircuitBreaker.isCurrent(circuit.state, second)).toBe(true)
    expect(circuit.wait(1).state._tag).toBe("Open")
  })
})

describe("the open time", () => {
  it("grows by the factor with every opening", () => {
    const circuit = new Circuit(growing).trip()
    const times = [circuit.openFor]
    for (let i = 0; i < 3; i++) times.push(circuit.waitForProbes().call(failure).openFor)
    expect(times).toEqual([1_000, 2_000, 4_000, 8_000])
  })

  it("does not grow beyond its maximum", () => {
    const circuit = new Circuit({ ...growing, openMaxMillis: 3_000 }).trip()
    const times = [circuit.openFor]
    for (let i = 0; i < 3; i++) times.push(circuit.waitForProbes().call(failure).openFor)
    expect(times).toEqual([1_000, 2_000, 3_000, 3_000])
  })

  it("is the maximum when it is configured to be longer", () => {
    expect(new Circuit({ ...defaults, openMaxMillis: 500 }).trip().openFor).toBe(500)
  })

  it("stays finite after thousands of openings", () => {
    const circuit = new Circuit(growing)
    for (let i = 0; i < 3_000; i++) circuit.trip()
    expect(circuit.openFor).toBe(60_000)
  })

  it("grows on when the circuit trips before it was closed as long as it was open", () => {
    const circuit = new Circuit(growing).fail().waitForProbes().call(success).wait(999).fail()
    expect(circuit.openFor).toBe(2_000)
  })

  it("starts anew once the circuit was closed exactly as long as it was open the last time", () => {
    const circuit = new Circuit(growing).fail().waitForProbes().call(success).wait(1_000).fail()
    expect(circuit.openFor).toBe(1_000)
    expect(circuit.state.history.openings).toBe(1)
  })

  it("measures the quiet spell by the last open time, grown and hinted as it was", () => {
    const circuit = new Circuit(growing).trip().waitForProbes().call(hinted(4_500)).waitForProbes().call(success)
    expect(circuit.wait(4_499).fail().openFor).toBe(4_000)
  })

  it("counts the quiet spell from the close, not from the opening", () => {
    const circuit = new Circuit(growing).trip().wait(50_000).call(success).fail()
    expect(circuit.openFor).toBe(2_000)
  })

  it("does not take a long time in half-open for a quiet spell", () => {
    const circuit = new Circuit({ ...growing, probeMillis: 10_000 }).trip().waitForProbes()
    const probe = circuit.start()
    expect(circuit.wait(9_000).finish(probe, failure).openFor).toBe(2_000)
  })

  it.each([
    [0, 800],
    [0.5, 1_000],
    [0.75, 1_100]
  ])("is spread by its jitter to both sides (chance %d gives %d)", (random, expected) => {
    const circuit = new Circuit({ ...defaults, openJitter: 0.2 })
    circuit.random = random
    expect(circuit.trip().openFor).toBe(expected)
  })

  it.each([
    [0, 800],
    [0.5, 900],
    [0.75, 950]
  ])("is spread below its maximum once it has grown to it (chance %d gives %d)", (random, expected) => {
    const circuit = new Circuit({ ...growing, openMaxMillis: 1_000, openJitter: 0.2 }).trip().trip()
    circuit.random = random
    expect(circuit.trip().openFor).toBe(expected)
  })

  it("is never above its maximum nor below its share of it, whatever chance decides", () => {
    const { next } = seeded(1)
    const circuit = new Circuit({ ...growing, openMaxMillis: 5_000, openJitter: 0.3 })
    const times = Array.from({ length: 500 }, () => {
      circuit.random = next()
      return circuit.trip().openFor
    }).slice(3)
    expect(Math.max(...times)).toBeLessThanOrEqual(5_000)
    expect(Math.min(...times)).toBeGreaterThanOrEqual(3_500)
    expect(new Set(times).size).toBeGreaterThan(400)
  })
})

describe("a failure's hint", () => {
  it.each([
    ["lengthens the open time", 2_500, 2_500],
    ["does not shorten the open time", 500, 1_000],
    ["lengthens the open time up to the maximum", 90_000, 5_000]
  ])("%s", (_, hint, expected) => {
    expect(new Circuit().calls(failure, failure, hinted(hint)).openFor).toBe(expected)
  })

  it("may go beyond the maximum of the open time itself", () => {
    const circuit = new Circuit({ ...defaults, openMaxMillis: 2_000 }).calls(failure, failure, hinted(4_000))
    expect(circuit.openFor).toBe(4_000)
  })

  it("does not count when another failure opens the circuit", () => {
    expect(new Circuit().calls(hinted(4_000), failure, failure).openFor).toBe(1_000)
  })
})

describe("an operator", () => {
  it.each(tags)("resets from %s to a closed circuit without counts or history", (tag) => {
    const circuit = circuits[tag](growing)
    const before = circuit.state
    expect(circuit.wait(5).reset().state).toEqual({
      _tag: "Closed",
      generation: before.generation + 1,
      tally: TripPolicy.initial(defaults.tripPolicy),
      history: { openings: 0, openMillis: 0, closedAt: 0 }
    })
  })

  it.each(["Closed", "Open", "HalfOpen"] as const)("trips from %s for the whole open time", (tag) => {
    const circuit = circuits[tag]()
    const before = circuit.wait(300).state
    expect(circuit.trip().openFor).toBe(1_000)
    expect(circuit.state.generation).toBe(before.generation + 1)
  })

  it("lets a trip count as an opening", () => {
    expect(new Circuit(growing).trip().trip().openFor).toBe(2_000)
  })

  it.each(["Closed", "Open", "HalfOpen"] as const)("isolates from %s, and the history remains", (tag) => {
    const circuit = circuits[tag]()
    const { generation, history } = circuit.state
    expect(circuit.isolate().state).toEqual({
      _tag: "Isolated",
      until: CircuitBreaker.FOREVER,
      generation: generation + 1,
      history
    })
  })

  it("keeps a circuit isolated for any time, without a time to wait for", () => {
    const circuit = circuits.Isolated().wait(1_000_000_000)
    expect(circuit.waitMillis).toBe(Infinity)
    expect(circuit.state._tag).toBe("Isolated")
  })

  it("ends an isolation at exactly its time, with all counts and the history cleared", () => {
    const circuit = circuits.Open()
    circuit.isolate(circuit.now + 500)
    const { generation } = circuit.state
    expect(circuit.wait(499).waitMillis).toBe(1)
    expect(circuit.wait(1).state).toEqual({ ...CircuitBreaker.initial(defaults), generation: generation + 1 })
  })

  it("moves the end of an isolation, and the rest remains", () => {
    const circuit = circuits.Isolated()
    const before = circuit.state
    expect(circuit.isolate(circuit.now + 500).state).toEqual({ ...before, until: circuit.now + 500 })
  })

  it.each(["Open", "Isolated"] as const)("counts no call of an %s circuit, because there is none", (tag) => {
    const circuit = circuits[tag]()
    const before = circuit.state
    expect(circuit.finish({ generation: before.generation, probe: 0 }, failure).state).toBe(before)
  })

  it("changes nothing by tripping or isolating an isolated circuit", () => {
    const circuit = circuits.Isolated()
    const before = circuit.state
    expect(circuit.trip().isolate().state).toBe(before)
  })

  const commands: ReadonlyArray<readonly [string, (circuit: Circuit) => Circuit]> = [
    ["reset", (circuit) => circuit.reset()],
    ["trip", (circuit) => circuit.trip()],
    ["isolate", (circuit) => circuit.isolate()]
  ]
  for (const [name, command] of commands) {
    for (const tag of ["Closed", "HalfOpen"] as const) {
      it(`makes the calls of a ${tag} circuit late by ${name}`, () => {
        const circuit = circuits[tag](twoOfThree)
        const permit = circuit.start()
        const after = command(circuit).state
        expect(CircuitBreaker.isCurrent(after, permit)).toBe(false)
        expect(circuit.finish(permit, failure).finish(permit, success).state).toBe(after)
      })
    }
  }
})

describe("a permit", () => {
  it("counts until its probe has finished", () => {
    const circuit = circuits.Open(twoOfThree).waitForProbes()
    const [first, second] = [circuit.start(), circuit.start()]
    circuit.finish(first, success)
    expect([first, second].map((permit) => CircuitBreaker.isCurrent(circuit.state, permit))).toEqual([false, true])
  })

  it("counts through a closed circuit as long as the circuit stays closed, its tally changed or not", () => {
    const circuit = new Circuit()
    const permit = circuit.start()
    circuit.calls(failure, success, failure)
    expect(CircuitBreaker.isCurrent(circuit.state, permit)).toBe(true)
    expect(CircuitBreaker.isCurrent(circuit.fail().state, permit)).toBe(false)
  })

  it("of a call that was admitted before the circuit last closed does not count", () => {
    const circuit = new Circuit()
    const permit = circuit.start()
    const closed = circuit.fail().waitForProbes().call(success).state
    expect(circuit.finish(permit, failure).state).toBe(closed)
  })
})

describe("a state", () => {
  it.each(tags)("%s is the same after a journey through JSON", (tag) => {
    for (const settings of [twoOfThree, { ...defaults, tripPolicy: timeWindow }]) {
      const { state } = circuits[tag](settings)
      expect(JSON.parse(JSON.stringify(state), (_, value) => value ?? "lost")).toEqual(state)
    }
  })

  it.each(tags)("%s is not changed by time when time has decided nothing", (tag) => {
    const circuit = circuits[tag]()
    const before = circuit.state
    expect(CircuitBreaker.advance(before, circuit.settings, circuit.now + 1, 0)).toBe(before)
  })
})

const Rate = Schema.Literals([0.25, 0.5, 0.75, 1, 2])
const Small = (least: number, most: number) => Schema.Int.check(Schema.isBetween({ minimum: least, maximum: most }))
const Plan = Schema.Struct({
  trips: Schema.Literals(["consecutive", "count", "time"]),
  failures: Small(1, 4),
  size: Small(1, 20),
  buckets: Schema.Literals([1, 2, 4, 5]),
  minimumCalls: Small(1, 6),
  failureRate: Rate,
  slowCallRate: Rate,
  openFactor: Schema.Literals([1, 2]),
  openMaxMillis: Schema.Literals([64, 128, 512, 4096]),
  openJitter: Schema.Literals([0, 0.25, 0.5]),
  hintMaxMillis: Schema.Literals([0, 96, 1_000]),
  probes: Small(1, 5),
  successes: Small(1, 5),
  probeMillis: Schema.Literals([40, 128, 600])
})
const Step = Schema.Struct({
  event: Schema.Literals([
    "Start",
    "Start",
    "Start",
    "Success",
    "Failure",
    "Failure",
    "Ignored",
    "Wait",
    "Wait",
    "Rare"
  ]),
  which: Schema.Literals(["oldest", "newest"]),
  slow: Schema.Literals([false, false, true]),
  millis: Schema.Literals([0, 1, 8, 20, 40, 64, 100, 128, 600]),
  rare: Schema.Literals(["Reset", "Trip", "Isolate", "Reset"]),
  chance: Small(0, 63)
})

const settingsOf = (plan: typeof Plan.Type): CircuitBreaker.Settings => ({
  ...plan,
  openMillis: 64,
  successesToClose: Math.min(plan.successes, plan.probes),
  tripPolicy:
    plan.trips === "consecutive"
      ? { kind: "consecutive", failures: plan.failures }
      : {
          kind: "rate",
          window:
            plan.trips === "count"
              ? { kind: "count", size: plan.size }
              : { kind: "time", durationMillis: plan.size * 20, buckets: plan.buckets },
          minimumCalls: plan.minimumCalls,
          failureRate: plan.failureRate,
          slowCallRate: plan.slowCallRate
        }
})

const eventOf = ({ event, millis, rare, slow, which }: typeof Step.Type): Pair.Event => {
  if (event === "Start") return { _tag: "Start" }
  if (event === "Wait") return { _tag: "Wait", millis }
  if (event === "Rare") return { _tag: rare }
  return { _tag: "Finish", which, result: { outcome: event, slow, hintMillis: millis } }
}

describe("any sequence of events", () => {
  it.prop(
    "agrees with the naive breaker, whatever the settings",
    [Plan, Arbitrary.array(Arbitrary.schema(Step), { maxLength: 200 })],
    ([plan, steps]) => {
      const settings = settingsOf(plan)
      let pair = Pair.start(settings, 7)
      for (const step of steps) pair = Pair.step(pair, settings, eventOf(step), step.chance / 64)
    },
    { arbitrary: { runs: 500, seed: 1, size: 200 } }
  )
})

describe("a quick success through a closed circuit", () => {
  const policies: ReadonlyArray<TripPolicy.TripPolicy> = [
    { kind: "consecutive", failures: 3 },
    {
      kind: "rate",
      window: { kind: "count", size: 4 },
      minimumCalls: 4,
      failureRate: 1,
      slowCallRate: 1
    },
    {
      kind: "rate",
      window: { kind: "time", durationMillis: 100, buckets: 4 },
      minimumCalls: 4,
      failureRate: 1,
      slowCallRate: 1
    }
  ]
  it.each(policies)("comes to the same as its record: %j", (tripPolicy) => {
    const settings = { ...defaults, tripPolicy }
    const [short, long] = [new Circuit(settings), new Circuit(settings)]
    for (const observation of [failure, success, failure, failure, success, success]) {
      short.wait(30)
      long.wait(30).call(observation)
      if (observation === success && short.state._tag === "Closed") {
        short.state = CircuitBreaker.succeed(short.state, settings, short.now)
      } else short.call(observation)
      expect(short.state).toEqual(long.state)
    }
    expect(short.state._tag).toBe("Closed")
  })
})
