/**
 * The real circuit breaker and the naive one side by side: every event happens to both, and both must tell the same story.
 */
import * as CircuitBreaker from "../../../src/core/CircuitBreaker.ts"
import * as SlidingWindow from "../../../src/core/SlidingWindow.ts"
import * as NaiveBreaker from "../../models/NaiveBreaker.ts"

export type Event =
  | { readonly _tag: "Start" }
  | { readonly _tag: "Finish"; readonly which: "oldest" | "newest"; readonly result: CircuitBreaker.Observation }
  | { readonly _tag: "Renew"; readonly which: "oldest" | "newest" }
  | { readonly _tag: "Wait"; readonly millis: number }
  | { readonly _tag: "Reset" }
  | { readonly _tag: "Trip" }
  | { readonly _tag: "Isolate" }

export interface Call {
  readonly permit: CircuitBreaker.Permit
  readonly naive: NaiveBreaker.Running
}

export interface Pair {
  readonly now: number
  readonly real: CircuitBreaker.State
  readonly naive: NaiveBreaker.NaiveBreaker
  /** The calls that have not finished, in the order of their start. */
  readonly calls: ReadonlyArray<Call>
  readonly started: number
}

export const start = (settings: CircuitBreaker.Settings, now: number): Pair => ({
  now,
  real: CircuitBreaker.initial(settings),
  naive: NaiveBreaker.start(now),
  calls: [],
  started: 0
})

/** Fails with both stories when they differ. */
export const agree = (what: string, real: unknown, naive: unknown): void => {
  if (real !== naive) throw new Error(`${what}\n  real:  ${String(real)}\n  naive: ${String(naive)}`)
}

export const describe = (state: CircuitBreaker.State, settings: CircuitBreaker.Settings, now: number): string => {
  const history = `opened ${state.history.openings} times, last for ${state.history.openMillis}`
  switch (state._tag) {
    case "Isolated":
      return `Isolated, ${history}`
    case "Open":
      return `Open for ${Math.max(0, state.until - now)}, ${history}`
    case "HalfOpen": {
      const { failures, ignoredInRow, running, successes } = state.round
      const left = running.map((probe) => Math.max(-settings.openMaxMillis, probe.expiresAt - now))
      const results = `${successes} good, ${failures} bad, ${ignoredInRow} ignored in a row`
      return `HalfOpen, ${results}, running ${left.join(" ")}, ${history}`
    }
    case "Closed": {
      const quiet = Math.min(now - state.history.closedAt, state.history.openMillis)
      if (typeof state.tally === "number") {
        return `Closed for ${quiet}, ${state.tally} in a row, ${history}`
      }
      const { calls, failures, slowCalls } = SlidingWindow.counts(state.tally, now)
      return `Closed for ${quiet}, ${calls}/${failures}/${slowCalls}, ${history}`
    }
  }
}

/** One step of the real machine: a transition is a new generation, anything else is not. */
const checked = (before: CircuitBreaker.State, after: CircuitBreaker.State, isTransition: boolean) => {
  agree("generation", after.generation, before.generation + (isTransition ? 1 : 0))
  return after
}

/** Lets one event happen to both, and compares. Nobody looks at the breakers while time passes. */
export const step = (pair: Pair, settings: CircuitBreaker.Settings, event: Event, random: number): Pair => {
  if (event._tag === "Wait") return { ...pair, now: pair.now + event.millis }
  const { now } = pair
  const advanced = CircuitBreaker.advance(pair.real, settings, now, random)
  const passed = NaiveBreaker.passTime(pair.naive, settings, now, random)
  checked(pair.real, advanced, passed.era !== pair.naive.era)
  agree("what time did", describe(advanced, settings, now), NaiveBreaker.describe(passed, settings, now))
  if (CircuitBreaker.advance(advanced, settings, now, random) !== advanced) throw new Error("advance is not idempotent")
  const next = happen({ ...pair, real: advanced, naive: passed }, settings, event, random)
  checked(advanced, next.real, next.naive.era !== passed.era)
  agree("the state", describe(next.real, settings, now), NaiveBreaker.describe(next.naive, settings, now))
  return next
}

const happen = (
  pair: Pair,
  settings: CircuitBreaker.Settings,
  event: Exclude<Event, { readonly _tag: "Wait" }>,
  random: number
): Pair => {
  const { calls, naive, now, real, started } = pair
  switch (event._tag) {
    case "Reset":
      return { ...pair, real: CircuitBreaker.reset(real, settings), naive: NaiveBreaker.reset(naive, now) }
    case "Trip": {
      const tripped = CircuitBreaker.trip(real, settings, now, random)
      return { ...pair, real: tripped, naive: NaiveBreaker.trip(naive, settings, now, random) }
    }
    case "Isolate":
      return {
        ...pair,
        real: CircuitBreaker.isolate(real, CircuitBreaker.FOREVER),
        naive: NaiveBreaker.isolate(naive, now)
      }
    case "Start": {
      const admission = CircuitBreaker.admit(real, settings, now)
      const [after, answer] = NaiveBreaker.begin(naive, settings, now, started)
      if (admission._tag === "Rejected" || typeof answer === "number") {
        agree("the wait", admission._tag === "Rejected" ? admission.waitMillis : "admitted", answer)
        return { ...pair, real: admission.state, naive: after }
      }
      const call: Call = { permit: admission.permit, naive: answer }
      agree("a new call counts", CircuitBreaker.isCurrent(admission.state, call.permit), true)
      return { ...pair, real: admission.state, naive: after, calls: [...calls, call], started: started + 1 }
    }
    case "Renew": {
      const call = event.which === "oldest" ? calls[0] : calls.at(-1)
      if (call === undefined) return pair
      const renewed = CircuitBreaker.renew(real, settings, now, call.permit)
      return { ...pair, real: renewed, naive: NaiveBreaker.renew(naive, settings, now, call.naive) }
    }
    case "Finish": {
      const call = event.which === "oldest" ? calls[0] : calls.at(-1)
      if (call === undefined) return pair
      const { hintMillis, outcome, slow } = event.result
      const isCounted = NaiveBreaker.counts(naive, call.naive)
      agree("whether the call counts", CircuitBreaker.isCurrent(real, call.permit), isCounted)
      const recorded = CircuitBreaker.record(real, settings, now, call.permit, event.result, random)
      if (!isCounted) agree("a late result changes nothing", recorded === real, true)
      return {
        ...pair,
        real: recorded,
        naive: NaiveBreaker.finish(naive, settings, now, call.naive, outcome, slow, hintMillis, random),
        calls: calls.filter((one) => one !== call)
      }
    }
  }
}
