/**
 * Follows every interleaving of events to a depth, the real breaker and the naive one side by side.
 *
 * Two interleavings that lead to the same state, of both breakers and of all calls under way, have the same future, so
 * only one of them is followed further. The real state goes through JSON before every event.
 */
import * as CircuitBreaker from "../../../src/core/CircuitBreaker.ts"
import * as NaiveBreaker from "../../models/NaiveBreaker.ts"
import * as Pair from "./Pair.ts"

export interface Scope {
  readonly settings: CircuitBreaker.Settings
  readonly results: ReadonlyArray<CircuitBreaker.Observation>
  readonly waits: ReadonlyArray<number>
  readonly random: number
  readonly depth: number
  /** The most calls under way at once, those included whose result comes late. */
  readonly mostCalls: number
  /** Whether interleavings that lead to the same state are followed only once. */
  readonly merges: boolean
}

/** What an exploration has seen, so that a test can tell that it saw enough. */
export interface Seen {
  readonly states: number
  readonly steps: number
  readonly changes: ReadonlySet<string>
}

interface Visit {
  readonly pair: Pair.Pair
  readonly event: Pair.Event | undefined
  readonly from: Visit | undefined
}

const eventsOf = ({ results, waits }: Scope): ReadonlyArray<Pair.Event> => [
  { _tag: "Start" },
  ...results.map((result): Pair.Event => ({ _tag: "Finish", which: "oldest", result })),
  ...results.map((result): Pair.Event => ({ _tag: "Finish", which: "newest", result })),
  { _tag: "Renew", which: "oldest" },
  { _tag: "Renew", which: "newest" },
  ...waits.map((millis): Pair.Event => ({ _tag: "Wait", millis })),
  { _tag: "Reset" },
  { _tag: "Trip" },
  { _tag: "Isolate" }
]

const isPossible = (event: Pair.Event, calls: number, { mostCalls }: Scope): boolean => {
  if (event._tag === "Start") return calls < mostCalls
  return !("which" in event) || calls >= (event.which === "oldest" ? 1 : 2)
}

const freeze = <A>(value: A): A => {
  if (typeof value === "object" && value !== null) Object.values(Object.freeze(value)).forEach(freeze)
  return value
}

/** A copy that went through JSON. It is frozen, unless it holds a window, which is made to be changed. */
const copy = (state: CircuitBreaker.State): CircuitBreaker.State => {
  const read: CircuitBreaker.State = JSON.parse(JSON.stringify(state))
  return read._tag === "Closed" && typeof read.tally !== "number" ? read : freeze(read)
}

const periodOf = ({ tripPolicy }: CircuitBreaker.Settings): number =>
  tripPolicy.kind === "rate" && tripPolicy.window.kind === "time"
    ? tripPolicy.window.durationMillis / tripPolicy.window.buckets
    : 1

/** Everything that the future depends on. */
const keyOf = ({ calls, naive, now, real }: Pair.Pair, settings: CircuitBreaker.Settings): string => {
  const period = periodOf(settings)
  const bucket = Math.floor(now / period)
  let key = Pair.describe(real, settings, now)
  if (real._tag === "Closed" && typeof real.tally !== "number") {
    const window = real.tally
    key += Array.isArray(window)
      ? `|${window.join()}`
      : `|${window.ring.join()} ${bucket - window.head} ${now % (period * window.buckets)}`
    for (const { at, failed, slow } of NaiveBreaker.measured(naive, settings, now)) {
      key += `|${bucket - Math.floor(at / period)}${failed}${slow}`
    }
  }
  const nextProbe = real._tag === "HalfOpen" ? real.round.nextId : 0
  for (const { permit } of calls) {
    key += CircuitBreaker.isCurrent(real, permit) ? `|${permit.probe - nextProbe}` : "|late"
  }
  return key
}

const trailOf = (visit: Visit | undefined): string =>
  visit?.event === undefined ? "" : `${trailOf(visit.from)}\n  ${JSON.stringify(visit.event)}`

export const explore = (scope: Scope, atEachState: (state: CircuitBreaker.State, now: number) => void): Seen => {
  const { depth, random, settings } = scope
  const events = eventsOf(scope)
  const known = new Set<string>()
  const changes = new Set<string>()
  let steps = 0
  let level: Array<Visit> = [{ pair: Pair.start(settings, 0), event: undefined, from: undefined }]
  for (let i = 0; i < depth; i++) {
    const following: Array<Visit> = []
    for (const visit of level) {
      for (const event of events) {
        if (!isPossible(event, visit.pair.calls.length, scope)) continue
        steps++
        try {
          const pair = Pair.step({ ...visit.pair, real: copy(visit.pair.real) }, settings, event, random)
          if (event._tag !== "Wait") changes.add(`${visit.pair.real._tag} -> ${pair.real._tag} by ${event._tag}`)
          const key = keyOf(pair, settings)
          if (scope.merges && known.has(key)) continue
          known.add(key)
          atEachState(pair.real, pair.now)
          following.push({ pair, event, from: visit })
        } catch (error) {
          const trail = trailOf({ pair: visit.pair, event, from: visit })
          throw new Error(`${(error as Error).message}\nafter${trail}`, { cause: error })
        }
      }
    }
    level = following
  }
  return { states: known.size, steps, changes }
}
