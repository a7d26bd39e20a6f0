/**
 * The day of the provider, as data: what happens when, and how a provider in that mood answers a call.
 *
 * Written down once because three parties follow it: the provider process plays it, the director starts and kills that
 * process by it, and the screen names what is going on. No clock and no randomness in here, so it is easy to test.
 */

/** How the provider treats its callers. Plain JSON: it travels to the provider's process. */
export interface Behaviour {
  readonly latencyMillis: readonly [fastest: number, slowest: number]
  /** Accepts the connection and never answers. */
  readonly hangs?: boolean
  readonly refusal?: Refusal
}

/** Turns calls away. */
export interface Refusal {
  readonly status: number
  /** How many of the calls, from 0 to 1. */
  readonly share: number
  readonly retryAfterSeconds?: number
  /** Only in the first `lengthMillis` of every `everyMillis`. */
  readonly burst?: { readonly everyMillis: number; readonly lengthMillis: number }
}

/** What the provider does with one call. */
export type Reply =
  | { readonly _tag: "Answer"; readonly afterMillis: number }
  | { readonly _tag: "Refuse"; readonly afterMillis: number; readonly refusal: Refusal }
  | { readonly _tag: "Hang" }

export interface Phase {
  /** Short enough for a column of the screen. */
  readonly name: string
  readonly story: string
  readonly startMillis: number
  readonly endMillis: number
  /** `undefined`: there is no process that could behave. */
  readonly behaviour: Behaviour | undefined
}

interface Scene {
  readonly name: string
  readonly story: string
  /** Its part of the day; the parts add up to 1. */
  readonly share: number
  readonly behaviour: Behaviour | undefined
}

/** How the day begins, and how it ends. */
export const healthy: Behaviour = { latencyMillis: [15, 45] }

const scenes: ReadonlyArray<Scene> = [
  { name: "healthy", story: "answers in 15 to 45 ms", share: 0.15, behaviour: healthy },
  {
    name: "slow",
    story: "answers five times slower",
    share: 0.12,
    behaviour: { latencyMillis: [75, 225] }
  },
  {
    name: "503s",
    story: "refuses everything, in bursts",
    share: 0.14,
    behaviour: { ...healthy, refusal: { status: 503, share: 1, burst: { everyMillis: 600, lengthMillis: 150 } } }
  },
  {
    name: "529s",
    story: "overloaded: refuses four of five, says Retry-After: 1",
    share: 0.12,
    behaviour: { ...healthy, refusal: { status: 529, share: 0.8, retryAfterSeconds: 1 } }
  },
  {
    name: "hanging",
    story: "accepts connections and never answers",
    share: 0.17,
    behaviour: { ...healthy, hangs: true }
  },
  { name: "dead", story: "process killed, nobody listens", share: 0.1, behaviour: undefined },
  { name: "recovered", story: "a new process answers in 15 to 45 ms", share: 0.2, behaviour: healthy }
]

/** The script, stretched over a day of `dayMillis`. */
export const planDay = (dayMillis: number): ReadonlyArray<Phase> => {
  let share = 0
  return scenes.map((scene) => {
    const startMillis = Math.round(share * dayMillis)
    share += scene.share
    return {
      name: scene.name,
      story: scene.story,
      startMillis,
      endMillis: Math.round(share * dayMillis),
      behaviour: scene.behaviour
    }
  })
}

/** The phase at a moment of the day; before the first and after the last one, the nearest. */
export const phaseAt = (plan: ReadonlyArray<Phase>, elapsedMillis: number): Phase =>
  plan.findLast((phase) => phase.startMillis <= elapsedMillis) ?? plan[0]!

/**
 * What happens to the `callNumber`-th call, `sinceMillis` after the behaviour began.
 *
 * The golden ratio spreads latencies and refusals evenly over any run of calls: irregular enough to look like a real
 * provider, and fair to both sides of the comparison, which plain random numbers would not be on every day.
 */
export const replyTo = (behaviour: Behaviour, sinceMillis: number, callNumber: number): Reply => {
  if (behaviour.hangs === true) return { _tag: "Hang" }
  const [fastest, slowest] = behaviour.latencyMillis
  const afterMillis = Math.round(fastest + (slowest - fastest) * spread(callNumber))
  const { refusal } = behaviour
  return refusal !== undefined && isOn(refusal, sinceMillis) && spread(callNumber * 7) < refusal.share
    ? { _tag: "Refuse", afterMillis, refusal }
    : { _tag: "Answer", afterMillis }
}

const isOn = ({ burst }: Refusal, sinceMillis: number): boolean =>
  burst === undefined || sinceMillis % burst.everyMillis < burst.lengthMillis

const goldenRatio = 0.618_033_988_749_894_9

const spread = (callNumber: number): number => (callNumber * goldenRatio) % 1
