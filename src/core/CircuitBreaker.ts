/**
 * The circuit breaker as a deterministic machine: time and chance are arguments, a transition is a value.
 *
 * **Details**
 *
 * Every admission carries the generation in which it was given; a result of an earlier generation changes nothing. Time
 * moves the machine only when it is asked: `advance` performs what the clock alone has decided, `admit` turns an open
 * circuit half-open when its time is over. A slow probe counts as failed: a circuit that opened for slowness must not close
 * on a slow answer.
 *
 * The pattern is Michael Nygard's ("Release It!", 2007); the fence by generation follows sony/gobreaker, the memory of
 * repeated openings Effect's own breaker.
 */
import * as OpenTime from "./OpenTime.ts"
import * as ProbeRound from "./ProbeRound.ts"
import * as TripPolicy from "./TripPolicy.ts"

/** Everything the machine needs to know; durations in milliseconds. */
export interface Settings extends ProbeRound.Settings, OpenTime.Settings {
  readonly tripPolicy: TripPolicy.TripPolicy
  /** The longest open time that a failure's own hint can ask for. */
  readonly hintMaxMillis: number
}

/**
 * How often the circuit has opened without a quiet spell in between, how long it was open the last time, and when it closed
 * after that.
 */
export interface OpenHistory {
  readonly openings: number
  readonly openMillis: number
  readonly closedAt: number
}

/** Calls pass and are measured. */
export interface Closed {
  readonly _tag: "Closed"
  readonly generation: number
  readonly tally: TripPolicy.Tally
  readonly history: OpenHistory
}

/** Calls are rejected until `until`. */
export interface Open {
  readonly _tag: "Open"
  readonly generation: number
  readonly until: number
  readonly history: OpenHistory
}

/** A few probes decide whether the circuit closes. */
export interface HalfOpen {
  readonly _tag: "HalfOpen"
  readonly generation: number
  readonly round: ProbeRound.ProbeRound
  readonly history: OpenHistory
}

/** An operator keeps the circuit open until it is reset, or until a time. */
export interface Isolated {
  readonly _tag: "Isolated"
  readonly until: number
  readonly generation: number
  readonly history: OpenHistory
}

/** The state of one circuit. */
export type State = Closed | Open | HalfOpen | Isolated

/** The right to make one call. `probe` is 0 for a call through a closed circuit. */
export interface Permit {
  readonly generation: number
  readonly probe: number
}

/** What a finished call says about the dependency. `hintMillis` is how long it asked to be left alone. */
export interface Observation {
  readonly outcome: "Success" | "Failure" | "Ignored"
  readonly slow: boolean
  readonly hintMillis: number
}

/** The answer to a caller. `waitMillis` is `Infinity` when no time is known. */
export type Admission =
  | { readonly _tag: "Admitted"; readonly state: State; readonly permit: Permit }
  | { readonly _tag: "Rejected"; readonly state: Exclude<State, Closed>; readonly waitMillis: number }

/** Stands for "never": a number, so that a state remains JSON. */
export const FOREVER = Number.MAX_SAFE_INTEGER

const NEVER_OPENED: OpenHistory = { openings: 0, openMillis: 0, closedAt: 0 }

/** A closed circuit without history. */
export const initial = (settings: Settings): State => close(settings, 0, NEVER_OPENED)

/**
 * Performs what is decided without a result: lapsed probes count as failed, other settings may need fewer of them, and an
 * isolation ends. Returns the same state when nothing is.
 */
export const advance = (state: State, settings: Settings, now: number, random: number): State => {
  if (state._tag === "Isolated") return now < state.until ? state : reset(state, settings)
  let current: State = state
  while (current._tag === "HalfOpen") {
    const probe = ProbeRound.lapsed(current.round, now)
    if (probe === undefined) return obey(current, settings, now, ProbeRound.decide(current.round, settings), 0, random)
    const verdict = ProbeRound.record(current.round, settings, probe.id, "Failure")
    current = obey(current, settings, probe.expiresAt, verdict, 0, random)
  }
  return current
}

/** Decides about one call. Call `advance` first. */
export const admit = (state: State, settings: Settings, now: number): Admission => {
  if (state._tag === "Closed") return { _tag: "Admitted", state, permit: { generation: state.generation, probe: 0 } }
  if (state._tag === "Isolated" || (state._tag === "Open" && now < state.until)) {
    return { _tag: "Rejected", state, waitMillis: state.until === FOREVER ? Infinity : state.until - now }
  }
  const halfOpen = state._tag === "Open" ? startRound(state) : state
  const admission = ProbeRound.admit(halfOpen.round, settings, now)
  if (admission._tag === "Rejected") return { ...admission, state }
  return {
    _tag: "Admitted",
    state: { ...halfOpen, round: admission.round },
    permit: { generation: halfOpen.generation, probe: admission.probe }
  }
}

/** Begins the lease of a probe anew. Call `advance` first: one that has lapsed stays so. */
export const renew = (state: State, settings: Settings, now: number, permit: Permit): State =>
  state._tag === "HalfOpen" && isCurrent(state, permit)
    ? { ...state, round: ProbeRound.renew(state.round, settings, permit.probe, now) }
    : state

/** Takes a call that was not made after all back: it says as little as one that is ignored. Call `advance` first. */
export const withdraw = (state: State, settings: Settings, now: number, permit: Permit, random: number): State =>
  state._tag === "HalfOpen" && isCurrent(state, permit)
    ? obey(state, settings, now, ProbeRound.record(state.round, settings, permit.probe, "Ignored"), 0, random)
    : state

/** Takes the result of an admitted call into account. Returns the same state when it changes nothing. */
export const record = (
  state: State,
  settings: Settings,
  now: number,
  permit: Permit,
  { hintMillis, outcome, slow }: Observation,
  random: number
): State => {
  if (!isCurrent(state, permit)) return state
  if (state._tag === "HalfOpen") {
    const result = slow && outcome === "Success" ? "Failure" : outcome
    const verdict = ProbeRound.record(state.round, settings, permit.probe, result)
    return obey(state, settings, now, verdict, hintMillis, random)
  }
  if (state._tag !== "Closed" || outcome === "Ignored") return state
  const tally = TripPolicy.record(state.tally, settings.tripPolicy, now, outcome === "Failure", slow)
  if (tally === undefined) return open(state, settings, now, hintMillis, random)
  return tally === state.tally ? state : { ...state, tally }
}

/** What {@link record} comes to for a quick success through a closed circuit. */
export const succeed = (state: Closed, { tripPolicy }: Settings, now: number): Closed => {
  const tally = TripPolicy.record(state.tally, tripPolicy, now, false, false)
  return tally === undefined || tally === state.tally ? state : { ...state, tally }
}

/** Whether a permit still counts: of the present generation and, for a probe, with its lease. */
export const isCurrent = (state: State, permit: Permit): boolean =>
  permit.generation === state.generation &&
  (state._tag !== "HalfOpen" || ProbeRound.isRunning(state.round, permit.probe))

/** Closed, with all counts and the history cleared. */
export const reset = (state: State, settings: Settings): State => close(settings, state.generation + 1, NEVER_OPENED)

/** Open for the configured time, as after one failure too many. An isolated circuit stays isolated. */
export const trip = (state: State, settings: Settings, now: number, random: number): Open | Isolated =>
  state._tag === "Isolated" ? state : open(state, settings, now, 0, random)

/** Open until a time, `FOREVER` for until reset. */
export const isolate = (state: State, until: number): State => {
  if (state._tag === "Isolated") return state.until === until ? state : { ...state, until }
  return { _tag: "Isolated", until, generation: state.generation + 1, history: state.history }
}

const close = (settings: Settings, generation: number, history: OpenHistory): Closed => ({
  _tag: "Closed",
  generation,
  tally: TripPolicy.initial(settings.tripPolicy),
  history
})

const startRound = ({ generation, history }: Open): HalfOpen => ({
  _tag: "HalfOpen",
  generation: generation + 1,
  round: ProbeRound.initial,
  history
})

/** A hint of the dependency lengthens the open time, never shortens it. */
const open = (state: State, settings: Settings, now: number, hintMillis: number, random: number): Open => {
  const { history } = state
  const quiet = state._tag === "Closed" && now - history.closedAt >= history.openMillis
  const openings = quiet ? 1 : history.openings + 1
  const openMillis = Math.max(OpenTime.millis(settings, openings, random), Math.min(hintMillis, settings.hintMaxMillis))
  const generation = state.generation + 1
  return { _tag: "Open", generation, until: now + openMillis, history: { ...history, openings, openMillis } }
}

const obey = (
  state: HalfOpen,
  settings: Settings,
  at: number,
  verdict: ProbeRound.Verdict,
  hintMillis: number,
  random: number
): State => {
  if (verdict._tag === "Reopen") return open(state, settings, at, hintMillis, random)
  if (verdict._tag === "Close") return close(settings, state.generation + 1, { ...state.history, closedAt: at })
  return verdict.round === state.round ? state : { ...state, round: verdict.round }
}
