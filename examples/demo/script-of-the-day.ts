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

/** Turns `share` of the calls away, but only during the first `burstMillis` of every `everyMillis`. */
export interface Refusal {
  readonly status: number
  readonly share: number
  readonly everyMillis: number
  readonly burstMillis: number
  readonly retryAfterSeconds?: number
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
  readonly behaviour: (dayMillis: number) => Behaviour | undefined
}

const fast: Behaviour = { latencyMillis: [15, 45] }

const scenes: ReadonlyArray<Scene> = [
  { name: "healthy", story: "answers in 15 to 45 ms", share: 0.15, behaviour: () => fast },
  {
    name: "slow",
    story: "answers ten times slower",
    share: 0.12,
    behaviour: (day) => ({ latencyMillis: [day * 0.01, day * 0.02] })
  },
  {
    name: "503s",
    story: "refuses everything, in bursts",
    share: 0.14,
    behaviour: (day) => ({
      ...fast,
      refusal: { status: 503, share: 1, everyMillis: day * 0.035, burstMillis: day * 0.02 }
    })
  },
  {
    name: "529s",
    story: "overloaded: refuses four of five, says Retry-After: 1",
    share: 0.12,
    behaviour: (day) => ({
      ...fast,
      refusal: { status: 529, share: 0.8, everyMillis: day, burstMillis: day, retryAfterSeconds: 1 }
    })
  },
  {
    name: "hanging",
    story: "accepts connections and never answers",
    share: 0.17,
    behaviour: () => ({ ...fast, hangs: true })
  },
  { name: "dead", story: "process killed, nobody listens", share: 0.1, behaviour: () => undefined },
  { name: "recovered", story: "a new process answers in 15 to 45 ms", share: 0.2, behaviour: () => fast }
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
      behaviour: scene.behaviour(dayMillis)
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
 * provider, and the same for both sides of the comparison, which plain random numbers would not be.
 */
export const replyTo = (behaviour: Behaviour, sinceMillis: number, callNumber: number): Reply => {
  if (behaviour.hangs === true) return { _tag: "Hang" }
  const [fastest, slowest] = behaviour.latencyMillis
  const afterMillis = Math.round(fastest + (slowest - fastest) * spread(callNumber))
  const { refusal } = behaviour
  return refusal !== undefined &&
    sinceMillis % refusal.everyMillis < refusal.burstMillis &&
    spread(callNumber * 7) < refusal.share
    ? { _tag: "Refuse", afterMillis, refusal }
    : { _tag: "Answer", afterMillis }
}

const goldenRatio = 0.618_033_988_749_894_9

const spread = (callNumber: number): number => (callNumber * goldenRatio) % 1
