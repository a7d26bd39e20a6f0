/**
 * Everything that can be done with a circuit breaker, whatever its state.
 */
import { Effect } from "effect"
import { CircuitBreaker, Outcome } from "../../../src/index.ts"
import { type Operation, same } from "../../support/sweep.ts"
import type { World } from "../../support/World.ts"
import * as Situation from "./situations.ts"

type Breaker = CircuitBreaker.CircuitBreaker
type Options = CircuitBreaker.OptionsInput
type State = "Closed" | "Open" | "HalfOpen" | "Isolated"

const makerOf = (options: Options = {}) =>
  Situation.maker(CircuitBreaker.Kind, {
    consecutiveFailures: Situation.FAILURES,
    openDuration: Situation.OPEN_MILLIS,
    probeTimeout: "1 hour",
    ...options
  })

/** Brings a new breaker into a state. */
const enter = (world: World, breaker: Breaker, state: State, key?: string): void => {
  if (state === "Isolated") world.get(breaker.isolate)
  else if (state === "Open") world.get(breaker.trip)
  else if (state === "HalfOpen") Situation.openThenWait(world, breaker, key)
}

interface Call {
  readonly name: string
  readonly state?: State
  readonly script?: ReadonlyArray<Situation.Step>
  readonly options?: Options
  readonly key?: string
  readonly classify?: Outcome.Classify
  /** Calls of the same breaker that go on at the same time. */
  readonly others?: ReadonlyArray<Situation.Step>
}

const RATES: Options = { tripPolicy: "count-window", minimumCalls: 1 }
const THREE_PROBES: Options = { probes: 3, successesToClose: 3 }
const OBSERVE: Options = { mode: "observe" }

const calls: ReadonlyArray<Call> = [
  { name: "closed" },
  { name: "closed, and the call fails", script: ["down"] },
  { name: "closed, and the call dies", script: ["bug"] },
  { name: "closed, and the call interrupts itself", script: ["interrupt"] },
  { name: "closed, and the call opens the circuit", script: ["down"], options: { consecutiveFailures: 1 } },
  { name: "closed, and another call opens the circuit", others: ["down"], options: { consecutiveFailures: 1 } },
  { name: "closed, with a key", key: "tenant" },
  { name: "closed, with a classifier", classify: () => Outcome.ignored },
  { name: "closed, and the call is slow", script: [100], options: { ...RATES, slowCallDuration: 50 } },
  { name: "closed, with a window of time", script: ["down"], options: { ...RATES, tripPolicy: "time-window" } },
  { name: "open", state: "Open" },
  { name: "open, with a key", state: "Open", key: "tenant" },
  { name: "isolated", state: "Isolated" },
  { name: "isolated, with a key", state: "Isolated", key: "tenant" },
  { name: "half-open", state: "HalfOpen" },
  { name: "half-open, and the probe fails", state: "HalfOpen", script: ["down"] },
  { name: "half-open, and the probe dies", state: "HalfOpen", script: ["bug"] },
  { name: "half-open, and the probe interrupts itself", state: "HalfOpen", script: ["interrupt"] },
  { name: "half-open, and the probe is ignored", state: "HalfOpen", classify: () => Outcome.ignored },
  {
    name: "half-open, and the lease of the probe ends",
    state: "HalfOpen",
    script: [100],
    options: { probeTimeout: 50 }
  },
  { name: "half-open, with a key", state: "HalfOpen", key: "tenant" },
  { name: "half-open, and another probe is under way", state: "HalfOpen", others: ["up"] },
  { name: "half-open, and another probe fails", state: "HalfOpen", others: ["down"] },
  { name: "half-open, in a round of three", state: "HalfOpen", others: ["up", "up"], options: THREE_PROBES },
  { name: "half-open, in a round of three that one loses", state: "HalfOpen", others: ["down"], options: THREE_PROBES },
  { name: "open, and the breaker observes", state: "Open", options: OBSERVE },
  { name: "half-open, and the breaker observes", state: "HalfOpen", options: OBSERVE },
  { name: "half-open, and the breaker observes another probe", state: "HalfOpen", others: ["up"], options: OBSERVE },
  { name: "closed, and the breaker is disabled", options: { mode: "disabled" } }
]

const callRow = ({
  classify,
  key,
  name,
  options = {},
  others = [],
  script = ["up"],
  state = "Closed"
}: Call): Operation => {
  const makeBreaker = makerOf(options)
  const isPlain = key === undefined && classify === undefined
  return {
    name: `circuit breaker, ${name}`,
    covers: [`circuit-breaker.${isPlain ? "execute" : "executeWith"}`],
    prepare: (world) => {
      const breaker = makeBreaker()
      enter(world, breaker, state, key)
      const work = new Situation.Work(...script)
      const elsewhere = new Situation.Work(...others)
      const before = totalOf(breaker)
      const through = (call: Effect.Effect<string, string>) =>
        isPlain ? breaker.execute(call) : breaker.executeWith({ key, classify })(call)
      const beside = new Situation.Others(world)
      const start = Effect.forEach(others, () => beside.start(through(elsewhere.call)), { discard: true })
      return {
        call: Effect.andThen(start, through(work.call)),
        end: beside.end,
        afterwards: (exit) => {
          work.rests()
          elsewhere.rests()
          const { mode } = breaker.snapshot(world.now)
          const counted = totalOf(breaker) - before
          const begun = mode === "disabled" ? 0 : work.begun + elsewhere.begun
          if (counted < begun || counted > 1 + others.length) {
            throw new Error(`${counted} calls are counted, and ${begun} have begun`)
          }
          if (exit._tag === "Success") same("calls that began", work.begun, 1)
          if (state === "Isolated") world.get(breaker.reset)
          if (mode !== "enforce") world.get(breaker.setMode("enforce"))
          Situation.decides(world, breaker, key)
        }
      }
    }
  }
}

/** The calls that a breaker has counted, whatever became of them. */
const totalOf = (breaker: Breaker): number => {
  const { failures, ignored, mode, rejections, successes } = breaker.snapshot(0)
  return successes + failures + ignored + (mode === "enforce" ? rejections : 0)
}

interface Command {
  readonly name: string
  readonly covers: string
  readonly run: (breaker: Breaker) => Effect.Effect<void>
  /** The states in which it may leave a circuit that was closed, open, half-open or isolated, when it was carried out. */
  readonly leads: Readonly<Record<State, State>>
}

const stays: Command["leads"] = { Closed: "Closed", Open: "Open", HalfOpen: "HalfOpen", Isolated: "Isolated" }
const to = (state: State): Command["leads"] => ({ Closed: state, Open: state, HalfOpen: state, Isolated: state })

const commands: ReadonlyArray<Command> = [
  { name: "reset", covers: "reset", run: (breaker) => breaker.reset, leads: to("Closed") },
  {
    name: "trip",
    covers: "trip",
    run: (breaker) => breaker.trip,
    leads: { ...to("Open"), Isolated: "Isolated" }
  },
  { name: "isolate", covers: "isolate", run: (breaker) => breaker.isolate, leads: to("Isolated") },
  {
    name: "isolate for a time",
    covers: "isolateWith",
    run: (breaker) => breaker.isolateWith({ by: "alice", duration: 100 }),
    leads: to("Isolated")
  },
  { name: "release", covers: "release", run: (breaker) => breaker.release(), leads: { ...stays, Isolated: "Closed" } },
  { name: "release of another", covers: "release", run: (breaker) => breaker.release("bob"), leads: stays },
  { name: "set the mode", covers: "setMode", run: (breaker) => breaker.setMode("observe"), leads: stays },
  {
    name: "reconfigure",
    covers: "reconfigure",
    run: (breaker) => breaker.reconfigure({ consecutiveFailures: Situation.FAILURES, mode: "enforce" }),
    leads: stays
  }
]

/** A command, while a call goes on that was let through before, and one that comes after. */
const commandRow = (command: Command, state: State, key: string | undefined): Operation => {
  const makeBreaker = makerOf()
  return {
    isVariant: key !== undefined,
    name: `circuit breaker, ${command.name} when ${state}${key === undefined ? "" : " with a key"}`,
    covers: [`circuit-breaker.${command.covers}`],
    prepare: (world) => {
      const breaker = makeBreaker()
      enter(world, breaker, state, key)
      const through = breaker.executeWith({ key })
      const stateNow = () => breaker.snapshot(world.now, key).state
      let before: State = stateNow()
      let after: State | undefined
      const beside = new Situation.Others(world)
      const observed = (keep: (state: State) => void) => Effect.sync(() => keep(stateNow()))
      const call = Effect.andThen(
        Effect.andThen(
          beside.start(through(Effect.never)),
          observed((now) => (before = now))
        ),
        Effect.andThen(
          command.run(breaker),
          observed((now) => (after = now))
        )
      )
      return {
        call: Effect.andThen(call, Effect.ignore(through(Effect.yieldNow))),
        end: beside.end,
        afterwards: () => {
          if (after !== undefined) same("state after the command", after, command.leads[before])
          const { isolations, mode } = breaker.snapshot(world.now, key)
          if (mode !== "enforce") world.get(breaker.setMode("enforce"))
          if (isolations.some(({ remaining }) => remaining._tag === "None")) world.get(breaker.reset)
          Situation.decides(world, breaker, key)
        }
      }
    }
  }
}

const STATES: ReadonlyArray<State> = ["Closed", "Open", "HalfOpen", "Isolated"]

export const operations: ReadonlyArray<Operation> = [
  ...calls.map(callRow),
  ...commands.flatMap((command) => STATES.map((state) => commandRow(command, state, undefined))),
  ...commands.flatMap((command) => STATES.map((state) => commandRow(command, state, "tenant")))
]
