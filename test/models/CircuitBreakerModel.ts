/**
 * A circuit breaker with a circuit for each key: the naive one, a mode, operators, and the counts of all of them together.
 */
import { CircuitBreaker } from "../../src/index.ts"
import * as Naive from "./NaiveBreaker.ts"
import { Agenda, type Entry } from "./support/Agenda.ts"
import { type Behaviour, behaviourOf, type Call, endOfBehaviour, millisOf, plain } from "./support/Call.ts"
import { CHANCE, type Model, type Reference } from "./support/Model.ts"

interface Plan {
  readonly options: CircuitBreaker.MakeOptions
  readonly settings: Naive.Settings
  /** A call that takes longer is slow. */
  readonly slowMillis: number
  readonly hasKeys: boolean
}

/** The options that change while it runs. */
interface Changes {
  readonly openDuration?: number
  readonly retryAfterMax?: number
  readonly consecutiveFailures?: number
  readonly failureRate?: number
  readonly probes?: number
  readonly successesToClose?: number
  readonly probeTimeout?: number
}

type Order =
  | { readonly _tag: "reset" | "trip" | "isolate" }
  | { readonly _tag: "isolateWith"; readonly by: string; readonly duration: number }
  | { readonly _tag: "release"; readonly by: string }
  | { readonly _tag: "setMode"; readonly mode: CircuitBreaker.Mode }
  | { readonly _tag: "reconfigure"; readonly changes: Changes }

interface Circuit {
  readonly isMain: boolean
  /** A key has no circuit before somebody calls with it. */
  isUsed: boolean
  naive: Naive.NaiveBreaker
  /** How many orders for all circuits it has heard of. */
  heard: number
}

interface Running {
  readonly call: Call
  readonly behaviour: Behaviour
  readonly startedAt: number
  readonly circuit: Circuit
  /** Nothing for a call that passes without being admitted; a disabled breaker does not even see it. */
  readonly permit: Naive.Running | undefined
  readonly isSeen: boolean
  end: Entry | undefined
}

const changedBy = (settings: Naive.Settings, changes: Changes): Naive.Settings => {
  const { openMillis, hintMaxMillis, tripPolicy } = settings
  return {
    ...settings,
    openMillis: changes.openDuration ?? openMillis,
    hintMaxMillis: changes.retryAfterMax ?? hintMaxMillis,
    probes: changes.probes ?? settings.probes,
    successesToClose: changes.successesToClose ?? settings.successesToClose,
    probeMillis: changes.probeTimeout ?? settings.probeMillis,
    tripPolicy:
      tripPolicy.kind === "consecutive"
        ? { ...tripPolicy, failures: changes.consecutiveFailures ?? tripPolicy.failures }
        : { ...tripPolicy, failureRate: changes.failureRate ?? tripPolicy.failureRate }
  }
}

type Change = (naive: Naive.NaiveBreaker) => Naive.NaiveBreaker

/** An order for all circuits. A trip adds to what was ordered before it; every other order makes that void. */
interface AllCircuits {
  readonly at: number
  readonly isTrip: boolean
  readonly change: Change
  /** It is told once what it does, by the first circuit that it changes. */
  isTold: boolean
}

/** Several, because they only matter in the middle of a round. */
const probeChanges: ReadonlyArray<Changes> = [
  { probes: 1, successesToClose: 1 },
  { probes: 2, successesToClose: 1 },
  { probes: 3, successesToClose: 2 },
  { probes: 3, successesToClose: 3 }
]

const KEYS = [undefined, "a", "b"]

export class CircuitBreakerModel implements Reference<Order> {
  readonly story: Array<string> = []
  private readonly agenda = new Agenda()
  private readonly running = new Map<number, Running>()
  private readonly circuits = new Map<string | undefined, Circuit>(
    KEYS.map((key) => [key, { isMain: key === undefined, isUsed: false, naive: Naive.start(0), heard: 0 }])
  )
  private readonly totals = {
    successes: 0,
    failures: 0,
    ignored: 0,
    slowCalls: 0,
    late: 0,
    rejections: 0,
    wouldReject: 0,
    transitions: 0
  }
  private readonly isolations = new Map<string, number>()
  private readonly orders: Array<AllCircuits> = []
  private mode: CircuitBreaker.Mode = "enforce"
  private settings: Naive.Settings
  private readonly slowMillis: number
  private names = 0

  constructor({ settings, slowMillis }: Plan) {
    this.settings = settings
    this.slowMillis = slowMillis
  }

  call(call: Call): void {
    const circuit = this.circuits.get(call.key)!
    if (this.mode === "disabled") return this.begin(call, circuit, undefined, false)
    circuit.isUsed = true
    this.touch(circuit)
    const [naive, answer] = Naive.begin(circuit.naive, this.settings, this.now, ++this.names)
    if (typeof answer !== "number") {
      this.move(circuit, naive)
      return this.begin(call, circuit, answer, true)
    }
    if (this.mode === "observe") {
      this.totals.wouldReject++
      return this.begin(call, circuit, undefined, true)
    }
    this.totals.rejections++
    const after = answer === Infinity ? "" : `, after ${Math.ceil(answer)} ms`
    this.tell(call, `: CircuitBreakerOpenError(prices, ${naive.phase}${after})`)
  }

  interrupt(id: number): void {
    const run = this.running.get(id)
    if (run === undefined) return
    this.agenda.cancel(run.end)
    this.settleCall(run, "Ignored", 0)
    this.finish(run, "interrupted")
  }

  advance(millis: number): void {
    this.agenda.advance(millis)
  }

  obey(order: Order): void {
    switch (order._tag) {
      case "trip": {
        const { now, settings } = this
        return this.order((naive) => Naive.trip(naive, settings, now, CHANCE), true)
      }
      case "reset":
        this.isolations.clear()
        return this.order(this.byIsolations())
      case "isolate":
        this.isolations.set("", Infinity)
        return this.order(this.byIsolations())
      case "isolateWith":
        this.isolations.set(order.by, this.now + order.duration)
        return this.order(this.byIsolations())
      case "release": {
        const until = this.isolations.get(order.by) ?? 0
        if (until <= this.now) return
        this.isolations.delete(order.by)
        return this.order(this.byIsolations())
      }
      case "setMode":
        this.mode = order.mode
        return
      case "reconfigure":
        this.settings = changedBy(this.settings, order.changes)
    }
  }

  snapshot(): unknown {
    return {
      ...this.totals,
      mode: this.mode,
      isolations: this.isolatedUntil().map(([by, until]) => [by, until === Infinity ? undefined : until - this.now]),
      circuits: KEYS.map((key) => this.shown(this.preview(this.circuits.get(key)!))),
      ...this.keyStates(),
      events: {
        failures: this.totals.failures,
        rejections: this.totals.rejections + this.totals.wouldReject,
        transitions: this.totals.transitions
      }
    }
  }

  /** One circuit of many whose open time is over turns nobody away, whether somebody asks it or not. */
  private keyStates() {
    const phaseOf = (circuit: Circuit): Naive.NaiveBreaker["phase"] => {
      const naive = this.preview(circuit)
      const isOver = naive.phase === "Open" && this.now >= naive.since + Naive.lastOpenTime(naive)
      return isOver && keyed.length > 0 ? "HalfOpen" : naive.phase
    }
    const keyed = [...this.circuits.values()].filter(({ isMain, isUsed }) => !isMain && isUsed)
    const phases = [this.circuits.get(undefined)!, ...keyed].map(phaseOf)
    return {
      keys: keyed.length,
      keysNotClosed: phases.slice(1).filter((phase) => phase !== "Closed").length,
      worstState: (["Isolated", "Open", "HalfOpen"] as const).find((phase) => phases.includes(phase)) ?? "Closed"
    }
  }

  private get now(): number {
    return this.agenda.now
  }

  private isolatedUntil(): ReadonlyArray<readonly [by: string, until: number]> {
    return [...this.isolations].filter(([, until]) => until > this.now)
  }

  private byIsolations(): Change {
    const all = this.isolatedUntil()
    const { now } = this
    if (all.length === 0) return (naive) => Naive.reset(naive, now)
    const until = Math.max(...all.map(([, until]) => until))
    return (naive) => Naive.isolate(naive, now, until)
  }

  /** The circuits of keys hear of it when they are looked at next. */
  private order(change: Change, isTrip = false): void {
    const main = this.circuits.get(undefined)!
    this.touch(main)
    const order = { at: this.now, isTrip, change, isTold: false }
    this.orders.push(order)
    this.touch(main)
    if (main.naive.phase === "Isolated") order.isTold = true
  }

  /** What a circuit is now that hears of everything that was ordered meanwhile, each thing at its time. */
  private hearing({ heard, naive }: Circuit, random: number): Naive.NaiveBreaker {
    const missed = this.orders.slice(heard)
    const order = missed.findLast(({ isTrip }) => !isTrip)
    const trip = missed.findLast(({ isTrip }) => isTrip)
    const isTripAlive = trip !== undefined && missed.at(-1) === trip
    let hearing = naive
    for (const { at, change, isTrip } of [order, isTripAlive ? trip : undefined].filter((one) => one !== undefined)) {
      hearing = Naive.passTime(hearing, this.settings, at, random)
      const changed = change(hearing)
      // A trip whose open time is over has turned nobody away.
      const isOver = isTrip && changed.phase === "Open" && this.now >= changed.since + Naive.lastOpenTime(changed)
      if (!isOver || hearing.phase === "Open") hearing = changed
    }
    return Naive.passTime(hearing, this.settings, this.now, random)
  }

  /** A look draws no jitter. */
  private preview(circuit: Circuit): Naive.NaiveBreaker {
    return this.hearing(circuit, 0)
  }

  /** What time and operators have decided happens first. */
  private touch(circuit: Circuit): void {
    const after = this.hearing(circuit, CHANCE)
    const order = circuit.heard === this.orders.length ? undefined : this.orders.at(-1)
    const isNews = order === undefined || !order.isTold
    if (order !== undefined && after.phase !== circuit.naive.phase) order.isTold = true
    circuit.heard = this.orders.length
    if (isNews) this.move(circuit, after)
    else circuit.naive = after
  }

  /** That the time of an isolation is over is told when somebody looks; who does is not specified, so its end is left out. */
  private move(circuit: Circuit, naive: Naive.NaiveBreaker): void {
    const isEndOfIsolation = circuit.naive.phase === "Isolated" && naive.phase === "Closed"
    if (naive.phase !== circuit.naive.phase && !isEndOfIsolation) this.totals.transitions++
    circuit.naive = naive
  }

  private begin(call: Call, circuit: Circuit, permit: Naive.Running | undefined, isSeen: boolean): void {
    const behaviour = behaviourOf(call, 1)
    const run: Running = { call, behaviour, startedAt: this.now, circuit, permit, isSeen, end: undefined }
    this.running.set(call.id, run)
    this.tell(call, ", attempt 1")
    if (behaviour.does === "hang") return
    run.end = this.agenda.after(behaviour.after, () => {
      const { does, failure } = behaviour
      if (does === "succeed") this.settleCall(run, "Success", 0)
      else if (does === "interrupt") this.settleCall(run, "Ignored", 0)
      else this.settleCall(run, "Failure", does === "die" ? 0 : failure.hint)
      this.finish(run, endOfBehaviour(behaviour))
    })
  }

  private settleCall({ circuit, isSeen, permit, startedAt }: Running, outcome: Naive.Outcome, hint: number): void {
    if (!isSeen) return
    this.touch(circuit)
    const slow = outcome !== "Ignored" && this.now - startedAt > this.slowMillis
    if (slow) this.totals.slowCalls++
    this.totals[outcome === "Success" ? "successes" : outcome === "Failure" ? "failures" : "ignored"]++
    if (permit === undefined) return
    if (!Naive.counts(circuit.naive, permit)) this.totals.late++
    this.move(circuit, Naive.finish(circuit.naive, this.settings, this.now, permit, outcome, slow, hint, CHANCE))
  }

  private finish(run: Running, end: string): void {
    this.running.delete(run.call.id)
    this.tell(run.call, `: ${end}`)
  }

  private tell({ id }: Call, what: string): void {
    this.story.push(`at ${this.now} call ${id}${what}`)
  }

  /** What the specification says that a snapshot shows. */
  private shown(naive: Naive.NaiveBreaker): unknown {
    const { tripPolicy } = this.settings
    const isClosed = naive.phase === "Closed"
    const calls = isClosed ? Naive.measured(naive, this.settings, this.now) : []
    const hasRate = tripPolicy.kind === "rate" && calls.length > 0 && calls.length >= tripPolicy.minimumCalls
    const rate = (isCounted: (call: Naive.Call) => boolean) =>
      hasRate ? calls.filter(isCounted).length / calls.length : undefined
    return {
      state: naive.phase,
      openings: naive.openTimes.length,
      failuresInRow: isClosed && tripPolicy.kind === "consecutive" ? calls.length : 0,
      failureRate: rate(({ failed }) => failed),
      slowCallRate: rate(({ slow }) => slow),
      probing: naive.probes.length,
      retryAfter:
        naive.phase === "Open" ? Math.ceil(Math.max(0, naive.since + Naive.lastOpenTime(naive) - this.now)) : undefined
    }
  }
}

export const circuitBreaker: Model<Plan, Order> = {
  policy: "circuit-breaker",
  waits: [1, 8, 20, 40, 64, 64, 100, 600],
  plan: (random) => {
    const probes = random.integer(1, 3)
    const successesToClose = random.integer(1, probes)
    const opening = {
      openDuration: 64,
      openDurationFactor: random.pick([1, 2]),
      openDurationMax: 200,
      openDurationJitter: random.pick([0, 0, 0.25]),
      retryAfterMax: random.pick([0, 96, 1_000]),
      probes,
      successesToClose,
      probeTimeout: random.pick([40, 128])
    }
    const consecutiveFailures = random.integer(1, 3)
    const size = random.integer(1, 8)
    const minimumCalls = random.integer(1, Math.min(3, size))
    const slowMillis = random.pick([Infinity, 10, 20])
    const rates = {
      minimumCalls,
      failureRate: random.pick([0.25, 0.5, 1]),
      ...(slowMillis === Infinity ? {} : { slowCallDuration: slowMillis, slowCallRate: random.pick([0.5, 1]) })
    }
    const window = random.pick(["consecutive", "count-window", "time-window"] as const)
    const options: CircuitBreaker.MakeOptions =
      window === "consecutive"
        ? { ...opening, consecutiveFailures }
        : window === "count-window"
          ? { ...opening, ...rates, tripPolicy: window, windowSize: size }
          : { ...opening, ...rates, tripPolicy: window, windowDuration: size * 20, windowBuckets: 2 }
    return {
      options,
      settings: {
        openMillis: opening.openDuration,
        openFactor: opening.openDurationFactor,
        openMaxMillis: opening.openDurationMax,
        openJitter: opening.openDurationJitter,
        hintMaxMillis: opening.retryAfterMax,
        probes,
        successesToClose,
        probeMillis: opening.probeTimeout,
        tripPolicy:
          window === "consecutive"
            ? { kind: "consecutive", failures: consecutiveFailures }
            : {
                kind: "rate",
                window:
                  window === "count-window"
                    ? { kind: "count", size }
                    : { kind: "time", durationMillis: size * 20, buckets: 2 },
                minimumCalls,
                failureRate: rates.failureRate,
                slowCallRate: rates.slowCallRate ?? Infinity
              }
      },
      slowMillis: window === "consecutive" ? Infinity : slowMillis,
      hasKeys: random.next() < 0.4
    }
  },
  palette: ({ hasKeys }) => ({
    ...plain,
    does: ["succeed", "succeed", "fail", "fail", "fail", "die", "fail and die", "interrupt", "hang"],
    after: [0, 0, 10, 11, 20, 21, 64],
    hints: [0, 80],
    keys: hasKeys ? KEYS : [undefined]
  }),
  order: (random, { settings }) =>
    random.pick<Order>([
      { _tag: "reset" },
      { _tag: "trip" },
      { _tag: "trip" },
      { _tag: "isolate" },
      { _tag: "isolateWith", by: random.pick(["", "ann", "bob"]), duration: random.pick([20, 64, Infinity]) },
      { _tag: "release", by: random.pick(["", "ann", "bob"]) },
      { _tag: "setMode", mode: random.pick(["enforce", "enforce", "observe", "disabled"]) },
      {
        _tag: "reconfigure",
        changes: random.pick<Changes>([
          ...probeChanges,
          { openDuration: random.pick([32, 64, 128]) },
          { retryAfterMax: random.pick([0, 40, 1_000]) },
          { probeTimeout: random.pick([20, 40, 128]) },
          settings.tripPolicy.kind === "consecutive"
            ? { consecutiveFailures: random.integer(1, 3) }
            : { failureRate: random.pick([0.25, 0.75]) }
        ])
      }
    ]),
  reference: (plan) => new CircuitBreakerModel(plan),
  real: ({ options }) => {
    const policy = CircuitBreaker.makeUnsafe({ service: "prices", ...options })
    return {
      parts: [policy],
      obey: (order) => {
        switch (order._tag) {
          case "isolateWith":
            return policy.isolateWith({ by: order.by, duration: order.duration })
          case "release":
            return policy.release(order.by)
          case "setMode":
            return policy.setMode(order.mode)
          case "reconfigure":
            return policy.reconfigure(order.changes)
          default:
            return policy[order._tag]
        }
      },
      snapshot: (now, events) => {
        const {
          failures,
          ignored,
          isolations,
          keys,
          keysNotClosed,
          late,
          mode,
          rejections,
          slowCalls,
          successes,
          transitions,
          worstState,
          wouldReject
        } = policy.snapshot(now)
        const told = (tag: string) => events().filter(({ _tag }) => _tag === tag)
        const moves = told("CircuitBreakerTransition").map(({ attributes: { from, to } }) => `${from} to ${to}`)
        const ends = moves.filter((move) => move === "Isolated to Closed").length
        return {
          successes,
          failures,
          ignored,
          slowCalls,
          late,
          rejections,
          wouldReject,
          transitions: transitions - ends,
          mode,
          isolations: isolations.map(({ by, remaining }) => [by, millisOf(remaining)]),
          circuits: KEYS.map((key) => {
            const { failureRate, failuresInRow, openings, probing, retryAfter, slowCallRate, state } = policy.snapshot(
              now,
              key
            )
            return {
              state,
              openings,
              failuresInRow,
              failureRate: failureRate._tag === "Some" ? failureRate.value : undefined,
              slowCallRate: slowCallRate._tag === "Some" ? slowCallRate.value : undefined,
              probing,
              retryAfter: millisOf(retryAfter)
            }
          }),
          keys,
          keysNotClosed,
          worstState,
          events: {
            failures: told("CircuitBreakerFailure").length,
            rejections: told("CircuitBreakerRejection").length,
            transitions: moves.length - ends
          }
        }
      }
    }
  }
}
