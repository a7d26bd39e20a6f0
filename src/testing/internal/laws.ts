/**
 * All laws, and the first of them that a run breaks.
 */
import type { Command } from "./Command.ts"
import { problemOfEvents } from "./eventCounts.ts"
import type { Experiment } from "./Experiment.ts"
import { problemOfCounts } from "./flow.ts"
import { problemOfBudgets, problemOfDeadlines, problemOfPermits, problemOfProbes, problemOfTimeouts } from "./limits.ts"
import { problemOfCircuits, problemOfEnds, problemOfLostBudget, problemOfLostPermits } from "./recovery.ts"

/** What must be true at every moment. */
const ALWAYS = {
  "no permit is given twice": problemOfPermits,
  "no probe is lost": problemOfProbes,
  "a budget is never negative": problemOfBudgets,
  "a deadline never grows": problemOfDeadlines,
  "a limit ends what it limits": problemOfTimeouts
} as const

/** What must be true when everything is over. The last ones make calls of their own. */
const AT_REST = {
  "every call ends": problemOfEnds,
  "every call is counted once": problemOfCounts,
  "events and totals agree": problemOfEvents,
  "a budget loses nothing": problemOfLostBudget,
  "no permit is lost": problemOfLostPermits,
  "a half-open circuit decides": problemOfCircuits
} as const

/** The name of a law. */
export type Law = keyof typeof ALWAYS | keyof typeof AT_REST

/** A law that is broken, and how that shows. */
export interface Breach {
  readonly law: Law
  readonly reason: string
}

/** The first law that a run breaks. */
export const breach = (experiment: Experiment, commands: ReadonlyArray<Command>): Breach | undefined => {
  for (const command of commands) {
    experiment.perform(command)
    const broken = firstBroken(ALWAYS, experiment)
    if (broken !== undefined) return broken
  }
  experiment.rest()
  return firstBroken(ALWAYS, experiment) ?? firstBroken(AT_REST, experiment)
}

const firstBroken = (
  laws: Readonly<Partial<Record<Law, (experiment: Experiment) => string | undefined>>>,
  experiment: Experiment
): Breach | undefined => {
  for (const [law, problemOf] of Object.entries(laws)) {
    const reason = problemOf(experiment)
    if (reason !== undefined) return { law: law as Law, reason }
  }
  return undefined
}
